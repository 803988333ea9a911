/*
 * ws_frame: bytes that wait for one or many sockets: a frame that was encoded once, or what is left
 * of an answer. Counted references, loop thread only.
 *
 * A frame of a server (RFC 6455, 5.2), never fragmented, never masked:
 *
 *     0x81 | length        up to 125 bytes of text
 *     0x81 126 | u16       up to 65535
 *     0x81 127 | u64       up to HTTP_WS_FRAME_MAX
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_WS_FRAME_H
#define NETRA_HTTP_WS_FRAME_H

#include "http/server.h"

struct ws_frame {
    unsigned refs;
    size_t length;
    unsigned char bytes[];
};

/* length bytes to be filled in, as they will go over the wire; NULL: no memory. */
must_check struct ws_frame *ws_frame_raw(size_t length);

#endif
