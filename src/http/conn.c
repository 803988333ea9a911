/*
 * The life of a connection: slots and ids, reading, what waits, the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/conn.h"

#include <sys/socket.h>

#include "base/check.h"
#define NO_SLOT UINT32_MAX

/* ---- slots and ids ---- */

bool conn_has_slot(const struct http_server *server)
{
    return server->free_slot != NO_SLOT || server->slots_used < server->slot_count;
}

struct conn *conn_new(struct http_server *server)
{
    uint32_t slot = server->free_slot;

    check(conn_has_slot(server));
    if (slot != NO_SLOT) {
        server->free_slot = server->slots[slot].next_free;
    } else {
        slot = server->slots_used++;
    }
    struct conn *conn = &server->slots[slot];
    memset(conn, 0, sizeof(*conn));
    conn->server = server;
    conn->slot = slot;
    conn->state = CONN_HEAD;
    conn->shown = &conn->peer;
    conn->wait.owner = conn;
    conn->write.owner = conn;
    buf_init(&conn->input, CONN_PENDING_BYTES + CONN_READ_BYTES);
    buf_init(&conn->head, HTTP_HEAD_BYTES_MAX);
    server->conns++;
    return conn;
}

struct conn *conn_find(const struct http_server *server, http_id id)
{
    uint32_t slot = (uint32_t)(id & CONN_SLOTS_MAX);

    if (id == 0 || slot >= server->slots_used) {
        return NULL;
    }
    struct conn *conn = &server->slots[slot];
    bool is_live = conn->state > CONN_HANDSHAKE && conn->state < CONN_END;
    return is_live && conn->id == id ? conn : NULL;
}

void conn_new_id(struct conn *conn)
{
    conn->id = ++conn->server->generation << CONN_SLOT_BITS | conn->slot;
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct conn *conn = handle->data;
    struct http_server *server = conn->server;
    http_id id = conn->id;
    bool owes_gone = conn->handler_knows && !server->is_freed;
    void *context = conn->plan.context;
    unsigned ws_code = conn->ws_code;

    conn_forget_exchange(conn);
    outbox_done(&conn->outbox);
    buf_done(&conn->input);
    tls_free(conn->tls);
    conn->tls = NULL;
    if (conn->is_counted) {
        address_table_remove(&server->addresses, &conn->peer.address);
    }
    server->at_door -= conn->is_at_door ? 1 : 0;
    if (conn->ws) {
        server->counts.websockets--;
        ws_reader_free(conn->ws);
        conn->ws = NULL;
    }
    conn->state = CONN_FREE;
    conn->next_free = server->free_slot;
    server->free_slot = conn->slot;
    server->conns--;
    server->counts.connections--;
    if (owes_gone) {
        server->handler->on_gone(id, context, ws_code, server->arg);
    }
    server_conn_closed(server);
}

void conn_close(struct conn *conn)
{
    if (conn->state == CONN_CLOSING) {
        return;
    }
    if (conn->state == CONN_WEBSOCKET && !conn->ws_code) {
        conn->ws_code = ws_reader_code(conn->ws);
    }
    if (conn->tls && outbox_is_empty(&conn->outbox) && !conn->is_stalled) {
        /* So that the client knows that nothing was cut; not worth waiting for. */
        tls_end(conn->tls);
        (void)outbox_send_sealed(conn);
    }
    conn->state = CONN_CLOSING;
    deadline_clear(&conn->server->deadlines, &conn->wait);
    deadline_clear(&conn->server->deadlines, &conn->write);
    uv_close((uv_handle_t *)&conn->tcp, on_closed);
}

/* In END, with an empty outbox: our FIN, then the client's. Under TLS its own end comes first; if
 * the socket does not take that, this is called again when it has. */
