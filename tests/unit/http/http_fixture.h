/*
 * A server on a free port in a loop that the test turns itself, and non-blocking client sockets in
 * the same thread. The handler answers by path and writes down what it was told. HOUSE_MAIN runs
 * all tests twice, plain and over TLS.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_HTTP_FIXTURE_H
#define NETRA_TESTS_HTTP_FIXTURE_H

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "certificate.h"
#include "http/server.h"
#include "loop/loop.h"

#define PATIENCE_MS  5000
#define BODY_LIMIT   1000000u
#define OUTPUT_LIMIT ((size_t)64 << 20)

struct house {
    struct loop *loop;
    struct http_server *server;
    struct http_limits limits;
    struct buf notes; /* what the handler was told, one line each */
    http_id late;     /* of the last request for /late, /stream or a WebSocket */
    size_t streamed;  /* bytes of on_body */
    bool must_pause;
    bool tolerates_failure; /* of what the handler asks for */
    unsigned drained;
    unsigned messages;
    bool has_stopped;
    struct str big; /* the body of /big */
};

/* Set by HOUSE_MAIN. */
static bool house_is_tls;
static struct tls_files house_files;
static SSL_CTX *house_client_context;

static inline int64_t wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void turn(struct house *house)
{
    (void)uv_run(loop_uv(house->loop), UV_RUN_NOWAIT);
}

