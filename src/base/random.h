/*
 * random: a small seeded generator (PCG32, O'Neill 2014, "PCG: A Family of Simple Fast
 * Space-Efficient Statistically Good Algorithms"). The same seed gives the same integers and
 * units on every machine; the two distributions below go through the C library's log1p, cos and
 * exp, whose last bit may differ between C libraries. Not for secrets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_BASE_RANDOM_H
#define NETRA_BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
    uint64_t stream; /* always odd */
};

/* Different streams of one seed are independent: give each user of randomness its own. */
void random_init(struct random *random, uint64_t seed, uint64_t stream);

uint32_t random_u32(struct random *random);

/* Uniform in [0, bound), without bias; bound > 0. */
uint32_t random_below(struct random *random, uint32_t bound);

/* Uniform in [0, 1) with 53 bits. */
double random_unit(struct random *random);

#endif
