/*
 * Makes gzip members for tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_GZIP_FIXTURE_H
#define NETRA_TESTS_GZIP_FIXTURE_H

#include <zlib.h>

#include "base/buf.h"
#include "base/error.h"

static inline void gzip_append(struct buf *out, struct str text)
{
    z_stream stream = {0};

    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    size_t room = deflateBound(&stream, text.length);
    assert_int_equal(buf_reserve(out, room), OK);
    stream.next_in = (unsigned char *)(uintptr_t)text.data;
    stream.avail_in = (unsigned)text.length;
    stream.next_out = (unsigned char *)out->data + out->length;
    stream.avail_out = (unsigned)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->length += room - stream.avail_out;
    (void)deflateEnd(&stream);
}

#endif
