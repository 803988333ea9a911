/*
 * What the loop reads of its commands' answers and of its options: nothing in them is trusted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "deploy/loop_diagnosis.h"
#include "deploy/loop_markdown.h"
#include "deploy/loop_options.h"
#include "deploy/loop_serving.h"

#define TEXT_BYTES_MAX ((size_t)1 << 20)

/* ---- the diagnosis ---- */

static const char diagnosis[] =
    "{\"netra_diagnosis\":1,\"diagnoses\":["
    "{\"symptom\":\"GET /health is not answered\",\"whys\":[{\"because\":\"the disk | is full\","
    "\"cites\":[\"o1\",\"o2\"]}],\"cause\":\"disk_full\",\"fix\":\"make room\"},"
    "{\"symptom\":\"s\",\"whys\":[],\"cause\":\"process_crashed\",\"fix\":\"\"},"
    "{\"symptom\":\"s\",\"whys\":[],\"cause\":null,\"needs\":\"the log\"}],"
    "\"observations\":[{\"id\":\"o1\",\"kind\":\"disk\",\"subject\":\"/\",\"value\":\"0 free\"}]}";

static int read_diagnosis(const char *json, struct loop_diagnosis *found, struct buf *markdown,
                          struct arena *arena)
{
    struct error error = {0};

    return loop_diagnosis_read(str_from(json), arena, markdown, found, &error);
}

static void test_diagnosis_gives_its_causes_and_a_page(void **state)
{
    cleanup(buf_done) struct buf page = {0};
    struct loop_diagnosis found = {.count = 0};
    struct arena arena;

    (void)state;
    arena_init(&arena, TEXT_BYTES_MAX);
    buf_init(&page, TEXT_BYTES_MAX);
    assert_int_equal(read_diagnosis(diagnosis, &found, &page, &arena), OK);
    assert_int_equal(found.count, 3);
    assert_true(found.has_unknown);
    assert_str(found.mendable, "process_crashed");
    assert_str(found.list, "disk_full, process_crashed, unknown");
    assert_non_null(strstr(page.data, "1. Because the disk \\| is full (o1, o2)\n"));
    assert_non_null(strstr(page.data, "\nCause: `disk_full`\n\nWhat to do: make room\n"));
    assert_non_null(strstr(page.data, "To know more, this is needed: the log"));
    assert_non_null(strstr(page.data, "| o1 | disk | / | 0 free |"));
    arena_done(&arena);
}

/* Neither order nor repetition is something new. */
static void test_diagnosis_facts_are_of_a_set(void **state)
{
    static const char *const same[] = {
        "{\"netra_diagnosis\":1,\"diagnoses\":[{\"cause\":\"a\"},{\"cause\":\"b\"}]}",
        "{\"netra_diagnosis\":1,\"diagnoses\":[{\"cause\":\"b\"},{\"cause\":\"a\"},{\"cause\":"
        "\"b\"}]}",
        "{\"netra_diagnosis\":1,\"diagnoses\":[{\"cause\":\"a\"}]}",
        "{\"netra_diagnosis\":1,\"diagnoses\":[]}",
    };
    struct loop_diagnosis found[ARRAY_LENGTH(same)] = {{.count = 0}};
    struct arena arena;

    (void)state;
    arena_init(&arena, TEXT_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LENGTH(same); i++) {
        assert_int_equal(read_diagnosis(same[i], &found[i], /* markdown */ NULL, &arena), OK);
    }
    assert_string_equal(found[0].facts, found[1].facts);
    assert_string_not_equal(found[0].facts, found[2].facts);
    assert_string_not_equal(found[2].facts, found[3].facts);
    arena_done(&arena);
}

static void test_diagnosis_refuses_what_is_none(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{\"netra_diagnosis\":2,\"diagnoses\":[]}",
        "{\"netra_diagnosis\":1}",
        "{\"netra_diagnosis\":1,\"diagnoses\":[{\"cause\":\"a\\nNETRA_TOKEN=x\"}]}",
        "{\"netra_diagnosis\":1,\"diagnoses\":[{\"cause\":\"\"}]}",
        "{\"netra_diagnosis\":1,\"diagnoses\":[{\"cause\":7}]}",
        "{\"netra_diagnosis\":1,\"diagnoses\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}",
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, TEXT_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct loop_diagnosis found = {.count = 0};

        assert_int_equal(read_diagnosis(wrong[i], &found, /* markdown */ NULL, &arena),
                         ERR_INVALID);
    }
    arena_done(&arena);
}

