/*
 * Clients that do not read, made by a fault and for real: queues end at their limit, WebSockets are
 * cut with 1013 in the middle of what is sent, writes time out, memory stays bounded and others are
 * served.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_fixture.h"

#include <malloc.h>

#include "http/ws_frame.h"
#include "loop/clock.h"
#include "monitor/fault.h"

#define HANDSHAKE                                                                                  \
    "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                 \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define GET(path)    "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

#define SLOW_CLIENTS 8u

static struct client ws_open(struct house *house, http_id *ret_id)
{
    struct client client = client_open(house);

    house->late = 0;
    client_send(house, &client, STR(HANDSHAKE));
    turn_until(house, client_has(&client, "\r\n\r\n"));
    assert_true(client_has(&client, "HTTP/1.1 101 "));
    buf_clear(&client.got);
    *ret_id = house->late;
    return client;
}

static int send_text(struct house *house, http_id id, struct str text)
{
    struct ws_frame *frame = ws_frame_text(text);

    assert_non_null(frame);
    int code = ws_send(house->server, id, frame);
    ws_frame_unref(frame);
    return code;
}

static void stall_next(void)
{
    assert_int_equal(fault_arm(FAULT_READER_STALLS, 1, 0, 60, clock_now_us()), OK);
}

static void test_slow_reader_that_stalls_is_cut_off_with_1013(void **state)
{
    struct http_limits limits = http_limits_default;
    struct house house;
    http_id stalled_id;
    http_id other_id;
    int code = OK;

    (void)state;
    limits.queue_bytes_max = 10000;
    limits.write_timeout_ms = 50;
    house_open(&house, &limits);
    struct client stalled = ws_open(&house, &stalled_id);
    struct client other = ws_open(&house, &other_id);
    assert_int_equal(send_text(&house, stalled_id, STR("before")), OK);
    turn_until(&house, client_has(&stalled, "before"));
    stall_next();
    for (int i = 0; i < 200 && code == OK; i++) {
        code = send_text(&house, stalled_id, STR("a hundred bytes or so"));
        assert_true(http_queued(house.server, stalled_id) <= limits.queue_bytes_max);
        assert_int_equal(send_text(&house, other_id, STR("x")), OK);
    }
    assert_int_equal(code, ERR_LIMIT);
    assert_int_equal(fault_state(FAULT_READER_STALLS).hits > 0, 1);
    /* Nothing gets through to it any more, not even the farewell. */
    turn_until(&house, house_noted(&house, "gone 1013\n"));
    client_take(&stalled);
    assert_str(buf_str(&stalled.got), "\x81\x06"
                                      "before");
    assert_int_equal(send_text(&house, other_id, STR("after")), OK);
    turn_until(&house, client_has(&other, "after"));
    client_close(&stalled);
    client_close(&other);
    house_close(&house);
}

static void test_slow_reader_of_a_stream_times_out(void **state)
{
    struct http_limits limits = http_limits_default;
    struct house house;

    (void)state;
    limits.write_timeout_ms = 60;
    house_open(&house, &limits);
    stall_next();
    struct client client = client_open(&house);
    /* The answer's head belongs to what is whole; what comes later stalls. */
    client_send(&house, &client, STR(GET("/stream")));
    turn_until(&house, house.late);
    int64_t began = wall_ms();
    (void)http_stream_write(house.server, house.late, STR("data: 1\n\n"));
    turn_until(&house, house_noted(&house, "gone 0\n"));
    assert_true(wall_ms() - began >= 55);
    assert_false(client_has(&client, "data: 1"));
    client_close(&client);
    /* Others are served meanwhile and afterwards. */
    client = client_open(&house);
    client_send(&house, &client, STR(GET("/")));
    turn_until(&house, client_has(&client, "hello"));
    client_close(&client);
    house_close(&house);
}

