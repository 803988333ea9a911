/*
 * A WebSocket's handshake is looked at before it is believed; messages come whole and with their
 * time, whatever pieces they were sent in; what breaks the protocol is named. The other side is a
 * thread that answers with fixed bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "peer_fixture.h"

#include <errno.h>

#include "base/alloc.h"
#include "verify/socket.h"
#include "verify/wire.h"

#define HEAD                                                                                       \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: %ACCEPT%\r\nSec-WebSocket-Protocol: ag-ui.v1+json\r\n\r\n"
#define CLOSE_1000 "\x88\x02\x03\xe8"

struct house {
    struct peer *peer;
    struct arena arena;
    struct exchange handshake;
    struct ws_client *socket;
    struct error error;
    struct ws_frame_seen seen;
};

static int open_like(struct house *house, const struct peer_step *step,
                     const struct ws_client_options *like)
{
    struct ws_client_options options = *like;

    *house = (struct house){.peer = peer_start(step, 1, NULL)};
    arena_init(&house->arena, 1 << 20);
    options.url = options.url ? options.url : house->peer->ws_url;
    return ws_client_open(&options, &house->arena, &house->handshake, &house->socket,
                          &house->error);
}

static int open_on(struct house *house, const struct peer_step *step)
{
    return open_like(house, step, &(struct ws_client_options){.timeout_ms = 3000});
}

static void tear_down(struct house *house)
{
    ws_client_close(house->socket);
    peer_join(house->peer);
    peer_free(house->peer);
    arena_done(&house->arena);
}

static int next(struct house *house, unsigned timeout_ms)
{
    return ws_client_next(house->socket, timeout_ms, &house->seen, &house->error);
}

/* ---- the handshake ---- */

static void test_socket_shakes_hands(void **state)
{
    static const struct peer_step step = {
        .answer = STR(HEAD), .second = STR(CLOSE_1000), .must_hold = true};
    struct house house;

    (void)state;
    assert_int_equal(
        open_like(&house, &step,
                  &(struct ws_client_options){.token = "t0ken", .origin = "https://page.example"}),
        OK);
    assert_int_equal(house.handshake.status, 101);
    assert_int_equal(house.handshake.code, OK);
    assert_str(exchange_header_of(&house.handshake, "upgrade"), "websocket");
    assert_true(house.handshake.connect_us > 0);
    assert_true(house.handshake.connect_us <= house.handshake.sent_us);
    assert_true(house.handshake.sent_us <= house.handshake.first_byte_us);
    assert_true(house.handshake.first_byte_us <= house.handshake.total_us);
    assert_string_equal(house.handshake.peer, house.peer->url + strlen("http://"));
    ws_client_close(house.socket);
    house.socket = NULL;
    peer_join(house.peer);
    const char *got = house.peer->got;
    assert_memory_equal(got, "GET /ws?ticket=t HTTP/1.1\r\nHost: 127.0.0.1:", 43);
    assert_non_null(strstr(got, "\r\nAuthorization: Bearer t0ken\r\n"));
    assert_non_null(strstr(got, "\r\nOrigin: https://page.example\r\n"));
    assert_non_null(strstr(got, "\r\nSec-WebSocket-Protocol: ag-ui.v1+json\r\n"));
    const char *close = strstr(got, "\r\n\r\n") + 4; /* masked: 0x88 0x82, mask, 2 bytes */
    assert_memory_equal(close, "\x88\x82", 2);
    assert_int_equal((unsigned char)(close[2] ^ close[6]), 0x03);
    assert_int_equal((unsigned char)(close[3] ^ close[7]), 0xe8);
    peer_free(house.peer);
    arena_done(&house.arena);
}

