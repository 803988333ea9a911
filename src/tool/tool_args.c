/*
 * Arguments: one table per tool gives the JSON schema, the checks and the canonical form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tool/tool_args.h"

#include <inttypes.h>

#include "base/check.h"

#define NUMBER_SCALE 9

static const char *const type_words[] = {
    [TOOL_BOOL] = "true or false",
    [TOOL_INTEGER] = "a whole number",
    [TOOL_NUMBER] = "a number",
    [TOOL_STRING] = "a text",
    [TOOL_INTEGER_LIST] = "a list of whole numbers",
    [TOOL_STRING_LIST] = "a list of texts",
};

static int wrong_type(const struct tool_arg *arg, struct error *error)
{
    return error_set(error, ERR_INVALID, "/%s must be %s", arg->name, type_words[arg->type]);
}

static int check_range(const struct tool_arg *arg, int128 value, int128 unit, struct error *error)
{
    if (value < arg->minimum * unit || value > arg->maximum * unit) {
        int64_t divisor = arg->type == TOOL_NUMBER ? 1000 : 1;

        return error_set(error, ERR_INVALID, "/%s must be between %g and %g", arg->name,
                         (double)arg->minimum / (double)divisor,
                         (double)arg->maximum / (double)divisor);
    }
    return OK;
}

static int read_integer(const struct tool_arg *arg, struct json_value json, int64_t *ret,
                        struct error *error)
{
    if (!json_get_i64(json, ret)) {
        return wrong_type(arg, error);
    }
    return check_range(arg, *ret, 1, error);
}

static int read_number(const struct tool_arg *arg, struct json_value json, struct decimal *ret,
                       struct error *error)
{
    double value;
    bool fits;

    if (!json_get_double(json, &value)) {
        return wrong_type(arg, error);
    }
    *ret = decimal_from_double(value, NUMBER_SCALE, &fits);
    if (!fits) {
        return wrong_type(arg, error);
    }
    return check_range(arg, ret->digits, 1000000, error);
}

static int read_text(const struct tool_arg *arg, struct json_value json, struct arena *arena,
                     struct str *ret, struct error *error)
{
    struct str text;

    if (!json_get_str(json, &text)) {
        return wrong_type(arg, error);
    }
    if (text.length > TOOL_TEXT_BYTES_MAX) {
        return error_set(error, ERR_INVALID, "/%s is longer than %u bytes", arg->name,
                         TOOL_TEXT_BYTES_MAX);
    }
    *ret = arena_copy(arena, text);
    return ret->data ? OK : error_set(error, ERR_NO_MEMORY, "out of memory");
}

static int read_list(const struct tool_arg *arg, struct json_value json, struct arena *arena,
                     struct tool_value *value, struct error *error)
{
    int code = OK;

    if (!json_is(json, JSON_ARRAY)) {
        return wrong_type(arg, error);
    }
    for (struct json_iterator it = json_iterate(json); !code && json_next(&it);) {
        if (value->count == TOOL_LIST_MAX) {
            return error_set(error, ERR_INVALID, "/%s has more than %u elements", arg->name,
                             TOOL_LIST_MAX);
        }
        if (arg->type == TOOL_INTEGER_LIST) {
            code = read_integer(arg, it.value, &value->integers[value->count], error);
        } else {
            code = read_text(arg, it.value, arena, &value->texts[value->count], error);
        }
        value->count++;
    }
    return code;
}

static int read_value(const struct tool_arg *arg, struct json_value json, struct arena *arena,
                      struct tool_value *value, struct error *error)
{
    value->is_set = true;
    switch (arg->type) {
    case TOOL_BOOL:
        return json_get_bool(json, &value->boolean) ? OK : wrong_type(arg, error);
    case TOOL_INTEGER:
        return read_integer(arg, json, &value->integer, error);
    case TOOL_NUMBER:
        return read_number(arg, json, &value->number, error);
    case TOOL_STRING:
        return read_text(arg, json, arena, &value->text, error);
    case TOOL_INTEGER_LIST:
    case TOOL_STRING_LIST:
        break;
    }
    return read_list(arg, json, arena, value, error);
}

static int refuse_unknown(const struct tool *tool, struct json_value root, struct error *error)
{
    for (struct json_iterator it = json_iterate(root); json_next(&it);) {
        bool is_known = false;

        for (size_t i = 0; i < tool->arg_count; i++) {
            is_known |= str_equal(it.key, str_from(tool->args[i].name));
        }
        if (!is_known) {
            error_set(error, ERR_INVALID, "/%.*s is not an argument of %s", STR_ARGS(it.key),
                      tool->name);
            error_hint(error, "`netra tool` lists the arguments of every tool.");
            return ERR_INVALID;
        }
    }
    return OK;
}

static void write_value(const struct tool_arg *arg, const struct tool_value *value,
                        struct json_writer *w)
{
    switch (arg->type) {
    case TOOL_BOOL:
        json_put_bool(w, value->boolean);
        break;
    case TOOL_INTEGER:
        json_put_i64(w, value->integer);
        break;
    case TOOL_NUMBER:
        json_put_decimal(w, value->number);
        break;
    case TOOL_STRING:
        json_put_str(w, value->text);
        break;
    case TOOL_INTEGER_LIST:
    case TOOL_STRING_LIST:
        json_begin_array(w);
        for (size_t i = 0; i < value->count; i++) {
            if (arg->type == TOOL_INTEGER_LIST) {
                json_put_i64(w, value->integers[i]);
            } else {
                json_put_str(w, value->texts[i]);
            }
        }
        json_end_array(w);
        break;
    }
}

static int canonical(struct tool_args *args, struct arena *arena)
{
    struct buf text;

    buf_init(&text, 2 * (size_t)TOOL_ARGS_BYTES_MAX);
    struct json_writer w = json_writer_on(&text);
    json_begin_object(&w);
    for (size_t i = 0; i < args->tool->arg_count; i++) {
        if (args->values[i].is_set) {
            json_key(&w, args->tool->args[i].name);
            write_value(&args->tool->args[i], &args->values[i], &w);
        }
    }
    json_end_object(&w);
    args->json = buf_status(&text) ? (struct str){NULL, 0} : arena_copy(arena, buf_str(&text));
    buf_done(&text);
    return args->json.data ? OK : ERR_NO_MEMORY;
}

/* One argument, from the document or from its default. */
static int read_arg(const struct tool_arg *arg, struct json_value json, struct arena *arena,
                    struct tool_value *value, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;

    if (!json_is(json, JSON_MISSING) && !json_is(json, JSON_NULL)) {
        return read_value(arg, json, arena, value, error);
    }
    if (arg->is_required) {
        return error_set(error, ERR_INVALID, "/%s is missing: %s", arg->name, arg->description);
    }
    if (!arg->default_json) {
        return OK;
    }
    int code = json_parser_new(TOOL_ARGS_BYTES_MAX, &parser);
    if (!code) {
        code = json_parse(parser, str_from(arg->default_json), &json, error);
    }
    return code ? code : read_value(arg, json, arena, value, error);
}

