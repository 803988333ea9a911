/*
 * Two workspaces with every kind of row. Whatever the one asks for or changes by ids of the other,
 * it is shown nothing and changes nothing; the same with the other's own name works, so that the
 * test would notice if it asked for the wrong thing. There is a case for each statement of the
 * tables in write_sql.h and reader.h that is of a workspace: one that is added needs one, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store_fixture.h"

#include <sqlite3.h>

#include "store/reader.h"
#include "store/write_sql.h"

#define A STR("a")
#define B STR("b")

/* Ids of a workspace: "a-t1" … */
struct ids {
    char thread[2][24];
    char run[2][24];
    char message[2][24];
    char dataset[2][24];
    char report[8];
};

static struct ids ids_of(char workspace)
{
    struct ids ids;

    for (int i = 0; i < 2; i++) {
        (void)snprintf(ids.thread[i], sizeof(ids.thread[i]), "%c-t%d", workspace, i);
        (void)snprintf(ids.run[i], sizeof(ids.run[i]), "%c-r%d", workspace, i);
        (void)snprintf(ids.message[i], sizeof(ids.message[i]), "%c-m%d", workspace, i);
        (void)snprintf(ids.dataset[i], sizeof(ids.dataset[i]), "%c-d%d", workspace, i);
    }
    (void)snprintf(ids.report, sizeof(ids.report), "%c-p", workspace);
    return ids;
}

static struct store_report report_of(const struct ids *ids, const char *id)
{
    return (struct store_report){.id = str_from(id),
                                 .run_id = str_from(ids->run[0]),
                                 .thread_id = str_from(ids->thread[0]),
                                 .type = STR("full_analysis")};
}

static struct store_model_call call_of(const struct ids *ids, unsigned question)
{
    return (struct store_model_call){
        .run_id = str_from(ids->run[0]), .question = question, .input_uncached = 5, .output = 2};
}

static struct store_answer answer_of(const char *body)
{
    return (struct store_answer){.owner_id = STR("u"),
                                 .key = STR("key"),
                                 .status = 200,
                                 .content_type = STR("application/json"),
                                 .body = str_from(body),
                                 .expires_us = 100};
}

static void fill(struct fixture *f, char name)
{
    struct store_batch *accounts = new_accounts_batch();
    struct store_batch *batch = store_batch_new((struct str){&name, 1});
    struct ids ids = ids_of(name);

    assert_non_null(batch);
    store_put_workspace(accounts, &(struct store_workspace){.id = {&name, 1}});
    store_add_audit(accounts, &(struct store_audit){.workspace_id = {&name, 1},
                                                    .action = str_from(ids.thread[0])});
    assert_int_equal(apply(f, accounts), OK);
    for (int i = 0; i < 2; i++) {
        put_thread(batch, ids.thread[i], i);
        add_run(batch, ids.run[i], ids.thread[0], i);
        store_add_message(batch, &(struct store_message){.id = str_from(ids.message[i]),
                                                         .thread_id = str_from(ids.thread[0]),
                                                         .role = STR("user"),
                                                         .content = str_from(ids.message[i]),
                                                         .created_us = i});
        store_put_dataset(batch, &(struct store_dataset){.id = str_from(ids.dataset[i]),
                                                         .bytes = name == 'a' ? 100 : 1,
                                                         .created_us = i});
    }
    add_event(batch, ids.run[0], 1);
    struct store_model_call call = call_of(&ids, 0);
    store_add_model_call(batch, &call);
    struct store_report report = report_of(&ids, ids.report);
    store_add_report(batch, &report);
    store_add_report_body(batch, str_from(ids.report), STR("md"), str_from(ids.report));
    struct store_answer answer = answer_of(ids.thread[0]);
    store_put_answer(batch, &answer);
    assert_int_equal(apply(f, batch), OK);
}

/* ---- what is stored of A ---- */

static void dump_rows(sqlite3 *db, const char *sql, struct buf *out)
{
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);

            buf_printf(out, "%s|", text ? text : "");
        }
        buf_append(out, STR("\n"));
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

