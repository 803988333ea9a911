/*
 * Opening datasets: files that are not there, are folders, are empty or broken, several at once,
 * price files, and the moment that counts as now.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tool_fixture.h"

#define LINE(time, model)                                                                          \
    "{\"time\":\"" time "\",\"model\":\"" model "\",\"input_tokens\":10,\"output_tokens\":2}\n"

static void test_records_are_read_sorted_and_priced(void **state)
{
    struct dataset *dataset = dataset_of(
        STR(LINE("2026-01-02T00:00:00Z", "gpt-4o") LINE("2026-01-01T00:00:00Z", "gpt-4o")));

    (void)state;
    assert_int_equal(dataset->table.count, 2);
    assert_true(dataset->table.time_us[0] < dataset->table.time_us[1]);
    assert_int_equal(dataset->from_us, dataset->table.time_us[0]);
    assert_int_equal(dataset->to_us, dataset->table.time_us[1]);
    assert_int_equal(dataset->timed, 2);
    assert_int_equal(dataset->sums.priced, 2);
    assert_true(dataset->cost[0] > 0);
    assert_int_equal(dataset->inputs[0].code, OK);
    assert_int_equal(strlen(dataset->inputs[0].digest), 9 + 32);
    assert_int_equal(dataset_rejected(dataset), 0);
    dataset_close(dataset);
}

static void test_a_missing_file_keeps_its_error(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    struct dataset *dataset = fixture_open(&fixture);
    assert_int_equal(dataset->inputs[0].code, ERR_IO);
    assert_non_null(strstr(dataset->inputs[0].error.message, "No such file"));
    assert_int_equal(dataset->table.count, 0);
    dataset_close(dataset);
    fixture_done(&fixture);
}

static void test_a_folder_is_no_file(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    assert_int_equal(mkdir(fixture.path, 0700), 0);
    struct dataset *dataset = fixture_open(&fixture);
    assert_int_equal(dataset->inputs[0].code, ERR_IO);
    assert_non_null(strstr(dataset->inputs[0].error.message, "folder"));
    dataset_close(dataset);
    assert_int_equal(rmdir(fixture.path), 0);
    fixture_done(&fixture);
}

static void test_an_empty_file_has_no_records(void **state)
{
    struct dataset *dataset = dataset_of(STR(""));

    (void)state;
    assert_true(dataset->inputs[0].code != OK);
    assert_true(dataset->inputs[0].error.message[0] != '\0');
    assert_int_equal(dataset->table.count, 0);
    assert_int_equal(dataset->timed, 0);
    dataset_close(dataset);
}

static void test_a_broken_input_does_not_hide_the_other(void **state)
{
    struct dataset *dataset;
    struct fixture fixture;
    struct error error = {0};

    (void)state;
    fixture_init(&fixture);
    fixture_write(&fixture, STR(LINE("2026-01-02T00:00:00Z", "gpt-4o") "{\"model\":7\n"));
    const char *paths[] = {"/nonexistent/usage.csv", fixture.path};
    struct dataset_options options = {.paths = paths, .path_count = 2};
    assert_int_equal(dataset_open(&options, &dataset, &error), OK);
    assert_int_equal(dataset->input_count, 2);
    assert_int_equal(dataset->inputs[0].code, ERR_IO);
    assert_null(dataset->inputs[0].report);
    assert_int_equal(dataset->inputs[1].code, OK);
    assert_int_equal(dataset->table.count, 1);
    assert_int_equal(dataset_rejected(dataset), 1);
    dataset_close(dataset);
    fixture_done(&fixture);
}

static void test_too_many_inputs_are_refused(void **state)
{
    struct dataset_options options = {.path_count = DATASET_INPUTS_MAX + 1};
    struct dataset *dataset;
    struct error error = {0};

    (void)state;
    assert_int_equal(dataset_open(&options, &dataset, &error), ERR_LIMIT);
    assert_true(error.message[0] != '\0');
}

static void test_a_wrong_map_is_an_error_of_usage(void **state)
{
    const struct import_map maps[] = {{.field = STR("no such field"), .value = STR("x")}};
    struct dataset *dataset;
    struct fixture fixture;
    struct error error = {0};

    (void)state;
    fixture_init(&fixture);
    fixture_write(&fixture, STR(LINE("2026-01-02T00:00:00Z", "gpt-4o")));
    const char *paths[] = {fixture.path};
    struct dataset_options options = {
        .paths = paths, .path_count = 1, .maps = maps, .map_count = 1};
    assert_int_equal(dataset_open(&options, &dataset, &error), ERR_USAGE);
    assert_non_null(strstr(error.message, "no such field"));
    fixture_done(&fixture);
}

static int open_with_prices(const struct fixture *fixture, const char *prices_path,
                            struct dataset **ret_dataset, struct error *error)
{
    struct dataset_options options = {.prices_path = prices_path};

    (void)fixture;
    *error = (struct error){0};
    return dataset_open(&options, ret_dataset, error);
}

static void test_price_files_are_read_or_refused_whole(void **state)
{
    struct dataset *dataset;
    struct fixture fixture;
    struct error error;

    (void)state;
    fixture_init(&fixture);
    assert_int_equal(open_with_prices(&fixture, fixture.path, &dataset, &error), ERR_IO);
    assert_int_equal(open_with_prices(&fixture, fixture.folder, &dataset, &error), ERR_IO);
    fixture_write(&fixture, STR("{\"broken\":"));
    assert_int_equal(open_with_prices(&fixture, fixture.path, &dataset, &error), ERR_INVALID);
    assert_true(error.message[0] != '\0');
    fixture_write(&fixture,
                  STR("{\"netra_prices\": 1, \"unit\": \"USD per million tokens\", \"models\": ["
                      "{\"provider\": \"p\", \"model\": \"m\", \"prices\": {\"standard\": "
                      "{\"input\": 1, \"output\": 2}}}]}"));
    assert_int_equal(open_with_prices(&fixture, fixture.path, &dataset, &error), OK);
    assert_int_equal(price_book_count(dataset->book), 1);
    assert_string_equal(dataset->prices_path, fixture.path);
    assert_int_equal(strlen(dataset->book_digest), 9 + 32);
    dataset_close(dataset);
    fixture_done(&fixture);
}

static struct dataset *open_at(const char *line, int64_t now_us, const int64_t *as_of_us)
{
    struct dataset *dataset;
    struct fixture fixture;
    struct error error = {0};

    fixture_init(&fixture);
    fixture_write(&fixture, str_from(line));
    const char *paths[] = {fixture.path};
    struct dataset_options options = {.paths = paths,
                                      .path_count = 1,
                                      .now_us = now_us,
                                      .has_as_of = as_of_us != NULL,
                                      .as_of_us = as_of_us ? *as_of_us : 0};
    assert_int_equal(dataset_open(&options, &dataset, &error), OK);
    fixture_done(&fixture);
    return dataset;
}

/* Two days after the last record it still is "now"; later, the last record is; what is asked for
 * always wins. */
