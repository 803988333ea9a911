/* SPDX-License-Identifier: Apache-2.0 */
#include "store_contract.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "monitor/fault.h"
#include "monitor/metrics.h"
#include "store/reader.h"
#include "store/store_schema.h"

static void test_store_contract(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(store_contract); i++) {
        struct fixture f;

        print_message("  %s\n", store_contract[i].name);
        fixture_begin(&f);
        store_contract[i].run(&f);
        fixture_end(&f);
    }
}

static void path_of(const struct fixture *f, const char *name, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/%s", f->dir, name);
}

/* Whatever the umask lets through or takes away. */
static void test_store_makes_files_for_its_user_alone(void **state)
{
    static const mode_t masks[] = {0, 0777};
    static const char *const names[] = {"netra.db", "netra.db-wal", "netra.db-shm", "lock"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(masks); i++) {
        struct fixture f = {0};
        struct error error = {0};
        struct stat info;
        char parent[64];
        char path[512];

        fixture_dir(parent, sizeof(parent));
        (void)snprintf(f.dir, sizeof(f.dir), "%s/a/b", parent);
        assert_int_equal(loop_new(1, &f.loop, &error), OK);
        mode_t before = umask(masks[i]);
        int code = store_open(f.loop, f.dir, &f.store, &error);
        (void)umask(before);
        assert_int_equal(code, OK);
        assert_int_equal(apply(&f, new_batch()), OK);
        assert_int_equal(stat(f.dir, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0700);
        for (size_t n = 0; n < ARRAY_LENGTH(names); n++) {
            path_of(&f, names[n], path, sizeof(path));
            assert_int_equal(stat(path, &info), 0);
            assert_int_equal(info.st_mode & 0777, 0600);
        }
        fixture_end(&f);
        (void)snprintf(path, sizeof(path), "%s/a", parent);
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(rmdir(parent), 0);
    }
}

/* Another program at the file keeps the writer waiting for as long as the test wants. */
static sqlite3 *hold_file(const struct fixture *f)
{
    sqlite3 *db;
    char path[512];

    path_of(f, "netra.db", path, sizeof(path));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void test_store_commits_what_waits_together(void **state)
{
    struct told told = {.expected = MANY};
    struct one ones[MANY];
    struct fixture f;

    (void)state;
    fixture_begin(&f);
    told.loop = f.loop;
    sqlite3 *held = hold_file(&f);
    for (int i = 0; i < MANY; i++) {
        struct store_batch *batch = new_batch();

        ones[i] = (struct one){&told, i};
        put_thread(batch, "t", i);
        assert_int_equal(store_submit(f.store, batch, note_done, &ones[i]), OK);
    }
    assert_int_equal(store_counts(f.store).waiting, MANY);
    assert_int_equal(sqlite3_close(held), SQLITE_OK);
    loop_run(f.loop);
    struct store_counts counts = store_counts(f.store);
    assert_int_equal(counts.batches, MANY);
    assert_true(counts.commits <=
                2); /* what the thread had taken when it began to wait, the rest */
    assert_true(counts.commit_us_total > 0);
    fixture_end(&f);
}

static void count_told(int code, void *arg)
{
    struct told *told = arg;

    /* On a machine so slow that the writer did not get the file in time. */
    assert_true(code == OK || code == ERR_IO);
    if (++told->count == told->expected) {
        loop_stop(told->loop);
    }
}

/* Submits batches with a text of bytes until the store takes no more; then all are applied, and
 * there is room again. */
static void fill_queue(size_t bytes, int expected)
{
    struct told told = {0};
    struct fixture f;
    char *large = calloc(1, bytes);
    int code = OK;
    int taken = 0;

    assert_non_null(large);
    fixture_begin(&f);
    told.loop = f.loop;
    sqlite3 *held = hold_file(&f);
    while (!code && taken <= 4 * expected) {
        struct store_batch *batch = new_batch();

        store_put_thread(batch, &(struct store_thread){.id = STR("t"), .title = {large, bytes}});
        code = store_submit(f.store, batch, count_told, &told);
        taken += code == OK;
    }
    free(large);
    assert_int_equal(code, ERR_LIMIT);
    assert_true(taken >= expected);
    told.expected = taken;
    assert_int_equal(sqlite3_close(held), SQLITE_OK);
    loop_run(f.loop);
    assert_int_equal(told.count, taken);
    assert_int_equal(apply(&f, new_batch()), OK);
    fixture_end(&f);
}

static void test_store_refuses_more_than_its_queue_holds(void **state)
{
    const size_t half = STORE_BATCH_BYTES_MAX / 2;

    (void)state;
    fill_queue(1, STORE_QUEUE_MAX);
    fill_queue(half, (int)(STORE_QUEUE_BYTES_MAX / half) - 1); /* each is a little more than half */
}

/* The disk takes no more: everything in the group fails and nothing of it is seen; then it does. */
static void test_store_goes_on_when_the_disk_does(void **state)
{
    struct rlimit before;
    struct names names;
    struct fixture f;
    char *large = calloc(1, (size_t)1 << 20);

    (void)state;
    assert_non_null(large);
    names_begin(&names);
    fixture_begin(&f);
    struct store_batch *batch = new_batch();
    put_thread(batch, "before", 1);
    assert_int_equal(apply(&f, batch), OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){(rlim_t)1 << 19, before.rlim_max}),
                     0);
    batch = new_batch();
    put_thread(batch, "good", 2);
    store_put_thread(batch,
                     &(struct store_thread){.id = STR("large"), .title = {large, (size_t)1 << 20}});
    assert_int_equal(apply(&f, batch), ERR_IO);
    assert_int_equal(store_counts(f.store).failed_batches, 1);
    assert_int_equal(store_get_thread(f.store, HERE, STR("good"), note_thread, &names),
                     ERR_NOT_FOUND);
    assert_int_equal(store_get_thread(f.store, HERE, STR("before"), note_thread, &names), OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    batch = new_batch();
    put_thread(batch, "after", 3);
    assert_int_equal(apply(&f, batch), OK);
    expect_names(&names, "before ");
    fixture_reopen(&f);
    assert_int_equal(store_list_threads(f.store, HERE, STR(""), 9, note_thread, &names), OK);
    expect_names(&names, "after before ");
    buf_done(&names.text);
    free(large);
    fixture_end(&f);
}

static struct store_batch *batch_of_thread(const char *id)
{
    struct store_batch *batch = new_batch();

    put_thread(batch, id, 1);
    return batch;
}

/* Faults stand in for the disk: nothing of the commit is stored, the probe says so, and what comes
 * after the last of them is stored without more ado. */
static void test_store_fails_as_the_disk_does_and_goes_on(void **state)
{
    static const enum fault faults[] = {FAULT_STORE_FULL, FAULT_STORE_READ_ONLY};
    struct waiting waiting;
    struct names names;
    struct fixture f;

    (void)state;
    fault_allow(true);
    names_begin(&names);
    fixture_begin(&f);
    waiting.loop = f.loop;
    unsigned disk = metric_label(METRIC_STORE_FAILED, STR("disk"));
    for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
        int64_t before = metric_value(METRIC_STORE_FAILED, disk);

        assert_int_equal(fault_arm(faults[i], /* times */ 2, 0, /* seconds */ 60, 1), OK);
        assert_int_equal(apply(&f, batch_of_thread("lost")), ERR_IO);
        assert_int_equal(store_probe(f.store, stop_with_code, &waiting), OK);
        loop_run(f.loop);
        assert_int_equal(waiting.code, ERR_IO);
        assert_int_equal(metric_value(METRIC_STORE_FAILED, disk), before + 2);
        assert_int_equal(store_get_thread(f.store, HERE, STR("lost"), note_thread, &names),
                         ERR_NOT_FOUND);
        assert_int_equal(store_probe(f.store, stop_with_code, &waiting), OK);
        loop_run(f.loop);
        assert_int_equal(waiting.code, OK);
        assert_int_equal(apply(&f, batch_of_thread("kept")), OK);
    }
    int64_t commits = metric_value(METRIC_STORE_COMMIT_DURATION, 0);
    uint64_t before_us = store_counts(f.store).commit_us_total;
    assert_int_equal(fault_arm(FAULT_STORE_SLOW, 1, /* ms */ 30, 60, 1), OK);
    assert_int_equal(apply(&f, batch_of_thread("late")), OK);
    assert_true(store_counts(f.store).commit_us_total - before_us >= 30000);
    assert_int_equal(metric_value(METRIC_STORE_COMMIT_DURATION, 0), commits + 1);
    assert_int_equal(store_list_threads(f.store, HERE, STR(""), 9, note_thread, &names), OK);
    expect_names(&names, "late kept ");
    buf_done(&names.text);
    fixture_end(&f);
    fault_allow(false);
}

