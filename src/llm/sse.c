/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/sse.h"

#include <stdint.h>

void sse_init(struct sse *sse, sse_event_fn on_event, void *arg)
{
    *sse = (struct sse){.on_event = on_event, .arg = arg, .is_first_line = true};
    buf_init(&sse->line, SSE_EVENT_BYTES_MAX);
    buf_init(&sse->data, SSE_EVENT_BYTES_MAX);
}

void sse_done(struct sse *sse)
{
    buf_done(&sse->line);
    buf_done(&sse->data);
}

static int check_room(const struct buf *buf, const char *what, struct error *error)
{
    int code = buf_status(buf);

    if (code == ERR_LIMIT) {
        return error_set(error, code, "%s of the stream is longer than %zu bytes", what,
                         SSE_EVENT_BYTES_MAX);
    }
    return code ? error_set(error, code, "cannot read the stream: out of memory") : OK;
}

static int end_event(struct sse *sse, struct error *error)
{
    struct str name = {sse->name, sse->name_length};
    int code = sse->has_data ? sse->on_event(name, buf_str(&sse->data), sse->arg, error) : OK;

    buf_clear(&sse->data);
    sse->has_data = false;
    sse->name_length = 0;
    return code;
}

static void set_name(struct sse *sse, struct str value)
{
    sse->name_length = value.length < SSE_NAME_BYTES_MAX ? value.length : SSE_NAME_BYTES_MAX;
    if (sse->name_length) {
        memcpy(sse->name, value.data, sse->name_length);
    }
}

static int read_field(struct sse *sse, struct str line, struct error *error)
{
    size_t colon = str_find(line, STR(":"), 0);
    struct str field = line;
    struct str value = {NULL, 0};

    if (colon != SIZE_MAX) {
        field = str_slice(line, 0, colon);
        value = str_slice(line, colon + 1, line.length);
        if (str_starts_with(value, STR(" "))) {
            value = str_slice(value, 1, value.length);
        }
    }
    if (str_equal(field, STR("data"))) {
        if (sse->has_data) {
            buf_append_char(&sse->data, '\n');
        }
        buf_append(&sse->data, value);
        sse->has_data = true;
        return check_room(&sse->data, "an event", error);
    }
    if (str_equal(field, STR("event"))) {
        set_name(sse, value);
    }
    return OK;
}

static int end_line(struct sse *sse, struct error *error)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct str line = buf_str(&sse->line);
    int code;

    if (sse->is_first_line && str_starts_with(line, str_from(byte_order_mark))) {
        line = str_slice(line, sizeof(byte_order_mark) - 1, line.length);
    }
    sse->is_first_line = false;
    code = line.length == 0 ? end_event(sse, error) : read_field(sse, line, error);
    buf_clear(&sse->line);
    return code;
}

static size_t find_line_end(struct str bytes, size_t from)
{
    while (from < bytes.length && bytes.data[from] != '\n' && bytes.data[from] != '\r') {
        from++;
    }
    return from;
}

int sse_feed(struct sse *sse, struct str bytes, struct error *error)
{
    for (size_t at = 0; at < bytes.length;) {
        if (sse->after_cr) {
            sse->after_cr = false;
            if (bytes.data[at] == '\n') {
                at++;
                continue;
            }
        }
        size_t end = find_line_end(bytes, at);
        buf_append(&sse->line, str_slice(bytes, at, end));
        int code = check_room(&sse->line, "a line", error);
        if (code || end == bytes.length) {
            return code;
        }
        sse->after_cr = bytes.data[end] == '\r';
        code = end_line(sse, error);
        if (code) {
            return code;
        }
        at = end + 1;
    }
    return OK;
}
