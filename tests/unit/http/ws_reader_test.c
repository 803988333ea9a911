/*
 * Each violation of RFC 6455 is answered with its close code, whether the bytes come at once or one
 * by one, and nothing of it reaches the handler.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws_frames.h"

#include "base/error.h"
#include "http/server.h"
#include "http/ws_frame.h"
#include "http/ws_reader.h"

struct ear {
    struct ws_reader *reader;
    struct buf texts; /* each in brackets */
    struct buf output;
    unsigned frames;
    unsigned frames_max;
    unsigned pongs;
};

static bool ear_frame(void *arg)
{
    struct ear *ear = arg;

    return ++ear->frames <= ear->frames_max;
}

static void ear_text(struct str text, void *arg)
{
    struct ear *ear = arg;

    buf_append_char(&ear->texts, '[');
    buf_append(&ear->texts, text);
    buf_append_char(&ear->texts, ']');
    if (str_equal(text, STR("close"))) {
        ws_reader_close(ear->reader, 1000, "enough");
    }
}

static void ear_pong(void *arg)
{
    struct ear *ear = arg;

    ear->pongs++;
}

static bool ear_output(struct str bytes, void *arg)
{
    struct ear *ear = arg;

    buf_append(&ear->output, bytes);
    return true;
}

static const struct ws_reader_events events = {
    .on_frame = ear_frame, .on_text = ear_text, .on_pong = ear_pong, .on_output = ear_output};

static void ear_open(struct ear *ear)
{
    *ear = (struct ear){.frames_max = 1000};
    buf_init(&ear->texts, 1 << 20);
    buf_init(&ear->output, 1 << 20);
    assert_int_equal(ws_reader_new(&events, ear, &ear->reader), OK);
}

static void ear_close(struct ear *ear)
{
    ws_reader_free(ear->reader);
    buf_done(&ear->texts);
    buf_done(&ear->output);
}

/* The code of the close frame that was written; 0: none. */
static unsigned close_code(const struct ear *ear)
{
    const unsigned char *bytes = (const unsigned char *)ear->output.data;

    if (ear->output.length < 4 || bytes[0] != 0x88) {
        return 0;
    }
    return (unsigned)bytes[2] << 8 | bytes[3];
}

/* Fed in pieces of that size; the code of the close frame. */
static unsigned hear(struct str bytes, size_t piece, const char *texts)
{
    struct ear ear;

    ear_open(&ear);
    for (size_t at = 0; at < bytes.length; at += piece) {
        size_t end = at + piece < bytes.length ? at + piece : bytes.length;
        ws_reader_feed(ear.reader, str_slice(bytes, at, end));
    }
    assert_str(buf_str(&ear.texts), texts);
    unsigned code = close_code(&ear);
    assert_int_equal(ws_reader_is_done(ear.reader), code != 0);
    ear_close(&ear);
    return code;
}

static unsigned hear_both(const struct buf *bytes, const char *texts)
{
    unsigned code = hear(buf_str(bytes), bytes->length, texts);

    assert_int_equal(hear(buf_str(bytes), 1, texts), code);
    return code;
}

