/*
 * model: how a model takes part in a run. Private to agent/.
 *
 *     agent → model_<purpose>_ask → model_ask: run_question is there, RUN_MODEL_ASKED is told
 *     whoever drives the run      → run_hear …, run_answer → take() of that purpose, which judges
 *
 * take() is the only way in for what a model says, and each one lets through a closed form only: an
 * interpretation that ask_refine accepts, calls of tools that change nothing, text that prose.h
 * passes. What came of an answer is told before RUN_MODEL_ANSWERED.
 *
 * What a model is told is ours word for word (prompts/) or data. Data is JSON between <data NAME>
 * and </data NAME>, where NAME ends with a token that whoever wrote the data cannot know, and '<'
 * stands in it as \u003c: no text can end its fence.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_MODEL_H
#define NETRA_AGENT_MODEL_H

#include "agent/run.h"
#include "ask/interpretation.h"
#include "base/dict.h"
#include "report/prose.h"

#define MODEL_MATERIAL_BYTES_MAX ((size_t)1 << 20)  /* of one message; the wire's limit is lower */
#define MODEL_QUESTION_BYTES_MAX ((size_t)32 << 10) /* of the user's question; the rest is cut */
#define MODEL_FACTS_BYTES_MAX    ((size_t)48 << 10) /* facts that a summary may name: some 250 */
#define MODEL_RESULT_FACTS_MAX   40u                /* of one result of a tool */
#define MODEL_RESULT_BYTES_MAX   ((size_t)6 << 10)
#define MODEL_USER_BYTES_MAX     400u  /* of a question to the user */
#define MODEL_OUTPUT_TOKENS_MAX  4096u /* of one answer, with what the model thinks before it */
#define MODEL_TOKEN_BYTES        17u
#define MODEL_TOOLS_MAX          32u
#define MODEL_MESSAGES_MAX       (1 + RUN_ROUNDS_MAX * (1 + LLM_CALLS_MAX))

struct run;
struct run_call;
struct tool_args;

/* Judges an answer and takes what it may. OK, ERR_INVALID (refused: the message says why),
 * ERR_NO_MEMORY. model may be NULL. */
typedef int (*model_take_fn)(struct run *run, const struct llm_answer *answer,
                             const struct run_model *model, struct error *refusal);

/* The question that is open, and what became of the earlier ones. */
struct dialogue {
    struct run_question question;
    struct llm_request request;
    model_take_fn take;
    bool is_open; /* question waits for run_answer */
    unsigned asked;
    char token[MODEL_TOKEN_BYTES]; /* of the fences; empty before the first question */
    unsigned silent;               /* purposes that nobody answered, as bits */
    struct str why;                /* of the first of them */
};

/* Facts that a model may name and the names that it may write; facts about single users or
 * sessions are never among them. */
struct offer {
    const struct report *report;
    struct dict ids;     /* chosen, in order */
    uint32_t fact_count; /* of them, those that were written */
    struct dict names;
};

/* A call that a model wants, and what came of it. */
struct model_wish {
    struct llm_call call;
    size_t index;     /* of the run's calls; SIZE_MAX: nothing runs */
    struct str reply; /* when nothing runs: what the model is told */
    bool is_refused;  /* reply says why */
};

/* Planning with a model, over several rounds. */
struct model_plan {
    struct llm_message messages[MODEL_MESSAGES_MAX];
    size_t message_count;
    struct llm_tool tools[MODEL_TOOLS_MAX];
    size_t tool_count;
    struct model_wish wishes[LLM_CALLS_MAX]; /* of the last answer */
    size_t wish_count;
    unsigned rounds;
    bool wants_results;
    struct str question; /* to the user, template text; empty: none */
};

/* The summary while it is written and judged. */
struct model_text {
    struct offer offer;
    struct prose_rules rules;
    struct prose *prose;
    struct buf heard;     /* what the judge was fed, to compare it with the answer */
    struct error refusal; /* the judge's; code OK: none */
    int failure;          /* ERR_NO_MEMORY while it was heard */
    bool is_shown;        /* RUN_TEXT_STARTED was told, and neither end of it */
    struct llm_message messages[3];
    struct str refused;      /* the text that is to be repaired; once a run */
    struct str refusal_said; /* the judge's words on it */
    bool wants_repair;
};

