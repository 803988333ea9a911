/*
 * Answers: whole, streamed, and those that the server gives by itself. Head and body go out in one
 * write; only what the socket does not take is copied.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/check.h"
#include "http/conn.h"
#include "http/packing.h"
#include "http/reply_head.h"
#include "loop/clock.h"

#define CHUNK_LINE_BYTES 20
#define SMALL_BODY_BYTES 4096u

static uv_buf_t part_of(struct str text)
{
    check(text.length <= UINT32_MAX);
    return uv_buf_init((char *)(uintptr_t)text.data, (unsigned)text.length);
}

/* Closes when that fails: ERR_NOT_FOUND then, the client is as good as gone. */
static int send_parts(struct conn *conn, const uv_buf_t *parts, unsigned count)
{
    if (outbox_send(conn, parts, count, /* frame */ NULL)) {
        conn_close(conn);
        return ERR_NOT_FOUND;
    }
    return OK;
}

void reply_note(struct conn *conn, void *context)
{
    const struct http_server *server = conn->server;

    if (server->handler->on_answered) {
        struct http_answer_note note = {
            .method = conn->method,
            .context = context,
            .status = conn->status,
            .bytes = conn->answer_bytes,
            .duration_us = clock_elapsed_us() - conn->began_us,
            .peer = conn->shown->text,
        };
        server->handler->on_answered(&note, server->arg);
    }
}

static bool status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* An answer to what is not wholly read must be the last one: what follows would be read as a
 * request. */
static bool is_last_answer(const struct conn *conn, const struct http_reply *reply)
{
    return conn->must_close || reply->must_close || conn->state == CONN_BODY ||
           conn->server->is_draining;
}

/* A tag says of an answer which bytes it has; the compressed form has others. So that it needs no
 * second tag, a strong one becomes weak: If-None-Match compares weakly. */
static void put_etag(struct http_server *server, struct str tag, bool must_be_weak)
{
    buf_clear(&server->scratch);
    if (must_be_weak && !str_starts_with(tag, STR("W/"))) {
        buf_append(&server->scratch, STR("W/"));
    }
    buf_append(&server->scratch, tag);
    if (buf_status(&server->scratch) == OK) {
        reply_head_field(server, STR("ETag"), buf_str(&server->scratch));
    }
}

static void begin_head(struct conn *conn, const struct http_reply *reply, bool has_weak_tag)
{
    struct http_server *server = conn->server;

    check_cmp(reply->header_count, <=, HTTP_REPLY_HEADERS_MAX);
    check(conn->state == CONN_BODY || conn->state == CONN_ANSWER); /* answered once */
    conn->must_close = is_last_answer(conn, reply);
    conn->status = reply->status;
    reply_head_begin(server, reply->status, reply->headers, reply->header_count);
    for (size_t i = 0; i < reply->header_count; i++) {
        if (has_weak_tag && str_equal_ascii_case(reply->headers[i].name, STR("ETag"))) {
            put_etag(server, reply->headers[i].value, has_weak_tag);
        } else {
            reply_head_field(server, reply->headers[i].name, reply->headers[i].value);
        }
    }
    if (reply->content_type.length) {
        reply_head_field(server, STR("Content-Type"), reply->content_type);
    }
    if (conn->must_close) {
        reply_head_field(server, STR("Connection"), STR("close"));
    }
}

/* The head that was begun, and the body: a small one is copied behind the head, which costs less
 * than a second part. */
static int send_whole(struct conn *conn, struct str body)
{
    struct http_server *server = conn->server;
    bool is_small = body.length <= SMALL_BODY_BYTES;

    struct str head = reply_head_end(server);
    if (is_small && head.length) {
        buf_append(&server->reply_head, body);
        head = buf_status(&server->reply_head) ? (struct str){"", 0} : buf_str(&server->reply_head);
    }
    if (head.length == 0) {
        conn_close(conn);
        return ERR_NOT_FOUND;
    }
    uv_buf_t parts[] = {part_of(head), part_of(body)};
    return send_parts(conn, parts, is_small ? 1 : 2);
}

