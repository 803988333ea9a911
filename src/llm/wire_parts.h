/*
 * wire_parts: what the wires have in common: looking into events, counting tokens, and pieces of
 * bodies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LLM_WIRE_PARTS_H
#define NETRA_LLM_WIRE_PARTS_H

#include "llm/reading_state.h"
#include "json/json_write.h"

/* ---- reading ---- */

/* A member that is a string; empty when there is none. */
struct str wire_text_at(struct json_value value, const char *key);

/* The type that an event's datum says, else its name; "error" for a datum with nothing but an
 * error, as gateways before a provider send it. */
struct str wire_event_type(struct str name, struct json_value data);

/* A member that counts something small; otherwise, where it is missing or no such number. */
uint64_t wire_index_at(struct json_value value, const char *key, uint64_t otherwise);

/* A count of tokens. Missing or null leaves *count as it is; anything but 0 … 2^32-1 is false. */
must_check bool wire_count_at(struct json_value value, const char *key, uint64_t *count);

/* Counts as OpenAI and Gemini give them: parts are counted in the whole. */
struct wire_inclusive_counts {
    uint64_t input;
    uint64_t cache_read;
    uint64_t cache_write;
    uint64_t output;
    uint64_t reasoning;
};

/* Disjoint buckets; unknown when the parts are more than the whole. */
struct llm_usage wire_usage_of(const struct wire_inclusive_counts *counts);

/* OpenAI's usage object, with the names of its members of either format. */
struct wire_usage_names {
    const char *input;          /* "prompt_tokens" */
    const char *input_details;  /* "prompt_tokens_details" */
    const char *output;         /* "completion_tokens" */
    const char *output_details; /* "completion_tokens_details" */
};
/* Anything but an object changes nothing. */
void wire_read_openai_usage(struct llm_reading *reading, struct json_value usage,
                            const struct wire_usage_names *names);

/* What a provider's word for the end of an answer means. */
struct wire_stop {
    const char *reason;
    enum llm_stop stop;
};
/* False for a word that is none of the list. */
must_check bool wire_find_stop(const struct wire_stop *stops, size_t count, struct str reason,
                               enum llm_stop *ret_stop);

/* What an event or a body says of its failure; see llm_failure_read. */
void llm_failure_from(struct json_value root, struct llm_failure *ret_failure);

/* A text for people: cut to size between characters, control characters become single spaces. */
void llm_failure_clean(struct str text, char *ret_text, size_t size);

/* ---- writing ---- */

/* A parsed value as JSON text. ERR_LIMIT: nested too deeply to be written, or out's status. */
must_check int wire_print_value(struct json_value value, struct buf *out);

/* A member that is JSON text already; an empty text is written as {}. */
void wire_put_object(struct json_writer *w, const char *key, struct str json);

/* A member that is a text, unless it is empty. */
void wire_put_text(struct json_writer *w, const char *key, struct str text);

/* A conversation as providers take it that know two roles and want them in turn: results are the
 * user's, messages of one role that follow one another become one, empty ones are left out. */
struct wire_turns {
    const char *list;      /* member of the body: "messages" */
    const char *assistant; /* the role beside "user" */
    const char *parts;     /* member of a turn: "content" */
    void (*put_parts)(struct json_writer *w, const struct llm_message *message);
};
void wire_put_turns(struct json_writer *w, const struct llm_request *request,
                    const struct wire_turns *turns);

/* The arguments of a call as JSON text: "{}" when there are none. */
struct str wire_args_of(const struct llm_call *call);

static inline bool wire_wants_json(const struct llm_request *request)
{
    return request->answer_schema.length > 0;
}

/* "Authorization: Bearer …"; for llm_wire.write_key. */
const char *wire_write_bearer(struct str key, struct buf *out);

#endif