/* ---- asking (model_ask.c) ---- */

struct model_asking {
    const char *purpose; /* also the name of the prompt file */
    struct str system;
    const struct llm_message *messages;
    size_t message_count;
    const struct llm_tool *tools;
    size_t tool_count;
    struct str answer_schema;
    struct str answer_name;
    bool is_streamed;
    model_take_fn take;
};

/* Before the first material is written: makes the token. ERR_NO_MEMORY. */
must_check int model_begin(struct run *run);

/* Opens a question; everything that asking points to must live until it is answered. *ret_asked is
 * false when the run has asked enough. ERR_NO_MEMORY. */
must_check int model_ask(struct run *run, const struct model_asking *asking, bool *ret_asked);

/* A refusal quotes what was refused, and says behind a semicolon what to do instead, for who wrote
 * it. Everybody else is told the reason without either: what was not let through must not come in
 * that way. */
void model_without_quotes(const char *message, char ret_text[ERROR_MESSAGE_BYTES_MAX]);

/* A caveat that names what no model took part in and why; nothing when all were answered.
 * ERR_NO_MEMORY. */
must_check int model_add_caveat(struct run *run);

void model_free(struct run *run);

/* ---- what it is told (model_material.c) ---- */

/* A text that was put together, moved to the run's arena. The buf is empty afterwards. Errors are
 * the buf's, and ERR_NO_MEMORY. */
must_check int model_keep(struct run *run, struct buf *text, struct str *ret_text);

/* A copy of what a model said, for when it is told so again: also there nothing opens or ends a
 * fence. ERR_NO_MEMORY. */
must_check int model_keep_said(struct run *run, struct str said, struct str *ret_copy);

/* Appends a fence with JSON in it. */
void model_fence(const struct run *run, const char *name, struct str json, struct buf *out);

/* The same of the question and of what was understood. */
void model_fence_question(const struct run *run, struct buf *out);

/* JSON with '<' as \u003c, for texts that others wrote. */
void model_append_json(struct buf *out, struct str json);

/* ---- what it may name (model_offer.c) ---- */

/* Chooses of report at most facts_max facts, those that people read first. ERR_NO_MEMORY. */
must_check int offer_init(struct offer *offer, const struct run *run, const struct report *report,
                          size_t facts_max);
void offer_done(struct offer *offer);

/* Facts as JSON, one a line or as elements of an array; those behind bytes_max are no longer
 * offered. */
void offer_write_facts(struct offer *offer, size_t bytes_max, bool is_array, struct buf *out);
void offer_write_names(const struct offer *offer, struct buf *out); /* a JSON array */

/* A model or a feature that the records or the price book have. */
bool model_knows_name(const struct run *run, struct str name);

/* Whether a model may call a tool with these (model_args.c). ERR_INVALID: a name that nobody knows,
 * or a number that the user did not say. */
must_check int model_judge_args(const struct run *run, const struct tool_args *args,
                                struct error *error);

/* ---- the four purposes ---- */

/* Each asks or finds that there is nothing to ask. ERR_NO_MEMORY; ERR_LIMIT when what would have to
 * be said is too long, which model_or_none turns into not asking. */
must_check int model_interpret_ask(struct run *run, bool *ret_asked);
must_check int model_plan_ask(struct run *run, bool *ret_asked); /* the first round, or one more */
must_check int model_write_ask(struct run *run, bool *ret_asked);
must_check int model_repair_ask(struct run *run, bool *ret_asked);

static inline int model_or_none(int code, bool *ret_asked)
{
    if (code) {
        *ret_asked = false;
    }
    return code == ERR_LIMIT ? OK : code;
}

/* Tells observers words that belong to the text, after RUN_TEXT_STARTED if they are the first. */
void model_text_show(struct run *run, struct str words);

/* Text of an answer as it comes, and that it was void (model_text.c). */
void model_text_hear(struct run *run, struct str delta);
void model_text_withdraw(struct run *run, const char *why);
void model_text_reset(struct run *run);
/* Judges the whole text of an answer, of which a part may have been heard. OK, ERR_INVALID,
 * ERR_NO_MEMORY. */
must_check int model_text_judge(struct run *run, struct str text, struct error *refusal);

#endif
