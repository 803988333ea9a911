/*
 * Whatever parses can be walked with every accessor and, as far as the writer nests, written and
 * parsed again with the same values: integers and strings exactly.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/check.h"
#include "json/json_read.h"
#include "json/json_write.h"

#define TEXT_BYTES_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A double has no exact form in the writer: its place is taken by a null. */
static void write_value(struct json_writer *w, struct json_value value)
{
    bool flag = false;
    int64_t number = 0;
    uint64_t natural = 0;
    struct str text;
    enum json_type type = json_type(value);

    if (type == JSON_ARRAY || type == JSON_OBJECT) {
        size_t count = 0;

        if (w->depth == JSON_WRITE_DEPTH_MAX) {
            json_put_null(w);
            return;
        }
        (type == JSON_ARRAY ? json_begin_array : json_begin_object)(w);
        for (struct json_iterator it = json_iterate(value); json_next(&it); count++) {
            if (type == JSON_OBJECT) {
                check(!json_is(json_at_str(value, it.key), JSON_MISSING));
                json_key_str(w, it.key);
            }
            write_value(w, it.value);
        }
        (type == JSON_ARRAY ? json_end_array : json_end_object)(w);
        check(count == json_count(value));
    } else if (json_get_bool(value, &flag)) {
        json_put_bool(w, flag);
    } else if (json_get_i64(value, &number)) {
        json_put_i64(w, number);
    } else if (json_get_u64(value, &natural)) {
        json_put_decimal(w, decimal_of((int128)natural, 0));
    } else if (json_get_str(value, &text)) {
        check(str_is_utf8(text));
        json_put_str(w, text);
    } else {
        check(type == JSON_NULL || type == JSON_DOUBLE);
        json_put_null(w);
    }
}

static void write_whole(struct json_value root, struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    write_value(&w, root);
    check(w.depth == 0 && buf_status(out) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct json_value root;
    struct error error = {0};

    if (size > TEXT_BYTES_MAX || json_parser_new(TEXT_BYTES_MAX * 8, &parser)) {
        return 0;
    }
    int code = json_parse(parser, text, &root, &error);
    if (code) {
        check(code == ERR_INVALID && error.code == code && str_is_utf8(str_from(error.message)));
        return 0;
    }
    check(str_is_utf8(text));
    cleanup(buf_done) struct buf first = {.limit = SIZE_MAX};
    cleanup(buf_done) struct buf second = {.limit = SIZE_MAX};
    write_whole(root, &first);
    code = json_parse(parser, buf_str(&first), &root, &error);
    check_cmp(code, ==, OK);
    write_whole(root, &second);
    check(str_equal(buf_str(&first), buf_str(&second)));
    return 0;
}
