/*
 * Files of every version that there was, as tests/data/schema has them, in SQL text with rows in
 * every table: they are what the steps make, they are brought up to date and nothing of them is
 * lost, and whatever goes wrong on the way leaves them as they were.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store_fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "store/data_dir.h"
#include "store/database.h"
#include "store/inspection.h"
#include "store/store_schema.h"
#include "store/usage_store.h"

#define STEPS_MAX       16
#define FIXTURE_BYTES   ((size_t)1 << 20)
#define DUMP_BYTES_MAX  ((size_t)64 << 20)
#define STEP_BYTES_MAX  65536
#define SELECTS_MAX     64
#define SELECT_BYTES    1024
#define LARGE_FILE_ROWS 4000

static const char sql_definitions[] =
    "SELECT type, name, tbl_name, replace(replace(sql, char(10), ' '), '  ', ' ')"
    " FROM sqlite_schema WHERE sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_' ORDER BY 1, 2";

/* ---- files ---- */

static void read_fixture(const char *file, int version, struct buf *out)
{
    const char *root = getenv("NETRA_SOURCE_ROOT");
    char path[512];
    char bytes[4096];
    size_t length;

    (void)snprintf(path, sizeof(path), "%s/tests/data/schema/%s-%d.sql", root ? root : ".", file,
                   version);
    FILE *stream = fopen(path, "r");
    if (!stream) {
        fail_msg("%s is missing: each version of the schema has a file there", path);
        return;
    }
    buf_init(out, FIXTURE_BYTES);
    while ((length = fread(bytes, 1, sizeof(bytes), stream)) > 0) {
        buf_append(out, (struct str){bytes, length});
    }
    (void)fclose(stream);
    assert_int_equal(buf_status(out), OK);
}

static sqlite3 *open_file(const char *dir, const char *name)
{
    sqlite3 *db;
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static void must_run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL)) {
        fail_msg("%s: %.100s", sqlite3_errmsg(db), sql);
    }
}

static void write_fixture(const char *dir, const char *file, int version)
{
    cleanup(buf_done) struct buf sql = {0};
    char name[64];

    (void)snprintf(name, sizeof(name), "%s.db", file);
    read_fixture(file, version, &sql);
    sqlite3 *db = open_file(dir, name);
    must_run(db, sql.data);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- contents ---- */

/* Texts and numbers as they are, blobs as hexadecimal digits. The number of rows. */
static int dump_rows(sqlite3 *db, const char *sql, struct buf *out)
{
    sqlite3_stmt *statement;
    int rows = 0;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL)) {
        fail_msg("%s: %s", sqlite3_errmsg(db), sql);
    }
    buf_printf(out, "%s\n", sql);
    for (; sqlite3_step(statement) == SQLITE_ROW; rows++) {
        for (int c = 0; c < sqlite3_column_count(statement); c++) {
            const char *text = (const char *)sqlite3_column_text(statement, c);

            buf_append(out, str_from(text ? text : "NULL"));
            buf_append_char(out, '|');
        }
        buf_append_char(out, '\n');
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(buf_status(out), OK);
    return rows;
}

/* One SELECT for each table, of the columns that it has now. */
struct selects {
    int count;
    char sql[SELECTS_MAX][SELECT_BYTES];
};

static struct selects selects_of(sqlite3 *db)
{
    struct selects selects = {0};
    sqlite3_stmt *statement;
    static const char sql[] =
        "SELECT 'SELECT ' || group_concat('quote(' || c.name || ')', ', ') || ' FROM ' || t.name ||"
        " ' ORDER BY ' || group_concat('quote(' || c.name || ')', ', ')"
        " FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'"
        " AND t.name NOT LIKE 'sqlite%' GROUP BY t.name ORDER BY t.name";

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        assert_in_range(selects.count, 0, SELECTS_MAX - 1);
        int length = snprintf(selects.sql[selects.count++], SELECT_BYTES, "%s",
                              (const char *)sqlite3_column_text(statement, 0));
        assert_in_range(length, 1, SELECT_BYTES - 1);
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    return selects;
}

/* Every row and column that these selects know. must_fill: and no table is empty. */
static void dump(const char *dir, const char *name, const struct selects *selects, bool must_fill,
                 struct buf *out)
{
    sqlite3 *db = open_file(dir, name);

