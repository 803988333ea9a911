/*
 * What is special to TLS: versions, protocols, sessions, what is no handshake, the certificate that
 * changes, and memory that OpenSSL does not get. That requests, WebSockets and refusals work as
 * they do without TLS, server_test, websocket_test and malformed_test show.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_fixture.h"

#include <openssl/crypto.h>

#include "base/alloc.h"
#include "http/tls.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct client open_with(struct house *house, SSL_CTX *context)
{
    struct client client = client_open_plain(house);

    client.ssl = client_speak_tls(client.fd, context);
    return client;
}

static void expect_hello(struct house *house, struct client *client)
{
    buf_clear(&client->got);
    client_send(house, client, STR(GET("/")));
    turn_until(house, client_has(client, "hello"));
}

/* The client is sent away before it could ask; n so many handshakes have failed. */
static void expect_failure(struct house *house, struct client *client, unsigned n)
{
    client_send(house, client, STR(GET("/")));
    turn_until(house, client_ended(client) && http_server_counts(house->server).tls_failures == n);
    assert_int_equal(client->got.length, 0);
    client_close(client);
    turn_until(house, http_server_counts(house->server).connections == 0);
}

static void test_tls_speaks_1_2_and_1_3_only(void **state)
{
    static const struct {
        int version;
        const char *name; /* NULL: refused */
    } versions[] = {
        {TLS1_1_VERSION, NULL}, {TLS1_2_VERSION, "TLSv1.2"}, {TLS1_3_VERSION, "TLSv1.3"}};
    struct house house;

    (void)state;
    house_open(&house, NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(versions); i++) {
        SSL_CTX *context = tls_client_context(&house_files);

        SSL_CTX_set_security_level(context, 0); /* so that the client would speak 1.1 */
        (void)SSL_CTX_set_min_proto_version(context, versions[i].version);
        (void)SSL_CTX_set_max_proto_version(context, versions[i].version);
        struct client client = open_with(&house, context);
        if (versions[i].name) {
            expect_hello(&house, &client);
            assert_string_equal(SSL_get_version(client.ssl), versions[i].name);
            client_close(&client);
        } else {
            expect_failure(&house, &client, 1);
        }
        SSL_CTX_free(context);
    }
    turn_until(&house, http_server_counts(house.server).connections == 0);
    house_close(&house);
}

static void test_tls_chooses_http_1_1(void **state)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1";
    static const unsigned char other[] = "\x02h2\x06spdy/3";
    const unsigned char *chosen;
    unsigned length;
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = client_open(&house);
    assert_int_equal(SSL_set_alpn_protos(client.ssl, both, sizeof(both) - 1), 0);
    expect_hello(&house, &client);
    SSL_get0_alpn_selected(client.ssl, &chosen, &length);
    assert_str(((struct str){(const char *)chosen, length}), "http/1.1");
    client_close(&client);
    turn_until(&house, http_server_counts(house.server).connections == 0);
    client = client_open(&house);
    assert_int_equal(SSL_set_alpn_protos(client.ssl, other, sizeof(other) - 1), 0);
    expect_failure(&house, &client, 1);
    house_close(&house);
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION **kept = SSL_get_app_data(ssl);

    SSL_SESSION_free(*kept);
    *kept = session;
    return 1;
}

