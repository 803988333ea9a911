/*
 * What every unit test includes: cmocka with the headers that it needs before it, and comparisons
 * of this program's own types.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_UNIT_H
#define NETRA_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/str.h"

/* The str equals the literal; shows both when not. */
#define assert_str(actual, expected)                                                               \
    do {                                                                                           \
        struct str actual_ = (actual);                                                             \
        struct str expected_ = str_from(expected);                                                 \
        if (!str_equal(actual_, expected_)) {                                                      \
            fail_msg("'%.*s' is not '%s'", STR_ARGS(actual_), expected);                           \
        }                                                                                          \
    } while (0)

#define UNIT_MAIN(tests)                                                                           \
    int main(void)                                                                                 \
    {                                                                                              \
        return cmocka_run_group_tests(tests, NULL, NULL);                                          \
    }

#endif