int reply_whole(struct conn *conn, const struct http_reply *reply, struct str gzip, bool varies)
{
    struct http_server *server = conn->server;
    bool has_body = status_has_body(reply->status) && reply->content_type.length;
    struct str body = gzip.length ? gzip : reply->body;

    /* 304 does not know which form the client has. */
    begin_head(conn, reply, gzip.length || (varies && reply->status == 304 && conn->takes_gzip));
    if (gzip.length) {
        reply_head_field(server, STR("Content-Encoding"), STR("gzip"));
    }
    if (varies) {
        reply_head_field(server, STR("Vary"), STR("Accept-Encoding"));
    }
    if (status_has_body(reply->status)) {
        reply_head_number(server, STR("Content-Length"), has_body ? body.length : 0);
    }
    body = has_body && conn->method != HTTP_HEAD ? body : (struct str){"", 0};
    conn->answer_bytes = body.length;
    return send_whole(conn, body);
}

int http_reply(struct http_server *server, http_id id, const struct http_reply *reply)
{
    struct conn *conn = conn_find(server, id);
    struct str gzip = {"", 0};

    if (!conn) {
        return ERR_NOT_FOUND;
    }
    check(!conn->is_deferred); /* answered once */
    enum packing packing = packing_choose(conn, reply);
    if (packing == PACKING_WORKER && packing_defer(conn, reply)) {
        return OK;
    }
    if (packing == PACKING_INLINE) {
        gzip = packing_now(server, reply->body);
    }
    if (reply_whole(conn, reply, gzip, packing != PACKING_NONE)) {
        return ERR_NOT_FOUND;
    }
    reply_note(conn, conn->plan.context);
    conn_exchange_done(conn);
    return OK;
}

/* ---- streams ---- */

static bool is_chunked(const struct conn *conn)
{
    return !conn->is_http_1_0;
}

static int send_piece(struct conn *conn, struct str head, struct str piece)
{
    char line[CHUNK_LINE_BYTES];
    uv_buf_t parts[OUTBOX_PARTS_MAX];
    unsigned count = 0;

    if (head.length) {
        parts[count++] = part_of(head);
    }
    if (piece.length && conn->method != HTTP_HEAD) {
        conn->answer_bytes += piece.length;
        if (is_chunked(conn)) {
            int length = snprintf(line, sizeof(line), "%zx\r\n", piece.length);
            parts[count++] = part_of((struct str){line, (size_t)length});
        }
        parts[count++] = part_of(piece);
        if (is_chunked(conn)) {
            parts[count++] = part_of(STR("\r\n"));
        }
    }
    return count ? send_parts(conn, parts, count) : OK;
}

int http_stream_begin(struct http_server *server, http_id id, const struct http_reply *reply)
{
    struct conn *conn = conn_find(server, id);

    if (!conn) {
        return ERR_NOT_FOUND;
    }
    check(status_has_body(reply->status) && reply->content_type.length);
    begin_head(conn, reply, /* has_weak_tag */ false);
    if (is_chunked(conn)) {
        reply_head_field(server, STR("Transfer-Encoding"), STR("chunked"));
    }
    struct str head = reply_head_end(server);
    if (head.length == 0) {
        conn_close(conn);
        return ERR_NOT_FOUND;
    }
    deadline_clear(&server->deadlines, &conn->wait);
    conn->state = CONN_STREAM;
    return send_piece(conn, head, reply->body);
}

int http_stream_write(struct http_server *server, http_id id, struct str piece)
{
    struct conn *conn = conn_find(server, id);

    if (!conn) {
        return ERR_NOT_FOUND;
    }
    check(conn->state == CONN_STREAM);
    size_t cost = outbox_cost(&conn->outbox);
    if (cost && cost + piece.length > server->limits.queue_bytes_max) {
        conn_close(conn);
        return ERR_LIMIT;
    }
    return send_piece(conn, (struct str){"", 0}, piece);
}

