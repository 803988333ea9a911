/*
 * The listening socket: who comes in, and how the house is emptied.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>

#include "base/alloc.h"
#include "base/check.h"
#include "http/conn.h"
#include "http/reply_head.h"

#define SCRATCH_BYTES_MAX 4096u

const struct http_limits http_limits_default = {
    .connections_max = 4096,
    .head_timeout_ms = 10000,
    .body_timeout_ms = 30000,
    .idle_timeout_ms = 60000,
    .write_timeout_ms = 30000,
    .ws_ping_ms = 20000,
    .ws_messages_per_s = 100,
    .queue_bytes_max = 4u << 20,
};

/* ---- going out ---- */

static void free_server(struct http_server *server)
{
    buf_done(&server->reply_head);
    buf_done(&server->scratch);
    buf_done(&server->common);
    buf_done(&server->packed);
    buf_done(&server->always.bytes);
    compressor_done(&server->compressor);
    networks_done(&server->proxies);
    address_table_done(&server->addresses);
    alloc_free(server->slots);
    alloc_free(server);
}

static void close_timers(struct http_server *server);

/* The last step of a drain, or of a server that is being freed. */
void server_look_whether_empty(struct http_server *server)
{
    if (server->conns || server->compressing || !(server->is_draining || server->is_freed)) {
        return;
    }
    if (server->has_timers) {
        close_timers(server);
        return;
    }
    if (server->open_handles) {
        return;
    }
    if (server->is_freed) {
        free_server(server);
    } else if (server->stopped) {
        loop_fn stopped = server->stopped;

        server->stopped = NULL;
        stopped(server->stopped_arg); /* may free the server */
    }
}

static void on_handle_closed(void *arg)
{
    struct http_server *server = arg;

    server->open_handles--;
    server_look_whether_empty(server);
}

static void close_timers(struct http_server *server)
{
    server->has_timers = false;
    deadlines_close(&server->deadlines, on_handle_closed, server);
    loop_timer_close(&server->grace, on_handle_closed);
    loop_timer_close(&server->linger, on_handle_closed);
    if (server->tls) {
        tls_server_close(server->tls, on_handle_closed, server);
        server->tls = NULL;
    }
}

void server_conn_closed(struct http_server *server)
{
    listener_slot_free(server);
    server_look_whether_empty(server);
}

static void close_all(struct http_server *server)
{
    for (uint32_t slot = 0; slot < server->slots_used; slot++) {
        if (server->slots[slot].state != CONN_FREE) {
            conn_close(&server->slots[slot]);
        }
    }
}

static void on_grace_over(void *arg)
{
    close_all(arg);
}

static void drain_conn(struct conn *conn)
{
    switch (conn->state) {
    case CONN_HANDSHAKE:
        if (!conn->server->is_lingering) {
            conn_close(conn);
        }
        break;
    case CONN_HEAD:
        /* A request that has begun to come in is answered. */
        if (conn->input.length == 0 && !conn->server->is_lingering) {
            conn_end(conn);
        }
        break;
    case CONN_STREAM:
        conn_end(conn);
        break;
    case CONN_WEBSOCKET:
        websocket_close(conn, CONN_CODE_RESTART, "the server restarts");
        break;
    default:
        break;
    }
}

static void drain_all(struct http_server *server)
{
    for (uint32_t slot = 0; slot < server->slots_used; slot++) {
        drain_conn(&server->slots[slot]);
    }
    server_look_whether_empty(server);
}

static void on_linger_over(void *arg)
{
    struct http_server *server = arg;

    server->is_lingering = false;
    drain_all(server);
}

void http_server_drain(struct http_server *server, uint64_t grace_ms, loop_fn stopped, void *arg)
{
    check(!server->is_draining);
    server->is_draining = true;
    server->stopped = stopped;
    server->stopped_arg = arg;
    server->is_lingering = server->linger_ms > 0;
    listener_close(server);
    loop_timer_start(&server->grace, grace_ms > server->linger_ms ? grace_ms : server->linger_ms,
                     /* repeat_ms */ 0);
    if (server->is_lingering) {
        loop_timer_start(&server->linger, server->linger_ms, /* repeat_ms */ 0);
    }
    drain_all(server);
}

