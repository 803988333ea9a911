/*
 * The read half of store.h. A query takes its statement out of the reader and puts it back at the
 * end; a callback that reads the same thing again finds none there and gets one of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/reader.h"

#include "base/check.h"

#define THREAD_COLUMNS  "id, title, created_us, updated_us"
#define MESSAGE_COLUMNS "m.id, t.id, m.role, m.content, m.run_id, m.created_us"
#define RUN_COLUMNS                                                                                \
    "r.id, t.id, r.status, r.prompt, r.dataset_id, r.seed, r.now_us, r.created_us, r.started_us, " \
    "r.finished_us, r.reason, r.report_id, r.has_model, r.seq_leased"
#define MODEL_CALL_COLUMNS                                                                         \
    "c.n, r.id, c.question, c.attempt, c.is_last, c.purpose, c.prompt, c.provider, c.model, "      \
    "c.outcome, c.status, c.started_us, c.latency_us, c.first_token_us, c.input_uncached, "        \
    "c.cache_read, c.cache_write_5m, c.cache_write_1h, c.output, c.reasoning, c.cost_pico_usd, "   \
    "c.response_id, c.failure, c.request, c.answer"
#define DATASET_COLUMNS                                                                            \
    "id, name, status, bytes, records, rejected, from_us, to_us, description, reason, created_us"

/* A page begins behind (?1 created_us, ?2 id) and has ?3 rows; ?4 is what the list belongs to. */
static const char *const read_sql[READ_STATEMENT_COUNT] = {
    [READ_THREAD] = "SELECT " THREAD_COLUMNS " FROM thread WHERE id = ?1",
    [READ_RUN] = "SELECT " RUN_COLUMNS " FROM run r JOIN thread t ON t.n = r.thread"
                 " WHERE r.id = ?1",
    [READ_REPORT] = "SELECT p.id, r.id, t.id, p.type, p.created_us FROM report p"
                    " JOIN run r ON r.n = p.run JOIN thread t ON t.n = r.thread WHERE p.id = ?1",
    [READ_DATASET] = "SELECT " DATASET_COLUMNS " FROM dataset WHERE id = ?1",
    [READ_REPORT_BODY] = "SELECT b.body FROM report p JOIN report_body b ON b.report = p.n"
                         " WHERE p.id = ?1 AND b.format = ?2",
    [READ_THREADS] = "SELECT " THREAD_COLUMNS " FROM thread WHERE (created_us, id) < (?1, ?2)"
                     " ORDER BY created_us DESC, id DESC LIMIT ?3",
    [READ_MESSAGES] = "SELECT " MESSAGE_COLUMNS " FROM thread t"
                      " CROSS JOIN message m ON m.thread = t.n"
                      " WHERE t.id = ?4 AND (m.created_us, m.id) > (?1, ?2)"
                      " ORDER BY m.created_us, m.id LIMIT ?3",
    [READ_RUNS] = "SELECT " RUN_COLUMNS " FROM thread t CROSS JOIN run r ON r.thread = t.n"
                  " WHERE t.id = ?4 AND (r.created_us, r.id) < (?1, ?2)"
                  " ORDER BY r.created_us DESC, r.id DESC LIMIT ?3",
    [READ_DATASETS] = "SELECT " DATASET_COLUMNS " FROM dataset WHERE (created_us, id) < (?1, ?2)"
                      " ORDER BY created_us DESC, id DESC LIMIT ?3",
    [READ_ALL_DATASETS] = "SELECT " DATASET_COLUMNS " FROM dataset WHERE id > ?1"
                          " ORDER BY id LIMIT ?2",
    [READ_THREAD_PLACE] = "SELECT created_us FROM thread WHERE id = ?1",
    [READ_MESSAGE_PLACE] = "SELECT m.created_us FROM message m JOIN thread t ON t.n = m.thread"
                           " WHERE m.id = ?1 AND t.id = ?2",
    [READ_RUN_PLACE] = "SELECT r.created_us FROM run r JOIN thread t ON t.n = r.thread"
                       " WHERE r.id = ?1 AND t.id = ?2",
    [READ_DATASET_PLACE] = "SELECT created_us FROM dataset WHERE id = ?1",
    [READ_OPEN_RUNS] = "SELECT " RUN_COLUMNS " FROM run r CROSS JOIN thread t ON t.n = r.thread"
                       " WHERE r.status < 2 ORDER BY r.created_us, r.id",
    [READ_EVENTS] = "SELECT r.id, e.seq, e.time_us, e.json FROM run r"
                    " CROSS JOIN event e ON e.run = r.n"
                    " WHERE r.id = ?1 AND e.seq > ?2 ORDER BY e.seq LIMIT ?3",
    [READ_MODEL_CALLS] = "SELECT " MODEL_CALL_COLUMNS " FROM model_call c"
                         " CROSS JOIN run r ON r.n = c.run"
                         " WHERE c.n > ?2 ORDER BY c.n LIMIT ?3",
    [READ_MODEL_CALLS_OF_RUN] = "SELECT " MODEL_CALL_COLUMNS " FROM run r"
                                " CROSS JOIN model_call c ON c.run = r.n"
                                " WHERE r.id = ?1"
                                " AND (c.question, c.attempt) >= (?2 >> 32, ?2 & 4294967295)"
                                " ORDER BY c.question, c.attempt LIMIT ?3",
    [READ_LAST_SEQ] = "SELECT coalesce((SELECT max(seq) FROM event WHERE event.run = run.n), 0)"
                      " FROM run WHERE id = ?1",
};

