/*
 * runner_state: a run in memory, from its acceptance to its end, and what the files of the runner
 * share. Private to agent/.
 *
 *                    ┌─── WAITING ◄──┐ for a place again
 *                    ▼               │
 *     WAITING → OPENING → STEPPING ──┴─ ASKING a model
 *        │         │         ├──→ RENDERING → DELIVERING → ENDING → GONE
 *        └─────────┴─────────┴───────┴── cancelled, failed ──┘       ├──→ freed
 *                                         the store refused: GONE ───┴──→ STALLED → WAITING
 *
 * One thread at a time has the run itself: a worker while is_on_worker, else the loop. What the
 * worker tells passes through notes, a list that it pushes to and the loop takes from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_RUNNER_STATE_H
#define NETRA_AGENT_RUNNER_STATE_H

#include "agent/run_events.h"
#include "agent/runner.h"
#include "loop/clock.h"
#include "loop/uuid.h"
#include "monitor/trace.h"
#include "json/json_read.h"

#define LIVE_ARENA_BYTES_MAX ((size_t)256 << 10) /* a prompt and some ids */
#define LIVE_REASON_BYTES    320
#define RENDER_BYTES_MAX     ((size_t)56 << 20) /* all formats: they are one batch */
#define REPLAY_EVENTS_MAX    4096u              /* of a log; a run makes some hundreds */
#define REPLAY_KEY_BYTES     160
#define LIVE_TEXTS_MAX       ((size_t)2 * RUN_QUESTIONS_MAX) /* places of a log with a model's text */
#define LIVE_USAGES_MAX      16u                             /* models that one run asked */
#define TEXT_LEASE           64u /* numbers that are leased at once for text that is not stored */

enum live_phase {
    LIVE_WAITING,    /* in runner->waiting or ->answered, for a place */
    LIVE_OPENING,    /* its records are being opened, or its resumption becomes durable */
    LIVE_STEPPING,   /* a worker does one step after the other */
    LIVE_ASKING,     /* a model answers; it has neither a place nor a worker */
    LIVE_RENDERING,  /* a worker writes the report in its formats */
    LIVE_DELIVERING, /* the report becomes durable */
    LIVE_ENDING,     /* the last event becomes durable */
    LIVE_GONE,       /* goes, or stands still, as soon as nothing of it is under way */
    LIVE_STALLED     /* waits for the store; has nothing but its row */
};

/* What a batch that becomes durable means for its run; bits. */
enum live_mark {
    MARK_ACCEPTED = 1 << 0,
    MARK_RESUMED = 1 << 1,
    MARK_REPORT = 1 << 2, /* the last event of the batch is the report's */
    MARK_END = 1 << 3     /* the last event of the batch is the run's */
};

/* An event on its way from where it happened into the log. Its number is written in front of it
 * when it gets one, where room is kept. */
struct note {
    struct note *next;
    int64_t time_us;
    uint64_t seq; /* 0: not numbered yet */
    bool is_first_agent;
    bool may_be_early;             /* may be published before it is durable */
    bool is_text;                  /* no event yet: json is plain text, which runner_text.c takes */
    enum run_event_kind text_kind; /* is_text: RUN_TEXT_… */
    struct str json;               /* points into bytes */
    char bytes[];
};

struct note_list {
    struct note *first;
    struct note **end; /* where the next one is hung; NULL when empty */
};

/* The log of a run that is done again: what is there must be made again, in this order. */
struct replay {
    char (*keys)[REPLAY_KEY_BYTES];
    size_t count;
    size_t made; /* so many were made again */
};

/* A text of a model in the log of a run that is done again. */
struct logged_text {
    char message_id[STORE_ID_BYTES_MAX + 1];
    size_t keys;  /* of the log that are before it */
    size_t bytes; /* of its deltas together */
    bool is_ended;
    bool is_withdrawn;
    bool is_used; /* the run has made it again */
};

/* What a model writes for the report, on its way to who listens: runner_text.c. */
struct live_text {
    struct logged_text logged[LIVE_TEXTS_MAX];
    size_t logged_count;
    size_t asked_keys; /* of the log, before the question that was asked last */
    char message_id[STORE_ID_BYTES_MAX + 1];
    bool is_open;
    bool is_finished;   /* it is part of the report, which has its id as message */
    bool has_end;       /* in the log of a run that is done again */
    bool has_withdrawn; /* the same */
    size_t skip;        /* bytes of it that are in that log */
    struct buf told;    /* all of it */
    struct buf waiting; /* what came and has no number yet */
    uint64_t lease;     /* numbers up to it may be sent before they are stored: durable */
    uint64_t storing_lease;
};

