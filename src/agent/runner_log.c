/*
 * The log of one run: numbers its events, gathers them into a batch with whatever changes together
 * with them, and publishes them when the store has the batch.
 *
 *     note → number → batch under construction → store_submit → durable → publish
 *
 * A run has one batch under way at most. What happens meanwhile is gathered for the next one: the
 * store could not have committed it earlier anyway, and a batch that fails has nothing behind it,
 * so that a log never has a gap.
 *
 * A note that may be early is published when it gets its number, if everything before it was, and
 * if the store knows that this number may have been seen (a lease). It is published once more when
 * it is durable: who was reading the log meanwhile did not get it, who has it leaves it out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "agent/runner_state.h"
#include "base/alloc.h"
#include "base/check.h"
#include "monitor/metrics.h"

/* ---- notes ---- */

struct note *note_new(struct str json, int64_t time_us)
{
    size_t room = RUN_EVENT_SEQ_BYTES_MAX;
    struct note *note = alloc_zeroed(1, sizeof(*note) + room + json.length);

    if (note) {
        memcpy(note->bytes + room, json.data, json.length);
        note->json = (struct str){note->bytes + room, json.length};
        note->time_us = time_us;
    }
    return note;
}

void note_list_add(struct note_list *list, struct note *note)
{
    note->next = NULL;
    if (list->first) {
        *list->end = note;
    } else {
        list->first = note;
    }
    list->end = &note->next;
}

void note_list_free(struct note_list *list)
{
    struct note *note = list->first;

    *list = (struct note_list){0};
    while (note) {
        struct note *next = note->next;

        alloc_free(note);
        note = next;
    }
}

/* {"type":… becomes {"seq":7,"type":… in the room before it. */
static void number_note(struct note *note, uint64_t seq)
{
    char head[RUN_EVENT_SEQ_BYTES_MAX + 1];
    size_t length = (size_t)snprintf(head, sizeof(head), "{\"seq\":%" PRIu64 ",", seq);
    char *start = note->bytes + RUN_EVENT_SEQ_BYTES_MAX + 1 - length;

    check_cmp(length, <=, RUN_EVENT_SEQ_BYTES_MAX);
    memcpy(start, head, length);
    note->json = (struct str){start, note->json.length - 1 + length};
    note->seq = seq;
}

/* ---- the batch under construction ---- */

struct store_batch *live_batch(struct live_run *live)
{
    if (live->phase == LIVE_GONE) {
        return NULL;
    }
    if (!live->batch) {
        live->batch = store_batch_new(live->row.workspace_id);
    }
    if (!live->batch) {
        live_lose(live, ERR_NO_MEMORY);
    }
    return live->batch;
}

void live_log_row(struct live_run *live)
{
    struct store_batch *batch = live_batch(live);

    if (batch) {
        live->row.reason = str_from(live->reason);
        live->row.report_id = live->has_report ? str_from(live->report_id) : STR("");
        store_set_run(batch, &live->row);
    }
}

/* ---- publishing ---- */

static bool is_next_leased(const struct live_run *live, uint64_t seq)
{
    return seq == live->published_seq + 1 && seq <= live->text.lease;
}

bool live_is_leased(const struct live_run *live)
{
    return is_next_leased(live, live->next_seq);
}

/* Returns the subscribers. */
static unsigned publish(struct live_run *live, const struct note *note, bool is_last)
{
    const struct runner_options *options = &live->runner->options;

    if (note->seq > live->published_seq) {
        live->published_seq = note->seq;
        metric_add(METRIC_EVENTS_PUBLISHED, 0, 1);
    }
    if (note->is_first_agent && !live->is_recovered) {
        int64_t waited_us = clock_now_us() - live->row.created_us;

        metric_observe_us(METRIC_AGENT_START, 0, waited_us > 0 ? (uint64_t)waited_us : 0);
    }
    return options->publish(live->names.run_id, note->seq, note->json, is_last, options->arg);
}

/* Returns the subscribers of the last one. */
static unsigned publish_all(struct live_run *live, const struct note_list *notes, bool is_end)
{
    unsigned subscribers = 0;

    for (const struct note *note = notes->first; note; note = note->next) {
        subscribers = publish(live, note, is_end && !note->next);
    }
    return subscribers;
}

/* ---- events ---- */

