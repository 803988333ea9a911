/*
 * The read half of store.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/reader.h"

/* ---- rows ---- */

static bool show_thread(struct query *query, union row_fn fn, void *arg)
{
    const struct store_thread row = {
        .id = query_text(query, 0),
        .workspace_id = query_text(query, 1),
        .owner_id = query_text(query, 2),
        .title = query_text(query, 3),
        .created_us = query_integer(query, 4),
        .updated_us = query_integer(query, 5),
    };

    return !query->code && fn.thread(&row, arg);
}

static bool show_message(struct query *query, union row_fn fn, void *arg)
{
    const struct store_message row = {
        .id = query_text(query, 0),
        .thread_id = query_text(query, 1),
        .role = query_text(query, 2),
        .content = query_text(query, 3),
        .run_id = query_text(query, 4),
        .created_us = query_integer(query, 5),
    };

    return !query->code && fn.message(&row, arg);
}

static bool show_run(struct query *query, union row_fn fn, void *arg)
{
    const struct store_run row = {
        .id = query_text(query, 0),
        .workspace_id = query_text(query, 1),
        .owner_id = query_text(query, 2),
        .thread_id = query_text(query, 3),
        .status = (enum store_run_status)query_integer(query, 4),
        .prompt = query_text(query, 5),
        .dataset_id = query_text(query, 6),
        .seed = (uint64_t)query_integer(query, 7),
        .now_us = query_integer(query, 8),
        .created_us = query_integer(query, 9),
        .started_us = query_integer(query, 10),
        .finished_us = query_integer(query, 11),
        .reason = query_text(query, 12),
        .report_id = query_text(query, 13),
        .has_model = query_integer(query, 14) != 0,
        .seq_leased = (uint64_t)query_integer(query, 15),
        .traceparent = query_text(query, 16),
        .is_cancelled = query_integer(query, 17) != 0,
    };

    return !query->code && fn.run(&row, arg);
}

static bool show_event(struct query *query, union row_fn fn, void *arg)
{
    const struct store_event row = {
        .run_id = query_text(query, 0),
        .seq = (uint64_t)query_integer(query, 1),
        .time_us = query_integer(query, 2),
        .json = query_text(query, 3),
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
        .run_id = query_text(query, 1),
        .question = (unsigned)query_integer(query, 2),
        .attempt = (unsigned)query_integer(query, 3),
        .is_last = query_integer(query, 4) != 0,
        .purpose = query_text(query, 5),
        .prompt = query_text(query, 6),
        .provider = query_text(query, 7),
        .model = query_text(query, 8),
        .outcome = query_text(query, 9),
        .status = (int)query_integer(query, 10),
        .started_us = query_integer(query, 11),
        .latency_us = query_integer(query, 12),
        .first_token_us = query_integer(query, 13),
        .input_uncached = query_integer(query, 14),
        .cache_read = query_integer(query, 15),
        .cache_write_5m = query_integer(query, 16),
        .cache_write_1h = query_integer(query, 17),
        .output = query_integer(query, 18),
        .reasoning = query_integer(query, 19),
        .cost_pico_usd = query_integer(query, 20),
        .response_id = query_text(query, 21),
        .failure = query_text(query, 22),
        .request = query_text(query, 23),
        .answer = query_text(query, 24),
    };

    if (query->code) {
        return false;
    }
    page->next = page->is_of_run ? ((uint64_t)row.question << 32 | row.attempt) + 1
                                 : (uint64_t)query_integer(query, 0);
    return fn.model_call(&row, page->arg);
}

static bool show_report(struct query *query, union row_fn fn, void *arg)
{
    const struct store_report row = {
        .id = query_text(query, 0),
        .run_id = query_text(query, 1),
        .thread_id = query_text(query, 2),
        .type = query_text(query, 3),
        .created_us = query_integer(query, 4),
    };

    return !query->code && fn.report(&row, arg);
}

static bool show_dataset(struct query *query, union row_fn fn, void *arg)
{
    const struct store_dataset row = {
        .id = query_text(query, 0),
        .workspace_id = query_text(query, 1),
        .owner_id = query_text(query, 2),
        .name = query_text(query, 3),
        .status = (enum store_dataset_status)query_integer(query, 4),
        .bytes = (uint64_t)query_integer(query, 5),
        .records = (uint64_t)query_integer(query, 6),
        .rejected = (uint64_t)query_integer(query, 7),
        .from_us = query_integer(query, 8),
        .to_us = query_integer(query, 9),
        .description = query_text(query, 10),
        .reason = query_text(query, 11),
        .created_us = query_integer(query, 12),
    };

    return !query->code && fn.dataset(&row, arg);
}

