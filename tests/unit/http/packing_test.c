/*
 * Compressed answers: who gets them, that they are the same answer, and what becomes of them when
 * the client leaves or memory is short.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_fixture.h"

#include <zlib.h>

#include "base/alloc.h"
#include "http/compress.h"

#define TEXT_BYTES 300000u

static char text[TEXT_BYTES];
static struct http_reply next_reply; /* what on_request answers */

static void make_text(void)
{
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = "{\"input_tokens\": 4711}, "[i % 24];
    }
}

static void answer(const struct http_request *request, void *arg)
{
    struct house *house = arg;

    if (str_equal(request->path, STR("/late"))) {
        house->late = request->id;
        return;
    }
    (void)http_reply(house->server, request->id, &next_reply);
}

static const struct http_handler handler = {
    .on_head = house_on_head,
    .on_request = answer,
    .on_body = house_on_body,
    .on_gone = house_on_gone,
    .on_answered = house_on_answered,
};

static void open_packing(struct house *house)
{
    make_text();
    house_open_with(house, (struct http_server_options){.limits = http_limits_default,
                                                        .compresses = true,
                                                        .handler = &handler});
}

static struct http_reply json_reply(size_t length)
{
    return (struct http_reply){
        .status = 200, .content_type = STR("application/json"), .body = {text, length}};
}

/* The value of a header of the last answer, or empty. */
static struct str header_of(const struct client *client, const char *name)
{
    struct str all = buf_str(&client->got);
    size_t at = str_find(all, str_from(name), 0);

    if (at == SIZE_MAX) {
        return (struct str){"", 0};
    }
    size_t begin = at + strlen(name);
    return str_slice(all, begin, str_find(all, STR("\r\n"), begin));
}

static bool is_whole(struct client *client, bool has_body)
{
    char line[32];

    client_take(client);
    size_t head = str_find(buf_str(&client->got), STR("\r\n\r\n"), 0);
    struct str length = header_of(client, "Content-Length: ");
    if (head == SIZE_MAX || !has_body) {
        return head != SIZE_MAX;
    }
    (void)snprintf(line, sizeof(line), "%zu", client->got.length - head - 4);
    return str_equal(length, str_from(line));
}

static void ask(struct house *house, struct client *client, const char *method, const char *headers)
{
    struct buf bytes;

    buf_init(&bytes, 10000);
    buf_clear(&client->got);
    buf_printf(&bytes, "%s / HTTP/1.1\r\nHost: x\r\n%s\r\n", method, headers);
    client_send(house, client, buf_str(&bytes));
    turn_until(house, is_whole(client, strcmp(method, "HEAD") != 0));
    buf_done(&bytes);
}

/* The body of the last answer, unpacked, is the first length bytes of text. */
static void expect_text(const struct client *client, size_t length)
{
    static char unpacked[TEXT_BYTES + 1];
    struct str all = buf_str(&client->got);
    struct str body = str_slice(all, str_find(all, STR("\r\n\r\n"), 0) + 4, all.length);
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)body.data,
                       .avail_in = (unsigned)body.length,
                       .next_out = (unsigned char *)unpacked,
                       .avail_out = sizeof(unpacked)};

    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(stream.total_out, length);
    assert_memory_equal(unpacked, text, length);
    assert_int_equal(inflateEnd(&stream), Z_OK);
}

#define GZIP "Accept-Encoding: gzip\r\n"

static void test_packing_answers_are_the_same(void **state)
{
    static const size_t lengths[] = {1024, 5000, 65536, 65537, 300000};
    struct house house;

    (void)state;
    open_packing(&house);
    struct client client = client_open(&house);
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        next_reply = json_reply(lengths[i]);
        buf_clear(&house.notes);
        ask(&house, &client, "GET", GZIP);
        assert_str(header_of(&client, "Content-Encoding: "), "gzip");
        assert_str(header_of(&client, "Vary: "), "Accept-Encoding");
        expect_text(&client, lengths[i]);
        struct str length = header_of(&client, "Content-Length: ");
        char copy[32];
        (void)snprintf(copy, sizeof(copy), "%.*s", STR_ARGS(length));
        assert_true(house_noted(&house, "answered 200 "));
        assert_false(house_noted(&house, "by itself"));
        /* HEAD has the same headers. */
        ask(&house, &client, "HEAD", GZIP);
        assert_str(header_of(&client, "Content-Encoding: "), "gzip");
        assert_str(header_of(&client, "Content-Length: "), copy);
        assert_true(str_ends_with(buf_str(&client.got), STR("\r\n\r\n")));
        /* Who does not take it gets it plain, and is told that others do not. */
        ask(&house, &client, "GET", "Accept-Encoding: gzip;q=0\r\n");
        assert_str(header_of(&client, "Content-Encoding: "), "");
        assert_str(header_of(&client, "Vary: "), "Accept-Encoding");
        assert_true(str_ends_with(buf_str(&client.got), (struct str){text, lengths[i]}));
    }
    client_close(&client);
    house_close(&house);
}

