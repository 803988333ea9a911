/*
 * check(): a condition that only a bug in Netra can break. On in every build; prints the place and
 * aborts. Bad input is never checked this way: it gets an error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_BASE_CHECK_H
#define NETRA_BASE_CHECK_H

#define check(condition)                                                                           \
    ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__, __func__))

/* Compares two integers and shows both when they break the relation: check_cmp(used, <=, cap). */
#define check_cmp(a, relation, b)                                                                  \
    do {                                                                                           \
        long long check_a_ = (long long)(a);                                                       \
        long long check_b_ = (long long)(b);                                                       \
        if (!(check_a_ relation check_b_)) {                                                       \
            check_cmp_failed(#a " " #relation " " #b, check_a_, check_b_, __FILE__, __LINE__,      \
                             __func__);                                                            \
        }                                                                                          \
    } while (0)

#ifdef NETRA_DEBUG
#define debug_check(condition) check(condition)
#else
#define debug_check(condition) ((void)sizeof(condition))
#endif

_Noreturn void check_failed(const char *text, const char *file, int line, const char *function);
_Noreturn void check_cmp_failed(const char *text, long long a, long long b, const char *file,
                                int line, const char *function);

#endif
