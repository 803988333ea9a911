/*
 * One z_stream in gzip mode, reset at each member's end. zlib's memory comes from alloc.h, so that
 * tests reach its failures too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usage/gunzip.h"

#include <stdint.h>
#include <zlib.h>

#include "base/alloc.h"

#define GZIP_WINDOW (16 + MAX_WBITS) /* 16: expect a gzip header and check its sum */
#define FEED_MAX    (1u << 30)       /* avail_in has 32 bits */

struct gunzip {
    z_stream stream;
    enum gunzip_status status;
    bool is_between; /* after a member's end, before the next byte */
    unsigned char piece[GUNZIP_PIECE_BYTES];
};

static void *zlib_alloc(void *opaque, unsigned count, unsigned size)
{
    (void)opaque;
    return alloc_zeroed(count, size);
}

static void zlib_free(void *opaque, void *memory)
{
    (void)opaque;
    alloc_free(memory);
}

int gunzip_new(struct gunzip **ret_gunzip)
{
    struct gunzip *gunzip = alloc_zeroed(1, sizeof(*gunzip));

    if (!gunzip) {
        return ERR_NO_MEMORY;
    }
    gunzip->stream.zalloc = zlib_alloc;
    gunzip->stream.zfree = zlib_free;
    gunzip->status = GUNZIP_CUT;
    if (inflateInit2(&gunzip->stream, GZIP_WINDOW) != Z_OK) {
        alloc_free(gunzip);
        return ERR_NO_MEMORY;
    }
    *ret_gunzip = gunzip;
    return OK;
}

void gunzip_free(struct gunzip *gunzip)
{
    if (gunzip) {
        (void)inflateEnd(&gunzip->stream);
        alloc_free(gunzip);
    }
}

bool gunzip_is_gzip(struct str bytes)
{
    return bytes.length >= 2 && (unsigned char)bytes.data[0] == 0x1f &&
           (unsigned char)bytes.data[1] == 0x8b;
}

/* One call of inflate and the delivery of what it made. */
static int step(struct gunzip *gunzip, gunzip_text_fn text_fn, void *arg)
{
    z_stream *stream = &gunzip->stream;

    stream->next_out = gunzip->piece;
    stream->avail_out = GUNZIP_PIECE_BYTES;
    int result = inflate(stream, Z_NO_FLUSH);
    size_t made = GUNZIP_PIECE_BYTES - stream->avail_out;
    int code = made ? text_fn((struct str){(const char *)gunzip->piece, made}, arg) : OK;

    if (result == Z_MEM_ERROR) {
        return ERR_NO_MEMORY;
    }
    if (result == Z_STREAM_END) {
        gunzip->status = GUNZIP_WHOLE;
        gunzip->is_between = true;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
        gunzip->status = GUNZIP_DAMAGED;
    }
    return code;
}

/* The first byte after a member: the next member, or something else that ends the text. */
static void begin_member(struct gunzip *gunzip)
{
    gunzip->is_between = false;
    if (*gunzip->stream.next_in == 0x1f && inflateReset(&gunzip->stream) == Z_OK) {
        gunzip->status = GUNZIP_CUT;
    } else {
        gunzip->status = GUNZIP_TRAILED;
    }
}

static bool is_over(const struct gunzip *gunzip)
{
    return gunzip->status == GUNZIP_DAMAGED || gunzip->status == GUNZIP_TRAILED;
}

static int feed_some(struct gunzip *gunzip, gunzip_text_fn text_fn, void *arg)
{
    bool is_full = false;
    int code = OK;

    /* A piece that came out full may have more behind it, even when the input is used up. */
    while (!code && !is_over(gunzip) &&
           (gunzip->stream.avail_in || (is_full && !gunzip->is_between))) {
        if (gunzip->is_between) {
            begin_member(gunzip);
            continue;
        }
        code = step(gunzip, text_fn, arg);
        is_full = gunzip->stream.avail_out == 0;
    }
    return code;
}

int gunzip_feed(struct gunzip *gunzip, struct str bytes, gunzip_text_fn text_fn, void *arg)
{
    int code = OK;

    while (bytes.length && !code && !is_over(gunzip)) {
        size_t some = bytes.length < FEED_MAX ? bytes.length : FEED_MAX;

        gunzip->stream.next_in = (unsigned char *)(uintptr_t)bytes.data;
        gunzip->stream.avail_in = (unsigned)some;
        code = feed_some(gunzip, text_fn, arg);
        bytes = str_slice(bytes, some, bytes.length);
    }
    return code;
}

enum gunzip_status gunzip_status(const struct gunzip *gunzip)
{
    return gunzip->status;
}
