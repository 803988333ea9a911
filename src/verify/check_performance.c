/*
 * The five targets, measured from outside as many times as was asked for. What each set measures is
 * written at its row below and in docs/operations.md; the only check that judges how long something
 * takes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "verify/checks.h"
#include "verify/hearing.h"
#include "verify/wire.h"

#define WARM_UP          10u
#define SAMPLES_DEFAULT  100u
#define MESSAGE_EVERY_MS 12u /* a WebSocket takes 100 messages/s */
#define FAILED_RUNS_MAX  3u
#define LATENCY_PROMPT   "How can we reduce costs by 20 % without slower answers?"

enum latency { API, WEBSOCKET, AGENT_STARTUP, MESSAGE_PROCESSING, WHOLE_REQUEST, LATENCY_COUNT };

static const struct {
    const char *name;
    double floor_ms;  /* p95 */
    double strict_ms; /* p99 */
} rows[LATENCY_COUNT] = {
    /* GET /api/threads with a token on a kept connection: first byte sent to last byte read */
    [API] = {"api", 100, 10},
    /* ping to pong */
    [WEBSOCKET] = {"websocket", 50, 2},
    /* RUN_STARTED (the run is accepted and stored) to the first SUBAGENT_STARTED, as they come */
    [AGENT_STARTUP] = {"agent_startup", 500, 5},
    /* the prompt is sent to STEP_FINISHED of message_validated: it is stored and understood */
    [MESSAGE_PROCESSING] = {"message_processing", 200, 20},
    /* the prompt is sent to the end of the run, and the report read at its address */
    [WHOLE_REQUEST] = {"whole_request", 1000, 250},
};

struct sampling {
    struct inquiry *inquiry;
    struct sample_set *sets[LATENCY_COUNT];
    unsigned wanted;
};

static struct sample_set *set_of(struct sampling *sampling, enum latency latency)
{
    struct inquiry *inquiry = sampling->inquiry;

    if (!sampling->sets[latency]) {
        inquiry_note(inquiry, evidence_sample_set(inquiry->evidence, rows[latency].name, WARM_UP,
                                                  &sampling->sets[latency]));
    }
    return sampling->sets[latency];
}

/* The first ones warm up and are not kept. */
static void take(struct sampling *sampling, enum latency latency, unsigned index, int64_t value_us)
{
    struct inquiry *inquiry = sampling->inquiry;
    struct sample_set *set = set_of(sampling, latency);

    if (set && index >= WARM_UP && !inquiry_is_over(inquiry)) {
        inquiry_note(inquiry, evidence_sample(inquiry->evidence, set, (double)value_us));
    }
}

static void judge(struct sampling *sampling, enum latency latency)
{
    struct inquiry *inquiry = sampling->inquiry;
    bool is_strict = inquiry->options->profile == VERIFY_STRICT;
    const struct sample_set *set = set_of(sampling, latency);

    if (set && !inquiry_is_over(inquiry)) {
        inquiry_note(inquiry,
                     evidence_target(inquiry->evidence, inquiry->check, set,
                                     is_strict ? rows[latency].strict_ms : rows[latency].floor_ms,
                                     is_strict ? "p99" : "p95"));
    }
}

/* ---- api ---- */

static void sample_api(struct sampling *sampling)
{
    struct inquiry *inquiry = sampling->inquiry;
    const char *token = inquiry->work.is_ready ? inquiry->work.token : inquiry->options->token;
    unsigned failed = 0;

    for (unsigned i = 0; i < sampling->wanted + WARM_UP && !inquiry_is_over(inquiry); i++) {
        cleanup(answer_done) struct answer answer = {0};

        inquiry_progress(inquiry, rows[API].name, i, sampling->wanted + WARM_UP);
        if (ask(inquiry, &(struct question){.path = "/api/threads?limit=20", .token = token},
                &answer) &&
            answer.what.status == 200) {
            take(sampling, API, i, answer.what.total_us);
        } else {
            failed++;
        }
    }
    (void)found(inquiry, "api.answers", failed == 0, "each request is answered with 200",
                "%u of %u were not", failed, sampling->wanted + WARM_UP);
    judge(sampling, API);
}

/* ---- websocket ---- */

