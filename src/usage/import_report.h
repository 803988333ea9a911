/*
 * import_report: what an import said, as JSON and back, so that a report about stored records can
 * tell as much about their source as one about a file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_IMPORT_REPORT_H
#define NETRA_USAGE_IMPORT_REPORT_H

#include "base/arena.h"
#include "usage/import.h"
#include "json/json_read.h"
#include "json/json_write.h"

/* More columns, or headers that were not understood, than an import can report: each of its columns
 * may give several fields. */
#define IMPORT_REPORT_COLUMNS_MAX 65536u

/* One object: format (its name), convention, is_gzip, bytes_in, bytes_text, rows_read,
 * rows_accepted, rows_merged, rows_rejected, columns[{field, column, is_constant, is_mapped}],
 * unused[], rejects[{row, reason}], notes[]. */
void import_report_write(const struct import_report *report, struct json_writer *w);

/* The same report, its texts in arena; bytes that are no UTF-8 have become U+FFFD on the way.
 * ERR_INVALID (anything that import_report_write does not write of a report that an import made),
 * ERR_NO_MEMORY (also when the arena's limit is too low). */
must_check int import_report_read(struct json_value value, struct arena *arena,
                                  struct import_report *ret_report, struct error *error);

/* A copy that depends on nothing but arena. ERR_NO_MEMORY. */
must_check int import_report_copy(const struct import_report *report, struct arena *arena,
                                  struct import_report *ret_report);

#endif