static void test_tls_resumes_sessions(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct house house;

    (void)state;
    house_open(&house, NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(versions); i++) {
        SSL_CTX *context = tls_client_context(&house_files);
        SSL_SESSION *session = NULL;

        (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
        SSL_CTX_sess_set_new_cb(context, keep_session);
        (void)SSL_CTX_set_max_proto_version(context, versions[i]);
        for (int again = 0; again < 2; again++) {
            struct client client = open_with(&house, context);

            SSL_set_app_data(client.ssl, &session);
            if (again) {
                assert_int_equal(SSL_set_session(client.ssl, session), 1);
            }
            expect_hello(&house, &client);
            assert_int_equal(SSL_session_reused(client.ssl), again);
            assert_non_null(session);
            /* Without it the client does not trust the session any more. */
            assert_true(SSL_shutdown(client.ssl) >= 0);
            client_close(&client);
        }
        SSL_SESSION_free(session);
        SSL_CTX_free(context);
    }
    house_close(&house);
}

static void test_tls_does_not_renegotiate(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    SSL_CTX *context = tls_client_context(&house_files);
    (void)SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    struct client client = open_with(&house, context);
    expect_hello(&house, &client);
    assert_int_equal(SSL_renegotiate(client.ssl), 1);
    assert_int_not_equal(SSL_do_handshake(client.ssl), 1);
    /* A warning or an end, but no second handshake. */
    for (int i = 0; i < 20 && !client.has_ended; i++) {
        turn_for(&house, 1);
        (void)SSL_do_handshake(client.ssl);
        client_take(&client);
    }
    assert_true(SSL_renegotiate_pending(client.ssl));
    client_close(&client);
    SSL_CTX_free(context);
    /* The house goes on. */
    client = client_open(&house);
    expect_hello(&house, &client);
    client_close(&client);
    house_close(&house);
}

/* Keys that the client asks to change, while the server has much to say and the client is slow. */
static void test_tls_changes_keys_between_answers(void **state)
{
    static char body[3000000];
    struct house house;

    (void)state;
    house_open(&house, NULL);
    memset(body, 'k', sizeof(body));
    house.big = (struct str){body, sizeof(body)};
    struct client client = client_open(&house);
    expect_hello(&house, &client);
    buf_clear(&client.got);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        client_send(&house, &client, STR(GET("/big")));
        turn_for(&house, 2);
    }
    turn_until(&house, (client_take(&client), client.got.length > 5 * sizeof(body)));
    assert_int_equal(client_count(&client, "HTTP/1.1 200 OK"), 5);
    client_close(&client);
    house_close(&house);
}

/* A client that makes the server answer without reading: it is sent away before much is held. */
static void test_tls_bounds_what_a_client_makes_it_say(void **state)
{
    struct http_limits limits = http_limits_default;
    struct house house;
    unsigned rounds = 0;
    ssize_t sent = 0;

    (void)state;
    limits.write_timeout_ms = 200;
    house_open(&house, &limits);
    struct client client = client_open(&house);
    expect_hello(&house, &client);
    while (sent >= 0 && rounds++ < 400000 && http_server_counts(house.server).connections == 1) {
        (void)SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED);
        sent = client_try_send(&client, STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        turn(&house);
    }
    turn_until(&house, http_server_counts(house.server).connections == 0);
    client_close(&client);
    house_close(&house);
}

static void test_tls_answers_plain_http_with_a_sentence(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = client_open_plain(&house);
    client_send(&house, &client, STR(GET("/")));
    turn_until(&house, client_ended(&client));
    assert_true(str_starts_with(buf_str(&client.got), STR("HTTP/1.1 400 Bad Request\r\n")));
    assert_true(client_has(&client, "https://"));
    assert_false(client.was_reset);
    assert_false(house_noted(&house, "request"));
    client_close(&client);
    /* What is neither. */
    client = client_open_plain(&house);
    client_send(&house, &client,
                STR("\x16\x03\x01\x02\x00\x01\x00\x01\xfc garbage garbage garbage"));
    client_send(&house, &client, STR("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"));
    client_end_half(&client);
    turn_until(&house, client_ended(&client));
    assert_int_equal(client_count(&client, "HTTP/"), 0);
    client_close(&client);
    turn_until(&house, http_server_counts(house.server).connections == 0);
    assert_int_equal(http_server_counts(house.server).tls_failures, 2);
    house_close(&house);
}

static void test_tls_waits_for_handshakes_only_so_long(void **state)
{
    struct http_limits limits = http_limits_default;
    struct house house;

    (void)state;
    limits.head_timeout_ms = 60;
    house_open(&house, &limits);
    struct client silent = client_open_plain(&house);
    struct client drip = client_open_plain(&house);
    struct client leaves = client_open_plain(&house);
    int64_t began = wall_ms();
    client_send(&house, &leaves, STR("\x16\x03"));
    turn_for(&house, 2);
    client_close(&leaves);
    while (!client_ended(&drip)) {
        client_send(&house, &drip, STR("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"));
        turn_for(&house, 5);
        if (house_noted(&house, "nothing")) {
            break;
        }
        assert_true(wall_ms() - began < PATIENCE_MS);
    }
    turn_until(&house, client_ended(&silent));
    assert_true(wall_ms() - began >= 55);
    assert_int_equal(silent.got.length, 0);
    client_close(&silent);
    client_close(&drip);
    turn_until(&house, http_server_counts(house.server).connections == 0);
    assert_int_equal(http_server_counts(house.server).tls_failures, 3);
    house_close(&house);
}

