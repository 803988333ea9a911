/*
 * What who asks is told of answers that are whole, slow, broken, too long or never come: against
 * the server of this program, and against a listener that says anything.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client_fixture.h"

#include <dirent.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"

static struct street street;
static struct exchange one;
static struct exchange two;

static int open_street(void **state)
{
    (void)state;
    memset(&street, 0, sizeof(street));
    memset(&one, 0, sizeof(one));
    memset(&two, 0, sizeof(two));
    street_open(&street);
    return 0;
}

static int close_street(void **state)
{
    (void)state;
    street_close(&street);
    return 0;
}

/* ---- names ---- */

static atomic_bool names_are_slow;
static atomic_uint lookups;
static atomic_uint lookups_done;

/* In place of the system's, in a thread of curl's: no test asks the network. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret_found)
{
    (void)name;
    (void)service;
    (void)hints;
    (void)ret_found;
    atomic_fetch_add(&lookups, 1);
    for (int64_t until = wall_ms() + PATIENCE_MS; names_are_slow && wall_ms() < until;) {
        (void)usleep(1000);
    }
    atomic_fetch_add(&lookups_done, 1);
    return EAI_NONAME;
}

static bool says(const struct exchange *exchange, const char *text)
{
    return strstr(exchange->error.message, text) != NULL;
}

/* ---- out of memory ---- */

/* Everything from http_client_new() on, also curl's own preparations: this is the first test. */
static bool exchange_with_failure(uint64_t nth, int *ret_code)
{
    struct http_client *client = NULL;
    struct http_call call = call_of(&street, "");
    struct http_header header = {STR("X-Key"), STR("secret")};
    struct error error;

    memset(&one, 0, sizeof(one));
    call.method = HTTP_POST;
    call.body = STR("question");
    call.headers = &header;
    call.header_count = 1;
    (void)alloc_fail_from(nth);
    int code = http_client_new(street.house.loop, /* ca_file */ NULL, &client, &error);
    if (!code) {
        code = exchange_start(&one, client, &call, &error);
    }
    if (!code) {
        turn_until(&street.house, one.dones == 1);
        code = one.code;
    }
    bool has_failed = alloc_fail_from(0) >= nth;
    http_client_free(client);
    turn(&street.house);
    *ret_code = code;
    return has_failed;
}

static void test_client_bears_any_failing_allocation(void **state)
{
    uint64_t nth = 0;
    int code = OK;
    bool has_failed = true;

    (void)state;
    street.script.answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    street.script.must_close = true;
    while (has_failed) {
        street.script.peer_count = street.script.open ? street.script.peer_count : 0;
        street.script.got_bytes = 0;
        has_failed = exchange_with_failure(++nth, &code);
        assert_true(code == ERR_NO_MEMORY || (code == OK && !has_failed));
        assert_true(nth < 1000);
    }
    assert_int_equal(code, OK);
    assert_true(nth > 50);
}

static void end_within_trouble(struct exchange *exchange, struct http_client *client,
                               const struct http_call *call)
{
    struct error error;

    memset(exchange, 0, sizeof(*exchange));
    exchange->code = exchange_start(exchange, client, call, &error);
    exchange->dones = exchange->code != OK;
}

/* The client is older than the trouble and outlives it; two are under way meanwhile. */
static bool answers_after_failure(struct http_client *client, uint64_t nth)
{
    struct http_call call = call_of(&street, "");

    street.script.peer_count = street.script.open ? street.script.peer_count : 0;
    street.script.got_bytes = 0;
    (void)alloc_fail_from(nth);
    end_within_trouble(&one, client, &call);
    end_within_trouble(&two, client, &call);
    turn_until(&street.house, one.dones == 1 && two.dones == 1);
    bool has_failed = alloc_fail_from(0) >= nth;
    assert_true(one.code == ERR_NO_MEMORY || one.code == OK);
    assert_true(two.code == ERR_NO_MEMORY || (two.code == OK && !has_failed));
    assert_int_equal(http_client_count(client), 0);
    memset(&one, 0, sizeof(one));
    exchange_run(&street, &one, &call);
    assert_int_equal(one.code, OK);
    assert_string_equal(one.body, "hi");
    return has_failed;
}

