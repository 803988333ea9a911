/*
 * What a client sees of ordinary exchanges over a real socket: answers, pipelining, bodies,
 * streams, time-outs, the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_fixture.h"

#include <sys/resource.h>

#include "base/alloc.h"

#define STR_INIT(text)                                                                             \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static void test_server_answers_and_keeps_the_connection(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = client_open(&house);
    client_send(&house, &client, STR("GET /a%20b?q=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    turn_until(&house, client_has(&client, "hello"));
    assert_true(client_has(&client, "HTTP/1.1 200 OK\r\nDate: "));
    assert_true(client_has(&client, "X-Content-Type-Options: nosniff\r\n"));
    assert_true(client_has(&client, "Content-Length: 5\r\n"));
    assert_true(house_noted(&house, "request /a b ?q=1 body 0\nanswered 200 5\n"));
    buf_clear(&client.got);
    client_send(&house, &client, STR("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    turn_until(&house, client_has(&client, "Content-Length: 5\r\n\r\n"));
    assert_false(client_has(&client, "hello"));
    assert_int_equal(http_server_counts(house.server).accepted, 1);
    client_close(&client);
    turn_until(&house, http_server_counts(house.server).connections == 0);
    assert_false(house_noted(&house, "gone"));
    house_close(&house);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static void test_server_answers_pipelined_requests_in_order(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = client_open(&house);
    client_send(&house, &client, STR(GET("/1") GET("/late") GET("/2") GET("/none") GET("/3")));
    turn_until(&house, house.late);
    turn_for(&house, 5);
    client_take(&client);
    assert_int_equal(client_count(&client, "HTTP/1.1 "), 1);
    http_id late = house.late;
    reply_text(&house, late, 404, STR("late"));
    turn_until(&house, (client_take(&client), client_count(&client, "HTTP/1.1 ") == 5));
    assert_string_equal(house.notes.data, "request /1 ? body 0\nanswered 200 5\n"
                                          "request /late ? body 0\nanswered 404 4\n"
                                          "request /2 ? body 0\nanswered 200 5\n"
                                          "request /none ? body 0\nanswered 204 0\n"
                                          "request /3 ? body 0\nanswered 200 5\n");
    assert_int_equal(http_reply(house.server, late, &(struct http_reply){.status = 200}),
                     ERR_NOT_FOUND);
    client_close(&client);
    house_close(&house);
}

static void test_server_reads_requests_that_come_byte_by_byte(void **state)
{
    const struct str bytes =
        STR("\r\n" GET("/1") "POST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                             "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n"
                             "POST /3 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nwxyz");
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = client_open(&house);
    for (size_t i = 0; i < bytes.length; i++) {
        client_send(&house, &client, str_slice(bytes, i, i + 1));
        turn(&house);
    }
    turn_until(&house, client_has(&client, "wxyz"));
    assert_true(client_has(&client, "\r\n\r\nabcde"));
    assert_true(house_noted(&house, "request /2 ? body 5\nanswered 200 5\nrequest /3 ? body 4\n"));
    client_close(&client);
    house_close(&house);
}

/* The end of a body takes no byte: what stands behind it is looked at all the same. */
static void test_server_answers_what_comes_with_a_body(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = client_open(&house);
    client_send(&house, &client,
                STR("POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" GET(
                    "/2") "POST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "2\r\nde\r\n0\r\n\r\n" GET("/4")));
    turn_until(&house, house_noted(&house, "request /4 ? body 0\nanswered 200 5\n"));
    assert_string_equal(house.notes.data, "request /1 ? body 3\nanswered 200 3\n"
                                          "request /2 ? body 0\nanswered 200 5\n"
                                          "request /3 ? body 2\nanswered 200 2\n"
                                          "request /4 ? body 0\nanswered 200 5\n");
    client_close(&client);
    house_close(&house);
}

static void test_server_limits_bodies_and_refuses_early(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    const char *too_long[] = {
        "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde" GET("/smuggled"),
        "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n",
        "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(too_long); i++) {
        struct client client = client_open(&house);

        buf_clear(&house.notes);
        client_send(&house, &client, str_from(too_long[i]));
        turn_until(&house, client_ended(&client));
        assert_true(client_has(&client, "HTTP/1.1 413 "));
        assert_false(client.was_reset);
        assert_true(house_noted(&house, "gone 0\nanswered 413 "));
        client_close(&client);
    }
    struct client client = client_open(&house);
    client_send(&house, &client,
                STR("POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"));
    turn_until(&house, client_ended(&client));
    assert_true(client_has(&client, "HTTP/1.1 403 "));
    assert_true(client_has(&client, "Connection: close\r\n"));
    client_close(&client);
    client = client_open(&house);
    client_send(&house, &client, STR("GET /refused HTTP/1.1\r\nHost: x\r\n\r\n" GET("/again")));
    turn_until(&house, client_has(&client, "hello"));
    client_close(&client);
    house_close(&house);
}

static void test_server_tells_who_waits_to_go_on(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = client_open(&house);
    client_send(&house, &client,
                STR("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: "
                    "100-continue\r\n\r\n"));
    turn_until(&house, client_has(&client, "HTTP/1.1 100 Continue\r\n\r\n"));
    client_send(&house, &client, STR("abc"));
    turn_until(&house, client_has(&client, "\r\n\r\nabc"));
    buf_clear(&client.got);
    client_send(&house, &client,
                STR("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\nExpect: "
                    "100-continue\r\n\r\n"));
    turn_until(&house, client_ended(&client));
    assert_int_equal(client_count(&client, "HTTP/1.1 "), 1);
    assert_true(client_has(&client, "HTTP/1.1 413 "));
    client_close(&client);
    house_close(&house);
}

/* The client's send fails for want of room: what the program holds is at most one read, the rest
 * waits in the kernel. */
static void test_server_pauses_an_upload(void **state)
{
    static char piece[65536];
    struct house house;
    size_t sent = 0;
    unsigned pauses = 0;

    (void)state;
    house_open(&house, NULL);
    house.must_pause = true;
    struct client client = client_open(&house);
    client_send(&house, &client,
                STR("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n"));
    memset(piece, 'x', sizeof(piece));
    while (sent < 999999) {
        size_t left = 999999 - sent;
        ssize_t more = client_try_send(
            &client, (struct str){piece, left < sizeof(piece) ? left : sizeof(piece)});
        sent += more > 0 ? (size_t)more : 0;
        turn(&house);
        if (house.streamed && house.late) {
            size_t before = house.streamed;
            turn_for(&house, 2);
            assert_int_equal(house.streamed, before);
            pauses++;
            http_body_resume(house.server, house.late);
            house.late = 0;
        }
    }
    turn_until(&house, (http_body_resume(house.server, house.late), client_has(&client, "hello")));
    assert_int_equal(house.streamed, 999999);
    assert_true(pauses > 5);
    client_close(&client);
    house_close(&house);
}

static void test_server_streams_in_chunks(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = client_open(&house);
    client_send(&house, &client, STR(GET("/stream") GET("/next")));
    turn_until(&house, client_has(&client, "6\r\n: hi\n\n\r\n"));
    assert_true(client_has(&client, "Transfer-Encoding: chunked\r\n"));
    assert_int_equal(http_stream_write(house.server, house.late, STR("data: 1\n\n")), OK);
    assert_int_equal(http_stream_write(house.server, house.late, STR("")), OK);
    turn_until(&house, client_has(&client, "9\r\ndata: 1\n\n\r\n"));
    assert_int_equal(http_stream_end(house.server, house.late), OK);
    turn_until(&house, client_has(&client, "\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"));
    assert_true(house_noted(&house, "request /stream ? body 0\nanswered 200 15\nrequest /next"));
    assert_int_equal(http_stream_write(house.server, house.late, STR("x")), ERR_NOT_FOUND);
    assert_int_equal(http_stream_end(house.server, house.late), ERR_NOT_FOUND);
    client_close(&client);

    client = client_open(&house);
    client_send(&house, &client, STR("GET /stream HTTP/1.0\r\n\r\n"));
    turn_until(&house, client_has(&client, "\r\n\r\n: hi\n\n"));
    assert_int_equal(http_stream_write(house.server, house.late, STR("end")), OK);
    assert_int_equal(http_stream_end(house.server, house.late), OK);
    turn_until(&house, client_ended(&client));
    assert_true(client_has(&client, "\r\n\r\n: hi\n\nend"));
    assert_false(client_has(&client, "chunked"));
    client_close(&client);
    house_close(&house);
}

static void test_server_cuts_off_a_reader_that_does_not_read(void **state)
{
    static char piece[100000];
    struct http_limits limits = http_limits_default;
    struct house house;
    int code = OK;

    (void)state;
    limits.queue_bytes_max = 500000;
    house_open(&house, &limits);
    struct client client = client_open(&house);
    client_send(&house, &client, STR(GET("/stream")));
    turn_until(&house, house.late);
    memset(piece, 'x', sizeof(piece));
    for (int i = 0; i < 1000 && code == OK; i++) {
        code = http_stream_write(house.server, house.late, (struct str){piece, sizeof(piece)});
        assert_true(http_queued(house.server, house.late) <= limits.queue_bytes_max);
        turn(&house);
    }
    assert_int_equal(code, ERR_LIMIT);
    assert_int_equal(http_stream_write(house.server, house.late, STR("x")), ERR_NOT_FOUND);
    turn_until(&house, house_noted(&house, "gone 0\n"));
    client_close(&client);
    house_close(&house);
}

static void test_server_finishes_large_answers_to_slow_readers(void **state)
{
    static char body[20000000];
    struct house house;

    (void)state;
    house_open(&house, NULL);
    memset(body, 'y', sizeof(body));
    house.big = (struct str){body, sizeof(body)};
    struct client client = client_open(&house);
    client_send(&house, &client,
                STR(GET("/big") "GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    turn_for(&house, 50);
    /* The second is not begun before the first has left. */
    assert_false(house_noted(&house, "answered 200 20000000\nrequest /big"));
    turn_until(&house, client_ended(&client));
    assert_false(client.was_reset);
    assert_true(client.got.length > 2 * sizeof(body));
    uint64_t bytes_out = http_server_counts(house.server).bytes_out;
    assert_true(house_is_tls ? bytes_out > client.got.length : bytes_out == client.got.length);
    client_close(&client);
    turn_until(&house, http_server_counts(house.server).connections == 0);
    house_close(&house);
}

static void test_server_forgets_who_left(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = client_open(&house);
    client_send(&house, &client, STR(GET("/late")));
    turn_until(&house, house.late);
    http_id first = house.late;
    /* A reset: what a client leaves that does not wait. */
    assert_int_equal(
        setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)),
        0);
    client_close(&client);
    turn_until(&house, house_noted(&house, "gone 0\n"));
    assert_int_equal(http_reply(house.server, first, &(struct http_reply){.status = 200}),
                     ERR_NOT_FOUND);

    /* The slot is used again; the old name stays dead. */
    client = client_open(&house);
    client_send(&house, &client, STR(GET("/late")));
    turn_until(&house, house.late != first);
    assert_int_equal(house.late & 0xfffff, first & 0xfffff);
    reply_text(&house, first, 200, STR("wrong"));
    reply_text(&house, house.late, 200, STR("right"));
    turn_until(&house, client_has(&client, "right"));
    assert_false(client_has(&client, "wrong"));
    assert_int_equal(http_reply(house.server, 0, &(struct http_reply){.status = 200}),
                     ERR_NOT_FOUND);
    assert_int_equal(http_reply(house.server, UINT64_MAX, &(struct http_reply){.status = 200}),
                     ERR_NOT_FOUND);
    client_close(&client);

    client = client_open(&house);
    client_send(&house, &client, STR(GET("/stream")));
    turn_until(&house, client_has(&client, ": hi"));
    buf_clear(&house.notes);
    client_close(&client);
    turn_until(&house, house_noted(&house, "gone 0\n"));
    house_close(&house);
}

static void test_server_answers_who_closed_one_half(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = client_open(&house);
    client_send(&house, &client, STR(GET("/late") GET("/2")));
    client_end_half(&client);
    turn_until(&house, house.late);
    turn_for(&house, 5);
    reply_text(&house, house.late, 200, STR("late"));
    turn_until(&house, client_ended(&client));
    assert_int_equal(client_count(&client, "HTTP/1.1 200 OK"), 2);
    client_close(&client);
    turn_until(&house, http_server_counts(house.server).connections == 0);
    house_close(&house);
}

static void test_server_loses_patience(void **state)
{
    struct http_limits limits = http_limits_default;
    struct house house;

    (void)state;
    limits.head_timeout_ms = 60;
    limits.body_timeout_ms = 60;
    limits.idle_timeout_ms = 90;
    house_open(&house, &limits);
    struct client drip = client_open(&house);
    struct client body = client_open(&house);
    struct client idle = client_open(&house);
    struct client silent = client_open(&house);
    client_send(&house, &body, STR("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"));
    client_send(&house, &idle, STR(GET("/")));
    int64_t began = wall_ms();
    while (!client_ended(&drip)) {
        client_send(&house, &drip, STR("G"));
        turn_for(&house, 5);
        assert_true(wall_ms() - began < PATIENCE_MS);
    }
    assert_true(client_has(&drip, "HTTP/1.1 408 "));
    assert_true(client_has(&drip, "\"code\":\"INVALID_REQUEST\""));
    turn_until(&house, client_ended(&body));
    assert_true(client_has(&body, "HTTP/1.1 408 "));
    turn_until(&house, client_ended(&idle) && client_ended(&silent));
    assert_int_equal(client_count(&idle, "HTTP/1.1 "), 1);
    assert_int_equal(silent.got.length, 0);
    assert_int_equal(http_server_counts(house.server).refused, 2);
    client_close(&drip);
    client_close(&body);
    client_close(&idle);
    client_close(&silent);
    house_close(&house);
}

static void test_server_closes_on_who_takes_nothing(void **state)
{
    static char body[20000000];
    struct http_limits limits = http_limits_default;
    struct house house;

    (void)state;
    limits.write_timeout_ms = 60;
    house_open(&house, &limits);
    house.big = (struct str){body, sizeof(body)};
    struct client client = client_open(&house);
    client_send(&house, &client, STR(GET("/big")));
    turn_until(&house, http_server_counts(house.server).accepted == 1 &&
                           http_server_counts(house.server).connections == 0);
    client_close(&client);
    house_close(&house);
}

static void take_all(struct client *clients, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        client_take(&clients[i]);
    }
}

static void test_server_refuses_connections_beyond_its_limit(void **state)
{
    struct http_limits limits = http_limits_default;
    struct client clients[60];
    struct house house;
    unsigned refused = 0;

    (void)state;
    limits.connections_max = 2;
    house_open(&house, &limits);
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
        clients[i] = client_open(&house);
    }
    turn_until(&house, (take_all(clients, ARRAY_LENGTH(clients)),
                        http_server_counts(house.server).refused >= 32));
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
        refused += client_has(&clients[i], "HTTP/1.1 503 ");
        client_take(&clients[i]);
    }
    assert_true(refused >= 32);
    assert_true(http_server_counts(house.server).connections <= 2 + 32);
    /* Those who have their answer leave; the ones that waited in the kernel get theirs. */
    for (size_t i = 2; i < ARRAY_LENGTH(clients); i++) {
        turn_until(&house, client_has(&clients[i], "HTTP/1.1 503 "));
        assert_true(client_has(&clients[i], "\"recovery\":\"failover\""));
        client_close(&clients[i]);
    }
    client_send(&house, &clients[0], STR(GET("/")));
    turn_until(&house, client_has(&clients[0], "hello"));
    client_close(&clients[0]);
    client_close(&clients[1]);
    turn_until(&house, http_server_counts(house.server).connections == 0);
    struct client client = client_open(&house);
    client_send(&house, &client, STR(GET("/")));
    turn_until(&house, client_has(&client, "hello"));
    client_close(&client);
    house_close(&house);
}

