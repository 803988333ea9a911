/*
 * Arguments: what each type takes, what is refused and with which words, defaults, the canonical
 * form, and the schema that the same table gives.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "tool/tool_args.h"

static const struct tool_arg table[] = {
    {.name = "flag", .description = "a flag", .type = TOOL_BOOL, .default_json = "true"},
    {.name = "whole", .description = "a whole", .type = TOOL_INTEGER, .minimum = -5, .maximum = 5},
    {.name = "part",
     .description = "a part",
     .type = TOOL_NUMBER,
     .minimum = -1000,
     .maximum = 2500},
    {.name = "name", .description = "a \"name\"", .type = TOOL_STRING, .is_required = true},
    {.name = "wholes",
     .description = "wholes",
     .type = TOOL_INTEGER_LIST,
     .minimum = 1,
     .maximum = 100,
     .default_json = "[3,4]"},
    {.name = "names", .description = "names", .type = TOOL_STRING_LIST},
};

static const struct tool tool = {
    .name = "test", .description = "A test.", .args = table, .arg_count = ARRAY_LENGTH(table)};

/* Parses and keeps what an error said. */
static int parse(struct arena *arena, const char *json, struct tool_args *args, struct error *error)
{
    arena_init(arena, (size_t)1 << 20);
    *error = (struct error){0};
    return tool_args_parse(&tool, str_from(json), arena, args, error);
}

static void assert_canonical(const char *json, const char *expected)
{
    struct tool_args args;
    struct arena arena;
    struct error error;

    if (parse(&arena, json, &args, &error)) {
        fail_msg("%s: %s", json, error.message);
    }
    assert_str(args.json, expected);
    arena_done(&arena);
}

static void assert_refused(const char *json, const char *part)
{
    struct tool_args args;
    struct arena arena;
    struct error error;

    assert_int_equal(parse(&arena, json, &args, &error), ERR_INVALID);
    if (!strstr(error.message, part)) {
        fail_msg("%s: '%s' does not say '%s'", json, error.message, part);
    }
    arena_done(&arena);
}

static void test_arguments_have_a_canonical_form(void **state)
{
    (void)state;
    assert_canonical("{\"name\":\"x\"}", "{\"flag\":true,\"name\":\"x\",\"wholes\":[3,4]}");
    assert_canonical(" { \"wholes\" : [] , \"names\":[\"b\",\"a\"],\n \"name\":\"\\u00e9\\n\","
                     "\"part\":1.50,\"whole\":-5,\"flag\":false}",
                     "{\"flag\":false,\"whole\":-5,\"part\":1.5,\"name\":\"é\\n\",\"wholes\":[],"
                     "\"names\":[\"b\",\"a\"]}");
    /* null is absent */
    assert_canonical("{\"name\":\"x\",\"flag\":null,\"whole\":null}",
                     "{\"flag\":true,\"name\":\"x\",\"wholes\":[3,4]}");
    assert_canonical("{\"name\":\"x\",\"part\":-1}",
                     "{\"flag\":true,\"part\":-1,\"name\":\"x\",\"wholes\":[3,4]}");
}

/* The canonical form of a canonical form is itself: a report's lineage can be run again. */
static void test_the_canonical_form_is_stable(void **state)
{
    static const char *const texts[] = {
        "{\"name\":\"x\",\"part\":0.1}",
        "{\"name\":\"`{}\\\"\",\"wholes\":[1,100],\"names\":[\"\"]}",
        "{\"name\":\"\",\"part\":2.5,\"whole\":5}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct tool_args args;
        struct arena arena;
        struct error error;
        char again[1024];

        assert_int_equal(parse(&arena, texts[i], &args, &error), OK);
        (void)snprintf(again, sizeof(again), "%.*s", STR_ARGS(args.json));
        arena_done(&arena);
        assert_canonical(again, again);
    }
}

static void test_wrong_types_and_ranges_name_the_argument(void **state)
{
    (void)state;
    assert_refused("{}", "/name is missing");
    assert_refused("{\"name\":null}", "/name is missing");
    assert_refused("{\"name\":7}", "/name must be a text");
    assert_refused("{\"name\":\"x\",\"flag\":1}", "/flag must be true or false");
    assert_refused("{\"name\":\"x\",\"whole\":1.0}", "/whole must be a whole number");
    assert_refused("{\"name\":\"x\",\"whole\":6}", "/whole must be between -5 and 5");
    assert_refused("{\"name\":\"x\",\"whole\":-6}", "/whole must be between -5 and 5");
    assert_refused("{\"name\":\"x\",\"whole\":9223372036854775808}", "/whole must be");
    assert_refused("{\"name\":\"x\",\"part\":\"1\"}", "/part must be a number");
    assert_refused("{\"name\":\"x\",\"part\":2.501}", "/part must be between -1 and 2.5");
    assert_refused("{\"name\":\"x\",\"part\":1e300}", "/part must be");
    assert_refused("{\"name\":\"x\",\"wholes\":5}", "/wholes must be a list of whole numbers");
    assert_refused("{\"name\":\"x\",\"wholes\":[0]}", "/wholes must be between 1 and 100");
    assert_refused("{\"name\":\"x\",\"wholes\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}",
                   "/wholes has more than 16 elements");
    assert_refused("{\"name\":\"x\",\"names\":[1]}", "/names must be a list of texts");
    assert_refused("[1]", "must be a JSON object");
    assert_refused("\"x\"", "must be a JSON object");
    assert_refused("{\"name\":\"x\",", "");
    assert_refused("nonsense", "");
}

