/* SPDX-License-Identifier: Apache-2.0 */
#include "http/outbox.h"

#include "base/alloc.h"
#include "base/check.h"
#include "http/conn.h"

struct out_block {
    struct out_block *next;
    struct ws_frame *frame;
    size_t offset; /* bytes of the frame that are gone already */
};

bool outbox_is_empty(const struct outbox *outbox)
{
    return outbox->first == NULL;
}

size_t outbox_cost(const struct outbox *outbox)
{
    return outbox->bytes + outbox->blocks * OUTBOX_BLOCK_COST;
}

static void pop_first(struct outbox *outbox)
{
    struct out_block *block = outbox->first;

    outbox->first = block->next;
    if (!outbox->first) {
        outbox->last = NULL;
    }
    outbox->bytes -= block->frame->length - block->offset;
    outbox->blocks--;
    ws_frame_unref(block->frame);
    alloc_free(block);
}

static int fly(struct conn *conn);

static void on_written(uv_write_t *request, int status)
{
    struct conn *conn = request->data;
    struct outbox *outbox = &conn->outbox;

    while (outbox->in_flight) {
        outbox->in_flight--;
        pop_first(outbox);
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

/* Hands the next blocks to libuv. */
static int fly(struct conn *conn)
{
    struct outbox *outbox = &conn->outbox;
    uv_buf_t parts[OUTBOX_FLIGHT_MAX];
    unsigned count = 0;
    size_t bytes = 0;

    for (struct out_block *block = outbox->first;
         block && count < OUTBOX_FLIGHT_MAX && bytes < OUTBOX_FLIGHT_BYTES; block = block->next) {
        size_t left = block->frame->length - block->offset;

        check(left <= UINT32_MAX);
        parts[count++] = uv_buf_init((char *)block->frame->bytes + block->offset, (unsigned)left);
        bytes += left;
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

static int enqueue(struct conn *conn, struct ws_frame *frame, size_t offset)
{
    struct outbox *outbox = &conn->outbox;
    struct out_block *block = alloc_zeroed(1, sizeof(*block));

    if (!block) {
        ws_frame_unref(frame);
        return ERR_NO_MEMORY;
    }
    block->frame = frame;
    block->offset = offset;
    if (outbox->last) {
        outbox->last->next = block;
    } else {
        outbox->first = block;
    }
    outbox->last = block;
    outbox->bytes += frame->length - offset;
    outbox->blocks++;
    return outbox->in_flight ? OK : fly(conn);
}

int outbox_send(struct conn *conn, const uv_buf_t *parts, unsigned count, struct ws_frame *frame)
{
    size_t total = 0;
    size_t sent = 0;

    for (unsigned i = 0; i < count; i++) {
        total += parts[i].len;
    }
    if (outbox_is_empty(&conn->outbox)) {
        int took = uv_try_write((uv_stream_t *)&conn->tcp, parts, count);

        if (took < 0 && took != UV_EAGAIN) {
            return ERR_IO;
        }
        sent = took > 0 ? (size_t)took : 0;
        conn->server->counts.bytes_out += sent;
    }
    if (sent == total) {
        return OK;
    }
    if (frame) {
        return enqueue(conn, ws_frame_ref(frame), sent);
    }
    struct ws_frame *rest = copy_rest(parts, count, sent, total);
    return rest ? enqueue(conn, rest, 0) : ERR_NO_MEMORY;
}

void outbox_drop_waiting(struct outbox *outbox)
{
    struct out_block *last = outbox->first;

    if (!outbox->in_flight) {
        while (outbox->first) {
            pop_first(outbox);
        }
        return;
    }
    for (unsigned i = 1; i < outbox->in_flight; i++) {
        last = last->next;
    }
    while (last->next) {
        struct out_block *block = last->next;

        last->next = block->next;
        outbox->bytes -= block->frame->length - block->offset;
        outbox->blocks--;
        ws_frame_unref(block->frame);
        alloc_free(block);
    }
    outbox->last = last;
}

void outbox_done(struct outbox *outbox)
{
    while (outbox->first) {
        pop_first(outbox);
    }
}