static void test_socket_believes_no_handshake_that_is_none(void **state)
{
    static const struct {
        struct str answer;
        int code;
    } cases[] = {
        {STR("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
             "Sec-WebSocket-Protocol: ag-ui.v1+json\r\n\r\n"),
         ERR_INVALID},
        {STR("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %ACCEPT%\r\nSec-WebSocket-Protocol: chat\r\n\r\n"),
         ERR_INVALID},
        {STR("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %ACCEPT%\r\n\r\n"),
         ERR_INVALID},
        {STR("HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %ACCEPT%\r\nSec-WebSocket-Protocol: ag-ui.v1+json\r\n\r\n"),
         ERR_INVALID},
        {STR("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Extensions: permessage-deflate\r\n"
             "Sec-WebSocket-Accept: %ACCEPT%\r\nSec-WebSocket-Protocol: ag-ui.v1+json\r\n\r\n"),
         ERR_INVALID},
        {STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), ERR_DENIED},
        {STR("garbage\r\n\r\n"), ERR_DENIED},
        {STR("HTTP/1.1 101 Switching"), ERR_IO},
        {STR(""), ERR_IO},
    };
    struct house house;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct peer_step step = {.answer = cases[i].answer};

        assert_int_equal(open_on(&house, &step), cases[i].code);
        assert_int_equal(house.error.code, cases[i].code);
        assert_null(house.socket);
        assert_true(house.handshake.bytes_sent > 100);
        tear_down(&house);
    }
}

static void test_socket_gives_a_refusal_with_its_body(void **state)
{
    static const struct peer_step step = {
        .answer = STR("HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\n{\"no\":1}\n"),
        .must_hold = true}; /* the connection stays open: the length ends it */
    struct house house;

    (void)state;
    int64_t begin_us = wire_now_us();
    assert_int_equal(open_on(&house, &step), ERR_DENIED);
    assert_true(wire_now_us() - begin_us < 900000);
    assert_int_equal(house.handshake.status, 401);
    assert_str(house.handshake.body, "{\"no\":1}\n");
    tear_down(&house);
}

static void test_socket_waits_for_a_handshake_only_so_long(void **state)
{
    static const struct peer_step step = {.answer = STR("HTTP/1.1 101"), .must_hold = true};
    struct house house;

    (void)state;
    assert_int_equal(open_like(&house, &step, &(struct ws_client_options){.timeout_ms = 40}),
                     ERR_TIMEOUT);
    assert_int_equal(house.handshake.code, ERR_TIMEOUT);
    tear_down(&house);
}

static void test_socket_takes_only_addresses_and_words(void **state)
{
    static const struct ws_client_options cases[] = {
        {.url = "ftp://127.0.0.1/"},
        {.url = "http://user@127.0.0.1/"},
        {.url = "http://127.0.0.1/a b"},
        {.url = "http://127.0.0.1/a\r\nX: y"},
        {.url = "http:///a"},
        {.url = "http://127.0.0.1:1/", .token = "a\r\nX: y"},
        {.url = "http://127.0.0.1:1/", .origin = "a\nb"},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct exchange handshake;
        struct ws_client *socket = NULL;

        assert_int_equal(ws_client_open(&cases[i], &arena, &handshake, &socket, NULL), ERR_INVALID);
        assert_int_equal(handshake.bytes_sent, 0);
    }
    arena_done(&arena);
}

static void test_socket_knows_a_refused_connection(void **state)
{
    static const struct peer_step none;
    struct peer *peer = peer_start(&none, 0, NULL);
    struct exchange handshake;
    struct ws_client *socket = NULL;
    struct error error;
    struct arena arena;

    (void)state;
    peer_join(peer);
    arena_init(&arena, 1 << 20);
    const struct ws_client_options options = {.url = peer->ws_url};
    assert_int_equal(ws_client_open(&options, &arena, &handshake, &socket, &error), ERR_IO);
    assert_int_equal(handshake.os_errno, ECONNREFUSED);
    arena_done(&arena);
    peer_free(peer);
}

/* ---- messages ---- */

