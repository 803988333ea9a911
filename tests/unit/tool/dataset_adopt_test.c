/*
 * Records that were imported before are the dataset of their file: every tool says the same of
 * both, byte for byte, for every format; the description survives being written and read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stored_fixture.h"

#define DESCRIPTION_BYTES_MAX ((size_t)1 << 20)

/* The records and the description of a text, as an upload leaves them. */
static void import_apart(enum stored_input kind, struct str name, struct str text,
                         struct usage_table *table, struct buf *description)
{
    struct dataset_description own = {
        .name = name, .maps = stored_maps, .map_count = stored_map_count(kind)};
    struct import_options options = {
        .maps = stored_maps, .map_count = stored_map_count(kind), .source = name};
    struct content_digest digest;
    char digest_text[CONTENT_DIGEST_BYTES];
    struct usage_import *import;

    usage_table_init(table);
    assert_int_equal(usage_import_begin(&options, table, &import, NULL), OK);
    assert_int_equal(content_digest_init(&digest), OK);
    while (text.length) {
        struct str piece = str_slice(text, 0, text.length < 1000 ? text.length : 1000);

        content_digest_add(&digest, piece);
        assert_int_equal(usage_import_feed(import, piece, NULL), OK);
        text = str_slice(text, piece.length, text.length);
    }
    assert_int_equal(usage_import_finish(import, NULL), OK);
    content_digest_print(&digest, digest_text);
    own.digest = str_from(digest_text);
    own.report = usage_import_report(import);
    buf_init(description, DESCRIPTION_BYTES_MAX);
    dataset_description_write(&own, description);
    assert_int_equal(buf_status(description), OK);
    content_digest_done(&digest);
    usage_import_free(import);
}

static struct dataset_options adopt_options(void)
{
    return (struct dataset_options){.now_us = INT64_C(1769904000) * 1000000};
}

/* Adopts; what it was made of is gone before the dataset is used. */
static struct dataset *adopt(struct usage_table *table, struct buf *description)
{
    struct dataset_options options = adopt_options();
    struct dataset_description read;
    struct dataset *dataset;
    struct error error = {0};
    struct arena arena;