enum { CONTINUED = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

static void test_ws_reader_joins_fragments(void **state)
{
    struct buf bytes;

    (void)state;
    buf_init(&bytes, 1 << 20);
    frame_put(&bytes, FRAME_FIN | TEXT, STR("one"));
    frame_put(&bytes, TEXT, STR("t\xe2"));
    frame_put(&bytes, FRAME_FIN | PING, STR("?"));
    frame_put(&bytes, CONTINUED, STR("\x82"));
    frame_put(&bytes, CONTINUED, STR(""));
    frame_put(&bytes, FRAME_FIN | CONTINUED, STR("\xac!"));
    frame_put(&bytes, FRAME_FIN | TEXT, STR(""));
    assert_int_equal(hear_both(&bytes, "[one][t€!][]"), 0);
    buf_done(&bytes);
}

/* first, payload, the code that RFC 6455 asks for. */
static const struct bad_frames {
    struct {
        unsigned first;
        struct str payload;
    } frames[3];
    unsigned code;
} bad[] = {
    {{{FRAME_FIN | FRAME_RSV1 | TEXT, {"x", 1}}}, 1002},
    {{{FRAME_FIN | 0x20 | TEXT, {"x", 1}}}, 1002},
    {{{FRAME_FIN | 0x10 | TEXT, {"x", 1}}}, 1002},
    {{{FRAME_FIN | FRAME_RSV1 | PING, {"x", 1}}}, 1002},
    {{{FRAME_FIN | 3, {"x", 1}}}, 1002},
    {{{FRAME_FIN | 7, {"x", 1}}}, 1002},
    {{{FRAME_FIN | 11, {"x", 1}}}, 1002},
    {{{FRAME_FIN | 15, {"x", 1}}}, 1002},
    {{{FRAME_FIN | CONTINUED, {"x", 1}}}, 1002},
    {{{CONTINUED, {"x", 1}}}, 1002},
    {{{TEXT, {"x", 1}}, {FRAME_FIN | TEXT, {"y", 1}}}, 1002},
    {{{TEXT, {"x", 1}}, {FRAME_FIN | BINARY, {"y", 1}}}, 1002},
    {{{PING, {"x", 1}}}, 1002},
    {{{CLOSE, {"\x03\xe8", 2}}}, 1002},
    {{{FRAME_FIN | CLOSE, {"\x03", 1}}}, 1002},
    {{{FRAME_FIN | CLOSE, {"\x03\xed", 2}}}, 1002}, /* 1005 */
    {{{FRAME_FIN | CLOSE, {"\x03\xee", 2}}}, 1002}, /* 1006 */
    {{{FRAME_FIN | CLOSE, {"\x03\xec", 2}}}, 1002}, /* 1004 */
    {{{FRAME_FIN | CLOSE, {"\x03\xf7", 2}}}, 1002}, /* 1015 */
    {{{FRAME_FIN | CLOSE, {"\x00\x01", 2}}}, 1002},
    {{{FRAME_FIN | CLOSE, {"\x07\xd0", 2}}}, 1002}, /* 2000 */
    {{{FRAME_FIN | CLOSE, {"\x13\x88", 2}}}, 1002}, /* 5000 */
    {{{FRAME_FIN | CLOSE, {"\x03\xe8\xc3\x28", 4}}}, 1007},
    {{{FRAME_FIN | TEXT, {"\xc3\x28", 2}}}, 1007},
    {{{FRAME_FIN | TEXT, {"\xe2\x82", 2}}}, 1007},
    {{{FRAME_FIN | TEXT, {"\xed\xa0\x80", 3}}}, 1007},
    {{{FRAME_FIN | TEXT, {"\xf4\x90\x80\x80", 4}}}, 1007},
    {{{FRAME_FIN | TEXT, {"\xc0\xaf", 2}}}, 1007},
    {{{TEXT, {"\xe2", 1}}, {FRAME_FIN | CONTINUED, {"\x28", 1}}}, 1007},
    {{{TEXT, {"\xe2\x82", 2}}, {FRAME_FIN | CONTINUED, {"", 0}}}, 1007},
    {{{FRAME_FIN | BINARY, {"x", 1}}}, 1003},
};

static void test_ws_reader_closes_on_violations(void **state)
{
    struct buf bytes;

    (void)state;
    buf_init(&bytes, 1 << 20);
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        buf_clear(&bytes);
        frame_put(&bytes, FRAME_FIN | TEXT, STR("good"));
        for (size_t f = 0; f < 3 && bad[i].frames[f].payload.data; f++) {
            frame_put(&bytes, bad[i].frames[f].first, bad[i].frames[f].payload);
        }
        frame_put(&bytes, FRAME_FIN | TEXT, STR("behind"));
        unsigned code = hear_both(&bytes, "[good]");
        if (code != bad[i].code) {
            fail_msg("case %zu was closed with %u, not %u", i, code, bad[i].code);
        }
    }
    buf_done(&bytes);
}

