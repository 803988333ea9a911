/*
 * runner: runs that last. It accepts a question, drives the run on workers one step at a time,
 * turns what happens into AG-UI events, and is the only writer of a run's log.
 *
 *     runner_start → [store: message, run, RUN_STARTED] → accepted → step, step, … on workers
 *                       every event: number it → store → durable → publish to who listens
 *     report done → [store: bodies, report, events] → published → response_delivered, RUN_FINISHED
 *
 * An event is published only after it is durable, in the order of its numbers (seq, from 1, without
 * gaps, per run). Nobody listening changes nothing. run_events.h says what the events look like.
 *
 * After a restart a run that was under way is done again from its beginning: a run is a function of
 * its records, its prompt, its seed and its "now", so the events that are in the log already are
 * made again, compared by type and name and not stored twice; the log goes on behind them. A run
 * whose second making differs, whose records are gone, or that was tried RUNNER_ATTEMPTS_MAX times
 * in a row without its log getting any longer, ends with RUN_ERROR and a reason. Attempts are
 * CUSTOM events in the log, durable before the work begins.
 *
 * With a chain of models (llm) a run may ask one: it then holds neither a place nor a worker until
 * the answer is there. The answer is durable before anything that comes of it is published; a run
 * that is done again is given the answers of its log. Text of a model is published as it comes,
 * before it is durable: numbers for such events are leased from the store first, so that a number
 * that a client has seen is never given to another event (runner_text.c).
 *
 * When the store cannot write (a full disk) or there is no memory for an event, the run is let go:
 * it stands still, without a place, its log as it is and without a gap. This process takes it up
 * again, as the next one would, after a pause that grows from RUNNER_PAUSE_FIRST_MS to
 * RUNNER_PAUSE_MOST_MS while it does not get any further, and not before the store has taken a row:
 * until it has, no run gets a place. The run keeps its turn, who listens to it and a wish to cancel
 * it; its log goes on behind a CUSTOM event with attempt 0, which is stored with the first event
 * that is new, so that what the disk refuses counts as no attempt. What is no fault of the disk is
 * tried RUNNER_ATTEMPTS_MAX times; then the run ends with RUN_ERROR. A run whose thread was deleted
 * meanwhile is gone: counted as failed, publish is not called for it again.
 *
 * Loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_RUNNER_H
#define NETRA_AGENT_RUNNER_H

#include "llm/llm.h"
#include "store/store.h"
#include "tool/dataset_cache.h"

#define RUNNER_QUEUE_MAX       1000u /* runs that wait for a place; more: ERR_LIMIT */
#define RUNNER_CONCURRENT_MAX  64u
#define RUNNER_EVENT_BYTES_MAX 262144u /* one event, as it is sent */
#define RUNNER_ATTEMPTS_MAX    5u      /* times in a row that a run is done again in vain */
#define RUNNER_PAUSE_FIRST_MS  100u    /* before a run that stands still is taken up again … */
#define RUNNER_PAUSE_MOST_MS   30000u  /* … doubled up to this while it gets no further */
#define RUNNER_PROBE_MOST_MS   5000u   /* between looks at a store that refuses: from _FIRST_ on */

/* An event, in order, and durable but for text of a model that is on its way: that is published as
 * it comes and again when it is durable. Returns the number of subscribers that it was written to.
 * is_last: the run's log ends with it. */
typedef unsigned (*runner_publish_fn)(struct str run_id, uint64_t seq, struct str json,
                                      bool is_last, void *arg);

struct runner_options {
    struct loop *loop;
    struct store *store;
    struct dataset_cache *datasets;
    const struct price_book *book; /* for runs without records */
    struct llm *llm;               /* NULL: no model takes part */
    uint64_t model_tokens_max;     /* that one run may use */
    unsigned concurrent_max;       /* runs that work at once */
    unsigned concurrent_owner_max; /* of one owner in one workspace; 0: no limit of its own */
    unsigned waiting_owner_max;    /* of one owner; more: ERR_QUOTA; 0: RUNNER_QUEUE_MAX */
    uint64_t model_tokens_day_max; /* of a workspace in 24 hours, as counted by the store; 0: no
                                    * limit. Beyond it the built-in analyst answers, and says so */
    runner_publish_fn publish;
    void *arg;
};