/* The client says by TLS alone that it sends no more, and hears the end in the same way. */
static void test_tls_ends_as_tls_does(void **state)
{
    struct http_limits limits = http_limits_default;
    struct house house;

    (void)state;
    limits.idle_timeout_ms = 50;
    house_open(&house, &limits);
    struct client client = client_open(&house);
    client_send(&house, &client, STR(GET("/late") GET("/2")));
    assert_true(SSL_shutdown(client.ssl) >= 0);
    turn_until(&house, house.late);
    turn_for(&house, 5);
    reply_text(&house, house.late, 200, STR("late"));
    turn_until(&house, client_ended(&client));
    assert_int_equal(client_count(&client, "HTTP/1.1 200 OK"), 2);
    assert_true(client.was_told);
    client_close(&client);
    /* A connection that nobody needs any more. */
    client = client_open(&house);
    expect_hello(&house, &client);
    turn_until(&house, client_ended(&client));
    assert_true(client.was_told);
    client_close(&client);
    /* Connection: close. */
    client = client_open(&house);
    client_send(&house, &client, STR("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    turn_until(&house, client_ended(&client));
    assert_true(client.was_told);
    client_close(&client);
    /* The reader of a stream that says that it ends has left. */
    client = client_open(&house);
    client_send(&house, &client, STR(GET("/stream")));
    turn_until(&house, client_has(&client, ": hi"));
    buf_clear(&house.notes);
    assert_true(SSL_shutdown(client.ssl) >= 0);
    turn_until(&house, house_noted(&house, "gone 0\n"));
    client_close(&client);
    house_close(&house);
}

/* ---- the certificate ---- */

static int64_t seconds_left(const struct house *house)
{
    return http_server_certificate_ends(house->server) - (int64_t)time(NULL);
}

static void expect_name(struct house *house, const char *name)
{
    char text[64];
    SSL_CTX *context = SSL_CTX_new(TLS_client_method()); /* whoever it is */
    struct client client = open_with(house, context);
    expect_hello(house, &client);
    X509 *certificate = SSL_get1_peer_certificate(client.ssl);
    assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text,
                                          sizeof(text)) > 0);
    assert_string_equal(text, name);
    X509_free(certificate);
    client_close(&client);
    SSL_CTX_free(context);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_tls_takes_a_new_certificate_without_dropping_anyone(void **state)
{
    struct house house;
    struct error error;

    (void)state;
    house_files_renew("first", 3600);
    house_open(&house, NULL);
    assert_in_range(seconds_left(&house), 3590, 3600);
    SSL_CTX *first_context = tls_client_context(&house_files);
    struct client old = open_with(&house, first_context);
    expect_hello(&house, &old);
    expect_name(&house, "first");
    house_files_renew("second", 7200);
    expect_name(&house, "first");
    assert_int_equal(http_server_reload(house.server, &error), OK);
    expect_name(&house, "second");
    assert_in_range(seconds_left(&house), 7190, 7200);
    expect_hello(&house, &old);

    /* A key that belongs to another certificate; a certificate that is none; no file at all. */
    EVP_PKEY *key = EVP_EC_gen("P-256");
    tls_write_key(house_files.key, key);
    EVP_PKEY_free(key);
    assert_int_equal(http_server_reload(house.server, &error), ERR_INVALID);
    assert_non_null(strstr(error.message, "key"));
    write_text(house_files.cert, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_int_equal(http_server_reload(house.server, &error), ERR_INVALID);
    assert_non_null(strstr(error.message, house_files.cert));
    assert_int_equal(unlink(house_files.cert), 0);
    assert_int_equal(http_server_reload(house.server, &error), ERR_IO);
    assert_non_null(strstr(error.message, "No such file"));
    expect_name(&house, "second");
    expect_hello(&house, &old);

    house_files_renew("third", 3600);
    assert_int_equal(http_server_reload(house.server, &error), OK);
    expect_name(&house, "third");
    expect_hello(&house, &old);
    client_close(&old);
    SSL_CTX_free(first_context);
    house_close(&house);
}

static void test_tls_start_says_why_not(void **state)
{
    static const char locked[] =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
        "MIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBDmGd1BGpQ1y8AqI0dX\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n";
    struct http_server *server = NULL;
    struct house house;
    struct error error;

    (void)state;
    house_files_renew("first", 3600);
    house_open(&house, NULL);
    struct http_tls_options tls = {"/nowhere/cert.pem", house_files.key};
    struct http_server_options options = {.loop = house.loop,
                                          .address = "127.0.0.1",
                                          .limits = house.limits,
                                          .tls = &tls,
                                          .handler = &house_handler,
                                          .arg = &house};
    assert_int_equal(http_server_start(&options, &server, &error), ERR_IO);
    assert_non_null(strstr(error.message, "/nowhere/cert.pem"));
    tls = (struct http_tls_options){house_files.cert, house_files.cert};
    assert_int_equal(http_server_start(&options, &server, &error), ERR_INVALID);
    tls = (struct http_tls_options){house_files.cert, house_files.key};
    write_text(house_files.key, locked);
    assert_int_equal(http_server_start(&options, &server, &error), ERR_INVALID);
    assert_null(server);
    house_files_renew("first", 3600);
    house_close(&house);
}

/* ---- without a socket ---- */

struct pair {
    struct loop *loop;
    struct tls_server *server;
    struct tls *tls;
    SSL *client;
    BIO *to_client;
    BIO *from_client;
};

static void pair_open(struct pair *pair)
{
    const struct http_tls_options options = {house_files.cert, house_files.key};
    struct error error;

    assert_int_equal(loop_new(1, &pair->loop, &error), OK);
    assert_int_equal(tls_server_new(pair->loop, &options, &pair->server, &error), OK);
    pair->tls = tls_new(pair->server);
    assert_non_null(pair->tls);
    SSL_CTX *context = tls_client_context(&house_files);
    pair->client = SSL_new(context);
    SSL_CTX_free(context);
    pair->to_client = BIO_new(BIO_s_mem());
    pair->from_client = BIO_new(BIO_s_mem());
    SSL_set_bio(pair->client, pair->to_client, pair->from_client);
    SSL_set_connect_state(pair->client);
}

static void pair_closed(void *arg)
{
    bool *is_closed = arg;

    *is_closed = true;
}

static void pair_close(struct pair *pair)
{
    bool is_closed = false;

    SSL_free(pair->client);
    tls_free(pair->tls);
    tls_server_close(pair->server, pair_closed, &is_closed);
    loop_free(pair->loop);
    assert_true(is_closed);
}

/* What the client has said goes to the server in pieces; what comes out is appended. */
static enum tls_state carry(struct pair *pair, size_t piece_bytes, struct buf *plain)
{
    enum tls_state tls = tls_state(pair->tls);
    char piece[TLS_TAKE_BYTES_MAX];
    int length;

    while ((length = BIO_read(pair->from_client, piece, (int)piece_bytes)) > 0) {
        struct str got;

        tls = tls_take(pair->tls, (struct str){piece, (size_t)length}, &got);
        buf_append(plain, got);
        struct buf *out = tls_out(pair->tls);
        if (out->length) {
            assert_int_equal(BIO_write(pair->to_client, out->data, (int)out->length), out->length);
        }
        buf_clear(out);
    }
    return tls;
}

static void shake_hands(struct pair *pair, size_t piece_bytes)
{
    struct buf plain;

    buf_init(&plain, 100);
    for (int i = 0; i < 10 && SSL_do_handshake(pair->client) != 1; i++) {
        (void)carry(pair, piece_bytes, &plain);
    }
    assert_int_equal(carry(pair, piece_bytes, &plain), TLS_OPEN);
    assert_int_equal(plain.length, 0);
    buf_done(&plain);
}

static void test_tls_reads_bytes_as_they_come(void **state)
{
    static const size_t pieces[] = {1, 7, 4096, TLS_TAKE_BYTES_MAX};
    static char text[200000];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)(i * 7 + i / 251);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        struct pair pair;
        struct buf plain;

        buf_init(&plain, sizeof(text));
        pair_open(&pair);
        shake_hands(&pair, pieces[i]);
        for (size_t at = 0; at < sizeof(text);) {
            int written = SSL_write(pair.client, text + at, (int)(sizeof(text) - at));

            assert_true(written > 0);
            at += (size_t)written;
        }
        assert_int_equal(carry(&pair, pieces[i], &plain), TLS_OPEN);
        assert_true(str_equal(buf_str(&plain), (struct str){text, sizeof(text)}));
        assert_true(SSL_shutdown(pair.client) >= 0);
        assert_int_equal(carry(&pair, pieces[i], &plain), TLS_ENDED);
        pair_close(&pair);
        buf_done(&plain);
    }
}

