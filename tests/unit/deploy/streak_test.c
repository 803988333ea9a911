/*
 * Only healthy answers in a row make a revision good: each test is a row of answers, one character
 * a second ("+" healthy, "-" not, "." none), and the second at which the judgement falls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "deploy/streak.h"

static const struct row {
    const char *answers;
    int needed_s;
    enum streak_state state; /* after the last answer */
    unsigned at_s;           /* when it was judged; the answers end there */
    unsigned resets;
} rows[] = {
    {"++++", 3, STREAK_PASSED, 3, 0},
    {"+++", 3, STREAK_GOES_ON, 2, 0},
    {"++-++++", 3, STREAK_PASSED, 6, 1},
    {"-+-+-+-+-+", 2, STREAK_GOES_ON, 9, 4},
    {"+-+++", 2, STREAK_PASSED, 4, 1},
    {"++", 1, STREAK_PASSED, 1, 0},
    {"+", 1, STREAK_GOES_ON, 0, 0},
    {"++.....+", 6, STREAK_GOES_ON, 7, 1}, /* six seconds that nobody has seen do not count */
    {"++..++", 5, STREAK_PASSED, 5, 0},
    {"----------", 3, STREAK_GOES_ON, 9, 0},
    {"-----------", 3, STREAK_FAILED, 10, 0}, /* ten seconds without a healthy one */
    {"+----------", 3, STREAK_FAILED, 10, 1},
    {"---------+---------", 3, STREAK_GOES_ON, 18, 1},
    {"-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-", 3, STREAK_FAILED, 30, 15},
};

static void test_streak_is_of_answers_in_a_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct row *row = &rows[i];
        struct streak_rule rule = {
            .needed_ms = row->needed_s * 1000, .red_ms = 10000, .whole_ms = 30000};
        enum streak_state seen = STREAK_GOES_ON;
        struct streak streak;
        unsigned at_s = 0;

        streak_begin(&streak, &rule, 5000);
        for (const char *c = row->answers; *c; c++, at_s++) {
            assert_int_equal(seen, STREAK_GOES_ON);
            if (*c != '.') {
                seen = streak_note(&streak, *c == '+', 5000 + (int64_t)at_s * 1000);
            }
        }
        if (seen != row->state || at_s - 1 != row->at_s || streak.resets != row->resets) {
            fail_msg("%s: state %d at %u with %u resets", row->answers, (int)seen, at_s - 1,
                     streak.resets);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_streak_is_of_answers_in_a_row)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
