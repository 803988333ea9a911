/*
 * reading_state: what a reading is made of, for reading.c and the wires only. A wire's read_event
 * turns one event into calls of what is declared here.
 *
 *     text       reading_add_text                   → on_text, answer.text
 *     calls      reading_open_call (by the provider's index of it), reading_add_args
 *     the end    reading_set_stop: why; reading_end: nothing that follows is looked at
 *     failure    reading_fail: the provider says that it failed
 *
 * The end-of-stream text "[DONE]" of OpenAI is no JSON: read_event gets a missing value for it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LLM_READING_STATE_H
#define NETRA_LLM_READING_STATE_H

#include "llm/reading.h"
#include "llm/sse.h"

#define READING_NO_KEY UINT64_MAX

struct reading_call {
    uint64_t key; /* the provider's index of the call or of its block */
    char id[LLM_NAME_BYTES_MAX + 1];
    char name[LLM_NAME_BYTES_MAX + 1];
    struct buf args;
};

/* Anthropic's counts as they came last; message_delta repeats some of message_start's. */
struct reading_counts {
    uint64_t input;
    uint64_t read;
    uint64_t written;
    uint64_t written_5m;
    uint64_t written_1h;
    uint64_t output;
    uint64_t reasoning;
};

struct llm_reading {
    const struct llm_wire *wire;
    llm_text_fn on_text;
    void *arg;
    bool is_structured; /* the answer's text must be JSON */
    size_t ids_made;    /* the next made-up id of a call: unlike those of the request */

    struct sse sse;
    struct json_parser *json;
    size_t bytes; /* fed so far */
    int status;   /* of the first failure; nothing is taken after it */

    struct buf text;
    struct reading_call calls[LLM_CALLS_MAX];
    size_t call_count;
    char model[LLM_NAME_BYTES_MAX + 1];
    char response_id[LLM_NAME_BYTES_MAX + 1];
    struct llm_usage usage;
    struct llm_failure failure;
    enum llm_stop stop;
    bool has_stop;    /* the provider said why the answer stops */
    bool has_refused; /* … or that it will not answer */
    bool has_ended;   /* the format's last event came */

    /* ---- of one wire each ---- */
    uint64_t aside;               /* openai_responses: output that is not the answer */
    uint64_t answer_block;        /* anthropic: block whose input is the structured answer */
    struct reading_counts counts; /* anthropic */
};

/* The answer's next piece; an empty one is none. ERR_LIMIT, ERR_NO_MEMORY. */
must_check int reading_add_text(struct llm_reading *reading, struct str delta, struct error *error);

/* The call with that key; NULL: none yet. */
struct reading_call *reading_find_call(struct llm_reading *reading, uint64_t key);

/* The call with that key, made when there is none. Its id and name are set where they are not
 * empty. ERR_LIMIT: too many calls, or an id or a name is too long. */
must_check int reading_open_call(struct llm_reading *reading, uint64_t key, struct str id,
                                 struct str name, struct reading_call **ret_call,
                                 struct error *error);

must_check int reading_add_args(struct reading_call *call, struct str delta, struct error *error);

/* What the answer is called; an empty or a too long text changes nothing. */
void reading_set_model(struct llm_reading *reading, struct str model);
void reading_set_response_id(struct llm_reading *reading, struct str id);

void reading_set_stop(struct llm_reading *reading, enum llm_stop stop);
void reading_end(struct llm_reading *reading);

/* ERR_IO; source is what llm_failure_from takes. */
must_check int reading_fail(struct llm_reading *reading, struct json_value source,
                            struct error *error);

/* ERR_IO: an end that is not one of a whole answer, in the provider's own word. */
must_check int reading_fail_by_reason(struct llm_reading *reading, struct str reason,
                                      struct str message, struct error *error);

#endif
