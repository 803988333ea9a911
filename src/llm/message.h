/*
 * message: what is asked of a model and what it answers, in no provider's form. The wires
 * translate.
 *
 * Requests are built by who asks and only borrowed; an answer owns its texts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LLM_MESSAGE_H
#define NETRA_LLM_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "monitor/trace.h"

#define LLM_CALLS_MAX      8u     /* tool calls of one answer; more: ERR_LIMIT */
#define LLM_TEXT_BYTES_MAX 32768u /* of one answer's text; more: ERR_LIMIT */
#define LLM_ARGS_BYTES_MAX 16384u /* of one tool call's arguments */
#define LLM_NAME_BYTES_MAX 128u   /* of a model, a tool, an id */

/* Of one stream as it is sent; more: ERR_LIMIT. OpenAI sends about 300 bytes for each token, and
 * repeats the request's instructions and tools in three events. Nothing is kept of them. */
#define LLM_ANSWER_BYTES_MAX  ((size_t)8 << 20)

#define LLM_REQUEST_BYTES_MAX ((size_t)512 << 10) /* of one body */

struct llm_tool {
    struct str name;
    struct str description;
    struct str schema; /* JSON schema of the arguments */
};

struct llm_call {
    struct str id; /* the provider's; made up by the wire where it has none */
    struct str name;
    struct str args; /* JSON text, an object; not looked at here beyond that */
};

enum llm_role {
    LLM_USER,
    LLM_ASSISTANT, /* text, calls */
    LLM_RESULT     /* of a call: call names it, text is the result (JSON) */
};

struct llm_message {
    enum llm_role role;
    struct str text;
    const struct llm_call *calls;
    size_t call_count;
    struct llm_call call; /* LLM_RESULT: id and name */
};

struct llm_request {
    struct str system;
    const struct llm_message *messages;
    size_t message_count;
    const struct llm_tool *tools; /* that it may call */
    size_t tool_count;
    /* The answer must be JSON of this schema; empty: free text. It arrives as text, also where the
     * provider has it as a forced tool call. Not together with tools. */
    struct str answer_schema;
    struct str answer_name; /* of that schema: [a-z_]+ */
    uint32_t output_tokens_max;
    /* Whose doing it is: each attempt is a span below it, and the provider is sent a traceparent.
     * All zero: none of both. */
    struct trace_context trace;
};

/* Disjoint buckets, as records have them. */
struct llm_usage {
    bool is_known; /* false: the provider did not say; the numbers are 0 and mean nothing */
    uint64_t input_uncached;
    uint64_t cache_read;
    uint64_t cache_write_5m;
    uint64_t cache_write_1h;
    uint64_t output; /* includes reasoning */
    uint64_t reasoning;
};

/* Whatever came in, from a cache or not. */
static inline uint64_t llm_usage_input(const struct llm_usage *usage)
{
    return usage->input_uncached + usage->cache_read + usage->cache_write_5m +
           usage->cache_write_1h;
}

enum llm_stop {
    LLM_STOP_END,
    LLM_STOP_CALLS,  /* it wants tools to be called */
    LLM_STOP_LENGTH, /* output_tokens_max was reached */
    LLM_STOP_REFUSED /* by the provider's filters, or the model refuses */
};

struct llm_answer {
    struct arena arena; /* owns every text */
    struct str text;
    struct llm_call calls[LLM_CALLS_MAX];
    size_t call_count;
    enum llm_stop stop;
    struct str model;       /* as the provider named it; may be empty */
    struct str response_id; /* may be empty */
    struct llm_usage usage;
};

void llm_answer_init(struct llm_answer *answer);
void llm_answer_done(struct llm_answer *answer);

const char *llm_stop_name(enum llm_stop stop); /* "end", "calls", "length", "refused" */

/* The answer as a JSON object and back: what a run's log keeps of it (text, calls, stop, model,
 * response_id, usage). ERR_INVALID, ERR_LIMIT, ERR_NO_MEMORY. */
struct buf;
struct error;
void llm_answer_write(const struct llm_answer *answer, struct buf *out);
must_check int llm_answer_read(struct str json, struct llm_answer *ret_answer, struct error *error);

#endif
