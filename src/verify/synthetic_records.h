/*
 * synthetic_records: usage records of nobody, as JSON Lines, for runs that are only looked at. The
 * same count gives the same bytes everywhere. Each record names its source, so that none can pass
 * for traffic.
 *
 * They are plain calls: five features on three models over 28 days, with cached input, latency,
 * failures and prompt hashes, without prefix blocks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_SYNTHETIC_RECORDS_H
#define NETRA_VERIFY_SYNTHETIC_RECORDS_H

#include "base/buf.h"

#define SYNTHETIC_RECORDS_SOURCE    "netra-verify-synthetic"
#define SYNTHETIC_RECORDS_MAX       100000u
#define SYNTHETIC_RECORDS_BYTES_MAX ((size_t)48 << 20)

/* Appends count lines; what fails is the buf's status. */
void synthetic_records_write(unsigned count, struct buf *out);

#endif
