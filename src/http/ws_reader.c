/*
 * wslay's event interface in server mode. Of what RFC 6455 asks of a reader, wslay 1.1.1 checks
 * itself (each is in tests/unit/http/ws_reader_test.c): masks, reserved bits, opcodes, minimal
 * lengths, control frames, fragments, UTF-8 across fragments, close codes and reasons, the length
 * of messages. What its frame layer refuses (lengths, control frames) it would answer with a close
 * frame that has no code: that one is written here. A close frame of one byte, which wslay takes
 * for one without a code, binary messages and floods are refused here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/ws_reader.h"

#include <wslay/wslay.h>

#include "base/alloc.h"
#include "base/error.h"
#include "http/server.h"

#define REASON_BYTES_MAX 123

struct ws_reader {
    wslay_event_context_ptr wslay;
    const struct ws_reader_events *events;
    void *arg;
    struct str input; /* being fed */
    bool is_feeding;
    bool is_closing;   /* our own wish */
    bool is_broken;    /* the client broke the protocol, or memory is short */
    bool is_mute;      /* output is not taken any more */
    unsigned failure;  /* the code for what the client did wrong */
    unsigned received; /* close code of the client, 1005 for none; 0: no close frame yet */
};

static ssize_t on_wslay_recv(wslay_event_context_ptr wslay, uint8_t *out, size_t size, int flags,
                             void *arg)
{
    struct ws_reader *reader = arg;
    size_t length = reader->input.length < size ? reader->input.length : size;

    (void)flags;
    if (length == 0) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(out, reader->input.data, length);
    reader->input = str_slice(reader->input, length, reader->input.length);
    return (ssize_t)length;
}

static ssize_t on_wslay_send(wslay_event_context_ptr wslay, const uint8_t *data, size_t size,
                             int flags, void *arg)
{
    struct ws_reader *reader = arg;

    (void)flags;
    if (!reader->events->on_output((struct str){(const char *)data, size}, reader->arg)) {
        wslay_event_set_error(wslay, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    return (ssize_t)size;
}

/* The client did what it must not do: nothing more is read, and write_failure() comes last. */
static void give_up(struct ws_reader *reader, unsigned code)
{
    reader->is_broken = true;
    reader->failure = code;
    wslay_event_shutdown_read(reader->wslay);
}

static void on_wslay_frame(wslay_event_context_ptr wslay,
                           const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
    struct ws_reader *reader = arg;

    (void)wslay;
    if (!reader->events->on_frame(reader->arg)) {
        give_up(reader, WSLAY_CODE_POLICY_VIOLATION);
    } else if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1) {
        give_up(reader, WSLAY_CODE_PROTOCOL_ERROR);
    }
}

static void on_wslay_message(wslay_event_context_ptr wslay,
                             const struct wslay_event_on_msg_recv_arg *message, void *arg)
{
    struct ws_reader *reader = arg;

    (void)wslay;
    if (message->opcode == WSLAY_CONNECTION_CLOSE) {
        struct str reason = {(const char *)message->msg, message->msg_length};

        /* wslay looks at a reason only when it comes in one read; the code is no UTF-8 */
        if (reason.length > 2 && !str_is_utf8(str_slice(reason, 2, reason.length))) {
            give_up(reader, WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA);
            return;
        }
        reader->received = message->status_code ? message->status_code : WSLAY_CODE_NO_STATUS_RCVD;
    } else if (reader->is_broken || ws_reader_is_closing(reader)) {
        return;
    } else if (message->opcode == WSLAY_PONG) {
        reader->events->on_pong(reader->arg);
    } else if (message->opcode == WSLAY_TEXT_FRAME) {
        struct str text = {message->msg_length ? (const char *)message->msg : "",
                           message->msg_length};
        reader->events->on_text(text, reader->arg);
    } else if (message->opcode == WSLAY_BINARY_FRAME) {
        give_up(reader, WSLAY_CODE_UNSUPPORTED_DATA);
    }
}

int ws_reader_new(const struct ws_reader_events *events, void *arg, struct ws_reader **ret_reader)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_wslay_recv,
        .send_callback = on_wslay_send,
        .on_frame_recv_start_callback = on_wslay_frame,
        .on_msg_recv_callback = on_wslay_message,
    };
    struct ws_reader *reader = alloc_zeroed(1, sizeof(*reader));

    if (!reader) {
        return ERR_NO_MEMORY;
    }
    if (wslay_event_context_server_init(&reader->wslay, &callbacks, reader)) {
        alloc_free(reader);
        return ERR_NO_MEMORY;
    }
    wslay_event_config_set_max_recv_msg_length(reader->wslay, HTTP_WS_MESSAGE_MAX);
    reader->events = events;
    reader->arg = arg;
    *ret_reader = reader;
    return OK;
}

