/*
 * breaker: whether a provider is worth asking. Pure: the time is passed in.
 *
 *              failures_max bad ends in a row
 *     CLOSED ──────────────────────────────────► OPEN ── open_ms later ──► HALF_OPEN
 *        ▲                                         ▲                        │ one attempt at a time
 *        │                                         └──────── it went bad ───┤ is let through
 *        └───────────────────────────────────────────────── it went well ───┘
 *
 * Every attempt that was let through must end, also one that was cancelled: the next may only try
 * the provider when the one before it has told how it went.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LLM_BREAKER_H
#define NETRA_LLM_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

enum breaker_pass {
    BREAKER_REFUSES,
    BREAKER_LETS, /* while closed */
    BREAKER_TRIES /* the one of a half-open breaker */
};

enum breaker_news {
    BREAKER_WENT_WELL,
    BREAKER_WENT_BAD,
    BREAKER_SAYS_NOTHING /* about the provider: cancelled, our own mistake, lack of memory */
};

struct breaker {
    unsigned failures_max;
    uint64_t open_ms;
    /* private */
    unsigned failures; /* in a row */
    bool is_open;      /* or half open */
    bool is_trying;
    uint64_t open_until_ms;
};

void breaker_init(struct breaker *breaker, unsigned failures_max, uint64_t open_ms);

/* An attempt wants to begin. What is not BREAKER_REFUSES must be given to breaker_end. */
must_check enum breaker_pass breaker_ask(struct breaker *breaker, uint64_t now_ms);
void breaker_end(struct breaker *breaker, enum breaker_pass pass, enum breaker_news news,
                 uint64_t now_ms);

/* Whether an attempt would be let through at that time if nothing happens before. */
bool breaker_would_let(const struct breaker *breaker, uint64_t at_ms);

enum breaker_state breaker_state(const struct breaker *breaker, uint64_t now_ms);
const char *breaker_state_name(enum breaker_state state); /* "closed", "open", "half_open" */

#endif
