/*
 * compress: bytes to gzip (RFC 1952) with zlib at its fastest level: bodies of JSON shrink to a
 * fifth or less, and a slower level takes three times as long for a tenth more. The state, about
 * 270 kB, is made once and used again.
 *
 * One thread at a time; knows no connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_COMPRESS_H
#define NETRA_HTTP_COMPRESS_H

#include "base/attributes.h"
#include "base/buf.h"

struct compressor {
    void *stream; /* zeroed: made at the first use */
};

/* out, which must be initialised and is emptied, gets the gzip of body. ERR_LIMIT: it is not
 * shorter than body. ERR_NO_MEMORY. Either way the caller sends body as it is. */
must_check int compress_gzip(struct compressor *compressor, struct str body, struct buf *out);

void compressor_done(struct compressor *compressor);

#endif
