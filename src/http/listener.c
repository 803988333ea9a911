/* SPDX-License-Identifier: Apache-2.0 */
#include "http/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/check.h"
#include "http/conn.h"
#include "http/refusal.h"
#include "monitor/fault.h"

#define DISCARD_READS 4 /* of what a client has sent that is turned away with the reserve */

/* ---- the socket's events ---- */

static void on_readable(uv_poll_t *poll, int status, int events);

static void pause_accepting(struct http_server *server)
{
    (void)uv_poll_stop(&server->listener.poll);
}

static void go_on_accepting(struct http_server *server)
{
    struct listener *listener = &server->listener;

    if (listener->is_open && uv_poll_start(&listener->poll, UV_READABLE, on_readable)) {
        loop_timer_start(&listener->rest, LISTENER_REST_MS, /* repeat_ms */ 0);
    }
}

static void on_rested(void *arg)
{
    struct http_server *server = arg;

    if (!server->listener.is_waiting) {
        go_on_accepting(server);
    }
}

void listener_slot_free(struct http_server *server)
{
    if (server->listener.is_waiting) {
        server->listener.is_waiting = false;
        go_on_accepting(server);
    }
}

/* ---- without a file descriptor ---- */

static void take_reserve(struct listener *listener)
{
    if (listener->reserve_fd < 0) {
        listener->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

/* What was sent is read: closing on unread bytes would take the answer with it. */
static void turn_away(struct http_server *server, int fd)
{
    server->counts.accept_failures++;
    server->counts.refused++;
    if (!server->tls) {
        struct str text = reply_bare(server, REFUSAL_FILES);

        for (int i = 0; i < DISCARD_READS; i++) {
            if (recv(fd, server->read_buffer, CONN_READ_BYTES, MSG_DONTWAIT) <= 0) {
                break;
            }
        }
        (void)send(fd, text.data, text.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    (void)close(fd);
}

/* False: accepting rests. */
static bool refuse_with_reserve(struct http_server *server)
{
    struct listener *listener = &server->listener;

    take_reserve(listener);
    if (listener->reserve_fd >= 0) {
        (void)close(listener->reserve_fd);
        listener->reserve_fd = -1;
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        bool is_nobody = fd < 0 && errno == EAGAIN; /* the system looks for a descriptor first */
        if (fd >= 0) {
            turn_away(server, fd);
        }
        take_reserve(listener);
        if (fd >= 0 || is_nobody) {
            return fd >= 0;
        }
    }
    server->counts.accept_failures++;
    pause_accepting(server);
    loop_timer_start(&listener->rest, LISTENER_REST_MS, /* repeat_ms */ 0);
    return false;
}

/* ---- coming in ---- */

static int accept_one(const struct http_server *server, struct peer *ret_peer)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);

    int fd = accept4(server->listener.fd, (struct sockaddr *)&address, &size,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        peer_of_socket(&address, ret_peer);
    }
    return fd;
}

/* Why the connection is refused; 0: it is welcome. It is in its slot already. */
static enum refusal look_at(struct http_server *server, bool is_over_share)
{
    if (is_over_share) {
        return REFUSAL_CONNECTIONS_ADDRESS;
    }
    return server->conns > server->limits.connections_max ? REFUSAL_CONNECTIONS : REFUSAL_NONE;
}

static void let_in(struct http_server *server, int fd, const struct peer *peer)
{
    bool is_proxy = networks_have(&server->proxies, &peer->address);
    bool is_counted = server->addresses.rows && !is_proxy;
    bool is_over_share = is_counted && address_table_add(&server->addresses, &peer->address) >
                                           server->limits.connections_per_address_max;

    if (is_over_share && server->at_door >= CONN_SPARE_SLOTS) {
        address_table_remove(&server->addresses, &peer->address);
        server->counts.refused++;
        (void)close(fd);
        return;
    }
    struct conn *conn = conn_new(server);
    conn->peer = *peer;
    conn->is_proxy = is_proxy;
    conn->is_counted = is_counted;
    check(uv_tcp_init(loop_uv(server->loop), &conn->tcp) == 0);
    conn->tcp.data = conn;
    server->counts.connections++;
    if (uv_tcp_open(&conn->tcp, fd)) {
        (void)close(fd);
        conn_close(conn);
        return;
    }
    server->counts.accepted++;
    if (server->tls) {
        conn->tls = tls_new(server->tls);
        if (!conn->tls) {
            conn_close(conn);
            return;
        }
    }
    enum refusal refusal = look_at(server, is_over_share);
    conn->is_at_door = refusal != REFUSAL_NONE;
    server->at_door += conn->is_at_door ? 1 : 0;
    conn_welcome(conn, refusal);
}

/* False: nobody is there any more, or accepting rests. */
static bool take_next(struct http_server *server)
{
    struct peer peer;

    if (!conn_has_slot(server)) {
        server->listener.is_waiting = true;
        pause_accepting(server);
        return false;
    }
    int fd = accept_one(server, &peer);
    if (fd >= 0) {
        if (fault_hits(FAULT_NO_FILES)) {
            turn_away(server, fd);
        } else {
            let_in(server, fd, &peer);
        }
        return true;
    }
    switch (errno) {
    case ECONNABORTED:
    case EINTR:
        return true;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return refuse_with_reserve(server);
    default: /* EAGAIN; what the network says of a connection that is gone */
        return false;
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct http_server *server = poll->data;

    (void)status;
    (void)events;
    for (unsigned i = 0; i < LISTENER_BATCH && server->listener.is_open; i++) {
        if (!take_next(server)) {
            return;
        }
    }
}

/* ---- beginning and end ---- */

static int parse_listen(const struct http_server_options *options, struct sockaddr_storage *ret,
                        socklen_t *ret_size, struct error *error)
{
    if (uv_ip4_addr(options->address, options->port, (struct sockaddr_in *)ret) == 0) {
        *ret_size = sizeof(struct sockaddr_in);
    } else if (uv_ip6_addr(options->address, options->port, (struct sockaddr_in6 *)ret) == 0) {
        *ret_size = sizeof(struct sockaddr_in6);
    } else {
        return error_set(error, ERR_IO, "cannot listen on \"%s\": not an IP address",
                         options->address);
    }
    return OK;
}

/* Connections inherit TCP_NODELAY. */
static int open_socket(struct listener *listener, const struct sockaddr_storage *address,
                       socklen_t size)
{
    int yes = 1;

    listener->fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return listener->fd < 0 ||
                   setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
                   setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) ||
                   bind(listener->fd, (const struct sockaddr *)address, size) ||
                   listen(listener->fd, LISTENER_BACKLOG)
               ? -1
               : 0;
}

/* Not blocking is a property of the socket, whoever holds it; the rest is this descriptor's. */
static int take_socket(struct listener *listener, int fd)
{
    int yes = 1;
    int flags = fcntl(fd, F_GETFL);

    listener->fd = fd;
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC) ||
                   setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes))
               ? -1
               : 0;
}

