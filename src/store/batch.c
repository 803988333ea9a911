/*
 * The changes that store.h offers, as SQL and values. A row is found by the text id that the
 * caller knows, inside the statement: an INSERT … SELECT that finds no parent changes no row, which
 * makes the batch invalid.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/batch.h"

#include "base/alloc.h"

const struct write_sql write_sql[WRITE_STATEMENT_COUNT] = {
    [WRITE_PUT_THREAD] = {"INSERT INTO thread (id, title, created_us, updated_us)"
                          " VALUES (?1, ?2, ?3, ?4)"
                          " ON CONFLICT (id) DO UPDATE SET title = excluded.title,"
                          " created_us = excluded.created_us, updated_us = excluded.updated_us",
                          true},
    [WRITE_DELETE_THREAD] = {"DELETE FROM thread WHERE id = ?1", false},
    [WRITE_TOUCH_THREAD] = {"UPDATE thread SET updated_us = max(updated_us, ?2) WHERE id = ?1",
                            true},
    [WRITE_ADD_MESSAGE] = {"INSERT INTO message (id, thread, role, content, run_id, created_us)"
                           " SELECT ?1, n, ?3, ?4, ?5, ?6 FROM thread WHERE id = ?2",
                           true},
    [WRITE_ADD_RUN] = {"INSERT INTO run (id, thread, status, prompt, dataset_id, seed, now_us,"
                       " created_us, started_us, finished_us, reason, report_id, has_model,"
                       " seq_leased)"
                       " SELECT ?1, n, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14"
                       " FROM thread WHERE id = ?2",
                       true},
    [WRITE_SET_RUN] = {"UPDATE run SET thread = (SELECT n FROM thread WHERE id = ?2), status = ?3,"
                       " prompt = ?4, dataset_id = ?5, seed = ?6, now_us = ?7, created_us = ?8,"
                       " started_us = ?9, finished_us = ?10, reason = ?11, report_id = ?12,"
                       " has_model = ?13, seq_leased = ?14"
                       " WHERE id = ?1",
                       true},
    [WRITE_ADD_EVENT] = {"INSERT INTO event (run, seq, time_us, json)"
                         " SELECT n, ?2, ?3, ?4 FROM run WHERE id = ?1 AND ?2 = 1 + coalesce("
                         "(SELECT max(seq) FROM event WHERE event.run = run.n), 0)",
                         true},
    [WRITE_ADD_MODEL_CALL] =
        {"INSERT INTO model_call (run, question, attempt, is_last, purpose, prompt, provider,"
         " model, outcome, status, started_us, latency_us, first_token_us, input_uncached,"
         " cache_read, cache_write_5m, cache_write_1h, output, reasoning, cost_pico_usd,"
         " response_id, failure, request, answer)"
         " SELECT n, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
         " ?19, ?20, ?21, ?22, ?23, ?24 FROM run WHERE id = ?1",
         true},
    [WRITE_ADD_REPORT] = {"INSERT INTO report (id, run, type, created_us)"
                          " SELECT ?1, run.n, ?4, ?5 FROM run JOIN thread ON thread.n = run.thread"
                          " WHERE run.id = ?2 AND thread.id = ?3",
                          true},
    [WRITE_ADD_REPORT_BODY] = {"INSERT INTO report_body (report, format, body)"
                               " SELECT n, ?2, ?3 FROM report WHERE id = ?1",
                               true},
    [WRITE_PUT_DATASET] = {"INSERT INTO dataset (id, name, status, bytes, records, rejected,"
                           " from_us, to_us, description, reason, created_us)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
                           " ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
                           " status = excluded.status, bytes = excluded.bytes,"
                           " records = excluded.records, rejected = excluded.rejected,"
                           " from_us = excluded.from_us, to_us = excluded.to_us,"
                           " description = excluded.description, reason = excluded.reason,"
                           " created_us = excluded.created_us",
                           true},
    [WRITE_DELETE_DATASET] = {"DELETE FROM dataset WHERE id = ?1", false},
    [WRITE_ADD_PROBE] = {"INSERT INTO probe (n) VALUES (1)", true},
    [WRITE_DELETE_PROBE] = {"DELETE FROM probe", false},
};

struct store_batch *store_batch_new(struct str workspace_id)
{
    (void)workspace_id;
    struct store_batch *batch = alloc_zeroed(1, sizeof(*batch));

    if (batch) {
        arena_init(&batch->arena, STORE_BATCH_BYTES_MAX);
    }
    return batch;
}

void store_batch_free(struct store_batch *batch)
{
    if (batch) {
        arena_done(&batch->arena);
        alloc_free(batch);
    }
}

static struct value of_integer(int64_t integer)
{
    return (struct value){.kind = VALUE_INTEGER, .integer = integer};
}

static struct value of_text(struct str text)
{
    return (struct value){.kind = VALUE_TEXT, .bytes = text};
}

bool store_is_id(struct str id)
{
    if (id.length == 0 || id.length > STORE_ID_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < id.length; i++) {
        char c = id.data[i];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

        if (!is_letter && !(c >= '0' && c <= '9') && c != '_' && c != '-') {
            return false;
        }
    }
    return true;
}

/* The id of a new row. Ids that only refer to a row need no look: they find it or they do not. */
static struct value of_new_id(struct store_batch *batch, struct str id)
{
    if (!store_is_id(id) && !batch->status) {
        batch->status = ERR_INVALID;
    }
    return of_text(id);
}

static int no_room(const struct store_batch *batch, size_t bytes)
{
    return arena_has_room(&batch->arena, bytes) ? ERR_NO_MEMORY : ERR_LIMIT;
}