int http_stream_end(struct http_server *server, http_id id)
{
    struct conn *conn = conn_find(server, id);

    if (!conn) {
        return ERR_NOT_FOUND;
    }
    check(conn->state == CONN_STREAM);
    if (is_chunked(conn) && conn->method != HTTP_HEAD) {
        uv_buf_t last = part_of(STR("0\r\n\r\n"));

        if (send_parts(conn, &last, 1)) {
            return ERR_NOT_FOUND;
        }
    }
    reply_note(conn, conn->plan.context);
    conn_exchange_done(conn);
    return OK;
}

void *http_context(const struct http_server *server, http_id id)
{
    const struct conn *conn = conn_find(server, id);

    return conn ? conn->plan.context : NULL;
}

size_t http_queued(const struct http_server *server, http_id id)
{
    struct conn *conn = conn_find(server, id);

    return conn ? conn->outbox.bytes : 0;
}

/* ---- the server by itself ---- */

/* What the handler holds of the exchange is released before the answer. */
static void take_from_handler(struct conn *conn)
{
    struct http_server *server = conn->server;

    if (conn->handler_knows) {
        http_id id = conn->id;
        void *context = conn->plan.context;

        conn_forget_exchange(conn);
        server->handler->on_gone(id, context, 0, server->arg);
    }
    conn_forget_exchange(conn);
}

/* Head and body of a refusal, in server->reply_head; length 0: no memory. */
static struct str write_refusal(struct http_server *server, enum refusal refusal, bool has_body)
{
    int status = refusal_status(refusal);

    buf_clear(&server->scratch);
    refusal_write(refusal, &server->scratch);
    reply_head_begin(server, status, /* headers */ NULL, 0);
    reply_head_field(server, STR("Content-Type"), STR("application/problem+json"));
    reply_head_number(server, STR("Content-Length"), server->scratch.length);
    if (status == 426) {
        reply_head_field(server, STR("Upgrade"), STR("websocket"));
        reply_head_field(server, STR("Sec-WebSocket-Version"), STR("13"));
        reply_head_field(server, STR("Connection"), STR("upgrade, close"));
    } else {
        reply_head_field(server, STR("Connection"), STR("close"));
    }
    if (status == 503 || status == 429) {
        reply_head_field(server, STR("Retry-After"), STR("1"));
    }
    if (reply_head_end(server).length == 0) {
        return (struct str){"", 0};
    }
    if (has_body) {
        buf_append(&server->reply_head, buf_str(&server->scratch));
    }
    return buf_status(&server->reply_head) ? (struct str){"", 0} : buf_str(&server->reply_head);
}

struct str reply_bare(struct http_server *server, enum refusal refusal)
{
    return write_refusal(server, refusal, /* has_body */ true);
}

void reply_refusal(struct conn *conn, enum refusal refusal)
{
    struct http_server *server = conn->server;
    bool has_method = conn->state == CONN_BODY || conn->state == CONN_ANSWER;

    server->counts.refused++;
    take_from_handler(conn);
    if (!has_method) {
        conn->method = HTTP_GET;
    }
    conn->status = refusal_status(refusal);
    struct str text = write_refusal(server, refusal, conn->method != HTTP_HEAD);
    uv_buf_t part = part_of(text);
    if (text.length == 0 || send_parts(conn, &part, 1)) {
        conn_close(conn);
        return;
    }
    conn->answer_bytes = conn->method == HTTP_HEAD ? 0 : server->scratch.length;
    if (conn->received_us == 0) {
        conn->received_us = clock_now_us();
        conn->began_us = clock_elapsed_us();
    }
    reply_note(conn, /* context */ NULL);
    conn_end(conn);
}

void reply_continue(struct conn *conn)
{
    uv_buf_t line = part_of(STR("HTTP/1.1 100 Continue\r\n\r\n"));

    (void)send_parts(conn, &line, 1);
}
