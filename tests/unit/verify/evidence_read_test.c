/*
 * What was written is read again as it was; a file that was changed by hand is refused when it is
 * malformed, and caught by the meta-check when it is not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "evidence_fixture.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "verify/evidence_rows.h"
#include "json/json_read.h"

#define FILE_BYTES ((size_t)8 << 20)

struct files {
    struct buf json;
    struct buf csv;
};

static void write_honest(struct files *files)
{
    struct evidence *evidence = honest_evidence();

    buf_init(&files->json, FILE_BYTES);
    buf_init(&files->csv, FILE_BYTES);
    assert_int_equal(evidence_judge(evidence), OK);
    assert_int_equal(evidence_write_json(evidence, &files->json), OK);
    assert_int_equal(evidence_write_samples(evidence, &files->csv), OK);
    evidence_free(evidence);
}

static void files_done(struct files *files)
{
    buf_done(&files->json);
    buf_done(&files->csv);
}

static int parse(const struct files *files, struct evidence **ret_evidence, struct error *error)
{
    struct evidence *evidence = NULL;

    assert_int_equal(evidence_new(&evidence), OK);
    int code = evidence_parse(buf_str(&files->json), evidence, error);
    code = code ? code : evidence_parse_samples(buf_str(&files->csv), evidence, error);
    if (code) {
        evidence_free(evidence);
        evidence = NULL;
    }
    *ret_evidence = evidence;
    return code;
}

/* Each occurrence, or only the first. */
static unsigned replace(struct buf *text, const char *from, const char *to, bool is_all)
{
    struct buf changed;
    struct str rest = buf_str(text);
    unsigned count = 0;

    buf_init(&changed, FILE_BYTES);
    for (;;) {
        size_t at = str_find(rest, str_from(from), 0);

        if (at == SIZE_MAX || (count && !is_all)) {
            break;
        }
        buf_append(&changed, str_slice(rest, 0, at));
        buf_append(&changed, str_from(to));
        rest = str_slice(rest, at + strlen(from), rest.length);
        count++;
    }
    buf_append(&changed, rest);
    assert_int_equal(buf_status(&changed), OK);
    buf_done(text);
    *text = changed;
    return count;
}

/* ---- as it was ---- */

static void test_evidence_is_read_as_it_was_written(void **state)
{
    struct files files;
    struct files again;
    struct evidence *evidence;
    struct error error;

    (void)state;
    write_honest(&files);
    int code = parse(&files, &evidence, &error);
    if (code) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(evidence_judge(evidence), OK);
    assert_int_equal(evidence->violation_count, 0);
    assert_int_equal(evidence->summary, SUMMARY_INCOMPLETE);
    assert_int_equal(evidence->sets[0].count, 100);
    assert_int_equal(evidence->sets[0].warm_up, 10);
    buf_init(&again.json, FILE_BYTES);
    buf_init(&again.csv, FILE_BYTES);
    assert_int_equal(evidence_write_json(evidence, &again.json), OK);
    assert_int_equal(evidence_write_samples(evidence, &again.csv), OK);
    assert_true(str_equal(buf_str(&files.json), buf_str(&again.json)));
    assert_true(str_equal(buf_str(&files.csv), buf_str(&again.csv)));
    evidence_free(evidence);
    files_done(&files);
    files_done(&again);
}

static void test_evidence_samples_are_exact(void **state)
{
    static const double values[] = {0.1, 1.0 / 3, 1e-9, 123456789.123456789, 5e15, 0};
    struct evidence *evidence = honest_evidence();
    struct evidence *again = NULL;
    struct files files = {.csv = {.limit = 0}};

    (void)state;
    memcpy(evidence->sets[0].values_us, values, sizeof(values));
    buf_init(&files.json, FILE_BYTES);
    buf_init(&files.csv, FILE_BYTES);
    assert_int_equal(evidence_judge(evidence), OK);
    assert_int_equal(evidence_write_json(evidence, &files.json), OK);
    assert_int_equal(evidence_write_samples(evidence, &files.csv), OK);
    assert_int_equal(parse(&files, &again, NULL), OK);
    assert_memory_equal(again->sets[0].values_us, evidence->sets[0].values_us,
                        100 * sizeof(double));
    assert_memory_equal(again->sets[0].at_us, evidence->sets[0].at_us, 100 * sizeof(int64_t));
    evidence_free(evidence);
    evidence_free(again);
    files_done(&files);
}

/* ---- changed by hand ---- */

