/*
 * A question that nobody asked before, over a real WebSocket: are the six steps there, in order, in
 * the events and in the record; is the report about this question and these records; did it reach
 * us? The only check that judges the order and the numbers of a run's events.
 *
 * The prompt carries a percentage that differs from one verification to the next: an answer that
 * was made for another prompt does not have it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>

#include "verify/checks.h"
#include "verify/hearing.h"
#include "verify/six_steps.h"
#include "verify/wire.h"

#define PERCENT_LEAST 11
#define PERCENT_COUNT 18

struct flow {
    struct inquiry *inquiry;
    struct heard_run run;
    struct step_seen steps[SIX_STEPS];
    bool has_steps;
    int percent;
    char prompt[HEARD_PROMPT_BYTES];
};

static void make_prompt(struct flow *flow)
{
    flow->percent = PERCENT_LEAST + (int)(wire_wall_us() % PERCENT_COUNT);
    (void)snprintf(flow->prompt, sizeof(flow->prompt),
                   "I need to reduce costs by %d %% and improve latency by 2x; I also expect a 30 "
                   "%% increase in usage",
                   flow->percent);
}

/* ---- events ---- */

static void judge_events(struct flow *flow)
{
    struct inquiry *inquiry = flow->inquiry;
    const struct heard_run *run = &flow->run;
    char wrong[SIX_STEPS_WRONG_BYTES] = "";

    bool is_gapless = events_are_gapless(run->events, run->count, 1, wrong);
    (void)found(inquiry, "events.sequence", is_gapless, "each number from 1 on, once",
                is_gapless ? "%zu events%s" : "%zu events: %s", run->count, wrong);
    flow->has_steps = six_steps_in_events(run->events, run->count, flow->steps, wrong);
    for (unsigned i = 0; flow->has_steps && i < SIX_STEPS; i++) {
        char id[INQUIRY_ID_BYTES] = "";

        (void)snprintf(id, sizeof(id), "steps.%s", six_step_names[i]);
        (void)found(inquiry, id, true, "started and finished, in its place",
                    "%" PRId64 " us at the server; came %" PRId64 " us after the prompt was sent",
                    flow->steps[i].duration_us, flow->steps[i].finished_at_us - run->sent_us);
    }
    if (!flow->has_steps) {
        (void)found(inquiry, "steps", false, "six steps, each started and finished, in order", "%s",
                    wrong);
    }
}

static void judge_delivery(struct flow *flow)
{
    const struct heard_event *report = hearing_find(&flow->run, "ACTIVITY_SNAPSHOT", NULL);
    const struct heard_event *last =
        hearing_find(&flow->run, "STEP_FINISHED", "response_delivered");
    int64_t delivered_to = last ? last->delivered_to : -1;

    (void)found(flow->inquiry, "delivered", report && delivered_to >= 1,
                "the report's event comes, and the server counts us among those it went to",
                report ? "deliveredTo %" PRId64 "; received %" PRId64 " us after the prompt"
                       : "deliveredTo %" PRId64 "; no event of a report",
                delivered_to, report ? report->at_us - flow->run.sent_us : 0);
}

/* ---- the record ---- */

static void judge_record(struct flow *flow)
{
    struct inquiry *inquiry = flow->inquiry;
    cleanup(answer_done) struct answer answer = {0};
    char path[INQUIRY_PATH_BYTES];
    char said[INQUIRY_OBSERVED_BYTES] = "";
    char wrong[SIX_STEPS_WRONG_BYTES] = "";

    (void)snprintf(path, sizeof(path), "/api/runs/%s", flow->run.run_id);
    (void)ask(inquiry, &(struct question){.path = path, .token = inquiry->work.token}, &answer);
    answer_say(&answer, said);
    struct json_value run = answer.root;
    bool is_this = answer.what.status == 200 && answer_is(run, "id", flow->run.run_id) &&
                   answer_is(run, "prompt", flow->prompt) && answer_is(run, "status", "finished") &&
                   answer_is(run, "report_id", flow->run.report_id);
    if (!found(inquiry, "record", is_this, "the run with its prompt, finished, with its report",
               "%s", said)) {
        return;
    }
    bool is_same = flow->has_steps && six_steps_in_record(run, flow->steps, wrong);
    (void)found(inquiry, "record.steps", is_same,
                "the six steps of the events, with the same times", "%s",
                is_same           ? "the same"
                : flow->has_steps ? wrong
                                  : "the events had none");
}

/* ---- the report ---- */

