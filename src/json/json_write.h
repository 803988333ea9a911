/*
 * json_write: JSON into a buf, one call per value; commas and nesting are kept by the writer.
 *
 *     struct json_writer w = json_writer_on(&buf);
 *     json_begin_object(&w);
 *     json_key(&w, "value");  json_put_decimal(&w, value);
 *     json_end_object(&w);
 *
 * Failure is the buf's, sticky: look at buf_status() once. Misuse (a value without a key) is a bug
 * and hits check(). Invalid UTF-8 in strings is replaced by U+FFFD, so the output is always valid.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_JSON_JSON_WRITE_H
#define NETRA_JSON_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decimal.h"

#define JSON_WRITE_DEPTH_MAX 32

struct json_writer {
    struct buf *out;
    unsigned depth;
    unsigned indent; /* spaces per level; 0 = one line */
    bool has_key;
    bool is_object[JSON_WRITE_DEPTH_MAX];
    bool has_members[JSON_WRITE_DEPTH_MAX];
};

struct json_writer json_writer_on(struct buf *out);
struct json_writer json_writer_indented(struct buf *out, unsigned indent);

void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);

void json_key(struct json_writer *w, const char *key);
void json_key_str(struct json_writer *w, struct str key);

void json_put_null(struct json_writer *w);
void json_put_bool(struct json_writer *w, bool value);
void json_put_i64(struct json_writer *w, int64_t value);
void json_put_str(struct json_writer *w, struct str value);
void json_put_text(struct json_writer *w, const char *value);              /* NULL becomes null */
void json_put_decimal(struct json_writer *w, struct decimal value);        /* a JSON number */
void json_put_decimal_string(struct json_writer *w, struct decimal value); /* "25182.372257" */

/* Text that is JSON already (a schema of ours, a validated document). */
void json_put_raw(struct json_writer *w, struct str json);

#endif
