/*
 * Bodies end where the head says, whatever the pieces they come in; malformed chunks are refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/buf.h"
#include "http/message.h"
#include "http/refusal.h"

#define CHUNKED "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
#define LENGTH7 "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n"

/* Feeds pieces of that size; the last step, the body, and what was left over. */
static int run(const char *head, struct message_framing framing, const char *body, size_t piece,
               struct buf *ret_body, size_t *ret_left)
{
    struct message message;
    struct str all = str_from(body);
    int step = message_begin(&message, str_from(head), &framing);
    size_t at = 0;

    buf_clear(ret_body);
    while (step == MESSAGE_MORE && at < all.length) {
        size_t end = at + piece < all.length ? at + piece : all.length;
        struct str rest = str_slice(all, at, end);

        do {
            struct str some;

            step = message_next(&message, &rest, &some);
            if (step == MESSAGE_PIECE) {
                buf_append(ret_body, some);
            }
        } while (step == MESSAGE_PIECE);
        at = end - rest.length;
    }
    *ret_left = all.length - at;
    return step;
}

static void test_message_bodies_end_where_they_should(void **state)
{
    const struct message_framing chunked = {.is_chunked = true};
    const struct message_framing seven = {.has_length = true, .length = 7};
    struct buf body;
    size_t left;

    (void)state;
    buf_init(&body, 100000);
    for (size_t piece = 1; piece < 70; piece++) {
        assert_int_equal(run(LENGTH7, seven, "abcdefgGET /", piece, &body, &left), MESSAGE_END);
        assert_str(buf_str(&body), "abcdefg");
        assert_int_equal(left, 5);
        assert_int_equal(run(CHUNKED, chunked,
                             "3\r\nabc\r\n00A;n=\"v\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET",
                             piece, &body, &left),
                         MESSAGE_END);
        assert_str(buf_str(&body), "abc0123456789");
        assert_int_equal(left, 3);
        assert_int_equal(run(LENGTH7, seven, "abc", piece, &body, &left), MESSAGE_MORE);
    }
    assert_int_equal(
        run("GET / HTTP/1.1\r\nHost: x\r\n\r\n", (struct message_framing){0}, "", 1, &body, &left),
        MESSAGE_END);
    assert_int_equal(run("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: "
                         "upgrade\r\n\r\n",
                         (struct message_framing){0}, "", 1, &body, &left),
                     MESSAGE_END);
    buf_done(&body);
}

static void test_message_refuses_malformed_chunks(void **state)
{
    static const char *bad[] = {
        "x\r\n",
        "\r\n",
        "-1\r\n",
        "+2\r\n{}\r\n0\r\n\r\n",
        "0x2\r\n{}\r\n",
        " 2\r\n{}\r\n",
        "2\n{}\r\n0\r\n\r\n",
        "2\r\n{}0\r\n\r\n",
        "2\r\n{}XX0\r\n\r\n",
        "2\r\n{}\n0\r\n\r\n",
        "2\r\n{}\r0\r\n\r\n",
        "10000000000000000\r\n",
        "0\r\n\rX",
        "0\r\nA : b\r\n\r\n",
        "2;a\rb\r\n{}\r\n0\r\n\r\n",
        "2;a\nb\r\n{}\r\n0\r\n\r\n",
    };
    struct buf body;
    size_t left;

    (void)state;
    buf_init(&body, 100000);
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        for (size_t piece = 1; piece < 20; piece += 18) {
            int step = run(CHUNKED, (struct message_framing){.is_chunked = true}, bad[i], piece,
                           &body, &left);

            if (step != -REFUSAL_CHUNK) {
                fail_msg("%s was not refused: %d", bad[i], step);
            }
        }
    }
    buf_done(&body);
}

static void test_message_limits_what_is_not_body(void **state)
{
    struct buf body;
    struct buf text;
    size_t left;

    (void)state;
    buf_init(&body, 100000);
    buf_init(&text, 100000);
    for (unsigned i = 0; i < 3; i++) {
        buf_clear(&text);
        buf_append(&text, i == 0 ? STR("2;a=") : i == 1 ? STR("0\r\nA: ") : STR("00000"));
        while (text.length < 5000) {
            buf_append_char(&text, i == 2 ? '0' : 'x');
        }
        for (size_t piece = 100; piece < 10000; piece += 9000) {
            int step = run(CHUNKED, (struct message_framing){.is_chunked = true}, text.data, piece,
                           &body, &left);
            assert_int_equal(step, -REFUSAL_CHUNK_OVERHEAD);
        }
    }
    buf_done(&text);
    buf_done(&body);
}

/* What head_scan and llhttp understand differently is refused. */
static void test_message_refuses_disagreement(void **state)
{
    struct buf body;
    size_t left;

    (void)state;
    buf_init(&body, 100);
    assert_int_equal(run(LENGTH7, (struct message_framing){.has_length = true, .length = 8}, "", 1,
                         &body, &left),
                     -REFUSAL_FRAMING);
    assert_int_equal(
        run(LENGTH7, (struct message_framing){.is_chunked = true}, "", 1, &body, &left),
        -REFUSAL_FRAMING);
    assert_int_equal(run(LENGTH7, (struct message_framing){0}, "", 1, &body, &left),
                     -REFUSAL_FRAMING);
    assert_int_equal(
        run("GET / HTTP/1.1\r\n\n\r\n", (struct message_framing){0}, "", 1, &body, &left),
        -REFUSAL_FRAMING);
    buf_done(&body);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_message_bodies_end_where_they_should),
    cmocka_unit_test(test_message_refuses_malformed_chunks),
    cmocka_unit_test(test_message_limits_what_is_not_body),
    cmocka_unit_test(test_message_refuses_disagreement),
};

UNIT_MAIN(tests)
