/*
 * Who comes in and as whom: limits by address, want of file descriptors, what proxies say, headers
 * that every answer has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_fixture.h"

#include <sys/resource.h>

#include "loop/clock.h"
#include "monitor/fault.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

#define SHARE     3u

static void expect_hello(struct house *house, struct client *client)
{
    buf_clear(&client->got);
    client_send(house, client, STR(GET("/")));
    turn_until(house, client_has(client, "hello"));
}

static void take_all(struct client *clients, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        client_take(&clients[i]);
    }
}

static void test_door_gives_each_address_its_share(void **state)
{
    struct http_limits limits = http_limits_default;
    struct client clients[SHARE];
    struct house house;

    (void)state;
    limits.connections_per_address_max = SHARE;
    house_open(&house, &limits);
    for (int again = 0; again < 3; again++) {
        for (size_t i = 0; i < SHARE; i++) {
            clients[i] = client_open(&house);
            expect_hello(&house, &clients[i]);
        }
        struct client more = client_open(&house);
        turn_until(&house, client_ended(&more));
        assert_true(client_has(&more, "HTTP/1.1 429 Too Many Requests\r\n"));
        assert_true(client_has(&more, "Retry-After: 1\r\n"));
        assert_true(
            client_has(&more, "\"code\":\"RATE_LIMITED\",\"recovery\":\"exponential_backoff\""));
        assert_false(more.was_reset);
        client_close(&more);
        turn_until(&house, http_server_counts(house.server).connections == SHARE);
        /* The others are not disturbed, and one that leaves makes room. */
        expect_hello(&house, &clients[0]);
        client_close(&clients[0]);
        turn_until(&house, http_server_counts(house.server).connections == SHARE - 1);
        clients[0] = client_open(&house);
        expect_hello(&house, &clients[0]);
        for (size_t i = 0; i < SHARE; i++) {
            client_close(&clients[i]);
        }
        turn_until(&house, http_server_counts(house.server).connections == 0);
    }
    assert_int_equal(http_server_counts(house.server).refused, 3);
    house_close(&house);
}

/* However many come beyond it, they take no more slots than there are to refuse on. */
static void test_door_does_not_let_refused_ones_fill_the_house(void **state)
{
    struct http_limits limits = http_limits_default;
    struct client clients[80];
    struct house house;
    unsigned told = 0;

    (void)state;
    limits.connections_per_address_max = SHARE;
    house_open(&house, &limits);
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
        clients[i] = client_open(&house);
    }
    turn_until(&house, (take_all(clients, ARRAY_LENGTH(clients)),
                        http_server_counts(house.server).refused == 80 - SHARE));
    assert_in_range(http_server_counts(house.server).connections, SHARE, SHARE + 32);
    for (size_t i = SHARE; i < ARRAY_LENGTH(clients); i++) {
        turn_until(&house, client_ended(&clients[i]));
        told += client_has(&clients[i], "HTTP/1.1 429 ");
        client_close(&clients[i]);
    }
    assert_in_range(told, 32, 80 - SHARE);
    turn_until(&house, http_server_counts(house.server).connections == SHARE);
    for (size_t i = 0; i < SHARE; i++) {
        expect_hello(&house, &clients[i]);
        client_close(&clients[i]);
    }
    house_close(&house);
}

