/*
 * The journal: what was written is read again, a torn end is dropped, and every change of a byte is
 * found.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#define TEXT_BYTES_MAX ((size_t)1 << 20)

static struct loop_entry ended_with_files(const struct loop_journal *journal)
{
    struct loop_entry entry = fixture_entry(journal, LOOP_JOURNAL_ENDED);

    entry.cycle = 1;
    entry.step = LOOP_CHECK;
    entry.outcome = LOOP_OUTCOME_RED;
    entry.exit_status = 1;
    entry.duration_ms = 1000;
    entry.reason = STR("it \"failed\"\n\xe2\x82\xac");
    entry.facts = STR(FIXTURE_FACTS_A);
    entry.files[0] =
        (struct loop_journal_file){STR("cycle-1/evidence/evidence.json"), STR(FIXTURE_FACTS_B)};
    entry.file_count = 1;
    entry.from_us = entry.time_us - SECOND_US;
    entry.to_us = entry.time_us - 1;
    return entry;
}

static struct loop_entry stopped(const struct loop_journal *journal)
{
    struct loop_entry entry = fixture_entry(journal, LOOP_JOURNAL_STOPPED);

    entry.cycle = 1;
    entry.verdict = LOOP_VERDICT_FAILED;
    entry.reason = STR("no more");
    return entry;
}

/* One line of each kind. */
static void fill(struct loop_journal *journal)
{
    struct loop_entry entry = fixture_began(journal, 1, LOOP_CHECK);

    fixture_keep(journal, &entry);
    entry = ended_with_files(journal);
    fixture_keep(journal, &entry);
    entry = fixture_entry(journal, LOOP_JOURNAL_RESUMED);
    fixture_keep(journal, &entry);
    entry = stopped(journal);
    fixture_keep(journal, &entry);
}

static void print_all(const struct loop_journal *journal, struct buf *text)
{
    char hash[DIGEST_TEXT_BYTES];

    memset(hash, '0', sizeof(hash) - 1);
    hash[sizeof(hash) - 1] = '\0';
    for (size_t i = 0; i < journal->count; i++) {
        assert_int_equal(loop_journal_print(&journal->entries[i], hash, text, hash), OK);
    }
}

static void print_sample(struct buf *text)
{
    cleanup(loop_journal_free_pointer) struct loop_journal *journal = fixture_journal();

    buf_init(text, TEXT_BYTES_MAX);
    fill(journal);
    print_all(journal, text);
}

static int parse(struct str text, struct loop_journal **ret_journal, struct error *error)
{
    assert_int_equal(loop_journal_new(ret_journal), OK);
    return loop_journal_parse(*ret_journal, text, error);
}

static void test_loop_journal_says_again_what_was_written(void **state)
{
    cleanup(buf_done) struct buf text = {0};
    cleanup(buf_done) struct buf again = {0};
    cleanup(loop_journal_free_pointer) struct loop_journal *journal = NULL;
    struct error error = {0};

    (void)state;
    print_sample(&text);
    assert_int_equal(parse(buf_str(&text), &journal, &error), OK);
    assert_int_equal(journal->count, 5);
    assert_int_equal(journal->sound_bytes, text.length);
    assert_str(journal->entries[0].texts[1], "project=demo");
    assert_str(journal->entries[1].texts[1], "verify");
    const struct loop_entry *ended = loop_journal_ended(journal, 1, LOOP_CHECK);
    assert_ptr_equal(ended, &journal->entries[2]);
    assert_null(loop_journal_ended(journal, 1, LOOP_DEPLOY));
    assert_int_equal(ended->outcome, LOOP_OUTCOME_RED);
    assert_int_equal(ended->exit_status, 1);
    assert_int_equal(ended->time_us, FIXTURE_TIME_US + 2 * SECOND_US);
    assert_int_equal(ended->to_us, FIXTURE_TIME_US + 2 * SECOND_US - 1);
    assert_str(ended->reason, "it \"failed\"\n\xe2\x82\xac");
    assert_str(ended->files[0].name, "cycle-1/evidence/evidence.json");
    assert_int_equal(journal->entries[4].verdict, LOOP_VERDICT_FAILED);
    buf_init(&again, TEXT_BYTES_MAX);
    print_all(journal, &again);
    assert_str(buf_str(&again), text.data);
}

