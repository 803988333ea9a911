/*
 * evidence_grow: what filling and reading evidence have in common. Private to verify/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_EVIDENCE_GROW_H
#define NETRA_VERIFY_EVIDENCE_GROW_H

#include "verify/evidence.h"

/* Room for one more of count elements of size bytes, zeroed, at most max of them; *items moves as
 * it grows. What it held before stays in the arena: at most as much again. ERR_LIMIT,
 * ERR_NO_MEMORY. */
must_check int evidence_grow(struct evidence *evidence, void **items, size_t count, size_t max,
                             size_t size);

/* A copy, cut to EVIDENCE_TEXT_BYTES_MAX between two characters. ERR_NO_MEMORY, ERR_LIMIT. */
must_check int evidence_copy_text(struct evidence *evidence, struct str text, struct str *ret_text);

/* The value of a statistic by its name ("p50", "p95", "p99"); NAN for others. */
double spread_statistic(const struct spread *spread, struct str name);

/* The name as a literal of ours, NULL when it is none. */
const char *statistic_name(struct str name);

/* Index of the set of that name, or the count when there is none. */
size_t evidence_set_index(const struct evidence *evidence, struct str name);

/* What the findings and targets of a check amount to; *ret_index is the first finding, or with
 * *ret_is_target the first target, that says so. Without any: failed, and both indices beyond. */
enum outcome check_worst(const struct check *check, size_t *ret_index, bool *ret_is_target);

#endif