/* Stored numbers are written to a pipe as they are acknowledged, until the process is killed. */
static _Noreturn void write_until_killed(const char *dir, int pipe_fd)
{
    struct fixture f = {0};
    struct error error;

    (void)snprintf(f.dir, sizeof(f.dir), "%s", dir);
    if (loop_new(1, &f.loop, &error) || store_open(f.loop, f.dir, &f.store, &error)) {
        _exit(1);
    }
    struct store_batch *batch = new_batch();
    put_thread(batch, "t", 1);
    add_run(batch, "r", "t", 1);
    (void)apply(&f, batch);
    for (uint64_t i = 1;; i++) {
        batch = new_batch();
        add_event(batch, "r", i);
        if (apply(&f, batch) || write(pipe_fd, &i, sizeof(i)) != sizeof(i)) {
            _exit(1);
        }
    }
}

static void test_store_keeps_what_was_acknowledged_before_a_kill(void **state)
{
    struct fixture f = {0};
    struct error error;
    uint64_t last = 0;
    uint64_t read_number;
    uint64_t seq;
    int ends[2];

    (void)state;
    fixture_dir(f.dir, sizeof(f.dir));
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        write_until_killed(f.dir, ends[1]);
    }
    (void)close(ends[1]);
    while (last < 30 && read(ends[0], &read_number, sizeof(read_number)) == sizeof(read_number)) {
        last = read_number;
    }
    assert_int_equal(last, 30);
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(ends[0], &read_number, sizeof(read_number)) == sizeof(read_number)) {
        last = read_number;
    }
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(loop_new(1, &f.loop, &error), OK);
    fixture_open_store(&f); /* the lock went with its holder */
    assert_int_equal(store_last_seq(f.store, HERE, STR("r"), &seq), OK);
    assert_true(seq >= last && seq <= last + 1);
    fixture_end(&f);
}