static void dump_a(const struct fixture *f, struct buf *out)
{
    static const char *const tables =
        "SELECT s.name, EXISTS (SELECT 1 FROM pragma_table_info(s.name) c"
        " WHERE c.name = 'workspace') FROM sqlite_schema s"
        " WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite%' ORDER BY s.name";
    sqlite3 *db;
    sqlite3_stmt *statement;
    char path[512];
    int count = 0;

    buf_init(out, (size_t)1 << 20);
    (void)snprintf(path, sizeof(path), "%s/netra.db", f->dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, tables, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        char sql[128];

        count++;
        (void)snprintf(sql, sizeof(sql), "SELECT * FROM %s%s", sqlite3_column_text(statement, 0),
                       sqlite3_column_int(statement, 1) ? " WHERE workspace <> 'b'" : "");
        buf_printf(out, "%s\n", sql);
        dump_rows(db, sql, out);
    }
    assert_true(count > 15);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(buf_status(out), OK);
}

/* ---- writes ---- */

typedef void (*write_fn)(struct store_batch *batch, const struct ids *a);

static void write_put_thread(struct store_batch *batch, const struct ids *a)
{
    put_thread(batch, a->thread[0], 77);
}

static void write_delete_thread(struct store_batch *batch, const struct ids *a)
{
    store_delete_thread(batch, str_from(a->thread[0]));
}

static void write_touch_thread(struct store_batch *batch, const struct ids *a)
{
    store_touch_thread(batch, str_from(a->thread[0]), 77);
}

static void write_add_message(struct store_batch *batch, const struct ids *a)
{
    store_add_message(
        batch, &(struct store_message){.id = STR("new"), .thread_id = str_from(a->thread[0])});
}

static void write_add_run(struct store_batch *batch, const struct ids *a)
{
    add_run(batch, "new", a->thread[0], 77);
}

static void write_set_run(struct store_batch *batch, const struct ids *a)
{
    struct store_run run = run_of(a->run[0], a->thread[0], 77);

    store_set_run(batch, &run);
}

static void write_add_event(struct store_batch *batch, const struct ids *a)
{
    add_event(batch, a->run[0], 2);
}

static void write_add_model_call(struct store_batch *batch, const struct ids *a)
{
    struct store_model_call call = call_of(a, 7);

    store_add_model_call(batch, &call);
}

static void write_add_report(struct store_batch *batch, const struct ids *a)
{
    struct store_report report = report_of(a, "new");

    store_add_report(batch, &report);
}

static void write_add_report_body(struct store_batch *batch, const struct ids *a)
{
    store_add_report_body(batch, str_from(a->report), STR("html"), STR("new"));
}

static void write_put_dataset(struct store_batch *batch, const struct ids *a)
{
    store_put_dataset(batch, &(struct store_dataset){.id = str_from(a->dataset[0]), .bytes = 77});
}

static void write_delete_dataset(struct store_batch *batch, const struct ids *a)
{
    store_delete_dataset(batch, str_from(a->dataset[0]));
}

/* Of the same user with the same key: in B it is another one. */
static void write_put_answer(struct store_batch *batch, const struct ids *a)
{
    struct store_answer answer = answer_of("new");

    (void)a;
    store_put_answer(batch, &answer);
}

static const write_fn writes[] = {
    [WRITE_PUT_THREAD] = write_put_thread,     [WRITE_DELETE_THREAD] = write_delete_thread,
    [WRITE_TOUCH_THREAD] = write_touch_thread, [WRITE_ADD_MESSAGE] = write_add_message,
    [WRITE_ADD_RUN] = write_add_run,           [WRITE_SET_RUN] = write_set_run,
    [WRITE_ADD_EVENT] = write_add_event,       [WRITE_ADD_MODEL_CALL] = write_add_model_call,
    [WRITE_ADD_REPORT] = write_add_report,     [WRITE_ADD_REPORT_BODY] = write_add_report_body,
    [WRITE_PUT_DATASET] = write_put_dataset,   [WRITE_DELETE_DATASET] = write_delete_dataset,
    [WRITE_PUT_ANSWER] = write_put_answer,
};
_Static_assert(ARRAY_LENGTH(writes) == WRITE_DELETE_ENDED_ANSWERS,
               "each statement of a workspace has a case here");

