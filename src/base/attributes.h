/*
 * Attributes that the whole program uses: results that must be looked at, and locals that clean up
 * after themselves when they leave their scope.
 *
 *     cleanup(buf_done) struct buf text;         released at every way out of the block
 *     return TAKE(p);                            gives a cleanup pointer away: p becomes NULL
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_BASE_ATTRIBUTES_H
#define NETRA_BASE_ATTRIBUTES_H

#ifdef __cplusplus
#define must_check
#else
#define must_check __attribute__((warn_unused_result))
#endif

#define printf_like(format_index, first_arg)                                                       \
    __attribute__((format(printf, format_index, first_arg)))
#define cleanup(function) __attribute__((cleanup(function)))

/* The pointer's value; the variable itself is NULL afterwards, so its cleanup does nothing. */
#define TAKE(pointer)                                                                              \
    (__extension__({                                                                               \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    }))

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