int listener_open(struct http_server *server, const struct http_server_options *options,
                  struct error *error)
{
    struct listener *listener = &server->listener;
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);

    memset(&address, 0, sizeof(address));
    listener->fd = -1;
    listener->reserve_fd = -1;
    loop_timer_init(server->loop, &listener->rest, on_rested, server);
    listener->has_timer = true;
    server->open_handles++;
    int code = options->inherited_fd ? OK : parse_listen(options, &address, &size, error);
    if (code) {
        return code;
    }
    int failure = options->inherited_fd ? take_socket(listener, options->inherited_fd)
                                        : open_socket(listener, &address, size);
    if (failure || getsockname(listener->fd, (struct sockaddr *)&address, &size)) {
        return error_set(error, ERR_IO, "cannot listen on %s port %u: %s", options->address,
                         (unsigned)options->port, uv_strerror(uv_translate_sys_error(errno)));
    }
    /* The port lies at the same place in both kinds of addresses. */
    server->port = ntohs(((const struct sockaddr_in *)&address)->sin_port);
    take_reserve(listener);
    int failed = uv_poll_init(loop_uv(server->loop), &listener->poll, listener->fd);
    if (failed) {
        return error_set(error, ERR_IO, "cannot listen on %s port %u: %s", options->address,
                         (unsigned)options->port, uv_strerror(failed));
    }
    listener->poll.data = server;
    listener->is_open = true;
    server->open_handles++;
    go_on_accepting(server);
    return OK;
}

static void on_handle_closed(void *arg)
{
    struct http_server *server = arg;

    server->open_handles--;
    server_look_whether_empty(server);
}

static void on_poll_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

void listener_close(struct http_server *server)
{
    struct listener *listener = &server->listener;

    if (listener->is_open) {
        listener->is_open = false;
        uv_close((uv_handle_t *)&listener->poll, on_poll_closed);
    }
    close_fd(&listener->fd);
    close_fd(&listener->reserve_fd);
    if (listener->has_timer) {
        listener->has_timer = false;
        loop_timer_close(&listener->rest, on_handle_closed);
    }
}