static void test_socket_takes_messages_in_any_pieces(void **state)
{
    /* two behind the head; one in three fragments with a ping between; an empty one */
    static const struct peer_step step = {.answer = STR(HEAD "\x81\x01"
                                                             "a\x81\x02"
                                                             "bc\x01\x01"
                                                             "d\x89\x02pp\x00\x00\x80\x01"
                                                             "e\x81\x00" CLOSE_1000),
                                          .must_hold = true};
    static const char *const texts[] = {"a", "bc", "de", ""};
    struct house house;
    int64_t last_us = 0;

    (void)state;
    struct peer_step whole = step;
    assert_int_equal(open_on(&house, &whole), OK);
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        assert_int_equal(next(&house, 3000), OK);
        assert_false(house.seen.is_close);
        assert_str(house.seen.text, texts[i]);
        assert_true(house.seen.at_us >= last_us && house.seen.at_us <= wire_now_us());
        last_us = house.seen.at_us;
    }
    assert_int_equal(next(&house, 3000), OK);
    assert_true(house.seen.is_close);
    assert_int_equal(house.seen.close_code, 1000);
    uint64_t received = ws_client_bytes_received(house.socket);
    ws_client_close(house.socket);
    house.socket = NULL;
    peer_join(house.peer);
    assert_int_equal(received, house.peer->sent_bytes);
    const char *pong = strstr(house.peer->got, "\r\n\r\n") + 4;
    assert_memory_equal(pong, "\x8a\x82", 2);
    assert_int_equal(pong[2] ^ pong[6], 'p');
    peer_free(house.peer);
    arena_done(&house.arena);
}

static void test_socket_sends_masked_text_and_counts_it(void **state)
{
    static const struct peer_step step = {
        .answer = STR(HEAD), .second = STR("\x81\x02ok" CLOSE_1000), .must_hold = true};
    struct house house;

    (void)state;
    assert_int_equal(open_on(&house, &step), OK);
    uint64_t before = ws_client_bytes_sent(house.socket);
    assert_int_equal(before, house.handshake.bytes_sent);
    assert_int_equal(ws_client_send(house.socket, STR("hello"), &house.error), OK);
    assert_int_equal(ws_client_bytes_sent(house.socket), before + 2 + 4 + 5);
    assert_int_equal(next(&house, 3000), OK);
    assert_str(house.seen.text, "ok");
    ws_client_close(house.socket);
    house.socket = NULL;
    peer_join(house.peer);
    const char *frame = strstr(house.peer->got, "\r\n\r\n") + 4;
    assert_memory_equal(frame, "\x81\x85", 2);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(frame[6 + i] ^ frame[2 + i % 4], "hello"[i]);
    }
    peer_free(house.peer);
    arena_done(&house.arena);
}

static void test_socket_goes_on_after_a_time_out_within_a_frame(void **state)
{
    static const struct peer_step step = {.answer = STR(HEAD "\x81\x06"
                                                             "abc"),
                                          .second = STR("def\x81\x01g" CLOSE_1000),
                                          .must_hold = true};
    struct house house;

    (void)state;
    assert_int_equal(open_on(&house, &step), OK);
    assert_int_equal(next(&house, 20), ERR_TIMEOUT);
    assert_int_equal(ws_client_send(house.socket, STR("go on"), &house.error), OK);
    assert_int_equal(next(&house, 3000), OK);
    assert_str(house.seen.text, "abcdef");
    assert_int_equal(next(&house, 3000), OK);
    assert_str(house.seen.text, "g");
    tear_down(&house);
}

static void test_socket_names_frames_that_break_the_protocol(void **state)
{
    static const struct {
        struct str frames;
        int code;
    } cases[] = {
        {STR("\x81\x81mmmm\x0c"), ERR_INVALID}, /* masked */
        {STR("\xc1\x01"
             "a"),
         ERR_INVALID}, /* a reserved bit */
        {STR("\x83\x01"
             "a"),
         ERR_INVALID}, /* an opcode that is none */
        {STR("\x82\x01"
             "a"),
         ERR_INVALID}, /* binary */
        {STR("\x80\x01"
             "a"),
         ERR_INVALID}, /* goes on with nothing */
        {STR("\x01\x01"
             "a\x81\x01"
             "b"),
         ERR_INVALID},                               /* begins before the end */
        {STR("\x81\x02\xc3("), ERR_INVALID},         /* no UTF-8 */
        {STR("\x88\x01\x03"), ERR_INVALID},          /* half of a close code */
        {STR("\x88\x04\x03\xe8\xc3("), ERR_INVALID}, /* a reason that is no UTF-8 */
        {STR("\x09\x00"), ERR_INVALID},              /* a ping in fragments */
        {STR("\x81\x7e\x00\x01"
             "a"),
         ERR_INVALID}, /* a length that is too long */
        {STR("\x81\x7f\x00\x00\x00\x00\x00\x08\x00\x01x"), ERR_LIMIT},
        {STR("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xffx"), ERR_LIMIT},
        {STR("\x81\x05"
             "ab"),
         ERR_IO}, /* and the connection ends */
    };
    struct house house;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char answer[1024];
        size_t head = sizeof(HEAD) - 1;
        memcpy(answer, HEAD, head);
        memcpy(answer + head, cases[i].frames.data, cases[i].frames.length);
        const struct peer_step step = {.answer = {answer, head + cases[i].frames.length}};

        assert_int_equal(open_on(&house, &step), OK);
        int code = next(&house, 3000);
        if (code != cases[i].code) {
            fail_msg("case %zu: %d is not %d", i, code, cases[i].code);
        }
        assert_int_equal(next(&house, 3000), ERR_IO); /* nothing more is read */
        tear_down(&house);
    }
}

