/*
 * An upload, piece by piece, on its way into the store: counts while it runs, the description of a
 * file's bytes, and nothing stored when nothing could be used. The store is a fake.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fake_usage_store.h"
#include "stored_fixture.h"

#include "tool/dataset_intake.h"

#define DESCRIPTION_BYTES_MAX ((size_t)1 << 20)

static struct dataset_intake *intake_of(const char *name, enum stored_input kind)
{
    struct dataset_intake *intake;
    struct error error = {0};

    if (dataset_intake_new(str_from(name), stored_maps, stored_map_count(kind), &intake, &error)) {
        fail_msg("%s", error.message);
    }
    return intake;
}

static int feed_pieces(struct dataset_intake *intake, struct str text, size_t piece,
                       struct error *error)
{
    int code = OK;

    while (text.length && !code) {
        size_t some = text.length < piece ? text.length : piece;

        code = dataset_intake_feed(intake, str_slice(text, 0, some), error);
        text = str_slice(text, some, text.length);
    }
    return code;
}

/* The whole text through an intake: the code of its end. */
static int take_in(const char *text, struct usage_store *store, struct error *error)
{
    struct dataset_intake *intake = intake_of("u", STORED_JSONL);
    int code = feed_pieces(intake, str_from(text), 5, error);

    code = code ? code : dataset_intake_finish(intake, store, STR("d1"), error);
    dataset_intake_free(intake);
    return code;
}

static void test_the_description_is_that_of_the_file(void **state)
{
    (void)state;
    for (int kind = 0; kind < STORED_INPUT_COUNT; kind++) {
        struct usage_store store = {0};
        struct dataset_description read;
        struct fixture fixture;
        struct dataset *file;
        struct arena arena;
        struct buf description;
        struct buf text;

        stored_text((enum stored_input)kind, &text);
        fixture_init(&fixture);
        fixture_write(&fixture, buf_str(&text));
        open_file(&fixture, (enum stored_input)kind, &file);
        struct dataset_intake *intake = intake_of("my usage", (enum stored_input)kind);
        assert_int_equal(feed_pieces(intake, buf_str(&text), 999, NULL), OK);
        assert_int_equal(dataset_intake_finish(intake, &store, STR("d1"), NULL), OK);
        assert_int_equal(store.puts, 1);
        assert_int_equal(store.put_rows, file->table.count);
        struct dataset_intake_counts counts = dataset_intake_counts(intake);
        assert_int_equal(counts.bytes, text.length);
        assert_int_equal(counts.records, file->table.count);
        assert_int_equal(counts.rejected, dataset_rejected(file));
        assert_int_equal(counts.from_us, file->is_relative_time ? 0 : file->from_us);
        assert_int_equal(counts.to_us, file->is_relative_time ? 0 : file->to_us);
        assert_int_equal(file->is_relative_time, kind == STORED_AGENTIC);
        buf_init(&description, DESCRIPTION_BYTES_MAX);
        dataset_intake_describe(intake, &description);
        dataset_intake_free(intake);
        arena_init(&arena, DESCRIPTION_BYTES_MAX);
        assert_int_equal(dataset_description_read(buf_str(&description), &arena, &read, NULL), OK);
        assert_str(read.name, "my usage");
        assert_str(read.digest, file->inputs[0].digest);
        assert_int_equal(read.map_count, file->map_count);
        assert_int_equal(read.report->rows_accepted, file->inputs[0].report->rows_accepted);
        arena_done(&arena);
        buf_done(&description);
        dataset_close(file);
        fixture_done(&fixture);
        buf_done(&text);
    }
}

static void test_counts_grow_while_bytes_come(void **state)
{
    struct dataset_intake *intake = intake_of("u", STORED_CSV);
    struct buf text;

    (void)state;
    stored_text(STORED_CSV, &text);
    while (text.length < 2 * IMPORT_DETECT_BYTES) {
        buf_append(&text, STR("2026-02-01T00:00:00Z,a,1,1,,x\n"));
    }
    assert_int_equal(dataset_intake_counts(intake).records, 0);
    assert_int_equal(dataset_intake_counts(intake).from_us, 0);
    assert_int_equal(feed_pieces(intake, buf_str(&text), 1000, NULL), OK);
    struct dataset_intake_counts counts = dataset_intake_counts(intake);
    assert_true(counts.records > 300 && counts.rejected > 0);
    assert_true(0 < counts.from_us && counts.from_us < counts.to_us);
    dataset_intake_free(intake);
    buf_done(&text);
}

static void test_an_upload_without_a_usable_row_is_not_stored(void **state)
{
    struct usage_store store = {0};
    struct error error = {0};

    (void)state;
    assert_int_equal(
        take_in("time,input_tokens,output_tokens\n2026-01-01T00:00:00Z,many,few\n", &store, &error),
        ERR_NO_RECORDS);
    assert_true(str_find(str_from(error.message), STR("row 2: "), 0) != SIZE_MAX);
    assert_true(str_find(str_from(error.message), STR("many"), 0) != SIZE_MAX);
    assert_int_equal(take_in("", &store, &error), ERR_NO_RECORDS);
    assert_int_equal(take_in("time,input_tokens\n", &store, &error), ERR_NO_RECORDS);
    assert_int_not_equal(take_in("\x01\x02\x03\x04 binary \xff", &store, &error), OK);
    assert_int_equal(store.puts, 0);
}

static void test_a_wrong_map_and_a_full_disk_are_told(void **state)
{
    const struct import_map wrong = {STR("colour"), STR("red")};
    struct usage_store store = {.put_code = ERR_IO};
    struct dataset_intake *intake = NULL;
    struct error error = {0};

    (void)state;
    assert_int_equal(dataset_intake_new(STR("u"), &wrong, 1, &intake, &error), ERR_USAGE);
    assert_null(intake);
    assert_true(str_find(str_from(error.message), STR("colour"), 0) != SIZE_MAX);
    assert_int_equal(
        take_in("{\"input_tokens\":1,\"output_tokens\":1,\"model\":\"m\"}\n", &store, &error),
        ERR_IO);
    assert_string_equal(error.message, "the disk is full");
    dataset_intake_free(NULL);
}

static void test_taking_in_survives_every_failing_allocation(void **state)
{
    struct usage_store store = {0};
    int code = ERR_NO_MEMORY;
    struct buf description;
    struct buf text;

    (void)state;
    stored_text(STORED_CSV, &text);
    for (uint64_t nth = 1; code; nth++) {
        struct dataset_intake *intake = NULL;
        struct error error = {0};

        assert_true(nth < 5000);
        buf_init(&description, DESCRIPTION_BYTES_MAX);
        (void)alloc_fail_from(nth);
        code = dataset_intake_new(STR("u"), stored_maps, 2, &intake, &error);
        code = code ? code : feed_pieces(intake, buf_str(&text), 4000, &error);
        code = code ? code : dataset_intake_finish(intake, &store, STR("d1"), &error);
        if (!code) {
            dataset_intake_describe(intake, &description);
            code = buf_status(&description);
        }
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        dataset_intake_free(intake);
        buf_done(&description);
    }
    buf_done(&text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_the_description_is_that_of_the_file),
    cmocka_unit_test(test_counts_grow_while_bytes_come),
    cmocka_unit_test(test_an_upload_without_a_usable_row_is_not_stored),
    cmocka_unit_test(test_a_wrong_map_and_a_full_disk_are_told),
    cmocka_unit_test(test_taking_in_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
