/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/streak.h"

void streak_begin(struct streak *streak, const struct streak_rule *rule, int64_t now_ms)
{
    *streak = (struct streak){.rule = *rule, .began_ms = now_ms, .last_ms = now_ms};
}

static void cut(struct streak *streak)
{
    streak->resets += streak->in_row > 0 ? 1 : 0;
    streak->in_row = 0;
}

enum streak_state streak_note(struct streak *streak, bool is_healthy, int64_t now_ms)
{
    if (is_healthy) {
        if (streak->in_row && now_ms - streak->last_ms > STREAK_GAP_MS_MAX) {
            cut(streak);
        }
        if (streak->in_row == 0) {
            streak->first_ms = now_ms;
        }
        streak->in_row++;
        streak->healthy++;
        streak->last_ms = now_ms;
        if (now_ms - streak->first_ms >= streak->rule.needed_ms) {
            return STREAK_PASSED;
        }
    } else {
        streak->red++;
        cut(streak);
        if (now_ms - streak->last_ms >= streak->rule.red_ms) {
            return STREAK_FAILED;
        }
    }
    return now_ms - streak->began_ms >= streak->rule.whole_ms ? STREAK_FAILED : STREAK_GOES_ON;
}