static void test_store_is_one_process_alone(void **state)
{
    struct store *second = NULL;
    struct error error = {0};
    struct fixture f;
    char pid[32];

    (void)state;
    fixture_begin(&f);
    (void)snprintf(pid, sizeof(pid), "process %d", (int)getpid());
    assert_int_equal(store_open(f.loop, f.dir, &second, &error), ERR_IO);
    assert_non_null(strstr(error.message, pid));
    assert_non_null(strstr(error.message, f.dir));
    assert_non_null(strstr(error.hint, "--data-dir"));
    assert_null(second);
    fixture_end(&f);
}

/* ---- files as they may be found ---- */

/* Runs SQL on the file of a closed store. */
static void edit_file(const struct fixture *f, const char *sql)
{
    sqlite3 *db;
    char path[512];
    char *message = NULL;

    path_of(f, "netra.db", path, sizeof(path));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message)) {
        fail_msg("%s", message);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void expect_refusal(struct fixture *f, int code, const char *words)
{
    struct error error = {0};

    assert_int_equal(store_open(f->loop, f->dir, &f->store, &error), code);
    if (!strstr(error.message, words) || !strstr(error.message, "netra.db")) {
        fail_msg("'%s' does not say '%s'", error.message, words);
    }
    assert_null(f->store);
}

static void test_store_refuses_a_newer_file_and_leaves_it(void **state)
{
    struct fixture f;
    char sql[64];

    (void)state;
    fixture_begin(&f);
    store_close(TAKE(f.store));
    (void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", store_schema.step_count + 1);
    edit_file(&f, sql);
    expect_refusal(&f, ERR_UNSUPPORTED, "versions up to");
    (void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", store_schema.step_count);
    edit_file(&f, sql);
    fixture_open_store(&f);
    fixture_end(&f);
}

static void test_store_refuses_files_of_others(void **state)
{
    struct fixture f;

    (void)state;
    fixture_begin(&f);
    store_close(TAKE(f.store));
    remove_files(f.dir);
    edit_file(&f, "CREATE TABLE recipes (n INTEGER)");
    expect_refusal(&f, ERR_IO, "another program's");
    fixture_end(&f);
}

/* Where in the file a table's tree begins; a page has 4096 bytes. */
static off_t first_page_of(const struct fixture *f, const char *table)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    char path[512];

    path_of(f, "netra.db", path, sizeof(path));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?1",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    off_t page = sqlite3_column_int(statement, 0);
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return (page - 1) * 4096;
}

/* A head that is no database's, a page in the middle overwritten: a failure that is told, never a
 * crash, and never an empty store in its place. */
static void test_store_refuses_a_damaged_file(void **state)
{
    struct fixture f;
    char path[512];
    char noise[4096];
    struct names names;

    (void)state;
    names_begin(&names);
    memset(noise, 0xa5, sizeof(noise));
    fixture_begin(&f);
    struct store_batch *batch = new_batch();
    for (int i = 0; i < 1000; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "t%d", i);
        put_thread(batch, id, i);
    }
    assert_int_equal(apply(&f, batch), OK);
    store_close(TAKE(f.store));
    path_of(&f, "netra.db", path, sizeof(path));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, noise, sizeof(noise), first_page_of(&f, "thread")), sizeof(noise));
    fixture_open_store(&f); /* the head is whole */
    assert_int_equal(store_list_threads(f.store, HERE, STR(""), 9, note_thread, &names), ERR_IO);
    batch = new_batch();
    put_thread(batch, "t", 1);
    assert_int_equal(apply(&f, batch), ERR_IO);
    store_close(TAKE(f.store));
    assert_int_equal(pwrite(fd, noise, sizeof(noise), 0), sizeof(noise));
    (void)close(fd);
    expect_refusal(&f, ERR_IO, "not a database");
    buf_done(&names.text);
    fixture_end(&f);
}

