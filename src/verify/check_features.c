/*
 * The five business-critical features, each exercised: chat, agent execution and performance
 * monitoring here; real-time updates and error recovery in check_features_live.c. The order and the
 * numbers of a run's first events are for `message_flow` to judge.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "verify/checks.h"
#include "verify/hearing.h"
#include "verify/metrics_text.h"
#include "verify/six_steps.h"

#define CHAT_PROMPT      "Where does our money go, and what could be cached?"
#define MONITOR_REQUESTS 10u
#define METRICS_WAIT_MS  700u /* some gauges are brought up to date twice a second */
#define TEXT_BYTES_MAX   ((size_t)1 << 20)
#define AGENTS_LEAST     3u

/* ---- chat ---- */

/* What the events of that message put together; one that was withdrawn has another id. */
static void put_together(const struct heard_run *run, struct str message_id, struct buf *out)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct heard_event *event = &run->events[i];

        if (str_equal(event->type, STR("TEXT_MESSAGE_CONTENT")) &&
            str_equal(event->id, message_id)) {
            buf_append(out, event->text);
        }
    }
}

static void judge_chat(struct inquiry *inquiry, const struct heard_run *run, const char *prompt)
{
    cleanup(answer_done) struct answer answer = {0};
    cleanup(buf_done) struct buf text;
    char path[INQUIRY_PATH_BYTES];
    bool has_question = false;
    bool has_answer = false;
    size_t count = 0;

    buf_init(&text, TEXT_BYTES_MAX);
    (void)snprintf(path, sizeof(path), "/api/threads/%s/messages", run->thread_id);
    (void)ask(inquiry, &(struct question){.path = path, .token = inquiry->work.token}, &answer);
    for (struct json_iterator it = json_iterate(json_at(answer.root, "items")); json_next(&it);) {
        struct str id = {0};
        struct str content = {0};

        count++;
        (void)json_get_str(json_at(it.value, "content"), &content);
        if (answer_is(it.value, "role", "user")) {
            has_question |= str_equal(content, str_from(prompt));
        } else if (json_get_str(json_at(it.value, "id"), &id)) {
            buf_clear(&text);
            put_together(run, id, &text);
            has_answer |= content.length > 0 && str_equal(content, buf_str(&text));
        }
    }
    (void)found(inquiry, "chat.question", has_question, "the prompt is a message of the thread",
                "HTTP %d, %zu messages%s", answer.what.status, count,
                has_question ? "" : ", none of them the prompt");
    (void)found(inquiry, "chat.answer", has_answer,
                "the answer is a message of the thread, word for word as the events told it",
                "HTTP %d, %zu messages%s", answer.what.status, count,
                has_answer ? "" : ", none of them what was told");
}

/* ---- agents ---- */

/* Names of events of one type, against the record's list, in their order. */
static bool are_alike(const struct heard_run *run, const char *type, struct json_value list)
{
    struct json_iterator it = json_iterate(list);

    for (size_t i = 0; i < run->count; i++) {
        if (!str_equal(run->events[i].type, str_from(type))) {
            continue;
        }
        struct str name = {0};
        bool has_ended = json_next(&it) && json_is(json_at(it.value, "finished_at"), JSON_STRING);

        if (!has_ended || !json_get_str(json_at(it.value, "name"), &name) ||
            !str_equal(name, run->events[i].name)) {
            return false;
        }
    }
    return !json_next(&it);
}

static void judge_agents(struct inquiry *inquiry, const struct heard_run *run)
{
    cleanup(answer_done) struct answer answer = {0};
    char path[INQUIRY_PATH_BYTES];
    size_t agents = hearing_count(run, "SUBAGENT_STARTED");
    size_t calls = hearing_count(run, "TOOL_CALL_START");

    (void)snprintf(path, sizeof(path), "/api/runs/%s", run->run_id);
    (void)ask(inquiry, &(struct question){.path = path, .token = inquiry->work.token}, &answer);
    (void)found(inquiry, "agents.work",
                agents >= AGENTS_LEAST && agents == hearing_count(run, "SUBAGENT_FINISHED") &&
                    are_alike(run, "SUBAGENT_STARTED", json_at(answer.root, "agents")),
                "agents begin and end, in the events and in the record alike",
                "%zu began, %zu ended, the record has %zu", agents,
                hearing_count(run, "SUBAGENT_FINISHED"),
                json_count(json_at(answer.root, "agents")));
    (void)found(inquiry, "agents.tools",
                calls > 0 && calls == hearing_count(run, "TOOL_CALL_RESULT") &&
                    are_alike(run, "TOOL_CALL_START", json_at(answer.root, "tool_calls")),
                "tools are called and give results, in the events and in the record alike",
                "%zu calls, %zu results, the record has %zu", calls,
                hearing_count(run, "TOOL_CALL_RESULT"),
                json_count(json_at(answer.root, "tool_calls")));
}

