/* SPDX-License-Identifier: Apache-2.0 */
#include "http/ws_frame.h"

#include "base/alloc.h"
#include "base/check.h"

#define FIN_TEXT      0x81
#define LENGTH_SHORT  125
#define LENGTH_IS_U16 126
#define LENGTH_IS_U64 127

struct ws_frame *ws_frame_raw(size_t length)
{
    size_t bytes;

    if (__builtin_add_overflow(length, sizeof(struct ws_frame), &bytes)) {
        return NULL;
    }
    struct ws_frame *frame = alloc_resize(NULL, 1, bytes);
    if (frame) {
        frame->refs = 1;
        frame->length = length;
    }
    return frame;
}

struct ws_frame *ws_frame_text(struct str text)
{
    size_t head = text.length <= LENGTH_SHORT ? 2 : text.length <= UINT16_MAX ? 4 : 10;

    if (text.length > HTTP_WS_FRAME_MAX) {
        return NULL;
    }
    struct ws_frame *frame = ws_frame_raw(head + text.length);
    if (!frame) {
        return NULL;
    }
    frame->bytes[0] = FIN_TEXT;
    frame->bytes[1] = (unsigned char)(head == 2   ? text.length
                                      : head == 4 ? LENGTH_IS_U16
                                                  : LENGTH_IS_U64);
    for (size_t i = 2; i < head; i++) {
        frame->bytes[i] = (unsigned char)((uint64_t)text.length >> (8 * (head - 1 - i)));
    }
    if (text.length) {
        memcpy(frame->bytes + head, text.data, text.length);
    }
    return frame;
}

struct ws_frame *ws_frame_ref(struct ws_frame *frame)
{
    check(frame->refs > 0);
    frame->refs++;
    return frame;
}

void ws_frame_unref(struct ws_frame *frame)
{
    if (frame && --frame->refs == 0) {
        alloc_free(frame);
    }
}