    arena_init(&arena, DESCRIPTION_BYTES_MAX);
    if (dataset_description_read(buf_str(description), &arena, &read, &error) ||
        dataset_adopt(&options, table, &read, &dataset, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(table->count, 0);
    arena_done(&arena);
    buf_done(description);
    return dataset;
}

static void test_stored_records_are_the_dataset_of_their_file(void **state)
{
    (void)state;
    for (int kind = 0; kind < STORED_INPUT_COUNT; kind++) {
        struct usage_table table;
        struct fixture fixture;
        struct dataset *file;
        struct buf description;
        struct buf text;

        stored_text((enum stored_input)kind, &text);
        fixture_init(&fixture);
        fixture_write(&fixture, buf_str(&text));
        open_file(&fixture, (enum stored_input)kind, &file);
        import_apart((enum stored_input)kind, str_from(fixture.path), buf_str(&text), &table,
                     &description);
        struct dataset *stored = adopt(&table, &description);
        assert_same_dataset(file, stored);
        assert_true(file->table.count > 20);
        dataset_close(stored);
        dataset_close(file);
        fixture_done(&fixture);
        buf_done(&text);
    }
}

/* The inputs are not all alike, or the test above would show less than it says. */
static void test_the_inputs_have_rejects_merges_notes_and_maps(void **state)
{
    uint64_t rejected = 0;
    uint64_t merged = 0;
    size_t notes = 0;
    size_t maps = 0;

    (void)state;
    for (int kind = 0; kind < STORED_INPUT_COUNT; kind++) {
        struct usage_table table;
        struct buf description;
        struct buf text;

        stored_text((enum stored_input)kind, &text);
        import_apart((enum stored_input)kind, STR("u"), buf_str(&text), &table, &description);
        struct dataset *stored = adopt(&table, &description);
        rejected += dataset_rejected(stored);
        merged += stored->inputs[0].report->rows_merged;
        notes += stored->inputs[0].report->note_count;
        maps += stored->map_count;
        dataset_close(stored);
        buf_done(&text);
    }
    assert_true(rejected > 10);
    assert_true(merged > 10);
    assert_int_not_equal(notes, 0);
    assert_int_equal(maps, 2);
}

static void test_a_dataset_knows_whose_now_it_has(void **state)
{
    const int64_t now_us = adopt_options().now_us;
    struct usage_table table;
    struct buf description;

    (void)state;
    import_apart(STORED_JSONL, STR("u"),
                 STR("{\"time\":\"2026-01-31T00:00:00Z\",\"model\":\"gpt-4o\",\"input_tokens\":1,"
                     "\"output_tokens\":1}\n"),
                 &table, &description);
    struct dataset *fresh = adopt(&table, &description);
    assert_true(dataset_is_of(fresh, now_us));
    assert_false(dataset_is_of(fresh, now_us + 1));
    assert_false(dataset_is_of(fresh, now_us + 10 * DAY_US));
    dataset_close(fresh);
    import_apart(STORED_JSONL, STR("u"),
                 STR("{\"time\":\"2026-01-01T00:00:00Z\",\"model\":\"gpt-4o\",\"input_tokens\":1,"
                     "\"output_tokens\":1}\n"),
                 &table, &description);
    struct dataset *stale = adopt(&table, &description);
    assert_true(dataset_is_of(stale, now_us));
    assert_true(dataset_is_of(stale, now_us + 10 * DAY_US));
    assert_false(dataset_is_of(stale, now_us - 30 * DAY_US));
    dataset_close(stale);
}

static void assert_refused(const char *json)
{
    struct dataset_description description;
    struct error error = {0};
    struct arena arena;

    arena_init(&arena, DESCRIPTION_BYTES_MAX);
    if (dataset_description_read(str_from(json), &arena, &description, &error) != ERR_INVALID) {
        fail_msg("accepted: %s", json);
    }
    assert_true(error.message[0] != '\0');
    arena_done(&arena);
}

#define IMPORT                                                                                     \
    "\"import\":{\"format\":\"csv\",\"convention\":\"inclusive\",\"is_gzip\":false,\"bytes_in\":"  \
    "1,\"bytes_text\":1,\"rows_read\":0,\"rows_accepted\":0,\"rows_merged\":0,\"rows_rejected\":"  \
    "0,\"columns\":[],\"unused\":[],\"rejects\":[],\"notes\":[]}"

static void test_damaged_descriptions_are_refused(void **state)
{
    struct dataset_description description;
    struct arena arena;

    (void)state;
    arena_init(&arena, DESCRIPTION_BYTES_MAX);
    assert_int_equal(dataset_description_read(
                         STR("{\"name\":\"n\",\"digest\":\"d\",\"maps\":[\"a=b=c\"]," IMPORT "}"),
                         &arena, &description, NULL),
                     OK);
    assert_str(description.maps[0].field, "a");
    assert_str(description.maps[0].value, "b=c");
    arena_done(&arena);
    assert_refused("");
    assert_refused("[]");
    assert_refused("{\"digest\":\"d\",\"maps\":[]," IMPORT "}");
    assert_refused("{\"name\":\"n\",\"maps\":[]," IMPORT "}");
    assert_refused("{\"name\":\"n\",\"digest\":"
                   "\"012345678901234567890123456789012345678901234567\",\"maps\":[]," IMPORT "}");
    assert_refused("{\"name\":\"n\",\"digest\":\"d\"," IMPORT "}");
    assert_refused("{\"name\":\"n\",\"digest\":\"d\",\"maps\":[\"a\"]," IMPORT "}");
    assert_refused("{\"name\":\"n\",\"digest\":\"d\",\"maps\":[\"=a\"]," IMPORT "}");
    assert_refused("{\"name\":\"n\",\"digest\":\"d\",\"maps\":[1]," IMPORT "}");
    assert_refused("{\"name\":\"n\",\"digest\":\"d\",\"maps\":[]}");
}

static void test_adopting_survives_every_failing_allocation(void **state)
{
    int code = ERR_NO_MEMORY;
    struct buf text;

    (void)state;
    stored_text(STORED_CSV, &text);
    for (uint64_t nth = 1; code; nth++) {
        struct dataset_options options = adopt_options();
        struct dataset_description read;
        struct dataset *dataset = NULL;
        struct usage_table table;
        struct error error = {0};
        struct buf description;
        struct arena arena;

        assert_true(nth < 5000);
        import_apart(STORED_CSV, STR("u"), buf_str(&text), &table, &description);
        arena_init(&arena, DESCRIPTION_BYTES_MAX);
        (void)alloc_fail_from(nth);
        code = dataset_description_read(buf_str(&description), &arena, &read, &error);
        if (!code) {
            code = dataset_adopt(&options, &table, &read, &dataset, &error);
            assert_int_equal(table.count, 0); /* taken over in any case */
        }
        (void)alloc_fail_from(0);
        assert_true(code == OK || (code == ERR_NO_MEMORY && error.message[0]));
        dataset_close(dataset);
        usage_table_done(&table);
        arena_done(&arena);
        buf_done(&description);
    }
    buf_done(&text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_stored_records_are_the_dataset_of_their_file),
    cmocka_unit_test(test_the_inputs_have_rejects_merges_notes_and_maps),
    cmocka_unit_test(test_a_dataset_knows_whose_now_it_has),
    cmocka_unit_test(test_damaged_descriptions_are_refused),
    cmocka_unit_test(test_adopting_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
