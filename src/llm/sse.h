/*
 * sse: server-sent events from bytes that come in pieces of any size (WHATWG HTML, section 9.2).
 *
 *     event: message_start          the event's name, may be missing
 *     data: {"type":"ping"}         its data; several data lines are joined by a line feed
 *     : a comment                   no event
 *     id: 7                         ignored, as retry: and unknown fields are
 *                                   an empty line ends the event; one without data is none
 *
 * Lines end with LF, CR or CR LF; a byte order mark may come first. What follows the last empty
 * line is no event: it was cut off.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LLM_SSE_H
#define NETRA_LLM_SSE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/* Of one event's data, and of one line. An answer's last event of OpenAI's repeats the request's
 * instructions and tools, so this is more than a request's limit. */
#define SSE_EVENT_BYTES_MAX ((size_t)1 << 20)
#define SSE_NAME_BYTES_MAX  63u /* longer names are cut: nobody knows such an event anyway */

/* One event, borrowed for the call. Anything but OK ends the feeding and is its result. */
typedef int (*sse_event_fn)(struct str name, struct str data, void *arg, struct error *error);

struct sse {
    sse_event_fn on_event;
    void *arg;
    struct buf line; /* of which the end has not come yet */
    struct buf data; /* of the event under way */
    char name[SSE_NAME_BYTES_MAX + 1];
    size_t name_length;
    bool has_data;
    bool after_cr;      /* a line feed that comes now belongs to the carriage return before it */
    bool is_first_line; /* a byte order mark is skipped */
};

void sse_init(struct sse *sse, sse_event_fn on_event, void *arg);
void sse_done(struct sse *sse);

/* ERR_LIMIT (a line or an event is too long), ERR_NO_MEMORY, or what on_event returned. After
 * anything but OK it must not be fed again. */
must_check int sse_feed(struct sse *sse, struct str bytes, struct error *error);

#endif
