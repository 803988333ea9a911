/*
 * dataset_description: what is known about the one input of a stored dataset apart from its
 * records: what store.h keeps beside them, so that a report about the records says the same as one
 * about the file.
 *
 *     {"name": "usage.csv", "digest": "xxh3-128:…", "maps": ["model=gpt-4o"], "import": {…}}
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TOOL_DATASET_DESCRIPTION_H
#define NETRA_TOOL_DATASET_DESCRIPTION_H

#include "base/arena.h"
#include "base/buf.h"
#include "usage/import_report.h"

#define DATASET_DESCRIPTION_BYTES_MAX (size_t)(64u << 20)

struct dataset_description {
    struct str name;
    struct str digest; /* of the bytes as uploaded */
    const struct import_map *maps;
    size_t map_count;
    const struct import_report *report;
};

/* "field=value" at its first '='; ERR_USAGE when there is none. Borrows the text. */
must_check int dataset_map_parse(struct str text, struct import_map *ret_map);

void dataset_description_write(const struct dataset_description *description, struct buf *out);

/* Everything in arena. ERR_INVALID, ERR_NO_MEMORY. */
must_check int dataset_description_read(struct str json, struct arena *arena,
                                        struct dataset_description *ret_description,
                                        struct error *error);

/* A copy that depends on nothing but arena; its texts end with a NUL. ERR_NO_MEMORY. */
must_check int dataset_description_copy(const struct dataset_description *description,
                                        struct arena *arena,
                                        struct dataset_description *ret_description);

#endif
