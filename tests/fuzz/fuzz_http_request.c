/*
 * A connection's bytes, through everything that reads requests but the socket: head_scan, llhttp,
 * the pipeline of what follows. Requests and bodies are the same whole and byte by byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/check.h"
#include "http/head_scan.h"
#include "http/message.h"

#define LOG_BYTES_MAX ((size_t)1 << 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reader {
    struct message message;
    bool is_in_body;
    bool is_refused;
    size_t head_seen;
    size_t body_bytes;
    struct buf log;
};

static struct head head;

static size_t read_head(struct reader *reader, struct str input)
{
    int length = head_find_end(input, &reader->head_seen);

    if (length > 0) {
        struct str bytes = str_slice(input, 0, (size_t)length);
        int step = head_scan(bytes, &head);

        if (step == 0) {
            struct message_framing framing = {head.is_chunked, head.has_length, head.length};

            step = message_begin(&reader->message, bytes, &framing);
            buf_printf(&reader->log, "request %d %.*s\n", (int)head.method, STR_ARGS(head.target));
            reader->is_in_body = step == MESSAGE_MORE;
            reader->body_bytes = 0;
        }
        reader->is_refused = step < 0;
        reader->head_seen = 0;
        return (size_t)length;
    }
    reader->is_refused = length < 0;
    return 0;
}

static size_t read_body(struct reader *reader, struct str input)
{
    struct str rest = input;
    struct str piece;
    int step = message_next(&reader->message, &rest, &piece);

    if (step == MESSAGE_PIECE) {
        check(piece.data >= input.data && piece.data + piece.length <= input.data + input.length);
        buf_append(&reader->log, piece);
        reader->body_bytes += piece.length;
        return input.length - rest.length + read_body(reader, rest);
    }
    if (step == MESSAGE_END) {
        buf_printf(&reader->log, "\nend %zu\n", reader->body_bytes);
        reader->is_in_body = false;
    }
    reader->is_refused = step < 0;
    return input.length - rest.length;
}

/* The bytes up to length have come; those before at are taken. Returns the new at. */
static size_t read_some(struct reader *reader, struct str bytes, size_t at)
{
    for (;;) {
        struct str rest = str_slice(bytes, at, bytes.length);
        bool was_in_body = reader->is_in_body;

        if (reader->is_refused || rest.length == 0) {
            return at;
        }
        size_t used = was_in_body ? read_body(reader, rest) : read_head(reader, rest);
        at += used;
        if (used == 0) {
            return at;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct reader whole = {.head_seen = 0};
    struct reader cut = {.head_seen = 0};
    size_t at = 0;

    if (size > 4096) {
        return 0; /* recursion over pieces, and byte by byte is quadratic */
    }
    buf_init(&whole.log, LOG_BYTES_MAX);
    buf_init(&cut.log, LOG_BYTES_MAX);
    (void)read_some(&whole, bytes, 0);
    for (size_t length = 1; length <= size; length++) {
        at = read_some(&cut, str_slice(bytes, 0, length), at);
    }
    check(whole.is_refused == cut.is_refused);
    check(str_equal(buf_str(&whole.log), buf_str(&cut.log)));
    buf_done(&whole.log);
    buf_done(&cut.log);
    return 0;
}