/* Tokens of one model. */
struct live_usage {
    struct str provider; /* in asking's arena */
    struct str model;
    struct llm_usage usage; /* the known ones, summed */
};

/* The questions to models. */
struct live_asking {
    llm_id id;            /* 0: none is on its way */
    bool is_counted;      /* among counts.asking */
    uint64_t tokens_used; /* of model_tokens_max */
    struct arena texts;   /* of usages */
    struct live_usage usages[LIVE_USAGES_MAX];
    size_t usage_count;
};

/* What is under way, as a span: runner_trace.c. */
struct live_span {
    struct trace_context context;
    unsigned char parent_id[8];
    int64_t start_us;
    bool is_open;
};

struct live_trace {
    struct trace_context run;
    unsigned char parent_id[8]; /* of the run's: the request that asked */
    struct live_span step;      /* one of each at a time; who has the run has these, too */
    struct live_span agent;
    struct live_span tool;
};

/* Runs that wait for a place, by live->turn. */
struct live_queue {
    struct live_run *first;
};

/* Whose runs they are: a user in a workspace. There as long as it has open runs. */
struct runner_owner {
    struct runner_owner *next;
    struct str workspace_id; /* points into text, as owner_id */
    struct str owner_id;
    unsigned runs;        /* open */
    unsigned working;     /* of these, with a place */
    unsigned waiting;     /* of these, in runner->waiting */
    uint64_t last_turn;   /* of those that wait */
    unsigned passed_over; /* each_position's */
    char text[];
};

enum { RENDERED_JSON, RENDERED_MARKDOWN, RENDERED_HTML, RENDERED_CSV, RENDERED_COUNT };

struct live_run {
    struct runner *runner;
    struct live_run *next; /* in runner->live */
    struct live_run *next_waiting;
    struct live_queue *queue; /* in which it waits; NULL: in none */
    struct runner_owner *owner;
    uint64_t turn;       /* in which it gets a place: the order of its queue */
    uint64_t first_turn; /* the one that it was given when it came */
    unsigned told_ahead; /* its position as it was told last; UINT_MAX: never */
    enum live_phase phase;
    bool has_place;
    bool is_accepted;    /* durable */
    bool is_recovered;   /* it is done again */
    bool is_taken_up;    /* by the process that let it go */
    bool must_tell_that; /* it is, in front of the next event */
    bool is_cancel_wanted;
    struct arena arena;   /* texts of row */
    struct store_run row; /* as the store has it, or will after the batch under construction */
    struct run_names names;
    char reason[LIVE_REASON_BYTES];
    char report_id[UUID_BYTES];
    runner_accepted_fn accepted; /* NULL: nobody asked */
    void *accepted_arg;

    /* the log: one batch under way at most, so that a failed one leaves no gap behind it */
    uint64_t next_seq;
    uint64_t published_seq;
    struct store_batch *batch; /* under construction; NULL: empty */
    unsigned batch_marks;
    struct note_list batch_notes;
    bool is_storing; /* a batch is under way */
    unsigned storing_marks;
    struct note_list storing_notes;
    struct replay replay;
    struct live_text text;
    int lost_code;       /* why the store could not */
    unsigned stalls;     /* in a row, without anything stored between */
    unsigned defects;    /* stalls that were not the disk's */
    uint64_t due_ms;     /* LIVE_STALLED: when it may be taken up; the loop's time */
    const char *differs; /* a constant text when the second making differs */
    int64_t delivery_started_us;
    unsigned delivered_to; /* subscribers of the event that was published last */
    bool has_report;       /* stored, or in the batch under construction */

    /* the work */
    struct dataset_lease *lease;
    bool is_opening;
    struct run *run;
    struct live_asking asking;
    struct loop_job job;
    bool is_on_worker;
    bool is_done;      /* the run has its report */
    bool is_delivered; /* the step that finishes now is the delivery */
    struct live_trace trace;
    bool was_tried_again; /* the step at work */
    unsigned told;        /* events of the step at work; who has the run counts */
    int code;
    struct error error;
    struct buf rendered[RENDERED_COUNT];
    atomic_bool is_cancelled;
    atomic_bool has_lost_note;    /* no memory for it */
    _Atomic(struct note *) inbox; /* newest first */
    atomic_bool is_posted;
    struct loop_message message;
};

