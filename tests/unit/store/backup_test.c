/*
 * Back-ups of small folders: what a manifest may say, a snapshot of two files that do not change in
 * one transaction, memory that runs out, data that is damaged. tests/e2e/79-backup has servers at
 * work, kills and restores.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store_fixture.h"

#include <pthread.h>
#include <sqlite3.h>
#include <time.h>

#include "base/alloc.h"
#include "store/backup.h"
#include "store/dataset_match.h"
#include "store/snapshot.h"
#include "store/usage_store.h"
#include "usage_tables.h"

#define ROWS 70000u /* two chunks */

/* A folder with datasets "d-1" (two chunks) and "d-2", both ready. */
struct house {
    struct fixture f;
    struct usage_store *records;
    char out[160];
    char target[160];
};

static void put_records(struct house *house, const char *id, unsigned rows)
{
    const struct made_up made_up = {.seed = 3, .rows = rows};
    struct usage_table table;
    struct error error = {0};

    assert_int_equal(make_table(&made_up, &table), OK);
    if (usage_store_put(house->records, str_from(id), &table, &error)) {
        fail_msg("%s", error.message);
    }
    usage_table_done(&table);
}

static void put_row(struct house *house, const char *id, unsigned rows,
                    enum store_dataset_status status)
{
    struct store_batch *batch = new_batch();

    store_put_dataset(batch,
                      &(struct store_dataset){
                          .id = str_from(id), .name = STR("x"), .status = status, .records = rows});
    assert_int_equal(apply(&house->f, batch), OK);
}

static void house_begin(struct house *house)
{
    struct error error = {0};

    fixture_begin(&house->f);
    assert_int_equal(usage_store_open(house->f.dir, &house->records, &error), OK);
    put_records(house, "d-1", ROWS);
    put_row(house, "d-1", ROWS, STORE_DATASET_READY);
    put_records(house, "d-2", 10);
    put_row(house, "d-2", 10, STORE_DATASET_READY);
    put_row(house, "d-3", 0, STORE_DATASET_FAILED);
    (void)snprintf(house->out, sizeof(house->out), "%s-out", house->f.dir);
    (void)snprintf(house->target, sizeof(house->target), "%s-target", house->f.dir);
}

static void remove_folder(const char *path)
{
    if (access(path, F_OK) == 0) {
        remove_files(path);
        assert_int_equal(rmdir(path), 0);
    }
}

static void house_end(struct house *house)
{
    usage_store_close(house->records);
    remove_folder(house->out);
    remove_folder(house->target);
    fixture_end(&house->f);
}

