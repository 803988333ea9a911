/* SPDX-License-Identifier: Apache-2.0 */
#include "http/outbox.h"

#include "base/alloc.h"
#include "base/check.h"
#include "http/conn.h"
#include "monitor/fault.h"

struct out_block {
    struct out_block *next;
    struct ws_frame *frame;
    size_t offset; /* bytes of the frame that are gone already */
    bool is_sealed;
};

bool outbox_is_empty(const struct outbox *outbox)
{
    return outbox->first == NULL;
}

size_t outbox_cost(const struct outbox *outbox)
{
    return outbox->bytes + outbox->blocks * OUTBOX_BLOCK_COST;
}

/* A stream or a WebSocket whose client never reads. Whole answers are let through, so that the
 * operator hears what became of the fault. */
static bool is_stalled(struct conn *conn)
{
    bool is_long = conn->state == CONN_STREAM || conn->state == CONN_WEBSOCKET;

    if (is_long && !conn->is_stalled) {
        conn->is_stalled = fault_hits(FAULT_READER_STALLS);
    }
    return conn->is_stalled;
}

/* ---- the list ---- */

static void remove_after(struct outbox *outbox, struct out_block *before)
{
    struct out_block **link = before ? &before->next : &outbox->first;
    struct out_block *block = *link;
    size_t left = block->frame->length - block->offset;

    *link = block->next;
    if (outbox->last == block) {
        outbox->last = before;
    }
    outbox->bytes -= left;
    outbox->blocks--;
    ws_frame_unref(block->frame);
    alloc_free(block);
}

/* Takes the frame over, also when there is no memory. before: NULL for the first place. */
static int insert_after(struct outbox *outbox, struct out_block *before, struct ws_frame *frame,
                        size_t offset, bool is_sealed)
{
    struct out_block *block = alloc_zeroed(1, sizeof(*block));
    struct out_block **link = before ? &before->next : &outbox->first;

    if (!block) {
        ws_frame_unref(frame);
        return ERR_NO_MEMORY;
    }
    *block =
        (struct out_block){.next = *link, .frame = frame, .offset = offset, .is_sealed = is_sealed};
    *link = block;
    if (outbox->last == before) {
        outbox->last = block;
    }
    outbox->bytes += frame->length - offset;
    outbox->blocks++;
    return OK;
}

/* The last one that stays in front of all that is plain, or in flight; NULL: there is none. */
static struct out_block *last_fixed(const struct outbox *outbox)
{
    struct out_block *last = NULL;
    unsigned at = 0;

    for (struct out_block *block = outbox->first;
         block && (at < outbox->in_flight || block->is_sealed); block = block->next) {
        last = block;
        at++;
    }
    return last;
}

/* What the parts hold from byte sent on, in memory of its own. */
static struct ws_frame *copy_rest(const uv_buf_t *parts, unsigned count, size_t sent, size_t total)
{
    struct ws_frame *rest = ws_frame_raw(total - sent);
    size_t at = 0;

    for (unsigned i = 0; rest && i < count; i++) {
        size_t skip = sent < parts[i].len ? sent : parts[i].len;

        if (skip < parts[i].len) {
            memcpy(rest->bytes + at, parts[i].base + skip, parts[i].len - skip);
        }
        at += parts[i].len - skip;
        sent -= skip;
    }
    return rest;
}

/* ---- in flight ---- */

static int fly(struct conn *conn);

static void on_written(uv_write_t *request, int status)
{
    struct conn *conn = request->data;
    struct outbox *outbox = &conn->outbox;

    while (outbox->in_flight) {
        outbox->in_flight--;
        remove_after(outbox, /* before */ NULL);
    }
    if (conn->state == CONN_CLOSING) {
        return;
    }
    deadline_clear(&conn->server->deadlines, &conn->write);
    if (status || (outbox->first && fly(conn))) {
        conn_close(conn);
        return;
    }
    if (!outbox->first) {
        conn_drained(conn);
    }
}

static uv_buf_t rest_of(const struct out_block *block)
{
    size_t left = block->frame->length - block->offset;

    check(left <= UINT32_MAX);
    return uv_buf_init((char *)block->frame->bytes + block->offset, (unsigned)left);
}

/* Hands the first blocks to libuv: all of them, or those that are sealed. */
static int write_blocks(struct conn *conn)
{
    struct outbox *outbox = &conn->outbox;
    uv_buf_t parts[OUTBOX_FLIGHT_MAX];
    unsigned count = 0;
    size_t bytes = 0;

    for (struct out_block *block = outbox->first;
         block && count < OUTBOX_FLIGHT_MAX && bytes < OUTBOX_FLIGHT_BYTES; block = block->next) {
        if (conn->tls && !block->is_sealed) {
            break;
        }
        parts[count] = rest_of(block);
        bytes += parts[count++].len;
        outbox->sealed_waiting -= block->is_sealed ? parts[count - 1].len : 0;
    }
    outbox->request.data = conn;
    if (uv_write(&outbox->request, (uv_stream_t *)&conn->tcp, parts, count, on_written)) {
        return ERR_IO;
    }
    outbox->in_flight = count;
    conn->server->counts.bytes_out += bytes;
    conn->write_left = uv_stream_get_write_queue_size((uv_stream_t *)&conn->tcp);
    deadline_set(&conn->server->deadlines, &conn->write, DEADLINE_WRITE);
    return OK;
}

