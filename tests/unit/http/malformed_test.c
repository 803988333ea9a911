/*
 * Requests that are not HTTP as RFC 9112 has it, over a real socket: one refusal as problem+json,
 * the end of the connection, and the handler hears nothing, not even of what hides behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_fixture.h"

#define SMUGGLED "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

static const struct malformed {
    const char *name;
    struct str bytes;
    const char *status;
} requests[] = {
    {"Content-Length and Transfer-Encoding",
     {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n" SMUGGLED,
      0},
     "400"},
    {"two Content-Lengths",
     {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}" SMUGGLED, 0},
     "400"},
    {"a signed length",
     {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +7\r\n\r\n{\"a\":1}" SMUGGLED, 0},
     "400"},
    {"chunked, identity",
     {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, "
      "identity\r\n\r\n0\r\n\r\n" SMUGGLED,
      0},
     "400"},
    {"bare CR", {"GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n" SMUGGLED, 0}, "400"},
    {"bare LF", {"GET / HTTP/1.1\nHost: x\n\n" SMUGGLED, 0}, "400"},
    {"a folded header", {"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n" SMUGGLED, 0}, "400"},
    {"space before the colon", {"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n" SMUGGLED, 0}, "400"},
    {"no Host", {"GET / HTTP/1.1\r\n\r\n" SMUGGLED, 0}, "400"},
    {"two Hosts", {"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n" SMUGGLED, 0}, "400"},
    {"an unknown method", {"BREW / HTTP/1.1\r\nHost: x\r\n\r\n" SMUGGLED, 0}, "501"},
    {"a NUL", {"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 35}, "400"},
    {"HTTP/0.9", {"GET /\r\n", 0}, "400"},
    {"HTTP/2", {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0}, "505"},
    {"TLS", {"\x16\x03\x01\x00\xa5\x01", 6}, "400"},
    {"an escaped path upwards", {"GET /a/%2e%2e/b HTTP/1.1\r\nHost: x\r\n\r\n", 0}, "400"},
    {"another host in the target", {"GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n", 0}, "400"},
    {"a bad chunk size",
     {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n\r\n" SMUGGLED, 0},
     "400"},
    {"a chunk longer than it says",
     {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabXX0\r\n\r\n" SMUGGLED,
      0},
     "400"},
    {"an expectation",
     {"POST / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\nx", 0},
     "417"},
};

static void expect_refused(struct house *house, struct str bytes, const char *name,
                           const char *status, size_t piece)
{
    struct client client = client_open(house);
    char line[32];

    (void)snprintf(line, sizeof(line), "HTTP/1.1 %s ", status);
    for (size_t at = 0; at < bytes.length; at += piece) {
        size_t end = at + piece < bytes.length ? at + piece : bytes.length;

        client_send(house, &client, str_slice(bytes, at, end));
    }
    turn_until(house, client_ended(&client));
    if (!client_has(&client, line) || client_count(&client, "HTTP/1.1 ") != 1) {
        fail_msg("%s: %s", name, client.got.data ? client.got.data : "no answer");
    }
    assert_true(client_has(&client, "Content-Type: application/problem+json\r\n"));
    assert_true(client_has(&client, "Connection: close\r\n"));
    assert_true(client_has(&client, "\"recovery\":\"return_error\"}"));
    assert_false(house_noted(house, "request "));
    client_close(&client);
}

static void test_malformed_requests_are_refused(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        struct str bytes = requests[i].bytes;

        bytes.length = bytes.length ? bytes.length : strlen(bytes.data);
        expect_refused(&house, bytes, requests[i].name, requests[i].status, bytes.length);
        expect_refused(&house, bytes, requests[i].name, requests[i].status, 1);
    }
    assert_int_equal(http_server_counts(house.server).refused, 2 * ARRAY_LENGTH(requests));
    house_close(&house);
}

static void test_malformed_large_heads_are_refused(void **state)
{
    struct house house;
    struct buf bytes;

    (void)state;
    house_open(&house, NULL);
    buf_init(&bytes, 1 << 20);
    buf_append(&bytes, STR("GET / HTTP/1.1\r\nHost: x\r\nA: "));
    while (bytes.length < 200000) {
        buf_append_char(&bytes, 'b');
    }
    buf_append(&bytes, STR("\r\n\r\n"));
    expect_refused(&house, buf_str(&bytes), "a long header", "431", bytes.length);
    buf_clear(&bytes);
    buf_append(&bytes, STR("GET / HTTP/1.1\r\nHost: x\r\n"));
    while (bytes.length < 200000) {
        buf_append(&bytes, STR("A: bbbbbbbb\r\n"));
    }
    buf_append(&bytes, STR("\r\n"));
    expect_refused(&house, buf_str(&bytes), "many headers", "431", 1000);
    buf_clear(&bytes);
    buf_append(&bytes, STR("GET /"));
    while (bytes.length < 200000) {
        buf_append_char(&bytes, 'a');
    }
    expect_refused(&house, buf_str(&bytes), "a long target", "414", bytes.length);
    buf_done(&bytes);
    house_close(&house);
}

static void test_malformed_rest_is_refused_behind_a_good_request(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = client_open(&house);
    client_send(&house, &client,
                STR("GET /good HTTP/1.1\r\nHost: x\r\n\r\n\x01\x02garbage\r\n\r\n" SMUGGLED));
    turn_until(&house, client_ended(&client));
    assert_int_equal(client_count(&client, "HTTP/1.1 "), 2);
    assert_true(str_starts_with(buf_str(&client.got), STR("HTTP/1.1 200 ")));
    assert_true(client_has(&client, "HTTP/1.1 400 "));
    assert_true(house_noted(&house, "request /good"));
    assert_false(house_noted(&house, "smuggled"));
    client_close(&client);
    house_close(&house);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_malformed_requests_are_refused),
    cmocka_unit_test(test_malformed_large_heads_are_refused),
    cmocka_unit_test(test_malformed_rest_is_refused_behind_a_good_request),
};

HOUSE_MAIN(tests)