/* Small parts share a record; what is sealed from any byte on is what the client reads. */
static void test_tls_seals_parts_from_any_byte_on(void **state)
{
    static char big[100000];
    static char got[sizeof(big) + 100];
    static const size_t begins[] = {0, 1, 3, 4, 9, 10, 100, 16393, 90000, 100013};
    struct pair pair;

    (void)state;
    for (size_t i = 0; i < sizeof(big); i++) {
        big[i] = (char)(i * 13 + i / 241);
    }
    pair_open(&pair);
    shake_hands(&pair, 1000);
    for (size_t i = 0; i < ARRAY_LENGTH(begins); i++) {
        static char first[] = "abcd";
        static char second[] = "efghij";
        static char last[] = "\r\n.";
        uv_buf_t parts[] = {{.base = first, .len = 4},  {.base = first, .len = 0},
                            {.base = second, .len = 6}, {.base = big, .len = sizeof(big)},
                            {.base = last, .len = 3},   {.base = last, .len = 0}};
        size_t total = 10 + sizeof(big) + 3;
        size_t at = begins[i];
        size_t length = 0;

        assert_int_equal(total, 100013);
        while (at < total) {
            int sealed = tls_seal(pair.tls, parts, 6, at);
            struct buf *out = tls_out(pair.tls);

            assert_in_range(sealed, 1, TLS_SEAL_BYTES + 16384);
            assert_true(out->length < TLS_OUT_BYTES_MAX);
            assert_int_equal(BIO_write(pair.to_client, out->data, (int)out->length), out->length);
            buf_clear(out);
            at += (size_t)sealed;
        }
        assert_int_equal(at, total);
        int part;
        while ((part = SSL_read(pair.client, got + length, (int)(sizeof(got) - length))) > 0) {
            length += (size_t)part;
        }
        assert_int_equal(length, total - begins[i]);
        char expected[] = "abcdefghij";
        for (size_t j = 0; j < length; j++) {
            size_t from = begins[i] + j;
            char c = from < 10                 ? expected[from]
                     : from < 10 + sizeof(big) ? big[from - 10]
                                               : "\r\n."[from - 10 - sizeof(big)];
            assert_int_equal(got[j], c);
        }
    }
    pair_close(&pair);
}

