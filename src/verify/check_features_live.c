/*
 * What happens while a run works: events that come as it goes on, a stream that is taken up again
 * after a drop, a run that is stopped, a step that fails and is done again.
 *
 * A run is stopped for certain while it waits: the runs before it keep the places of this user
 * busy, so that it does not depend on who is faster.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>

#include "verify/checks.h"
#include "verify/hearing.h"
#include "verify/six_steps.h"

#define FEATURE_PROMPT     "How can we reduce costs by 20 % and improve latency?"
#define SEEN_BEFORE_DROP   5u
#define CANCEL_TRIES       5u
#define CROWD              8u /* runs ahead of the one that is cancelled */
#define RUN_POLLS          150u
#define RUN_POLL_MS        200u
#define SPREAD_SHARE_LEAST 0.25
#define SPREAD_TRIES       8u

static struct heard_request request_of(const struct inquiry *inquiry)
{
    return (struct heard_request){.prompt = FEATURE_PROMPT, .dataset = inquiry->work.dataset};
}

static bool open_hearing(struct inquiry *inquiry, struct hearing *ret_hearing)
{
    return hearing_open(inquiry, &(struct heard_options){.token = inquiry->work.token},
                        ret_hearing);
}

/* The run's record; waits until it has ended. */
static bool ended_record(struct inquiry *inquiry, const char *run_id, struct answer *ret_answer)
{
    char path[INQUIRY_PATH_BYTES];

    (void)snprintf(path, sizeof(path), "/api/runs/%s", run_id);
    for (unsigned i = 0; i < RUN_POLLS && !inquiry_is_over(inquiry); i++) {
        bool is_read = ask(inquiry, &(struct question){.path = path, .token = inquiry->work.token},
                           ret_answer) &&
                       ret_answer->what.status == 200;

        if (!is_read || json_is(json_at(ret_answer->root, "finished_at"), JSON_STRING)) {
            return is_read;
        }
        answer_done(ret_answer);
        inquiry_pause_ms(inquiry, RUN_POLL_MS);
    }
    *ret_answer = (struct answer){0};
    return false;
}

/* ---- as it works ---- */

/* How a run's events came, against how long the run took. */
struct spread_seen {
    size_t count, moments;
    int64_t came_us, worked_us;
};

static bool is_spread(const struct spread_seen *seen)
{
    return seen->worked_us > 0 && seen->moments > 1 &&
           (double)seen->came_us >= SPREAD_SHARE_LEAST * (double)seen->worked_us;
}

static void see_spread(struct inquiry *inquiry, const struct heard_run *run,
                       struct spread_seen *ret_seen)
{
    cleanup(answer_done) struct answer record = {0};

    *ret_seen = (struct spread_seen){.count = run->count, .moments = run->count > 0};
    for (size_t i = 1; i < run->count; i++) {
        ret_seen->moments += run->events[i].at_us != run->events[i - 1].at_us;
    }
    if (run->count) {
        ret_seen->came_us = run->events[run->count - 1].at_us - run->events[0].at_us;
    }
    (void)ended_record(inquiry, run->run_id, &record);
    ret_seen->worked_us =
        answer_time(record.root, "finished_at") - answer_time(record.root, "created_at");
}

/* ---- after a drop ---- */

/* A run of which the first few events are seen before the connection ends. */
static bool drop_early(struct inquiry *inquiry, struct heard_run *ret_run)
{
    struct heard_request request = request_of(inquiry);
    struct hearing hearing;
    bool is_begun = open_hearing(inquiry, &hearing) && hearing_start(&hearing, &request, ret_run);

    while (is_begun && ret_run->count < SEEN_BEFORE_DROP && hearing_next(&hearing, ret_run)) {
    }
    hearing_close(&hearing);
    return is_begun && ret_run->count == SEEN_BEFORE_DROP;
}

static void judge_rest(struct inquiry *inquiry, const struct heard_run *seen,
                       const struct heard_run *rest)
{
    cleanup(answer_done) struct answer record = {0};
    uint64_t last_seen = seen->events[seen->count - 1].seq;
    uint64_t last = rest->count ? rest->events[rest->count - 1].seq : 0;
    char wrong[SIX_STEPS_WRONG_BYTES] = "";

    (void)ended_record(inquiry, seen->run_id, &record);
    int64_t in_record = answer_number(record.root, "last_seq");
    bool is_rest = events_are_gapless(rest->events, rest->count, last_seen + 1, wrong);
    (void)found(inquiry, "real_time.resume",
                is_rest && rest->end == HEARD_FINISHED && (int64_t)last == in_record,
                "exactly the events after the last that was seen, to the end",
                "after %" PRIu64 ": %zu events to %" PRIu64 ", the record ends at %" PRId64
                "; %s %s",
                last_seen, rest->count, last, in_record, heard_end_name(rest->end), wrong);
    (void)found(inquiry, "recovery.dropped_socket",
                answer_is(record.root, "status", "finished") &&
                    json_is(json_at(record.root, "report_id"), JSON_STRING),
                "a run whose listener went away finishes, with its report", "%s",
                answer_is(record.root, "status", "finished") ? "finished" : "it did not");
}

static void resume(struct inquiry *inquiry)
{
    struct heard_run seen = {0};
    struct heard_run rest = {0};
    struct hearing hearing;

    bool is_dropped = drop_early(inquiry, &seen);
    if (found(inquiry, "real_time.drop", is_dropped, "the first events before the connection ends",
              "%zu events, %s %s", seen.count, heard_end_name(seen.end), seen.failure)) {
        if (open_hearing(inquiry, &hearing) &&
            hearing_resume(&hearing, seen.run_id, seen.events[seen.count - 1].seq, &rest)) {
            (void)hearing_follow(&hearing, &rest);
        }
        hearing_close(&hearing);
        judge_rest(inquiry, &seen, &rest);
    }
    heard_run_done(&seen);
    heard_run_done(&rest);
}