static void test_server_drains(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client idle = client_open(&house);
    struct client late = client_open(&house);
    struct client partial = client_open(&house);
    struct client stream = client_open(&house);
    client_send(&house, &idle, STR(GET("/")));
    client_send(&house, &partial, STR("GET / HTTP/1.1\r\nHo"));
    client_send(&house, &stream, STR(GET("/stream")));
    turn_until(&house, client_has(&stream, ": hi") && client_has(&idle, "hello"));
    client_send(&house, &late, STR(GET("/late")));
    turn_until(&house, house_noted(&house, "request /late"));
    http_server_drain(house.server, 2000, house_stopped, &house);
    turn_until(&house, client_ended(&idle) && client_ended(&stream));
    client_close(&idle);
    client_close(&stream);
    client_send(&house, &partial, STR("st: x\r\n\r\n"));
    turn_until(&house, client_ended(&partial));
    assert_true(client_has(&partial, "Connection: close\r\n"));
    assert_true(client_has(&partial, "hello"));
    client_close(&partial);
    turn_for(&house, 10);
    assert_false(house.has_stopped);
    reply_text(&house, house.late, 200, STR("late"));
    turn_until(&house, client_ended(&late));
    assert_true(client_has(&late, "late"));
    client_close(&late);
    turn_until(&house, house.has_stopped);
    assert_true(house_noted(&house, "gone 0\n")); /* the stream's */
    house_close(&house);
}

