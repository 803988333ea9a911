/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/introspection.h"

#include "base/civil_time.h"
#include "json/json_read.h"

/* An id of ours: no NUL, nothing empty. */
static bool copy_id(struct json_value root, const char *name, char *into, size_t size)
{
    struct str value;

    if (!json_get_str(json_at(root, name), &value) || value.length == 0 || value.length >= size ||
        memchr(value.data, '\0', value.length)) {
        return false;
    }
    memcpy(into, value.data, value.length);
    into[value.length] = '\0';
    return true;
}

static bool read_kind(struct json_value root, enum auth_kind *ret_kind)
{
    static const struct {
        struct str word;
        enum auth_kind kind;
    } rows[] = {{{"session", 7}, AUTH_KIND_TOKEN},
                {{"service", 7}, AUTH_KIND_SERVICE},
                {{"key", 3}, AUTH_KIND_KEY}};
    struct str word;

    for (size_t i = 0; json_get_str(json_at(root, "kind"), &word) && i < ARRAY_LENGTH(rows); i++) {
        if (str_equal(word, rows[i].word)) {
            *ret_kind = rows[i].kind;
            return true;
        }
    }
    return false;
}

static bool read_end(struct json_value root, int64_t *ret_expires_us)
{
    struct json_value value = json_at(root, "exp");
    int64_t expires_s;

    *ret_expires_us = 0;
    if (json_is(value, JSON_MISSING)) {
        return true;
    }
    if (!json_get_i64(value, &expires_s) || expires_s <= 0 || expires_s > INT64_MAX / SECOND_US) {
        return false;
    }
    *ret_expires_us = expires_s * SECOND_US;
    return true;
}

static bool read_active(struct json_value root, struct introspection *told)
{
    struct auth_caller *caller = &told->caller;
    struct str role;
    struct str scope;

    if (!copy_id(root, "sub", caller->user_id, sizeof(caller->user_id)) ||
        !copy_id(root, "ws", caller->workspace_id, sizeof(caller->workspace_id)) ||
        !copy_id(root, "id", caller->credential_id, sizeof(caller->credential_id)) ||
        !json_get_str(json_at(root, "role"), &role) ||
        !json_get_str(json_at(root, "scope"), &scope) || !auth_scopes_from(scope, &caller->may) ||
        !read_kind(root, &caller->kind) || !read_end(root, &told->expires_us)) {
        return false;
    }
    caller->role = auth_role_from(role);
    auth_caller_limit(caller);
    return caller->role != AUTH_ROLE_NONE;
}

int introspection_read(struct str text, struct introspection *ret, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct introspection told = {.is_active = false};
    struct json_value root;
    int code = json_parser_new(INTROSPECTION_BYTES_MAX, &parser);

    if (code) {
        return error_set(error, code, "out of memory");
    }
    code = json_parse(parser, text, &root, error);
    if (code) {
        return code;
    }
    if (!json_get_bool(json_at(root, "active"), &told.is_active) ||
        (told.is_active && !read_active(root, &told))) {
        return error_set(error, ERR_INVALID, "this says nothing about a credential");
    }
    *ret = told;
    return OK;
}