/* Events that all come at the end span nothing of the time that the run took. A client that was not
 * let run meanwhile sees the same, once in a while: it looks again. */
void features_real_time(struct inquiry *inquiry)
{
    struct heard_request request = request_of(inquiry);
    struct spread_seen seen = {0};
    bool has_finished = true;

    for (unsigned i = 0; i < SPREAD_TRIES && has_finished && !is_spread(&seen); i++) {
        struct heard_run run = {0};
        struct hearing hearing;

        has_finished = open_hearing(inquiry, &hearing) && hearing_ask(&hearing, &request, &run);
        hearing_close(&hearing);
        if (has_finished) {
            see_spread(inquiry, &run, &seen);
        }
        heard_run_done(&run);
    }
    (void)found(inquiry, "real_time.as_it_works", has_finished && is_spread(&seen),
                "events come while the run works",
                "%zu events at %zu moments within %" PRId64 " us of a run of %" PRId64 " us%s",
                seen.count, seen.moments, seen.came_us, seen.worked_us,
                has_finished ? "" : "; another did not finish");
    resume(inquiry);
}

/* ---- stopping ---- */

/* A thread for the crowd, so that it can be removed without following each of its runs. */
static bool make_thread(struct inquiry *inquiry, char ret_id[INQUIRY_ID_BYTES])
{
    cleanup(answer_done) struct answer answer = {0};
    bool is_made = ask(inquiry,
                       &(struct question){.method = "POST",
                                          .path = "/api/threads",
                                          .token = inquiry->work.token,
                                          .json = "{\"title\":\"netra verify\"}"},
                       &answer) &&
                   answer.what.status == 201 &&
                   answer_text(answer.root, "id", ret_id, INQUIRY_ID_BYTES);

    if (is_made) {
        leaving_add(inquiry, LEAVING_THREAD, ret_id, inquiry->work.token);
    }
    return is_made;
}

static void send_crowd(struct hearing *hearing, const char *thread_id)
{
    struct heard_request request = request_of(hearing->inquiry);

    request.thread_id = thread_id;
    for (unsigned i = 0; i < CROWD; i++) {
        struct heard_run ahead;

        (void)hearing_start(hearing, &request, &ahead);
        heard_run_done(&ahead);
    }
}

/* One try: a crowd is sent ahead on a connection of its own, then one more, which is cancelled as
 * soon as it is accepted. *ret_run is how that one ended. */
static void cancel_one(struct inquiry *inquiry, const char *thread_id, struct heard_run *ret_run)
{
    struct heard_request request = request_of(inquiry);
    struct hearing crowd;
    struct hearing hearing;
    bool is_open = open_hearing(inquiry, &crowd);

    is_open = open_hearing(inquiry, &hearing) && is_open;
    if (is_open) {
        send_crowd(&crowd, thread_id);
        if (hearing_start(&hearing, &request, ret_run) && hearing_next(&hearing, ret_run) &&
            hearing_cancel(&hearing, ret_run)) {
            (void)hearing_follow(&hearing, ret_run);
        }
    }
    hearing_close(&hearing);
    hearing_close(&crowd);
}

void features_cancel(struct inquiry *inquiry)
{
    cleanup(answer_done) struct answer record = {0};
    struct heard_run run = {0};
    char thread_id[INQUIRY_ID_BYTES] = "";

    bool is_made = make_thread(inquiry, thread_id);
    if (!found(inquiry, "real_time.thread", is_made, "a new thread", "%s",
               thread_id[0] ? "made" : "not made")) {
        return;
    }
    for (unsigned i = 0; i < CANCEL_TRIES && run.end != HEARD_CANCELLED; i++) {
        heard_run_done(&run);
        cancel_one(inquiry, thread_id, &run);
        if (run.end == HEARD_FAILED) { /* refused: too many questions in a minute */
            inquiry_pause_ms(inquiry, HEARD_LIMITED_WAIT_MS * (CROWD + 1));
        }
    }
    if (run.run_id[0]) {
        (void)ended_record(inquiry, run.run_id, &record);
    }
    (void)found(inquiry, "real_time.cancel",
                run.end == HEARD_CANCELLED && answer_is(record.root, "status", "cancelled"),
                "a run that is cancelled while it waits or works ends as cancelled",
                "%s %s; the record %s", heard_end_name(run.end), run.failure,
                answer_is(record.root, "status", "cancelled") ? "says so" : "does not say so");
    heard_run_done(&run);
}

/* ---- errors ---- */

void features_recovery(struct inquiry *inquiry)
{
    struct heard_request request = request_of(inquiry);
    struct heard_run run = {0};
    struct hearing hearing;

    if (!inquiry->allows_faults) {
        not_exercised(inquiry, "recovery.failed_step", "faults.allowed and an operator's token");
        return;
    }
    int64_t before = fault_hit_count(inquiry, "step_fails");
    bool is_in = fault_put_in(inquiry, "step_fails", 1, 0);
    bool has_finished =
        is_in && open_hearing(inquiry, &hearing) && hearing_ask(&hearing, &request, &run);

    if (is_in) {
        hearing_close(&hearing);
    }
    int64_t after = fault_hit_count(inquiry, "step_fails");
    faults_take_out(inquiry);
    (void)found(inquiry, "recovery.failed_step", has_finished && after > before,
                "a step that fails once is done again, and the run finishes",
                "%s %s; the fault was met %" PRId64 " times", heard_end_name(run.end), run.failure,
                after - before);
    heard_run_done(&run);
}
