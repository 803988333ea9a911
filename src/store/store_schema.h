/*
 * store_schema: the tables of netra.db, as the steps that made them.
 *
 *     thread ─┬─< message
 *             └─< run ─┬─< event            (run, seq): the log of a run lies together, in order
 *                      ├─< model_call       (run, question, attempt); n in the order of storing
 *                      └─< report ─< report_body
 *     dataset        session        probe
 *
 * Ids of clients are texts and unique; what refers to a row inside the file does so by a number.
 * Deleting a thread takes everything below it along. Lists are read newest first by
 * (created_us, id), for which each has an index.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_STORE_SCHEMA_H
#define NETRA_STORE_STORE_SCHEMA_H

#include "store/database.h"

extern const struct schema store_schema;

#endif
