/*
 * retry: how long to wait before another attempt. Pure: randomness and the time are passed in.
 *
 * Without word from the provider: full jitter (M. Brooker, "Exponential Backoff And Jitter", 2015),
 * which spreads questions that failed together better than a fixed wait with a little noise.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LLM_RETRY_H
#define NETRA_LLM_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "base/str.h"

/* Uniform in 0 … the smaller of first_ms·2^tries and max_ms; tries: retries before this one. */
uint64_t retry_jitter_ms(struct random *random, uint64_t first_ms, uint64_t max_ms, unsigned tries);

/* The value of Retry-After: seconds (a fraction is allowed), or a date as HTTP writes it today
 * ("Sun, 06 Nov 1994 08:49:37 GMT"; the two forms that RFC 9110 calls obsolete are not read). A
 * date that has passed is 0. False, and *ret_ms untouched, for anything else. Numbers too large for
 * the result are UINT64_MAX. */
bool retry_after_read(struct str value, int64_t now_us, uint64_t *ret_ms);

/* The same for retry-after-ms, which OpenAI sends: milliseconds. */
bool retry_after_ms_read(struct str value, uint64_t *ret_ms);

#endif