static bool show_answer(struct query *query, union row_fn fn, void *arg)
{
    struct store_answer row = {
        .owner_id = query_text(query, 0),
        .key = query_text(query, 1),
        .status = (int)query_integer(query, 3),
        .content_type = query_text(query, 4),
        .body = query_text(query, 5),
        .expires_us = query_integer(query, 6),
    };

    query_hash(query, 2, row.fingerprint);
    return !query->code && fn.answer(&row, arg);
}

static int get_row(struct store *store, enum read_statement which, struct str workspace_id,
                   struct str id, show_fn show, union row_fn fn, void *arg)
{
    cleanup(query_end) struct query query = query_begin(store, which, workspace_id);

    query_bind_text(&query, 1, id);
    return query_show_row(&query, show, fn, arg);
}

/* ---- lists ---- */

struct list {
    enum read_statement rows;
    enum read_statement place;
    bool is_oldest_first;
    show_fn show;
};

struct place {
    struct str workspace_id;
    struct str owner; /* the thread; {NULL, 0} for lists of all */
    struct str after;
};

static int find_place(struct store *store, const struct list *list, const struct place *at,
                      int64_t *ret_created_us)
{
    cleanup(query_end) struct query query = query_begin(store, list->place, at->workspace_id);

    query_bind_text(&query, 1, at->after);
    if (at->owner.data) {
        query_bind_text(&query, 2, at->owner);
    }
    if (query_step(&query)) {
        *ret_created_us = query_integer(&query, 0);
        return OK;
    }
    return query.code ? query.code : ERR_NOT_FOUND;
}

static int list_rows(struct store *store, const struct list *list, const struct place *at,
                     unsigned limit, union row_fn fn, void *arg)
{
    /* No time of the world is at the ends, so they stand before the first row. */
    int64_t created_us = list->is_oldest_first ? INT64_MIN : INT64_MAX;

    if (at->after.length) {
        int code = find_place(store, list, at, &created_us);

        if (code) {
            return code;
        }
    }
    cleanup(query_end) struct query query = query_begin(store, list->rows, at->workspace_id);
    query_bind_integer(&query, 1, created_us);
    query_bind_text(&query, 2, at->after);
    query_bind_limit(&query, 3, limit);
    if (at->owner.data) {
        query_bind_text(&query, 4, at->owner);
    }
    return query_show_rows(&query, list->show, fn, arg);
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
    return get_row(store, READ_THREAD, workspace_id, id, show_thread, (union row_fn){.thread = fn},
                   arg);
}

int store_get_run(struct store *store, struct str workspace_id, struct str id, store_run_fn fn,
                  void *arg)
{
    return get_row(store, READ_RUN, workspace_id, id, show_run, (union row_fn){.run = fn}, arg);
}

int store_get_report(struct store *store, struct str workspace_id, struct str id,
                     store_report_fn fn, void *arg)
{
    return get_row(store, READ_REPORT, workspace_id, id, show_report, (union row_fn){.report = fn},
                   arg);
}

int store_get_dataset(struct store *store, struct str workspace_id, struct str id,
                      store_dataset_fn fn, void *arg)
{
    return get_row(store, READ_DATASET, workspace_id, id, show_dataset,
                   (union row_fn){.dataset = fn}, arg);
}

int store_get_report_body(struct store *store, struct str workspace_id, struct str report_id,
                          struct str format, struct buf *out)
{
    cleanup(query_end) struct query query = query_begin(store, READ_REPORT_BODY, workspace_id);

    query_bind_text(&query, 1, report_id);
    query_bind_text(&query, 2, format);
    if (!query_step(&query)) {
        return query.code ? query.code : ERR_NOT_FOUND;
    }
    struct str body = query_text(&query, 0);
    if (!query.code) {
        buf_append(out, body);
    }
    return query.code ? query.code : buf_status(out);
}

int store_list_threads(struct store *store, struct str workspace_id, struct str after,
                       unsigned limit, store_thread_fn fn, void *arg)
{
    static const struct list list = {READ_THREADS, READ_THREAD_PLACE, false, show_thread};
    const struct place at = {workspace_id, {NULL, 0}, after};

    return list_rows(store, &list, &at, limit, (union row_fn){.thread = fn}, arg);
}

int store_list_messages(struct store *store, struct str workspace_id, struct str thread_id,
                        struct str after, unsigned limit, store_message_fn fn, void *arg)
{
    static const struct list list = {READ_MESSAGES, READ_MESSAGE_PLACE, true, show_message};
    const struct place at = {workspace_id, owner_of(thread_id), after};

