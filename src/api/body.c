/*
 * The members' pointers are made from their names, which are ours: none needs the escapes of RFC
 * 6901.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/body.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/civil_time.h"
#include "store/store.h"

bool body_refuse(struct body_fault *fault, const char *pointer, const char *format, ...)
{
    va_list args;

    (void)snprintf(fault->pointer, sizeof(fault->pointer), "%s", pointer);
    va_start(args, format);
    (void)vsnprintf(fault->detail, sizeof(fault->detail), format, args);
    va_end(args);
    return false;
}

bool body_is_object(struct json_value root, struct body_fault *fault)
{
    return json_is(root, JSON_OBJECT) || body_refuse(fault, "", "the body must be a JSON object");
}

static bool refuse_member(struct body_fault *fault, const char *name, const char *what)
{
    char pointer[BODY_POINTER_BYTES_MAX];

    (void)snprintf(pointer, sizeof(pointer), "/%s", name);
    return body_refuse(fault, pointer, "%s %s", name, what);
}

static bool is_absent(struct json_value value)
{
    return json_is(value, JSON_MISSING) || json_is(value, JSON_NULL);
}

bool body_text(struct json_value root, const char *name, const struct body_text_rule *rule,
               struct str *ret, struct body_fault *fault)
{
    struct json_value value = json_at(root, name);
    struct str text;

    if (is_absent(value)) {
        return !rule->is_required || refuse_member(fault, name, "is missing");
    }
    if (!json_get_str(value, &text)) {
        return refuse_member(fault, name, "must be a text");
    }
    if (rule->is_required && str_trim(text).length == 0) {
        return refuse_member(fault, name, "is empty");
    }
    if (text.length > rule->bytes_max) {
        char what[64];

        (void)snprintf(what, sizeof(what), "is longer than %zu bytes", rule->bytes_max);
        return refuse_member(fault, name, what);
    }
    *ret = text;
    return true;
}

bool body_id(struct json_value root, const char *name, struct str *ret, struct body_fault *fault)
{
    struct json_value value = json_at(root, name);
    struct str text;

    if (is_absent(value)) {
        return true;
    }
    if (!json_get_str(value, &text) || !store_is_id(text)) {
        return refuse_member(fault, name, "must be an id: 1 to 64 of A-Z a-z 0-9 _ -");
    }
    *ret = text;
    return true;
}

bool body_u64(struct json_value root, const char *name, uint64_t max, uint64_t *ret,
              struct body_fault *fault)
{
    struct json_value value = json_at(root, name);
    uint64_t number;

    if (is_absent(value)) {
        return true;
    }
    if (!json_get_u64(value, &number) || number > max) {
        char what[64];

        (void)snprintf(what, sizeof(what), "must be a whole number from 0 to %" PRIu64, max);
        return refuse_member(fault, name, what);
    }
    *ret = number;
    return true;
}

bool body_bool(struct json_value root, const char *name, bool *ret, struct body_fault *fault)
{
    struct json_value value = json_at(root, name);

    return is_absent(value) || json_get_bool(value, ret) ||
           refuse_member(fault, name, "must be true or false");
}

bool body_time(struct json_value root, const char *name, int64_t *ret_us, struct body_fault *fault)
{
    struct json_value value = json_at(root, name);
    struct str text;

    return is_absent(value) || (json_get_str(value, &text) && civil_parse(text, ret_us) == OK) ||
           refuse_member(fault, name, "must be a time such as 2026-11-23T10:00:00Z");
}