static int write_as(struct fixture *f, struct str workspace, write_fn write)
{
    struct store_batch *batch = store_batch_new(workspace);
    const struct ids a = ids_of('a');

    assert_non_null(batch);
    write(batch, &a);
    return apply(f, batch);
}

static void test_no_write_reaches_another_workspace(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(writes); i++) {
        struct fixture f;
        struct buf before;
        struct buf after;
        struct buf own;

        fixture_begin(&f);
        fill(&f, 'a');
        fill(&f, 'b');
        dump_a(&f, &before);
        assert_non_null(writes[i]);
        bool is_own = i == WRITE_PUT_ANSWER || !write_sql[i].must_change;
        assert_int_equal(write_as(&f, B, writes[i]), is_own ? OK : ERR_INVALID);
        assert_int_equal(write_as(&f, STR("nobody"), writes[i]),
                         write_sql[i].must_change ? ERR_INVALID : OK);
        dump_a(&f, &after);
        if (!str_equal(buf_str(&before), buf_str(&after))) {
            fail_msg("%s: changes another workspace", write_sql[i].sql);
        }
        assert_int_equal(write_as(&f, A, writes[i]), OK);
        dump_a(&f, &own);
        if (str_equal(buf_str(&before), buf_str(&own))) {
            fail_msg("%s: changes nothing in its own workspace", write_sql[i].sql);
        }
        buf_done(&before);
        buf_done(&after);
        buf_done(&own);
        fixture_end(&f);
    }
}

/* ---- reads: each notes what it was shown ---- */

typedef int (*read_fn)(struct store *store, struct str workspace, struct names *names);

static const struct ids a_ids = {.thread = {"a-t0", "a-t1"},
                                 .run = {"a-r0", "a-r1"},
                                 .message = {"a-m0", "a-m1"},
                                 .dataset = {"a-d0", "a-d1"},
                                 .report = "a-p"};

static bool note_report(const struct store_report *row, void *arg)
{
    return note_name(arg, row->id);
}

static bool note_answer(const struct store_answer *row, void *arg)
{
    return note_name(arg, row->body);
}

static bool note_audit(const struct store_audit *row, void *arg)
{
    return note_name(arg, row->action);
}

static bool note_run_of_event(const struct store_event *row, void *arg)
{
    return note_name(arg, row->run_id);
}

static int read_thread(struct store *store, struct str workspace, struct names *names)
{
    return store_get_thread(store, workspace, str_from(a_ids.thread[0]), note_thread, names);
}

static int read_run(struct store *store, struct str workspace, struct names *names)
{
    return store_get_run(store, workspace, str_from(a_ids.run[0]), note_run, names);
}

static int read_report(struct store *store, struct str workspace, struct names *names)
{
    return store_get_report(store, workspace, str_from(a_ids.report), note_report, names);
}

static int read_dataset(struct store *store, struct str workspace, struct names *names)
{
    return store_get_dataset(store, workspace, str_from(a_ids.dataset[0]), note_dataset, names);
}

static int read_report_body(struct store *store, struct str workspace, struct names *names)
{
    return store_get_report_body(store, workspace, str_from(a_ids.report), STR("md"), &names->text);
}

static int read_threads(struct store *store, struct str workspace, struct names *names)
{
    return store_list_threads(store, workspace, STR(""), 9, note_thread, names);
}

static int read_messages(struct store *store, struct str workspace, struct names *names)
{
    return store_list_messages(store, workspace, str_from(a_ids.thread[0]), STR(""), 9,
                               note_message, names);
}

static int read_runs(struct store *store, struct str workspace, struct names *names)
{
    return store_list_runs(store, workspace, str_from(a_ids.thread[0]), STR(""), 9, note_run,
                           names);
}