/* Turns the loop until the condition holds; fails the test when it does not within PATIENCE_MS. */
#define turn_until(house, condition)                                                               \
    do {                                                                                           \
        int64_t until_ = wall_ms() + PATIENCE_MS;                                                  \
        while (!(condition)) {                                                                     \
            if (wall_ms() > until_) {                                                              \
                fail_msg("waited in vain for: %s", #condition);                                    \
            }                                                                                      \
            turn(house);                                                                           \
        }                                                                                          \
    } while (0)

static inline void turn_for(struct house *house, int64_t ms)
{
    int64_t until = wall_ms() + ms;

    while (wall_ms() < until) {
        turn(house);
    }
}

/* ---- the handler ---- */

static inline void reply_text(struct house *house, http_id id, int status, struct str body)
{
    struct http_reply reply = {.status = status, .content_type = STR("text/plain"), .body = body};

    (void)http_reply(house->server, id, &reply);
}

static inline void house_on_head(const struct http_request *request, struct http_plan *plan,
                                 void *arg)
{
    struct house *house = arg;

    if (str_equal(request->path, STR("/refused"))) {
        reply_text(house, request->id, 403, STR("no"));
        return;
    }
    plan->context = house;
    plan->body_bytes_max = str_equal(request->path, STR("/small")) ? 4 : BODY_LIMIT;
    plan->is_streamed = str_equal(request->path, STR("/upload"));
}

static inline void begin_stream(struct house *house, http_id id)
{
    struct http_reply reply = {
        .status = 200, .content_type = STR("text/event-stream"), .body = STR(": hi\n\n")};

    house->late = id;
    int code = http_stream_begin(house->server, id, &reply);
    assert_true(code == OK || house->tolerates_failure);
}

static inline void house_on_request(const struct http_request *request, void *arg)
{
    struct house *house = arg;

    assert_ptr_equal(request->context, house);
    buf_printf(&house->notes, "request %.*s ?%.*s body %zu\n", STR_ARGS(request->path),
               STR_ARGS(request->query), request->body.length);
    if (str_equal(request->path, STR("/late"))) {
        house->late = request->id;
    } else if (str_equal(request->path, STR("/stream"))) {
        begin_stream(house, request->id);
    } else if (str_equal(request->path, STR("/big"))) {
        reply_text(house, request->id, 200, house->big);
    } else if (str_equal(request->path, STR("/none"))) {
        (void)http_reply(house->server, request->id, &(struct http_reply){.status = 204});
    } else if (request->is_upgrade) {
        house->late = request->id;
        int code = http_upgrade(house->server, request->id, "ag-ui.v1+json", house);
        assert_true(code == OK || house->tolerates_failure);
    } else if (request->body.length) {
        reply_text(house, request->id, 200, request->body);
    } else {
        reply_text(house, request->id, 200, STR("hello"));
    }
}

static inline void house_on_body(http_id id, void *context, struct str piece, void *arg)
{
    struct house *house = arg;

    assert_ptr_equal(context, house);
    house->late = id;
    house->streamed += piece.length;
    if (house->must_pause) {
        http_body_pause(house->server, id);
    }
}

static inline void house_on_gone(http_id id, void *context, unsigned ws_code, void *arg)
{
    struct house *house = arg;

    assert_ptr_equal(context, house);
    assert_int_equal(http_queued(house->server, id), 0);
    buf_printf(&house->notes, "gone %u\n", ws_code);
}

static inline void house_on_ws_message(http_id id, void *context, struct str text, void *arg)
{
    struct house *house = arg;

    assert_ptr_equal(context, house);
    house->messages++;
    if (str_equal(text, STR("close"))) {
        ws_close(house->server, id, 1000, "as you like");
        return;
    }
    struct ws_frame *frame = ws_frame_text(text);
    assert_non_null(frame);
    (void)ws_send(house->server, id, frame);
    ws_frame_unref(frame);
}

static inline void house_on_drained(http_id id, void *context, void *arg)
{
    struct house *house = arg;

    (void)id;
    assert_ptr_equal(context, house);
    house->drained++;
}

static inline void house_on_answered(const struct http_answer_note *note, void *arg)
{
    struct house *house = arg;

    assert_true(note->duration_us >= 0);
    assert_int_equal(strncmp(note->peer, "127.0.0.1:", 10), 0);
    buf_printf(&house->notes, "answered %d %llu%s\n", note->status, (unsigned long long)note->bytes,
               note->context ? "" : " by itself");
}

static const struct http_handler house_handler = {
    .on_head = house_on_head,
    .on_request = house_on_request,
    .on_body = house_on_body,
    .on_gone = house_on_gone,
    .on_ws_message = house_on_ws_message,
    .on_drained = house_on_drained,
    .on_answered = house_on_answered,
};

static inline void house_stopped(void *arg)
{
    struct house *house = arg;

    house->has_stopped = true;
}

/* What is not in options is filled in. */
static inline void house_open_with(struct house *house, struct http_server_options options)
{
    const struct http_tls_options tls = {house_files.cert, house_files.key};
    struct error error;

    *house = (struct house){.limits = options.limits};
    buf_init(&house->notes, 1 << 20);
    assert_int_equal(loop_new(1, &house->loop, &error), OK);
    options.loop = house->loop;
    options.address = options.address ? options.address : "127.0.0.1";
    options.handler = options.handler ? options.handler : &house_handler;
    options.arg = house;
    options.tls = house_is_tls ? &tls : NULL;
    if (http_server_start(&options, &house->server, &error)) {
        fail_msg("%s", error.message);
    }
}

/* limits: NULL for those that suit most tests. */
static inline void house_open(struct house *house, const struct http_limits *limits)
{
    house_open_with(house,
                    (struct http_server_options){.limits = limits ? *limits : http_limits_default});
}

static inline void house_close(struct house *house)
{
    http_server_free(house->server);
    loop_free(house->loop);
    buf_done(&house->notes);
}

static inline bool house_noted(const struct house *house, const char *line)
{
    return str_find(buf_str(&house->notes), str_from(line), 0) != SIZE_MAX;
}

/* ---- clients ---- */

struct client {
    int fd;
    SSL *ssl; /* NULL: plain */
    struct buf got;
    bool has_ended; /* FIN, or an error */
    bool was_reset;
    bool was_told; /* TLS: that no more comes */
};

/* The handshake is done with the first bytes. */
static inline SSL *client_speak_tls(int fd, SSL_CTX *context)
{
    SSL *ssl = SSL_new(context);

    assert_non_null(ssl);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    assert_int_equal(SSL_set1_host(ssl, "localhost"), 1);
    SSL_set_connect_state(ssl);
    return ssl;
}

static inline struct client client_open_plain(struct house *house)
{
    struct client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(http_server_port(house->server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };

    buf_init(&client.got, OUTPUT_LIMIT);
    assert_true(client.fd >= 0);
    assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return client;
}

static inline struct client client_open(struct house *house)
{
    struct client client = client_open_plain(house);

    client.ssl = house_is_tls ? client_speak_tls(client.fd, house_client_context) : NULL;
    return client;
}

/* Without a word. */
static inline void client_close(struct client *client)
{
    SSL_free(client->ssl);
    (void)close(client->fd);
    buf_done(&client->got);
}

/* Sends no more. */
static inline void client_end_half(struct client *client)
{
    if (client->ssl) {
        (void)SSL_shutdown(client->ssl);
    }
    assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
}

/* How many bytes were taken; 0: not now; -1: the connection is broken. */
static inline ssize_t client_try_send(struct client *client, struct str bytes)
{
    size_t sent = 0;

    if (!client->ssl) {
        ssize_t length = send(client->fd, bytes.data, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);

        return length < 0 && errno == EAGAIN ? 0 : length;
    }
    ERR_clear_error();
    int result = SSL_write_ex(client->ssl, bytes.data, bytes.length, &sent);
    int reason = result == 1 ? SSL_ERROR_NONE : SSL_get_error(client->ssl, result);
    bool may_go_on =
        reason == SSL_ERROR_NONE || reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
    return may_go_on ? (ssize_t)sent : -1;
}

/* Sends all of it, turning the loop as long as the server is slow to read. */
static inline void client_send(struct house *house, struct client *client, struct str bytes)
{
    int64_t until = wall_ms() + PATIENCE_MS;

    while (bytes.length) {
        ssize_t sent = client_try_send(client, bytes);

        if (sent < 0) {
            return; /* the server has closed: the test looks at what it said */
        }
        bytes = str_slice(bytes, (size_t)sent, bytes.length);
        assert_true(wall_ms() < until);
        turn(house);
    }
}

/* How many bytes came; 0: none now, or never again. */
static inline size_t client_receive(struct client *client, char *piece, size_t size)
{
    size_t got = 0;

    if (!client->ssl) {
        ssize_t length = recv(client->fd, piece, size, MSG_DONTWAIT);

        if (length > 0) {
            return (size_t)length;
        }
        client->has_ended = length == 0 || errno != EAGAIN;
        client->was_reset = client->has_ended && length < 0;
        return 0;
    }
    ERR_clear_error();
    errno = 0;
    int result = SSL_read_ex(client->ssl, piece, size, &got);
    int reason = result == 1 ? SSL_ERROR_NONE : SSL_get_error(client->ssl, result);
    if (result != 1 && reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) {
        client->has_ended = true;
        client->was_told = reason == SSL_ERROR_ZERO_RETURN;
        client->was_reset = reason == SSL_ERROR_SYSCALL && errno == ECONNRESET;
    }
    return got;
}

static inline void client_take(struct client *client)
{
    char piece[65536];

    while (!client->has_ended) {
        size_t length = client_receive(client, piece, sizeof(piece));

        if (length == 0) {
            return;
        }
        buf_append(&client->got, (struct str){piece, length});
    }
}

static inline bool client_has(struct client *client, const char *text)
{
    client_take(client);
    return str_find(buf_str(&client->got), str_from(text), 0) != SIZE_MAX;
}

static inline bool client_ended(struct client *client)
{
    client_take(client);
    return client->has_ended;
}

/* How often the text is in what came. */
static inline unsigned client_count(const struct client *client, const char *text)
{
    unsigned count = 0;
    size_t at = 0;

    while ((at = str_find(buf_str(&client->got), str_from(text), at)) != SIZE_MAX) {
        count++;
        at++;
    }
    return count;
}

/* A new certificate, which clients trust from now on. */
static inline void house_files_renew(const char *name, long seconds)
{
    SSL_CTX_free(house_client_context);
    tls_files_renew(&house_files, name, seconds);
    house_client_context = tls_client_context(&house_files);
}

static inline void house_files_remove(void)
{
    SSL_CTX_free(house_client_context);
    tls_files_remove(&house_files);
}

static inline void house_files_make(void)
{
    tls_files_make(&house_files);
    house_client_context = tls_client_context(&house_files);
}

#define HOUSE_MAIN(tests)                                                                          \
    int main(void)                                                                                 \
    {                                                                                              \
        house_files_make();                                                                        \
        int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);                      \
        house_is_tls = true;                                                                       \
        failed += cmocka_run_group_tests_name("over TLS", tests, NULL, NULL);                      \
        house_files_remove();                                                                      \
        return failed;                                                                             \
    }

#endif
