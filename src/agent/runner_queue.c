/*
 * Who waits for a place, and whose turn it is.
 *
 * Places go round among owners: a user in a workspace. Each run that joins the queue gets the
 * number of a turn, one more than the turn that is on or than the one its owner waits for already;
 * the queue is kept in the order of turns, and of arrival within one. So an owner with fifty runs
 * has one in each of fifty turns, and whoever comes with a single run is in the next.
 *
 *     A A A A B A C       as they came
 *     A B C | A | A | A | A    as they get places
 *
 * Runs that a model has answered come before all that wait: they have begun. An owner who has as
 * many places as one may have is passed over, and loses no turn by that.
 *
 * O(n) to join, to look and to leave; n ≤ RUNNER_QUEUE_MAX.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>

#include "agent/runner_state.h"
#include "base/alloc.h"
#include "monitor/metrics.h"

/* ---- owners ---- */

struct runner_owner *runner_find_owner(const struct runner *runner, struct str workspace_id,
                                       struct str owner_id)
{
    struct runner_owner *owner = runner->owners;

    while (owner && !(str_equal(owner->workspace_id, workspace_id) &&
                      str_equal(owner->owner_id, owner_id))) {
        owner = owner->next;
    }
    return owner;
}

int live_own(struct live_run *live)
{
    struct runner *runner = live->runner;
    struct str workspace = live->row.workspace_id;
    struct str id = live->row.owner_id;
    struct runner_owner *owner = runner_find_owner(runner, workspace, id);

    if (!owner) {
        owner = alloc_zeroed(1, sizeof(*owner) + workspace.length + id.length);
        if (!owner) {
            return ERR_NO_MEMORY;
        }
        (void)memcpy(owner->text, workspace.data, workspace.length);
        (void)memcpy(owner->text + workspace.length, id.data, id.length);
        owner->workspace_id = (struct str){owner->text, workspace.length};
        owner->owner_id = (struct str){owner->text + workspace.length, id.length};
        owner->next = runner->owners;
        runner->owners = owner;
    }
    owner->runs++;
    live->owner = owner;
    return OK;
}

void live_disown(struct live_run *live)
{
    struct runner_owner *owner = live->owner;
    struct runner_owner **at = &live->runner->owners;

    live->owner = NULL;
    if (!owner || --owner->runs) {
        return;
    }
    while (*at != owner) {
        at = &(*at)->next;
    }
    *at = owner->next;
    alloc_free(owner);
}

/* It has as many places as one may have. */
static bool is_full(const struct live_run *live)
{
    unsigned max = live->runner->options.concurrent_owner_max;

    return max && live->owner->working >= max;
}

/* ---- the queues ---- */

static unsigned count_waiting_owners(const struct runner *runner)
{
    unsigned count = 0;

    for (const struct runner_owner *owner = runner->owners; owner; owner = owner->next) {
        count += owner->waiting > 0;
    }
    return count;
}

void runner_show_counts(const struct runner *runner)
{
    metric_set(METRIC_RUNS_WORKING, 0, runner->counts.working);
    metric_set(METRIC_RUNS_WAITING, 0, runner->counts.waiting);
    metric_set(METRIC_RUNS_ASKING, 0, runner->counts.asking);
    metric_set(METRIC_RUNS_STALLED, 0, runner->counts.stalled);
    metric_set(METRIC_RUN_OWNERS_WAITING, 0, count_waiting_owners(runner));
}

/* Behind all of its turn and of earlier ones. */
static void join_queue(struct live_queue *queue, struct live_run *live)
{
    struct live_run **at = &queue->first;

    while (*at && (*at)->turn <= live->turn) {
        at = &(*at)->next_waiting;
    }
    live->next_waiting = *at;
    *at = live;
    live->queue = queue;
    live->phase = LIVE_WAITING;
    live->runner->counts.waiting++;
}

void runner_enqueue(struct live_run *live)
{
    struct runner *runner = live->runner;
    struct runner_owner *owner = live->owner;
    uint64_t turn = runner->turn;

    if (owner->waiting && owner->last_turn > turn) {
        turn = owner->last_turn;
    }
    live->turn = live->first_turn = owner->last_turn = turn + 1;
    owner->waiting++;
    live->next = runner->live;
    runner->live = live;
    join_queue(&runner->waiting, live);
    runner_positions_changed(runner);
}

void live_rejoin(struct live_run *live)
{
    live->turn = live->first_turn;
    live->owner->waiting++;
    join_queue(&live->runner->waiting, live);
    runner_positions_changed(live->runner);
}