void http_server_free(struct http_server *server)
{
    if (!server) {
        return;
    }
    server->is_freed = true;
    listener_close(server);
    close_all(server);
    if (server->has_timers) {
        close_timers(server);
    }
    server_look_whether_empty(server);
}

/* ---- beginning ---- */

static void set_limits(struct http_server *server, const struct http_limits *limits)
{
    const uint64_t durations[DEADLINE_KINDS] = {
        [DEADLINE_HEAD] = limits->head_timeout_ms, [DEADLINE_BODY] = limits->body_timeout_ms,
        [DEADLINE_IDLE] = limits->idle_timeout_ms, [DEADLINE_WRITE] = limits->write_timeout_ms,
        [DEADLINE_PING] = limits->ws_ping_ms,      [DEADLINE_END] = CONN_END_MS,
    };

    server->limits = *limits;
    for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++) {
        server->deadlines.kinds[kind].duration_ms = durations[kind];
    }
}

static int make_addresses(struct http_server *server, struct error *error)
{
    int code = server->limits.connections_per_address_max
                   ? address_table_init(&server->addresses, server->slot_count)
                   : OK;

    return code ? error_set(error, code, "cannot count connections by address: %s",
                            error_code_text(code))
                : OK;
}

/* What options say beside limits. */
static int furnish(struct http_server *server, const struct http_server_options *options,
                   struct error *error)
{
    int code = networks_parse(options->trusted_proxies, options->trusted_proxy_count,
                              &server->proxies, error);

    if (code == OK) {
        code =
            reply_head_set_always(&server->always, options->always, options->always_count, error);
    }
    if (code == OK) {
        code = make_addresses(server, error);
    }
    if (code == OK && options->tls) {
        code = tls_server_new(options->loop, options->tls, &server->tls, error);
        server->open_handles += code == OK ? 1 : 0;
    }
    return code ? code : listener_open(server, options, error);
}

int http_server_start(const struct http_server_options *options, struct http_server **ret_server,
                      struct error *error)
{
    unsigned slots = options->limits.connections_max + CONN_SPARE_SLOTS;

    check(options->limits.connections_max > 0 && slots <= CONN_SLOTS_MAX);
    struct http_server *server = alloc_zeroed(1, sizeof(*server));
    struct conn *conns = alloc_zeroed(slots, sizeof(*conns));
    if (!server || !conns) {
        alloc_free(server);
        alloc_free(conns);
        return error_set(error, ERR_NO_MEMORY, "no memory for %u connections", slots);
    }
    server->loop = options->loop;
    server->handler = options->handler;
    server->arg = options->arg;
    server->compresses = options->compresses;
    server->slots = conns;
    server->slot_count = slots;
    server->free_slot = UINT32_MAX;
    server->listener.fd = -1;
    server->listener.reserve_fd = -1;
    buf_init(&server->reply_head, REPLY_HEAD_BYTES_MAX);
    buf_init(&server->scratch, SCRATCH_BYTES_MAX);
    buf_init(&server->common, SCRATCH_BYTES_MAX + ALWAYS_BYTES_MAX);
    buf_init(&server->packed, HTTP_COMPRESS_INLINE + 1);
    set_limits(server, &options->limits);
    deadlines_init(&server->deadlines, options->loop, conn_deadline);
    loop_timer_init(options->loop, &server->grace, on_grace_over, server);
    loop_timer_init(options->loop, &server->linger, on_linger_over, server);
    server->linger_ms = options->linger_ms;
    server->open_handles = 3;
    server->has_timers = true;
    /* A client that leaves while it is written to must not end the program. */
    (void)signal(SIGPIPE, SIG_IGN);
    int code = furnish(server, options, error);
    if (code) {
        http_server_free(server);
        return code;
    }
    *ret_server = server;
    return OK;
}

int http_server_reload(struct http_server *server, struct error *error)
{
    return server->tls ? tls_server_reload(server->tls, error) : OK;
}

int64_t http_server_certificate_ends(const struct http_server *server)
{
    return server->tls ? tls_server_ends(server->tls) : 0;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

struct http_server_counts http_server_counts(const struct http_server *server)
{
    return server->counts;
}