/* Who asks on a connection that was idle when the drain began has an answer, for a while. */
static void test_server_drain_lingers(void **state)
{
    struct house house;

    (void)state;
    house_open_with(&house,
                    (struct http_server_options){.limits = http_limits_default, .linger_ms = 150});
    struct client asks = client_open(&house);
    struct client silent = client_open(&house);
    struct client fresh = client_open(&house);
    client_send(&house, &asks, STR(GET("/")));
    client_send(&house, &silent, STR(GET("/")));
    turn_until(&house, client_has(&asks, "hello") && client_has(&silent, "hello"));
    turn_until(&house, http_server_counts(house.server).connections == 3);
    int64_t began = wall_ms();
    http_server_drain(house.server, 30, house_stopped, &house);
    turn_for(&house, 20);
    assert_false(client_ended(&asks));
    client_send(&house, &asks, STR(GET("/")));
    client_send(&house, &fresh, STR(GET("/")));
    turn_until(&house, client_ended(&asks) && client_ended(&fresh));
    assert_true(client_has(&asks, "Connection: close\r\n"));
    assert_true(client_has(&fresh, "Connection: close\r\n"));
    assert_true(client_has(&fresh, "hello"));
    turn_until(&house, client_ended(&silent));
    assert_true(wall_ms() - began >= 149);
    client_close(&asks);
    client_close(&silent);
    client_close(&fresh);
    turn_until(&house, house.has_stopped);
    house_close(&house);
}

