/*
 * attempt: what an attempt's end means: for the record, for the question and for the provider's
 * breaker. Pure; README.md has the same as a table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LLM_ATTEMPT_H
#define NETRA_LLM_ATTEMPT_H

#include "llm/breaker.h"
#include "llm/llm.h"

/* How it ended. The first that applies decides: was not started, status, reading, code, answer. */
struct attempt_end {
    bool was_started;  /* false: code is what http_client_start said */
    int code;          /* of the client */
    int status;        /* 0: no head came */
    int reading;       /* what reading the answer gave; OK: nothing against it */
    bool is_limited;   /* reading is ERR_IO, and the provider said that it has too much to do */
    bool had_its_time; /* as long as one attempt may take: a second one is no better */
    enum llm_stop stop;
    bool is_empty; /* neither text nor calls */
};

enum attempt_then {
    ATTEMPT_ANSWERED,
    ATTEMPT_RETRY, /* the same provider, after a wait */
    ATTEMPT_NEXT   /* the next provider, at once */
};

struct attempt_verdict {
    enum llm_outcome outcome;
    enum attempt_then then;
    enum breaker_news news;
};

struct attempt_verdict attempt_judge(const struct attempt_end *end);

/* Whether a body with that status is an answer to read. */
static inline bool attempt_is_success(int status)
{
    return status >= 200 && status < 300;
}

/* Writes before and text, which somebody else wrote, as one line of visible characters, cut to
 * size. Where eight or more bytes of the key stand in a row, or all of a shorter key, "…" stands
 * instead: servers like to say which key they did not accept. */
void attempt_say(char ret_failure[LLM_FAILURE_BYTES], struct str key, const char *before,
                 struct str text);

#endif
