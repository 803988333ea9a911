/*
 * Runs that stand still: what they told could not be kept. Everything of such a run but its row is
 * thrown away, so that standing still takes no memory that is not there already; it is done again
 * like a run of the last process, by the log that the store has.
 *
 *     batch refused → GONE → nothing under way → STALLED … pause … store takes a row
 *         → row as the store has it → WAITING in the old turn → a place → live_resume
 *
 * The pause is each run's own and grows while the run stores nothing: one whose report does not fit
 * on what is left of a disk delays nobody. The look at the store is one for all, and until it goes
 * well no run gets a place: a disk that is full is met by one small row every few seconds, not by
 * hundreds of runs. Any batch of a run that is stored tells the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <limits.h>

#include "agent/runner_state.h"
#include "monitor/log.h"
#include "monitor/metrics.h"

#define DOUBLINGS_MAX 16u /* more than it takes from the first pause to the longest */

static uint64_t pause_ms(unsigned times_before, uint64_t most_ms)
{
    uint64_t ms = (uint64_t)RUNNER_PAUSE_FIRST_MS
                  << (times_before < DOUBLINGS_MAX ? times_before : DOUBLINGS_MAX);

    return ms < most_ms ? ms : most_ms;
}

static uint64_t now_ms(const struct runner *runner)
{
    return loop_now_ms(runner->options.loop);
}

/* ---- when ---- */

static void look_at(struct runner *runner, uint64_t at_ms)
{
    struct runner_stall *stall = &runner->stall;
    uint64_t now = now_ms(runner);

    if (runner->is_draining || stall->is_probing || (stall->is_timing && stall->at_ms <= at_ms)) {
        return;
    }
    stall->is_timing = true;
    stall->at_ms = at_ms;
    loop_timer_start(&stall->timer, at_ms > now ? at_ms - now : 0, /* repeat_ms */ 0);
}

/* The next look, if there is anything to look for. */
static void look_when_due(struct runner *runner)
{
    uint64_t at_ms = UINT64_MAX;

    if (runner->stall.is_refused) {
        at_ms = now_ms(runner) + pause_ms(runner->stall.probes, RUNNER_PROBE_MOST_MS);
    } else {
        for (const struct live_run *live = runner->live; live; live = live->next) {
            if (live->phase == LIVE_STALLED && live->due_ms < at_ms) {
                at_ms = live->due_ms;
            }
        }
    }
    if (at_ms != UINT64_MAX) {
        look_at(runner, at_ms);
    }
}

void runner_store_refused(struct runner *runner)
{
    runner->stall.is_refused = true;
    look_when_due(runner);
}

void runner_store_took(struct runner *runner)
{
    if (!runner->stall.is_refused) {
        return;
    }
    runner_stall_stop(runner);
    runner->stall.is_refused = false;
    runner->stall.probes = 0;
    look_when_due(runner);
    runner_schedule(runner);
}

void runner_stall_stop(struct runner *runner)
{
    runner->stall.is_timing = false;
    loop_timer_stop(&runner->stall.timer);
}

/* ---- letting go ---- */

static bool see_run(const struct store_run *row, void *arg)
{
    (void)row;
    (void)arg;
    return false;
}

/* A batch that breaks a rule: its thread was deleted, which is for ever. */
static bool is_deleted(const struct live_run *live)
{
    return live->lost_code == ERR_INVALID &&
           store_get_run(live->runner->options.store, live->row.workspace_id, live->names.run_id,
                         see_run, NULL) == ERR_NOT_FOUND;
}

bool live_stall(struct live_run *live)
{
    struct runner *runner = live->runner;

    if (!live->lost_code || !live->is_accepted) {
        return false;
    }
    live->defects += live->lost_code != ERR_IO;
    if (live->defects > RUNNER_ATTEMPTS_MAX || is_deleted(live)) {
        log_write(LOG_ERROR, "agent", "run %.*s is given up: %s", STR_ARGS(live->names.run_id),
                  error_code_text(live->lost_code));
        return false;
    }
    uint64_t pause = pause_ms(live->stalls++, RUNNER_PAUSE_MOST_MS);
    log_write(LOG_WARNING, "agent",
              "run %.*s stands still: what it told could not be stored: %s; it is taken up again "
              "in %" PRIu64 " ms or when the store is writable",
              STR_ARGS(live->names.run_id), error_code_text(live->lost_code), pause);
    live_forget_work(live);
    live->trace.step = live->trace.agent = live->trace.tool =
        (struct live_span){.context = live->trace.run};
    live->phase = LIVE_STALLED;
    live->lost_code = OK;
    live->is_recovered = true;
    live->is_taken_up = true;
    live->told_ahead = UINT_MAX;
    live->due_ms = now_ms(runner) + pause;
    runner->counts.stalled++;
    look_when_due(runner);
    return true;
}

void live_hasten(struct live_run *live)
{
    live->due_ms = now_ms(live->runner);
    look_when_due(live->runner);
}

/* ---- taking up ---- */

static bool copy_state(const struct store_run *row, void *arg)
{
    live_copy_state(arg, row);
    return false;
}

static void take_up(struct live_run *live)
{
    struct runner *runner = live->runner;
    int code = store_get_run(runner->options.store, live->row.workspace_id, live->names.run_id,
                             copy_state, live);

    if (code && code != ERR_NOT_FOUND) {
        live->due_ms = now_ms(runner) + pause_ms(live->stalls++, RUNNER_PAUSE_MOST_MS);
        return;
    }
    runner->counts.stalled--;
    if (code) { /* deleted, and its thread with it */
        live->lost_code = code;
        live_drop(live);
        return;
    }
    log_write(LOG_INFO, "agent", "run %.*s is taken up again", STR_ARGS(live->names.run_id));
    metric_add(METRIC_RUNS_TAKEN_UP, 0, 1);
    live_rejoin(live);
    if (live->is_cancel_wanted && !live->row.is_cancelled) {
        live->row.is_cancelled = true;
        live_keep_row(live);
    }
}

static void take_up_due(struct runner *runner)
{
    uint64_t now = now_ms(runner);
    struct live_run *next;

    for (struct live_run *live = runner->live; live; live = next) {
        next = live->next;
        if (live->phase == LIVE_STALLED && live->due_ms <= now) {
            take_up(live);
        }
    }
}

static void on_probed(int code, void *arg)
{
    struct runner *runner = arg;

    runner->stall.is_probing = false;
    runner->stall.is_refused = code != OK;
    runner->stall.probes = code ? runner->stall.probes + 1 : 0;
    if (!runner->is_draining && !code) {
        take_up_due(runner);
    }
    look_when_due(runner);
    runner_schedule(runner);
    runner_look_drained(runner);
}

static void on_due(void *arg)
{
    struct runner *runner = arg;

    runner->stall.is_timing = false;
    if (runner->is_draining || (!runner->stall.is_refused && !runner->counts.stalled)) {
        return;
    }
    runner->stall.is_probing = true;
    int code = store_probe(runner->options.store, on_probed, runner);
    if (code) {
        on_probed(code, runner);
    }
}

void runner_stall_init(struct runner *runner)
{
    loop_timer_init(runner->options.loop, &runner->stall.timer, on_due, runner);
}