static void sample_websocket(struct sampling *sampling)
{
    struct inquiry *inquiry = sampling->inquiry;
    const char *token = inquiry->work.is_ready ? inquiry->work.token : inquiry->options->token;
    struct hearing hearing;
    unsigned failed = 0;

    if (hearing_open(inquiry, &(struct heard_options){.token = token}, &hearing)) {
        for (unsigned i = 0; i < sampling->wanted + WARM_UP && !failed; i++) {
            int64_t value_us = hearing_ping(&hearing);

            inquiry_progress(inquiry, rows[WEBSOCKET].name, i, sampling->wanted + WARM_UP);
            failed += value_us < 0;
            if (value_us >= 0) {
                take(sampling, WEBSOCKET, i, value_us);
            }
            inquiry_pause_ms(inquiry, MESSAGE_EVERY_MS);
        }
    } else {
        failed = 1;
    }
    (void)found(inquiry, "websocket.answers", failed == 0, "each ping has its pong",
                failed ? "HTTP %d, and no pong" : "HTTP %d, and each had",
                hearing.handshake.status);
    hearing_close(&hearing);
    judge(sampling, WEBSOCKET);
}

/* ---- runs ---- */

static bool read_report(struct inquiry *inquiry, const struct heard_run *run)
{
    char path[INQUIRY_PATH_BYTES];

    (void)snprintf(path, sizeof(path), "/api/reports/%s.json", run->report_id);
    return ask_status(inquiry, &(struct question){.path = path, .token = inquiry->work.token}, 200);
}

/* One run is one sample of each; false: it was none. */
static bool sample_run(struct sampling *sampling, struct hearing *hearing, unsigned index)
{
    struct inquiry *inquiry = sampling->inquiry;
    struct heard_run run;
    bool is_whole = hearing_ask(hearing,
                                &(struct heard_request){.prompt = LATENCY_PROMPT,
                                                        .dataset = inquiry->work.dataset},
                                &run) &&
                    read_report(inquiry, &run);
    int64_t ended_us = wire_now_us();
    const struct heard_event *accepted = hearing_find(&run, "RUN_STARTED", NULL);
    const struct heard_event *agent = hearing_find(&run, "SUBAGENT_STARTED", NULL);
    const struct heard_event *validated = hearing_find(&run, "STEP_FINISHED", "message_validated");

    is_whole = is_whole && accepted && agent && validated;
    if (is_whole) {
        take(sampling, AGENT_STARTUP, index, agent->at_us - accepted->at_us);
        take(sampling, MESSAGE_PROCESSING, index, validated->at_us - run.sent_us);
        take(sampling, WHOLE_REQUEST, index, ended_us - run.sent_us);
    }
    heard_run_done(&run);
    return is_whole;
}

static void sample_runs(struct sampling *sampling)
{
    struct inquiry *inquiry = sampling->inquiry;
    unsigned failed = 0;
    struct hearing hearing;

    bool is_open =
        hearing_open(inquiry, &(struct heard_options){.token = inquiry->work.token}, &hearing);
    for (unsigned i = 0; is_open && i < sampling->wanted + WARM_UP && failed < FAILED_RUNS_MAX &&
                         !inquiry_is_over(inquiry);
         i++) {
        inquiry_progress(inquiry, rows[WHOLE_REQUEST].name, i, sampling->wanted + WARM_UP);
        if (!sample_run(sampling, &hearing, i)) {
            failed++;
            hearing_close(&hearing);
            is_open = hearing_open(inquiry, &(struct heard_options){.token = inquiry->work.token},
                                   &hearing);
        }
        inquiry_pause_ms(inquiry, MESSAGE_EVERY_MS); /* a run may take less */
    }
    hearing_close(&hearing);
    (void)found(inquiry, "runs.finish", is_open && failed == 0,
                "each run finishes and its report can be read", "%u did not", failed);
    for (int i = AGENT_STARTUP; i < LATENCY_COUNT; i++) {
        judge(sampling, (enum latency)i);
    }
}

void check_performance(struct inquiry *inquiry)
{
    const char *needs = workplace_prepare(inquiry);
    unsigned samples = inquiry->options->samples;
    struct sampling sampling = {.inquiry = inquiry, .wanted = samples ? samples : SAMPLES_DEFAULT};

    if (!inquiry->has_token) {
        for (int i = 0; i < LATENCY_COUNT; i++) {
            not_exercised(inquiry, rows[i].name, "a token that the deployment takes");
        }
        return;
    }
    sample_api(&sampling);
    sample_websocket(&sampling);
    if (!needs) {
        sample_runs(&sampling);
        return;
    }
    for (int i = AGENT_STARTUP; i < LATENCY_COUNT; i++) {
        not_exercised(inquiry, rows[i].name, needs);
    }
}