    buf_init(out, DUMP_BYTES_MAX);
    for (int i = 0; i < selects->count; i++) {
        if (dump_rows(db, selects->sql[i], out) == 0 && must_fill) {
            fail_msg("the file has no row: %s", selects->sql[i]);
        }
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static struct selects selects_of_file(const char *dir, const char *name)
{
    sqlite3 *db = open_file(dir, name);
    struct selects selects = selects_of(db);

    assert_true(selects.count > 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return selects;
}

/* All of it: definitions, versions, rows. */
static void dump_file(const char *dir, struct buf *out)
{
    struct selects selects = selects_of_file(dir, "netra.db");

    dump(dir, "netra.db", &selects, false, out);
    sqlite3 *db = open_file(dir, "netra.db");
    (void)dump_rows(db, sql_definitions, out);
    (void)dump_rows(db, "PRAGMA user_version", out);
    (void)dump_rows(db, "PRAGMA application_id", out);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- the files are what the steps made ---- */

static void test_the_files_are_what_the_steps_made(void **state)
{
    (void)state;
    for (int version = 1; version <= store_schema.step_count; version++) {
        cleanup(buf_done) struct buf expected = {0};
        cleanup(buf_done) struct buf found = {0};
        struct schema older = store_schema;
        struct error error = {0};
        sqlite3 *db = NULL;
        char dir[128];
        char made[128];

        fixture_dir(dir, sizeof(dir));
        fixture_dir(made, sizeof(made));
        write_fixture(dir, "netra", version);
        older.step_count = version;
        assert_int_equal(database_open(made, &older, &db, &error), OK);
        buf_init(&expected, DUMP_BYTES_MAX);
        buf_init(&found, DUMP_BYTES_MAX);
        (void)dump_rows(db, sql_definitions, &expected);
        database_close(db);
        db = open_file(dir, "netra.db");
        (void)dump_rows(db, sql_definitions, &found);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_str(buf_str(&found), expected.data);
        remove_files(dir);
        remove_files(made);
        assert_int_equal(rmdir(dir), 0);
        assert_int_equal(rmdir(made), 0);
    }
}

/* ---- upgrades that go well ---- */

static void expect_whole(const char *dir, int version)
{
    sqlite3 *db = open_file(dir, "netra.db");
    struct error error = {0};
    int64_t found = 0;

    assert_int_equal(inspection_check_pages(db, false, &error), OK);
    assert_int_equal(inspection_check_references(db, &error), OK);
    assert_int_equal(inspection_number(db, "PRAGMA user_version", &found), SQLITE_OK);
    assert_int_equal(found, version);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_a_file_of_every_version_keeps_every_row(void **state)
{
    (void)state;
    for (int version = 1; version <= store_schema.step_count; version++) {
        cleanup(buf_done) struct buf before = {0};
        cleanup(buf_done) struct buf after = {0};
        struct fixture f = {0};
        struct error error = {0};

        fixture_dir(f.dir, sizeof(f.dir));
        write_fixture(f.dir, "netra", version);
        struct selects selects = selects_of_file(f.dir, "netra.db");
        dump(f.dir, "netra.db", &selects, true, &before);
        assert_int_equal(loop_new(/* workers */ 1, &f.loop, &error), OK);
        fixture_open_store(&f);
        dump(f.dir, "netra.db", &selects, true, &after);
        assert_str(buf_str(&after), before.data);
        expect_whole(f.dir, store_schema.step_count);

        struct store_batch *batch = new_batch();
        put_thread(batch, "t-new", 100);
        add_run(batch, "r-new", "t-new", 101);
        assert_int_equal(apply(&f, batch), OK);
        fixture_reopen(&f);
        fixture_end(&f);
    }
}

static void test_records_of_every_version_are_kept(void **state)
{
    cleanup(buf_done) struct buf before = {0};
    cleanup(buf_done) struct buf after = {0};
    struct usage_store *store;
    struct error error = {0};
    char dir[128];

    (void)state;
    fixture_dir(dir, sizeof(dir));
    write_fixture(dir, "usage", 1);
    struct selects selects = selects_of_file(dir, "usage.db");
    dump(dir, "usage.db", &selects, true, &before);
    assert_int_equal(usage_store_open(dir, &store, &error), OK);
    usage_store_close(store);
    dump(dir, "usage.db", &selects, true, &after);
    assert_str(buf_str(&after), before.data);
    remove_files(dir);
    assert_int_equal(rmdir(dir), 0);
}

/* ---- what older rows are in the newer form ---- */

static bool is_of_local_mode(const struct store_session *row, void *arg)
{
    (void)arg;
    assert_true(store_is_id(row->id) && str_equal(row->user_id, STR("local")));
    assert_true(str_equal(row->workspace_id, HERE) && row->kind == 2);
    assert_true(row->used_us == row->created_us);
    return true;
}

static bool is_run_of_step_2(const struct store_run *row, void *arg)
{
    (void)arg;
    assert_true(str_equal(row->workspace_id, HERE) && str_equal(row->owner_id, STR("local")));
    assert_true(row->has_model && row->seq_leased == 64 && !row->is_cancelled);
    assert_true(row->seed == (uint64_t)-7 && row->status == STORE_RUN_RUNNING);
    assert_int_equal(row->traceparent.length, 0);
    return false;
}

static bool is_thread_of_step_2(const struct store_thread *row, void *arg)
{
    (void)arg;
    assert_true(str_equal(row->workspace_id, HERE) && str_equal(row->owner_id, STR("local")));
    return true;
}

static bool is_dataset_of_step_2(const struct store_dataset *row, void *arg)
{
    (void)arg;
    assert_true(str_equal(row->workspace_id, HERE) && str_equal(row->owner_id, STR("local")));
    return true;
}

static bool is_run_of_step_1(const struct store_run *row, void *arg)
{
    (void)arg;
    assert_false(row->has_model);
    assert_true(row->seq_leased == 0);
    return false;
}

static void test_what_is_older_is_of_local_mode_and_the_first_workspace(void **state)
{
    struct store_usage usage;
    struct names names;
    uint64_t next = 0;

    (void)state;
    names_begin(&names);
    for (int version = 1; version <= 2; version++) {
        struct fixture f = {0};
        struct error error = {0};

        fixture_dir(f.dir, sizeof(f.dir));
        write_fixture(f.dir, "netra", version);
        assert_int_equal(loop_new(/* workers */ 1, &f.loop, &error), OK);
        fixture_open_store(&f);
        assert_int_equal(store_list_threads(f.store, HERE, STR(""), 9, is_thread_of_step_2, NULL),
                         OK);
        assert_int_equal(store_get_run(f.store, HERE, STR("r-1"),
                                       version == 1 ? is_run_of_step_1 : is_run_of_step_2, NULL),
                         OK);
        assert_int_equal(store_list_datasets(f.store, HERE, STR(""), 9, is_dataset_of_step_2, NULL),
                         OK);
        assert_int_equal(store_list_sessions(f.store, is_of_local_mode, NULL), OK);
        assert_int_equal(store_list_open_runs(f.store, note_run, &names), OK);
        expect_names(&names, "r-1 ");
        assert_int_equal(
            store_list_model_calls(f.store, HERE, STR(""), 0, 9, note_model_call, &names, &next),
            OK);
        expect_names(&names, version == 1 ? "" : "r-1/0/0 r-2/1/0 ");
        assert_int_equal(store_get_usage(f.store, HERE, 5, &usage), OK);
        assert_true(usage.dataset_bytes == 2 && usage.open_runs == 1);
        assert_true(usage.model_tokens == (version == 1 ? 0 : 4123));
        fixture_end(&f);
    }
    buf_done(&names.text);
}

/* ---- upgrades that do not ---- */

/* Today's steps with one more behind them. */
struct longer {
    const char *steps[STEPS_MAX];
    const char *changes[STEPS_MAX];
    struct schema schema;
};

static void make_longer(struct longer *longer, const char *step, const char *changes)
{
    *longer = (struct longer){.schema = store_schema};
    assert_in_range(store_schema.step_count, 1, STEPS_MAX - 1);
    for (int i = 0; i < store_schema.step_count; i++) {
        longer->steps[i] = store_schema.steps[i];
        longer->changes[i] = store_schema.changes ? store_schema.changes[i] : NULL;
    }
    longer->steps[store_schema.step_count] = step;
    longer->changes[store_schema.step_count] = changes;
    longer->schema.steps = longer->steps;
    longer->schema.changes = longer->changes;
    longer->schema.step_count = store_schema.step_count + 1;
}

static void test_an_upgrade_that_would_lose_something_changes_nothing(void **state)
{
    static const struct {
        const char *step;
        const char *changes;
        const char *says; /* NULL: it goes well */
    } cases[] = {
        {"DELETE FROM message WHERE n = 2", NULL, "would leave 1 rows of 2 in message"},
        {"DELETE FROM message WHERE n = 2", "messages thread", "1 rows of 2 in message"},
        {"DELETE FROM message WHERE n = 2", "thread message", NULL},
        {"DROP TABLE probe", NULL, "would leave 0 rows of 1 in probe"},
        {"INSERT INTO probe VALUES (2)", NULL, "would leave 2 rows of 1 in probe"},
        {"PRAGMA defer_foreign_keys = ON;"
         "INSERT INTO member VALUES ('nowhere', 'nobody', 1, 1)",
         "member", "a row of member refers to one of"},
        {"CREATE TABLE half (n INTEGER); INSERT INTO nowhere VALUES (1)", NULL, "nowhere"},
        {"CREATE TABLE more (n INTEGER); INSERT INTO more VALUES (1)", NULL, NULL},
    };

    (void)state;
    for (int version = 1; version <= store_schema.step_count; version++) {
        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
            cleanup(buf_done) struct buf before = {0};
            cleanup(buf_done) struct buf after = {0};
            struct longer longer;
            struct error error = {0};
            sqlite3 *db = NULL;
            char dir[128];

            fixture_dir(dir, sizeof(dir));
            write_fixture(dir, "netra", version);
            dump_file(dir, &before);
            make_longer(&longer, cases[i].step, cases[i].changes);
            int code = database_open(dir, &longer.schema, &db, &error);
            database_close(db);
            dump_file(dir, &after);
            if (cases[i].says) {
                assert_true(code == ERR_INVALID || code == ERR_IO);
                if (!strstr(error.message, cases[i].says)) {
                    fail_msg("%s", error.message);
                }
                assert_str(buf_str(&after), before.data);
            } else {
                assert_int_equal(code, OK);
                expect_whole(dir, store_schema.step_count + 1);
            }
            remove_files(dir);
            assert_int_equal(rmdir(dir), 0);
        }
    }
}

static void die(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)context;
    (void)count;
    (void)values;
    (void)raise(SIGKILL);
}

static int add_die(sqlite3 *db, char **message, const sqlite3_api_routines *routines)
{
    (void)message;
    (void)routines;
    return sqlite3_create_function(db, "die", 0, SQLITE_UTF8, NULL, die, NULL, NULL);
}

/* Opens the file with a schema one step of which ends with the process. */
static void die_at(const char *dir, const struct schema *schema)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        sqlite3 *db = NULL;

        (void)sqlite3_auto_extension((void (*)(void))add_die);
        _exit(database_open(dir, schema, &db, NULL) ? 1 : 0); /* alive: the test fails */
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* More than SQLite keeps in memory, so that half of the upgrade is in the WAL when it dies. */
static void enlarge(const char *dir)
{
    sqlite3 *db = open_file(dir, "netra.db");
    char sql[256];

    (void)snprintf(sql, sizeof(sql),
                   "WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n LIMIT %d)"
                   " INSERT INTO event SELECT 2, i, i, hex(zeroblob(3000)) FROM n",
                   LARGE_FILE_ROWS);
    must_run(db, sql);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_a_process_that_is_killed_in_the_middle_leaves_the_older_file(void **state)
{
    (void)state;
    for (int version = 1; version <= store_schema.step_count; version++) {
        cleanup(buf_done) struct buf before = {0};
        cleanup(buf_done) struct buf after = {0};
        struct longer longer;
        struct fixture f = {0};
        struct error error = {0};
        char dying[STEP_BYTES_MAX];

        fixture_dir(f.dir, sizeof(f.dir));
        write_fixture(f.dir, "netra", version);
        enlarge(f.dir);
        dump_file(f.dir, &before);
        for (int step = version; step <= store_schema.step_count; step++) {
            make_longer(&longer, "UPDATE event SET json = lower(json)", NULL);
            int length = snprintf(dying, sizeof(dying), "%s; SELECT die();", longer.steps[step]);
            assert_in_range(length, 1, sizeof(dying) - 1);
            longer.steps[step] = dying;
            die_at(f.dir, &longer.schema);
        }
        dump_file(f.dir, &after);
        assert_str(buf_str(&after), before.data);
        assert_int_equal(loop_new(/* workers */ 1, &f.loop, &error), OK);
        fixture_open_store(&f);
        fixture_end(&f);
    }
}

static void test_a_newer_file_is_refused_and_both_versions_are_named(void **state)
{
    cleanup(buf_done) struct buf before = {0};
    cleanup(buf_done) struct buf after = {0};
    struct error error = {0};
    sqlite3 *db = NULL;
    char dir[128];
    char says[128];
    char sql[64];

    (void)state;
    fixture_dir(dir, sizeof(dir));
    write_fixture(dir, "netra", store_schema.step_count);
    sqlite3 *file = open_file(dir, "netra.db");
    (void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", store_schema.step_count + 1);
    must_run(file, sql);
    assert_int_equal(sqlite3_close(file), SQLITE_OK);
    dump_file(dir, &before);
    assert_int_equal(database_open(dir, &store_schema, &db, &error), ERR_UNSUPPORTED);
    (void)snprintf(says, sizeof(says), "of version %d, and this program knows versions up to %d",
                   store_schema.step_count + 1, store_schema.step_count);
    assert_non_null(strstr(error.message, says));
    assert_non_null(strstr(error.hint, "newer program"));
    dump_file(dir, &after);
    assert_str(buf_str(&after), before.data);
    remove_files(dir);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_files_are_what_the_steps_made),
        cmocka_unit_test(test_a_file_of_every_version_keeps_every_row),
        cmocka_unit_test(test_records_of_every_version_are_kept),
        cmocka_unit_test(test_what_is_older_is_of_local_mode_and_the_first_workspace),
        cmocka_unit_test(test_an_upgrade_that_would_lose_something_changes_nothing),
        cmocka_unit_test(test_a_process_that_is_killed_in_the_middle_leaves_the_older_file),
        cmocka_unit_test(test_a_newer_file_is_refused_and_both_versions_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
