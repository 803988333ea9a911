/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Relaxed atomics: workers allocate at the same time, and the counts are only exact in tests, which
 * use one thread. */
static atomic_uint_fast64_t asked;
static atomic_uint_fast64_t fail_from;

static int is_refused(void)
{
    uint64_t number = atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed) + 1;
    uint64_t from = atomic_load_explicit(&fail_from, memory_order_relaxed);

    return from != 0 && number >= from;
}

void *alloc_zeroed(size_t count, size_t size)
{
    size_t bytes;

    if (is_refused() || __builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return calloc(count, size);
}

void *alloc_resize(void *memory, size_t count, size_t size)
{
    size_t bytes;

    if (is_refused() || __builtin_mul_overflow(count, size, &bytes) || bytes == 0) {
        return NULL;
    }
    return realloc(memory, bytes);
}

char *alloc_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = alloc_zeroed(bytes, 1);

    if (copy) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

void alloc_free(void *memory)
{
    free(memory);
}

void alloc_free_pointer(void *pointer_variable)
{
    free(*(void **)pointer_variable);
}

uint64_t alloc_fail_from(uint64_t nth)
{
    uint64_t before = atomic_exchange(&asked, 0);

    atomic_store(&fail_from, nth);
    return before;
}
