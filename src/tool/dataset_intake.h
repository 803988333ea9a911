/*
 * dataset_intake: bytes of an upload → records in the usage_store. Push style, for a worker: the
 * caller feeds pieces as they come; nothing here waits for more.
 *
 *     dataset_intake_new → _feed … → _finish (stores) → _describe → _free
 *
 * One intake is used by one thread at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TOOL_DATASET_INTAKE_H
#define NETRA_TOOL_DATASET_INTAKE_H

#include "base/buf.h"
#include "store/usage_store.h"
#include "usage/import.h"

struct dataset_intake;

/* name: of the file, shown to people and kept as the report's input path. Texts are copied.
 * ERR_USAGE (a map that cannot be), ERR_NO_MEMORY. */
must_check int dataset_intake_new(struct str name, const struct import_map *maps, size_t map_count,
                                  struct dataset_intake **ret_intake, struct error *error);
void dataset_intake_free(struct dataset_intake *intake);

/* Errors of usage_import_feed; after one only _free may follow. */
must_check int dataset_intake_feed(struct dataset_intake *intake, struct str bytes,
                                   struct error *error);

/* No more bytes come: stores the records under id. ERR_NO_RECORDS (readable, but no row could be
 * used: nothing is stored), errors of usage_import_finish and usage_store_put. */
must_check int dataset_intake_finish(struct dataset_intake *intake, struct usage_store *store,
                                     struct str dataset_id, struct error *error);

/* What is known so far; any time. from/to are 0/0 without times, or when they count from a start
 * that the records do not say. */
struct dataset_intake_counts {
    uint64_t bytes;
    uint64_t records; /* rows in the table */
    uint64_t rejected;
    int64_t from_us;
    int64_t to_us;
};
struct dataset_intake_counts dataset_intake_counts(const struct dataset_intake *intake);

/* The description that store_dataset keeps: one JSON object {"name", "digest", "maps":["f=v"],
 * "import":{…}} (usage/import_report.h writes the last). After _finish. */
void dataset_intake_describe(const struct dataset_intake *intake, struct buf *out);

#endif
