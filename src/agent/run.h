/*
 * run: one question on its way to a report. A run is a state machine: run_step() does one small
 * piece of work and returns, so that a loop can drive many runs and a cancelled one stops at the
 * next step.
 *
 *     received → validated → selected → executed (agents, one after the other) → generated →
 *     delivered
 *
 * These are the six steps that are recorded with their times. Agents never compute: they choose
 * tools of the registry and arguments, judge what the data suffices for, and put results together.
 *
 * With has_model a model takes part. The run does not call it: after a run_step it may be asking
 * (run_question is not NULL), and whoever drives it has the question answered, by a model or from
 * the log of an earlier making, and says so with run_answer before the next run_step. So a run
 * stays a function of its inputs and of the answers that it got. What a model says is checked
 * before anything comes of it; without an answer the run goes on as it would without a model.
 *
 *     interpret   refine what was understood              (agent_selected)
 *     plan        choose more tools, ask one question      (agent_executed; up to RUN_ROUNDS_MAX)
 *     write       the summary, streamed through the gate   (response_generated)
 *     repair      once, when the gate refused it
 *
 * Not thread-safe; one run belongs to one thread at a time. The dataset is only read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_RUN_H
#define NETRA_AGENT_RUN_H

#include "ask/interpretation.h"
#include "llm/message.h"
#include "report/report.h"
#include "tool/tool.h"

#define RUN_CALLS_MAX     24u /* tool calls of one run */
#define RUN_ROUNDS_MAX    3u  /* of planning with a model */
#define RUN_QUESTIONS_MAX 8u  /* to a model, of one run */

enum run_event_kind {
    RUN_STEP_STARTED,
    RUN_STEP_FINISHED,
    RUN_AGENT_STARTED,
    RUN_AGENT_FINISHED,
    RUN_TOOL_STARTED,
    RUN_TOOL_FINISHED,
    RUN_AGENT_FAILED, /* instead of finished; only run_abandon tells it */
    RUN_INTERPRETED,  /* after message_validated: what was understood; again when a model refined it
                       */
    RUN_MODEL_ASKED,  /* index: of the question, from 0; name: its purpose */
    RUN_MODEL_ANSWERED, /* the same; failure: why nothing came of it, NULL when it was used */
    RUN_TEXT_STARTED,   /* a text of the report begins to come, before the report is ready */
    RUN_TEXT,           /* a piece of it in plain words: text */
    RUN_TEXT_FINISHED,  /* the text is part of the report */
    RUN_TEXT_WITHDRAWN  /* it is not: failure says why */
};

/* Who answered a question and what it took: for events and the report. Texts are borrowed. */
struct run_model {
    struct str provider; /* of the configuration */
    struct str model;
    struct llm_usage usage; /* of all attempts together */
    unsigned attempts;      /* that reached a provider */
    bool has_cost;          /* false: unknown, never taken for 0 */
    int64_t cost_pico_usd;
    uint64_t latency_us;
};

/* A question to a model. Borrowed; valid until run_answer. */
struct run_question {
    unsigned index;      /* from 0, in the order of asking */
    const char *purpose; /* "interpret", "plan", "write", "repair" */
    struct str prompt;   /* "write@1": prompt file and version */
    const struct llm_request *request;
    bool is_streamed; /* text is wanted as it comes: run_hear */
};

/* What happens; texts and the body are borrowed for the call. Members that a kind does not name are
 * empty. */
struct run_event {
    enum run_event_kind kind;
    const char *name; /* of the step, agent or tool */
    int64_t time_us;
    uint64_t duration_us;         /* step finished */
    const unsigned *delivered_to; /* step finished, the last one: filled in by who delivers */

    unsigned index;            /* of the agent or the tool call: from 0, in the order of starts */
    const char *agent;         /* tool: who calls it */
    unsigned agent_index;      /* tool: that agent's index */
    struct str args;           /* tool: JSON */
    const struct report *body; /* tool finished: the result; NULL when it failed */
    const char *failure;       /* tool finished, agent failed: why; NULL when nothing failed */

    struct str interpretation_json; /* interpreted: as `netra parse` prints it */
    struct str interpretation_text; /* interpreted: the echo in a line of words */
    struct str text;                /* text: a piece; borrowed */
    const struct run_model *model;  /* answered: who and at what cost; NULL when nobody did;
                                       interpreted: who refined it */
};

/* Called during run_step, in the order of things. */
typedef void (*run_observer_fn)(const struct run_event *event, void *arg);
typedef int64_t (*run_clock_fn)(void);

struct run_options {
    struct str prompt;
    const struct dataset *dataset; /* NULL or empty: a guidance report */
    const struct price_book *book;
    struct str id; /* UUIDv7 of the report */
    uint64_t seed;
    run_clock_fn clock;
    bool has_model;                  /* a model may be asked: an input of the run like its seed */
    const atomic_bool *is_cancelled; /* NULL: never */
    run_observer_fn observer;        /* NULL: nobody listens */
    void *observer_arg;
};

struct run;

/* Options and their texts are copied; dataset and book must outlive the run. ERR_NO_MEMORY. */
must_check int run_new(const struct run_options *options, struct run **ret_run,
                       struct error *error);
void run_free(struct run *run);
void run_free_pointer(struct run **run);

/* One piece of work. *ret_done is true when the report is ready. ERR_LIMIT (a prompt that is too
 * long), ERR_CANCELLED, ERR_NO_MEMORY; a tool that fails does not fail the run, it is a caveat. */
must_check int run_step(struct run *run, bool *ret_done, struct error *error);

/* What the run asks a model now; NULL: nothing. While it is not, run_step must not be called. */
const struct run_question *run_question(const struct run *run);

/* Text of the answer as it comes; is judged, and what passes is told (RUN_TEXT). run_unhear: what
 * came is void, another provider begins. Only for is_streamed; need not be called at all. */
void run_hear(struct run *run, struct str delta);
void run_unhear(struct run *run);

/* The answer to run_question; borrowed for the call. answer NULL: nobody could, and why is a
 * sentence for the reader of the report. model may be NULL. What is not allowed is refused here and
 * told; that is no error. What comes of an answer (text, what was understood) is told before
 * RUN_MODEL_ANSWERED, and run_question is valid until that was told. ERR_NO_MEMORY. */
must_check int run_answer(struct run *run, const struct llm_answer *answer,
                          const struct run_model *model, const char *why, struct error *error);

/* The report, borrowed; NULL before the run is done. The step response_delivered is open until
 * run_delivered() closes it. */
const struct report *run_report(const struct run *run);

/* True when the question could be answered but there were no records to answer it from. */
bool run_lacks_records(const struct run *run);

/* Records that the report is being handed over now. */
void run_delivered(struct run *run);

/* Records that the run ends without a report: the agent at work has failed, and the step that is
 * open is finished, so that whatever was started has an end. After it only run_free is allowed. */
void run_abandon(struct run *run, const char *why);

#endif
