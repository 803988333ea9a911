/*
 * evidence_rows: how rows of evidence are made; shared by who fills it and who reads it from a
 * file. Private to verify/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_EVIDENCE_ROWS_H
#define NETRA_VERIFY_EVIDENCE_ROWS_H

#include "verify/evidence.h"

/* Room for one row more. ERR_LIMIT, ERR_NO_MEMORY; rows and capacity are untouched then. */
must_check int evidence_grow(struct evidence *evidence, void **rows, size_t row_bytes, size_t count,
                             size_t *capacity, size_t max);

/* A copy, cut to EVIDENCE_TEXT_BYTES_MAX. ERR_LIMIT, ERR_NO_MEMORY. */
must_check int evidence_text(struct evidence *evidence, struct str text, struct str *ret_text);

/* Why the arena gave nothing. */
int evidence_refused(const struct evidence *evidence, size_t bytes);

must_check int evidence_add_finding(struct evidence *evidence, struct check *check,
                                    const struct finding *finding);
must_check int evidence_add_sample(struct evidence *evidence, struct sample_set *set,
                                   double value_us, int64_t at_us);

/* ---- evidence_read.c ---- */

/* What is in evidence.json, and then the samples, into new evidence. ERR_INVALID, ERR_LIMIT,
 * ERR_NO_MEMORY. */
must_check int evidence_parse(struct str json, struct evidence *evidence, struct error *error);
must_check int evidence_parse_samples(struct str csv, struct evidence *evidence,
                                      struct error *error);

#endif
