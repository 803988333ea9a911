/*
 * WebSockets over a real socket: the handshake, messages both ways, pings, slow readers, the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_fixture.h"

#include "http/ws_frame.h"
#include "ws_frames.h"

#define HANDSHAKE                                                                                  \
    "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                 \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

static struct client ws_open(struct house *house)
{
    struct client client = client_open(house);

    house->late = 0;
    client_send(house, &client, STR(HANDSHAKE));
    turn_until(house, client_has(&client, "\r\n\r\n"));
    assert_true(client_has(&client, "HTTP/1.1 101 Switching Protocols\r\n"));
    assert_true(client_has(&client, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_true(client_has(&client, "Sec-WebSocket-Protocol: ag-ui.v1+json\r\n"));
    buf_clear(&client.got);
    return client;
}

static void ws_say(struct house *house, struct client *client, unsigned first, struct str payload)
{
    struct buf bytes;

    buf_init(&bytes, 1 << 20);
    frame_put(&bytes, first, payload);
    client_send(house, client, buf_str(&bytes));
    buf_done(&bytes);
}

static void test_websocket_carries_messages(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = ws_open(&house);
    ws_say(&house, &client, 0x81, STR("hello"));
    turn_until(&house, client_has(&client, "\x81\x05hello"));
    ws_say(&house, &client, 0x89, STR("?"));
    turn_until(&house, client_has(&client, "\x8a\x01?"));
    assert_int_equal(http_server_counts(house.server).websockets, 1);
    assert_true(house_noted(&house, "answered 101 0\n"));
    /* The client closes: the code comes back, then FIN, and the handler hears the code. */
    ws_say(&house, &client, 0x88, STR("\x0f\xa1"));
    turn_until(&house, client_ended(&client));
    assert_true(client_has(&client, "\x88\x02\x0f\xa1"));
    client_close(&client);
    turn_until(&house, house_noted(&house, "gone 4001\n"));
    assert_int_equal(http_server_counts(house.server).websockets, 0);
    struct ws_frame *frame = ws_frame_text(STR("late"));
    assert_int_equal(ws_send(house.server, house.late, frame), ERR_NOT_FOUND);
    ws_close(house.server, house.late, 1000, "");
    ws_frame_unref(frame);
    house_close(&house);
}

static void test_websocket_takes_frames_that_came_with_the_handshake(void **state)
{
    struct house house;
    struct buf bytes;

    (void)state;
    house_open(&house, NULL);
    buf_init(&bytes, 1 << 16);
    buf_append(&bytes, STR(HANDSHAKE));
    frame_put(&bytes, 0x81, STR("early"));
    struct client client = client_open(&house);
    client_send(&house, &client, buf_str(&bytes));
    turn_until(&house, client_has(&client, "\x81\x05"
                                           "early"));
    client_close(&client);
    turn_until(&house, house_noted(&house, "gone 1006\n"));
    buf_done(&bytes);
    house_close(&house);
}

static void test_websocket_closes_when_the_handler_says_so(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = ws_open(&house);
    ws_say(&house, &client, 0x81, STR("close"));
    turn_until(&house, client_has(&client, "\x88\x0d\x03\xe8"
                                           "as you like"));
    struct ws_frame *frame = ws_frame_text(STR("late"));
    assert_int_equal(ws_send(house.server, house.late, frame), ERR_NOT_FOUND);
    ws_frame_unref(frame);
    assert_false(house_noted(&house, "gone"));
    ws_say(&house, &client, 0x88, STR("\x03\xe8"));
    turn_until(&house, client_ended(&client));
    client_close(&client);
    turn_until(&house, house_noted(&house, "gone 1000\n"));
    house_close(&house);
}

static void test_websocket_closes_on_violations(void **state)
{
    struct http_limits limits = http_limits_default;
    struct house house;

    (void)state;
    limits.ws_messages_per_s = 20;
    house_open(&house, &limits);
    const struct {
        struct str bytes;
        unsigned code;
    } bad[] = {
        {STR("\x81\x01x"), 1002},
        {STR("\x81\x82\x00\x00\x00\x00\xc3\x28"), 1007},
        {STR("\xc1\x81\x00\x00\x00\x00x"), 1002},
        {STR("\x83\x81\x00\x00\x00\x00x"), 1002},
        {STR("\x80\x81\x00\x00\x00\x00x"), 1002},
        {STR("\x81\xff\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00x"), 1009},
        {STR("\x88\x81\x00\x00\x00\x00\x03"), 1002},
        {STR("\x82\x81\x00\x00\x00\x00x"), 1003},
    };
    for (size_t i = 0; i <= ARRAY_LENGTH(bad); i++) {
        unsigned code = i < ARRAY_LENGTH(bad) ? bad[i].code : 1008;
        char frame[] = {(char)0x88, 2, (char)(code >> 8), (char)code, 0};
        struct client client = ws_open(&house);

        buf_clear(&house.notes);
        if (i < ARRAY_LENGTH(bad)) {
            client_send(&house, &client, bad[i].bytes);
        }
        for (int ping = 0; i == ARRAY_LENGTH(bad) && ping < 25; ping++) {
            client_send(&house, &client, STR("\x89\x80\x00\x00\x00\x00"));
        }
        turn_until(&house, client_ended(&client));
        assert_true(str_ends_with(buf_str(&client.got), (struct str){frame, 4}));
        client_close(&client);
        turn_until(&house, http_server_counts(house.server).connections == 0);
        char line[20];
        (void)snprintf(line, sizeof(line), "gone %u\n", code);
        assert_true(house_noted(&house, line));
        assert_int_equal(house.messages, 0);
    }
    house_close(&house);
}