/* Every prefix of a journal: the whole lines of it are read, the rest is a torn end. */
static void test_loop_journal_drops_a_torn_end_at_every_byte(void **state)
{
    cleanup(buf_done) struct buf text = {0};
    struct error error = {0};

    (void)state;
    print_sample(&text);
    for (size_t length = 0; length <= text.length; length++) {
        cleanup(loop_journal_free_pointer) struct loop_journal *journal = NULL;
        size_t lines = 0;
        size_t whole = 0;

        for (size_t i = 0; i < length; i++) {
            if (text.data[i] == '\n') {
                lines++;
                whole = i + 1;
            }
        }
        assert_int_equal(parse(str_slice(buf_str(&text), 0, length), &journal, &error), OK);
        assert_int_equal(journal->count, lines);
        assert_int_equal(journal->sound_bytes, whole);
        assert_int_equal(journal->torn_bytes, length - whole);
    }
}

/* Any one bit of any byte, but the end of the last line: without it the line is torn. */
static void test_loop_journal_finds_every_changed_bit(void **state)
{
    cleanup(buf_done) struct buf text = {0};

    (void)state;
    print_sample(&text);
    for (size_t i = 0; i + 1 < text.length; i++) {
        cleanup(loop_journal_free_pointer) struct loop_journal *journal = NULL;
        struct error error = {0};
        char kept = text.data[i];

        text.data[i] = (char)(kept ^ (1 << (i % 8)));
        int code = parse(buf_str(&text), &journal, &error);
        text.data[i] = kept;
        if (code != ERR_INVALID || strncmp(error.message, "line ", 5) != 0) {
            fail_msg("byte %zu changed: code %d, '%s'", i, code, error.message);
        }
    }
}

static struct str line_of(struct str text, size_t index)
{
    size_t begin = 0;

    for (; index > 0; index--) {
        begin = str_find(text, STR("\n"), begin) + 1;
    }
    return str_slice(text, begin, str_find(text, STR("\n"), begin) + 1);
}

static void test_loop_journal_finds_lines_taken_out_moved_or_doubled(void **state)
{
    static const size_t orders[][4] = {{0, 2, 3, 4}, {1, 2, 3, 4}, {0, 2, 1, 3}, {0, 1, 1, 2}};
    cleanup(buf_done) struct buf text = {0};

    (void)state;
    print_sample(&text);
    for (size_t i = 0; i < ARRAY_LENGTH(orders); i++) {
        cleanup(buf_done) struct buf other = {0};
        cleanup(loop_journal_free_pointer) struct loop_journal *journal = NULL;
        struct error error = {0};

        buf_init(&other, TEXT_BYTES_MAX);
        for (size_t k = 0; k < ARRAY_LENGTH(orders[i]); k++) {
            buf_append(&other, line_of(buf_str(&text), orders[i][k]));
        }
        assert_int_equal(parse(buf_str(&other), &journal, &error), ERR_INVALID);
        assert_non_null(strstr(error.message, "its hash is not"));
    }
}