static int read_datasets(struct store *store, struct str workspace, struct names *names)
{
    return store_list_datasets(store, workspace, STR(""), 9, note_dataset, names);
}

static int read_threads_behind(struct store *store, struct str workspace, struct names *names)
{
    return store_list_threads(store, workspace, str_from(a_ids.thread[1]), 9, note_thread, names);
}

static int read_messages_behind(struct store *store, struct str workspace, struct names *names)
{
    return store_list_messages(store, workspace, str_from(a_ids.thread[0]),
                               str_from(a_ids.message[0]), 9, note_message, names);
}

static int read_runs_behind(struct store *store, struct str workspace, struct names *names)
{
    return store_list_runs(store, workspace, str_from(a_ids.thread[0]), str_from(a_ids.run[1]), 9,
                           note_run, names);
}

static int read_datasets_behind(struct store *store, struct str workspace, struct names *names)
{
    return store_list_datasets(store, workspace, str_from(a_ids.dataset[1]), 9, note_dataset,
                               names);
}

static int read_events(struct store *store, struct str workspace, struct names *names)
{
    return store_list_events(store, workspace, str_from(a_ids.run[0]), 0, 9, note_run_of_event,
                             names);
}

static int read_model_calls(struct store *store, struct str workspace, struct names *names)
{
    uint64_t next;

    return store_list_model_calls(store, workspace, STR(""), 0, 9, note_model_call, names, &next);
}

static int read_model_calls_of_run(struct store *store, struct str workspace, struct names *names)
{
    uint64_t next;

    return store_list_model_calls(store, workspace, str_from(a_ids.run[0]), 0, 9, note_model_call,
                                  names, &next);
}

static int read_last_seq(struct store *store, struct str workspace, struct names *names)
{
    uint64_t seq = 0;
    int code = store_last_seq(store, workspace, str_from(a_ids.run[0]), &seq);

    buf_append(&names->text, seq ? STR("a-") : STR(""));
    return code;
}

static int read_answer(struct store *store, struct str workspace, struct names *names)
{
    return store_get_answer(store, workspace, STR("u"), STR("key"), note_answer, names);
}

static int read_usage(struct store *store, struct str workspace, struct names *names)
{
    struct store_usage usage = {0};
    int code = store_get_usage(store, workspace, 0, &usage);

    buf_append(&names->text, usage.dataset_bytes >= 100 ? STR("a-") : STR(""));
    return code;
}

static int read_audit(struct store *store, struct str workspace, struct names *names)
{
    return store_list_audit(store, workspace, false, 0, 9, note_audit, names);
}

static int read_audit_with_deployment(struct store *store, struct str workspace,
                                      struct names *names)
{
    return store_list_audit(store, workspace, true, 0, 9, note_audit, names);
}

static const read_fn reads[] = {
    [READ_THREAD] = read_thread,
    [READ_RUN] = read_run,
    [READ_REPORT] = read_report,
    [READ_DATASET] = read_dataset,
    [READ_REPORT_BODY] = read_report_body,
    [READ_THREADS] = read_threads,
    [READ_MESSAGES] = read_messages,
    [READ_RUNS] = read_runs,
    [READ_DATASETS] = read_datasets,
    [READ_THREAD_PLACE] = read_threads_behind,
    [READ_MESSAGE_PLACE] = read_messages_behind,
    [READ_RUN_PLACE] = read_runs_behind,
    [READ_DATASET_PLACE] = read_datasets_behind,
    [READ_EVENTS] = read_events,
    [READ_MODEL_CALLS] = read_model_calls,
    [READ_MODEL_CALLS_OF_RUN] = read_model_calls_of_run,
    [READ_LAST_SEQ] = read_last_seq,
    [READ_ANSWER] = read_answer,
    [READ_USAGE] = read_usage,
    [READ_AUDIT] = read_audit,
    [READ_AUDIT_WITH_DEPLOYMENT] = read_audit_with_deployment,
};
_Static_assert(ARRAY_LENGTH(reads) == READ_OPEN_RUNS,
               "each statement of a workspace has a case here");