static void test_websocket_pings_and_closes_on_silence(void **state)
{
    struct http_limits limits = http_limits_default;
    struct house house;

    (void)state;
    limits.ws_ping_ms = 40;
    house_open(&house, &limits);
    struct client answers = ws_open(&house);
    struct client silent = ws_open(&house);
    int64_t began = wall_ms();
    unsigned pongs = 0;
    while (!client_ended(&silent)) {
        turn_for(&house, 2);
        (void)client_ended(&answers);
        for (; pongs < client_count(&answers, "\x89"); pongs++) {
            ws_say(&house, &answers, 0x8a, STR(""));
        }
        assert_true(wall_ms() - began < PATIENCE_MS);
    }
    assert_true(wall_ms() - began >= 3 * 40 - 5);
    assert_int_equal(client_count(&silent, "\x89"), 2);
    assert_true(house_noted(&house, "gone 1006\n"));
    assert_int_equal(http_server_counts(house.server).websockets, 1);
    client_close(&answers);
    client_close(&silent);
    house_close(&house);
}

/* A shared frame; one reader sleeps and is cut off with 1013, the other one gets every byte. */
static void test_websocket_cuts_off_a_slow_reader(void **state)
{
    static char text[50000];
    struct http_limits limits = http_limits_default;
    struct house house;
    unsigned sent = 0;
    int code = OK;

    (void)state;
    limits.queue_bytes_max = 300000;
    house_open(&house, &limits);
    struct client quick = ws_open(&house);
    http_id quick_id = house.late;
    struct client slow = ws_open(&house);
    http_id slow_id = house.late;
    memset(text, 'x', sizeof(text));
    struct ws_frame *frame = ws_frame_text((struct str){text, sizeof(text)});
    assert_non_null(frame);
    for (int i = 0; i < 2000 && code == OK; i++) {
        code = ws_send(house.server, slow_id, frame);
        assert_int_equal(ws_send(house.server, quick_id, frame), OK);
        sent++;
        assert_true(http_queued(house.server, slow_id) <= limits.queue_bytes_max);
        turn(&house);
        client_take(&quick);
    }
    assert_int_equal(code, ERR_LIMIT);
    assert_int_equal(ws_send(house.server, slow_id, frame), ERR_NOT_FOUND);
    turn_until(&house, (client_take(&quick), quick.got.length == sent * frame->length));
    /* What was on its way comes whole, then the close frame. */
    turn_until(&house, client_ended(&slow) || client_has(&slow, "\x88\x18\x03\xf5"));
    assert_true(str_ends_with(buf_str(&slow.got), STR("the reader is too slow")));
    assert_int_equal((slow.got.length - 26) % frame->length, 0);
    client_close(&slow);
    turn_until(&house, house_noted(&house, "gone 1013\n"));
    assert_int_equal(frame->refs, 1);
    ws_frame_unref(frame);
    client_close(&quick);
    house_close(&house);
}

static void test_websocket_tells_when_its_queue_is_empty(void **state)
{
    static char text[200000];
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = ws_open(&house);
    memset(text, 'x', sizeof(text));
    struct ws_frame *frame = ws_frame_text((struct str){text, sizeof(text)});
    for (int i = 0; i < 100 && http_queued(house.server, house.late) == 0; i++) {
        assert_int_equal(ws_send(house.server, house.late, frame), OK);
    }
    assert_true(http_queued(house.server, house.late) > 0);
    assert_int_equal(house.drained, 0);
    turn_until(&house, (client_take(&client), house.drained == 1));
    assert_int_equal(http_queued(house.server, house.late), 0);
    ws_frame_unref(frame);
    client_close(&client);
    house_close(&house);
}

static void test_websocket_drains_with_1012(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = ws_open(&house);
    http_server_drain(house.server, 3000, house_stopped, &house);
    turn_until(&house, client_has(&client, "the server restarts"));
    assert_true(str_starts_with(buf_str(&client.got), STR("\x88\x15\x03\xf4")));
    ws_say(&house, &client, 0x88, STR("\x03\xf4"));
    turn_until(&house, client_ended(&client));
    client_close(&client);
    turn_until(&house, house.has_stopped);
    assert_true(house_noted(&house, "gone 10"));
    house_close(&house);
}

static void test_websocket_handshakes_that_are_none(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = client_open(&house);
    client_send(&house, &client,
                STR("GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
                    "8\r\n\r\n"));
    turn_until(&house, client_ended(&client));
    assert_true(client_has(&client, "HTTP/1.1 426 Upgrade Required\r\n"));
    assert_true(client_has(&client, "Sec-WebSocket-Version: 13\r\n"));
    client_close(&client);
    assert_false(house_noted(&house, "request"));
    house_close(&house);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_websocket_carries_messages),
    cmocka_unit_test(test_websocket_takes_frames_that_came_with_the_handshake),
    cmocka_unit_test(test_websocket_closes_when_the_handler_says_so),
    cmocka_unit_test(test_websocket_closes_on_violations),
    cmocka_unit_test(test_websocket_pings_and_closes_on_silence),
    cmocka_unit_test(test_websocket_cuts_off_a_slow_reader),
    cmocka_unit_test(test_websocket_tells_when_its_queue_is_empty),
    cmocka_unit_test(test_websocket_drains_with_1012),
    cmocka_unit_test(test_websocket_handshakes_that_are_none),
};

HOUSE_MAIN(tests)