static void test_client_goes_on_after_any_failing_allocation(void **state)
{
    uint64_t nth = 0;

    (void)state;
    street.script.answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    street.script.must_close = true;
    while (answers_after_failure(street.client, ++nth)) {
        assert_true(nth < 1000);
    }
    assert_true(nth > 20);
}

/* ---- whole answers ---- */

static void test_client_gets_and_posts(void **state)
{
    struct http_call call = call_of(&street, "/a?b=1");

    (void)state;
    exchange_run(&street, &one, &call);
    assert_int_equal(one.code, OK);
    assert_int_equal(one.status, 200);
    assert_str(exchange_body(&one), "hello");
    assert_true(house_noted(&street.house, "request /a ?b=1 body 0\n"));
    call = call_of(&street, "/echo");
    call.method = HTTP_POST;
    call.body = STR("{\"question\":\"why\"}");
    exchange_run(&street, &two, &call);
    assert_str(exchange_body(&two), "{\"question\":\"why\"}");
    assert_int_equal(http_server_counts(street.house.server).accepted, 1);
}

static void test_client_sends_the_headers_and_nothing_unasked(void **state)
{
    struct http_header headers[] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("x-api-key"), STR(" k3y ")},
        {STR("X-Empty"), {NULL, 0}},
    };
    struct http_call call = call_of(&street, "");

    (void)state;
    street.script.answer = STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n");
    call.method = HTTP_POST;
    call.headers = headers;
    call.header_count = ARRAY_LENGTH(headers);
    static char body[2000000]; /* curl would ask with Expect from 1 MB on */
    memset(body, 'x', sizeof(body));
    call.body = (struct str){body, sizeof(body)};
    exchange_run(&street, &one, &call);
    assert_int_equal(one.status, 204);
    assert_int_equal(one.heads, 1);
    assert_true(script_got(&street.script, "POST / HTTP/1.1\r\n"));
    assert_true(script_got(&street.script, "\r\nUser-Agent: netra/" NETRA_VERSION "\r\n"));
    assert_true(script_got(&street.script, "\r\nContent-Type: application/json\r\n"));
    assert_true(script_got(&street.script, "\r\nx-api-key: k3y\r\n"));
    assert_true(script_got(&street.script, "\r\nX-Empty:\r\n"));
    assert_true(script_got(&street.script, "\r\nContent-Length: 2000000\r\n"));
    assert_false(script_got(&street.script, "Expect"));
    assert_false(script_got(&street.script, "Accept-Encoding"));
    street.script.got_bytes = 0;
    call.header_count = 0;
    exchange_run(&street, &two, &call);
    assert_true(script_got(&street.script, "POST / HTTP/1.1\r\n"));
    assert_false(script_got(&street.script, "Content-Type"));
}

static void test_client_hands_on_pieces_as_they_are_sent(void **state)
{
    struct http_call call = call_of(&street, "/stream");
    struct error error;

    (void)state;
    assert_int_equal(exchange_start(&one, street.client, &call, &error), OK);
    turn_until(&street.house, one.pieces == 1);
    assert_str(exchange_body(&one), ": hi\n\n");
    for (unsigned i = 2; i < 5; i++) {
        assert_int_equal(
            http_stream_write(street.house.server, street.house.late, STR("data: x\n\n")), OK);
        turn_until(&street.house, one.pieces == i);
    }
    assert_int_equal(http_client_count(street.client), 1);
    assert_int_equal(http_stream_end(street.house.server, street.house.late), OK);
    turn_until(&street.house, one.dones == 1);
    assert_int_equal(one.code, OK);
    assert_str(exchange_body(&one), ": hi\n\ndata: x\n\ndata: x\n\ndata: x\n\n");
}

static void test_client_reads_headers_of_refusals(void **state)
{
    struct http_call call = call_of(&street, "");

    (void)state;
    street.script.answer =
        STR("HTTP/1.1 429 Too Many\r\nRetry-After:  7 \r\n folded: 1"
            "\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 4\r\n\r\nslow");
    exchange_run(&street, &one, &call);
    assert_int_equal(one.code, OK);
    assert_int_equal(one.status, 429);
    assert_string_equal(one.retry_after, "7");
    assert_str(exchange_body(&one), "slow");
}