static void test_door_does_not_count_trusted_proxies(void **state)
{
    static const char *const proxies[] = {"127.0.0.1"};
    struct http_limits limits = http_limits_default;
    struct client clients[4 * SHARE];
    struct house house;

    (void)state;
    limits.connections_per_address_max = SHARE;
    house_open_with(&house, (struct http_server_options){.limits = limits,
                                                         .trusted_proxies = proxies,
                                                         .trusted_proxy_count = 1});
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
        clients[i] = client_open(&house);
        expect_hello(&house, &clients[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
        client_close(&clients[i]);
    }
    house_close(&house);
}

/* ---- who it is ---- */

static void tell_peer(const struct http_request *request, void *arg)
{
    struct house *house = arg;
    struct buf text;

    buf_init(&text, 1000);
    buf_printf(&text, "%s|%.*s|%s|", request->peer, STR_ARGS(request->peer_address),
               request->is_secure ? "secure" : "plain");
    reply_text(house, request->id, 200, buf_str(&text));
    buf_done(&text);
}

static void note_peer(const struct http_answer_note *note, void *arg)
{
    struct house *house = arg;

    buf_printf(&house->notes, "%d to %s\n", note->status, note->peer);
}

static const struct http_handler peer_handler = {
    .on_head = house_on_head,
    .on_request = tell_peer,
    .on_body = house_on_body,
    .on_gone = house_on_gone,
    .on_answered = note_peer,
};

static void ask(struct house *house, struct client *client, const char *headers)
{
    struct buf bytes;

    buf_init(&bytes, 10000);
    buf_clear(&client->got);
    buf_printf(&bytes, "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n", headers);
    client_send(house, client, buf_str(&bytes));
    turn_until(house, client_has(client, "e|") || client_has(client, "n|") || client_ended(client));
    buf_done(&bytes);
}

static void test_door_believes_trusted_proxies_only(void **state)
{
    static const char *const trusted[] = {"127.0.0.0/8"};
    static const char *const others[] = {"10.0.0.0/8"};
    static const char said[] = "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n";
    struct house house;

    (void)state;
    house_open_with(&house, (struct http_server_options){.limits = http_limits_default,
                                                         .trusted_proxies = trusted,
                                                         .trusted_proxy_count = 1,
                                                         .handler = &peer_handler});
    struct client client = client_open(&house);
    ask(&house, &client, said);
    assert_true(client_has(&client, "\r\n\r\n203.0.113.7|203.0.113.7|secure|"));
    /* Each request for itself. */
    ask(&house, &client, "");
    assert_true(client_has(&client, house_is_tls ? "|127.0.0.1|secure|" : "|127.0.0.1|plain|"));
    ask(&house, &client, "Forwarded: for=\"[2001:db8::1]:99\";proto=http\r\n");
    assert_true(client_has(&client, "\r\n\r\n[2001:db8::1]:99|2001:db8::1|plain|"));
    assert_true(house_noted(&house, "200 to 203.0.113.7\n200 to 127.0.0.1:"));
    assert_true(house_noted(&house, "200 to [2001:db8::1]:99\n"));
    /* What is refused before it is read belongs to the proxy again. */
    client_send(&house, &client, STR("GET / HTTP/9.9\r\n\r\n"));
    turn_until(&house, client_ended(&client));
    assert_true(house_noted(&house, "505 to 127.0.0.1:"));
    client_close(&client);
    house_close(&house);

    house_open_with(&house, (struct http_server_options){.limits = http_limits_default,
                                                         .trusted_proxies = others,
                                                         .trusted_proxy_count = 1,
                                                         .handler = &peer_handler});
    client = client_open(&house);
    ask(&house, &client, said);
    assert_true(client_has(&client, house_is_tls ? "|127.0.0.1|secure|" : "|127.0.0.1|plain|"));
    client_close(&client);
    house_close(&house);
}

static void test_door_start_refuses_proxies_that_are_no_addresses(void **state)
{
    static const char *const proxies[] = {"10.0.0.0/8", "10.0.0.0/40"};
    struct http_server *server = NULL;
    struct house house;
    struct error error;

    (void)state;
    house_open(&house, NULL);
    struct http_server_options options = {.loop = house.loop,
                                          .address = "127.0.0.1",
                                          .limits = house.limits,
                                          .trusted_proxies = proxies,
                                          .trusted_proxy_count = 2,
                                          .handler = &house_handler,
                                          .arg = &house};
    assert_int_equal(http_server_start(&options, &server, &error), ERR_INVALID);
    assert_non_null(strstr(error.message, "10.0.0.0/40"));
    assert_null(server);
    house_close(&house);
}

static void test_door_knows_clients_of_ipv6(void **state)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct house house;

    (void)state;
    house_open_with(&house, (struct http_server_options){.limits = http_limits_default,
                                                         .address = "::1",
                                                         .handler = &peer_handler});
    struct client client = {.fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    buf_init(&client.got, OUTPUT_LIMIT);
    address.sin6_port = htons(http_server_port(house.server));
    assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof(address)), 0);
    client.ssl = house_is_tls ? client_speak_tls(client.fd, house_client_context) : NULL;
    ask(&house, &client, "");
    assert_true(client_has(&client, "\r\n\r\n[::1]:"));
    assert_true(client_has(&client, "|::1|"));
    client_close(&client);
    house_close(&house);
}

/* ---- headers of every answer ---- */

static void override_header(const struct http_request *request, void *arg)
{
    struct house *house = arg;
    const struct http_header own[] = {{STR("content-security-POLICY"), STR("own")},
                                      {STR("X-Other"), STR("o")}};
    struct http_reply reply = {.status = 200,
                               .content_type = STR("text/plain"),
                               .headers = own,
                               .header_count = 2,
                               .body = STR("hello")};

    (void)http_reply(house->server, request->id, &reply);
}

