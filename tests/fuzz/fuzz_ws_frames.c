/*
 * A client's frames, whole and byte by byte: the same messages, the same end, only UTF-8 for the
 * handler, and only well-formed control frames for the client.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/error.h"
#include "http/ws_reader.h"

#define LOG_BYTES_MAX ((size_t)1 << 26)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct ear {
    struct ws_reader *reader;
    struct buf log;
    struct buf output;
    bool was_told_to_close;
};

static bool on_frame(void *arg)
{
    (void)arg;
    return true;
}

static void on_text(struct str text, void *arg)
{
    struct ear *ear = arg;

    check(str_is_utf8(text));
    buf_printf(&ear->log, "%zu:", text.length);
    buf_append(&ear->log, text);
    if (str_equal(text, STR("close"))) {
        ear->was_told_to_close = true;
        ws_reader_close(ear->reader, 1000, "as you like");
    }
}

static void on_pong(void *arg)
{
    struct ear *ear = arg;

    buf_append(&ear->log, STR("pong"));
}

static bool on_output(struct str bytes, void *arg)
{
    struct ear *ear = arg;

    buf_append(&ear->output, bytes);
    return true;
}

static const struct ws_reader_events events = {
    .on_frame = on_frame, .on_text = on_text, .on_pong = on_pong, .on_output = on_output};

/* Whole frames, unmasked, nothing after a close frame. */
static void check_output(struct str output)
{
    const unsigned char *bytes = (const unsigned char *)output.data;
    size_t at = 0;
    bool is_closed = false;

    while (at < output.length) {
        check(!is_closed);
        check(output.length - at >= 2 && bytes[at + 1] <= 125);
        check(bytes[at] == 0x8a || bytes[at] == 0x88);
        check(output.length - at >= 2u + bytes[at + 1]);
        is_closed = bytes[at] == 0x88;
        at += 2u + bytes[at + 1];
    }
}

static void hear(struct ear *ear, struct str bytes, size_t piece)
{
    ear->was_told_to_close = false;
    buf_init(&ear->log, LOG_BYTES_MAX);
    buf_init(&ear->output, LOG_BYTES_MAX);
    check(ws_reader_new(&events, ear, &ear->reader) == OK);
    while (bytes.length) {
        size_t some = piece < bytes.length ? piece : bytes.length;

        ws_reader_feed(ear->reader, str_slice(bytes, 0, some));
        bytes = str_slice(bytes, some, bytes.length);
    }
    check_output(buf_str(&ear->output));
}

/* A close frame may be wrong in two ways, and wslay finds the one or the other first; it looks at a
 * reason that is not complete only when it comes in one piece. A close frame of ours goes out
 * before the client's next frame is read, or after it. */
static void check_same_end(const struct ear *whole, const struct ear *cut)
{
    unsigned codes[2] = {ws_reader_code(whole->reader), ws_reader_code(cut->reader)};

    if (ws_reader_is_done(cut->reader)) {
        check(ws_reader_is_done(whole->reader));
        check(codes[0] == codes[1] || cut->was_told_to_close ||
              (codes[0] == 1007 && codes[1] == 1002) || (codes[0] == 1002 && codes[1] == 1007));
    }
}

static void done(struct ear *ear)
{
    ws_reader_free(ear->reader);
    buf_done(&ear->log);
    buf_done(&ear->output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct ear whole;
    struct ear cut;

    hear(&whole, bytes, size);
    hear(&cut, bytes, 1);
    check(str_equal(buf_str(&whole.log), buf_str(&cut.log)));
    check_same_end(&whole, &cut);
    done(&whole);
    done(&cut);
    return 0;
}