static void test_client_does_not_follow_redirects(void **state)
{
    struct http_call call = call_of(&street, "");

    (void)state;
    street.script.answer = STR("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=b\r\n"
                               "Content-Length: 0\r\n\r\n");
    exchange_run(&street, &one, &call);
    assert_int_equal(one.status, 302);
    exchange_run(&street, &two, &call);
    assert_false(script_got(&street.script, "elsewhere"));
    assert_false(script_got(&street.script, "Cookie"));
}

static void test_client_asks_loopback_without_a_proxy(void **state)
{
    struct http_call call = call_of(&street, "/");

    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:9", 1), 0);
    exchange_run(&street, &one, &call);
    char url[ADDRESS_BYTES];
    (void)snprintf(url, sizeof(url), "http://localhost:%u/", http_server_port(street.house.server));
    call.url = str_from(url);
    exchange_run(&street, &two, &call);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(one.code, OK);
    assert_int_equal(two.code, OK);
}

static void test_client_passes_over_trailers(void **state)
{
    struct http_call call = call_of(&street, "");

    (void)state;
    street.script.answer = STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "5\r\nhello\r\n0\r\nRetry-After: 9\r\n\r\n");
    exchange_run(&street, &one, &call);
    assert_int_equal(one.code, OK);
    assert_int_equal(one.heads, 1);
    assert_string_equal(one.retry_after, "");
    assert_str(exchange_body(&one), "hello");
}

/* ---- broken answers ---- */

static void test_client_tells_of_broken_answers(void **state)
{
    static const struct {
        const char *answer;
        int code;
        const char *message;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", ERR_IO, "the answer broke off: "},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf", ERR_IO, "broke off: "},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n", ERR_IO,
         "broke off: "},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n", ERR_IO,
         "broke off: "},
        {"HTTP/1.1 200 OK\r\nContent-Le", ERR_IO, ""},
        {"HTTP/1.1 100 Continue\r\n\r\n", ERR_IO, "no answer: "},
        {"HTTP/1.1 101 Switching\r\n\r\nbytes", ERR_IO, "the answer has no head"},
        {"220 smtp ready\r\n\r\n", ERR_IO, "no answer: "},
        {"HTTP/1.1 200 OK\r\n\r\nuntil the end", OK, ""},
    };

    (void)state;
    street.script.must_close = true;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct http_call call = call_of(&street, "");

        memset(&one, 0, sizeof(one));
        street.script.answer = str_from(cases[i].answer);
        exchange_run(&street, &one, &call);
        if (one.code != cases[i].code || !says(&one, cases[i].message)) {
            fail_msg("%s: %d %s", cases[i].answer, one.code, one.error.message);
        }
    }
}

static void test_client_tells_that_nobody_is_there(void **state)
{
    struct http_call call = call_of(&street, "");

    (void)state;
    call.url = STR("http://127.0.0.1:1/");
    exchange_run(&street, &one, &call);
    assert_int_equal(one.code, ERR_IO);
    assert_true(says(&one, "no answer: failed to connect to 127.0.0.1 port 1"));
    call.url = STR("http://nowhere.invalid/");
    memset(&one, 0, sizeof(one));
    exchange_run(&street, &one, &call);
    assert_int_equal(one.code, ERR_IO);
    assert_string_equal(one.error.message, "no answer: could not resolve host: nowhere.invalid");
}

static void test_client_does_not_speak_plainly_where_tls_is_asked_for(void **state)
{
    struct http_call call = call_of(&street, "/");
    char url[ADDRESS_BYTES];

    (void)state;
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/",
                   http_server_port(street.house.server));
    call.url = str_from(url);
    exchange_run(&street, &one, &call);
    assert_int_equal(one.code, ERR_IO);
    assert_true(says(&one, "no answer: "));
    assert_false(house_noted(&street.house, "request"));
}

/* ---- limits ---- */

static void test_client_limits_the_body(void **state)
{
    struct http_call call = call_of(&street, "");

    (void)state;
    street.script.answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    call.answer_bytes_max = 5;
    exchange_run(&street, &one, &call);
    assert_int_equal(one.code, OK);
    call.answer_bytes_max = 4;
    exchange_run(&street, &two, &call);
    assert_int_equal(two.code, ERR_LIMIT);
    assert_string_equal(two.error.message, "the answer is longer than 4 bytes");
    assert_int_equal(two.pieces, 0);
}

