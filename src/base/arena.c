/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define ARENA_BLOCK_BYTES 16384

struct arena_block {
    struct arena_block *older;
    size_t used;
    size_t capacity;
    max_align_t memory[];
};

void arena_init(struct arena *arena, size_t limit_bytes)
{
    *arena = (struct arena){.limit_bytes = limit_bytes};
}

void arena_done(struct arena *arena)
{
    while (arena->newest) {
        struct arena_block *older = arena->newest->older;

        alloc_free(arena->newest);
        arena->newest = older;
    }
    arena->used_bytes = 0;
}

static size_t aligned(size_t bytes)
{
    const size_t align = _Alignof(max_align_t);

    return (bytes + align - 1) / align * align;
}

bool arena_has_room(const struct arena *arena, size_t bytes)
{
    /* Half of the address space: neither rounding up nor the block's head can overflow. */
    return bytes <= SIZE_MAX / 2 && aligned(bytes) <= arena->limit_bytes - arena->used_bytes;
}

/* A block with room for bytes. One that is made for a single large piece goes behind the newest,
 * whose rest stays in use. */
static struct arena_block *add_block(struct arena *arena, size_t bytes)
{
    size_t capacity = bytes > ARENA_BLOCK_BYTES ? bytes : ARENA_BLOCK_BYTES;
    struct arena_block *block = alloc_zeroed(1, sizeof(*block) + capacity);

    if (!block) {
        return NULL;
    }
    block->capacity = capacity;
    if (arena->newest && bytes >= ARENA_BLOCK_BYTES) {
        block->older = arena->newest->older;
        arena->newest->older = block;
    } else {
        block->older = arena->newest;
        arena->newest = block;
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    struct arena_block *block = arena->newest;
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || !arena_has_room(arena, bytes)) {
        return NULL;
    }
    bytes = aligned(bytes);
    if (!block || bytes > block->capacity - block->used) {
        block = add_block(arena, bytes);
        if (!block) {
            return NULL;
        }
    }
    void *memory = (char *)block->memory + block->used;
    block->used += bytes;
    arena->used_bytes += bytes;
    return memory;
}

struct str arena_copy(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, text.length + 1, 1);

    if (!copy) {
        return (struct str){NULL, 0};
    }
    if (text.length) {
        memcpy(copy, text.data, text.length);
    }
    return (struct str){copy, text.length};
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    struct str made = {NULL, 0};

    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *copy = length < 0 ? NULL : arena_alloc(arena, (size_t)length + 1, 1);
    if (copy) {
        (void)vsnprintf(copy, (size_t)length + 1, format, again);
        made = (struct str){copy, (size_t)length};
    }
    va_end(again);
    va_end(args);
    return made;
}
