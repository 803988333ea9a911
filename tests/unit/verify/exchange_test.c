/*
 * An exchange says what was on the wire: each byte that the other side saw is counted, phases
 * are in order, and what goes wrong has a code and a text of ours. The other side is a thread that
 * answers with fixed bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "peer_fixture.h"

#include <curl/curl.h>
#include <errno.h>

#include "base/alloc.h"
#include "certificate.h"
#include "verify/exchange.h"

#define ANSWER      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Thing:  a b \r\n\r\nhello"
#define ARENA_BYTES ((size_t)256 << 20)
#define DAY_US      INT64_C(86400000000)

struct house {
    struct peer *peer;
    struct wire *wire;
    struct arena arena;
    struct exchange seen;
};

static void set_up(struct house *house, struct peer *peer, const struct wire_options *options)
{
    struct error error;

    *house = (struct house){.peer = peer};
    arena_init(&house->arena, ARENA_BYTES);
    assert_int_equal(wire_new(options, &house->wire, &error), OK);
}

static int ask(struct house *house, const struct exchange_request *like)
{
    struct exchange_request request = *like;

    request.method = request.method ? request.method : "GET";
    request.url = request.url ? request.url : house->peer->url;
    int code = wire_exchange(house->wire, &request, &house->arena, &house->seen);
    assert_int_equal(code, house->seen.code);
    assert_int_equal(code == OK, house->seen.failure[0] == '\0');
    return code;
}

static int get(struct house *house)
{
    return ask(house, &(struct exchange_request){.method = "GET"});
}

static void tear_down(struct house *house)
{
    wire_free(house->wire);
    arena_done(&house->arena);
    if (house->peer) {
        peer_free(house->peer);
    }
}

/* What a client sees of one script, asked once. */
static void see(struct house *house, const struct peer_step *step, unsigned timeout_ms)
{
    set_up(house, peer_start(step, 1, NULL), &(struct wire_options){.timeout_ms = timeout_ms});
    (void)get(house);
    wire_free(house->wire); /* lets go of a peer that holds */
    house->wire = NULL;
    peer_join(house->peer);
}

/* ---- an answer ---- */

static void test_exchange_counts_what_the_other_side_counts(void **state)
{
    static const struct peer_step steps[] = {{.answer = STR(ANSWER), .is_kept = true},
                                             {.answer = STR(ANSWER), .is_kept = true},
                                             {.answer = STR(ANSWER)}};
    struct house house;
    uint64_t sent = 0;
    uint64_t received = 0;

    (void)state;
    set_up(&house, PEER_START(steps), &(struct wire_options){0});
    const struct exchange_request asked[] = {
        {.method = "GET"},
        {.method = "POST", .body = STR("{\"question\":\"why?\"}")},
        {.method = "PUT"},
    };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ask(&house, &asked[i]), OK);
        assert_int_equal(house.seen.status, 200);
        assert_int_equal(house.seen.is_new_connection, i == 0);
        assert_str(house.seen.body, "hello");
        sent += house.seen.bytes_sent;
        received += house.seen.bytes_received;
    }
    peer_join(house.peer);
    assert_int_equal(house.peer->connections, 1);
    assert_int_equal(sent, house.peer->got_bytes);
    assert_int_equal(received, house.peer->sent_bytes);
    assert_non_null(strstr(house.peer->got, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(house.peer->got, "Content-Length: 0\r\n"));
    tear_down(&house);
}

static void check_phases(const struct exchange *seen)
{
    assert_true(seen->sent_us > 0 && seen->sent_us <= seen->first_byte_us);
    assert_true(seen->first_byte_us <= seen->total_us);
    assert_true(seen->total_us < 5000000);
}

static void test_exchange_has_phases_and_both_ends(void **state)
{
    static const struct peer_step steps[] = {{.answer = STR(ANSWER), .is_kept = true},
                                             {.answer = STR(ANSWER)}};
    struct house house;

    (void)state;
    set_up(&house, PEER_START(steps), &(struct wire_options){0});
    assert_int_equal(get(&house), OK);
    check_phases(&house.seen);
    assert_true(house.seen.connect_us > 0 && house.seen.connect_us >= house.seen.name_us);
    assert_true(house.seen.connect_us <= house.seen.sent_us);
    assert_int_equal(house.seen.tls_us, 0);
    assert_string_equal(house.seen.tls, "");
    assert_string_equal(house.seen.peer, house.peer->url + strlen("http://"));
    assert_memory_equal(house.seen.local, "127.0.0.1:", 10);
    assert_true(house.seen.started_us > INT64_C(1500000000000000));
    assert_int_equal(get(&house), OK);
    check_phases(&house.seen);
    assert_int_equal(house.seen.name_us, 0); /* the connection was kept */
    assert_int_equal(house.seen.connect_us, 0);
    peer_join(house.peer);
    tear_down(&house);
}