const char *reader_sql(enum read_statement statement)
{
    return read_sql[statement];
}

void reader_done(struct reader *reader)
{
    for (int i = 0; i < READ_STATEMENT_COUNT; i++) {
        (void)sqlite3_finalize(reader->statements[i]);
        reader->statements[i] = NULL;
    }
    database_close(reader->db);
    reader->db = NULL;
}

/* ---- one query ---- */

struct query {
    struct reader *reader;
    enum read_statement which;
    sqlite3_stmt *statement;
    int code;
};

static struct query query_begin(struct store *store, enum read_statement which)
{
    struct query query = {.reader = store_reader(store), .which = which};

    query.statement = TAKE(query.reader->statements[which]);
    if (!query.statement &&
        database_prepare(query.reader->db, read_sql[which], &query.statement) != SQLITE_OK) {
        query.code = ERR_IO;
    }
    return query;
}

static void query_end(struct query *query)
{
    if (!query->statement) {
        return;
    }
    (void)sqlite3_reset(query->statement);
    (void)sqlite3_clear_bindings(query->statement);
    if (query->reader->statements[query->which]) {
        (void)sqlite3_finalize(query->statement);
    } else {
        query->reader->statements[query->which] = query->statement;
    }
}

static void bind_text(struct query *query, int parameter, struct str text)
{
    if (!query->code && database_bind_text(query->statement, parameter, text)) {
        query->code = ERR_IO;
    }
}

static void bind_integer(struct query *query, int parameter, int64_t integer)
{
    if (!query->code && sqlite3_bind_int64(query->statement, parameter, integer)) {
        query->code = ERR_IO;
    }
}

/* True while there is a row. */
static bool query_step(struct query *query)
{
    if (query->code) {
        return false;
    }
    int result = sqlite3_step(query->statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        query->code = ERR_IO; /* memory ran out, too: nothing was read */
    }
    return result == SQLITE_ROW;
}

/* No column is NULL, so a missing text means that memory ran out: the row must not be shown. */
static struct str text_at(struct query *query, int column)
{
    struct str text = database_text(query->statement, column);

    if (!text.data) {
        query->code = ERR_IO;
    }
    return text;
}