static void test_server_drain_cuts_what_does_not_end(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client late = client_open(&house);
    client_send(&house, &late, STR(GET("/late")));
    turn_until(&house, house.late);
    int64_t began = wall_ms();
    http_server_drain(house.server, 30, house_stopped, &house);
    turn_until(&house, house.has_stopped);
    assert_true(wall_ms() - began >= 29 && wall_ms() - began < 1000);
    assert_true(house_noted(&house, "gone 0\n"));
    assert_int_equal(http_reply(house.server, house.late, &(struct http_reply){.status = 200}),
                     ERR_NOT_FOUND);
    client_close(&late);
    house_close(&house);
}

static void test_server_is_freed_with_clients_inside(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client late = client_open(&house);
    client_send(&house, &late, STR(GET("/late")));
    turn_until(&house, house.late);
    buf_clear(&house.notes);
    house_close(&house);
    client_close(&late);
}

static void test_server_start_says_why_not(void **state)
{
    struct house house;
    struct http_server *second = NULL;
    struct error error;

    (void)state;
    house_open(&house, NULL);
    struct http_server_options options = {.loop = house.loop,
                                          .address = "127.0.0.1",
                                          .port = http_server_port(house.server),
                                          .limits = house.limits,
                                          .handler = &house_handler,
                                          .arg = &house};
    assert_int_equal(http_server_start(&options, &second, &error), ERR_IO);
    assert_non_null(strstr(error.message, "address already in use"));
    options.address = "localhost";
    assert_int_equal(http_server_start(&options, &second, &error), ERR_IO);
    assert_non_null(strstr(error.message, "not an IP address"));
    assert_null(second);
    house_close(&house);
}