static void test_exchange_gives_headers_whatever_their_case(void **state)
{
    static const struct peer_step step = {
        .answer = STR("HTTP/1.1 103 Early\r\nX-Thing: early\r\n\r\n" ANSWER)};
    struct house house;

    (void)state;
    see(&house, &step, 0);
    assert_int_equal(house.seen.status, 200);
    assert_str(exchange_header_of(&house.seen, "x-thing"), "a b");
    assert_str(exchange_header_of(&house.seen, "Content-length"), "5");
    assert_str(exchange_header_of(&house.seen, "Thing"), "");
    assert_str(exchange_header_of(&house.seen, "x-thin"), "");
    tear_down(&house);
}

static void test_exchange_is_fresh_when_it_must_be(void **state)
{
    static const struct peer_step steps[] = {
        {.answer = STR(ANSWER)}, {.answer = STR(ANSWER)}, {.answer = STR(ANSWER)}};
    struct house house;

    (void)state;
    set_up(&house, PEER_START(steps), &(struct wire_options){0});
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(&house, &(struct exchange_request){.is_fresh = true}), OK);
        assert_true(house.seen.is_new_connection);
    }
    peer_join(house.peer);
    assert_int_equal(house.peer->connections, 3);
    tear_down(&house);
}

static void test_exchange_unpacks_gzip_and_counts_what_came(void **state)
{
    static const char packed[] = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                                 "Content-Length: 28\r\n\r\n"
                                 "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9"
                                 "\xc9\x57\xc8\x40\x27\x01\xe3\x51\x3d\x8d\x17\x00\x00\x00";
    static const struct peer_step step = {.answer = {packed, sizeof(packed) - 1}};
    struct house house;

    (void)state;
    see(&house, &step, 0);
    assert_int_equal(house.seen.code, OK);
    assert_str(house.seen.body, "hello hello hello hello");
    assert_int_equal(house.seen.bytes_received, house.peer->sent_bytes);
    tear_down(&house);
}

