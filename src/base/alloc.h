/*
 * All heap memory of the pure rooms comes from here, so that tests can make the Nth allocation fail
 * and walk every out-of-memory path. Every function may return NULL; callers answer ERR_NO_MEMORY.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_BASE_ALLOC_H
#define NETRA_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"

/* count * size bytes, zeroed; NULL when the product overflows. */
must_check void *alloc_zeroed(size_t count, size_t size);

/* Grows or shrinks to count * size bytes; new bytes are not initialised. On failure NULL, and the
 * old block is still the caller's. */
must_check void *alloc_resize(void *memory, size_t count, size_t size);

/* A copy of a text with its NUL. */
must_check char *alloc_text(const char *text);

void alloc_free(void *memory);

/* For cleanup(): frees what the pointer variable holds. */
void alloc_free_pointer(void *pointer_variable);

/* Tests only: the nth allocation from now on (1 = the next one) and each later one fails; 0 turns
 * it off. Not thread-safe. Returns the number of allocations asked for since the last call. */
uint64_t alloc_fail_from(uint64_t nth);

/* Of a fault in a running server (monitor/fault.h): from the nth allocation from now on (1: the
 * next one, on whichever thread) so many in a row fail; times 0: all, until it is called off with
 * nth 0. It is off by itself once the last of them has failed. One caller at a time, while any
 * thread allocates. */
void alloc_fail_at(uint64_t nth, uint64_t times);

/* Whether it is on; and how many have failed by it since the start. Any thread. */
bool alloc_is_failing(uint64_t *ret_refused);

#endif