/* Many lines, one line without an end, and many short lines. */
static void test_client_limits_the_head(void **state)
{
    static char answer[400000];
    struct http_call call = call_of(&street, "");
    static const unsigned line_bytes[] = {1000, 300000, 12};

    (void)state;
    street.script.must_close = true;
    for (size_t i = 0; i < ARRAY_LENGTH(line_bytes); i++) {
        size_t length = (size_t)snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\n");
        size_t lines = i == 2 ? 300 : 300000 / line_bytes[i];

        for (size_t line = 0; line < lines; line++) {
            memset(answer + length, 'a', line_bytes[i]);
            answer[length + 1] = ':';
            answer[length + line_bytes[i] - 2] = '\r';
            answer[length + line_bytes[i] - 1] = '\n';
            length += line_bytes[i];
        }
        length += (size_t)snprintf(answer + length, sizeof(answer) - length, "\r\nhi");
        memset(&one, 0, sizeof(one));
        street.script.answer = (struct str){answer, length};
        exchange_run(&street, &one, &call);
        assert_int_equal(one.code, ERR_LIMIT);
        assert_int_equal(one.heads, 0);
        assert_true(says(&one, i == 2 ? "more than 256 headers" : "longer than 65536 bytes"));
    }
}

/* ---- time-outs ---- */

static void run_into_timeout(const struct http_call *call, unsigned ms, const char *message)
{
    int64_t began = wall_ms();

    memset(&one, 0, sizeof(one));
    exchange_run(&street, &one, call);
    int64_t took = wall_ms() - began;
    assert_int_equal(one.code, ERR_TIMEOUT);
    assert_string_equal(one.error.message, message);
    assert_true(took >= ms - 2);
    assert_true(took < ms + 1000); /* a busy machine; 50 on an idle one */
}

static void test_client_waits_no_longer_than_it_was_told(void **state)
{
    struct http_call call = call_of(&street, "");

    (void)state;
    call.first_byte_timeout_ms = 30;
    run_into_timeout(&call, 30, "no first byte of an answer after 30 ms");
    assert_int_equal(one.heads, 0);
    street.script.answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    run_into_timeout(&call, 30, "no first byte of an answer after 30 ms");
    street.script.answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    call.first_byte_timeout_ms = PATIENCE_MS;
    call.idle_timeout_ms = 20;
    run_into_timeout(&call, 20, "the answer stopped for 20 ms");
    assert_str(exchange_body(&one), "he");
    call.idle_timeout_ms = 0;
    call.total_timeout_ms = 40;
    run_into_timeout(&call, 40, "no whole answer after 40 ms");
}

static void test_client_ends_each_at_its_own_time(void **state)
{
    struct http_call call = call_of(&street, "");
    struct error error;

    (void)state;
    int64_t began = wall_ms();
    call.total_timeout_ms = 60;
    assert_int_equal(exchange_start(&two, street.client, &call, &error), OK);
    call.total_timeout_ms = 15;
    assert_int_equal(exchange_start(&one, street.client, &call, &error), OK);
    turn_until(&street.house, one.dones && two.dones);
    assert_true(wall_ms() - began >= 58);
    assert_string_equal(one.error.message, "no whole answer after 15 ms");
    assert_string_equal(two.error.message, "no whole answer after 60 ms");
}

/* A backlog that is full: nobody accepts, and the kernel drops the next one. */
static void test_client_waits_for_a_connection_no_longer_than_told(void **state)
{
    struct http_call call = call_of(&street, "");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int full[4];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char url[ADDRESS_BYTES];

    (void)state;
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(full); i++) {
        full[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(full[i], (struct sockaddr *)&address, sizeof(address));
    }
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
    call.url = str_from(url);
    call.connect_timeout_ms = 30;
    run_into_timeout(&call, 30, "no connection after 30 ms");
    for (size_t i = 0; i < ARRAY_LENGTH(full); i++) {
        (void)close(full[i]);
    }
    (void)close(listener);
}

