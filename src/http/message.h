/*
 * message: where a request with a body ends. llhttp, in its strict mode, reads the head a second
 * time and then the body; where it does not agree with head_scan about the framing, the request is
 * refused: what two readers understand differently is what requests are smuggled with.
 *
 *     message_begin(head)  →  MESSAGE_END, or MESSAGE_MORE and then
 *     message_next(&rest, &piece) until it is not MESSAGE_PIECE any more
 *
 * Pure: no allocation, no callbacks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_MESSAGE_H
#define NETRA_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define MESSAGE_OVERHEAD_BYTES_MAX                                                                 \
    4096u /* chunk sizes, extensions, trailers between two pieces                                  \
           */

/* Refusals are negative. */
enum message_step {
    MESSAGE_MORE,  /* all bytes were taken, the message goes on */
    MESSAGE_PIECE, /* a piece of the body */
    MESSAGE_END,
};

/* How head_scan understood the head. */
struct message_framing {
    bool is_chunked;
    bool has_length;
    uint64_t length;
};

struct message {
    uint64_t parser[12]; /* private: llhttp_t, whose header names things that server.h names too */
    struct str piece;    /* what the callback saw last */
    uint32_t overhead;
    bool is_ended;
    bool is_head_read;
};

int message_begin(struct message *message, struct str head, const struct message_framing *framing);
int message_next(struct message *message, struct str *rest, struct str *ret_piece);

#endif