static void expect_plain(struct house *house, struct client *client, const struct http_reply *reply,
                         bool varies)
{
    next_reply = *reply;
    ask(house, client, "GET", GZIP);
    assert_int_equal(client_count(client, "Content-Encoding: gzip"), 0);
    assert_str(header_of(client, "Vary: "), varies ? "Accept-Encoding" : "");
    assert_true(str_ends_with(buf_str(&client->got), reply->body));
}

static void test_packing_leaves_alone_what_it_must(void **state)
{
    static char noise[2000];
    const struct http_header coded = {STR("content-encoding"), STR("br")};
    struct house house;
    uint64_t random = 88172645463325252u;

    (void)state;
    open_packing(&house);
    struct client client = client_open(&house);
    struct http_reply reply = json_reply(1023);
    expect_plain(&house, &client, &reply, false);
    reply = json_reply(2000);
    reply.keeps_plain = true;
    expect_plain(&house, &client, &reply, false);
    reply = json_reply(2000);
    reply.content_type = STR("image/png");
    expect_plain(&house, &client, &reply, false);
    reply = json_reply(2000);
    reply.headers = &coded;
    reply.header_count = 1;
    expect_plain(&house, &client, &reply, false);
    reply = json_reply(2000);
    reply.status = 206;
    expect_plain(&house, &client, &reply, false);
    /* What does not get shorter; another client's may. */
    for (size_t i = 0; i < sizeof(noise); i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        noise[i] = (char)(random >> 32);
    }
    reply = json_reply(2000);
    reply.body = (struct str){noise, sizeof(noise)};
    expect_plain(&house, &client, &reply, true);
    /* A problem may be compressed as well. */
    next_reply = json_reply(2000);
    next_reply.status = 422;
    ask(&house, &client, "GET", GZIP);
    assert_str(header_of(&client, "Content-Encoding: "), "gzip");
    client_close(&client);
    house_close(&house);
}

static void test_packing_weakens_tags(void **state)
{
    const struct http_header strong = {STR("ETag"), STR("\"abc\"")};
    const struct http_header weak = {STR("ETag"), STR("W/\"abc\"")};
    struct house house;

    (void)state;
    open_packing(&house);
    struct client client = client_open(&house);
    next_reply = json_reply(2000);
    next_reply.headers = &strong;
    next_reply.header_count = 1;
    ask(&house, &client, "GET", GZIP);
    assert_str(header_of(&client, "ETag: "), "W/\"abc\"");
    ask(&house, &client, "GET", "");
    assert_str(header_of(&client, "ETag: "), "\"abc\"");
    next_reply.headers = &weak;
    ask(&house, &client, "GET", GZIP);
    assert_str(header_of(&client, "ETag: "), "W/\"abc\"");
    next_reply = (struct http_reply){.status = 304, .headers = &strong, .header_count = 1};
    ask(&house, &client, "HEAD", GZIP);
    assert_str(header_of(&client, "ETag: "), "W/\"abc\"");
    ask(&house, &client, "HEAD", "");
    assert_str(header_of(&client, "ETag: "), "\"abc\"");
    assert_str(header_of(&client, "Vary: "), "Accept-Encoding");
    client_close(&client);
    house_close(&house);
}