/* A time-out, a cancel and the end of the client, while a name server is silent. */
static void test_client_does_not_wait_for_names(void **state)
{
    struct http_call call = call_of(&street, "");
    struct error error;
    static struct exchange three;

    (void)state;
    unsigned before = lookups;
    int64_t began = wall_ms();
    names_are_slow = true;
    call.url = STR("http://slow.invalid/");
    call.total_timeout_ms = 20;
    assert_int_equal(exchange_start(&one, street.client, &call, &error), OK);
    call.total_timeout_ms = PATIENCE_MS;
    assert_int_equal(exchange_start(&two, street.client, &call, &error), OK);
    assert_int_equal(exchange_start(&three, street.client, &call, &error), OK);
    turn_until(&street.house, lookups == before + 3);
    turn_until(&street.house, one.dones);
    assert_int_equal(one.code, ERR_TIMEOUT);
    http_client_cancel(street.client, two.id);
    http_client_free(street.client);
    street.client = NULL;
    assert_true(wall_ms() - began < PATIENCE_MS / 2);
    names_are_slow = false;
    turn_until(&street.house, lookups_done == lookups);
    assert_int_equal(two.dones + three.dones, 0);
}

static void write_another(struct exchange *exchange)
{
    (void)exchange;
    if (one.pieces < 6) {
        (void)http_stream_write(street.house.server, street.house.late, STR("more"));
    } else {
        (void)http_stream_end(street.house.server, street.house.late);
    }
}

/* The time-out between two pieces begins anew with each. */
static void test_client_waits_for_a_stream_that_goes_on(void **state)
{
    struct http_call call = call_of(&street, "/stream");
    struct error error;

    (void)state;
    call.first_byte_timeout_ms = 1000;
    call.idle_timeout_ms = 1000;
    call.total_timeout_ms = 0;
    assert_int_equal(exchange_start(&one, street.client, &call, &error), OK);
    one.in_piece = write_another;
    turn_until(&street.house, one.dones);
    assert_int_equal(one.code, OK);
    assert_int_equal(one.pieces, 6);
}

/* ---- many ---- */

#define MANY 300u

static unsigned many_done;

static void many_on_head(const struct http_answer *answer, void *arg)
{
    (void)arg;
    assert_int_equal(answer->status, 200);
}

static void many_on_piece(struct str piece, void *arg)
{
    assert_int_equal(piece.length, sizeof(uint32_t));
    assert_memory_equal(piece.data, arg, sizeof(uint32_t));
}

static void many_on_done(int code, const struct error *error, void *arg)
{
    (void)arg;
    if (code) {
        fail_msg("%s", error->message);
    }
    many_done++;
}

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");

    assert_non_null(folder);
    while (readdir(folder)) {
        count++;
    }
    (void)closedir(folder);
    return count;
}

static void test_client_asks_many_at_once(void **state)
{
    static const struct http_call_listener listener = {many_on_head, many_on_piece, many_on_done};
    static uint32_t numbers[MANY];
    struct http_call call = call_of(&street, "/echo");
    struct error error;
    http_call_id id;

    (void)state;
    unsigned before = open_files();
    call.method = HTTP_POST;
    many_done = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        numbers[i] = i;
        call.body = (struct str){(char *)&numbers[i], sizeof(numbers[i])};
        assert_int_equal(
            http_client_start(street.client, &call, &listener, &numbers[i], &id, &error), OK);
    }
    assert_int_equal(http_client_count(street.client), MANY);
    turn_until(&street.house, many_done == MANY);
    assert_int_equal(http_client_count(street.client), 0);
    turn_until(&street.house, http_server_counts(street.house.server).connections <= 32);
    http_client_free(street.client);
    street.client = NULL;
    turn_until(&street.house, http_server_counts(street.house.server).connections == 0);
    assert_true(open_files() <= before);
}

static void test_client_refuses_more_than_its_slots(void **state)
{
    struct http_call call = call_of(&street, "");
    struct error error;

    (void)state;
    call.url = STR("http://127.0.0.1:1/");
    for (unsigned i = 0; i < HTTP_CLIENT_CALLS_MAX; i++) {
        assert_int_equal(exchange_start(&one, street.client, &call, &error), OK);
    }
    assert_int_equal(exchange_start(&one, street.client, &call, &error), ERR_LIMIT);
    http_client_free(street.client);
    street.client = NULL;
}

/* ---- what is refused ---- */