static void test_diagnosis_survives_every_failing_allocation(void **state)
{
    int code = ERR_NO_MEMORY;
    unsigned failures = 0;

    (void)state;
    for (unsigned nth = 1; code != OK; nth++) {
        struct buf page;
        struct loop_diagnosis found = {.count = 0};
        struct arena arena;

        arena_init(&arena, TEXT_BYTES_MAX);
        buf_init(&page, TEXT_BYTES_MAX);
        (void)alloc_fail_from(nth);
        code = read_diagnosis(diagnosis, &found, &page, &arena);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        failures += code != OK;
        buf_done(&page);
        arena_done(&arena);
    }
    assert_true(failures >= 3);
}

/* Each id that the loop deploys for is one of the table of causes. */
static void test_mendable_causes_are_causes(void **state)
{
    static const char *const known[] = {
#define CAUSE(id, what, todo, from) id,
#include "verify/causes.def"
#undef CAUSE
    };
    size_t mendable = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        mendable += loop_diagnosis_is_mendable(str_from(known[i]));
    }
    assert_int_equal(mendable, LOOP_MENDABLE_COUNT);
    assert_false(loop_diagnosis_is_mendable(STR("unknown")));
    assert_false(loop_diagnosis_is_mendable(STR("config_invalid")));
}

/* ---- the deployment ---- */

static void test_deployed_facts_are_the_image_and_not_the_revision(void **state)
{
    static const char *const answers[] = {
        "{\"revision\":\"r1\",\"outcome\":\"switched\",\"public_url\":\"http://h\","
        "\"services\":[{\"service\":\"all\",\"image\":\"i1\"}]}",
        "{\"revision\":\"r2\",\"outcome\":\"switched\",\"public_url\":\"http://h\","
        "\"services\":[{\"service\":\"all\",\"image\":\"i1\"}]}",
        "{\"revision\":\"r1\",\"outcome\":\"switched\",\"public_url\":\"http://h\","
        "\"services\":[{\"service\":\"all\",\"image\":\"i2\"}]}",
        "{\"revision\":\"r1\",\"outcome\":\"failed\",\"public_url\":null,\"reason\":\"why\"}",
    };
    struct loop_deployed found[ARRAY_LENGTH(answers)] = {{.facts = ""}};
    struct arena arena;

    (void)state;
    arena_init(&arena, TEXT_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        assert_int_equal(loop_deployed_read(str_from(answers[i]), &arena, &found[i]), OK);
    }
    assert_string_equal(found[0].facts, found[1].facts);
    assert_string_not_equal(found[0].facts, found[2].facts);
    assert_string_not_equal(found[0].facts, found[3].facts);
    assert_str(found[3].public_url, "");
    assert_str(found[3].reason, "why");
    assert_int_equal(loop_deployed_read(STR("{}"), &arena, &found[0]), ERR_INVALID);
    assert_int_equal(loop_deployed_read(STR("no"), &arena, &found[0]), ERR_INVALID);
    arena_done(&arena);
}

static void test_serving_is_the_last_service(void **state)
{
    struct loop_serving found = {.why = STR("")};
    struct arena arena;

    (void)state;
    arena_init(&arena, TEXT_BYTES_MAX);
    assert_int_equal(
        loop_serving_read(STR("{\"services\":[{\"public_url\":\"http://a\"},{\"serving\":\"r1\","
                              "\"public_url\":\"http://b\",\"log_file\":\"/l\",\"reason\":null}]}"),
                          &arena, &found),
        OK);
    assert_str(found.public_url, "http://b");
    assert_str(found.log_file, "/l");
    assert_str(found.data_dir, "");
    assert_str(found.why, "");
    assert_int_equal(
        loop_serving_read(STR("{\"services\":[{\"serving\":null,\"public_url\":null}]}"), &arena,
                          &found),
        OK);
    assert_str(found.why, "no revision serves");
    assert_int_equal(loop_serving_read(STR("{\"services\":[]}"), &arena, &found), ERR_INVALID);
    assert_int_equal(loop_serving_read(STR("{\"services\":[7]}"), &arena, &found), ERR_INVALID);
    assert_int_equal(loop_serving_read(STR(""), &arena, &found), ERR_INVALID);
    arena_done(&arena);
}

/* ---- options ---- */

static const struct loop_option *option_named(const char *name)
{
    for (size_t i = 0; i < LOOP_OPTION_COUNT; i++) {
        if (strcmp(loop_option_table[i].name, name) == 0) {
            return &loop_option_table[i];
        }
    }
    fail_msg("there is no option %s", name);
    return NULL;
}

static int add(struct loop_options *options, const char *name, const char *value)
{
    struct error error = {0};

    return loop_options_add(options, option_named(name), value, "/base", &error);
}