/* The reserve is taken to say so (nothing can be said before a handshake), and the loop does not
 * spin. */
static void test_server_without_descriptors_does_not_spin(void **state)
{
    struct rlimit before;
    struct house house;
    int fds[64];
    int count = 0;
    unsigned turns = 0;

    (void)state;
    house_open(&house, NULL);
    turn_for(&house, 2);
    struct client first = client_open(&house);
    client_send(&house, &first, STR(GET("/")));
    turn_until(&house, client_has(&first, "hello"));
    struct client second = client_open(&house);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(0);
    struct rlimit tight = {.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    (void)close(next);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    while (count < 64 && (fds[count] = dup(0)) >= 0) {
        count++;
    }
    int64_t until = wall_ms() + 100;
    while (wall_ms() < until) {
        uv_update_time(loop_uv(house.loop));
        turn(&house);
        turns++;
        (void)usleep(1000);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    while (count) {
        (void)close(fds[--count]);
    }
    assert_true(turns < 200);
    assert_true(client_ended(&second));
    assert_true(house_is_tls || client_has(&second, "HTTP/1.1 503 "));
    assert_false(second.was_reset);
    assert_true(http_server_counts(house.server).accept_failures > 0);
    client_send(&house, &first, STR(GET("/")));
    turn_until(&house, client_count(&first, "hello") == 1 && client_has(&first, "hello"));
    client_close(&first);
    client_close(&second);
    house_close(&house);
}

/* From the nth allocation on each one fails: whoever cannot be served is sent away, nobody else. */
static void test_server_survives_want_of_memory(void **state)
{
    static char body[20000000];
    static const struct str requests[] = {
        STR_INIT("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc"),
        STR_INIT(GET("/big")),
        STR_INIT(GET("/stream")),
        STR_INIT(GET("/small") "GET / HT"),
        STR_INIT("BREW / HTTP/1.1\r\n\r\n"),
        STR_INIT(
            "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"),
    };
    bool has_failed = true;

    (void)state;
    for (uint64_t nth = 1; has_failed; nth++) {
        struct client clients[ARRAY_LENGTH(requests)];
        struct house house;

        assert_true(nth < 1000);
        house_open(&house, NULL);
        house.big = (struct str){body, sizeof(body)};
        house.tolerates_failure = true;
        assert_int_equal(buf_reserve(&house.notes, 100000), OK);
        for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
            clients[i] = client_open(&house);
        }
        turn_for(&house, 1);
        (void)alloc_fail_from(nth);
        for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
            client_send(&house, &clients[i], requests[i]);
        }
        turn_for(&house, 1);
        client_send(&house, &clients[0], STR("def"));
        client_send(&house, &clients[3], STR("TP/1.1\r\nHost: x\r\n\r\n"));
        turn_for(&house, 1);
        has_failed = alloc_fail_from(0) >= nth;
        for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
            client_close(&clients[i]);
        }
        turn_until(&house, http_server_counts(house.server).connections == 0);
        struct client client = client_open(&house);
        client_send(&house, &client, STR(GET("/")));
        turn_until(&house, client_has(&client, "hello"));
        client_close(&client);
        house_close(&house);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_server_answers_and_keeps_the_connection),
    cmocka_unit_test(test_server_answers_pipelined_requests_in_order),
    cmocka_unit_test(test_server_reads_requests_that_come_byte_by_byte),
    cmocka_unit_test(test_server_answers_what_comes_with_a_body),
    cmocka_unit_test(test_server_limits_bodies_and_refuses_early),
    cmocka_unit_test(test_server_tells_who_waits_to_go_on),
    cmocka_unit_test(test_server_pauses_an_upload),
    cmocka_unit_test(test_server_streams_in_chunks),
    cmocka_unit_test(test_server_cuts_off_a_reader_that_does_not_read),
    cmocka_unit_test(test_server_finishes_large_answers_to_slow_readers),
    cmocka_unit_test(test_server_forgets_who_left),
    cmocka_unit_test(test_server_answers_who_closed_one_half),
    cmocka_unit_test(test_server_loses_patience),
    cmocka_unit_test(test_server_closes_on_who_takes_nothing),
    cmocka_unit_test(test_server_refuses_connections_beyond_its_limit),
    cmocka_unit_test(test_server_drains),
    cmocka_unit_test(test_server_drain_lingers),
    cmocka_unit_test(test_server_drain_cuts_what_does_not_end),
    cmocka_unit_test(test_server_is_freed_with_clients_inside),
    cmocka_unit_test(test_server_start_says_why_not),
    cmocka_unit_test(test_server_without_descriptors_does_not_spin),
    cmocka_unit_test(test_server_survives_want_of_memory),
};

HOUSE_MAIN(tests)
