/* SPDX-License-Identifier: Apache-2.0 */
#include "api/tool_request.h"

#include <stdio.h>

#include "json/json_write.h"

/* Numbers that are no integers keep their value: 17 digits give the same double again. */
static void copy_number(struct json_value value, struct json_writer *w)
{
    char text[40];
    double number = 0;
    uint64_t natural;
    int64_t integer;

    if (json_get_i64(value, &integer)) {
        json_put_i64(w, integer);
    } else if (json_get_u64(value, &natural)) {
        json_put_decimal(w, decimal_of((int128)natural, 0));
    } else {
        (void)json_get_double(value, &number);
        (void)snprintf(text, sizeof(text), "%.17g", number);
        json_put_raw(w, str_from(text));
    }
}

/* A value of the body as text again: tools take their arguments as JSON. False when it nests
 * deeper than any tool's. */
static bool copy_value(struct json_value value, struct json_writer *w)
{
    enum json_type type = json_type(value);
    struct str text;
    bool flag;
    bool ok = true;

    switch (type) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        if (w->depth == TOOL_REQUEST_DEPTH_MAX) {
            return false;
        }
        (type == JSON_OBJECT ? json_begin_object : json_begin_array)(w);
        for (struct json_iterator it = json_iterate(value); ok && json_next(&it);) {
            if (type == JSON_OBJECT) {
                json_key_str(w, it.key);
            }
            ok = copy_value(it.value, w);
        }
        if (ok) {
            (type == JSON_OBJECT ? json_end_object : json_end_array)(w);
        }
        return ok;
    case JSON_STRING:
        ok = json_get_str(value, &text);
        json_put_str(w, ok ? text : STR(""));
        return ok;
    case JSON_BOOL:
        ok = json_get_bool(value, &flag);
        json_put_bool(w, ok && flag);
        return ok;
    case JSON_INTEGER:
    case JSON_DOUBLE:
        copy_number(value, w);
        return true;
    case JSON_NULL:
    case JSON_MISSING:
        json_put_null(w);
        return true;
    }
    return false;
}

bool tool_request_read(struct json_value root, struct buf *args, struct str *ret_dataset_id,
                       struct body_fault *fault)
{
    struct json_value given = json_at(root, "args");
    struct json_writer w = json_writer_on(args);

    if (!body_is_object(root, fault) || !body_id(root, "dataset", ret_dataset_id, fault)) {
        return false;
    }
    if (json_is(given, JSON_MISSING) || json_is(given, JSON_NULL)) {
        buf_append(args, STR("{}"));
    } else if (!json_is(given, JSON_OBJECT)) {
        return body_refuse(fault, "/args", "args must be an object");
    } else if (!copy_value(given, &w)) {
        return body_refuse(fault, "/args", "args nests deeper than %u levels",
                           TOOL_REQUEST_DEPTH_MAX);
    }
    return !buf_status(args) ||
           body_refuse(fault, "/args", "args is longer than %zu bytes", args->limit);
}
