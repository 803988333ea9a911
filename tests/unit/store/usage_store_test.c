/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#include <pthread.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "monitor/fault.h"
#include "store/usage_store.h"
#include "usage_tables.h"

struct kept {
    char dir[128];
    struct usage_store *store;
};

static void kept_begin(struct kept *kept)
{
    struct error error = {0};

    fixture_dir(kept->dir, sizeof(kept->dir));
    if (usage_store_open(kept->dir, &kept->store, &error)) {
        fail_msg("%s", error.message);
    }
}

static void kept_end(struct kept *kept)
{
    usage_store_close(kept->store);
    remove_files(kept->dir);
    assert_int_equal(rmdir(kept->dir), 0);
}

static void kept_run(const struct kept *kept, const char *sql)
{
    sqlite3 *db;
    char path[512];
    char *message = NULL;

    (void)snprintf(path, sizeof(path), "%s/usage.db", kept->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message)) {
        fail_msg("%s", message);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void put(const struct kept *kept, const char *id, const struct made_up *made_up)
{
    struct error error = {0};
    struct usage_table table;

    assert_int_equal(make_table(made_up, &table), OK);
    if (usage_store_put(kept->store, str_from(id), &table, &error)) {
        fail_msg("%s", error.message);
    }
    usage_table_done(&table);
}

static int load(const struct kept *kept, const char *id, struct usage_table *table)
{
    struct error error = {0};

    usage_table_init(table);
    int code = usage_store_load(kept->store, str_from(id), table, NULL, &error);
    assert_true(code == OK || error.message[0]);
    return code;
}

static int load_code(const struct kept *kept, const char *id)
{
    struct usage_table table;
    int code = load(kept, id, &table);

    usage_table_done(&table);
    return code;
}

static void test_usage_store_loads_what_was_put(void **state)
{
    const struct made_up small = {.seed = 1, .rows = 10};
    const struct made_up large = {.seed = 2, .rows = 2 * USAGE_CHUNK_ROWS + 17, .has_repeat = true};
    struct usage_table from;
    struct usage_table to;
    struct kept kept;

    (void)state;
    kept_begin(&kept);
    put(&kept, "small", &small);
    put(&kept, "large", &large);
    usage_store_close(kept.store);
    assert_int_equal(usage_store_open(kept.dir, &kept.store, NULL), OK);
    assert_int_equal(make_table(&large, &from), OK);
    assert_int_equal(load(&kept, "large", &to), OK);
    check_tables_equal(&from, &to);
    usage_table_done(&to);
    assert_int_equal(usage_store_put(kept.store, STR("large"), &from, NULL), ERR_INVALID);
    usage_table_done(&from);
    assert_int_equal(make_table(&small, &from), OK);
    assert_int_equal(load(&kept, "small", &to), OK);
    check_tables_equal(&from, &to);
    usage_table_done(&from);
    usage_table_done(&to);
    assert_int_equal(load_code(&kept, "nobody"), ERR_NOT_FOUND);
    kept_end(&kept);
}

static void test_usage_store_keeps_no_rows_at_all(void **state)
{
    const struct made_up none = {.rows = 0};
    struct usage_table to;
    struct kept kept;

    (void)state;
    kept_begin(&kept);
    put(&kept, "none", &none);
    assert_int_equal(load(&kept, "none", &to), OK);
    assert_int_equal(to.count, 0);
    usage_table_done(&to);
    kept_end(&kept);
}

static off_t file_size(const struct kept *kept)
{
    struct stat info;
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/usage.db", kept->dir);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    return info.st_size;
}

/* A deleted dataset gives its room back to the disk. */
static void test_usage_store_deletes(void **state)
{
    const struct made_up made_up = {.seed = 1, .rows = 30000};
    struct kept kept;

    (void)state;
    kept_begin(&kept);
    off_t empty = file_size(&kept);
    put(&kept, "a", &made_up);
    put(&kept, "b", &made_up);
    off_t full = file_size(&kept);
    assert_int_equal(usage_store_delete(kept.store, STR("a"), NULL), OK);
    assert_int_equal(usage_store_delete(kept.store, STR("a"), NULL), OK);
    assert_int_equal(load_code(&kept, "a"), ERR_NOT_FOUND);
    assert_int_equal(load_code(&kept, "b"), OK);
    assert_true(file_size(&kept) < empty + (full - empty) * 6 / 10);
    put(&kept, "a", &made_up);
    assert_int_equal(load_code(&kept, "a"), OK);
    kept_end(&kept);
}

static bool keep_even(struct str id, void *arg)
{
    ++*(int *)arg;
    return (id.data[id.length - 1] - '0') % 2 == 0;
}

static void test_usage_store_sweeps_what_nobody_keeps(void **state)
{
    const struct made_up made_up = {.seed = 1, .rows = 10};
    struct kept kept;
    int asked = 0;

    (void)state;
    kept_begin(&kept);
    for (int i = 0; i < 6; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "d%d", i);
        put(&kept, id, &made_up);
    }
    assert_int_equal(usage_store_sweep(kept.store, keep_even, &asked, NULL), OK);
    assert_int_equal(asked, 6);
    for (int i = 0; i < 6; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "d%d", i);
        assert_int_equal(load_code(&kept, id), i % 2 ? ERR_NOT_FOUND : OK);
    }
    kept_end(&kept);
}

