/*
 * wire: the four formats that providers speak. A wire writes a request's body and reads the events
 * of a streamed answer; it knows nothing of sockets, time-outs or retries. Pure.
 *
 *     openai_responses   {url}/responses                                            OpenAI
 *     openai_chat        {url}/chat/completions                 OpenAI, and what is compatible
 *     anthropic          {url}/v1/messages                                      Anthropic
 *     gemini             {url}/models/{model}:streamGenerateContent?alt=sse        Google
 *
 * All are streamed as server-sent events. Each wire's file documents its format, event by event, at
 * its top.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LLM_WIRE_H
#define NETRA_LLM_WIRE_H

#include "base/buf.h"
#include "base/error.h"
#include "http/server.h"
#include "llm/message.h"
#include "json/json_read.h"

#define LLM_WIRE_HEADERS_MAX 4u

struct llm_reading;

struct llm_wire {
    const char *name;
    /* {url}'s end with the model in it, percent-encoded where it is part of a path. */
    void (*write_path)(struct str model, struct buf *out);
    /* The header that carries the key; the value goes to out. NULL key: no header (returns NULL).
     */
    const char *(*write_key)(struct str key, struct buf *out);
    /* Headers beside Content-Type and the key's, constant; NULL name ends. */
    struct {
        const char *name;
        const char *value;
    } headers[LLM_WIRE_HEADERS_MAX];
    void (*write_body)(const struct llm_request *request, struct str model, struct buf *out);
    /* One event. OK, ERR_INVALID (not of this format), ERR_LIMIT, ERR_NO_MEMORY, ERR_IO (the
     * provider says in the stream that it failed; the reading's failure says what). */
    int (*read_event)(struct llm_reading *reading, struct str name, struct json_value data,
                      struct error *error);
    /* True once the format's own end was seen: half a stream is no answer. */
    bool (*is_complete)(const struct llm_reading *reading);
};

extern const struct llm_wire llm_wire_openai_responses;
extern const struct llm_wire llm_wire_openai_chat;
extern const struct llm_wire llm_wire_anthropic;
extern const struct llm_wire llm_wire_gemini;

/* By name; NULL: none. */
const struct llm_wire *llm_wire_find(struct str name);

/* What an error body of any of the four formats says: its message and its type or code, cut to
 * size, without control characters. Both empty when it says nothing. */
struct llm_failure {
    char message[200];
    char type[64];
};
void llm_failure_read(struct str body, struct llm_failure *ret_failure);

#endif