/* Nothing of A's, in whatever way. */
static void expect_none_of_a(struct fixture *f, size_t which, struct str workspace)
{
    struct names names;

    names_begin(&names);
    int code = reads[which](f->store, workspace, &names);
    assert_true(code == OK || code == ERR_NOT_FOUND);
    if (str_find(buf_str(&names.text), STR("a-"), 0) != SIZE_MAX) {
        fail_msg("%s: shows %.*s", read_sql[which], STR_ARGS(buf_str(&names.text)));
    }
    buf_done(&names.text);
}

static void test_no_read_sees_another_workspace(void **state)
{
    struct fixture f;

    (void)state;
    fixture_begin(&f);
    fill(&f, 'a');
    fill(&f, 'b');
    for (size_t i = 0; i < ARRAY_LENGTH(reads); i++) {
        struct names names;

        assert_non_null(reads[i]);
        expect_none_of_a(&f, i, B);
        expect_none_of_a(&f, i, STR("nobody"));
        expect_none_of_a(&f, i, STR(""));
        expect_none_of_a(&f, i, STR("%"));
        names_begin(&names);
        assert_int_equal(reads[i](f.store, A, &names), OK);
        if (str_find(buf_str(&names.text), STR("a-"), 0) == SIZE_MAX ||
            str_find(buf_str(&names.text), STR("b-"), 0) != SIZE_MAX) {
            fail_msg("%s: shows %.*s", read_sql[i], STR_ARGS(buf_str(&names.text)));
        }
        buf_done(&names.text);
    }
    fixture_end(&f);
}

/* A cursor into the calls of another workspace leads nowhere, and shows none of its rows. */
static void test_a_page_of_calls_has_those_of_one_workspace(void **state)
{
    struct fixture f;
    struct names names;
    uint64_t next = 0;

    (void)state;
    names_begin(&names);
    fixture_begin(&f);
    fill(&f, 'a');
    fill(&f, 'b');
    assert_int_equal(
        store_list_model_calls(f.store, B, STR(""), 0, 1, note_model_call, &names, &next), OK);
    expect_names(&names, "b-r0/0/0 ");
    assert_int_equal(
        store_list_model_calls(f.store, A, STR(""), next, 1, note_model_call, &names, &next), OK);
    expect_names(&names, "");
    buf_done(&names.text);
    fixture_end(&f);
}