static void test_tls_fails_on_what_was_changed_on_its_way(void **state)
{
    struct pair pair;
    struct str plain;
    char record[200];

    (void)state;
    pair_open(&pair);
    shake_hands(&pair, 1000);
    assert_int_equal(SSL_write(pair.client, "hello", 5), 5);
    int length = BIO_read(pair.from_client, record, sizeof(record));
    assert_true(length > 5);
    record[length - 1] ^= 1;
    assert_int_equal(tls_take(pair.tls, (struct str){record, (size_t)length}, &plain), TLS_FAILED);
    assert_int_equal(plain.length, 0);
    assert_true(tls_out(pair.tls)->length > 0); /* the alert */
    buf_clear(tls_out(pair.tls));
    uv_buf_t part = {.base = record, .len = 1};
    assert_int_equal(tls_seal(pair.tls, &part, 1, 0), ERR_IO);
    tls_end(pair.tls);
    assert_int_equal(tls_out(pair.tls)->length, 0);
    pair_close(&pair);
}

/* ---- want of memory ---- */

/* What OpenSSL allocates fails from the nth on, when it is not 0; on the server's side only. */
static uint64_t openssl_fails_from;
static uint64_t openssl_asked;

static bool openssl_is_refused(void)
{
    return openssl_fails_from && ++openssl_asked >= openssl_fails_from;
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return openssl_is_refused() ? NULL : malloc(size);
}

