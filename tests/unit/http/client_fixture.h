/*
 * Exchanges of the client that write down what they were told, and a listener that says what the
 * test has scripted, whether that is HTTP or not. It allocates nothing: what fails for memory is
 * the client.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_CLIENT_FIXTURE_H
#define NETRA_TESTS_CLIENT_FIXTURE_H

#include "http_fixture.h"

#include "http/client.h"

/* ---- the scripted server ---- */

#define PEERS_MAX 64u

struct script {
    struct house *house;
    uv_tcp_t listener;
    uint16_t port;
    struct str answer; /* written when the head of a request is in */
    bool must_close;   /* behind the answer */
    struct peer {
        struct script *script;
        uv_tcp_t tcp;
        uv_write_t write;
        bool is_open;
    } peers[PEERS_MAX];
    unsigned peer_count;
    unsigned open;
    char got[65536]; /* the beginning of what all peers sent */
    size_t got_bytes;
    char input[65536];
};

static inline void peer_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;

    peer->script->open--;
}

static inline void peer_close(struct peer *peer)
{
    if (peer->is_open) {
        peer->is_open = false;
        uv_close((uv_handle_t *)&peer->tcp, peer_closed);
    }
}

static inline void peer_written(uv_write_t *write, int status)
{
    struct peer *peer = write->data;

    (void)status;
    if (peer->script->must_close) {
        peer_close(peer);
    }
}

static inline void peer_say(struct peer *peer, struct str text)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)text.data, (unsigned)text.length);

    peer->write.data = peer;
    assert_int_equal(
        uv_write(&peer->write, (uv_stream_t *)&peer->tcp, &buf, /* bufs */ 1, peer_written), 0);
}

static inline void peer_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct peer *peer = handle->data;

    (void)size;
    *buf = uv_buf_init(peer->script->input, sizeof(peer->script->input));
}

static inline void peer_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buf)
{
    struct peer *peer = stream->data;
    struct script *script = peer->script;

    if (length < 0) {
        peer_close(peer);
        return;
    }
    size_t room = sizeof(script->got) - script->got_bytes;
    size_t kept = (size_t)length < room ? (size_t)length : room;
    memcpy(script->got + script->got_bytes, buf->base, kept);
    script->got_bytes += kept;
    if (script->answer.length &&
        str_find((struct str){buf->base, (size_t)length}, STR("\r\n\r\n"), 0) < (size_t)length) {
        peer_say(peer, script->answer);
    }
}

static inline void peer_came(uv_stream_t *listener, int status)
{
    struct script *script = listener->data;
    struct peer *peer = &script->peers[script->peer_count];

    assert_int_equal(status, 0);
    assert_true(script->peer_count++ < PEERS_MAX);
    peer->script = script;
    assert_int_equal(uv_tcp_init(loop_uv(script->house->loop), &peer->tcp), 0);
    peer->tcp.data = peer;
    peer->is_open = true;
    script->open++;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&peer->tcp), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&peer->tcp, peer_alloc, peer_read), 0);
}

static inline void script_open(struct house *house, struct script *script)
{
    struct sockaddr_in address;
    int length = sizeof(address);

    memset(script, 0, sizeof(*script));
    script->house = house;
    assert_int_equal(uv_tcp_init(loop_uv(house->loop), &script->listener), 0);
    script->listener.data = script;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(uv_tcp_bind(&script->listener, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&script->listener, 128, peer_came), 0);
    assert_int_equal(uv_tcp_getsockname(&script->listener, (struct sockaddr *)&address, &length),
                     0);
    script->port = ntohs(address.sin_port);
}

static inline void script_close(struct script *script)
{
    for (unsigned i = 0; i < script->peer_count; i++) {
        peer_close(&script->peers[i]);
    }
    uv_close((uv_handle_t *)&script->listener, NULL);
    turn_until(script->house, script->open == 0);
}

static inline bool script_got(const struct script *script, const char *text)
{
    struct str got = {script->got, script->got_bytes};

    return str_find(got, str_from(text), 0) != SIZE_MAX;
}

/* ---- exchanges ---- */

