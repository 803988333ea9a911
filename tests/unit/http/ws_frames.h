/*
 * Frames as clients send them, well-formed or not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_WS_FRAMES_H
#define NETRA_TESTS_WS_FRAMES_H

#include "unit.h"

#include "base/buf.h"

#define FRAME_FIN  0x80
#define FRAME_RSV1 0x40

/* A masked frame; first: FIN, reserved bits and opcode. */
static inline void frame_put(struct buf *out, unsigned first, struct str payload)
{
    static const char mask[4] = {0x37, (char)0xfa, 0x21, 0x3d};

    buf_append_char(out, (char)first);
    if (payload.length < 126) {
        buf_append_char(out, (char)(0x80 | payload.length));
    } else {
        unsigned bytes = payload.length < 65536 ? 2 : 8;

        buf_append_char(out, (char)(0x80 | (bytes == 2 ? 126 : 127)));
        for (unsigned i = bytes; i-- > 0;) {
            buf_append_char(out, (char)((uint64_t)payload.length >> (8 * i)));
        }
    }
    buf_append(out, (struct str){mask, 4});
    for (size_t i = 0; i < payload.length; i++) {
        buf_append_char(out, (char)(payload.data[i] ^ mask[i % 4]));
    }
}

/* Many payload bytes in one frame. */
static inline void frame_put_filled(struct buf *out, unsigned first, size_t length)
{
    static char filled[300000];

    assert_true(length <= sizeof(filled));
    memset(filled, 'x', sizeof(filled));
    frame_put(out, first, (struct str){filled, length});
}

#endif