void ws_reader_free(struct ws_reader *reader)
{
    if (reader) {
        wslay_event_context_free(reader->wslay);
        alloc_free(reader);
    }
}

/* What wslay has queued: pongs, pings and close frames. */
static void write_out(struct ws_reader *reader)
{
    if (reader->is_mute || reader->is_feeding) {
        return;
    }
    if (wslay_event_want_write(reader->wslay) && wslay_event_send(reader->wslay)) {
        reader->is_mute = true;
    }
}

/* In the place of what wslay has queued. */
static void write_failure(struct ws_reader *reader)
{
    unsigned code = reader->failure;
    const char frame[] = {(char)0x88, 2, (char)(code >> 8), (char)(code & 0xff)};

    if (!reader->is_mute && !wslay_event_get_close_sent(reader->wslay)) {
        (void)reader->events->on_output((struct str){frame, sizeof(frame)}, reader->arg);
    }
    reader->is_mute = true;
}

void ws_reader_feed(struct ws_reader *reader, struct str bytes)
{
    if (ws_reader_is_done(reader)) {
        return;
    }
    reader->input = bytes;
    reader->is_feeding = true;
    int failed = wslay_event_recv(reader->wslay);
    reader->is_feeding = false;
    reader->input = (struct str){NULL, 0};
    /* Reading ends with a close frame of the client, or because of what it did. */
    if (failed || (!wslay_event_get_read_enabled(reader->wslay) && !reader->received)) {
        reader->is_broken = true;
    }
    if (failed && !reader->failure) {
        reader->failure = failed == WSLAY_ERR_NOMEM ? WSLAY_CODE_INTERNAL_SERVER_ERROR
                                                    : WSLAY_CODE_PROTOCOL_ERROR;
    }
    if (reader->failure) {
        write_failure(reader);
        return;
    }
    write_out(reader);
}

void ws_reader_close(struct ws_reader *reader, unsigned code, const char *reason)
{
    struct str text = str_from(reason);

    if (text.length > REASON_BYTES_MAX) {
        text.length = REASON_BYTES_MAX;
        while (text.length && ((unsigned char)text.data[text.length] & 0xc0) == 0x80) {
            text.length--;
        }
    }
    reader->is_closing = true;
    (void)wslay_event_queue_close(reader->wslay, (uint16_t)code, (const uint8_t *)text.data,
                                  text.length);
    write_out(reader);
}

void ws_reader_ping(struct ws_reader *reader)
{
    struct wslay_event_msg ping = {.opcode = WSLAY_PING};

    (void)wslay_event_queue_msg(reader->wslay, &ping);
    write_out(reader);
}

bool ws_reader_is_closing(const struct ws_reader *reader)
{
    return reader->is_closing || reader->is_broken || reader->received;
}

bool ws_reader_is_done(const struct ws_reader *reader)
{
    return reader->is_broken || reader->is_mute ||
           (reader->received && wslay_event_get_close_sent(reader->wslay));
}

unsigned ws_reader_code(const struct ws_reader *reader)
{
    if (reader->failure || reader->received) {
        return reader->failure ? reader->failure : reader->received;
    }
    /* wslay says 1006 while none was sent */
    return wslay_event_get_status_code_sent(reader->wslay);
}