/* An event of a run that is done again: the log has it already. */
static void compare_note(struct live_run *live, const struct note *note)
{
    char key[REPLAY_KEY_BYTES];
    int code = replay_key(live->runner->parser, note->json, key);

    if (code || strcmp(key, live->replay.keys[live->replay.made]) != 0) {
        live->differs = "the run was made again and went another way";
        atomic_store(&live->is_cancelled, true);
        return;
    }
    live->replay.made++;
    if (!live_is_replaying(live) && live->is_cancel_wanted) {
        atomic_store(&live->is_cancelled, true);
    }
}

void live_log(struct live_run *live, struct note *note)
{
    if (live->phase == LIVE_GONE || live->differs) {
        alloc_free(note);
        return;
    }
    if (live_is_replaying(live)) {
        compare_note(live, note);
        alloc_free(note);
        return;
    }
    if (live->must_tell_that) {
        live_tell_taken_up(live);
    }
    struct store_batch *batch = live_batch(live);
    if (!batch) {
        alloc_free(note);
        return;
    }
    number_note(note, live->next_seq++);
    store_add_event(batch, &(struct store_event){.run_id = live->names.run_id,
                                                 .seq = note->seq,
                                                 .time_us = note->time_us,
                                                 .json = note->json});
    note_list_add(&live->batch_notes, note);
    if (note->may_be_early && is_next_leased(live, note->seq)) {
        (void)publish(live, note, /* is_last */ false);
    }
}

void live_log_json(struct live_run *live, const struct buf *json, int64_t time_us)
{
    struct note *note = buf_status(json) ? NULL : note_new(buf_str(json), time_us);

    if (note) {
        live_log(live, note);
    } else {
        live_lose(live, buf_status(json) ? buf_status(json) : ERR_NO_MEMORY);
    }
}

/* ---- storing ---- */

/* Also of a run that was lost since: it is in the store, and is taken up. */
static void tell_accepted(struct live_run *live, int code)
{
    live->is_accepted = code == OK;
    if (live->queue) {
        runner_positions_changed(live->runner); /* its own can be told now */
    }
    if (live->accepted) {
        live->accepted(code, live->names.run_id.data, live->names.thread_id.data,
                       live->accepted_arg);
    }
}

static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void on_stored(int code, void *arg)
{
    struct live_run *live = arg;
    struct runner *runner = live->runner;
    struct note_list notes = live->storing_notes;
    unsigned marks = live->storing_marks;

    live->is_storing = false;
    live->storing_notes = (struct note_list){0};
    if (marks & MARK_ACCEPTED) {
        tell_accepted(live, code);
    }
    if (code) {
        if (code == ERR_IO) {
            runner_store_refused(runner);
        }
        live_lose(live, code);
    } else {
        live->stalls = notes.first ? 0 : live->stalls;
        live->text.lease = lower(live->text.storing_lease, live->row.seq_leased);
        live->delivered_to = publish_all(live, &notes, (marks & MARK_END) != 0);
        if (marks & MARK_RESUMED) {
            live_begin(live);
        }
        if (marks & MARK_REPORT) {
            live_finish(live);
        }
        if (marks & MARK_END) {
            live_ended(live);
        }
        live_text_flush(live, /* must */ false);
        live_flush(live, 0);
    }
    note_list_free(&notes);
    live_settle(live);
    if (!code) {
        runner_store_took(runner);
    }
}

void live_flush(struct live_run *live, unsigned marks)
{
    live->batch_marks |= marks;
    if (live->phase == LIVE_GONE || live->is_storing || !live->batch) {
        return;
    }
    live->storing_notes = live->batch_notes;
    live->storing_marks = live->batch_marks;
    live->batch_notes = (struct note_list){0};
    live->batch_marks = 0;
    live->is_storing = true;
    /* what was given back must not be used while that becomes durable */
    live->text.storing_lease = live->row.seq_leased;
    live->text.lease = lower(live->text.lease, live->row.seq_leased);
    int code = store_submit(live->runner->options.store, TAKE(live->batch), on_stored, live);
    if (code) {
        live->is_storing = false;
        note_list_free(&live->storing_notes);
        live_lose(live, code);
    }
}

void live_lose(struct live_run *live, int code)
{
    if (live->phase == LIVE_GONE) {
        return;
    }
    live->phase = LIVE_GONE;
    live->lost_code = code;
    atomic_store(&live->is_cancelled, true);
}

void live_keep_row(struct live_run *live)
{
    live_log_row(live);
    live_flush(live, 0);
    if (live->phase == LIVE_GONE) {
        live_poke(live);
    }
}
