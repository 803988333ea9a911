/*
 * clock: the one place of the program that reads the time of day.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LOOP_CLOCK_H
#define NETRA_LOOP_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970, UTC. */
int64_t clock_now_us(void);

#endif