/* Texts are copied. */
struct runner_request {
    struct str workspace_id;
    struct str owner_id;    /* whose turn it takes: places go round among owners */
    struct str traceparent; /* of the request that asks; may be empty */
    struct str run_id;      /* the client's own, or empty: a new one */
    struct str thread_id;   /* empty: a new thread; one that is not there is made */
    struct str prompt;
    struct str dataset_id; /* empty: no records: a guidance report */
    uint64_t seed;         /* 0: 1 */
};

struct runner;

/* OK: the run is durable and will end; ids are NUL-terminated. Or why it is not: ERR_IO,
 * ERR_INVALID (a run of that id, meanwhile). Before its first event is published. */
typedef void (*runner_accepted_fn)(int code, const char *run_id, const char *thread_id, void *arg);

must_check int runner_new(const struct runner_options *options, struct runner **ret_runner,
                          struct error *error);

/* When drained; runs that wait stay open in the store. loop_free finishes it. */
void runner_free(struct runner *runner);

/* Takes up the runs that the last process left open. Once, before the first request. */
must_check int runner_recover(struct runner *runner, struct error *error);

/* ERR_INVALID (an id that is not one, an empty or too long prompt: the message says which and how
 * long it may be), ERR_NOT_FOUND (no such dataset, or it is not ready), ERR_EXISTS (a run of that
 * id is there in the same workspace: not an error for who asks for the same again; in another:
 * ERR_INVALID), ERR_LIMIT (too many wait or stand still: try later), ERR_QUOTA (too many of this
 * owner wait), ERR_NO_MEMORY. accepted is called only after OK. */
must_check int runner_start(struct runner *runner, const struct runner_request *request,
                            runner_accepted_fn accepted, void *arg, struct error *error);

/* Asks a run to end: RUN_FINISHED with outcome "cancelled" follows when the step at work has seen
 * it, at once when the run waits, when it was taken up again if it stands still; "success" when its
 * report is being stored already. OK also when it was asked for before; ERR_NOT_FOUND when the run
 * is not open, or of another workspace. It is kept: a run that this process does not live to end is
 * ended by the next one. */
int runner_cancel(struct runner *runner, struct str workspace_id, struct str run_id);

/* runner_options.waiting_owner_max, 0 where there is none. */
unsigned runner_waiting_owner_max(const struct runner *runner);

/* How many runs will get a place before this one, as things stand (owners in turn); 0: it is next.
 * ERR_NOT_FOUND when it does not wait, or has begun and waits for a place again. */
int runner_position(const struct runner *runner, struct str run_id, unsigned *ret_ahead);

/* Called when positions have changed, at most every RUNNER_POSITIONS_MS: for each run whose own
 * has. fn must not call the runner. */
#define RUNNER_POSITIONS_MS 500u
typedef void (*runner_position_fn)(struct str run_id, unsigned ahead, void *arg);
void runner_on_position(struct runner *runner, runner_position_fn fn, void *arg);

/* Starts nothing new (runner_start: ERR_LIMIT); runs at work go on for grace_ms, then stay open in
 * the store for the next start. drained(arg), never before this has returned, when no worker and no
 * batch of a run is under way any more. */
void runner_drain(struct runner *runner, uint64_t grace_ms, loop_fn drained, void *arg);

/* A run of this thread is being accepted: the store does not show it yet. */
bool runner_is_accepting(const struct runner *runner, struct str thread_id);

/* A run of this workspace is being accepted, waits or is at work. */
bool runner_is_busy_for(const struct runner *runner, struct str workspace_id);

struct runner_counts {
    unsigned working;
    unsigned waiting;
    unsigned asking;  /* a model; they are not among working */
    unsigned stalled; /* the store refused what they told; they hold no place and do not wait */
    uint64_t finished;
    uint64_t failed;
    uint64_t cancelled;
};
struct runner_counts runner_counts(const struct runner *runner);

#endif