static void send_fin(struct conn *conn)
{
    int fd;

    if (conn->is_half_closed) {
        conn_close(conn);
        return;
    }
    if (conn->tls) {
        tls_end(conn->tls);
        if (outbox_send_sealed(conn)) {
            conn_close(conn);
            return;
        }
        if (!outbox_is_empty(&conn->outbox)) {
            return;
        }
    }
    /* uv_shutdown would need a request of its own; nothing is queued, so FIN can go at once. */
    conn->is_shut = true;
    deadline_set(&conn->server->deadlines, &conn->wait, DEADLINE_END);
    if (uv_fileno((uv_handle_t *)&conn->tcp, &fd) || shutdown(fd, SHUT_WR)) {
        conn_close(conn);
    }
}

void conn_end(struct conn *conn)
{
    if (conn->state == CONN_CLOSING || conn->state == CONN_END) {
        return;
    }
    if (conn->state == CONN_WEBSOCKET && !conn->ws_code) {
        conn->ws_code = ws_reader_code(conn->ws);
    }
    conn->state = CONN_END;
    deadline_clear(&conn->server->deadlines, &conn->wait);
    conn_start(conn);
    if (conn->state == CONN_END && outbox_is_empty(&conn->outbox)) {
        send_fin(conn);
    }
}

void conn_forget_exchange(struct conn *conn)
{
    conn->id = 0;
    conn->plan = (struct http_plan){.body_bytes_max = 0};
    conn->handler_knows = false;
    conn->is_paused = false;
    conn->is_held = false;
    conn->is_ask_due = false;
    conn->is_deferred = false;
    buf_done(&conn->head);
    buf_done(&conn->body);
}

void conn_exchange_done(struct conn *conn)
{
    bool is_last = conn->must_close || conn->state == CONN_BODY || conn->server->is_draining;

    conn_forget_exchange(conn);
    conn->received_us = 0;
    if (is_last) {
        conn_end(conn);
        return;
    }
    conn->state = CONN_HEAD;
    if (conn->input.length || conn->is_half_closed) {
        conn_take_soon(conn);
    } else if (!conn->is_taking && outbox_is_empty(&conn->outbox)) {
        deadline_set(&conn->server->deadlines, &conn->wait, DEADLINE_IDLE);
    }
}

void conn_take_soon(struct conn *conn)
{
    if (!conn->is_taking) {
        deadline_set(&conn->server->deadlines, &conn->wait, DEADLINE_NOW);
    }
}

void conn_drained(struct conn *conn)
{
    const struct http_handler *handler = conn->server->handler;

    switch (conn->state) {
    case CONN_HEAD:
        conn_take_soon(conn);
        break;
    case CONN_STREAM:
    case CONN_WEBSOCKET:
        if (handler->on_drained && !conn->ws_is_cut) {
            handler->on_drained(conn->id, conn->plan.context, conn->server->arg);
        }
        break;
    case CONN_END:
        send_fin(conn);
        break;
    default:
        break;
    }
}

/* ---- reading ---- */

/* Hands the input to whom the state says, until nobody takes more. */
static size_t take(struct conn *conn, struct str input)
{
    size_t used = 0;
    bool goes_on = true;

    while (goes_on) {
        struct str rest = str_slice(input, used, input.length);
        size_t step = 0;

        if (conn->is_ask_due) {
            request_ask_again(conn, rest.length > 0);
        }
        http_id id = conn->id; /* another, without a byte taken: a body's end was the last one */
        switch (conn->state) {
        case CONN_HEAD:
            /* A client that does not read its answers gets no further ones. */
            step = outbox_is_empty(&conn->outbox) ? request_take_head(conn, rest) : 0;
            break;
        case CONN_BODY:
            step = conn->is_paused ? 0 : request_take_body(conn, rest);
            break;
        case CONN_WEBSOCKET:
            websocket_take(conn, rest);
            return input.length;
        case CONN_END:
            conn->discarded += rest.length;
            if (conn->discarded > CONN_DISCARD_BYTES) {
                conn_close(conn);
            }
            return input.length;
        case CONN_CLOSING:
            return input.length;
        default:
            return used;
        }
        used += step;
        goes_on = step > 0 || conn->id != id;
    }
    return used;
}