static void check_lie(const char *from, const char *to, bool is_all, const char *rule)
{
    struct files files;
    struct evidence *evidence;
    struct error error;
    bool is_caught = false;

    write_honest(&files);
    struct buf *changed =
        str_find(buf_str(&files.json), str_from(from), 0) == SIZE_MAX ? &files.csv : &files.json;
    assert_true(replace(changed, from, to, is_all) > 0);
    int code = parse(&files, &evidence, &error);
    if (code) {
        fail_msg("'%s': %s", to, error.message);
    }
    assert_int_equal(evidence_judge(evidence), OK);
    for (size_t i = 0; i < evidence->violation_count; i++) {
        is_caught |= str_equal(evidence->violations[i].id, str_from(rule));
    }
    if (!is_caught || evidence->summary != SUMMARY_FAILED) {
        fail_msg("'%s' for '%s' is not caught by %s", to, from, rule);
    }
    evidence_free(evidence);
    files_done(&files);
}

static void test_evidence_that_was_changed_by_hand_is_caught(void **state)
{
    (void)state;
    check_lie("\"not_exercised\",\n   \"reason\"", "\"passed\",\n   \"reason\"", true,
              "outcome_contradicts_findings");
    check_lie("\"outcome\": \"not_exercised\"", "\"outcome\": \"passed\"", true, "no_bytes_sent");
    check_lie("\"bytes_sent\": 120,", "\"bytes_sent\": 9,", true, "bytes_differ");
    check_lie("\"first_byte_us\": 870", "\"first_byte_us\": 7", false, "phases_out_of_order");
    check_lie("\"duration_us\": 3000000", "\"duration_us\": 1000", false, "exchange_outside_check");
    check_lie("\"limit_ms\": 50,", "\"limit_ms\": 1,", false, "limit_exceeded");
    check_lie("\"started_us\": 1790000005000000", "\"started_us\": 1790000105000000", true,
              "clocks_disagree");
    check_lie("2000.125\n", "1000.125\n", true, "spread_differs");
    check_lie("\"name\": \"api\",\n     \"limit_ms\"", "\"name\": \"other\",\n     \"limit_ms\"",
              true, "too_few_samples");
}

/* What says "passed" over constant samples, with figures that agree with them. */
static void test_evidence_of_constant_samples_is_caught(void **state)
{
    struct evidence *evidence = honest_evidence();
    struct evidence *again = NULL;
    struct files files;

    (void)state;
    for (size_t i = 0; i < 100; i++) {
        evidence->sets[0].values_us[i] = 2000;
    }
    assert_int_equal(
        spread_of(evidence->sets[0].values_us, 100, &evidence->checks[1].targets[0].spread_us), OK);
    buf_init(&files.json, FILE_BYTES);
    buf_init(&files.csv, FILE_BYTES);
    assert_int_equal(evidence_write_json(evidence, &files.json), OK);
    assert_int_equal(evidence_write_samples(evidence, &files.csv), OK);
    assert_int_equal(parse(&files, &again, NULL), OK);
    assert_int_equal(evidence_judge(again), OK);
    assert_int_equal(again->violation_count, 1);
    assert_str(again->violations[0].id, "no_variance");
    evidence_free(evidence);
    evidence_free(again);
    files_done(&files);
}

static void check_refused(const char *from, const char *to, const char *said)
{
    struct files files;
    struct evidence *evidence;
    struct error error = {0};

    write_honest(&files);
    struct buf *changed =
        str_find(buf_str(&files.json), str_from(from), 0) == SIZE_MAX ? &files.csv : &files.json;
    assert_true(replace(changed, from, to, false) > 0);
    if (parse(&files, &evidence, &error) != ERR_INVALID) {
        fail_msg("'%s' for '%s' is taken", to, from);
    }
    if (!strstr(error.message, said)) {
        fail_msg("'%s' does not say '%s'", error.message, said);
    }
    files_done(&files);
}

