/*
 * json_read: parsed JSON as borrowed values. A facade over simdjson (the only C++ of the program is
 * behind it); documents are validated whole, UTF-8 included, and integers are exact to 64 bits.
 *
 *     struct json_parser *parser;
 *     json_parser_new(LINE_BYTES_MAX, &parser);
 *     json_parse(parser, text, &root, &error)
 *     json_get_u64(json_at(root, "in"), &tokens)
 *
 * Values are valid until the parser parses again or is freed. A missing value is JSON_MISSING, and
 * every accessor takes one, so chains need one look at their end. One parser belongs to one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_JSON_JSON_READ_H
#define NETRA_JSON_JSON_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Nesting beyond it is refused, whatever the size. */
#define JSON_DEPTH_MAX 64

struct json_parser;

enum json_type {
    JSON_MISSING,
    JSON_NULL,
    JSON_BOOL,
    JSON_INTEGER, /* fits int64 or uint64 */
    JSON_DOUBLE,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_value {
    const void *document; /* NULL: missing */
    uint64_t index;
};

/* Walks an array or an object in the order of the text. */
struct json_iterator {
    struct json_value container;
    uint64_t next; /* private: position in the document's tape */
    uint64_t end;
    bool is_object;
    struct str key;          /* of the current member; empty in an array */
    struct json_value value; /* current */
};

/* A parser for documents of at most bytes_max. Memory grows with the documents that it meets. */
must_check int json_parser_new(size_t bytes_max, struct json_parser **ret_parser);
void json_parser_free(struct json_parser *parser);
void json_parser_free_pointer(struct json_parser **parser);

/* ERR_INVALID (not JSON, not UTF-8, too deep), ERR_LIMIT (too long), ERR_NO_MEMORY. */
must_check int json_parse(struct json_parser *parser, struct str text, struct json_value *ret_root,
                          struct error *error);

enum json_type json_type(struct json_value value);

/* The member of an object; JSON_MISSING where there is none or value is no object. With equal keys
 * the first counts. */
struct json_value json_at(struct json_value value, const char *key);
struct json_value json_at_str(struct json_value value, struct str key);

/* Accessors: false (and nothing stored) when the type does not fit. Integers are not taken from
 * doubles, not even from 1.0; json_get_double takes both. */
bool json_get_bool(struct json_value value, bool *ret);
bool json_get_i64(struct json_value value, int64_t *ret);
bool json_get_u64(struct json_value value, uint64_t *ret);
bool json_get_double(struct json_value value, double *ret);
bool json_get_str(struct json_value value, struct str *ret);

static inline bool json_is(struct json_value value, enum json_type type)
{
    return json_type(value) == type;
}

/* for (it = json_iterate(v); json_next(&it);) … it.key, it.value. Anything but an array or an
 * object has no elements. */
struct json_iterator json_iterate(struct json_value value);
bool json_next(struct json_iterator *it);

/* Number of elements or members. O(n). */
size_t json_count(struct json_value value);

#ifdef __cplusplus
}
#endif

#endif
