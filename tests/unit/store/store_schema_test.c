/*
 * A file that an older version wrote: opened, brought up to date, and nothing of it lost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store_fixture.h"

#include "store/database.h"
#include "store/store_schema.h"

/* What netra 0.1 left: a thread with a run, its log and its report. */
static const char *const rows_of_step_1 =
    "INSERT INTO thread VALUES (1, 't-1', 'a thread', 1, 2);"
    "INSERT INTO message VALUES (1, 'm-1', 1, 'user', 'why so dear?', 'r-1', 3);"
    "INSERT INTO run VALUES (1, 'r-1', 1, 1, 'why so dear?', 'd-1', 7, 4, 5, 6, 0, 'why', '');"
    "INSERT INTO run VALUES (2, 'r-2', 1, 2, 'and now?', '', 8, 14, 15, 16, 17, '', 'p-1');"
    "INSERT INTO event VALUES (1, 1, 8, '{\"seq\":1}');"
    "INSERT INTO event VALUES (1, 2, 9, '{\"seq\":2}');"
    "INSERT INTO report VALUES (1, 'p-1', 2, 'full_analysis', 18);"
    "INSERT INTO report_body VALUES (1, 'md', '# Spend');"
    "INSERT INTO dataset VALUES (1, 'd-1', 'usage.csv', 1, 2, 3, 4, 5, 6, '{}', '', 7);"
    "INSERT INTO session VALUES (zeroblob(32), 1, 1000);";

/* A file with so many steps taken, and rows in it. */
static void write_older_file(const char *dir, int step_count, const char *rows)
{
    struct schema older = store_schema;
    struct error error = {0};
    sqlite3 *db = NULL;

    older.step_count = step_count;
    assert_int_equal(database_open(dir, &older, &db, &error), OK);
    assert_int_equal(database_run(db, rows), SQLITE_OK);
    database_close(db);
}

static bool is_run_of_step_1(const struct store_run *row, void *arg)
{
    (void)arg;
    assert_str(row->prompt, "why so dear?");
    assert_str(row->dataset_id, "d-1");
    assert_str(row->reason, "why");
    assert_int_equal(row->status, STORE_RUN_RUNNING);
    assert_true(row->seed == 7 && row->now_us == 4 && row->created_us == 5 && row->started_us == 6);
    assert_false(row->has_model);
    assert_true(row->seq_leased == 0);
    return false;
}

static void expect_rows_of_step_1(struct fixture *f)
{
    struct names names;
    struct buf body;

    names_begin(&names);
    buf_init(&body, 100);
    assert_int_equal(store_list_threads(f->store, HERE, STR(""), 9, note_thread, &names), OK);
    expect_names(&names, "t-1 ");
    assert_int_equal(
        store_list_messages(f->store, HERE, STR("t-1"), STR(""), 9, note_message, &names), OK);
    expect_names(&names, "m-1 ");
    assert_int_equal(store_list_runs(f->store, HERE, STR("t-1"), STR(""), 9, note_run, &names), OK);
    expect_names(&names, "r-2 r-1 ");
    assert_int_equal(store_get_run(f->store, HERE, STR("r-1"), is_run_of_step_1, NULL), OK);
    assert_int_equal(store_list_open_runs(f->store, note_run, &names), OK);
    expect_names(&names, "r-1 ");
    assert_int_equal(store_list_events(f->store, HERE, STR("r-1"), 0, 9, note_event, &names), OK);
    expect_names(&names, "{\"seq\":1} {\"seq\":2} ");
    assert_int_equal(store_get_report_body(f->store, HERE, STR("p-1"), STR("md"), &body), OK);
    assert_str(buf_str(&body), "# Spend");
    assert_int_equal(store_list_datasets(f->store, HERE, STR(""), 9, note_dataset, &names), OK);
    expect_names(&names, "d-1 ");
    assert_int_equal(store_list_sessions(f->store, note_session, &names), OK);
    assert_int_equal(names.count, 1);
    buf_done(&names.text);
    buf_done(&body);
}

static void test_a_file_of_the_first_version_keeps_every_row(void **state)
{
    struct fixture f = {0};
    struct error error = {0};
    struct names names;
    uint64_t next = 0;

    (void)state;
    fixture_dir(f.dir, sizeof(f.dir));
    write_older_file(f.dir, 1, rows_of_step_1);
    assert_int_equal(loop_new(/* workers */ 1, &f.loop, &error), OK);
    fixture_open_store(&f);
    expect_rows_of_step_1(&f);
    names_begin(&names);
    assert_int_equal(
        store_list_model_calls(f.store, HERE, STR(""), 0, 9, note_model_call, &names, &next), OK);
    assert_int_equal(names.count, 0);

    struct store_batch *batch = new_batch();
    store_add_model_call(batch, &(struct store_model_call){.run_id = STR("r-1")});
    add_event(batch, "r-1", 3);
    assert_int_equal(apply(&f, batch), OK);
    fixture_reopen(&f);
    assert_int_equal(
        store_list_model_calls(f.store, HERE, STR(""), 0, 9, note_model_call, &names, &next), OK);
    expect_names(&names, "r-1/0/0 ");
    buf_done(&names.text);
    fixture_end(&f);
}

