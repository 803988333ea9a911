/*
 * walk: an answer that reads more of the store than one turn of the loop should: a page at a time,
 * with room for everybody else in between. Private to api/.
 *
 *     walk = walk_new(call, sizeof(struct mine), step)     step(walk) reads a page
 *     walk_start(walk)                                      and says whether there is more
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_WALK_H
#define NETRA_API_WALK_H

#include "api/late.h"

struct walk;

/* Reads a page. True: once more in the next turn; false: it has answered, and the walk is freed. */
typedef bool (*walk_step_fn)(struct walk *walk);

/* Frees what the walk's own struct holds. */
typedef void (*walk_done_fn)(struct walk *walk);

/* First in a struct of its user's. */
struct walk {
    struct late late; /* first: freed as one */
    struct loop_message message;
    walk_step_fn step;
    walk_done_fn done; /* NULL: nothing to free */
};

/* Of size bytes, zeroed; NULL when it has been answered with 503. */
struct walk *walk_new(const struct call *call, size_t size, walk_step_fn step, walk_done_fn done);

/* The first page is read in the next turn. */
void walk_start(struct walk *walk);

#endif