/* In the order of their answers. */
void live_await_place(struct live_run *live)
{
    live->turn = ++live->runner->answers;
    join_queue(&live->runner->answered, live);
    runner_positions_changed(live->runner);
}

void live_leave_queue(struct live_run *live)
{
    struct live_queue *queue = live->queue;

    if (!queue) {
        return;
    }
    struct live_run **at = &queue->first;
    while (*at != live) {
        at = &(*at)->next_waiting;
    }
    *at = live->next_waiting;
    live->owner->waiting -= queue == &live->runner->waiting;
    live->next_waiting = NULL;
    live->queue = NULL;
    live->runner->counts.waiting--;
    runner_positions_changed(live->runner);
}

void live_leave_place(struct live_run *live)
{
    if (live->has_place) {
        live->has_place = false;
        live->owner->working--;
        live->runner->counts.working--;
        runner_positions_changed(live->runner);
    }
}

void live_take_place(struct live_run *live)
{
    struct runner *runner = live->runner;

    if (live->queue == &runner->waiting && live->turn > runner->turn) {
        runner->turn = live->turn;
    }
    live_leave_queue(live);
    live->has_place = true;
    live->owner->working++;
    runner->counts.working++;
}

static struct live_run *first_of(const struct live_queue *queue)
{
    struct live_run *live = queue->first;

    while (live && (live->phase == LIVE_GONE || is_full(live))) {
        live = live->next_waiting;
    }
    return live;
}

/* While the server stops only who has begun; while the store refuses nobody: it would be in vain.
 */
struct live_run *runner_next_in_line(const struct runner *runner)
{
    struct live_run *live = runner->stall.is_refused ? NULL : first_of(&runner->answered);

    if (live || runner->is_draining || runner->stall.is_refused) {
        return live;
    }
    return first_of(&runner->waiting);
}

/* ---- positions ---- */

typedef void (*ahead_fn)(struct live_run *live, unsigned ahead, void *arg);

/* Runs of owners who are passed over are ahead of runs of the same owner only. */
static void each_position(const struct runner *runner, ahead_fn fn, void *arg)
{
    unsigned ahead = 0;

    for (struct runner_owner *owner = runner->owners; owner; owner = owner->next) {
        owner->passed_over = 0;
    }
    for (const struct live_run *live = runner->answered.first; live; live = live->next_waiting) {
        ahead += !is_full(live);
    }
    for (struct live_run *live = runner->waiting.first; live; live = live->next_waiting) {
        if (is_full(live)) {
            fn(live, ahead + live->owner->passed_over++, arg);
        } else {
            fn(live, ahead++, arg);
        }
    }
}

struct position {
    struct str run_id;
    unsigned ahead;
    bool is_found;
};

static void look_for(struct live_run *live, unsigned ahead, void *arg)
{
    struct position *position = arg;

    if (str_equal(live->names.run_id, position->run_id)) {
        position->ahead = ahead;
        position->is_found = true;
    }
}

int runner_position(const struct runner *runner, struct str run_id, unsigned *ret_ahead)
{
    struct position position = {.run_id = run_id};

    each_position(runner, look_for, &position);
    if (!position.is_found) {
        return ERR_NOT_FOUND;
    }
    *ret_ahead = position.ahead;
    return OK;
}

static void tell_position(struct live_run *live, unsigned ahead, void *arg)
{
    struct runner *runner = arg;

    if (live->is_accepted && live->told_ahead != ahead) {
        live->told_ahead = ahead;
        runner->has_told_positions = true;
        runner->on_position(live->names.run_id, ahead, runner->on_position_arg);
    }
}

/* Tells, and rests when there was something to tell. */
static void on_positions_due(void *arg)
{
    struct runner *runner = arg;

    runner->has_told_positions = false;
    if (runner->has_new_positions) {
        runner->has_new_positions = false;
        each_position(runner, tell_position, runner);
    }
    runner->is_timing_positions = runner->has_told_positions;
    if (runner->is_timing_positions) {
        loop_timer_start(&runner->positions, RUNNER_POSITIONS_MS, /* repeat_ms */ 0);
    }
}

void runner_positions_init(struct runner *runner)
{
    loop_timer_init(runner->options.loop, &runner->positions, on_positions_due, runner);
}

void runner_positions_changed(struct runner *runner)
{
    if (!runner->on_position || runner->is_draining) {
        return;
    }
    runner->has_new_positions = true;
    if (!runner->is_timing_positions) {
        runner->is_timing_positions = true;
        loop_timer_start(&runner->positions, /* this turn's changes together */ 0, 0);
    }
}

void runner_on_position(struct runner *runner, runner_position_fn fn, void *arg)
{
    runner->on_position = fn;
    runner->on_position_arg = arg;
}