static void test_options_are_checked_and_made_absolute(void **state)
{
    struct loop_options options;
    struct error error = {0};

    (void)state;
    loop_options_init(&options);
    assert_int_equal(loop_options_check(&options, &error), ERR_USAGE);
    assert_int_equal(add(&options, "target", "local"), OK);
    assert_int_equal(add(&options, "target", "gcp"), ERR_USAGE);
    assert_int_equal(add(&options, "project", "demo-1"), OK);
    assert_int_equal(add(&options, "config", "netra.conf"), OK);
    assert_int_equal(add(&options, "token-file", "/t"), OK);
    assert_int_equal(add(&options, "fix", "./mend"), OK);
    assert_int_equal(add(&options, "commit", "git-commit-all"), OK);
    assert_int_equal(add(&options, "service", "auth"), OK);
    assert_int_equal(add(&options, "service", "backend"), OK);
    assert_int_equal(add(&options, "read-only", NULL), OK);
    assert_int_equal(add(&options, "max-cycles", "0"), ERR_USAGE);
    assert_int_equal(add(&options, "max-cycles", "101"), ERR_USAGE);
    assert_int_equal(add(&options, "max-cycles", "1 "), ERR_USAGE);
    assert_int_equal(add(&options, "max-cycles", "7"), OK);
    assert_int_equal(add(&options, "image", ""), ERR_USAGE);
    assert_int_equal(add(&options, "image", "a\nb"), ERR_USAGE);
    assert_int_equal(loop_options_check(&options, &error), OK);
    assert_string_equal(loop_options_value(&options, "config"), "/base/netra.conf");
    assert_string_equal(loop_options_value(&options, "token-file"), "/t");
    assert_string_equal(loop_options_value(&options, "fix"), "/base/./mend");
    assert_string_equal(loop_options_value(&options, "commit"), "git-commit-all");
    assert_null(loop_options_value(&options, "url"));
    assert_true(loop_options_has(&options, "read-only"));
    assert_int_equal(loop_options_number(&options, "max-cycles", 5), 7);
    assert_int_equal(loop_options_number(&options, "samples", 5), 5);

    struct loop_options again;
    loop_options_init(&again);
    assert_int_equal(loop_options_read(&again, options.texts, options.count, &error), OK);
    assert_int_equal(again.count, options.count);
    assert_null(loop_options_missing(&again, &options).data);
    assert_int_equal(add(&again, "samples", "60"), OK);
    assert_str(loop_options_missing(&again, &options), "samples=60");
    loop_options_done(&again);
    loop_options_done(&options);
}

static void test_options_refuse_names_addresses_and_journals_that_are_none(void **state)
{
    static const char *const pairs[][2] = {{"project", "../x"},
                                           {"project", "A"},
                                           {"target", "a/b"},
                                           {"url", "ftp://h"},
                                           {"url", "http://user:secret@h"}};
    static const struct str texts[] = {
        {"targets", 7}, {"nothing=1", 9}, {"read-only=1", 11}, {"samples=0", 9}, {"", 0}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
        struct loop_options options;
        struct error error = {0};

        loop_options_init(&options);
        assert_int_equal(add(&options, pairs[i][0], pairs[i][1]), OK);
        if (strcmp(pairs[i][0], "project") != 0) {
            assert_int_equal(add(&options, "project", "demo"), OK);
        }
        if (strcmp(pairs[i][0], "target") != 0) {
            assert_int_equal(add(&options, "target", "local"), OK);
        }
        assert_int_equal(loop_options_check(&options, &error), ERR_USAGE);
        assert_null(strstr(error.message, "secret"));
        loop_options_done(&options);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct loop_options options;
        struct error error = {0};

        loop_options_init(&options);
        assert_int_equal(loop_options_read(&options, &texts[i], 1, &error), ERR_INVALID);
        loop_options_done(&options);
    }
}

/* ---- Markdown ---- */

static void test_markdown_shows_text_as_text(void **state)
{
    cleanup(buf_done) struct buf out = {0};

    (void)state;
    buf_init(&out, TEXT_BYTES_MAX);
    loop_markdown_text(&out, STR("<b>&\n[a](b) *c* _d_ |\x1b[31m `e`"));
    assert_str(buf_str(&out), "&lt;b\\>&amp; \\[a\\](b) \\*c\\* \\_d\\_ \\| \\`e\\`");
    buf_clear(&out);
    loop_markdown_code(&out, STR("a`b|c\n"));
    assert_str(buf_str(&out), "`a'b/c `");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_diagnosis_gives_its_causes_and_a_page),
    cmocka_unit_test(test_diagnosis_facts_are_of_a_set),
    cmocka_unit_test(test_diagnosis_refuses_what_is_none),
    cmocka_unit_test(test_diagnosis_survives_every_failing_allocation),
    cmocka_unit_test(test_mendable_causes_are_causes),
    cmocka_unit_test(test_deployed_facts_are_the_image_and_not_the_revision),
    cmocka_unit_test(test_serving_is_the_last_service),
    cmocka_unit_test(test_options_are_checked_and_made_absolute),
    cmocka_unit_test(test_options_refuse_names_addresses_and_journals_that_are_none),
    cmocka_unit_test(test_markdown_shows_text_as_text),
};

UNIT_MAIN(tests)