/* Root may write anywhere, so what is not a folder stands for a folder without rights, too. */
static void test_store_says_where_it_cannot_write(void **state)
{
    struct fixture f = {0};
    struct error error = {0};

    (void)state;
    assert_int_equal(loop_new(1, &f.loop, &error), OK);
    assert_int_equal(store_open(f.loop, "/dev/null", &f.store, &error), ERR_IO);
    assert_non_null(strstr(error.message, "/dev/null"));
    assert_int_equal(store_open(f.loop, "/dev/null/below", &f.store, &error), ERR_IO);
    assert_int_equal(store_open(f.loop, "/proc/netra", &f.store, &error), ERR_IO);
    char long_path[5000] = {0};
    memset(long_path, 'a', sizeof(long_path) - 1);
    assert_int_equal(store_open(f.loop, long_path, &f.store, &error), ERR_INVALID);
    if (geteuid() != 0) {
        fixture_dir(f.dir, sizeof(f.dir));
        assert_int_equal(chmod(f.dir, 0500), 0);
        assert_int_equal(store_open(f.loop, f.dir, &f.store, &error), ERR_IO);
        assert_int_equal(rmdir(f.dir), 0);
    }
    assert_null(f.store);
    loop_free(f.loop);
}

/* ---- memory and plans ---- */