    return list_rows(store, &list, &at, limit, (union row_fn){.message = fn}, arg);
}

int store_list_runs(struct store *store, struct str workspace_id, struct str thread_id,
                    struct str after, unsigned limit, store_run_fn fn, void *arg)
{
    static const struct list list = {READ_RUNS, READ_RUN_PLACE, false, show_run};
    const struct place at = {workspace_id, owner_of(thread_id), after};

    return list_rows(store, &list, &at, limit, (union row_fn){.run = fn}, arg);
}

int store_list_datasets(struct store *store, struct str workspace_id, struct str after,
                        unsigned limit, store_dataset_fn fn, void *arg)
{
    static const struct list list = {READ_DATASETS, READ_DATASET_PLACE, false, show_dataset};
    const struct place at = {workspace_id, {NULL, 0}, after};

    return list_rows(store, &list, &at, limit, (union row_fn){.dataset = fn}, arg);
}

int store_list_all_datasets(struct store *store, struct str after, unsigned limit,
                            store_dataset_fn fn, void *arg)
{
    cleanup(query_end) struct query query = query_begin_all(store, READ_ALL_DATASETS);

    query_bind_text(&query, 1, after);
    query_bind_limit(&query, 2, limit);
    return query_show_rows(&query, show_dataset, (union row_fn){.dataset = fn}, arg);
}

int store_list_open_runs(struct store *store, store_run_fn fn, void *arg)
{
    cleanup(query_end) struct query query = query_begin_all(store, READ_OPEN_RUNS);

    return query_show_rows(&query, show_run, (union row_fn){.run = fn}, arg);
}

int store_list_events(struct store *store, struct str workspace_id, struct str run_id,
                      uint64_t after, unsigned limit, store_event_fn fn, void *arg)
{
    cleanup(query_end) struct query query = query_begin(store, READ_EVENTS, workspace_id);

    query_bind_text(&query, 1, run_id);
    query_bind_integer(&query, 2, after > INT64_MAX ? INT64_MAX : (int64_t)after);
    query_bind_limit(&query, 3, limit);
    return query_show_rows(&query, show_event, (union row_fn){.event = fn}, arg);
}

int store_list_model_calls(struct store *store, struct str workspace_id, struct str run_id,
                           uint64_t after, unsigned limit, store_model_call_fn fn, void *arg,
                           uint64_t *ret_next)
{
    struct model_call_page page = {.arg = arg, .is_of_run = run_id.length > 0, .next = after};
    cleanup(query_end) struct query query = query_begin(
        store, page.is_of_run ? READ_MODEL_CALLS_OF_RUN : READ_MODEL_CALLS, workspace_id);

    if (page.is_of_run) {
        query_bind_text(&query, 1, run_id);
    }
    query_bind_integer(&query, 2, after > INT64_MAX ? INT64_MAX : (int64_t)after);
    query_bind_limit(&query, 3, limit);
    int code = query_show_rows(&query, show_model_call, (union row_fn){.model_call = fn}, &page);
    if (!code) {
        *ret_next = page.next;
    }
    return code;
}

int store_last_seq(struct store *store, struct str workspace_id, struct str run_id,
                   uint64_t *ret_seq)
{
    cleanup(query_end) struct query query = query_begin(store, READ_LAST_SEQ, workspace_id);

    query_bind_text(&query, 1, run_id);
    if (!query_step(&query)) {
        return query.code ? query.code : ERR_NOT_FOUND;
    }
    *ret_seq = (uint64_t)query_integer(&query, 0);
    return OK;
}

int store_get_answer(struct store *store, struct str workspace_id, struct str owner_id,
                     struct str key, store_answer_fn fn, void *arg)
{
    cleanup(query_end) struct query query = query_begin(store, READ_ANSWER, workspace_id);

    query_bind_text(&query, 1, owner_id);
    query_bind_text(&query, 2, key);
    return query_show_row(&query, show_answer, (union row_fn){.answer = fn}, arg);
}

int store_get_usage(struct store *store, struct str workspace_id, int64_t since_us,
                    struct store_usage *ret_usage)
{
    cleanup(query_end) struct query query = query_begin(store, READ_USAGE, workspace_id);

    query_bind_integer(&query, 1, since_us);
    if (!query_step(&query)) {
        return query.code ? query.code : ERR_IO;
    }
    *ret_usage = (struct store_usage){
        .datasets = (uint64_t)query_integer(&query, 0),
        .dataset_bytes = (uint64_t)query_integer(&query, 1),
        .open_runs = (uint64_t)query_integer(&query, 2),
        .model_tokens = (uint64_t)query_integer(&query, 3),
    };
    return OK;
}
