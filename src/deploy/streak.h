/*
 * streak: whether a revision has been healthy for long enough, one answer after the other. Only
 * answers in a row count: a red one, and a gap without any, begin again.
 *
 *     healthy  ● ● ● ○ ● ● ● ● ● ●
 *              └─3─┘   └────needed────┘ → STREAK_PASSED
 *
 * Pure; the clock is the caller's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_STREAK_H
#define NETRA_DEPLOY_STREAK_H

#include <stdbool.h>
#include <stdint.h>

#define STREAK_GAP_MS_MAX                                                                          \
    INT64_C(4000) /* between two healthy answers; questions go out each second */

struct streak_rule {
    int64_t needed_ms; /* from the first healthy answer in a row to the last */
    int64_t red_ms;    /* without a healthy answer: STREAK_FAILED */
    int64_t whole_ms;  /* from the beginning: STREAK_FAILED */
};

struct streak {
    struct streak_rule rule;
    int64_t began_ms;
    int64_t first_ms; /* of the answers in a row */
    int64_t last_ms;  /* the last healthy answer; began_ms while there was none */
    unsigned in_row;
    unsigned healthy;
    unsigned red;
    unsigned resets; /* rows that were cut */
};

enum streak_state { STREAK_GOES_ON, STREAK_PASSED, STREAK_FAILED };

void streak_begin(struct streak *streak, const struct streak_rule *rule, int64_t now_ms);

/* An answer that came, or did not, at now_ms; times do not go back. */
enum streak_state streak_note(struct streak *streak, bool is_healthy, int64_t now_ms);

#endif