static void add_change(struct store_batch *batch, enum write_statement statement,
                       const struct value *values, unsigned count)
{
    size_t bytes = sizeof(struct change) + count * sizeof(*values);

    if (batch->status) {
        return;
    }
    struct change *change = arena_alloc(&batch->arena, 1, bytes);
    if (!change) {
        batch->status = no_room(batch, bytes);
        return;
    }
    change->statement = statement;
    change->value_count = count;
    for (unsigned i = 0; i < count; i++) {
        change->values[i] = values[i];
        if (values[i].kind != VALUE_INTEGER) {
            change->values[i].bytes = arena_copy(&batch->arena, values[i].bytes);
            if (!change->values[i].bytes.data) {
                batch->status = no_room(batch, values[i].bytes.length + 1);
                return;
            }
        }
    }
    if (batch->last) {
        batch->last->next = change;
    } else {
        batch->first = change;
    }
    batch->last = change;
}

#define ADD_CHANGE(batch, statement, ...)                                                          \
    do {                                                                                           \
        const struct value values_[] = {__VA_ARGS__};                                              \
        add_change(batch, statement, values_, (unsigned)ARRAY_LENGTH(values_));                    \
    } while (0)

void store_put_thread(struct store_batch *batch, const struct store_thread *thread)
{
    ADD_CHANGE(batch, WRITE_PUT_THREAD, of_new_id(batch, thread->id), of_text(thread->title),
               of_integer(thread->created_us), of_integer(thread->updated_us));
}

void store_delete_thread(struct store_batch *batch, struct str id)
{
    ADD_CHANGE(batch, WRITE_DELETE_THREAD, of_text(id));
}

void store_touch_thread(struct store_batch *batch, struct str id, int64_t updated_us)
{
    ADD_CHANGE(batch, WRITE_TOUCH_THREAD, of_text(id), of_integer(updated_us));
}

void store_add_message(struct store_batch *batch, const struct store_message *message)
{
    ADD_CHANGE(batch, WRITE_ADD_MESSAGE, of_new_id(batch, message->id), of_text(message->thread_id),
               of_text(message->role), of_text(message->content), of_text(message->run_id),
               of_integer(message->created_us));
}

static void change_run(struct store_batch *batch, enum write_statement statement,
                       const struct store_run *run)
{
    ADD_CHANGE(batch, statement, of_new_id(batch, run->id), of_text(run->thread_id),
               of_integer(run->status), of_text(run->prompt), of_text(run->dataset_id),
               of_integer((int64_t)run->seed), of_integer(run->now_us), of_integer(run->created_us),
               of_integer(run->started_us), of_integer(run->finished_us), of_text(run->reason),
               of_text(run->report_id), of_integer(run->has_model),
               of_integer((int64_t)run->seq_leased));
}

void store_add_run(struct store_batch *batch, const struct store_run *run)
{
    change_run(batch, WRITE_ADD_RUN, run);
}

void store_set_run(struct store_batch *batch, const struct store_run *run)
{
    change_run(batch, WRITE_SET_RUN, run);
}

void store_add_event(struct store_batch *batch, const struct store_event *event)
{
    ADD_CHANGE(batch, WRITE_ADD_EVENT, of_text(event->run_id), of_integer((int64_t)event->seq),
               of_integer(event->time_us), of_text(event->json));
}

void store_add_model_call(struct store_batch *batch, const struct store_model_call *call)
{
    ADD_CHANGE(batch, WRITE_ADD_MODEL_CALL, of_text(call->run_id), of_integer(call->question),
               of_integer(call->attempt), of_integer(call->is_last), of_text(call->purpose),
               of_text(call->prompt), of_text(call->provider), of_text(call->model),
               of_text(call->outcome), of_integer(call->status), of_integer(call->started_us),
               of_integer(call->latency_us), of_integer(call->first_token_us),
               of_integer(call->input_uncached), of_integer(call->cache_read),
               of_integer(call->cache_write_5m), of_integer(call->cache_write_1h),
               of_integer(call->output), of_integer(call->reasoning),
               of_integer(call->cost_pico_usd), of_text(call->response_id), of_text(call->failure),
               of_text(call->request), of_text(call->answer));
}

void store_add_report(struct store_batch *batch, const struct store_report *report)
{
    ADD_CHANGE(batch, WRITE_ADD_REPORT, of_new_id(batch, report->id), of_text(report->run_id),
               of_text(report->thread_id), of_text(report->type), of_integer(report->created_us));
}

void store_add_report_body(struct store_batch *batch, struct str report_id, struct str format,
                           struct str body)
{
    ADD_CHANGE(batch, WRITE_ADD_REPORT_BODY, of_text(report_id), of_text(format), of_text(body));
}

void store_put_dataset(struct store_batch *batch, const struct store_dataset *dataset)
{
    ADD_CHANGE(batch, WRITE_PUT_DATASET, of_new_id(batch, dataset->id), of_text(dataset->name),
               of_integer(dataset->status), of_integer((int64_t)dataset->bytes),
               of_integer((int64_t)dataset->records), of_integer((int64_t)dataset->rejected),
               of_integer(dataset->from_us), of_integer(dataset->to_us),
               of_text(dataset->description), of_text(dataset->reason),
               of_integer(dataset->created_us));
}

void store_delete_dataset(struct store_batch *batch, struct str id)
{
    ADD_CHANGE(batch, WRITE_DELETE_DATASET, of_text(id));
}

void batch_add_probe(struct store_batch *batch)
{
    add_change(batch, WRITE_ADD_PROBE, NULL, 0);
    add_change(batch, WRITE_DELETE_PROBE, NULL, 0);
}