static void test_client_refuses_what_is_no_http_address(void **state)
{
    static const struct str urls[] = {
        {NULL, 0},
        {"ftp://127.0.0.1/", 16},
        {"file:///etc/passwd", 18},
        {"127.0.0.1:80/", 13},
        {"http://", 7},
        {"http://a b/", 11},
        {"http://x/\r\nX: y", 15},
        {"http://x/\0y", 11},
        {"http://127.0.0.1:99999/", 23},
        {"gopher://x/", 11},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(urls); i++) {
        struct http_call call = call_of(&street, "/");
        struct error error;

        call.url = urls[i];
        if (exchange_start(&one, street.client, &call, &error) != ERR_INVALID) {
            fail_msg("'%.*s' was taken", STR_ARGS(urls[i]));
        }
    }
    assert_int_equal(http_client_count(street.client), 0);
}

static void test_client_refuses_headers_that_break_out(void **state)
{
    static const struct http_header headers[] = {
        {{"X", 1}, {"a\r\nY: b", 8}},
        {{"X", 1}, {"a\nb", 3}},
        {{"X", 1}, {"a\0b", 3}},
        {{"X\r\nY", 4}, {"a", 1}},
        {{"X:", 2}, {"a", 1}},
        {{"X;", 2}, {"a", 1}},
        {{"", 0}, {"a", 1}},
        {{"X y", 3}, {"a", 1}},
        {{"content-length", 14}, {"1", 1}},
        {{"Transfer-Encoding", 17}, {"chunked", 7}},
    };
    struct http_call call = call_of(&street, "/");
    struct error error;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(headers); i++) {
        call.headers = &headers[i];
        call.header_count = 1;
        assert_int_equal(exchange_start(&one, street.client, &call, &error), ERR_INVALID);
    }
    struct http_header many[HTTP_CLIENT_HEADERS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LENGTH(many); i++) {
        many[i] = (struct http_header){STR("X"), STR("y")};
    }
    call.headers = many;
    call.header_count = ARRAY_LENGTH(many);
    assert_int_equal(exchange_start(&one, street.client, &call, &error), ERR_LIMIT);
    call.header_count = 0;
    call.body = STR("x");
    assert_int_equal(exchange_start(&one, street.client, &call, &error), ERR_INVALID);
    call.method = HTTP_DELETE;
    assert_int_equal(exchange_start(&one, street.client, &call, &error), ERR_INVALID);
}

static void test_client_refuses_certificates_that_are_not_there(void **state)
{
    struct http_client *client = NULL;
    struct error error;

    (void)state;
    assert_int_equal(http_client_new(street.house.loop, "/nowhere/ca.pem", &client, &error),
                     ERR_IO);
    assert_null(client);
}

#define CLIENT_TEST(name) cmocka_unit_test_setup_teardown(name, open_street, close_street)

static const struct CMUnitTest tests[] = {
    CLIENT_TEST(test_client_bears_any_failing_allocation),
    CLIENT_TEST(test_client_goes_on_after_any_failing_allocation),
    CLIENT_TEST(test_client_gets_and_posts),
    CLIENT_TEST(test_client_sends_the_headers_and_nothing_unasked),
    CLIENT_TEST(test_client_hands_on_pieces_as_they_are_sent),
    CLIENT_TEST(test_client_reads_headers_of_refusals),
    CLIENT_TEST(test_client_does_not_follow_redirects),
    CLIENT_TEST(test_client_asks_loopback_without_a_proxy),
    CLIENT_TEST(test_client_passes_over_trailers),
    CLIENT_TEST(test_client_tells_of_broken_answers),
    CLIENT_TEST(test_client_tells_that_nobody_is_there),
    CLIENT_TEST(test_client_does_not_speak_plainly_where_tls_is_asked_for),
    CLIENT_TEST(test_client_limits_the_body),
    CLIENT_TEST(test_client_limits_the_head),
    CLIENT_TEST(test_client_waits_no_longer_than_it_was_told),
    CLIENT_TEST(test_client_ends_each_at_its_own_time),
    CLIENT_TEST(test_client_waits_for_a_connection_no_longer_than_told),
    CLIENT_TEST(test_client_does_not_wait_for_names),
    CLIENT_TEST(test_client_waits_for_a_stream_that_goes_on),
    CLIENT_TEST(test_client_asks_many_at_once),
    CLIENT_TEST(test_client_refuses_more_than_its_slots),
    CLIENT_TEST(test_client_refuses_what_is_no_http_address),
    CLIENT_TEST(test_client_refuses_headers_that_break_out),
    CLIENT_TEST(test_client_refuses_certificates_that_are_not_there),
};

UNIT_MAIN(tests)
