/*
 * Built-in files: the form the client takes, tags that spare it the body, and headers that say how
 * long it may keep it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_fixture.h"

#include "http/static.h"

static const struct http_file table[] = {
    {.path = "/",
     .content_type = "text/html; charset=utf-8",
     .etag = "\"abc\"",
     .body = (const unsigned char *)"plain form",
     .body_bytes = 10,
     .gzip = (const unsigned char *)"GZ",
     .gzip_bytes = 2},
    {.path = "/assets/x-1a.js",
     .content_type = "text/javascript",
     .etag = "\"def\"",
     .body = (const unsigned char *)"js",
     .body_bytes = 2,
     .is_immutable = true},
};
static const struct http_files files = {table, ARRAY_LENGTH(table)};

static void on_head(const struct http_request *request, struct http_plan *plan, void *arg)
{
    (void)request;
    (void)plan;
    (void)arg;
}

static void on_request(const struct http_request *request, void *arg)
{
    struct house *house = arg;
    const struct http_header more[] = {{STR("X-More"), STR("a\r\nb: c")}};
    const struct http_file *file = http_file_find(&files, request->path);

    assert_non_null(file);
    assert_int_equal(http_reply_file(house->server, request, file, more, 1), OK);
}

static const struct http_handler handler = {.on_head = on_head, .on_request = on_request};

/* The answer to a GET with these headers. */
static struct client get(struct house *house, const char *path, const char *headers)
{
    struct client client = client_open(house);
    struct buf bytes;

    buf_init(&bytes, 1000);
    buf_printf(&bytes, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", path, headers);
    client_send(house, &client, buf_str(&bytes));
    turn_until(house, client_ended(&client));
    buf_done(&bytes);
    return client;
}

#define expect(house, path, headers, ...)                                                          \
    do {                                                                                           \
        struct client client_ = get(house, path, headers);                                         \
        const char *texts_[] = {__VA_ARGS__};                                                      \
        for (size_t i_ = 0; i_ < ARRAY_LENGTH(texts_); i_++) {                                     \
            if (!client_has(&client_, texts_[i_])) {                                               \
                fail_msg("no '%s' in: %s", texts_[i_], client_.got.data);                          \
            }                                                                                      \
        }                                                                                          \
        client_close(&client_);                                                                    \
    } while (0)

static void test_static_negotiates(void **state)
{
    struct house house;

    (void)state;
    house_open_with(&house, (struct http_server_options){.limits = http_limits_default,
                                                         .compresses = true,
                                                         .handler = &handler});
    expect(&house, "/", "", " 200 OK", "ETag: \"abc\"\r\n", "\r\n\r\nplain form",
           "Vary: Accept-Encoding\r\n", "Cache-Control: no-cache\r\n",
           "Content-Type: text/html; charset=utf-8\r\n", "X-More: a  b: c\r\n");
    expect(&house, "/", "Accept-Encoding: br, GZIP;q=0.5\r\n", " 200 OK", "ETag: \"abc-gzip\"\r\n",
           "Content-Encoding: gzip\r\n", "\r\n\r\nGZ");
    expect(&house, "/", "Accept-Encoding: *\r\n", "\r\n\r\nGZ");
    expect(&house, "/", "Accept-Encoding: *, gzip;q=0.0\r\n", "\r\n\r\nplain form");
    expect(&house, "/", "Accept-Encoding: gzip;q=0\r\n", "\r\n\r\nplain form");
    expect(&house, "/", "If-None-Match: \"x\", W/\"abc\"\r\n", " 304 Not Modified\r\n",
           "ETag: \"abc\"\r\n");
    expect(&house, "/", "If-None-Match: \"abc\"\r\nAccept-Encoding: gzip\r\n", " 200 OK");
    expect(&house, "/", "If-None-Match: \"abc-gzip\"\r\nAccept-Encoding: gzip\r\n", " 304 ");
    expect(&house, "/", "If-None-Match: *\r\n", " 304 ");
    expect(&house, "/assets/x-1a.js", "Accept-Encoding: gzip\r\n", "\r\n\r\njs",
           "Cache-Control: public, max-age=31536000, immutable\r\n");
    assert_null(http_file_find(&files, STR("/assets")));
    house_close(&house);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_static_negotiates),
};

HOUSE_MAIN(tests)
