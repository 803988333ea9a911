/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Nothing is counted while nobody watches: an allocation then costs one relaxed load more, and the
 * threads share no line that is written. */
enum { WATCHED_BY_TEST = 1, WATCHED_BY_FAULT = 2 };
static atomic_uint watched;

/* Of tests: exact with one thread, which is what they use. */
static atomic_uint_fast64_t asked;
static atomic_uint_fast64_t fail_from;

/* Of a fault in a running server: [first, last] of the allocations since it was armed are refused,
 * whichever threads ask for them. */
static atomic_uint_fast64_t fault_asked;
static atomic_uint_fast64_t fault_first;
static atomic_uint_fast64_t fault_last;
static atomic_uint_fast64_t fault_refused;

static bool is_refused_by_test(void)
{
    uint64_t number = atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed) + 1;
    uint64_t from = atomic_load_explicit(&fail_from, memory_order_relaxed);

    return from != 0 && number >= from;
}

static bool is_refused_by_fault(void)
{
    uint64_t number = atomic_fetch_add_explicit(&fault_asked, 1, memory_order_acquire) + 1;
    uint64_t last = atomic_load_explicit(&fault_last, memory_order_relaxed);

    if (number < atomic_load_explicit(&fault_first, memory_order_relaxed) || number > last) {
        return false;
    }
    if (number == last) {
        atomic_fetch_and_explicit(&watched, ~(unsigned)WATCHED_BY_FAULT, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&fault_refused, 1, memory_order_relaxed);
    return true;
}

static bool is_refused_slowly(unsigned by)
{
    bool is_by_test = (by & WATCHED_BY_TEST) != 0 && is_refused_by_test();
    bool is_by_fault = (by & WATCHED_BY_FAULT) != 0 && is_refused_by_fault();

    return is_by_test || is_by_fault;
}

static inline bool is_refused(void)
{
    unsigned by = atomic_load_explicit(&watched, memory_order_relaxed);

    return __builtin_expect(by != 0, 0) && is_refused_slowly(by);
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
    atomic_fetch_or(&watched,
                    (unsigned)WATCHED_BY_TEST); /* for good: the next call is told a count */
    return before;
}

void alloc_fail_at(uint64_t nth, uint64_t times)
{
    uint64_t last;

    atomic_fetch_and(&watched, ~(unsigned)WATCHED_BY_FAULT);
    if (nth == 0) {
        return;
    }
    if (times == 0 || __builtin_add_overflow(nth, times - 1, &last)) {
        last = UINT64_MAX;
    }
    atomic_store(&fault_first, nth);
    atomic_store(&fault_last, last);
    atomic_store(&fault_asked, 0);
    atomic_fetch_or(&watched, (unsigned)WATCHED_BY_FAULT);
}

bool alloc_is_failing(uint64_t *ret_refused)
{
    *ret_refused = atomic_load_explicit(&fault_refused, memory_order_relaxed);
    return (atomic_load_explicit(&watched, memory_order_relaxed) & WATCHED_BY_FAULT) != 0;
}