/* What the version before this one left: a row of everything, more than one where they differ. */
static const char *const rows_of_step_2 =
    "INSERT INTO thread VALUES (1, 't-1', 'a thread', 1, 2), (2, 't-2', '', 3, 4);"
    "INSERT INTO message VALUES (1, 'm-1', 1, 'user', 'why so dear?', 'r-1', 3);"
    "INSERT INTO run VALUES (1, 'r-1', 1, 1, 'why?', 'd-1', -7, 4, 5, 6, 0, 'why', '', 1, 64);"
    "INSERT INTO run VALUES (2, 'r-2', 2, 2, 'and now?', '', 8, 14, 15, 16, 17, '', 'p-1', 0, 0);"
    "INSERT INTO event VALUES (1, 1, 8, '{\"seq\":1}'), (1, 2, 9, '{\"seq\":2}');"
    "INSERT INTO report VALUES (1, 'p-1', 2, 'full_analysis', 18);"
    "INSERT INTO report_body VALUES (1, 'md', '# Spend'), (1, 'csv', '');"
    "INSERT INTO dataset VALUES (1, 'd-1', 'usage.csv', 1, 2, 3, 4, 5, 6, '{}', '', 7);"
    "INSERT INTO model_call VALUES (3, 1, 0, 0, 1, 'write', 'write@1', 'p', 'm', 'answered', 200,"
    " 5, 6, 7, 100, -1, 20, 3, 4000, 9, 10, 'x', '', '{}', '{}');"
    "INSERT INTO session VALUES (zeroblob(32), 1, 1000), (randomblob(32), 2, 2000);";

/* Every row and column that step 2 knew; hashes as hexadecimal digits. */
static void dump_step_2(const char *dir, struct buf *out)
{
    static const char *const selects[] = {
        "SELECT n, id, title, created_us, updated_us FROM thread ORDER BY n",
        "SELECT * FROM message ORDER BY n",
        "SELECT n, id, thread, status, prompt, dataset_id, seed, now_us, created_us, started_us,"
        " finished_us, reason, report_id, has_model, seq_leased FROM run ORDER BY n",
        "SELECT * FROM event ORDER BY run, seq",
        "SELECT * FROM report ORDER BY n",
        "SELECT * FROM report_body ORDER BY format",
        "SELECT n, id, name, status, bytes, records, rejected, from_us, to_us, description, reason,"
        " created_us FROM dataset ORDER BY n",
        "SELECT n, run, question, attempt, is_last, purpose, prompt, provider, model, outcome,"
        " status, started_us, latency_us, first_token_us, input_uncached, cache_read,"
        " cache_write_5m, cache_write_1h, output, reasoning, cost_pico_usd, response_id, failure,"
        " request, answer FROM model_call ORDER BY n",
        "SELECT hex(hash), created_us, expires_us FROM session ORDER BY hash",
    };
    sqlite3 *db;
    char path[512];

    buf_init(out, (size_t)1 << 16);
    (void)snprintf(path, sizeof(path), "%s/netra.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (size_t i = 0; i < ARRAY_LENGTH(selects); i++) {
        sqlite3_stmt *statement;
        int rows = 0;

        assert_int_equal(sqlite3_prepare_v2(db, selects[i], -1, &statement, NULL), SQLITE_OK);
        for (; sqlite3_step(statement) == SQLITE_ROW; rows++) {
            for (int c = 0; c < sqlite3_column_count(statement); c++) {
                buf_printf(out, "%s|", (const char *)sqlite3_column_text(statement, c));
            }
        }
        assert_true(rows > 0);
        (void)sqlite3_finalize(statement);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(buf_status(out), OK);
}

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
    assert_int_equal(row->traceparent.length, 0);
    return true;
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

static void test_a_file_of_the_second_version_keeps_every_row(void **state)
{
    struct store_usage usage;
    struct fixture f = {0};
    struct error error = {0};
    struct buf before;
    struct buf after;
    struct names names;
    uint64_t next = 0;

    (void)state;
    names_begin(&names);
    fixture_dir(f.dir, sizeof(f.dir));
    write_older_file(f.dir, 2, rows_of_step_2);
    dump_step_2(f.dir, &before);
    assert_int_equal(loop_new(/* workers */ 1, &f.loop, &error), OK);
    fixture_open_store(&f);
    dump_step_2(f.dir, &after);
    assert_str(buf_str(&after), before.data);
    assert_int_equal(store_list_threads(f.store, HERE, STR(""), 9, is_thread_of_step_2, NULL), OK);
    assert_int_equal(store_get_run(f.store, HERE, STR("r-1"), is_run_of_step_2, NULL), OK);
    assert_int_equal(store_list_datasets(f.store, HERE, STR(""), 9, is_dataset_of_step_2, NULL),
                     OK);
    assert_int_equal(store_list_sessions(f.store, is_of_local_mode, NULL), OK);
    assert_int_equal(
        store_list_model_calls(f.store, HERE, STR(""), 0, 9, note_model_call, &names, &next), OK);
    expect_names(&names, "r-1/0/0 ");
    assert_int_equal(store_get_usage(f.store, HERE, 5, &usage), OK);
    assert_true(usage.model_tokens == 4123 && usage.dataset_bytes == 2 && usage.open_runs == 1);
    buf_done(&before);
    buf_done(&after);
    buf_done(&names.text);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_of_the_first_version_keeps_every_row),
        cmocka_unit_test(test_a_file_of_the_second_version_keeps_every_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
