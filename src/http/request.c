/*
 * From bytes to the handler: a head is scanned where it lies (in the server's read buffer in the
 * plain case: nothing is copied or allocated), framed, taken apart and given to on_head; then the
 * body goes into a buf, or piece by piece to on_body.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/check.h"
#include "http/conn.h"
#include "http/handshake.h"
#include "http/negotiate.h"
#include "http/target.h"
#include "loop/clock.h"

/* Who the client is, and whether its way is secure: as the connection tells, or a trusted proxy. */
static void find_client(struct conn *conn, const struct head *head)
{
    struct forwarded told;

    conn->is_secure = conn->tls != NULL;
    if (!conn->is_proxy) {
        return;
    }
    forwarded_read(head->headers, head->header_count, &conn->server->proxies, &told);
    if (told.has_client) {
        peer_print(&told.client, /* zone */ 0, told.port, &conn->client);
        conn->shown = &conn->client;
    }
    if (told.says_scheme) {
        conn->is_secure = told.is_secure;
    }
}

/* The request as handlers see it; server->head and server->path hold what it points into. */
static int describe(struct conn *conn, struct http_request *ret_request)
{
    struct http_server *server = conn->server;
    struct head *head = &server->head;
    struct target target;
    struct str key;
    int code = target_parse(head->target, head->host, server->path, &target);

    if (code) {
        return code;
    }
    int upgrade = handshake_check(head, &key);
    if (upgrade < 0) {
        return upgrade;
    }
    conn->ws_accept[0] = '\0';
    if (upgrade) {
        handshake_accept(key, conn->ws_accept);
    }
    find_client(conn, head);
    conn->takes_gzip = server->compresses &&
                       (head->names & http_name_bit(STR("Accept-Encoding"))) &&
                       negotiate_gzip(head->headers, head->header_count);
    *ret_request = (struct http_request){
        .id = conn->id,
        .method = head->method,
        .path = target.path,
        .query = target.query,
        .headers = head->headers,
        .header_count = head->header_count,
        .names = head->names,
        .peer = conn->shown->text,
        .peer_address = peer_address(conn->shown),
        .is_secure = conn->is_secure,
        .is_upgrade = upgrade == 1,
        .received_us = conn->received_us,
        .context = conn->plan.context,
    };
    return OK;
}

/* Scans a whole head, again when its body has come in. */
static int read_head(struct conn *conn, struct str bytes, struct http_request *ret_request)
{
    int code = head_scan(bytes, &conn->server->head);

    return code ? code : describe(conn, ret_request);
}

static void give_request(struct conn *conn, struct http_request *request, struct str body)
{
    struct http_server *server = conn->server;

    request->body = body;
    request->context = conn->plan.context;
    conn->state = CONN_ANSWER;
    deadline_clear(&server->deadlines, &conn->wait);
    server->handler->on_request(request, server->arg);
}

/* The head is fine: asks the handler what it wants. False: it has answered already. */
static bool ask_handler(struct conn *conn, struct http_request *request)
{
    struct http_server *server = conn->server;
    enum conn_state state = conn->state;
    http_id id = conn->id;

    conn->handler_knows = true;
    server->handler->on_head(request, &conn->plan, server->arg);
    return conn->id == id && conn->state == state;
}

/* The first bytes of the body may be in rest already: then nobody waits to be told to go on. */
static void begin_body(struct conn *conn, struct str head_bytes, bool has_more)
{
    struct http_server *server = conn->server;
    const struct head *head = &server->head;

    if (head->has_length && head->length > conn->plan.body_bytes_max) {
        reply_refusal(conn, REFUSAL_BODY_LENGTH);
        return;
    }
    buf_init(&conn->head, HTTP_HEAD_BYTES_MAX);
    buf_init(&conn->body, conn->plan.body_bytes_max);
    buf_append(&conn->head, head_bytes);
    if (buf_status(&conn->head)) {
        reply_refusal(conn, REFUSAL_MEMORY);
        return;
    }
    deadline_set(&server->deadlines, &conn->wait, DEADLINE_BODY);
    if (head->expects_continue && !has_more && !head->is_http_1_0) {
        reply_continue(conn);
    }
}

/* Nothing of the body is taken meanwhile, and no time runs: the handler has the turn. */
static void hold(struct conn *conn, struct str head_bytes)
{
    buf_init(&conn->head, HTTP_HEAD_BYTES_MAX);
    buf_append(&conn->head, head_bytes);
    if (buf_status(&conn->head)) {
        reply_refusal(conn, REFUSAL_MEMORY);
        return;
    }
    conn->is_held = true;
    conn->is_paused = conn->state == CONN_BODY;
}

static void ask_and_go_on(struct conn *conn, struct http_request *request, struct str head_bytes,
                          bool has_more)
{
    conn->plan.is_held = false;
    if (!ask_handler(conn, request)) {
        return;
    }
    if (conn->plan.is_held) {
        hold(conn, head_bytes);
    } else if (conn->state == CONN_BODY) {
        begin_body(conn, head_bytes, has_more);
    } else {
        give_request(conn, request, (struct str){"", 0});
    }
}

/* The head is taken out of the connection: an answer frees what the exchange kept, and the request
 * points into it. */
