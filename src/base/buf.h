/*
 * buf: owned, growable bytes with a hard limit from birth and sticky failure, so that ten appends
 * need one look at buf_status() at the end.
 *
 *     buf_init(&b, REPORT_BYTES_MAX);
 *     buf_append(&b, STR("total "));
 *     buf_printf(&b, "%d", n);
 *     if (buf_status(&b)) … ERR_NO_MEMORY or ERR_LIMIT; data is what fitted before
 *
 * data always ends with a NUL that length does not count, once anything was appended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_BASE_BUF_H
#define NETRA_BASE_BUF_H

#include <stddef.h>

#include "base/attributes.h"
#include "base/check.h"
#include "base/str.h"

struct buf {
    char *data;
    size_t length;
    size_t capacity;
    size_t limit; /* length never exceeds it */
    int status;   /* OK, ERR_NO_MEMORY or ERR_LIMIT; set once, then appends do nothing */
};

void buf_init(struct buf *buf, size_t limit);
void buf_done(struct buf *buf);

/* Empty again, status OK; the memory is kept for reuse. */
void buf_clear(struct buf *buf);

/* For buf_reserve: there is no room yet, or the buf has failed. */
must_check int buf_grow(struct buf *buf, size_t more);

/* Makes room for more bytes at data + length, for readers that write there themselves; they add to
 * length. Returns buf_status(). */
must_check static inline int buf_reserve(struct buf *buf, size_t more)
{
    /* Room is within the limit: the memory is at most one byte larger than it, for the NUL. */
    bool has_room = buf->status == 0 && more < buf->capacity - buf->length;

    return has_room ? 0 : buf_grow(buf, more);
}

/* What is appended must not lie in the buf itself: growing may move it. */
static inline void buf_append(struct buf *buf, struct str text)
{
    if (text.length == 0 || buf_reserve(buf, text.length)) {
        return;
    }
    check(text.data && buf->data);
    memcpy(buf->data + buf->length, text.data, text.length);
    buf->length += text.length;
    buf->data[buf->length] = '\0';
}

static inline void buf_append_char(struct buf *buf, char c)
{
    buf_append(buf, (struct str){&c, 1});
}

void buf_printf(struct buf *buf, const char *format, ...) printf_like(2, 3);

static inline int buf_status(const struct buf *buf)
{
    return buf->status;
}

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->data ? buf->data : "", buf->length};
}

#endif
