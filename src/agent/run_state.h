/*
 * run_state: what the agents of a run share. Private to agent/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_RUN_STATE_H
#define NETRA_AGENT_RUN_STATE_H

#include "agent/model.h"
#include "tool/analyses.h"

#define RUN_ARGS_BYTES_MAX 8192u
#define RUN_GAPS_MAX       24u
#define RUN_CALLS_KEPT     1u /* of RUN_CALLS_MAX, for the built-in plan after a model's calls */

/* What kind of answer the prompt gets. */
enum run_route {
    ROUTE_ANALYSIS, /* run tools on the records */
    ROUTE_NO_DATA,  /* it could be answered, but there are no records */
    ROUTE_TALK      /* greeting, help, off topic, hostile, empty, not understood */
};

/* A part of the question that these records, or this version, cannot answer. */
struct gap {
    const char *id; /* fact: answer.<id>, always unknown */
    const char *label;
    const char *needs;
};

/* A planned call of a tool and, after it, its result. */
struct run_call {
    const struct tool *tool;
    struct str args;     /* JSON */
    struct report *body; /* NULL before, or when it failed */
    char failure[ERROR_MESSAGE_BYTES_MAX];
    bool is_extra; /* a model wanted it: the report never depends on it */
};

enum run_phase {
    PHASE_RECEIVED,
    PHASE_VALIDATE,
    PHASE_SELECT,
    PHASE_AGENTS,
    PHASE_GENERATE,
    PHASE_DELIVER,
    PHASE_DONE
};

struct agent;

struct run {
    struct run_options options;
    struct arena arena;
    enum run_phase phase;
    struct ask_vocabulary vocabulary;      /* for validating; its list is in the arena */
    struct interpretation *interpretation; /* ours, or as a model refined it */
    struct interpretation *own_reading;    /* ours; NULL where no model refined it */
    struct str interpretation_json;        /* in the arena, like the text */
    struct str interpretation_text;
    enum run_route route;
    const struct agent *const *agents; /* chosen by triage, in order, NULL-terminated */
    size_t agent_index;
    int agent_state;           /* private to the agent at work; 0 when it starts */
    const char *agent_at_work; /* its name; NULL between agents */
    unsigned agents_started;
    struct run_call calls[RUN_CALLS_MAX];
    size_t call_count;
    size_t calls_done;
    struct gap gaps[RUN_GAPS_MAX];
    size_t gap_count;
    struct report *report;
    struct analyses analyses; /* what the tools of this run share */
    struct dialogue dialogue; /* unused without has_model, like the next two */
    struct model_plan model_plan;
    struct model_text model_text;
};

/* One agent: a small state machine in its own file, agent_<name>.c. step() does one piece of work:
 * OK and *ret_done when the agent has finished. */
struct agent {
    const char *name;
    int (*step)(struct run *run, bool *ret_done, struct error *error);
};

extern const struct agent agent_supervisor;
extern const struct agent agent_triage;
extern const struct agent agent_data;
extern const struct agent agent_data_helper;
extern const struct agent agent_optimisation;
extern const struct agent agent_actions;
extern const struct agent agent_reporting;

/* Tells the observer; the time is filled in. */
void run_tell(struct run *run, struct run_event event);

/* Puts what was understood into words and JSON, for observers and for the report. */
must_check int run_write_interpretation(struct run *run, struct error *error);

/* Plans a call; the same tool with the same arguments is planned once. ERR_NO_MEMORY; a plan that
 * is full drops the call and says so in the report. */
must_check int run_plan_call(struct run *run, const char *tool, struct str args);

/* The same for a call that a model wants, with canonical arguments; index: where it is planned,
 * also when it was before. ERR_LIMIT when there is no room. */
must_check int run_plan_extra(struct run *run, const struct tool *tool, struct str args,
                              size_t *ret_index);

/* Whether a fact of other has another number in set, which is not changed. */
bool run_contradicts(struct fact_set *set, const struct fact_set *other);

/* Runs the next planned call; false in *ret_ran when none is left. */
must_check int run_next_call(struct run *run, bool *ret_ran, struct error *error);

/* The result of a tool that ran for the built-in plan, NULL when it did not or failed. */
const struct report *run_result(const struct run *run, const char *tool);

/* The arguments with which actions calls choose_plan; false when it does not. Failure is the buf's.
 */
bool actions_write_args(const struct run *run, struct buf *out);

bool reporting_has_line(const struct report_lines *lines, struct str text);

/* Adds to the report the results that a model wanted, and its question to the user. ERR_LIMIT,
 * ERR_NO_MEMORY (model_extras.c). */
must_check int extras_adopt(struct run *run);
must_check int extras_add_question(struct run *run);

/* Adds to the summary that parts of the question stay unknown. */
must_check int reporting_add_unknowns(struct run *run);

/* Names a part that stays unknown. */
void run_add_gap(struct run *run, const char *id, const char *label, const char *needs);

static inline bool run_has_intent(const struct run *run, enum intent intent)
{
    return run->interpretation->intents[intent];
}

#endif
