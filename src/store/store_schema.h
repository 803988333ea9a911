/*
 * store_schema: the tables of netra.db, as the steps that made them.
 *
 *     thread ─┬─< message
 *             └─< run ─┬─< event            (run, seq): the log of a run lies together, in order
 *                      ├─< model_call       (run, question, attempt); n in the order of storing
 *                      └─< report ─< report_body
 *     dataset        answer        model_use        probe
 *
 *     user ─┬─< member >─ workspace
 *           ├─< identity                    code        signing_key        throttle
 *           ├─< api_key >─ workspace
 *           └─< session                     audit       a chain of hashes (audit.h)
 *
 * thread, run, dataset, model_call, model_use and answer carry the id of their workspace; what
 * hangs on them belongs to theirs. A run's and a call's is always its thread's.
 *
 * Ids of clients are texts and unique; what refers to a row inside the file does so by a number.
 * Deleting a thread takes everything below it along. Lists are read newest first by
 * (workspace, created_us, id), for which each has an index.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_STORE_SCHEMA_H
#define NETRA_STORE_STORE_SCHEMA_H

#include "store/database.h"

extern const struct schema store_schema;
extern const struct schema usage_schema; /* of usage.db: usage_store.c */

#endif