static void expect_always(struct house *house, const char *bytes, unsigned policies)
{
    struct client client = client_open(house);

    client_send(house, &client, str_from(bytes));
    turn_until(house, client_has(&client, "\r\n\r\n"));
    assert_int_equal(client_count(&client, "Content-Security-Policy: default-src 'self'\r\n"),
                     policies);
    assert_int_equal(client_count(&client, "X-Frame-Options: DENY\r\n"), 1);
    assert_int_equal(client_count(&client, "Date: "), 1);
    client_close(&client);
}

static void test_door_sends_some_headers_with_every_answer(void **state)
{
    static const struct http_header always[] = {
        {{"Content-Security-Policy", 23}, {"default-src 'self'", 18}},
        {{"X-Frame-Options", 15}, {"DENY", 4}},
    };
    struct house house;

    (void)state;
    house_open_with(&house, (struct http_server_options){.limits = http_limits_default,
                                                         .always = always,
                                                         .always_count = 2});
    expect_always(&house, GET("/"), 1);
    expect_always(&house, GET("/none"), 1);
    expect_always(&house, GET("/stream"), 1);
    expect_always(&house, "BREW / HTTP/1.1\r\n\r\n", 1);
    expect_always(&house, "GET / HTTP/1.1\r\n\r\n", 1);
    expect_always(
        &house,
        "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        1);
    house_close(&house);

    static const struct http_handler handler = {
        .on_head = house_on_head, .on_request = override_header, .on_gone = house_on_gone};
    house_open_with(&house, (struct http_server_options){.limits = http_limits_default,
                                                         .always = always,
                                                         .always_count = 2,
                                                         .handler = &handler});
    expect_always(&house, GET("/"), 0);
    house_close(&house);
}

/* ---- without file descriptors ---- */

static void test_door_tells_clients_that_there_is_no_descriptor(void **state)
{
    struct house house;

    (void)state;
    fault_allow(true);
    house_open(&house, NULL);
    struct client first = client_open(&house);
    expect_hello(&house, &first);
    assert_int_equal(fault_arm(FAULT_NO_FILES, 3, 0, 60, clock_now_us()), OK);
    for (unsigned i = 1; i <= 3; i++) {
        struct client client = client_open(&house);

        client_send(&house, &client, STR(GET("/")));
        turn_until(&house, client_ended(&client) || client_has(&client, "hello"));
        assert_true(client.has_ended);
        if (!house_is_tls) {
            assert_true(client_has(&client, "HTTP/1.1 503 Service Unavailable\r\n"));
            assert_true(client_has(&client, "no file descriptor"));
        }
        client_close(&client);
    }
    assert_int_equal(http_server_counts(house.server).accept_failures, 3);
    struct client client = client_open(&house);
    expect_hello(&house, &client);
    expect_hello(&house, &first);
    client_close(&client);
    client_close(&first);
    house_close(&house);
    fault_allow(false);
}

/* Not even the reserve can be had back: accepting rests and does not spin, and goes on by itself.
 */
static void test_door_rests_and_goes_on(void **state)
{
    struct rlimit before;
    struct house house;

    (void)state;
    house_open(&house, NULL);
    turn_for(&house, 2);
    struct client first = client_open(&house);
    expect_hello(&house, &first);
    struct client second = client_open(&house);
    struct client third = client_open(&house);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    uint64_t turns = 0;
    int64_t until = wall_ms() + 250;
    while (wall_ms() < until) {
        /* Blocks until something happens: a listener that spins would turn without end. */
        (void)uv_run(loop_uv(house.loop), UV_RUN_ONCE);
        turns++;
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_in_range(turns, 1, 20);
    assert_in_range(http_server_counts(house.server).accept_failures, 1, 10);
    expect_hello(&house, &first);
    expect_hello(&house, &second);
    expect_hello(&house, &third);
    client_close(&first);
    client_close(&second);
    client_close(&third);
    house_close(&house);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_door_gives_each_address_its_share),
    cmocka_unit_test(test_door_does_not_let_refused_ones_fill_the_house),
    cmocka_unit_test(test_door_does_not_count_trusted_proxies),
    cmocka_unit_test(test_door_believes_trusted_proxies_only),
    cmocka_unit_test(test_door_start_refuses_proxies_that_are_no_addresses),
    cmocka_unit_test(test_door_knows_clients_of_ipv6),
    cmocka_unit_test(test_door_sends_some_headers_with_every_answer),
    cmocka_unit_test(test_door_tells_clients_that_there_is_no_descriptor),
    cmocka_unit_test(test_door_rests_and_goes_on),
};

HOUSE_MAIN(tests)
