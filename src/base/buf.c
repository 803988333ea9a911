/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/error.h"

#define BUF_BYTES_FIRST 256

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void buf_done(struct buf *buf)
{
    alloc_free(buf->data);
    *buf = (struct buf){.limit = buf->limit};
}

void buf_clear(struct buf *buf)
{
    buf->length = 0;
    buf->status = OK;
    if (buf->data) {
        buf->data[0] = '\0';
    }
}

int buf_grow(struct buf *buf, size_t more)
{
    size_t want;

    if (buf->status) {
        return buf->status;
    }
    if (more > buf->limit - buf->length || more >= SIZE_MAX / 2 - buf->length) {
        return buf->status = ERR_LIMIT;
    }
    want = buf->length + more + 1;
    if (want > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity : BUF_BYTES_FIRST;

        while (capacity < want) {
            capacity += capacity / 2;
        }
        if (capacity > buf->limit) {
            capacity = want > buf->limit ? want : buf->limit; /* at most limit + 1, for the NUL */
        }
        char *data = alloc_resize(buf->data, capacity, 1);
        if (!data) {
            return buf->status = ERR_NO_MEMORY;
        }
        buf->data = data;
        buf->capacity = capacity;
    }
    return OK;
}

void buf_append_char(struct buf *buf, char c)
{
    buf_append(buf, (struct str){&c, 1});
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    int length;

    va_start(args, format);
    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, args);
    if (length < 0 && buf->status == OK) {
        buf->status = ERR_LIMIT; /* longer than an int can say, or no text at all */
    }
    if (length > 0 && buf_reserve(buf, (size_t)length) == OK) {
        (void)vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
    va_end(args);
}
