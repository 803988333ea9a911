/*
 * synthesize_draw: draws from distributions in integer arithmetic, so that the same seed gives the
 * same values on every machine and compiler. (The C library's exp and log may differ in the last
 * bit, and compilers may fuse a multiplication with an addition.)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_SYNTHESIZE_DRAW_H
#define NETRA_USAGE_SYNTHESIZE_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

/* Uniform in [low, high], both included. */
uint32_t draw_between(struct random *random, uint32_t low, uint32_t high);

/* True in permille of 1,000 cases. */
bool draw_chance(struct random *random, uint32_t permille);

/* Log-normal with that median and the sigma of the natural logarithm in thousandths; the normal
 * behind it is a sum of twelve uniforms, so it ends at six sigma. At most max. */
uint32_t draw_log_normal(struct random *random, uint32_t median, uint32_t sigma_permille,
                         uint32_t max);

/* expected_milli / 1000 events on average: rounded up or down by chance after a noise of a fifth.
 * Counts vary a little less than a Poisson's. */
uint32_t draw_count(struct random *random, uint64_t expected_milli);

/* A bijection of 64 bits that looks random: distinct inputs give distinct names (the finaliser of
 * SplitMix64). */
uint64_t draw_name(uint64_t number);

#endif