static void *openssl_realloc(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return openssl_is_refused() ? NULL : realloc(memory, size);
}

static void openssl_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

/* A client's whole life, with OpenSSL's memory failing from the nth allocation of the server on:
 * the client is served or sent away, and the next one is served. */
static void live_with_failure(struct house *house, uint64_t nth, bool *ret_has_failed)
{
    struct client client = client_open(house);
    int64_t until = wall_ms() + PATIENCE_MS;
    struct str rest = STR(GET("/") "GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    openssl_asked = 0;
    *ret_has_failed = false;
    while (!client_ended(&client)) {
        ssize_t sent = rest.length ? client_try_send(&client, rest) : 0;

        rest = str_slice(rest, sent > 0 ? (size_t)sent : 0, rest.length);
        openssl_fails_from = nth;
        turn(house);
        openssl_fails_from = 0;
        assert_true(wall_ms() < until);
    }
    *ret_has_failed = openssl_asked >= nth;
    client_close(&client);
    turn_until(house, http_server_counts(house->server).connections == 0);
}

static void test_tls_survives_openssl_without_memory(void **state)
{
    static char body[200000];
    struct http_limits limits = http_limits_default;
    struct house house;
    bool has_failed = true;
    struct client client;

    (void)state;
    limits.head_timeout_ms = 500;
    limits.idle_timeout_ms = 500;
    house_open(&house, &limits);
    house.big = (struct str){body, sizeof(body)};
    for (uint64_t nth = 1; has_failed; nth += nth < 300 ? 1 : 7) {
        assert_true(nth < 5000);
        live_with_failure(&house, nth, &has_failed);
    }
    client = client_open(&house);
    expect_hello(&house, &client);
    client_close(&client);
    house_close(&house);
}

static void test_tls_start_survives_want_of_memory(void **state)
{
    const struct http_tls_options options = {house_files.cert, house_files.key};
    struct error error;
    struct loop *loop;
    int code = ERR_NO_MEMORY;
    bool is_closed = false;

    (void)state;
    assert_int_equal(loop_new(1, &loop, &error), OK);
    for (uint64_t nth = 1; code; nth++) {
        struct tls_server *server;

        (void)alloc_fail_from(nth);
        code = tls_server_new(loop, &options, &server, &error);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        if (code == OK) {
            tls_server_close(server, pair_closed, &is_closed);
        }
        assert_true(nth < 100);
    }
    code = ERR_NO_MEMORY;
    for (uint64_t nth = 1; code; nth += nth < 300 ? 1 : 17) {
        struct tls_server *server;

        openssl_asked = 0;
        openssl_fails_from = nth;
        code = tls_server_new(loop, &options, &server, &error);
        openssl_fails_from = 0;
        assert_true(error.message[0]);
        if (code == OK) {
            tls_server_close(server, pair_closed, &is_closed);
        }
        assert_true(nth < 20000);
    }
    loop_free(loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_tls_speaks_1_2_and_1_3_only),
    cmocka_unit_test(test_tls_chooses_http_1_1),
    cmocka_unit_test(test_tls_resumes_sessions),
    cmocka_unit_test(test_tls_does_not_renegotiate),
    cmocka_unit_test(test_tls_changes_keys_between_answers),
    cmocka_unit_test(test_tls_bounds_what_a_client_makes_it_say),
    cmocka_unit_test(test_tls_answers_plain_http_with_a_sentence),
    cmocka_unit_test(test_tls_waits_for_handshakes_only_so_long),
    cmocka_unit_test(test_tls_ends_as_tls_does),
    cmocka_unit_test(test_tls_takes_a_new_certificate_without_dropping_anyone),
    cmocka_unit_test(test_tls_start_says_why_not),
    cmocka_unit_test(test_tls_reads_bytes_as_they_come),
    cmocka_unit_test(test_tls_seals_parts_from_any_byte_on),
    cmocka_unit_test(test_tls_fails_on_what_was_changed_on_its_way),
    cmocka_unit_test(test_tls_survives_openssl_without_memory),
    cmocka_unit_test(test_tls_start_survives_want_of_memory),
};

int main(void)
{
    /* Before OpenSSL has allocated anything. */
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1) {
        return 1;
    }
    house_files_make();
    house_is_tls = true;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    house_files_remove();
    return failed;
}
