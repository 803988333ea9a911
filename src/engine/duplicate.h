/*
 * duplicate: calls that were sent although the same call had just been answered.
 *
 * A record repeats an earlier one when both have the same model, feature, prompt hash and input
 * count, the earlier one succeeded, and the later one started at most the window after the kept one
 * did. The first of a group is kept, the others are duplicates; a repeat after the window starts a
 * new group. A call that follows a failure only is a retry, not a duplicate, and failed calls are
 * never duplicates. Needs prompt hashes and times: of calls without them nothing can be said.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ENGINE_DUPLICATE_H
#define NETRA_ENGINE_DUPLICATE_H

#include "usage/usage_table.h"

#define DUPLICATE_WINDOW_S_DEFAULT 300
#define DUPLICATE_WINDOW_S_MAX     86400

struct duplicates {
    uint8_t *is_duplicate; /* per row: 1 = a repeat that could be left out */
    uint64_t count;
    uint64_t examined; /* rows that have a prompt hash and a time */
};

/* Rows must be in the order of time. ERR_NO_MEMORY. */
must_check int duplicates_find(struct duplicates *duplicates, const struct usage_table *table,
                               int64_t window_us);
void duplicates_done(struct duplicates *duplicates);

#endif