/* When runs that stand still are taken up: runner_stall.c. */
struct runner_stall {
    struct loop_timer timer;
    bool is_timing;
    uint64_t at_ms; /* is_timing: when */
    bool is_probing;
    bool is_refused; /* the store refused what was submitted last */
    unsigned probes; /* that failed in a row */
};

struct runner {
    struct runner_options options;
    struct live_run *live; /* all; O(n) to find one, n ≤ RUNNER_QUEUE_MAX + RUNNER_CONCURRENT_MAX +
                              LLM_ASKS_MAX */
    struct live_queue answered; /* runs at work whose question was answered: they come first */
    struct live_queue waiting;
    struct runner_owner *owners; /* O(n) to find one, n ≤ runs */
    uint64_t turn;               /* of the run that left waiting last for a place */
    uint64_t answers;            /* numbers those that join answered */
    struct loop_timer positions;
    bool is_timing_positions;
    bool has_new_positions;
    bool has_told_positions;        /* on_positions_due's */
    runner_position_fn on_position; /* NULL: nobody asks */
    void *on_position_arg;
    struct json_parser *parser; /* of events in a log that is done again */
    struct runner_counts counts;
    bool is_draining; /* nothing new begins */
    bool is_drained;
    bool is_scheduling; /* keeps schedule from calling itself */
    struct runner_stall stall;
    struct loop_timer grace;
    unsigned open_timers; /* grace, positions, stall: the last one that closes frees the runner */
    loop_fn drained;
    void *drained_arg;
    struct loop_message drained_message;
};

_Static_assert(RUNNER_EVENT_BYTES_MAX == RUN_EVENT_BYTES_MAX, "one limit, two names");

/* ---- runner.c ---- */

/* NULL: none that is not gone for ever. */
struct live_run *runner_find(const struct runner *runner, struct str run_id);

/* NULL: no memory. It belongs to the caller until runner_enqueue. */
must_check struct live_run *live_new(struct runner *runner);

/* Gives free places to who waits. */
void runner_schedule(struct runner *runner);

/* The end of every callback: frees the run when it is gone and idle, gives its place away. */
void live_settle(struct live_run *live);
void live_free(struct live_run *live);

/* It has neither a place nor anything under way: counted, freed. */
void live_drop(struct live_run *live);

/* Throws away all but what it is, and what it was asked to do. */
void live_forget_work(struct live_run *live);

/* Whether the drained runner can say so. */
void runner_look_drained(struct runner *runner);

/* Has live_settle called soon: for callbacks that cannot bear that the run is freed. */
void live_poke(struct live_run *live);

/* ---- runner_queue.c: places and turns ---- */

/* NULL: it has no open run. */
struct runner_owner *runner_find_owner(const struct runner *runner, struct str workspace_id,
                                       struct str owner_id);

/* The run is one of its row's owner; before runner_enqueue. ERR_NO_MEMORY. */
must_check int live_own(struct live_run *live);
void live_disown(struct live_run *live);

/* It is a run of the runner and waits for a place. */
void runner_enqueue(struct live_run *live);
void live_leave_queue(struct live_run *live);

/* It waits again, in the turn that it had. */
void live_rejoin(struct live_run *live);
void live_take_place(struct live_run *live);

/* It leaves its place while a model answers, and waits for one again. */
void live_leave_place(struct live_run *live);
void live_await_place(struct live_run *live);

/* Who gets the next place that is free; NULL: nobody. */
struct live_run *runner_next_in_line(const struct runner *runner);

void runner_show_counts(const struct runner *runner);
void runner_positions_init(struct runner *runner);
void runner_positions_changed(struct runner *runner);

/* ---- runner_log.c: the log of one run ---- */

/* NULL: no memory. */
must_check struct note *note_new(struct str json, int64_t time_us);
void note_list_add(struct note_list *list, struct note *note);
void note_list_free(struct note_list *list);

/* Gives the event its number and puts it into the batch, or compares it with what the log has. Owns
 * the note. One that may be early is published at once if its number is the next one to be heard
 * and is leased. */
void live_log(struct live_run *live, struct note *note);

/* Adds the row as it is now to the batch. */
void live_log_row(struct live_run *live);

/* The batch under construction, for other changes; NULL: out of memory, and the run is lost. */
struct store_batch *live_batch(struct live_run *live);

/* An event as a function of run_events.h wrote it; a run that cannot say what happened to it is
 * lost. */