struct exchange {
    struct http_client *client;
    http_call_id id;
    int status;
    char retry_after[32];
    char body[65536];
    size_t body_bytes;
    unsigned heads;
    unsigned pieces;
    unsigned dones;
    int code;
    struct error error;
    /* What the test does within a callback. */
    void (*in_head)(struct exchange *exchange);
    void (*in_piece)(struct exchange *exchange);
    void (*in_done)(struct exchange *exchange);
    struct exchange *other;
    const struct http_call *next;
};

static inline void exchange_on_head(const struct http_answer *answer, void *arg)
{
    struct exchange *exchange = arg;

    assert_int_equal(exchange->heads++, 0);
    assert_int_equal(exchange->dones, 0);
    exchange->status = answer->status;
    (void)snprintf(exchange->retry_after, sizeof(exchange->retry_after), "%.*s",
                   STR_ARGS(http_answer_header(answer, "retry-AFTER")));
    assert_int_equal(http_answer_header(answer, "x-none").length, 0);
    if (exchange->in_head) {
        exchange->in_head(exchange);
    }
}

static inline void exchange_on_piece(struct str piece, void *arg)
{
    struct exchange *exchange = arg;

    assert_int_equal(exchange->heads, 1);
    assert_int_equal(exchange->dones, 0);
    assert_true(piece.length > 0);
    assert_true(exchange->body_bytes + piece.length <= sizeof(exchange->body));
    memcpy(exchange->body + exchange->body_bytes, piece.data, piece.length);
    exchange->body_bytes += piece.length;
    exchange->pieces++;
    if (exchange->in_piece) {
        exchange->in_piece(exchange);
    }
}

static inline void exchange_on_done(int code, const struct error *error, void *arg)
{
    struct exchange *exchange = arg;

    assert_int_equal(exchange->dones++, 0);
    exchange->code = code;
    exchange->error = *error;
    assert_int_equal(error->code, code);
    if (exchange->in_done) {
        exchange->in_done(exchange);
    }
}

static const struct http_call_listener exchange_listener = {
    .on_head = exchange_on_head, .on_piece = exchange_on_piece, .on_done = exchange_on_done};

static inline int exchange_start(struct exchange *exchange, struct http_client *client,
                                 const struct http_call *call, struct error *error)
{
    unsigned before = exchange->heads + exchange->pieces + exchange->dones;

    exchange->client = client;
    int code = http_client_start(client, call, &exchange_listener, exchange, &exchange->id, error);
    assert_int_equal(exchange->heads + exchange->pieces + exchange->dones, before);
    return code;
}

static inline struct str exchange_body(const struct exchange *exchange)
{
    return (struct str){exchange->body, exchange->body_bytes};
}

/* ---- a house, a script and a client ---- */

#define ADDRESS_BYTES 64

struct street {
    struct house house;
    struct script script;
    struct http_client *client;
    char address[ADDRESS_BYTES];
};

static inline void street_open(struct street *street)
{
    struct error error;

    house_open(&street->house, NULL);
    script_open(&street->house, &street->script);
    assert_int_equal(
        http_client_new(street->house.loop, /* ca_file */ NULL, &street->client, &error), OK);
}

static inline void street_close(struct street *street)
{
    http_client_free(street->client);
    script_close(&street->script);
    house_close(&street->house);
}

/* Of the house for "/path", of the script for "". */
static inline struct str address_of(struct street *street, const char *path)
{
    unsigned port = *path ? http_server_port(street->house.server) : street->script.port;

    (void)snprintf(street->address, sizeof(street->address), "http://127.0.0.1:%u%s", port, path);
    return str_from(street->address);
}

/* A GET with time-outs that no test waits for. */
static inline struct http_call call_of(struct street *street, const char *path)
{
    return (struct http_call){
        .method = HTTP_GET,
        .url = address_of(street, path),
        .connect_timeout_ms = PATIENCE_MS,
        .first_byte_timeout_ms = PATIENCE_MS,
        .idle_timeout_ms = PATIENCE_MS,
        .total_timeout_ms = PATIENCE_MS,
        .answer_bytes_max = sizeof(((struct exchange *)NULL)->body),
    };
}

/* From its start to its end. */
static inline void exchange_run(struct street *street, struct exchange *exchange,
                                const struct http_call *call)
{
    struct error error;

    assert_int_equal(exchange_start(exchange, street->client, call, &error), OK);
    turn_until(&street->house, exchange->dones == 1);
    assert_int_equal(http_client_count(street->client), 0);
}

#endif
