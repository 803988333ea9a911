/*
 * str: a borrowed piece of text, pointer and length. It does not own its bytes, need not end with a
 * NUL and may hold any byte; who keeps one keeps what it points into.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_BASE_STR_H
#define NETRA_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *data; /* NULL only when length is 0 */
    size_t length;
};

/* A literal as a str, usable in initialisers; and the two arguments of a "%.*s". */
#define STR(literal)                                                                               \
    (struct str)                                                                                   \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }
#define STR_ARGS(s)                                                                                \
    (int)((s).length < STR_PRINT_BYTES_MAX ? (s).length : STR_PRINT_BYTES_MAX),                    \
        (s).data ? (s).data : ""

/* "%.*s" takes an int, and a negative one means no bound at all: longer texts are printed cut. */
#define STR_PRINT_BYTES_MAX ((size_t)1 << 30)

static inline struct str str_from(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

static inline struct str str_slice(struct str s, size_t begin, size_t end)
{
    return (struct str){begin ? s.data + begin : s.data, end - begin};
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/* ASCII letters without regard to case; other bytes must be the same. */
bool str_equal_ascii_case(struct str a, struct str b);

static inline bool str_starts_with(struct str s, struct str prefix)
{
    return s.length >= prefix.length && str_equal(str_slice(s, 0, prefix.length), prefix);
}

static inline bool str_ends_with(struct str s, struct str suffix)
{
    return s.length >= suffix.length &&
           str_equal(str_slice(s, s.length - suffix.length, s.length), suffix);
}

/* Byte order, the shorter first among equals: <0, 0, >0. */
int str_compare(struct str a, struct str b);

/* Index of the first needle at or after from, or SIZE_MAX; an empty needle is found everywhere up
 * to the end. O(n·m), for short needles. */
size_t str_find(struct str s, struct str needle, size_t from);

/* Bytes of the beginning that are known to be printable: no ASCII control character is among them.
 * Looks at eight at a time and stops before the eight that hold one, or the last few: what follows
 * is for the caller to look at. */
size_t str_span_printable(struct str s);

/* Without ASCII white space at both ends. */
struct str str_trim(struct str s);

/* True when the bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
bool str_is_utf8(struct str s);

#endif