/* Answers to ordinary requests do not stall: an operator hears what became of the fault. */
static void test_slow_reader_fault_spares_whole_answers(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    stall_next();
    struct client client = client_open(&house);
    client_send(&house, &client, STR(GET("/")));
    turn_until(&house, client_has(&client, "hello"));
    assert_int_equal(fault_state(FAULT_READER_STALLS).times_left, 1);
    fault_disarm_all();
    client_close(&client);
    house_close(&house);
}

/* It reads at last what was on its way: whole frames and why there are no more. */
static void expect_farewell(struct house *house, struct client *client, size_t frame_bytes)
{
    turn_until(house, client_ended(client) || client_has(client, "\x88\x18\x03\xf5"));
    assert_true(str_ends_with(buf_str(&client->got), STR("the reader is too slow")));
    assert_int_equal((client->got.length - 26) % frame_bytes, 0);
    client_close(client);
}

/* Real ones: frames of their own for each, far more than the sockets' buffers take. What the
 * program holds stays within the limit for each of them. */
static void test_slow_readers_cost_no_more_than_their_queues(void **state)
{
    static char text[20000];
    struct http_limits limits = http_limits_default;
    struct client clients[SLOW_CLIENTS];
    http_id ids[SLOW_CLIENTS];
    struct house house;
    unsigned cut = 0;

    (void)state;
    limits.queue_bytes_max = 200000;
    house_open(&house, &limits);
    memset(text, 'x', sizeof(text));
    for (unsigned i = 0; i < SLOW_CLIENTS; i++) {
        clients[i] = ws_open(&house, &ids[i]);
    }
    size_t before = mallinfo2().uordblks;
    for (int round = 0; round < 3000 && cut < SLOW_CLIENTS; round++) {
        for (unsigned i = 0; i < SLOW_CLIENTS; i++) {
            int code = ids[i] ? send_text(&house, ids[i], (struct str){text, sizeof(text)}) : OK;

            assert_true(code == OK || code == ERR_LIMIT);
            if (code == ERR_LIMIT) {
                cut++;
                ids[i] = 0;
                expect_farewell(&house, &clients[i], sizeof(text) + 4);
            }
        }
        turn(&house);
        size_t now = mallinfo2().uordblks;
        /* Beside each queue there is what is sealed at the time. */
        assert_true(now < before + SLOW_CLIENTS * (limits.queue_bytes_max + 100000));
    }
    assert_int_equal(cut, SLOW_CLIENTS);
    turn_until(&house, http_server_counts(house.server).connections == 0);
    assert_int_equal(http_server_counts(house.server).websockets, 0);
    house_close(&house);
}

/* The drain does not wait for who does not read. */
static void test_slow_readers_do_not_hold_up_the_drain(void **state)
{
    static char text[200000];
    struct house house;
    http_id id;

    (void)state;
    house_open(&house, NULL);
    struct client slow = ws_open(&house, &id);
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 100 && http_queued(house.server, id) == 0; i++) {
        assert_int_equal(send_text(&house, id, (struct str){text, sizeof(text)}), OK);
    }
    assert_true(http_queued(house.server, id) > 0);
    int64_t began = wall_ms();
    http_server_drain(house.server, 100, house_stopped, &house);
    turn_until(&house, house.has_stopped);
    assert_in_range(wall_ms() - began, 40, 1500); /* from the last look at a coarse clock */
    assert_true(house_noted(&house, "gone 10"));
    client_close(&slow);
    house_close(&house);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_slow_reader_that_stalls_is_cut_off_with_1013),
    cmocka_unit_test(test_slow_reader_of_a_stream_times_out),
    cmocka_unit_test(test_slow_reader_fault_spares_whole_answers),
    cmocka_unit_test(test_slow_readers_cost_no_more_than_their_queues),
    cmocka_unit_test(test_slow_readers_do_not_hold_up_the_drain),
};

int main(void)
{
    fault_allow(true);
    house_files_make();
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    house_is_tls = true;
    failed += cmocka_run_group_tests_name("over TLS", tests, NULL, NULL);
    house_files_remove();
    return failed;
}
