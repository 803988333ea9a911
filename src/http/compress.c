/* SPDX-License-Identifier: Apache-2.0 */
#include "http/compress.h"

#include <limits.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/error.h"

#define LEVEL        1
#define WINDOW_BITS  15
#define GZIP_WRAPPER 16 /* added to the window's bits */
#define MEMORY_LEVEL 8

static void *allocate(void *opaque, unsigned count, unsigned size)
{
    (void)opaque;
    return alloc_zeroed(count, size);
}

static void release(void *opaque, void *memory)
{
    (void)opaque;
    alloc_free(memory);
}

static z_stream *stream_of(struct compressor *compressor)
{
    z_stream *stream = compressor->stream;

    if (stream) {
        return deflateReset(stream) == Z_OK ? stream : NULL;
    }
    stream = alloc_zeroed(1, sizeof(*stream));
    if (!stream) {
        return NULL;
    }
    stream->zalloc = allocate;
    stream->zfree = release;
    if (deflateInit2(stream, LEVEL, Z_DEFLATED, WINDOW_BITS + GZIP_WRAPPER, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        alloc_free(stream);
        return NULL;
    }
    compressor->stream = stream;
    return stream;
}

int compress_gzip(struct compressor *compressor, struct str body, struct buf *out)
{
    z_stream *stream = stream_of(compressor);

    buf_clear(out);
    if (!stream) {
        return ERR_NO_MEMORY;
    }
    if (body.length > UINT_MAX || buf_reserve(out, body.length)) {
        return body.length > UINT_MAX ? ERR_LIMIT : ERR_NO_MEMORY;
    }
    stream->next_in = (unsigned char *)(uintptr_t)body.data;
    stream->avail_in = (unsigned)body.length;
    stream->next_out = (unsigned char *)out->data;
    stream->avail_out = (unsigned)body.length; /* what is not shorter is of no use */
    if (deflate(stream, Z_FINISH) != Z_STREAM_END) {
        return ERR_LIMIT;
    }
    out->length = body.length - stream->avail_out;
    return out->length < body.length ? OK : ERR_LIMIT;
}

void compressor_done(struct compressor *compressor)
{
    if (compressor->stream) {
        (void)deflateEnd(compressor->stream);
        alloc_free(compressor->stream);
        compressor->stream = NULL;
    }
}
