/*
 * A connection that has become a WebSocket: the upgrade, frames out, pings, the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/check.h"
#include "http/conn.h"
#include "http/handshake.h"
#include "http/reply_head.h"

#define WINDOW_MS        1000u
#define PINGS_UNANSWERED 2u
#define CODE_TRY_LATER   1013

/* ---- what the reader tells ---- */

/* Every frame counts, so that neither pings nor empty fragments come without end. */
static bool on_frame(void *arg)
{
    struct conn *conn = arg;
    uint64_t now = loop_now_ms(conn->server->loop);

    if (now - conn->ws_window_ms >= WINDOW_MS) {
        conn->ws_window_ms = now;
        conn->ws_frames = 0;
    }
    return ++conn->ws_frames <= conn->server->limits.ws_messages_per_s;
}

static void on_text(struct str text, void *arg)
{
    struct conn *conn = arg;
    struct http_server *server = conn->server;

    /* An earlier message of the same read may have cut the connection off. */
    if (conn->state == CONN_WEBSOCKET && !conn->ws_is_cut) {
        server->handler->on_ws_message(conn->id, conn->plan.context, text, server->arg);
    }
}

static void on_pong(void *arg)
{
    struct conn *conn = arg;

    conn->ws_pings = 0;
}

/* Pongs count into the queue like all else. */
static bool on_output(struct str bytes, void *arg)
{
    struct conn *conn = arg;
    uv_buf_t part = uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.length);

    if (conn->state != CONN_WEBSOCKET) {
        return false;
    }
    if (!conn->ws_is_cut && outbox_cost(&conn->outbox) > conn->server->limits.queue_bytes_max) {
        return false;
    }
    return outbox_send(conn, &part, 1, /* frame */ NULL) == OK;
}

static const struct ws_reader_events events = {
    .on_frame = on_frame,
    .on_text = on_text,
    .on_pong = on_pong,
    .on_output = on_output,
};

/* ---- the connection ---- */

/* After anything that may have written or read a close frame. */
static void look_for_end(struct conn *conn)
{
    if (conn->state != CONN_WEBSOCKET) {
        return;
    }
    if (ws_reader_is_done(conn->ws)) {
        conn_end(conn);
    } else if (ws_reader_is_closing(conn->ws) && conn->wait.kind != DEADLINE_END) {
        deadline_set(&conn->server->deadlines, &conn->wait, DEADLINE_END);
    }
}

void websocket_take(struct conn *conn, struct str input)
{
    ws_reader_feed(conn->ws, input);
    look_for_end(conn);
}

void websocket_close(struct conn *conn, unsigned code, const char *reason)
{
    if (conn->state == CONN_WEBSOCKET && !ws_reader_is_closing(conn->ws)) {
        ws_reader_close(conn->ws, code, reason);
        look_for_end(conn);
    }
}

void websocket_ping_due(struct conn *conn)
{
    if (conn->ws_pings >= PINGS_UNANSWERED) {
        conn_close(conn);
        return;
    }
    conn->ws_pings++;
    deadline_set(&conn->server->deadlines, &conn->wait, DEADLINE_PING);
    ws_reader_ping(conn->ws);
    look_for_end(conn);
}

/* ---- for handlers ---- */

int http_upgrade(struct http_server *server, http_id id, const char *protocol, void *context)
{
    struct conn *conn = conn_find(server, id);

    if (!conn) {
        return ERR_NOT_FOUND;
    }
    check(conn->state == CONN_ANSWER && conn->ws_accept[0]);
    if (ws_reader_new(&events, conn, &conn->ws)) {
        conn_close(conn);
        return ERR_NO_MEMORY;
    }
    server->counts.websockets++;
    reply_head_begin(server, 101, /* headers */ NULL, 0);
    reply_head_field(server, STR("Upgrade"), STR("websocket"));
    reply_head_field(server, STR("Connection"), STR("Upgrade"));
    reply_head_field(server, STR("Sec-WebSocket-Accept"), str_from(conn->ws_accept));
    if (protocol) {
        reply_head_field(server, STR("Sec-WebSocket-Protocol"), str_from(protocol));
    }
    struct str head = reply_head_end(server);
    uv_buf_t part = uv_buf_init((char *)(uintptr_t)head.data, (unsigned)head.length);
    conn->plan.context = context;
    if (head.length == 0 || outbox_send(conn, &part, 1, /* frame */ NULL)) {
        conn_close(conn);
        return ERR_NOT_FOUND;
    }
    conn->status = 101;
    reply_note(conn, context);
    conn->state = CONN_WEBSOCKET;
    if (server->is_draining) {
        websocket_close(conn, CONN_CODE_RESTART, "the server restarts");
    } else if (conn->input.length) {
        conn_take_soon(conn);
    } else {
        deadline_set(&server->deadlines, &conn->wait, DEADLINE_PING);
    }
    return OK;
}

/* NULL when frames cannot be sent any more. */
static struct conn *find_open(const struct http_server *server, http_id id)
{
    struct conn *conn = conn_find(server, id);
    bool is_open = conn && conn->state == CONN_WEBSOCKET && !ws_reader_is_closing(conn->ws);

    return is_open ? conn : NULL;
}

/* What waits is dropped, whole frames of course: the client can ask for it again. */
static void cut_off(struct conn *conn)
{
    conn->ws_is_cut = true;
    conn->ws_code = CODE_TRY_LATER;
    outbox_drop_waiting(&conn->outbox);
    websocket_close(conn, CODE_TRY_LATER, "the reader is too slow");
}

int ws_send(struct http_server *server, http_id id, struct ws_frame *frame)
{
    struct conn *conn = find_open(server, id);

    if (!conn) {
        return ERR_NOT_FOUND;
    }
    size_t cost = outbox_cost(&conn->outbox);
    if (cost && cost + frame->length > server->limits.queue_bytes_max) {
        cut_off(conn);
        return ERR_LIMIT;
    }
    uv_buf_t part = uv_buf_init((char *)frame->bytes, (unsigned)frame->length);
    if (outbox_send(conn, &part, 1, frame)) {
        conn_close(conn);
        return ERR_NOT_FOUND;
    }
    return OK;
}

void ws_close(struct http_server *server, http_id id, unsigned code, const char *reason)
{
    struct conn *conn = find_open(server, id);

    if (conn) {
        websocket_close(conn, code, reason);
    }
}