/* Lines with a right hash that say what no journal says. */
static void test_loop_journal_refuses_lines_that_say_nothing(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "[1]",
        "{\"n\":1",
        "{\"n\":2,\"time\":\"2026-11-23T10:00:00Z\",\"elapsed_us\":1,\"event\":\"resumed\"",
        "{\"n\":1,\"time\":\"2026-11-23T10:00:00Z\",\"elapsed_us\":1,\"event\":\"resumed\"",
        "{\"n\":1,\"time\":\"2026-11-23T10:00:00Z\",\"elapsed_us\":1,\"event\":\"opened\"",
        "{\"n\":1,\"time\":\"2026-11-23T10:00:00Z\",\"elapsed_us\":1,\"event\":\"opened\","
        "\"netra_journal\":2,\"options\":[\"target=local\"]",
        "{\"n\":1,\"time\":\"2026-11-23T10:00:00Z\",\"elapsed_us\":1,\"event\":\"opened\","
        "\"netra_journal\":1,\"options\":[1]",
        "{\"n\":1,\"time\":\"2026-11-23T10:00:00Z\",\"elapsed_us\":-1,\"event\":\"opened\","
        "\"netra_journal\":1,\"options\":[\"target=local\"]",
        "{\"n\":1,\"time\":\"yesterday\",\"elapsed_us\":1,\"event\":\"opened\","
        "\"netra_journal\":1,\"options\":[\"target=local\"]",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
        cleanup(buf_done) struct buf text = {0};
        cleanup(loop_journal_free_pointer) struct loop_journal *journal = NULL;
        struct error error = {0};
        char zeroes[DIGEST_TEXT_BYTES] = "";
        char hash[DIGEST_TEXT_BYTES];

        memset(zeroes, '0', sizeof(zeroes) - 1);
        assert_int_equal(loop_journal_line_hash(zeroes, str_from(bodies[i]), hash), OK);
        buf_init(&text, TEXT_BYTES_MAX);
        buf_printf(&text, "%s" LOOP_JOURNAL_HASH_NAME "%s\"}\n", bodies[i], hash);
        int code = parse(buf_str(&text), &journal, &error);
        if (code != ERR_INVALID || strstr(error.message, "its hash is not")) {
            fail_msg("%s: code %d, '%s'", bodies[i], code, error.message);
        }
    }
}

static void test_loop_journal_parse_survives_every_failing_allocation(void **state)
{
    cleanup(buf_done) struct buf text = {0};
    int code = ERR_NO_MEMORY;
    unsigned failures = 0;

    (void)state;
    print_sample(&text);
    for (unsigned nth = 1; code != OK; nth++) {
        cleanup(loop_journal_free_pointer) struct loop_journal *journal = NULL;
        struct error error = {0};

        (void)alloc_fail_from(nth);
        code = loop_journal_new(&journal);
        if (!code) {
            code = loop_journal_parse(journal, buf_str(&text), &error);
        }
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        failures += code != OK;
    }
    assert_true(failures >= 3);
}

/* ---- with a file ---- */

struct folder {
    char name[64];
    char path[96];
};

static void make_folder(struct folder *folder)
{
    (void)snprintf(folder->name, sizeof(folder->name), "/tmp/netra-journal-XXXXXX");
    assert_non_null(mkdtemp(folder->name));
    (void)snprintf(folder->path, sizeof(folder->path), "%s/journal.jsonl", folder->name);
}

static void drop_folder(struct folder *folder)
{
    (void)unlink(folder->path);
    (void)rmdir(folder->name);
}

static void append_all(struct loop_journal *to, const struct loop_journal *from)
{
    struct error error = {0};

    for (size_t i = 0; i < from->count; i++) {
        assert_int_equal(loop_journal_append(to, &from->entries[i], &error), OK);
    }
}

static void test_loop_journal_file_goes_on_behind_a_torn_line(void **state)
{
    cleanup(loop_journal_free_pointer) struct loop_journal *sample = fixture_journal();
    cleanup(loop_journal_free_pointer) struct loop_journal *journal = NULL;
    cleanup(loop_journal_free_pointer) struct loop_journal *second = NULL;
    cleanup(loop_journal_free_pointer) struct loop_journal *third = NULL;
    cleanup(drop_folder) struct folder folder = {0};
    struct error error = {0};

    (void)state;
    make_folder(&folder);
    assert_int_equal(loop_journal_new(&journal), OK);
    assert_int_equal(loop_journal_create(journal, folder.path, &error), OK);
    append_all(journal, sample);
    FILE *file = fopen(folder.path, "a");
    assert_non_null(file);
    assert_true(fputs("{\"n\":2,\"time\":\"2026", file) >= 0);
    assert_int_equal(fclose(file), 0);

    assert_int_equal(loop_journal_new(&second), OK);
    assert_int_equal(loop_journal_open(second, folder.path, &error), OK);
    assert_int_equal(second->count, 1);
    assert_int_equal(second->torn_bytes, 19);
    struct loop_entry resumed = fixture_entry(second, LOOP_JOURNAL_RESUMED);
    assert_int_equal(loop_journal_append(second, &resumed, &error), OK);

    assert_int_equal(loop_journal_new(&third), OK);
    assert_int_equal(loop_journal_open(third, folder.path, &error), OK);
    assert_int_equal(third->count, 2);
    assert_int_equal(third->torn_bytes, 0);
    assert_int_equal(third->entries[1].event, LOOP_JOURNAL_RESUMED);
}