static int64_t integer_at(const struct query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

/* ---- rows ---- */

/* A reader's callback of any type, and how to call it with the row that the query is at. */
union row_fn {
    store_thread_fn thread;
    store_message_fn message;
    store_run_fn run;
    store_event_fn event;
    store_model_call_fn model_call;
    store_report_fn report;
    store_dataset_fn dataset;
};

typedef bool (*show_fn)(struct query *query, union row_fn fn, void *arg);

static bool show_thread(struct query *query, union row_fn fn, void *arg)
{
    const struct store_thread row = {
        .id = text_at(query, 0),
        .workspace_id = STR(STORE_WORKSPACE_FIRST),
        .owner_id = STR("local"),
        .title = text_at(query, 1),
        .created_us = integer_at(query, 2),
        .updated_us = integer_at(query, 3),
    };

    return !query->code && fn.thread(&row, arg);
}

static bool show_message(struct query *query, union row_fn fn, void *arg)
{
    const struct store_message row = {
        .id = text_at(query, 0),
        .thread_id = text_at(query, 1),
        .role = text_at(query, 2),
        .content = text_at(query, 3),
        .run_id = text_at(query, 4),
        .created_us = integer_at(query, 5),
    };

    return !query->code && fn.message(&row, arg);
}

static bool show_run(struct query *query, union row_fn fn, void *arg)
{
    const struct store_run row = {
        .id = text_at(query, 0),
        .workspace_id = STR(STORE_WORKSPACE_FIRST),
        .owner_id = STR("local"),
        .thread_id = text_at(query, 1),
        .status = (enum store_run_status)integer_at(query, 2),
        .prompt = text_at(query, 3),
        .dataset_id = text_at(query, 4),
        .seed = (uint64_t)integer_at(query, 5),
        .now_us = integer_at(query, 6),
        .created_us = integer_at(query, 7),
        .started_us = integer_at(query, 8),
        .finished_us = integer_at(query, 9),
        .reason = text_at(query, 10),
        .report_id = text_at(query, 11),
        .has_model = integer_at(query, 12) != 0,
        .seq_leased = (uint64_t)integer_at(query, 13),
    };

    return !query->code && fn.run(&row, arg);
}

static bool show_event(struct query *query, union row_fn fn, void *arg)
{
    const struct store_event row = {
        .run_id = text_at(query, 0),
        .seq = (uint64_t)integer_at(query, 1),
        .time_us = integer_at(query, 2),
        .json = text_at(query, 3),
    };

    return !query->code && fn.event(&row, arg);
}

/* How the list goes on behind a row; arg of show_model_call. */
struct model_call_page {
    void *arg;
    bool is_of_run;
    uint64_t next;
};

static bool show_model_call(struct query *query, union row_fn fn, void *arg)
{
    struct model_call_page *page = arg;
    const struct store_model_call row = {
        .run_id = text_at(query, 1),
        .question = (unsigned)integer_at(query, 2),
        .attempt = (unsigned)integer_at(query, 3),
        .is_last = integer_at(query, 4) != 0,
        .purpose = text_at(query, 5),
        .prompt = text_at(query, 6),
        .provider = text_at(query, 7),
        .model = text_at(query, 8),
        .outcome = text_at(query, 9),
        .status = (int)integer_at(query, 10),
        .started_us = integer_at(query, 11),
        .latency_us = integer_at(query, 12),
        .first_token_us = integer_at(query, 13),
        .input_uncached = integer_at(query, 14),
        .cache_read = integer_at(query, 15),
        .cache_write_5m = integer_at(query, 16),
        .cache_write_1h = integer_at(query, 17),
        .output = integer_at(query, 18),
        .reasoning = integer_at(query, 19),
        .cost_pico_usd = integer_at(query, 20),
        .response_id = text_at(query, 21),
        .failure = text_at(query, 22),
        .request = text_at(query, 23),
        .answer = text_at(query, 24),
    };

    if (query->code) {
        return false;
    }
    page->next = page->is_of_run ? ((uint64_t)row.question << 32 | row.attempt) + 1
                                 : (uint64_t)integer_at(query, 0);
    return fn.model_call(&row, page->arg);
}

static bool show_report(struct query *query, union row_fn fn, void *arg)
{
    const struct store_report row = {
        .id = text_at(query, 0),
        .run_id = text_at(query, 1),
        .thread_id = text_at(query, 2),
        .type = text_at(query, 3),
        .created_us = integer_at(query, 4),
    };

    return !query->code && fn.report(&row, arg);
}

static bool show_dataset(struct query *query, union row_fn fn, void *arg)
{
    const struct store_dataset row = {
        .id = text_at(query, 0),
        .workspace_id = STR(STORE_WORKSPACE_FIRST),
        .owner_id = STR("local"),
        .name = text_at(query, 1),
        .status = (enum store_dataset_status)integer_at(query, 2),
        .bytes = (uint64_t)integer_at(query, 3),
        .records = (uint64_t)integer_at(query, 4),
        .rejected = (uint64_t)integer_at(query, 5),
        .from_us = integer_at(query, 6),
        .to_us = integer_at(query, 7),
        .description = text_at(query, 8),
        .reason = text_at(query, 9),
        .created_us = integer_at(query, 10),
    };

    return !query->code && fn.dataset(&row, arg);
}

static int show_rows(struct query *query, show_fn show, union row_fn fn, void *arg)
{
    while (query_step(query) && show(query, fn, arg)) {
    }
    return query->code;
}

static int get_row(struct store *store, enum read_statement which, struct str id, show_fn show,
                   union row_fn fn, void *arg)
{
    cleanup(query_end) struct query query = query_begin(store, which);

    bind_text(&query, 1, id);
    if (query_step(&query)) {
        (void)show(&query, fn, arg);
        return query.code;
    }
    return query.code ? query.code : ERR_NOT_FOUND;
}

/* ---- lists ---- */

struct list {
    enum read_statement rows;
    enum read_statement place;
    bool is_oldest_first;
    show_fn show;
};

static int find_place(struct store *store, const struct list *list, struct str after,
                      struct str owner, int64_t *ret_created_us)
{
    cleanup(query_end) struct query query = query_begin(store, list->place);

    bind_text(&query, 1, after);
    if (owner.data) {
        bind_text(&query, 2, owner);
    }
    if (query_step(&query)) {
        *ret_created_us = integer_at(&query, 0);
        return OK;
    }
    return query.code ? query.code : ERR_NOT_FOUND;
}

/* owner: the thread; {NULL, 0} for lists of all. */
static int list_rows(struct store *store, const struct list *list, struct str owner,
                     struct str after, unsigned limit, union row_fn fn, void *arg)
{
    /* No time of the world is at the ends, so they stand before the first row. */
    int64_t created_us = list->is_oldest_first ? INT64_MIN : INT64_MAX;

    if (after.length) {
        int code = find_place(store, list, after, owner, &created_us);

        if (code) {
            return code;
        }
    }
    cleanup(query_end) struct query query = query_begin(store, list->rows);
    bind_integer(&query, 1, created_us);
    bind_text(&query, 2, after);
    bind_integer(&query, 3, limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX);
    if (owner.data) {
        bind_text(&query, 4, owner);
    }
    return show_rows(&query, list->show, fn, arg);
}

/* An owner without a name is still one: of nothing. */
static struct str owner_of(struct str id)
{
    return id.data ? id : STR("");
}

/* ---- store.h ---- */

int store_get_thread(struct store *store, struct str workspace_id, struct str id,
                     store_thread_fn fn, void *arg)
{
    (void)workspace_id;
    return get_row(store, READ_THREAD, id, show_thread, (union row_fn){.thread = fn}, arg);
}

int store_get_run(struct store *store, struct str workspace_id, struct str id, store_run_fn fn,
                  void *arg)
{
    (void)workspace_id;
    return get_row(store, READ_RUN, id, show_run, (union row_fn){.run = fn}, arg);
}

int store_get_report(struct store *store, struct str workspace_id, struct str id,
                     store_report_fn fn, void *arg)
{
    (void)workspace_id;
    return get_row(store, READ_REPORT, id, show_report, (union row_fn){.report = fn}, arg);
}

int store_get_dataset(struct store *store, struct str workspace_id, struct str id,
                      store_dataset_fn fn, void *arg)
{
    (void)workspace_id;
    return get_row(store, READ_DATASET, id, show_dataset, (union row_fn){.dataset = fn}, arg);
}

int store_get_report_body(struct store *store, struct str workspace_id, struct str report_id,
                          struct str format, struct buf *out)
{
    (void)workspace_id;
    cleanup(query_end) struct query query = query_begin(store, READ_REPORT_BODY);

    bind_text(&query, 1, report_id);
    bind_text(&query, 2, format);
    if (!query_step(&query)) {
        return query.code ? query.code : ERR_NOT_FOUND;
    }
    struct str body = text_at(&query, 0);
    if (!query.code) {
        buf_append(out, body);
    }
    return query.code ? query.code : buf_status(out);
}

int store_list_threads(struct store *store, struct str workspace_id, struct str after,
                       unsigned limit, store_thread_fn fn, void *arg)
{
    (void)workspace_id;
    static const struct list list = {READ_THREADS, READ_THREAD_PLACE, false, show_thread};

    return list_rows(store, &list, (struct str){NULL, 0}, after, limit,
                     (union row_fn){.thread = fn}, arg);
}

int store_list_messages(struct store *store, struct str workspace_id, struct str thread_id,
                        struct str after, unsigned limit, store_message_fn fn, void *arg)
{
    (void)workspace_id;
    static const struct list list = {READ_MESSAGES, READ_MESSAGE_PLACE, true, show_message};

    return list_rows(store, &list, owner_of(thread_id), after, limit, (union row_fn){.message = fn},
                     arg);
}

int store_list_runs(struct store *store, struct str workspace_id, struct str thread_id,
                    struct str after, unsigned limit, store_run_fn fn, void *arg)
{
    (void)workspace_id;
    static const struct list list = {READ_RUNS, READ_RUN_PLACE, false, show_run};

    return list_rows(store, &list, owner_of(thread_id), after, limit, (union row_fn){.run = fn},
                     arg);
}

int store_list_datasets(struct store *store, struct str workspace_id, struct str after,
                        unsigned limit, store_dataset_fn fn, void *arg)
{
    (void)workspace_id;
    static const struct list list = {READ_DATASETS, READ_DATASET_PLACE, false, show_dataset};

    return list_rows(store, &list, (struct str){NULL, 0}, after, limit,
                     (union row_fn){.dataset = fn}, arg);
}

int store_list_all_datasets(struct store *store, struct str after, unsigned limit,
                            store_dataset_fn fn, void *arg)
{
    cleanup(query_end) struct query query = query_begin(store, READ_ALL_DATASETS);

    bind_text(&query, 1, after);
    bind_integer(&query, 2, limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX);
    return show_rows(&query, show_dataset, (union row_fn){.dataset = fn}, arg);
}

int store_list_open_runs(struct store *store, store_run_fn fn, void *arg)
{
    cleanup(query_end) struct query query = query_begin(store, READ_OPEN_RUNS);

    return show_rows(&query, show_run, (union row_fn){.run = fn}, arg);
}

int store_list_events(struct store *store, struct str workspace_id, struct str run_id,
                      uint64_t after, unsigned limit, store_event_fn fn, void *arg)
{
    (void)workspace_id;
    cleanup(query_end) struct query query = query_begin(store, READ_EVENTS);

    bind_text(&query, 1, run_id);
    bind_integer(&query, 2, after > INT64_MAX ? INT64_MAX : (int64_t)after);
    bind_integer(&query, 3, limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX);
    return show_rows(&query, show_event, (union row_fn){.event = fn}, arg);
}

int store_list_model_calls(struct store *store, struct str workspace_id, struct str run_id,
                           uint64_t after, unsigned limit, store_model_call_fn fn, void *arg,
                           uint64_t *ret_next)
{
    (void)workspace_id;
    struct model_call_page page = {.arg = arg, .is_of_run = run_id.length > 0, .next = after};
    cleanup(query_end) struct query query =
        query_begin(store, page.is_of_run ? READ_MODEL_CALLS_OF_RUN : READ_MODEL_CALLS);

    if (page.is_of_run) {
        bind_text(&query, 1, run_id);
    }
    bind_integer(&query, 2, after > INT64_MAX ? INT64_MAX : (int64_t)after);
    bind_integer(&query, 3, limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX);
    int code = show_rows(&query, show_model_call, (union row_fn){.model_call = fn}, &page);
    if (!code) {
        *ret_next = page.next;
    }
    return code;
}

int store_last_seq(struct store *store, struct str workspace_id, struct str run_id,
                   uint64_t *ret_seq)
{
    (void)workspace_id;
    cleanup(query_end) struct query query = query_begin(store, READ_LAST_SEQ);

    bind_text(&query, 1, run_id);
    if (!query_step(&query)) {
        return query.code ? query.code : ERR_NOT_FOUND;
    }
    *ret_seq = (uint64_t)integer_at(&query, 0);
    return OK;
}