static void test_ws_reader_refuses_masks_and_lengths_that_are_wrong(void **state)
{
    static const struct {
        struct str bytes;
        unsigned code;
    } raw[] = {
        {{"\x81\x01x", 3}, 1002},                                          /* not masked */
        {{"\x89\x00", 2}, 1002},                                           /* a ping, not masked */
        {{"\x81\xfe\x00\x05mask12345", 13}, 1002},                         /* 5 as 16 bits */
        {{"\x81\xff\x00\x00\x00\x00\x00\x00\x00\x05mask12345", 19}, 1002}, /* 5 as 64 bits */
        {{"\x81\xff\x00\x00\x00\x00\x00\x00\xff\xffmask", 14}, 1002},
        {{"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00mask", 14}, 1002}, /* the highest bit */
        {{"\x89\xfe\x00\x7e", 4}, 1002},                              /* a ping of 126 bytes */
        {{"\x81\xff\x00\x00\x00\x00\xff\xff\xff\xffmaskx", 15}, 1009},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(raw); i++) {
        if (hear(raw[i].bytes, 100, "") != raw[i].code ||
            hear(raw[i].bytes, 1, "") != raw[i].code) {
            fail_msg("case %zu: %u", i, hear(raw[i].bytes, 100, ""));
        }
    }
}

static void test_ws_reader_limits_messages(void **state)
{
    struct buf bytes;
    struct ear ear;

    (void)state;
    buf_init(&bytes, 1 << 20);
    frame_put_filled(&bytes, FRAME_FIN | TEXT, HTTP_WS_MESSAGE_MAX + 1);
    assert_int_equal(hear(buf_str(&bytes), bytes.length, ""), 1009);
    buf_clear(&bytes);
    frame_put_filled(&bytes, TEXT, HTTP_WS_MESSAGE_MAX);
    frame_put_filled(&bytes, FRAME_FIN | CONTINUED, 1);
    assert_int_equal(hear(buf_str(&bytes), bytes.length, ""), 1009);
    buf_clear(&bytes);
    frame_put_filled(&bytes, FRAME_FIN | TEXT, HTTP_WS_MESSAGE_MAX);
    ear_open(&ear);
    ws_reader_feed(ear.reader, buf_str(&bytes));
    assert_int_equal(ear.texts.length, HTTP_WS_MESSAGE_MAX + 2);
    assert_int_equal(close_code(&ear), 0);
    ear_close(&ear);

    /* A flood, of pings or of empty fragments. */
    for (unsigned opcode = CONTINUED; opcode <= PING; opcode += PING) {
        ear_open(&ear);
        ear.frames_max = 20;
        buf_clear(&bytes);
        if (opcode == CONTINUED) {
            frame_put(&bytes, TEXT, STR(""));
        }
        for (unsigned i = 0; i < 30; i++) {
            frame_put(&bytes, opcode == PING ? FRAME_FIN | PING : CONTINUED, STR(""));
        }
        ws_reader_feed(ear.reader, buf_str(&bytes));
        assert_true(ws_reader_is_done(ear.reader));
        assert_int_equal(ws_reader_code(ear.reader), 1008);
        assert_true(ear.frames <= 22);
        assert_true(ear.output.length <= 20 * 2 + 4);
        ear_close(&ear);
    }
    buf_done(&bytes);
}

static void test_ws_reader_answers_control_frames(void **state)
{
    struct buf bytes;
    struct ear ear;

    (void)state;
    buf_init(&bytes, 1 << 20);
    ear_open(&ear);
    frame_put(&bytes, FRAME_FIN | PING, STR("here"));
    frame_put(&bytes, FRAME_FIN | PONG, STR("unasked"));
    ws_reader_feed(ear.reader, buf_str(&bytes));
    assert_str(buf_str(&ear.output), "\x8a\x04here");
    assert_int_equal(ear.pongs, 1);
    buf_clear(&ear.output);
    ws_reader_ping(ear.reader);
    assert_int_equal(ear.output.length, 2);
    assert_int_equal((unsigned char)ear.output.data[0], 0x89);
    assert_false(ws_reader_is_closing(ear.reader));
    assert_int_equal(ws_reader_code(ear.reader), 1006);
    ear_close(&ear);

    /* The client closes: its code comes back. */
    const struct {
        struct str payload;
        unsigned code;
    } closes[] = {{{"\x03\xe8", 2}, 1000}, {{"\x0f\xa0ok", 4}, 4000}, {{"", 0}, 1005}};
    for (size_t i = 0; i < ARRAY_LENGTH(closes); i++) {
        ear_open(&ear);
        buf_clear(&bytes);
        frame_put(&bytes, FRAME_FIN | CLOSE, closes[i].payload);
        frame_put(&bytes, FRAME_FIN | TEXT, STR("behind"));
        ws_reader_feed(ear.reader, buf_str(&bytes));
        assert_true(ws_reader_is_done(ear.reader));
        assert_int_equal(ws_reader_code(ear.reader), closes[i].code);
        assert_str(buf_str(&ear.texts), "");
        ear_close(&ear);
    }
    buf_done(&bytes);
}