/* What is in tls_out from byte from on becomes a block in front of all that is plain. */
static int keep_sealed(struct conn *conn, size_t from)
{
    struct outbox *outbox = &conn->outbox;
    struct buf *out = tls_out(conn->tls);
    struct ws_frame *frame = ws_frame_raw(out->length - from);

    if (frame) {
        memcpy(frame->bytes, out->data + from, out->length - from);
        outbox->sealed_waiting += out->length - from;
    }
    buf_clear(out);
    return frame ? insert_after(outbox, last_fixed(outbox), frame, 0, /* is_sealed */ true)
                 : ERR_NO_MEMORY;
}

/* Seals the first plain blocks. */
static int seal_blocks(struct conn *conn)
{
    struct outbox *outbox = &conn->outbox;
    uv_buf_t parts[OUTBOX_FLIGHT_MAX];
    unsigned count = 0;

    for (struct out_block *block = outbox->first; block && count < OUTBOX_FLIGHT_MAX;
         block = block->next) {
        parts[count++] = rest_of(block);
    }
    int sealed = tls_seal(conn->tls, parts, count, /* from */ 0);
    if (sealed < 0 || buf_status(tls_out(conn->tls))) {
        buf_clear(tls_out(conn->tls));
        return ERR_IO;
    }
    size_t rest = (size_t)sealed;
    while (rest) {
        size_t left = outbox->first->frame->length - outbox->first->offset;
        size_t step = rest < left ? rest : left;

        outbox->first->offset += step;
        outbox->bytes -= step;
        rest -= step;
        if (step == left) {
            remove_after(outbox, /* before */ NULL);
        }
    }
    return keep_sealed(conn, /* from */ 0);
}

static int fly(struct conn *conn)
{
    if (is_stalled(conn)) {
        if (!conn->write.is_set) {
            deadline_set(&conn->server->deadlines, &conn->write, DEADLINE_WRITE);
        }
        return OK;
    }
    if (conn->tls && !conn->outbox.first->is_sealed) {
        int code = seal_blocks(conn);

        if (code) {
            return code;
        }
    }
    return write_blocks(conn);
}

/* ---- sending ---- */

static int enqueue(struct conn *conn, struct ws_frame *frame, size_t offset)
{
    struct outbox *outbox = &conn->outbox;
    int code = insert_after(outbox, outbox->last, frame, offset, /* is_sealed */ false);

    return code || outbox->in_flight ? code : fly(conn);
}

/* What the socket takes at once; it must not have anything to take before. */
static int try_write(struct conn *conn, const uv_buf_t *parts, unsigned count, size_t *ret_sent)
{
    int took = uv_try_write((uv_stream_t *)&conn->tcp, parts, count);

    if (took < 0 && took != UV_EAGAIN) {
        return ERR_IO;
    }
    *ret_sent = took > 0 ? (size_t)took : 0;
    conn->server->counts.bytes_out += *ret_sent;
    return OK;
}

int outbox_send_sealed(struct conn *conn)
{
    struct outbox *outbox = &conn->outbox;
    struct buf *out = tls_out(conn->tls);
    size_t sent = 0;
    int code = buf_status(out);

    if (code == OK && outbox_is_empty(outbox) && out->length) {
        uv_buf_t part = uv_buf_init(out->data, (unsigned)out->length);

        code = try_write(conn, &part, 1, &sent);
    }
    if (code || sent == out->length) {
        buf_clear(out);
        return code;
    }
    if (outbox->sealed_waiting > OUTBOX_SEALED_MAX) {
        buf_clear(out);
        return ERR_LIMIT;
    }
    code = keep_sealed(conn, sent);
    return code || outbox->in_flight ? code : fly(conn);
}

/* Seals and writes as long as the socket takes all of it. */
static int send_sealing(struct conn *conn, const uv_buf_t *parts, unsigned count, size_t total,
                        size_t *ret_sent)
{
    size_t sent = 0;

    while (sent < total && outbox_is_empty(&conn->outbox)) {
        int sealed = tls_seal(conn->tls, parts, count, sent);
        int code = sealed < 0 ? sealed : outbox_send_sealed(conn);

        if (code) {
            buf_clear(tls_out(conn->tls));
            return code;
        }
        sent += (size_t)sealed;
    }
    *ret_sent = sent;
    return OK;
}

int outbox_send(struct conn *conn, const uv_buf_t *parts, unsigned count, struct ws_frame *frame)
{
    size_t total = 0;
    size_t sent = 0;
    int code = OK;

    for (unsigned i = 0; i < count; i++) {
        total += parts[i].len;
    }
    if (outbox_is_empty(&conn->outbox) && !is_stalled(conn)) {
        code = conn->tls ? send_sealing(conn, parts, count, total, &sent)
                         : try_write(conn, parts, count, &sent);
    }
    if (code || sent == total) {
        return code;
    }
    if (frame) {
        return enqueue(conn, ws_frame_ref(frame), sent);
    }
    struct ws_frame *rest = copy_rest(parts, count, sent, total);
    return rest ? enqueue(conn, rest, 0) : ERR_NO_MEMORY;
}

void outbox_drop_waiting(struct outbox *outbox)
{
    struct out_block *last = last_fixed(outbox);
    struct out_block *next = last ? last->next : outbox->first;

    if (next && next->offset) {
        last = next; /* its first part is sealed: half a frame would be worse than a late one */
    }
    while (last ? last->next : outbox->first) {
        remove_after(outbox, last);
    }
}

void outbox_done(struct outbox *outbox)
{
    while (outbox->first) {
        remove_after(outbox, /* before */ NULL);
    }
}