/* Keeps what was not taken of input, which is conn->input itself or lies elsewhere. */
static void keep_rest(struct conn *conn, struct str input, size_t used)
{
    if (conn->input.data && input.data == conn->input.data) {
        if (used == input.length) {
            buf_done(&conn->input);
        } else if (used) {
            memmove(conn->input.data, conn->input.data + used, input.length - used);
            conn->input.length = input.length - used;
        }
        return;
    }
    if (used < input.length) {
        buf_append(&conn->input, str_slice(input, used, input.length));
        if (buf_status(&conn->input)) {
            conn_close(conn);
        }
    }
}

static void stop_reading(struct conn *conn)
{
    if (conn->is_reading) {
        conn->is_reading = false;
        (void)uv_read_stop((uv_stream_t *)&conn->tcp);
    }
}

/* In HEAD, with all answers gone out: for the next request, if one may come. */
static void wait_for_request(struct conn *conn)
{
    if (conn->is_half_closed) {
        conn_end(conn); /* what is left is no request, and no more will come */
    } else if (conn->input.length == 0) {
        if (conn->server->is_draining && !conn->server->is_lingering) {
            conn_end(conn);
        } else {
            deadline_set(&conn->server->deadlines, &conn->wait, DEADLINE_IDLE);
        }
    }
}

/* After input was looked at: whether to read on, and what to wait for. */
static void settle(struct conn *conn)
{
    struct deadlines *deadlines = &conn->server->deadlines;
    bool is_paused = conn->state == CONN_BODY && conn->is_paused;

    if (conn->state == CONN_CLOSING) {
        return;
    }
    if (is_paused || conn->input.length >= CONN_PENDING_BYTES) {
        stop_reading(conn);
    } else {
        conn_start(conn);
    }
    if (conn->state == CONN_HEAD && outbox_is_empty(&conn->outbox)) {
        wait_for_request(conn);
    } else if (conn->state == CONN_BODY && !is_paused && !conn->wait.is_set) {
        deadline_set(deadlines, &conn->wait, DEADLINE_BODY);
    } else if (conn->state == CONN_WEBSOCKET && !conn->wait.is_set) {
        deadline_set(deadlines, &conn->wait, DEADLINE_PING);
    }
}

static void take_input(struct conn *conn, struct str fresh)
{
    struct str input = fresh;

    if (conn->input.length) {
        buf_append(&conn->input, fresh);
        if (buf_status(&conn->input)) {
            conn_close(conn);
            return;
        }
        input = buf_str(&conn->input);
    }
    conn->is_taking = true;
    size_t used = take(conn, input);
    conn->is_taking = false;
    keep_rest(conn, input, used);
    settle(conn);
}

static void on_end_of_input(struct conn *conn, ssize_t reason)
{
    conn->is_reading = false;
    /* A client that has sent its request may close its half and still wait for the answer. Streams
     * are different: there it is how a reader leaves. */
    bool has_turn_soon = conn->wait.is_set && conn->wait.kind == DEADLINE_NOW;
    bool is_waiting =
        conn->state == CONN_ANSWER ||
        (conn->state == CONN_HEAD && (has_turn_soon || !outbox_is_empty(&conn->outbox))) ||
        (conn->state == CONN_END && !conn->is_shut);
    if (reason == UV_EOF && is_waiting) {
        conn->is_half_closed = true;
        return;
    }
    if (conn->state == CONN_HANDSHAKE && tls_has_begun(conn->tls)) {
        conn->server->counts.tls_failures++;
    }
    conn_close(conn);
}

/* ---- TLS ---- */

/* A browser that was given http:// for https:// deserves a sentence; its request begins with a
 * letter, a handshake with a byte that is none. */
static bool speaks_plain(const struct conn *conn, struct str bytes)
{
    return !tls_has_begun(conn->tls) && bytes.data[0] >= 'A' && bytes.data[0] <= 'Z';
}

static void refuse_plain(struct conn *conn)
{
    conn->server->counts.tls_failures++;
    tls_free(conn->tls);
    conn->tls = NULL;
    reply_refusal(conn, REFUSAL_PLAIN);
}

