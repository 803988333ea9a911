/*
 * arena: memory with one lifetime. Everything taken from it is released together by arena_done;
 * nothing is freed singly. Use it for what a request, a parse or a report makes; use alloc.h for
 * what grows in place.
 *
 * Not thread-safe: one arena belongs to one thread at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_BASE_ARENA_H
#define NETRA_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *newest;
    size_t used_bytes;  /* handed out so far */
    size_t limit_bytes; /* more than this is refused; each piece counts up to a multiple of 16 */
};

void arena_init(struct arena *arena, size_t limit_bytes);

/* Releases everything; the arena is empty and can be used again. */
void arena_done(struct arena *arena);

/* count * size zeroed bytes, aligned for any type; NULL when memory or the limit is exhausted. */
must_check void *arena_alloc(struct arena *arena, size_t count, size_t size);

/* Whether the limit leaves room for one more piece of bytes: tells a limit from lack of memory. */
bool arena_has_room(const struct arena *arena, size_t bytes);

/* A copy that ends with a NUL (not counted). On failure returns {NULL, 0}. An empty text is never
 * NULL. */
must_check struct str arena_copy(struct arena *arena, struct str text);

/* The same for a formatted text. */
must_check struct str arena_printf(struct arena *arena, const char *format, ...) printf_like(2, 3);

#endif