static void test_old_records_move_now_to_their_end(void **state)
{
    static const char line[] = LINE("2026-01-01T00:00:00Z", "gpt-4o");
    const int64_t last_us = INT64_C(1767225600) * 1000000;
    const int64_t two_days_us = INT64_C(172800) * 1000000;

    (void)state;
    struct dataset *dataset = open_at(line, last_us + two_days_us, NULL);
    assert_int_equal(dataset->as_of_us, last_us + two_days_us);
    assert_false(dataset->as_of_is_last_record);
    dataset_close(dataset);
    dataset = open_at(line, last_us + two_days_us + 1, NULL);
    assert_int_equal(dataset->as_of_us, last_us);
    assert_true(dataset->as_of_is_last_record);
    dataset_close(dataset);
    dataset = open_at(line, last_us + 10 * two_days_us, &(int64_t){5});
    assert_int_equal(dataset->as_of_us, 5);
    assert_false(dataset->as_of_is_last_record);
    dataset_close(dataset);
}

/* Out of memory is a failure of the whole, never half of the records without a word. */
static void test_opening_survives_every_failing_allocation(void **state)
{
    struct fixture fixture;
    int code = ERR_NO_MEMORY;

    (void)state;
    fixture_init(&fixture);
    fixture_write(&fixture, STR(LINE("2026-01-02T00:00:00Z", "gpt-4o")
                                    LINE("2026-01-01T00:00:00Z", "gpt-4o")));
    for (uint64_t nth = 1; code; nth++) {
        struct dataset *dataset = NULL;
        struct error error = {0};

        assert_true(nth < 5000);
        (void)alloc_fail_from(nth);
        code = fixture_try_open(&fixture, &dataset, &error);
        (void)alloc_fail_from(0);
        if (code) {
            assert_int_equal(code, ERR_NO_MEMORY);
            assert_true(error.message[0] != '\0');
        } else {
            assert_int_equal(dataset->table.count, 2);
            assert_int_equal(dataset->inputs[0].code, OK);
            dataset_close(dataset);
        }
    }
    fixture_done(&fixture);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_records_are_read_sorted_and_priced),
    cmocka_unit_test(test_a_missing_file_keeps_its_error),
    cmocka_unit_test(test_a_folder_is_no_file),
    cmocka_unit_test(test_an_empty_file_has_no_records),
    cmocka_unit_test(test_a_broken_input_does_not_hide_the_other),
    cmocka_unit_test(test_too_many_inputs_are_refused),
    cmocka_unit_test(test_a_wrong_map_is_an_error_of_usage),
    cmocka_unit_test(test_price_files_are_read_or_refused_whole),
    cmocka_unit_test(test_old_records_move_now_to_their_end),
    cmocka_unit_test(test_opening_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