static void test_evidence_that_is_malformed_is_refused(void **state)
{
    (void)state;
    check_refused("\"netra_evidence\": 1", "\"netra_evidence\": 2", "format 2");
    check_refused("\"netra_evidence\": 1,", "", "netra_evidence");
    check_refused("\"finished_us\": 1790000010000000", "\"finished_us\": 0", "finished_us");
    check_refused("\"outcome\": \"passed\",\n   \"reason\"",
                  "\"outcome\": \"fine\",\n   \"reason\"", "outcome");
    check_refused("\"duration_us\": 3000000", "\"duration_us\": -1", "duration_us");
    check_refused("\"duration_us\": 3000000", "\"duration_us\": 9223372036854775807",
                  "duration_us");
    check_refused("\"statistic\": \"p95\"", "\"statistic\": \"p12\"", "statistic");
    check_refused("\"read_only\": false", "\"read_only\": 0", "read_only");
    check_refused("\"peer\": \"",
                  "\"peer\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                  "peer");
    check_refused("\"checks\": [", "\"cheques\": [", "checks");
    check_refused("\napi,2,", "\napi,3,", "line 3");
    check_refused("\napi,2,", "\nother,2,", "line 3");
    check_refused("\napi,2,", "\napi,2x,", "line 3");
    check_refused("2000.125\n", "nan\n", "line 2");
    check_refused("2000.125\n", "inf\n", "line 2");
    check_refused("2000.125\n", "2000.125,1\n", "line 2");
    check_refused("2000.125\n", "\n", "line 2");
}

static void test_evidence_has_limits_when_it_is_read(void **state)
{
    struct evidence *evidence = NULL;
    struct files files;
    struct buf checks;

    (void)state;
    write_honest(&files);
    buf_init(&checks, FILE_BYTES);
    buf_append(&checks, STR("\"checks\": ["));
    for (unsigned i = 0; i < EVIDENCE_CHECKS_MAX; i++) {
        buf_append(&checks,
                   STR("{\"id\":\"a\",\"title\":\"b\",\"outcome\":\"failed\",\"reason\":\"\","
                       "\"started_us\":1,\"started_monotonic_us\":1,\"duration_us\":1,"
                       "\"bytes_sent\":1,\"bytes_received\":1,\"exchanges\":1,"
                       "\"findings\":[],\"targets\":[]},"));
    }
    assert_int_equal(replace(&files.json, "\"checks\": [", checks.data, false), 1);
    assert_int_equal(parse(&files, &evidence, NULL), ERR_LIMIT);
    buf_done(&checks);
    files_done(&files);
}

/* ---- folders ---- */

static void test_evidence_goes_to_a_folder_and_comes_back(void **state)
{
    static const char *const names[] = {"evidence.json", "samples.csv", "report.md", "junit.xml"};
    char base[] = "/tmp/netra-evidence-XXXXXX";
    char folder[128];
    char path[256];
    struct evidence *evidence = honest_evidence();
    struct evidence *again = NULL;
    struct error error;
    struct stat info;

    (void)state;
    assert_non_null(mkdtemp(base));
    (void)snprintf(folder, sizeof(folder), "%s/runs/1", base);
    assert_int_equal(evidence_judge(evidence), OK);
    for (int i = 0; i < 2; i++) { /* over what is there */
        assert_int_equal(evidence_write(evidence, folder, &error), OK);
        assert_int_equal(evidence_read(folder, &again, &error), OK);
        assert_int_equal(again->exchange_count, evidence->exchange_count);
        evidence_free(again);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_true(info.st_size > 100);
        (void)snprintf(path, sizeof(path), "%s/.%s.part", folder, names[i]);
        assert_int_not_equal(stat(path, &info), 0);
    }
    (void)snprintf(path, sizeof(path), "%s/junit.xml/x", folder);
    assert_int_equal(evidence_write(evidence, path, &error), ERR_IO); /* a file is in the way */
    assert_int_equal(evidence_write(evidence, "", &error), ERR_IO);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(evidence_read(folder, &again, &error), ERR_IO);
    assert_int_equal(rmdir(folder), 0);
    (void)snprintf(folder, sizeof(folder), "%s/runs", base);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(rmdir(base), 0);
    evidence_free(evidence);
}

static void test_evidence_reading_without_memory_says_so(void **state)
{
    struct files files;
    int code = ERR_NO_MEMORY;

    (void)state;
    write_honest(&files);
    for (uint64_t nth = 1; code; nth++) {
        struct evidence *evidence = NULL;

        (void)alloc_fail_from(nth);
        code = evidence_new(&evidence);
        code = code ? code : evidence_parse(buf_str(&files.json), evidence, NULL);
        code = code ? code : evidence_parse_samples(buf_str(&files.csv), evidence, NULL);
        (void)alloc_fail_from(0);
        evidence_free(evidence);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    files_done(&files);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_evidence_is_read_as_it_was_written),
    cmocka_unit_test(test_evidence_samples_are_exact),
    cmocka_unit_test(test_evidence_that_was_changed_by_hand_is_caught),
    cmocka_unit_test(test_evidence_of_constant_samples_is_caught),
    cmocka_unit_test(test_evidence_that_is_malformed_is_refused),
    cmocka_unit_test(test_evidence_has_limits_when_it_is_read),
    cmocka_unit_test(test_evidence_goes_to_a_folder_and_comes_back),
    cmocka_unit_test(test_evidence_reading_without_memory_says_so),
};

UNIT_MAIN(tests)
