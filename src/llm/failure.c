/*
 * What the four formats, and servers that speak like them, say when they fail:
 *
 *     OpenAI      {"error": {"message", "type", "param", "code"}}      code may be null
 *                 {"type": "error", "message", "code"}                 as an event
 *     Anthropic   {"type": "error", "error": {"type", "message"}, "request_id"}
 *     Gemini      {"error": {"code": 429, "message", "status"}}        also as an array's element
 *     others      {"error": "text"}, {"message": "text"}, {"detail": "text"}
 *
 * The most particular name of the failure is its type: OpenAI's code ("insufficient_quota") before
 * its type ("invalid_request_error").
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/alloc.h"
#include "llm/wire_parts.h"
#include "report/visible.h"

#include <inttypes.h>
#include <stdio.h>

#define FAILURE_BODY_BYTES_MAX 65536u /* longer ones are no errors but pages */

void llm_failure_clean(struct str text, char *ret_text, size_t size)
{
    struct str bytes;
    unsigned width;
    size_t length = 0;

    if (!str_is_utf8(text)) {
        text = (struct str){"", 0};
    }
    for (size_t at = 0; visible_next(text, &at, &bytes, &width);) {
        bool is_blank = str_equal(bytes, STR(" "));

        if (length + bytes.length >= size) {
            break;
        }
        if (!is_blank || (length && ret_text[length - 1] != ' ')) {
            memcpy(ret_text + length, bytes.data, bytes.length);
            length += bytes.length;
        }
    }
    while (length && ret_text[length - 1] == ' ') {
        length--;
    }
    ret_text[length] = '\0';
}

static struct str message_of(struct json_value error, struct json_value root)
{
    static const char *const names[] = {"message", "detail"};
    struct str text;

    if (json_get_str(json_at(root, "error"), &text)) {
        return text;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        text = wire_text_at(error, names[i]);
        if (text.length) {
            return text;
        }
    }
    return text;
}

static void set_type(struct json_value error, struct llm_failure *failure)
{
    static const char *const names[] = {"code", "type", "status"};
    int64_t number;

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct str text = wire_text_at(error, names[i]);

        /* An event's own type says only that it is one. */
        if (text.length && !str_equal(text, STR("error"))) {
            llm_failure_clean(text, failure->type, sizeof(failure->type));
            return;
        }
    }
    if (json_get_i64(json_at(error, "code"), &number)) {
        (void)snprintf(failure->type, sizeof(failure->type), "%" PRId64, number);
    }
}

void llm_failure_from(struct json_value root, struct llm_failure *ret_failure)
{
    struct json_value error = json_at(root, "error");

    *ret_failure = (struct llm_failure){0};
    if (!json_is(error, JSON_OBJECT)) {
        error = root;
    }
    llm_failure_clean(message_of(error, root), ret_failure->message, sizeof(ret_failure->message));
    set_type(error, ret_failure);
}

void llm_failure_read(struct str body, struct llm_failure *ret_failure)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct json_value root;

    *ret_failure = (struct llm_failure){0};
    if (json_parser_new(FAILURE_BODY_BYTES_MAX, &parser) || json_parse(parser, body, &root, NULL)) {
        return;
    }
    if (json_is(root, JSON_ARRAY)) {
        struct json_iterator it = json_iterate(root);

        root = json_next(&it) ? it.value : root;
    }
    llm_failure_from(root, ret_failure);
}