/* Requests behind one another, the first of them with a worker: answers in order. */
static void test_packing_keeps_the_order(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n" GZIP "\r\n";
    struct house house;

    (void)state;
    open_packing(&house);
    next_reply = json_reply(TEXT_BYTES);
    struct client client = client_open(&house);
    client_send(&house, &client,
                STR("GET / HTTP/1.1\r\nHost: x\r\n" GZIP "\r\n"
                    "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    turn_until(&house, client_ended(&client));
    assert_int_equal(client_count(&client, "HTTP/1.1 200 OK"), 2);
    size_t packed = str_find(buf_str(&client.got), STR("Content-Encoding: gzip"), 0);
    size_t plain = str_find(buf_str(&client.got), STR("Connection: close"), 0);
    assert_true(packed < plain);
    assert_true(str_ends_with(buf_str(&client.got), (struct str){text, TEXT_BYTES}));
    client_close(&client);

    /* More at a time than workers take: the rest goes plain, nobody waits in vain. */
    struct client many[40];
    for (size_t i = 0; i < ARRAY_LENGTH(many); i++) {
        many[i] = client_open(&house);
        client_send(&house, &many[i], str_from(request));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(many); i++) {
        turn_until(&house, is_whole(&many[i], true));
        client_close(&many[i]);
    }
    house_close(&house);
}

static void test_packing_forgets_who_left(void **state)
{
    struct house house;

    (void)state;
    open_packing(&house);
    struct client client = client_open(&house);
    next_reply = json_reply(TEXT_BYTES);
    client_send(&house, &client, STR("GET /late HTTP/1.1\r\nHost: x\r\n" GZIP "\r\n"));
    turn_until(&house, house.late);
    assert_int_equal(http_reply(house.server, house.late, &next_reply), OK);
    /* For the handler the exchange is over, whatever happens now. */
    assert_true(house_noted(&house, "answered 200 300000\n"));
    assert_null(http_context(house.server, house.late));
    assert_int_equal(
        setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)),
        0);
    client_close(&client);
    turn_until(&house, http_server_counts(house.server).connections == 0);
    assert_false(house_noted(&house, "gone"));

    /* The server is freed while a worker compresses for it. */
    client = client_open(&house);
    house.late = 0;
    client_send(&house, &client, STR("GET /late HTTP/1.1\r\nHost: x\r\n" GZIP "\r\n"));
    turn_until(&house, house.late);
    assert_int_equal(http_reply(house.server, house.late, &next_reply), OK);
    http_server_free(house.server);
    loop_finish_jobs(house.loop);
    client_close(&client);
    loop_free(house.loop);
    buf_done(&house.notes);
}

static void test_packing_drains_behind_a_worker(void **state)
{
    struct house house;

    (void)state;
    open_packing(&house);
    struct client client = client_open(&house);
    next_reply = json_reply(TEXT_BYTES);
    client_send(&house, &client, STR("GET /late HTTP/1.1\r\nHost: x\r\n" GZIP "\r\n"));
    turn_until(&house, house.late);
    http_server_drain(house.server, 5000, house_stopped, &house);
    assert_int_equal(http_reply(house.server, house.late, &next_reply), OK);
    turn_until(&house, client_ended(&client));
    assert_str(header_of(&client, "Connection: "), "close");
    expect_text(&client, TEXT_BYTES);
    client_close(&client);
    turn_until(&house, house.has_stopped);
    house_close(&house);
}

/* Without memory for compressing an answer goes as it is; a connection is lost at worst. */
static void test_packing_survives_want_of_memory(void **state)
{
    static const size_t lengths[] = {2000, 100000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        bool has_failed = true;
        unsigned plain = 0;

        for (uint64_t nth = 1; has_failed; nth++) {
            struct house house;

            assert_true(nth < 100);
            open_packing(&house);
            assert_int_equal(buf_reserve(&house.notes, 10000), OK);
            next_reply = json_reply(lengths[i]);
            struct client client = client_open(&house);
            ask(&house, &client, "GET", ""); /* what a plain answer needs is there from now on */
            buf_clear(&client.got);
            client_send(&house, &client, STR("GET /late HTTP/1.1\r\nHost: x\r\n" GZIP "\r\n"));
            turn_until(&house, house.late);
            (void)alloc_fail_from(nth);
            (void)http_reply(house.server, house.late, &next_reply);
            loop_finish_jobs(house.loop);
            has_failed = alloc_fail_from(0) >= nth;
            turn_until(&house, client_ended(&client) || is_whole(&client, true));
            plain += !client.has_ended && client_count(&client, "Content-Encoding") == 0;
            assert_true(has_failed || client_count(&client, "Content-Encoding: gzip") == 1);
            client_close(&client);
            house_close(&house);
        }
        assert_true(plain > 0);
    }
}

static void test_packing_gzip_alone(void **state)
{
    struct compressor compressor = {NULL};
    struct buf out;

    (void)state;
    make_text();
    buf_init(&out, 100);
    assert_int_equal(compress_gzip(&compressor, (struct str){text, 1000}, &out), ERR_NO_MEMORY);
    buf_done(&out);
    buf_init(&out, TEXT_BYTES);
    assert_int_equal(compress_gzip(&compressor, STR("x"), &out), ERR_LIMIT);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(compress_gzip(&compressor, (struct str){text, TEXT_BYTES}, &out), OK);
        assert_true(out.length < TEXT_BYTES / 10);
    }
    compressor_done(&compressor);
    buf_done(&out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_packing_answers_are_the_same),
    cmocka_unit_test(test_packing_leaves_alone_what_it_must),
    cmocka_unit_test(test_packing_weakens_tags),
    cmocka_unit_test(test_packing_keeps_the_order),
    cmocka_unit_test(test_packing_forgets_who_left),
    cmocka_unit_test(test_packing_drains_behind_a_worker),
    cmocka_unit_test(test_packing_survives_want_of_memory),
    cmocka_unit_test(test_packing_gzip_alone),
};

HOUSE_MAIN(tests)