/* False: there is nothing more to do. */
static bool end_handshake(struct conn *conn, enum tls_state state)
{
    if (state == TLS_HANDSHAKE) {
        return false;
    }
    if (state == TLS_FAILED) {
        conn->server->counts.tls_failures++;
        conn_end(conn); /* behind the alert */
        return false;
    }
    conn->state = CONN_HEAD;
    if (conn->refusal) {
        reply_refusal(conn, conn->refusal);
    } else if (conn->server->is_draining && !conn->server->is_lingering) {
        conn_end(conn);
    } else {
        deadline_set(&conn->server->deadlines, &conn->wait, DEADLINE_IDLE);
    }
    return true;
}

static void take_sealed(struct conn *conn, struct str sealed)
{
    struct str plain;

    if (conn->state == CONN_END) {
        take_input(conn, sealed); /* thrown away, as it is */
        return;
    }
    if (conn->state == CONN_HANDSHAKE && speaks_plain(conn, sealed)) {
        refuse_plain(conn);
        return;
    }
    enum tls_state state = tls_take(conn->tls, sealed, &plain);
    if (outbox_send_sealed(conn)) {
        conn_close(conn);
        return;
    }
    if (conn->state == CONN_HANDSHAKE && !end_handshake(conn, state)) {
        return;
    }
    if (plain.length) {
        take_input(conn, plain);
    }
    if (state == TLS_ENDED) {
        stop_reading(conn);
        on_end_of_input(conn, UV_EOF);
    } else if (state == TLS_FAILED) {
        conn_close(conn);
    }
}

/* ---- the socket ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    struct conn *conn = handle->data;

    (void)suggested;
    *ret_buffer =
        uv_buf_init(conn->server->read_buffer, conn->tls ? TLS_TAKE_BYTES_MAX : CONN_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct conn *conn = stream->data;

    if (length < 0) {
        on_end_of_input(conn, length);
    } else if (length > 0) {
        conn->server->counts.bytes_in += (uint64_t)length;
        struct str bytes = {buffer->base, (size_t)length};

        if (conn->tls) {
            take_sealed(conn, bytes);
        } else {
            take_input(conn, bytes);
        }
    }
}

void conn_start(struct conn *conn)
{
    if (conn->is_reading || conn->is_half_closed) {
        return;
    }
    conn->is_reading = true;
    if (uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read)) {
        conn_close(conn);
    }
}

void conn_welcome(struct conn *conn, enum refusal refusal)
{
    struct deadlines *deadlines = &conn->server->deadlines;

    if (conn->tls) {
        conn->state = CONN_HANDSHAKE;
        conn->refusal = refusal;
        deadline_set(deadlines, &conn->wait, refusal ? DEADLINE_END : DEADLINE_HEAD);
        conn_start(conn);
    } else if (refusal) {
        reply_refusal(conn, refusal);
    } else {
        deadline_set(deadlines, &conn->wait, DEADLINE_IDLE);
        conn_start(conn);
    }
}

/* ---- time ---- */

static void write_overdue(struct conn *conn)
{
    size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&conn->tcp);

    if (left == conn->write_left) {
        conn_close(conn);
        return;
    }
    conn->write_left = left;
    deadline_set(&conn->server->deadlines, &conn->write, DEADLINE_WRITE);
}

void conn_deadline(struct deadline *deadline)
{
    struct conn *conn = deadline->owner;

    switch (deadline->kind) {
    case DEADLINE_NOW:
        take_input(conn, (struct str){NULL, 0});
        break;
    case DEADLINE_HEAD:
        if (conn->state == CONN_HANDSHAKE) {
            conn->server->counts.tls_failures++;
            conn_close(conn);
        } else {
            reply_refusal(conn, REFUSAL_HEAD_TIMEOUT);
        }
        break;
    case DEADLINE_BODY:
        reply_refusal(conn, REFUSAL_BODY_TIMEOUT);
        break;
    case DEADLINE_WRITE:
        write_overdue(conn);
        break;
    case DEADLINE_PING:
        websocket_ping_due(conn);
        break;
    default: /* IDLE, END */
        conn_close(conn);
        break;
    }
}