static void test_loop_journal_create_takes_no_file_that_exists(void **state)
{
    cleanup(loop_journal_free_pointer) struct loop_journal *journal = NULL;
    cleanup(loop_journal_free_pointer) struct loop_journal *second = NULL;
    cleanup(drop_folder) struct folder folder = {0};
    struct error error = {0};

    (void)state;
    make_folder(&folder);
    assert_int_equal(loop_journal_new(&journal), OK);
    assert_int_equal(loop_journal_new(&second), OK);
    assert_int_equal(loop_journal_open(journal, folder.path, &error), ERR_NOT_FOUND);
    assert_int_equal(loop_journal_create(journal, folder.path, &error), OK);
    assert_int_equal(loop_journal_create(second, folder.path, &error), ERR_EXISTS);
}

/* A disk that is full: the line is not there, neither in the file nor in memory. */
static void test_loop_journal_append_that_fails_leaves_the_journal_as_it_was(void **state)
{
    cleanup(loop_journal_free_pointer) struct loop_journal *sample = fixture_journal();
    cleanup(loop_journal_free_pointer) struct loop_journal *journal = NULL;
    struct error error = {0};

    (void)state;
    assert_int_equal(loop_journal_new(&journal), OK);
    FILE *full = fopen("/dev/full", "we");
    assert_non_null(full);
    journal->fd = dup(fileno(full));
    (void)fclose(full);
    assert_int_equal(loop_journal_append(journal, &sample->entries[0], &error), ERR_IO);
    assert_int_equal(journal->count, 0);
    assert_int_equal(journal->sound_bytes, 0);
    assert_int_equal(journal->last_hash[0], '0');
}

static void test_loop_journal_grows_over_many_lines(void **state)
{
    cleanup(loop_journal_free_pointer) struct loop_journal *journal = fixture_journal();

    (void)state;
    while (journal->count < LOOP_JOURNAL_ENTRIES_MAX) {
        struct loop_entry entry = fixture_entry(journal, LOOP_JOURNAL_RESUMED);

        fixture_keep(journal, &entry);
    }
    assert_int_equal(journal->entries[LOOP_JOURNAL_ENTRIES_MAX - 1].n, LOOP_JOURNAL_ENTRIES_MAX);
    assert_int_equal(loop_journal_keep(journal, &journal->entries[0]), ERR_LIMIT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_loop_journal_says_again_what_was_written),
    cmocka_unit_test(test_loop_journal_drops_a_torn_end_at_every_byte),
    cmocka_unit_test(test_loop_journal_finds_every_changed_bit),
    cmocka_unit_test(test_loop_journal_finds_lines_taken_out_moved_or_doubled),
    cmocka_unit_test(test_loop_journal_refuses_lines_that_say_nothing),
    cmocka_unit_test(test_loop_journal_parse_survives_every_failing_allocation),
    cmocka_unit_test(test_loop_journal_file_goes_on_behind_a_torn_line),
    cmocka_unit_test(test_loop_journal_create_takes_no_file_that_exists),
    cmocka_unit_test(test_loop_journal_append_that_fails_leaves_the_journal_as_it_was),
    cmocka_unit_test(test_loop_journal_grows_over_many_lines),
};

UNIT_MAIN(tests)