static void test_socket_has_a_limit_for_fragments_together(void **state)
{
    static char frames[2 * 400000];
    size_t used = sizeof(HEAD) - 1;
    struct house house;

    (void)state;
    memset(frames, 'x', sizeof(frames));
    memcpy(frames, HEAD, used);
    for (int i = 0; i < 2; i++) { /* twice 300,000: over 512 KiB */
        memcpy(frames + used,
               i ? "\x80\x7f\x00\x00\x00\x00\x00\x04\x93\xe0"
                 : "\x01\x7f\x00\x00\x00\x00\x00\x04\x93\xe0",
               10);
        used += 10 + 300000;
    }
    const struct peer_step step = {.answer = {frames, used}};
    assert_int_equal(open_on(&house, &step), OK);
    assert_int_equal(next(&house, 3000), ERR_LIMIT);
    tear_down(&house);
}

static void test_socket_waits_only_so_long(void **state)
{
    static const struct peer_step step = {.answer = STR(HEAD), .must_hold = true};
    struct house house;

    (void)state;
    assert_int_equal(open_on(&house, &step), OK);
    int64_t begin_us = wire_now_us();
    assert_int_equal(next(&house, 30), ERR_TIMEOUT);
    assert_true(wire_now_us() - begin_us >= 29000);
    begin_us = wire_now_us();
    ws_client_close(house.socket); /* the other side says nothing */
    assert_true(wire_now_us() - begin_us < 2000000);
    house.socket = NULL;
    tear_down(&house);
}

static void test_socket_without_memory_says_so(void **state)
{
    struct house house;
    int code = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; code; nth++) {
        static const struct peer_step step = {.answer = STR(HEAD "\x81\x02ok" CLOSE_1000)};

        house = (struct house){.peer = peer_start(&step, 1, NULL)};
        arena_init(&house.arena, 1 << 20);
        const struct ws_client_options options = {.url = house.peer->ws_url, .timeout_ms = 3000};
        (void)alloc_fail_from(nth);
        code = ws_client_open(&options, &house.arena, &house.handshake, &house.socket, NULL);
        code = code ? code : next(&house, 3000);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        if (nth == 1) { /* it did not come as far as connecting: let the script end */
            struct error error;
            assert_int_equal(
                ws_client_open(&options, &house.arena, &house.handshake, &house.socket, &error),
                OK);
        }
        tear_down(&house);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_socket_shakes_hands),
    cmocka_unit_test(test_socket_believes_no_handshake_that_is_none),
    cmocka_unit_test(test_socket_gives_a_refusal_with_its_body),
    cmocka_unit_test(test_socket_waits_for_a_handshake_only_so_long),
    cmocka_unit_test(test_socket_takes_only_addresses_and_words),
    cmocka_unit_test(test_socket_knows_a_refused_connection),
    cmocka_unit_test(test_socket_takes_messages_in_any_pieces),
    cmocka_unit_test(test_socket_sends_masked_text_and_counts_it),
    cmocka_unit_test(test_socket_goes_on_after_a_time_out_within_a_frame),
    cmocka_unit_test(test_socket_names_frames_that_break_the_protocol),
    cmocka_unit_test(test_socket_has_a_limit_for_fragments_together),
    cmocka_unit_test(test_socket_waits_only_so_long),
    cmocka_unit_test(test_socket_without_memory_says_so),
};

UNIT_MAIN(tests)
