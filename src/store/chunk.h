/*
 * chunk: up to USAGE_CHUNK_ROWS rows of a usage_table as bytes, and back. This is the format that
 * usage.db keeps; it holds its own texts, so that a chunk is read without any other.
 *
 *     offset  bytes
 *          0      4  "NTuc"
 *          4      4  version, 1
 *          8      8  XXH3-64 of everything from offset 16 on
 *         16      4  rows, 1 to USAGE_CHUNK_ROWS
 *         20      4  block runs of all rows, at most CHUNK_RUNS_MAX
 *         24      8  usage_table.merged_count: in a dataset's last chunk, 0 in the others
 *         32         sections, in ascending order of (kind, index), each at most once:
 *
 *                      4  kind      1 dictionary   index: field, names then ids
 *                      4  index     2 column       index: line of the table in chunk_columns.c
 *                      8  bytes     3 runs         index: 0 starts, 1 lengths
 *                      …            4 requests     index: 0; keys of the rows that have one
 *
 *     packed array of n numbers:  1  width: 0, 1, 2, 4 or 8
 *                                 8  base
 *                                 …  n × width: number - base
 *
 *     dictionary:  4  count of texts;  packed array of their lengths;  their bytes, joined
 *     the other sections are one packed array each
 *
 * Numbers are little-endian. Columns of signed numbers are kept with the sign bit turned, so that
 * base is the smallest. A name or id in a column is an index into the chunk's dictionary of that
 * field. The dictionary lists, in the order of the table's ids, the texts that its rows use and
 * those that no earlier chunk has listed though a smaller id than one in use: read in order, the
 * chunks teach an empty table the same texts under the same ids as the import did, also those that
 * only a repeated request said.
 *
 * run_begin is not kept: runs of rows follow each other in the order of rows. So it differs from
 * the import's where a repeated request gave its row new blocks; what the row has is the same.
 *
 * Reading trusts nothing: after the checksum every number is checked as usage_table_append does,
 * since what is wrong in it would be money or an index.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_CHUNK_H
#define NETRA_STORE_CHUNK_H

#include "base/buf.h"
#include "usage/usage_table.h"

#define CHUNK_VERSION      1u
#define CHUNK_HEAD_BYTES   32u
#define CHUNK_SUM_OFFSET   8u  /* of the checksum */
#define CHUNK_SUM_FROM     16u /* what it covers begins here */
#define CHUNK_ROWS_MAX     65536u
#define CHUNK_RUNS_MAX     (8u << 20) /* a chunk ends before the row that would exceed it */
#define CHUNK_BYTES_MAX    ((size_t)512 << 20)
#define CHUNK_DICTIONARIES (USAGE_NAME_COUNT + USAGE_ID_COUNT)

/* ---- writing ---- */

struct chunk_encoder;

/* For a table that is not sorted yet and does not change meanwhile. ERR_NO_MEMORY. */
must_check int chunk_encoder_new(const struct usage_table *table,
                                 struct chunk_encoder **ret_encoder);
void chunk_encoder_free(struct chunk_encoder *encoder);

/* False when every row has been written. */
bool chunk_encoder_has_more(const struct chunk_encoder *encoder);

/* The next chunk, in place of what was in out. ERR_LIMIT (above CHUNK_BYTES_MAX, out's limit, or a
 * row with more than CHUNK_RUNS_MAX runs), ERR_NO_MEMORY; after a failure the encoder is good for
 * chunk_encoder_free only. */
must_check int chunk_encode(struct chunk_encoder *encoder, struct buf *out);

/* ---- reading ---- */

/* Appends a chunk's rows to a table. ERR_INVALID (damaged, or a request that the table has),
 * ERR_UNSUPPORTED (a newer version), ERR_LIMIT, ERR_NO_MEMORY; after a failure the table is good
 * for usage_table_done only. */
must_check int chunk_append(struct str bytes, struct usage_table *table, struct error *error);

#endif