static void run_in(const char *dir, const char *file, const char *sql)
{
    sqlite3 *db;
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, file);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL)) {
        fail_msg("%s: %s", sqlite3_errmsg(db), sql);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int make(struct house *house, struct backup_manifest *manifest, struct error *error)
{
    struct backup_request request = {.data_dir = house->f.dir, .out = house->out};

    return backup_make(&request, manifest, error);
}

static int bring_back(struct house *house, struct backup_restored *restored, struct error *error)
{
    struct backup_restore_request request = {.from = house->out, .data_dir = house->target};

    return backup_restore(&request, restored, error);
}

/* ---- the match ---- */

static struct dataset_match match_of(const struct house *house, bool counts_rows)
{
    struct dataset_match match = {0};
    struct error error = {0};
    struct snapshot snapshot;

    assert_int_equal(snapshot_begin(house->f.dir, &snapshot, &error), OK);
    assert_int_equal(
        dataset_match_find(snapshot.dbs[0], snapshot.dbs[1], counts_rows, &match, &error), OK);
    snapshot_end(&snapshot);
    return match;
}

static void test_datasets_and_records_are_matched(void **state)
{
    struct house house;

    (void)state;
    house_begin(&house);
    struct dataset_match match = match_of(&house, true);
    assert_true(match.ready == 2 && match.without_records == 0 && match.nobodys == 0);
    put_records(&house, "d-9", 5); /* of nobody */
    put_records(&house, "d-3", 5); /* of one that failed */
    match = match_of(&house, true);
    assert_true(match.ready == 2 && match.without_records == 0 && match.nobodys == 2);
    put_row(&house, "d-2", 11, STORE_DATASET_READY); /* it has ten */
    assert_true(match_of(&house, true).without_records == 1);
    assert_string_equal(match_of(&house, true).example, "d-2");
    assert_true(match_of(&house, false).without_records == 0);
    run_in(house.f.dir, "usage.db", "DELETE FROM chunk WHERE number = 1");
    match = match_of(&house, false);
    assert_true(match.without_records == 1);
    assert_string_equal(match.example, "d-1");
    run_in(house.f.dir, "usage.db", "UPDATE chunk SET bytes = x'00' WHERE number = 0");
    assert_true(match_of(&house, true).without_records == 2);
    run_in(house.f.dir, "usage.db", "DELETE FROM dataset");
    assert_true(match_of(&house, false).without_records == 2);
    house_end(&house);
}

/* ---- the snapshot ---- */

/* What a deletion is between the two files, or an upload that is seen the wrong way round: records
 * come a moment later. */
static void *put_them_later(void *arg)
{
    static const struct timespec moment = {0, 5000000};

    (void)nanosleep(&moment, NULL);
    put_records(arg, "d-4", 20);
    return NULL;
}

static void test_a_snapshot_between_two_commits_is_taken_again(void **state)
{
    struct snapshot snapshot = {0};
    struct error error = {0};
    struct house house;
    pthread_t thread;

    (void)state;
    house_begin(&house);
    put_row(&house, "d-4", 20, STORE_DATASET_READY);
    assert_int_equal(pthread_create(&thread, NULL, put_them_later, &house), 0);
    assert_int_equal(snapshot_begin(house.f.dir, &snapshot, &error), OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(snapshot.datasets_without_records == 0);
    struct dataset_match match;
    assert_int_equal(dataset_match_find(snapshot.dbs[0], snapshot.dbs[1], true, &match, &error),
                     OK);
    assert_true(match.ready == 3 && match.without_records == 0);
    snapshot_end(&snapshot);
    house_end(&house);
}

/* It stays what it was, whatever is written meanwhile. */
static void test_a_snapshot_is_one_moment(void **state)
{
    struct snapshot snapshot = {0};
    struct dataset_match match;
    struct error error = {0};
    struct house house;

    (void)state;
    house_begin(&house);
    assert_int_equal(snapshot_begin(house.f.dir, &snapshot, &error), OK);
    put_row(&house, "d-1", ROWS, STORE_DATASET_FAILED);
    assert_int_equal(usage_store_delete(house.records, STR("d-1"), &error), OK);
    put_records(&house, "d-5", 5);
    put_row(&house, "d-5", 5, STORE_DATASET_READY);
    assert_int_equal(dataset_match_find(snapshot.dbs[0], snapshot.dbs[1], true, &match, &error),
                     OK);
    assert_true(match.ready == 2 && match.without_records == 0 && match.nobodys == 0);
    snapshot_end(&snapshot);
    match = match_of(&house, true);
    assert_true(match.ready == 2 && match.without_records == 0);
    house_end(&house);
}

/* ---- the whole ---- */

static void test_damage_from_before_is_counted_and_kept_as_it_is(void **state)
{
    struct backup_manifest manifest;
    struct backup_restored restored = {0};
    struct error error = {0};
    struct house house;

    (void)state;
    house_begin(&house);
    run_in(house.f.dir, "usage.db",
           "PRAGMA foreign_keys = ON; DELETE FROM dataset WHERE id = 'd-2'");
    assert_int_equal(make(&house, &manifest, &error), OK);
    assert_true(manifest.datasets_without_records == 1);
    assert_true(manifest.files[0].schema == 3 && manifest.files[1].schema == 1);
    assert_int_equal(inspection_rows_of(&manifest.files[0].tables, "dataset"), 3);
    assert_int_equal(inspection_rows_of(&manifest.files[1].tables, "chunk"), 2);
    assert_int_equal(bring_back(&house, &restored, &error), OK);
    assert_true(restored.manifest.datasets_without_records == 1);
    assert_string_equal(restored.aside, "");
    house_end(&house);
}

static bool is_enough(const char *name, uint64_t done, uint64_t total, void *arg)
{
    (void)name;
    assert_true(done <= total || total == 0);
    return --*(int *)arg > 0;
}

/* Stopped at each place where it asks: nothing is left, and the next one is whole. */
static void test_a_back_up_is_stopped_anywhere(void **state)
{
    struct backup_manifest manifest;
    struct backup_restored restored;
    struct house house;
    int code = ERR_CANCELLED;
    int stops = 0;

    (void)state;
    house_begin(&house);
    for (; code; stops++) {
        int left = stops + 1;
        struct error error = {0};
        struct backup_request request = {
            .data_dir = house.f.dir, .out = house.out, .progress = {is_enough, &left}};

        code = backup_make(&request, &manifest, &error);
        assert_true(code == OK || code == ERR_CANCELLED);
        assert_int_equal(access(house.out, F_OK), code ? -1 : 0);
    }
    assert_in_range(stops, 6, 1000);
    code = ERR_CANCELLED;
    for (stops = 0; code; stops++) {
        int left = stops + 1;
        struct error error = {0};
        struct backup_restore_request request = {
            .from = house.out, .data_dir = house.target, .progress = {is_enough, &left}};

        code = backup_restore(&request, &restored, &error);
        assert_true(code == OK || code == ERR_CANCELLED);
    }
    assert_in_range(stops, 4, 1000);
    house_end(&house);
}

static void test_memory_runs_out_anywhere(void **state)
{
    struct backup_manifest manifest;
    struct backup_restored restored;
    struct house house;
    int code = ERR_NO_MEMORY;

    (void)state;
    house_begin(&house);
    for (uint64_t nth = 1; code; nth++) {
        (void)alloc_fail_from(nth);
        code = make(&house, &manifest, NULL);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_int_equal(access(house.out, F_OK), code ? -1 : 0);
    }
    code = ERR_NO_MEMORY;
    for (uint64_t nth = 1; code; nth++) {
        (void)alloc_fail_from(nth);
        code = bring_back(&house, &restored, NULL);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    house_end(&house);
}

static void test_damaged_data_makes_no_back_up(void **state)
{
    struct backup_manifest manifest;
    struct error error = {0};
    struct house house;

    (void)state;
    house_begin(&house);
    run_in(house.f.dir, "netra.db",
           "PRAGMA foreign_keys = OFF; INSERT INTO message VALUES (9, 'm', 77, '', '', '', 1)");
    assert_int_equal(make(&house, &manifest, &error), ERR_INVALID);
    assert_non_null(strstr(error.message, "netra.db: a row of message refers to one of thread"));
    assert_int_equal(access(house.out, F_OK), -1);
    house_end(&house);
}

/* ---- the manifest ---- */

static struct backup_manifest manifest_of(struct house *house, struct buf *text)
{
    struct backup_manifest manifest;
    struct error error = {0};

    assert_int_equal(make(house, &manifest, &error), OK);
    buf_init(text, BACKUP_MANIFEST_BYTES_MAX);
    backup_manifest_write(&manifest, text);
    assert_int_equal(buf_status(text), OK);
    return manifest;
}

static void test_a_manifest_is_read_as_it_was_written(void **state)
{
    cleanup(buf_done) struct buf text = {0};
    cleanup(buf_done) struct buf again = {0};
    struct backup_manifest read;
    struct error error = {0};
    struct house house;

    (void)state;
    house_begin(&house);
    struct backup_manifest manifest = manifest_of(&house, &text);
    assert_int_equal(backup_manifest_read(buf_str(&text), &read, &error), OK);
    assert_true(read.created_us == manifest.created_us);
    assert_string_equal(read.netra, NETRA_VERSION);
    assert_string_equal(read.files[1].sha256, manifest.files[1].sha256);
    buf_init(&again, BACKUP_MANIFEST_BYTES_MAX);
    backup_manifest_write(&read, &again);
    assert_str(buf_str(&again), text.data);
    house_end(&house);
}

static void test_manifests_that_cannot_be_are_refused(void **state)
{
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"", ERR_INVALID},
        {"[]", ERR_INVALID},
        {"{}", ERR_INVALID},
        {"{\"format\":1}", ERR_INVALID},
        {"{\"format\":\"netra-backup-2\"}", ERR_UNSUPPORTED},
        {"{\"format\":\"\\u001b[31m\"}", ERR_UNSUPPORTED},
        {"{\"format\":\"netra-backup-1\"}", ERR_INVALID},
        {"{\"format\":\"netra-backup-1\",\"netra\":\"\\u001b\"}", ERR_INVALID},
        {"{\"format\":\"netra-backup-1\",\"netra\":\"1\",\"created_at\":\"now\"}", ERR_INVALID},
        {"{\"format\":\"netra-backup-1\",\"netra\":\"1\",\"created_at\":\"2026-01-01T00:00:00Z\","
         "\"datasets_without_records\":-1}",
         ERR_INVALID},
        {"{\"format\":\"netra-backup-1\",\"netra\":\"1\",\"created_at\":\"2026-01-01T00:00:00Z\","
         "\"datasets_without_records\":0,\"files\":[]}",
         ERR_INVALID},
        {"{\"format\":\"netra-backup-1\",\"netra\":\"1\",\"created_at\":\"2026-01-01T00:00:00Z\","
         "\"datasets_without_records\":0,\"files\":[{\"name\":\"../netra.db\"}]}",
         ERR_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct backup_manifest manifest;
        struct error error = {0};

        assert_int_equal(backup_manifest_read(str_from(cases[i].text), &manifest, &error),
                         cases[i].code);
        assert_true(error.message[0] && !strchr(error.message, '\033'));
    }
}

/* Each of these changes makes one wrong of one that was right. */
static void test_a_manifest_with_one_lie_is_refused(void **state)
{
    static const char *const changes[][2] = {
        {"\"bytes\": ", "\"bytes\": -"},
        {"\"bytes\": ", "\"bytes\": 99999999999"}, /* in front of the digits that are there */
        {"\"schema\": 3", "\"schema\": 0"},
        {"\"schema\": 3", "\"schema\": 99999"},
        {"\"schema\": 3", "\"schema\": \"3\""},
        {"\"name\": \"netra.db\"", "\"name\": \"usage.db\""},
        {"\"name\": \"usage.db\"", "\"name\": \"lock\""},
        {"\"audit\": 0", "\"audit\": -1"},
        {"\"audit\": 0", "\"audit\": 1e3"},
        {"\"audit\": 0", "\"answer\": 0"},
        {"\"audit\": 0", "\"AUDIT\": 0"},
        {"\"audit\": 0", "\"a; DROP\": 0"},
        {"\"tables\": {", "\"tables\": [], \"x\": {"},
        {"\"sha256\": \"", "\"sha256\": \"0"},
    };
    cleanup(buf_done) struct buf text = {0};
    struct house house;

    (void)state;
    house_begin(&house);
    (void)manifest_of(&house, &text);
    for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
        cleanup(buf_done) struct buf changed;
        struct str from = str_from(changes[i][0]);
        struct backup_manifest manifest;
        size_t at = str_find(buf_str(&text), from, 0);

        assert_true(at != SIZE_MAX);
        buf_init(&changed, BACKUP_MANIFEST_BYTES_MAX);
        buf_append(&changed, str_slice(buf_str(&text), 0, at));
        buf_append(&changed, str_from(changes[i][1]));
        buf_append(&changed, str_slice(buf_str(&text), at + from.length, text.length));
        int code = backup_manifest_read(buf_str(&changed), &manifest, NULL);
        if (code != ERR_INVALID) {
            fail_msg("%s: %d", changes[i][1], code);
        }
    }
    house_end(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_datasets_and_records_are_matched),
        cmocka_unit_test(test_a_snapshot_between_two_commits_is_taken_again),
        cmocka_unit_test(test_a_snapshot_is_one_moment),
        cmocka_unit_test(test_damage_from_before_is_counted_and_kept_as_it_is),
        cmocka_unit_test(test_a_back_up_is_stopped_anywhere),
        cmocka_unit_test(test_memory_runs_out_anywhere),
        cmocka_unit_test(test_damaged_data_makes_no_back_up),
        cmocka_unit_test(test_a_manifest_is_read_as_it_was_written),
        cmocka_unit_test(test_manifests_that_cannot_be_are_refused),
        cmocka_unit_test(test_a_manifest_with_one_lie_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