static void test_ws_reader_closes_when_told(void **state)
{
    struct buf bytes;
    struct ear ear;
    char reason[200];

    (void)state;
    buf_init(&bytes, 1 << 20);
    ear_open(&ear);
    frame_put(&bytes, FRAME_FIN | TEXT, STR("close"));
    frame_put(&bytes, FRAME_FIN | TEXT, STR("behind"));
    ws_reader_feed(ear.reader, buf_str(&bytes));
    assert_str(buf_str(&ear.texts), "[close]");
    assert_str(buf_str(&ear.output), "\x88\x08\x03\xe8"
                                     "enough");
    assert_true(ws_reader_is_closing(ear.reader));
    assert_false(ws_reader_is_done(ear.reader));
    ws_reader_close(ear.reader, 1001, "twice");
    assert_int_equal(ear.output.length, 10);
    buf_clear(&bytes);
    frame_put(&bytes, FRAME_FIN | CLOSE, STR("\x03\xe8"));
    ws_reader_feed(ear.reader, buf_str(&bytes));
    assert_true(ws_reader_is_done(ear.reader));
    assert_int_equal(ws_reader_code(ear.reader), 1000);
    ear_close(&ear);

    /* Three bytes each: the cut falls between characters. */
    ear_open(&ear);
    reason[0] = 'x';
    for (size_t i = 0; i < 60; i++) {
        memcpy(reason + 1 + 3 * i, "\xe2\x82\xac", 4);
    }
    ws_reader_close(ear.reader, 1013, reason);
    assert_int_equal(ear.output.length, 2 + 2 + 121);
    assert_int_equal(ws_reader_code(ear.reader), 1013);
    ear_close(&ear);
    buf_done(&bytes);
}

static void test_ws_frame_encodes_lengths_minimally(void **state)
{
    static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536, HTTP_WS_FRAME_MAX};
    static const size_t heads[] = {2, 2, 2, 4, 4, 10, 10};
    static char text[HTTP_WS_FRAME_MAX + 1];

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        struct ws_frame *frame = ws_frame_text((struct str){text, lengths[i]});

        assert_non_null(frame);
        assert_int_equal(frame->length, heads[i] + lengths[i]);
        assert_int_equal(frame->bytes[0], 0x81);
        uint64_t length = frame->bytes[1] & 0x7f;
        assert_int_equal(frame->bytes[1], heads[i] == 2 ? lengths[i] : heads[i] == 4 ? 126 : 127);
        if (heads[i] > 2) {
            length = 0;
            for (size_t b = 2; b < heads[i]; b++) {
                length = length << 8 | frame->bytes[b];
            }
        }
        assert_int_equal(length, lengths[i]);
        assert_true(lengths[i] == 0 || frame->bytes[frame->length - 1] == 'x');
        assert_ptr_equal(ws_frame_ref(frame), frame);
        ws_frame_unref(frame);
        ws_frame_unref(frame);
    }
    assert_null(ws_frame_text((struct str){text, sizeof(text)}));
    assert_null(ws_frame_raw(SIZE_MAX));
    ws_frame_unref(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ws_reader_joins_fragments),
    cmocka_unit_test(test_ws_reader_closes_on_violations),
    cmocka_unit_test(test_ws_reader_refuses_masks_and_lengths_that_are_wrong),
    cmocka_unit_test(test_ws_reader_limits_messages),
    cmocka_unit_test(test_ws_reader_answers_control_frames),
    cmocka_unit_test(test_ws_reader_closes_when_told),
    cmocka_unit_test(test_ws_frame_encodes_lengths_minimally),
};

UNIT_MAIN(tests)