static void features_chat(struct inquiry *inquiry)
{
    struct heard_run run = {0};
    struct hearing hearing;
    bool has_finished =
        hearing_open(inquiry, &(struct heard_options){.token = inquiry->work.token}, &hearing) &&
        hearing_ask(
            &hearing,
            &(struct heard_request){.prompt = CHAT_PROMPT, .dataset = inquiry->work.dataset}, &run);

    hearing_close(&hearing);
    if (found(inquiry, "chat.run", has_finished, "a prompt is answered", "%s %s",
              heard_end_name(run.end), run.failure)) {
        judge_chat(inquiry, &run, CHAT_PROMPT);
        judge_agents(inquiry, &run);
    }
    heard_run_done(&run);
}

/* ---- performance monitoring ---- */

static bool read_metrics(struct inquiry *inquiry, struct answer *ret_answer)
{
    return ask(inquiry, &(struct question){.path = "/metrics"}, ret_answer) &&
           ret_answer->what.status == 200;
}

static double sum_of(const struct answer *answer, const char *name, const char *label,
                     const char *value, size_t *ret_matched)
{
    struct metric_label labels[] = {{label, value}};

    return metrics_sum(answer->what.body, name, labels, label ? 1 : 0, ret_matched);
}

static double moved(const struct answer *before, const struct answer *after, const char *name,
                    const char *label, const char *value)
{
    size_t matched = 0;

    return sum_of(after, name, label, value, &matched) -
           sum_of(before, name, label, value, &matched);
}

static void judge_form(struct inquiry *inquiry, const struct answer *answer)
{
    size_t series = 0;
    size_t bad_line = 0;
    size_t matched = 0;
    bool is_good = metrics_are_well_formed(answer->what.body, &series, &bad_line);

    (void)found(inquiry, "monitoring.metrics", is_good && series > 0, "OpenMetrics, whole",
                "%zu series, first line that is none: %zu", series, bad_line);
    double memory = sum_of(answer, "netra_resident_memory_bytes", NULL, NULL, &matched);
    double cpu = sum_of(answer, "netra_process_cpu_seconds_total", NULL, NULL, &matched);
    (void)found(inquiry, "monitoring.process", memory > 0 && cpu > 0,
                "memory and processor time of the process", "%.0f bytes, %.3f s", memory, cpu);
}

/* Somebody else may ask meanwhile: at least as many as ours. */
static void judge_requests(struct inquiry *inquiry, const struct answer *before,
                           const struct answer *after, double sent)
{
    double seen = moved(before, after, "netra_http_requests_total", "route", "/api/threads");

    (void)found(inquiry, "monitoring.requests", sent > 0 && seen >= sent,
                "requests are counted: each of ours", "%.0f sent, %.0f counted", sent, seen);
}

static void judge_runs(struct inquiry *inquiry, const struct answer *before,
                       const struct answer *after)
{
    double runs = moved(before, after, "netra_runs_total", "status", "finished");
    size_t steps = 0;

    for (unsigned i = 0; i < SIX_STEPS; i++) {
        steps += moved(before, after, "netra_run_step_duration_seconds_count", "step",
                       six_step_names[i]) >= 1;
    }
    (void)found(inquiry, "monitoring.runs", runs >= 1 && steps == SIX_STEPS,
                "a run and its six steps are counted", "%.0f runs, %zu of the steps", runs, steps);
}

static bool make_run(struct inquiry *inquiry)
{
    struct heard_run run = {0};
    struct hearing hearing;
    bool has_finished =
        hearing_open(inquiry, &(struct heard_options){.token = inquiry->work.token}, &hearing) &&
        hearing_ask(
            &hearing,
            &(struct heard_request){.prompt = CHAT_PROMPT, .dataset = inquiry->work.dataset}, &run);

    hearing_close(&hearing);
    heard_run_done(&run);
    return has_finished;
}

static void features_monitoring(struct inquiry *inquiry, const char *needs)
{
    cleanup(answer_done) struct answer before = {0};
    cleanup(answer_done) struct answer after = {0};
    const char *token = needs ? inquiry->options->token : inquiry->work.token;
    double sent = 0;

    bool is_read = read_metrics(inquiry, &before);
    if (!found(inquiry, "monitoring.readable", is_read, "HTTP 200", "HTTP %d",
               before.what.status)) {
        return;
    }
    judge_form(inquiry, &before);
    for (unsigned i = 0; i < MONITOR_REQUESTS; i++) { /* 401 without a token is counted, too */
        sent +=
            ask_status(inquiry, &(struct question){.path = "/api/threads?limit=1", .token = token},
                       inquiry->has_token ? 200 : 401);
    }
    bool has_run = !needs && make_run(inquiry);
    inquiry_pause_ms(inquiry, METRICS_WAIT_MS);
    if (read_metrics(inquiry, &after)) {
        judge_requests(inquiry, &before, &after, sent);
    }
    if (has_run) {
        judge_runs(inquiry, &before, &after);
    } else if (needs) {
        not_exercised(inquiry, "monitoring.runs", needs);
    }
}

void check_features(struct inquiry *inquiry)
{
    const char *needs = workplace_prepare(inquiry);

    if (needs) {
        static const char *const ids[] = {"chat", "agents", "real_time", "recovery"};

        for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
            not_exercised(inquiry, ids[i], needs);
        }
    } else {
        features_chat(inquiry);
        features_real_time(inquiry);
        features_cancel(inquiry);
        features_recovery(inquiry);
    }
    features_monitoring(inquiry, needs);
}
