/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/breaker.h"

#include "base/check.h"

void breaker_init(struct breaker *breaker, unsigned failures_max, uint64_t open_ms)
{
    check(failures_max > 0);
    *breaker = (struct breaker){.failures_max = failures_max, .open_ms = open_ms};
}

bool breaker_would_let(const struct breaker *breaker, uint64_t at_ms)
{
    return !breaker->is_open || (at_ms >= breaker->open_until_ms && !breaker->is_trying);
}

enum breaker_pass breaker_ask(struct breaker *breaker, uint64_t now_ms)
{
    if (!breaker_would_let(breaker, now_ms)) {
        return BREAKER_REFUSES;
    }
    if (!breaker->is_open) {
        return BREAKER_LETS;
    }
    breaker->is_trying = true;
    return BREAKER_TRIES;
}

static void open_now(struct breaker *breaker, uint64_t now_ms)
{
    breaker->is_open = true;
    breaker->open_until_ms = now_ms + breaker->open_ms;
}

static void end_try(struct breaker *breaker, enum breaker_news news, uint64_t now_ms)
{
    check(breaker->is_open && breaker->is_trying);
    breaker->is_trying = false;
    if (news == BREAKER_WENT_BAD) {
        open_now(breaker, now_ms);
    } else if (news == BREAKER_WENT_WELL) {
        breaker->is_open = false;
        breaker->failures = 0;
    }
}

void breaker_end(struct breaker *breaker, enum breaker_pass pass, enum breaker_news news,
                 uint64_t now_ms)
{
    check(pass != BREAKER_REFUSES);
    if (pass == BREAKER_TRIES) {
        end_try(breaker, news, now_ms);
    } else if (breaker->is_open) {
        return; /* it began before the breaker opened, and is no news any more */
    } else if (news == BREAKER_WENT_WELL) {
        breaker->failures = 0;
    } else if (news == BREAKER_WENT_BAD && ++breaker->failures >= breaker->failures_max) {
        open_now(breaker, now_ms);
    }
}

enum breaker_state breaker_state(const struct breaker *breaker, uint64_t now_ms)
{
    if (!breaker->is_open) {
        return BREAKER_CLOSED;
    }
    return now_ms < breaker->open_until_ms ? BREAKER_OPEN : BREAKER_HALF_OPEN;
}

const char *breaker_state_name(enum breaker_state state)
{
    static const char *const names[] = {"closed", "open", "half_open"};

    return names[state];
}
