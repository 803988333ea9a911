/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/clock.h"

#include <time.h>

#include "base/civil_time.h"
#include "monitor/fault.h"

static int64_t time_of_day(clockid_t clock)
{
    struct timespec now;
    int64_t jump_ms = 0;

    (void)clock_gettime(clock, &now);
    (void)fault_hits_with(FAULT_CLOCK_JUMP, &jump_ms);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000 + jump_ms * 1000;
}

int64_t clock_now_us(void)
{
    return time_of_day(CLOCK_REALTIME);
}

int64_t clock_coarse_us(void)
{
    return time_of_day(CLOCK_REALTIME_COARSE);
}

int64_t clock_elapsed_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}