void request_ask_again(struct conn *conn, bool has_more)
{
    cleanup(buf_done) struct buf head = conn->head;
    struct http_request request;

    buf_init(&conn->head, HTTP_HEAD_BYTES_MAX);
    conn->is_held = false;
    conn->is_ask_due = false;
    conn->is_paused = false;
    int code = read_head(conn, buf_str(&head), &request);
    check(code == OK); /* the same bytes were fine before */
    ask_and_go_on(conn, &request, buf_str(&head), has_more);
}

void http_ask_again(struct http_server *server, http_id id)
{
    struct conn *conn = conn_find(server, id);

    if (conn && conn->is_held) {
        conn->is_ask_due = true;
        conn_take_soon(conn);
    }
}

static void begin_exchange(struct conn *conn, const struct head *head, bool has_body)
{
    conn_new_id(conn);
    conn->method = head->method;
    conn->is_http_1_0 = head->is_http_1_0;
    conn->must_close = head->wants_close || head->is_http_1_0;
    conn->status = 0;
    conn->answer_bytes = 0;
    conn->body_bytes = 0;
    conn->state = has_body ? CONN_BODY : CONN_ANSWER;
}

static void take_whole_head(struct conn *conn, struct str bytes, bool has_more)
{
    struct head *head = &conn->server->head;
    struct http_request request;
    int code = head_scan(bytes, head);
    int step = MESSAGE_END;

    /* Without a body there is nothing that two readers could understand differently. */
    if (!code && (head->is_chunked || head->length)) {
        struct message_framing framing = {head->is_chunked, head->has_length, head->length};

        step = message_begin(&conn->message, bytes, &framing);
        code = step < 0 ? step : OK;
    }
    if (!code) {
        begin_exchange(conn, head, step == MESSAGE_MORE);
        code = describe(conn, &request);
    }
    if (code) {
        reply_refusal(conn, (enum refusal) - code);
        return;
    }
    ask_and_go_on(conn, &request, bytes, has_more);
}

size_t request_take_head(struct conn *conn, struct str input)
{
    struct http_server *server = conn->server;

    if (input.length == 0) {
        return 0;
    }
    if (conn->received_us == 0) {
        conn->received_us = clock_now_us();
        conn->began_us = clock_elapsed_us();
        conn->head_seen = 0;
        conn->shown = &conn->peer;
    }
    int length = head_find_end(input, &conn->head_seen);
    if (length == 0) {
        /* From the first byte on: bytes that drip in do not move it. */
        if (!conn->wait.is_set || conn->wait.kind != DEADLINE_HEAD) {
            deadline_set(&server->deadlines, &conn->wait, DEADLINE_HEAD);
        }
        return 0;
    }
    deadline_clear(&server->deadlines, &conn->wait);
    conn->head_seen = 0;
    if (length < 0) {
        reply_refusal(conn, (enum refusal) - length);
        return input.length;
    }
    bool has_more = input.length > (size_t)length;
    take_whole_head(conn, str_slice(input, 0, (size_t)length), has_more);
    return (size_t)length;
}

/* ---- bodies ---- */

static void end_body(struct conn *conn, struct str body)
{
    struct http_request request;
    int code = read_head(conn, buf_str(&conn->head), &request);

    check(code == OK); /* the same bytes were fine before */
    give_request(conn, &request, body);
}

/* 0 or a negative refusal. */
static int take_piece(struct conn *conn, struct str piece)
{
    struct http_server *server = conn->server;

    if (piece.length > conn->plan.body_bytes_max - conn->body_bytes) {
        return -REFUSAL_BODY_LENGTH;
    }
    conn->body_bytes += piece.length;
    if (conn->plan.is_streamed) {
        server->handler->on_body(conn->id, conn->plan.context, piece, server->arg);
        return OK;
    }
    buf_append(&conn->body, piece);
    return buf_status(&conn->body) ? -REFUSAL_MEMORY : OK;
}

/* One piece at a time: the handler may pause or answer in between. */
size_t request_take_body(struct conn *conn, struct str input)
{
    struct str rest = input;
    struct str piece;
    http_id id = conn->id;
    int step = message_next(&conn->message, &rest, &piece);

    if (step == MESSAGE_PIECE) {
        step = take_piece(conn, piece);
        if (!step && conn->id == id && conn->state == CONN_BODY) {
            deadline_set(&conn->server->deadlines, &conn->wait, DEADLINE_BODY);
            /* The end may need no further byte. */
            if (rest.length == 0 && !conn->is_paused) {
                step = message_next(&conn->message, &rest, &piece);
            }
        }
    }
    if (conn->id != id || conn->state != CONN_BODY) {
        return input.length - rest.length;
    }
    if (step < 0) {
        reply_refusal(conn, (enum refusal) - step);
        return input.length;
    }
    if (step == MESSAGE_END) {
        end_body(conn, conn->plan.is_streamed ? (struct str){"", 0} : buf_str(&conn->body));
    }
    return input.length - rest.length;
}

void http_body_pause(struct http_server *server, http_id id)
{
    struct conn *conn = conn_find(server, id);

    if (conn && conn->state == CONN_BODY && !conn->is_paused) {
        conn->is_paused = true;
        deadline_clear(&server->deadlines, &conn->wait);
        if (!conn->is_taking) {
            conn->is_reading = false;
            (void)uv_read_stop((uv_stream_t *)&conn->tcp);
        }
    }
}

void http_body_resume(struct http_server *server, http_id id)
{
    struct conn *conn = conn_find(server, id);

    if (conn && conn->state == CONN_BODY && conn->is_paused && !conn->is_held) {
        conn->is_paused = false;
        conn_take_soon(conn);
    }
}