void live_log_json(struct live_run *live, const struct buf *json, int64_t time_us);

/* Whether the next number may be published before it is durable. */
bool live_is_leased(const struct live_run *live);

/* Has the batch stored as soon as the one before it is. */
void live_flush(struct live_run *live, unsigned marks);

/* The store cannot: the run is let go, its log stays as it is. */
void live_lose(struct live_run *live, int code);

/* The row as it is now is to be durable whatever becomes of this process; for who is not within a
 * callback of the run. */
void live_keep_row(struct live_run *live);

static inline bool live_is_replaying(const struct live_run *live)
{
    return live->replay.made < live->replay.count;
}

/* ---- runner_work.c: what workers do ---- */

/* Reads the records, then steps until the report is there. */
void live_begin(struct live_run *live);

/* The next step, on a worker. */
void live_step(struct live_run *live);

/* Logs what the run has told since; or throws it away. */
void live_take_notes(struct live_run *live);
void live_drop_notes(struct live_run *live);

/* What the inbox needs; cannot fail. */
void live_work_init(struct live_run *live);

/* ---- runner_ask.c: questions to models ---- */

/* The run has a question: it is answered from the log, or a model is asked, or nobody is. Then the
 * run steps on, waits for the model, or has failed. */
void live_ask(struct live_run *live);

/* Nobody waits for the model any more. */
void live_stop_asking(struct live_run *live);

/* The calls of the log are part of what the run has used. */
void live_read_usage(struct live_run *live);

/* ---- runner_text.c: text of models ---- */

void live_text_init(struct live_run *live);

/* Takes a note with is_text. */
void live_text_take(struct live_run *live, struct note *note);

/* Gives numbers to text that waits; must: now, because something else follows. */
void live_text_flush(struct live_run *live, bool must);

/* Text that is open is withdrawn: the run ends. Not while the log is ahead of the run. */
void live_text_close(struct live_run *live, const char *why);

/* A question was asked; and it is asked again: what the log has of an answer is void. */
void live_text_asked(struct live_run *live);
void live_text_asked_again(struct live_run *live);

/* A streamed question is on its way: begins the message that its text will be, unless one is open.
 */
void live_text_announce(struct live_run *live);

/* The id of a message that was begun and has no word yet, which the caller ends; NULL: none. */
const char *live_text_take_open(struct live_run *live);

/* An event of a log that is read; false when it is none of text. ERR_LIMIT in *ret_code. */
bool live_text_read(struct live_run *live, struct str type, struct json_value event, int *ret_code);

/* ---- runner_trace.c: spans ---- */

struct str runner_traceparent(const struct runner_request *request, char text[TRACE_PARENT_BYTES]);
void live_trace_begin(struct live_run *live); /* its row is filled */
void live_trace(struct live_run *live, const struct run_event *event);
void live_trace_end(struct live_run *live, const char *status);

/* ---- runner_end.c: how runs end ---- */

void live_deliver(struct live_run *live); /* rendered: store the report */
void live_finish(struct live_run *live);  /* the report is durable */
void live_cancel(struct live_run *live);  /* nothing of it is on a worker */
void live_fail(struct live_run *live, const char *code, const char *message);
void live_ended(struct live_run *live); /* the last event is durable */

/* ---- runner_stall.c: runs that stand still ---- */

void runner_stall_init(struct runner *runner);
void runner_stall_stop(struct runner *runner);

/* What the store did with what was submitted last: a run's batch. runner_store_took gives places
 * away, so no run may be looked at after it. */
void runner_store_refused(struct runner *runner);
void runner_store_took(struct runner *runner);

/* A run that is gone, with nothing of it under way: true when it stands still, else it is to be
 * dropped. */
bool live_stall(struct live_run *live);

/* It is to be taken up soon: something was asked of it. */
void live_hasten(struct live_run *live);

/* ---- runner_recover.c ---- */

/* In front of the next event of a run that was taken up by the process that had let it go. */
void live_tell_taken_up(struct live_run *live);

/* The copy of a row in the store: all but texts. */
void live_copy_state(struct live_run *live, const struct store_run *row);

/* Reads the log of a run that is done again; live_begin follows when it is durable that it is. */
void live_resume(struct live_run *live);

/* The part of an event that must be the same when it is made again: type and name. ERR_INVALID. */
must_check int replay_key(struct json_parser *parser, struct str json, char *ret_key);

#endif
