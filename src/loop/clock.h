/*
 * clock: the one place of the program that reads the time of day. People and FAULT_CLOCK_JUMP may
 * set it; what has to be waited for goes by elapsed time. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LOOP_CLOCK_H
#define NETRA_LOOP_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970, UTC. */
int64_t clock_now_us(void);

/* The same, up to some milliseconds old, for a quarter of the price: for what shows seconds. */
int64_t clock_coarse_us(void);

/* Microseconds since some moment; never set, never backwards. */
int64_t clock_elapsed_us(void);

#endif