static void test_unknown_arguments_are_refused(void **state)
{
    (void)state;
    assert_refused("{\"name\":\"x\",\"nmae\":1}", "nmae");
    assert_refused("{\"name\":\"x\",\"%s%n\":1}", "%s%n");
}

static void test_texts_have_a_limit(void **state)
{
    static char json[TOOL_TEXT_BYTES_MAX + 64];

    (void)state;
    memset(json, 'a', sizeof(json));
    memcpy(json, "{\"name\":\"", 9);
    memcpy(json + 9 + TOOL_TEXT_BYTES_MAX + 1, "\"}", 3);
    assert_refused(json, "/name is longer than 4096 bytes");
}

static void test_values_are_found_by_name(void **state)
{
    struct tool_args args;
    struct arena arena;
    struct error error;

    (void)state;
    assert_int_equal(parse(&arena, "{\"name\":\"x\",\"part\":-0.25}", &args, &error), OK);
    assert_true(tool_arg_value(&args, "flag")->boolean);
    assert_false(tool_arg_value(&args, "whole")->is_set);
    assert_int_equal(tool_arg_value(&args, "part")->number.digits, -250000000);
    assert_int_equal(tool_arg_value(&args, "wholes")->count, 2);
    assert_int_equal(tool_arg_value(&args, "wholes")->integers[1], 4);
    assert_str(tool_arg_value(&args, "name")->text, "x");
    arena_done(&arena);
}

/* Each failure has words: doors print error->message. */
static void test_parsing_survives_every_failing_allocation(void **state)
{
    int code = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; code; nth++) {
        struct tool_args args;
        struct arena arena;
        struct error error;

        assert_true(nth < 100);
        (void)alloc_fail_from(nth);
        code = parse(&arena, "{\"name\":\"x\",\"names\":[\"a\"]}", &args, &error);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_int_equal(code == OK, error.message[0] == '\0');
        arena_done(&arena);
    }
}

/* ---- the schema, of this tool and of every tool ---- */

static void check_schema(const struct tool *described)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct json_value root;
    struct error error;
    struct buf text;
    size_t required = 0;

    buf_init(&text, 65536);
    struct json_writer w = json_writer_on(&text);
    tool_write_schema(described, &w);
    assert_int_equal(buf_status(&text), OK);
    assert_int_equal(json_parser_new(65536, &parser), OK);
    assert_int_equal(json_parse(parser, buf_str(&text), &root, &error), OK);
    assert_int_equal(json_count(json_at(root, "properties")), described->arg_count);
    for (size_t i = 0; i < described->arg_count; i++) {
        const struct tool_arg *arg = &described->args[i];
        struct json_value property = json_at(json_at(root, "properties"), arg->name);

        assert_true(json_is(json_at(property, "type"), JSON_STRING));
        assert_true(json_is(json_at(property, "description"), JSON_STRING));
        assert_int_equal(json_is(json_at(property, "default"), JSON_MISSING),
                         arg->default_json == NULL);
        required += arg->is_required;
    }
    assert_int_equal(json_count(json_at(root, "required")), required);
    buf_done(&text);
}

static void test_the_schema_lists_every_argument(void **state)
{
    size_t count;
    const struct tool *const *registry = tool_registry(&count);

    (void)state;
    check_schema(&tool);
    for (size_t i = 0; i < count; i++) {
        check_schema(registry[i]);
    }
}

/* A range of nothing would refuse everything; a default that its own table refuses could never be
 * used; a tool that is not found by its name cannot be called. */
static void test_tables_of_the_registry_make_sense(void **state)
{
    size_t count;
    const struct tool *const *registry = tool_registry(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_true(tool_find(str_from(registry[i]->name)) == registry[i]);
        assert_true(registry[i]->arg_count <= TOOL_ARGS_MAX);
        assert_non_null(registry[i]->run);
        for (size_t a = 0; a < registry[i]->arg_count; a++) {
            struct tool_arg arg = registry[i]->args[a];
            struct tool alone = {.name = "one", .args = &arg, .arg_count = 1};
            struct tool_args args;
            struct arena arena;
            struct error error;

            if (arg.type == TOOL_INTEGER || arg.type == TOOL_NUMBER ||
                arg.type == TOOL_INTEGER_LIST) {
                assert_true(arg.minimum < arg.maximum);
            }
            arg.is_required = false;
            arena_init(&arena, (size_t)1 << 20);
            assert_int_equal(tool_args_parse(&alone, STR(""), &arena, &args, &error), OK);
            arena_done(&arena);
        }
    }
    assert_null(tool_find(STR("no such tool")));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_arguments_have_a_canonical_form),
    cmocka_unit_test(test_the_canonical_form_is_stable),
    cmocka_unit_test(test_wrong_types_and_ranges_name_the_argument),
    cmocka_unit_test(test_unknown_arguments_are_refused),
    cmocka_unit_test(test_texts_have_a_limit),
    cmocka_unit_test(test_values_are_found_by_name),
    cmocka_unit_test(test_parsing_survives_every_failing_allocation),
    cmocka_unit_test(test_the_schema_lists_every_argument),
    cmocka_unit_test(test_tables_of_the_registry_make_sense),
};

UNIT_MAIN(tests)
