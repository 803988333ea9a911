/*
 * ws_reader: the receiving half of a WebSocket: bytes in, messages out; wslay reads the frames and
 * writes the control frames that answer them. Knows no socket, so that it can be fuzzed bare.
 *
 * After a violation of the protocol a close frame is written, ws_reader_is_done() is true and
 * further bytes are ignored.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_WS_READER_H
#define NETRA_HTTP_WS_READER_H

#include "base/attributes.h"
#include "base/str.h"

struct ws_reader;

struct ws_reader_events {
    /* A frame begins; false closes with 1008. */
    bool (*on_frame)(void *arg);
    /* A whole text message of valid UTF-8, borrowed. */
    void (*on_text)(struct str text, void *arg);
    void (*on_pong)(void *arg);
    /* Control frames for the client, borrowed; false: they cannot be taken, writing ends. */
    bool (*on_output)(struct str bytes, void *arg);
};

/* ERR_NO_MEMORY. events must outlive the reader. */
must_check int ws_reader_new(const struct ws_reader_events *events, void *arg,
                             struct ws_reader **ret_reader);

/* Not from within an event. */
void ws_reader_free(struct ws_reader *reader);

/* Not from within an event. */
void ws_reader_feed(struct ws_reader *reader, struct str bytes);

/* Also from within an event. A reason longer than 123 bytes is cut, whole characters being kept. */
void ws_reader_close(struct ws_reader *reader, unsigned code, const char *reason);
void ws_reader_ping(struct ws_reader *reader);

/* A close frame was written: nothing but it may follow. */
bool ws_reader_is_closing(const struct ws_reader *reader);

/* Close frames went both ways, or the client broke the protocol: the socket can be closed. */
bool ws_reader_is_done(const struct ws_reader *reader);

/* How it ended: the code that was received, or else the one that was sent, or else 1006. */
unsigned ws_reader_code(const struct ws_reader *reader);

#endif
