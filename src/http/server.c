/*
 * The listening socket: who comes in, and how the house is emptied.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/check.h"
#include "http/conn.h"
#include "http/reply_head.h"

#define LISTEN_BACKLOG    1024
#define SCRATCH_BYTES_MAX 4096u
#define CODE_RESTART      1012u

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

/* ---- coming in ---- */

static void print_peer(struct conn *conn)
{
    struct sockaddr_storage address;
    int size = sizeof(address);
    char name[INET6_ADDRSTRLEN] = "?";

    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&address, &size)) {
        (void)snprintf(conn->peer, sizeof(conn->peer), "?");
    } else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address;
        (void)uv_ip6_name(in6, name, sizeof(name));
        (void)snprintf(conn->peer, sizeof(conn->peer), "[%s]:%u", name, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)&address;
        (void)uv_ip4_name(in4, name, sizeof(name));
        (void)snprintf(conn->peer, sizeof(conn->peer), "%s:%u", name, ntohs(in4->sin_port));
    }
}

/* False: no slot is free, or nobody is there. */
static bool accept_one(struct http_server *server)
{
    struct conn *conn = conn_new(server);

    if (!conn) {
        /* libuv polls the listener again only after uv_accept: the others wait in the kernel. */
        server->accept_waits = true;
        return false;
    }
    check(uv_tcp_init(loop_uv(server->loop), &conn->tcp) == 0);
    conn->tcp.data = conn;
    server->counts.connections++;
    if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&conn->tcp)) {
        conn_close(conn);
        return false;
    }
    server->counts.accepted++;
    (void)uv_tcp_nodelay(&conn->tcp, 1);
    print_peer(conn);
    if (server->conns > server->limits.connections_max) {
        reply_refusal(conn, REFUSAL_CONNECTIONS);
        return true;
    }
    deadline_set(&server->deadlines, &conn->wait, DEADLINE_IDLE);
    conn_start(conn);
    return true;
}

/* Without file descriptors (EMFILE) libuv accepts and closes with a spare one: no spinning. */
static void on_connection(uv_stream_t *listener, int status)
{
    struct http_server *server = listener->data;

    if (status == 0) {
        (void)accept_one(server);
    }
}

/* ---- going out ---- */

static void free_server(struct http_server *server)
{
    buf_done(&server->reply_head);
    buf_done(&server->scratch);
    buf_done(&server->common);
    alloc_free(server->slots);
    alloc_free(server);
}

static void close_timers(struct http_server *server);

/* The last step of a drain, or of a server that is being freed. */
static void look_whether_empty(struct http_server *server)
{
    if (server->conns || !(server->is_draining || server->is_freed)) {
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
    look_whether_empty(server);
}

static void on_listener_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

static void close_timers(struct http_server *server)
{
    server->has_timers = false;
    deadlines_close(&server->deadlines, on_handle_closed, server);
    loop_timer_close(&server->grace, on_handle_closed);
}

static void close_listener(struct http_server *server)
{
    if (server->has_listener) {
        server->has_listener = false;
        uv_close((uv_handle_t *)&server->listener, on_listener_closed);
    }
}

void server_conn_closed(struct http_server *server)
{
    if (server->accept_waits && server->has_listener) {
        server->accept_waits = false;
        (void)accept_one(server);
    }
    look_whether_empty(server);
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
    case CONN_HEAD:
        /* A request that has begun to come in is answered. */
        if (conn->input.length == 0) {
            conn_end(conn);
        }
        break;
    case CONN_STREAM:
        conn_end(conn);
        break;
    case CONN_WEBSOCKET:
        websocket_close(conn, CODE_RESTART, "the server restarts");
        break;
    default:
        break;
    }
}

void http_server_drain(struct http_server *server, uint64_t grace_ms, loop_fn stopped, void *arg)
{
    check(!server->is_draining);
    server->is_draining = true;
    server->stopped = stopped;
    server->stopped_arg = arg;
    close_listener(server);
    loop_timer_start(&server->grace, grace_ms, /* repeat_ms */ 0);
    for (uint32_t slot = 0; slot < server->slots_used; slot++) {
        drain_conn(&server->slots[slot]);
    }
    look_whether_empty(server);
}

void http_server_free(struct http_server *server)
{
    if (!server) {
        return;
    }
    server->is_freed = true;
    close_listener(server);
    close_all(server);
    if (server->has_timers) {
        close_timers(server);
    }
    look_whether_empty(server);
}

/* ---- beginning ---- */

static int parse_address(const struct http_server_options *options, struct sockaddr_storage *ret,
                         struct error *error)
{
    if (uv_ip4_addr(options->address, options->port, (struct sockaddr_in *)ret) &&
        uv_ip6_addr(options->address, options->port, (struct sockaddr_in6 *)ret)) {
        return error_set(error, ERR_IO, "cannot listen on \"%s\": not an IP address",
                         options->address);
    }
    return OK;
}

static int listen_on(struct http_server *server, const struct http_server_options *options,
                     struct error *error)
{
    struct sockaddr_storage address = {0};
    int size = sizeof(address);
    int code = parse_address(options, &address, error);

    if (code) {
        return code;
    }
    int failed = uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, /* flags */ 0);
    if (!failed) {
        failed = uv_listen((uv_stream_t *)&server->listener, LISTEN_BACKLOG, on_connection);
    }
    if (!failed) {
        failed = uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &size);
    }
    if (failed) {
        return error_set(error, ERR_IO, "cannot listen on %s port %u: %s", options->address,
                         (unsigned)options->port, uv_strerror(failed));
    }
    /* The port lies at the same place in both kinds of addresses. */
    server->port = ntohs(((const struct sockaddr_in *)&address)->sin_port);
    return OK;
}

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
    server->slots = conns;
    server->slot_count = slots;
    server->free_slot = UINT32_MAX;
    buf_init(&server->reply_head, REPLY_HEAD_BYTES_MAX);
    buf_init(&server->scratch, SCRATCH_BYTES_MAX);
    buf_init(&server->common, SCRATCH_BYTES_MAX);
    set_limits(server, &options->limits);
    deadlines_init(&server->deadlines, options->loop, conn_deadline);
    loop_timer_init(options->loop, &server->grace, on_grace_over, server);
    check(uv_tcp_init(loop_uv(options->loop), &server->listener) == 0);
    server->listener.data = server;
    server->open_handles = 3;
    server->has_listener = true;
    server->has_timers = true;
    /* A client that leaves while it is written to must not end the program. */
    (void)signal(SIGPIPE, SIG_IGN);
    int code = listen_on(server, options, error);
    if (code) {
        http_server_free(server);
        return code;
    }
    *ret_server = server;
    return OK;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

struct http_server_counts http_server_counts(const struct http_server *server)
{
    return server->counts;
}