static void test_usage_store_stops_when_told(void **state)
{
    const struct made_up made_up = {.seed = 1, .rows = 10};
    atomic_bool is_cancelled = true;
    struct usage_table table;
    struct kept kept;

    (void)state;
    kept_begin(&kept);
    put(&kept, "a", &made_up);
    usage_table_init(&table);
    assert_int_equal(usage_store_load(kept.store, STR("a"), &table, &is_cancelled, NULL),
                     ERR_CANCELLED);
    usage_table_done(&table);
    kept_end(&kept);
}

/* A byte turned, a chunk gone, a newer file, somebody else's, no file. */
static void test_usage_store_refuses_damage(void **state)
{
    const struct made_up made_up = {.seed = 1, .rows = USAGE_CHUNK_ROWS + 10, .is_plain = true};
    struct error error = {0};
    struct kept kept;

    (void)state;
    kept_begin(&kept);
    put(&kept, "a", &made_up);
    put(&kept, "b", &made_up);
    kept_run(&kept, "UPDATE chunk SET bytes = CAST(substr(bytes, 1, 100) || x'ff' ||"
                    " substr(bytes, 102) AS BLOB) WHERE number = 0 AND dataset = 1");
    assert_int_equal(load_code(&kept, "a"), ERR_INVALID);
    kept_run(&kept, "DELETE FROM chunk WHERE number = 1 AND dataset = 2");
    assert_int_equal(load_code(&kept, "b"), ERR_INVALID);
    kept_run(&kept, "UPDATE chunk SET number = 7 WHERE dataset = 2");
    assert_int_equal(load_code(&kept, "b"), ERR_INVALID);
    usage_store_close(TAKE(kept.store));
    kept_run(&kept, "PRAGMA user_version = 99");
    assert_int_equal(usage_store_open(kept.dir, &kept.store, &error), ERR_UNSUPPORTED);
    kept_run(&kept, "PRAGMA application_id = 7");
    assert_int_equal(usage_store_open(kept.dir, &kept.store, &error), ERR_IO);
    assert_null(kept.store);
    kept_end(&kept);
}

struct worker {
    const struct kept *kept;
    int number;
};

static void *put_and_load(void *arg)
{
    const struct worker *worker = arg;
    const struct made_up made_up = {.seed = (uint64_t)worker->number, .rows = 5000};
    struct usage_table from;
    struct usage_table to;
    char id[16];

    (void)snprintf(id, sizeof(id), "w%d", worker->number);
    check(make_table(&made_up, &from) == OK);
    check(usage_store_put(worker->kept->store, str_from(id), &from, NULL) == OK);
    usage_table_init(&to);
    check(usage_store_load(worker->kept->store, str_from(id), &to, NULL, NULL) == OK);
    check_tables_equal(&from, &to);
    usage_table_done(&from);
    usage_table_done(&to);
    return NULL;
}

/* Any number of workers may put and load at once. */
static void test_usage_store_serves_many_workers(void **state)
{
    enum { WORKERS = 6 };
    pthread_t threads[WORKERS];
    struct worker workers[WORKERS];
    struct kept kept;

    (void)state;
    kept_begin(&kept);
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){&kept, i};
        assert_int_equal(pthread_create(&threads[i], NULL, put_and_load, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    kept_end(&kept);
}

/* All or nothing: a put that ran out of memory leaves no dataset. */
static void test_usage_store_walks_out_of_memory(void **state)
{
    const struct made_up made_up = {.seed = 4, .rows = 50};
    struct usage_table from;
    struct kept kept;
    int code = ERR_NO_MEMORY;

    (void)state;
    kept_begin(&kept);
    assert_int_equal(make_table(&made_up, &from), OK);
    for (uint64_t nth = 1; code; nth++) {
        assert_int_equal(load_code(&kept, "a"), ERR_NOT_FOUND);
        (void)alloc_fail_from(nth);
        code = usage_store_put(kept.store, STR("a"), &from, NULL);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    assert_int_equal(load_code(&kept, "a"), OK);
    usage_table_done(&from);
    kept_end(&kept);
}

/* A disk that is full when the records are there: nothing is kept, and the next try is a new one.
 */
static void test_records_find_the_disk_full(void **state)
{
    const struct made_up made_up = {.rows = 100};
    struct usage_table table;
    struct usage_table loaded;
    struct error error = {0};
    struct kept kept;

    (void)state;
    kept_begin(&kept);
    assert_int_equal(make_table(&made_up, &table), OK);
    fault_allow(true);
    assert_int_equal(fault_arm(FAULT_RECORDS_FULL, /* times */ 1, 0, /* seconds */ 60, 1), OK);
    assert_int_equal(usage_store_put(kept.store, STR("d"), &table, &error), ERR_IO);
    assert_non_null(strstr(error.message, "full"));
    assert_non_null(strstr(error.hint, "room"));
    fault_allow(false);
    assert_int_equal(load(&kept, "d", &loaded), ERR_NOT_FOUND);
    usage_table_done(&loaded);
    assert_int_equal(usage_store_put(kept.store, STR("d"), &table, &error), OK);
    usage_table_done(&table);
    kept_end(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_find_the_disk_full),
        cmocka_unit_test(test_usage_store_loads_what_was_put),
        cmocka_unit_test(test_usage_store_keeps_no_rows_at_all),
        cmocka_unit_test(test_usage_store_deletes),
        cmocka_unit_test(test_usage_store_sweeps_what_nobody_keeps),
        cmocka_unit_test(test_usage_store_stops_when_told),
        cmocka_unit_test(test_usage_store_refuses_damage),
        cmocka_unit_test(test_usage_store_serves_many_workers),
        cmocka_unit_test(test_usage_store_walks_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