static void count_rows_of(const struct fixture *f, const char *sql_format, const char *name,
                          unsigned *tables, int *rows)
{
    cleanup(buf_done) struct buf out;
    sqlite3 *db;
    sqlite3_stmt *statement;
    char path[512];
    char sql[256];

    (void)snprintf(path, sizeof(path), "%s/netra.db", f->dir);
    buf_init(&out, 4096);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql_format, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(statement, 0);
        sqlite3_stmt *count;

        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s WHERE %s = '%s'", table,
                       strcmp(table, "workspace") == 0 ? "id" : "workspace", name);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &count, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(count), SQLITE_ROW);
        *rows += sqlite3_column_int(count, 0);
        (*tables)++;
        (void)sqlite3_finalize(count);
    }
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Whatever table has a column of workspaces, now or in time to come: but for the log, nothing. */
static void test_a_workspace_goes_with_all_that_is_in_it(void **state)
{
    static const char tables_of[] =
        "SELECT s.name FROM sqlite_schema s WHERE s.type = 'table' AND s.name <> 'audit'"
        " AND (s.name = 'workspace' OR EXISTS (SELECT 1 FROM pragma_table_info(s.name) c"
        " WHERE c.name = 'workspace'))";
    static const char log_of[] = "SELECT 'audit'";
    cleanup(buf_done) struct buf before = {0};
    cleanup(buf_done) struct buf after = {0};
    struct fixture f;
    unsigned tables = 0;
    int rows = 0;

    (void)state;
    fixture_begin(&f);
    fill(&f, 'b');
    dump_a(&f, &before); /* what is not b's, but for the log */
    struct store_batch *batch = new_accounts_batch();
    store_put_user(batch, &(struct store_user){.id = STR("u")});
    store_put_member(batch, &(struct store_member){B, STR("u"), 3, 1});
    store_put_key(batch,
                  &(struct store_key){.id = STR("k"), .workspace_id = B, .user_id = STR("u")});
    store_put_code(batch, &(struct store_code){.id = STR("c"), .workspace_id = B});
    store_put_session(
        batch, &(struct store_session){.id = STR("s"), .workspace_id = B, .user_id = STR("local")});
    assert_int_equal(apply(&f, batch), OK);
    count_rows_of(&f, tables_of, "b", &tables, &rows);
    assert_true(tables >= 9);
    assert_true(rows >= 14);

    batch = new_accounts_batch();
    store_delete_workspace(batch, B);
    store_delete_workspace(batch, STR("nowhere"));
    store_delete_user(batch, STR("u"));
    assert_int_equal(apply(&f, batch), OK);
    rows = 0;
    count_rows_of(&f, tables_of, "b", &tables, &rows);
    assert_int_equal(rows, 0);
    count_rows_of(&f, log_of, "b", &tables, &rows);
    assert_int_equal(rows, 1);
    batch = store_batch_new(B); /* nothing gets into it any more */
    put_thread(batch, "late", 1);
    assert_int_equal(apply(&f, batch), ERR_INVALID);
    fill(&f, 'b'); /* the ids are free: also what hung on the threads is gone */
    dump_a(&f, &after);
    assert_str(buf_str(&after), buf_str(&before).data);
    fixture_end(&f);
}

/* Changes of the deployment and of workspaces do not go into the same batch. */
static void test_batches_are_of_one_sort(void **state)
{
    struct fixture f;
    const struct ids a = ids_of('a');

    (void)state;
    fixture_begin(&f);
    for (size_t i = 0; i < ARRAY_LENGTH(writes); i++) {
        struct store_batch *batch = new_accounts_batch();

        writes[i](batch, &a);
        assert_int_equal(store_submit(f.store, batch, NULL, NULL), ERR_INVALID);
    }
    struct store_batch *batch = new_batch();
    store_put_workspace(batch, &(struct store_workspace){.id = STR("w")});
    assert_int_equal(store_submit(f.store, batch, NULL, NULL), ERR_INVALID);
    batch = new_batch();
    store_erase_owner(batch, STR("u"), false);
    assert_int_equal(store_submit(f.store, batch, NULL, NULL), ERR_INVALID);
    fixture_end(&f);
}

/* Every statement of a workspace has its parameter, and no other has. */
static void test_statements_name_the_workspace(void **state)
{
    struct fixture f;
    sqlite3_stmt *statement;
    sqlite3 *db;
    char path[512];

    (void)state;
    fixture_begin(&f);
    (void)snprintf(path, sizeof(path), "%s/netra.db", f.dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (int i = 0; i < READ_STATEMENT_COUNT + WRITE_STATEMENT_COUNT; i++) {
        int w = i - READ_STATEMENT_COUNT;
        const char *sql = w < 0 ? read_sql[i] : write_sql[w].sql;
        bool is_of_workspace = w < 0 ? read_is_of_workspace((enum read_statement)i)
                                     : write_is_of_workspace((enum write_statement)w);

        assert_non_null(sql);
        if (w == WRITE_ADD_AUDIT) {
            continue; /* needs a function of the writer's */
        }
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_bind_parameter_count(statement) == WORKSPACE_PARAMETER,
                         is_of_workspace);
        (void)sqlite3_finalize(statement);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_write_reaches_another_workspace),
        cmocka_unit_test(test_no_read_sees_another_workspace),
        cmocka_unit_test(test_a_page_of_calls_has_those_of_one_workspace),
        cmocka_unit_test(test_a_workspace_goes_with_all_that_is_in_it),
        cmocka_unit_test(test_batches_are_of_one_sort),
        cmocka_unit_test(test_statements_name_the_workspace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