static void test_store_open_walks_out_of_memory(void **state)
{
    struct fixture f;
    int code = ERR_NO_MEMORY;

    (void)state;
    fixture_begin(&f);
    store_close(TAKE(f.store));
    for (uint64_t nth = 1; code; nth++) {
        struct error error = {0};

        (void)alloc_fail_from(nth);
        code = store_open(f.loop, f.dir, &f.store, &error);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_true(nth < 20);
    }
    fixture_end(&f);
}

static void test_store_batch_walks_out_of_memory(void **state)
{
    struct fixture f;
    int code = ERR_NO_MEMORY;
    static char content[20000];

    (void)state;
    fixture_begin(&f);
    for (uint64_t nth = 1; code; nth++) {
        (void)alloc_fail_from(nth);
        struct store_batch *batch = store_batch_new(HERE);
        if (batch) {
            put_thread(batch, "t", 1);
            store_add_message(batch,
                              &(struct store_message){.id = STR("m"),
                                                      .thread_id = STR("t"),
                                                      .content = {content, sizeof(content)}});
            code = store_submit(f.store, batch, NULL, NULL);
        }
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_true(nth < 20);
    }
    fixture_end(&f);
}

/* No list scans a table or sorts: each finds its page by a key. What is read whole is scanned. */
static void test_reader_finds_everything_by_a_key(void **state)
{
    struct fixture f;
    sqlite3 *db;
    struct error error;

    (void)state;
    fixture_begin(&f);
    assert_int_equal(database_open_reader(f.dir, &store_schema, &db, &error), OK);
    for (int i = 0; i < READ_STATEMENT_COUNT; i++) {
        sqlite3_stmt *plan;
        char sql[2048];

        (void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", read_sql[i]);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &plan, NULL), SQLITE_OK);
        while (sqlite3_step(plan) == SQLITE_ROW) {
            const char *line = (const char *)sqlite3_column_text(plan, 3);
            bool is_whole = i >= READ_USERS && i <= READ_THROTTLES;
            bool is_scan = strstr(line, "SCAN") && !strstr(line, "CONSTANT ROW") && !is_whole &&
                           !(i == READ_AUDIT_END && strstr(line, "sqlite_sequence")) &&
                           !(i == READ_OPEN_RUNS && strstr(line, "run_open"));

            if (is_scan || strstr(line, "TEMP B-TREE")) {
                fail_msg("%s: %s", read_sql[i], line);
            }
        }
        (void)sqlite3_finalize(plan);
    }
    database_close(db);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_contract),
        cmocka_unit_test(test_store_makes_files_for_its_user_alone),
        cmocka_unit_test(test_store_commits_what_waits_together),
        cmocka_unit_test(test_store_refuses_more_than_its_queue_holds),
        cmocka_unit_test(test_store_goes_on_when_the_disk_does),
        cmocka_unit_test(test_store_fails_as_the_disk_does_and_goes_on),
        cmocka_unit_test(test_store_keeps_what_was_acknowledged_before_a_kill),
        cmocka_unit_test(test_store_is_one_process_alone),
        cmocka_unit_test(test_store_refuses_a_newer_file_and_leaves_it),
        cmocka_unit_test(test_store_refuses_files_of_others),
        cmocka_unit_test(test_store_refuses_a_damaged_file),
        cmocka_unit_test(test_store_says_where_it_cannot_write),
        cmocka_unit_test(test_store_open_walks_out_of_memory),
        cmocka_unit_test(test_store_batch_walks_out_of_memory),
        cmocka_unit_test(test_reader_finds_everything_by_a_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