static void test_exchange_of_head_waits_for_no_body(void **state)
{
    static const struct peer_step step = {.answer =
                                              STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")};
    struct house house;

    (void)state;
    set_up(&house, peer_start(&step, 1, NULL), &(struct wire_options){.timeout_ms = 2000});
    assert_int_equal(ask(&house, &(struct exchange_request){.method = "HEAD"}), OK);
    assert_str(house.seen.body, "");
    peer_join(house.peer);
    tear_down(&house);
}

/* ---- the token ---- */

static void test_exchange_sends_its_token_only_where_it_may(void **state)
{
    static const struct peer_step steps[] = {{.answer = STR(ANSWER), .is_kept = true},
                                             {.answer = STR(ANSWER), .is_kept = true},
                                             {.answer = STR(ANSWER), .is_kept = true},
                                             {.answer = STR(ANSWER)}};
    const struct exchange_header own = {"authorization", "Bearer other"};
    struct house house;

    (void)state;
    set_up(&house, PEER_START(steps), &(struct wire_options){.token = "first"});
    assert_int_equal(get(&house), OK);
    assert_int_equal(ask(&house, &(struct exchange_request){.is_anonymous = true}), OK);
    assert_int_equal(ask(&house, &(struct exchange_request){.headers = &own, .header_count = 1}),
                     OK);
    assert_int_equal(wire_set_token(house.wire, "second"), OK);
    assert_int_equal(get(&house), OK);
    peer_join(house.peer);
    const char *at = strstr(house.peer->got, "Authorization: Bearer first\r\n");
    assert_non_null(at);
    at = strcasestr(at + 10, "authorization:"); /* the second request has none */
    assert_memory_equal(at, "authorization: Bearer other\r\n", 29);
    at = strcasestr(at + 10, "authorization:");
    assert_memory_equal(at, "Authorization: Bearer second\r\n", 30);
    assert_null(strcasestr(at + 10, "authorization:"));
    tear_down(&house);
}

static void test_exchange_refuses_headers_that_break_their_line(void **state)
{
    const struct exchange_header bad = {"X-Thing", "a\r\nX-Other: b"};
    struct house house;

    (void)state;
    set_up(&house, NULL, &(struct wire_options){0});
    assert_int_not_equal(ask(&house, &(struct exchange_request){.url = "http://127.0.0.1:1",
                                                                .headers = &bad,
                                                                .header_count = 1}),
                         OK);
    assert_int_equal(house.seen.bytes_sent, 0);
    tear_down(&house);
}

/* ---- no answer ---- */

static void test_exchange_that_broke_off_is_no_answer(void **state)
{
    static const struct peer_step step = {
        .answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel")};
    struct house house;

    (void)state;
    see(&house, &step, 0);
    assert_int_equal(house.seen.code, ERR_IO);
    assert_int_equal(house.seen.curl_code, CURLE_PARTIAL_FILE);
    assert_int_equal(house.seen.status, 0);
    assert_int_equal(house.seen.bytes_received, house.peer->sent_bytes);
    assert_string_equal(house.seen.failure, "the answer broke off before its end");
    tear_down(&house);
    static const struct peer_step early = {.answer = STR("HTTP/1.1 200 OK\r\nX-Thing: a")};
    see(&house, &early, 0);
    assert_int_equal(house.seen.code, ERR_IO);
    assert_int_equal(house.seen.status, 0);
    assert_string_equal(house.seen.failure, "the answer broke off within its head");
    tear_down(&house);
}

static void test_exchange_names_what_is_no_http(void **state)
{
    static const struct {
        struct str answer;
        int curl_code;
    } cases[] = {
        {STR("secret-of-server 200 OK\r\n\r\n"), CURLE_UNSUPPORTED_PROTOCOL},
        {STR(""), CURLE_GOT_NOTHING},
        {STR("HTTP/1.1 abc secret-of-server\r\n\r\n"), CURLE_WEIRD_SERVER_REPLY},
    };
    struct house house;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct peer_step step = {.answer = cases[i].answer};

        see(&house, &step, 0);
        assert_int_equal(house.seen.code, ERR_IO);
        assert_int_equal(house.seen.status, 0);
        assert_null(strstr(house.seen.failure, "secret"));
        if (cases[i].curl_code != CURLE_WEIRD_SERVER_REPLY) {
            assert_int_equal(house.seen.curl_code, cases[i].curl_code);
        }
        tear_down(&house);
    }
}

static void test_exchange_knows_a_refused_connection(void **state)
{
    static const struct peer_step none[1];
    struct house house;

    (void)state;
    struct peer *peer = peer_start(none, 0, NULL);
    peer_join(peer); /* its port is free again */
    set_up(&house, peer, &(struct wire_options){0});
    assert_int_equal(get(&house), ERR_IO);
    assert_int_equal(house.seen.curl_code, CURLE_COULDNT_CONNECT);
    assert_int_equal(house.seen.os_errno, ECONNREFUSED);
    assert_string_equal(house.seen.failure, "no connection: Connection refused");
    assert_int_equal(house.seen.bytes_sent, 0);
    assert_int_equal(ask(&house, &(struct exchange_request){.url = "ftp://127.0.0.1/"}), ERR_IO);
    assert_int_equal(ask(&house, &(struct exchange_request){.url = "http://a\nb/"}), ERR_IO);
    tear_down(&house);
}

static void test_exchange_ends_in_time(void **state)
{
    static const struct peer_step step = {
        .answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel"), .must_hold = true};
    struct house house;

    (void)state;
    see(&house, &step, 40);
    assert_int_equal(house.seen.code, ERR_TIMEOUT);
    assert_int_equal(house.seen.status, 0);
    assert_true(house.seen.total_us >= 39000 && house.seen.total_us < 4000000);
    assert_string_equal(house.seen.failure, "no whole answer within 40 ms");
    tear_down(&house);
}

static void test_exchange_has_a_limit_for_heads(void **state)
{
    static char many[EXCHANGE_HEAD_BYTES_MAX + 8192];
    static char one[200000];
    static const char line[] = "X-Thing: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    size_t used = (size_t)snprintf(many, sizeof(many), "HTTP/1.1 200 OK\r\n");
    const struct peer_step steps[] = {{.answer = {many, sizeof(many)}},
                                      {.answer = {one, sizeof(one)}}};
    struct house house;

    (void)state;
    for (; used + sizeof(line) < sizeof(many); used += sizeof(line) - 1) {
        memcpy(many + used, line, sizeof(line) - 1);
    }
    memset(many + used, 'b', sizeof(many) - used);
    memset(one, 'a', sizeof(one));
    memcpy(one, "HTTP/1.1 200 OK\r\nX: ", 20);
    for (size_t i = 0; i < 2; i++) {
        see(&house, &steps[i], 3000);
        assert_int_equal(house.seen.code, ERR_LIMIT);
        assert_string_equal(house.seen.failure, "the head of the answer is too long");
        tear_down(&house);
    }
}

/* ---- TLS ---- */

static void test_exchange_says_which_tls_and_until_when(void **state)
{
    static const struct peer_step steps[] = {
        {.answer = STR(ANSWER), .is_kept = true}, {.answer = STR(ANSWER)}, {.answer = STR(ANSWER)}};
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    struct tls_files files;
    struct house house;

    (void)state;
    tls_files_make(&files);
    tls_files_renew(&files, "localhost", 86400);
    assert_int_equal(SSL_CTX_use_certificate_file(tls, files.cert, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(tls, files.key, SSL_FILETYPE_PEM), 1);
    set_up(&house, peer_start(steps, 3, tls), &(struct wire_options){.ca_file = files.cert});
    for (int i = 0; i < 2; i++) { /* the second on the connection of the first */
        assert_int_equal(get(&house), OK);
        assert_int_equal(house.seen.is_new_connection, i == 0);
        assert_memory_equal(house.seen.tls, "TLSv1.3 TLS_", 12);
        int64_t left_us = house.seen.certificate_expires_us - house.seen.started_us;
        assert_true(left_us > DAY_US - 60000000 && left_us <= DAY_US + 60000000);
        assert_int_equal(house.seen.tls_us > 0, i == 0);
        assert_true(i > 0 || house.seen.tls_us >= house.seen.connect_us);
        check_phases(&house.seen);
    }
    wire_free(house.wire);
    assert_int_equal(wire_new(&(struct wire_options){0}, &house.wire, NULL), OK);
    assert_int_equal(get(&house), ERR_IO); /* not of the system's authorities */
    assert_int_equal(house.seen.curl_code, CURLE_PEER_FAILED_VERIFICATION);
    assert_int_equal(house.seen.status, 0);
    assert_true(house.seen.certificate_expires_us > house.seen.started_us);
    assert_string_equal(house.seen.failure, "the certificate is refused: self-signed certificate");
    peer_join(house.peer);
    tear_down(&house);
    SSL_CTX_free(tls);
    tls_files_remove(&files);
}

/* ---- memory ---- */

static void test_exchange_without_memory_says_so(void **state)
{
    static const struct peer_step steps[] = {
        {.answer = STR(ANSWER)}, {.answer = STR(ANSWER)}, {.answer = STR(ANSWER)},
        {.answer = STR(ANSWER)}, {.answer = STR(ANSWER)}, {.answer = STR(ANSWER)},
        {.answer = STR(ANSWER)}, {.answer = STR(ANSWER)}, {.answer = STR(ANSWER)}};
    struct wire *wire = NULL;
    struct house house;
    int code = ERR_NO_MEMORY;
    unsigned steps_used = 0;

    (void)state;
    const struct wire_options options = {.token = "t", .ca_file = "/nowhere"};
    for (uint64_t nth = 1; code; nth++) {
        (void)alloc_fail_from(nth);
        code = wire_new(&options, &wire, NULL);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    wire_free(wire);
    set_up(&house, PEER_START(steps), &(struct wire_options){0});
    code = ERR_NO_MEMORY;
    for (uint64_t nth = 1; code; nth++) {
        (void)alloc_fail_from(nth);
        code = ask(&house, &(struct exchange_request){.is_fresh = true});
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        steps_used++;
    }
    assert_true(steps_used > 2);
    for (; steps_used < ARRAY_LENGTH(steps); steps_used++) {
        (void)ask(&house, &(struct exchange_request){.is_fresh = true});
    }
    peer_join(house.peer);
    tear_down(&house);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_exchange_counts_what_the_other_side_counts),
    cmocka_unit_test(test_exchange_has_phases_and_both_ends),
    cmocka_unit_test(test_exchange_gives_headers_whatever_their_case),
    cmocka_unit_test(test_exchange_is_fresh_when_it_must_be),
    cmocka_unit_test(test_exchange_unpacks_gzip_and_counts_what_came),
    cmocka_unit_test(test_exchange_of_head_waits_for_no_body),
    cmocka_unit_test(test_exchange_sends_its_token_only_where_it_may),
    cmocka_unit_test(test_exchange_refuses_headers_that_break_their_line),
    cmocka_unit_test(test_exchange_that_broke_off_is_no_answer),
    cmocka_unit_test(test_exchange_names_what_is_no_http),
    cmocka_unit_test(test_exchange_knows_a_refused_connection),
    cmocka_unit_test(test_exchange_ends_in_time),
    cmocka_unit_test(test_exchange_has_a_limit_for_heads),
    cmocka_unit_test(test_exchange_says_which_tls_and_until_when),
    cmocka_unit_test(test_exchange_without_memory_says_so),
};

UNIT_MAIN(tests)