/* The percentage of the prompt among the constraints that were understood. */
static bool is_understood(struct json_value report, int percent)
{
    struct json_value constraints = json_at(json_at(report, "interpretation"), "constraints");

    for (struct json_iterator it = json_iterate(constraints); json_next(&it);) {
        double value = 0;

        if (json_get_double(json_at(it.value, "value"), &value) && value > percent / 100.0 - 1e-6 &&
            value < percent / 100.0 + 1e-6) {
            return true;
        }
    }
    return false;
}

static void judge_content(struct flow *flow, struct json_value report)
{
    struct inquiry *inquiry = flow->inquiry;
    struct json_value facts = json_at(report, "facts");
    int64_t requests = answer_number(json_at(facts, "requests.total"), "value");
    bool is_ours = answer_is(report, "question", flow->prompt);

    (void)found(inquiry, "report.question", is_ours && is_understood(report, flow->percent),
                "the prompt, and its percentage understood",
                is_ours ? "the prompt; %d %% %s understood" : "another question (%d %% %s)",
                flow->percent, is_understood(report, flow->percent) ? "is" : "is not");
    (void)found(inquiry, "report.facts",
                json_count(facts) > 0 && requests == (int64_t)inquiry->work.records,
                "facts about the records of this verification",
                "%zu facts, %" PRId64 " of %" PRIu64 " records", json_count(facts), requests,
                inquiry->work.records);
}

static void judge_report(struct flow *flow)
{
    struct inquiry *inquiry = flow->inquiry;
    cleanup(answer_done) struct answer answer = {0};
    char path[INQUIRY_PATH_BYTES];
    char said[INQUIRY_OBSERVED_BYTES] = "";

    (void)snprintf(path, sizeof(path), "/api/reports/%s.json", flow->run.report_id);
    (void)ask(inquiry, &(struct question){.path = path, .token = inquiry->work.token}, &answer);
    answer_say(&answer, said);
    bool is_this = answer.what.status == 200 && answer_is(answer.root, "id", flow->run.report_id);
    if (found(inquiry, "report.readable", is_this, "the report with its id at its address",
              answer.what.status == 200 && !is_this ? "%s, of another report" : "%s", said)) {
        judge_content(flow, answer.root);
    }
}

static void judge_recompute(struct flow *flow)
{
    struct inquiry *inquiry = flow->inquiry;
    cleanup(answer_done) struct answer answer = {0};
    char path[INQUIRY_PATH_BYTES];

    (void)snprintf(path, sizeof(path), "/api/reports/%s/recompute", flow->run.report_id);
    (void)ask(inquiry,
              &(struct question){.method = "POST", .path = path, .token = inquiry->work.token},
              &answer);
    int64_t facts = answer_number(answer.root, "facts");
    int64_t different = answer_number(answer.root, "different");
    int64_t missing = answer_number(answer.root, "missing");
    (void)found(inquiry, "report.recompute",
                answer.what.status == 200 && facts > 0 && different == 0 && missing == 0,
                "every fact derived again from the records, none different",
                "HTTP %d: %" PRId64 " facts, %" PRId64 " different, %" PRId64 " missing",
                answer.what.status, facts, different, missing);
}

void check_message_flow(struct inquiry *inquiry)
{
    const char *needs = workplace_prepare(inquiry);
    struct flow flow = {.inquiry = inquiry};
    struct hearing hearing;

    if (needs) {
        not_exercised(inquiry, "six_steps", needs);
        return;
    }
    make_prompt(&flow);
    bool is_open =
        hearing_open(inquiry, &(struct heard_options){.token = inquiry->work.token}, &hearing);
    if (found(inquiry, "connection", is_open, "a WebSocket", "HTTP %d", hearing.handshake.status)) {
        bool has_finished = hearing_ask(
            &hearing,
            &(struct heard_request){.prompt = flow.prompt, .dataset = inquiry->work.dataset},
            &flow.run);

        (void)found(inquiry, "run", has_finished, "RUN_FINISHED with success", "%s%s%s",
                    heard_end_name(flow.run.end), flow.run.failure[0] ? ": " : "",
                    flow.run.failure);
        judge_events(&flow);
        judge_delivery(&flow);
    }
    hearing_close(&hearing);
    if (flow.run.run_id[0]) {
        judge_record(&flow);
    }
    if (flow.run.report_id[0]) {
        judge_report(&flow);
        judge_recompute(&flow);
    }
    heard_run_done(&flow.run);
}