int tool_args_parse(const struct tool *tool, struct str json, struct arena *arena,
                    struct tool_args *ret_args, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct json_value root;

    check_cmp(tool->arg_count, <=, TOOL_ARGS_MAX);
    *ret_args = (struct tool_args){.tool = tool};
    int code = json_parser_new(TOOL_ARGS_BYTES_MAX, &parser);
    if (!code) {
        code = json_parse(parser, str_trim(json).length ? json : STR("{}"), &root, error);
    }
    if (!code && !json_is(root, JSON_OBJECT)) {
        code =
            error_set(error, ERR_INVALID, "the arguments of %s must be a JSON object", tool->name);
    }
    if (!code) {
        code = refuse_unknown(tool, root, error);
    }
    for (size_t i = 0; i < tool->arg_count && !code; i++) {
        code = read_arg(&tool->args[i], json_at(root, tool->args[i].name), arena,
                        &ret_args->values[i], error);
    }
    if (!code) {
        code = canonical(ret_args, arena);
    }
    return code == ERR_NO_MEMORY
               ? error_set(error, code, "cannot read the arguments of %s: out of memory",
                           tool->name)
               : code;
}

const struct tool_value *tool_arg_value(const struct tool_args *args, const char *name)
{
    for (size_t i = 0; i < args->tool->arg_count; i++) {
        if (strcmp(args->tool->args[i].name, name) == 0) {
            return &args->values[i];
        }
    }
    check(!"the tool has no such argument");
    return NULL;
}

static void write_limits(const struct tool_arg *arg, struct json_writer *w)
{
    unsigned scale = arg->type == TOOL_NUMBER ? 3 : 0;

    json_key(w, "minimum");
    json_put_decimal(w, decimal_of(arg->minimum, scale));
    json_key(w, "maximum");
    json_put_decimal(w, decimal_of(arg->maximum, scale));
}

static void write_arg_schema(const struct tool_arg *arg, struct json_writer *w)
{
    static const char *const names[] = {
        [TOOL_BOOL] = "boolean",  [TOOL_INTEGER] = "integer",    [TOOL_NUMBER] = "number",
        [TOOL_STRING] = "string", [TOOL_INTEGER_LIST] = "array", [TOOL_STRING_LIST] = "array",
    };

    json_begin_object(w);
    json_key(w, "type");
    json_put_text(w, names[arg->type]);
    json_key(w, "description");
    json_put_text(w, arg->description);
    if (arg->type == TOOL_INTEGER || arg->type == TOOL_NUMBER) {
        write_limits(arg, w);
    }
    if (arg->type == TOOL_INTEGER_LIST || arg->type == TOOL_STRING_LIST) {
        json_key(w, "items");
        json_begin_object(w);
        json_key(w, "type");
        json_put_text(w, arg->type == TOOL_INTEGER_LIST ? "integer" : "string");
        if (arg->type == TOOL_INTEGER_LIST) {
            write_limits(arg, w);
        }
        json_end_object(w);
        json_key(w, "maxItems");
        json_put_i64(w, TOOL_LIST_MAX);
    }
    if (arg->default_json) {
        json_key(w, "default");
        json_put_raw(w, str_from(arg->default_json));
    }
    json_end_object(w);
}

void tool_write_schema(const struct tool *tool, struct json_writer *w)
{
    json_begin_object(w);
    json_key(w, "type");
    json_put_text(w, "object");
    json_key(w, "properties");
    json_begin_object(w);
    for (size_t i = 0; i < tool->arg_count; i++) {
        json_key(w, tool->args[i].name);
        write_arg_schema(&tool->args[i], w);
    }
    json_end_object(w);
    json_key(w, "required");
    json_begin_array(w);
    for (size_t i = 0; i < tool->arg_count; i++) {
        if (tool->args[i].is_required) {
            json_put_text(w, tool->args[i].name);
        }
    }
    json_end_array(w);
    json_key(w, "additionalProperties");
    json_put_bool(w, false);
    json_end_object(w);
}
