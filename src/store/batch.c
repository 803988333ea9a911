/*
 * The changes that store.h offers, as statements and values.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/batch.h"

#include "base/alloc.h"

struct store_batch *store_batch_new(struct str workspace_id)
{
    struct store_batch *batch = alloc_zeroed(1, sizeof(*batch));

    if (!batch) {
        return NULL;
    }
    arena_init(&batch->arena, STORE_BATCH_BYTES_MAX);
    batch->workspace_id = arena_copy(&batch->arena, workspace_id);
    if (!batch->workspace_id.data) {
        store_batch_free(batch);
        return NULL;
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

struct value value_new_id(struct store_batch *batch, struct str id)
{
    if (!store_is_id(id) && !batch->status) {
        batch->status = ERR_INVALID;
    }
    return value_text(id);
}

static int no_room(const struct store_batch *batch, size_t bytes)
{
    return arena_has_room(&batch->arena, bytes) ? ERR_NO_MEMORY : ERR_LIMIT;
}

void batch_add_change(struct store_batch *batch, enum write_statement statement,
                      const struct value *values, unsigned count)
{
    size_t bytes = sizeof(struct change) + count * sizeof(*values);

    if (!batch->status && write_is_of_workspace(statement) != (batch->workspace_id.length > 0)) {
        batch->status = ERR_INVALID;
    }
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

void store_put_thread(struct store_batch *batch, const struct store_thread *thread)
{
    BATCH_ADD(batch, WRITE_PUT_THREAD, value_new_id(batch, thread->id),
              value_text(thread->owner_id), value_text(thread->title),
              value_integer(thread->created_us), value_integer(thread->updated_us));
}

void store_delete_thread(struct store_batch *batch, struct str id)
{
    BATCH_ADD(batch, WRITE_DELETE_THREAD, value_text(id));
}

void store_touch_thread(struct store_batch *batch, struct str id, int64_t updated_us)
{
    BATCH_ADD(batch, WRITE_TOUCH_THREAD, value_text(id), value_integer(updated_us));
}

void store_add_message(struct store_batch *batch, const struct store_message *message)
{
    BATCH_ADD(batch, WRITE_ADD_MESSAGE, value_new_id(batch, message->id),
              value_text(message->thread_id), value_text(message->role),
              value_text(message->content), value_text(message->run_id),
              value_integer(message->created_us));
}

static void change_run(struct store_batch *batch, enum write_statement statement,
                       const struct store_run *run)
{
    BATCH_ADD(batch, statement, value_new_id(batch, run->id), value_text(run->thread_id),
              value_text(run->owner_id), value_integer(run->status), value_text(run->prompt),
              value_text(run->dataset_id), value_integer((int64_t)run->seed),
              value_integer(run->now_us), value_integer(run->created_us),
              value_integer(run->started_us), value_integer(run->finished_us),
              value_text(run->reason), value_text(run->report_id), value_integer(run->has_model),
              value_integer((int64_t)run->seq_leased), value_text(run->traceparent),
              value_integer(run->is_cancelled));
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
    BATCH_ADD(batch, WRITE_ADD_EVENT, value_text(event->run_id), value_integer((int64_t)event->seq),
              value_integer(event->time_us), value_text(event->json));
}

void store_add_model_call(struct store_batch *batch, const struct store_model_call *call)
{
    BATCH_ADD(batch, WRITE_ADD_MODEL_CALL, value_text(call->run_id), value_integer(call->question),
              value_integer(call->attempt), value_integer(call->is_last), value_text(call->purpose),
              value_text(call->prompt), value_text(call->provider), value_text(call->model),
              value_text(call->outcome), value_integer(call->status),
              value_integer(call->started_us), value_integer(call->latency_us),
              value_integer(call->first_token_us), value_integer(call->input_uncached),
              value_integer(call->cache_read), value_integer(call->cache_write_5m),
              value_integer(call->cache_write_1h), value_integer(call->output),
              value_integer(call->reasoning), value_integer(call->cost_pico_usd),
              value_text(call->response_id), value_text(call->failure), value_text(call->request),
              value_text(call->answer));
}

void store_add_report(struct store_batch *batch, const struct store_report *report)
{
    BATCH_ADD(batch, WRITE_ADD_REPORT, value_new_id(batch, report->id), value_text(report->run_id),
              value_text(report->thread_id), value_text(report->type),
              value_integer(report->created_us));
}

void store_add_report_body(struct store_batch *batch, struct str report_id, struct str format,
                           struct str body)
{
    BATCH_ADD(batch, WRITE_ADD_REPORT_BODY, value_text(report_id), value_text(format),
              value_text(body));
}

void store_put_dataset(struct store_batch *batch, const struct store_dataset *dataset)
{
    BATCH_ADD(batch, WRITE_PUT_DATASET, value_new_id(batch, dataset->id),
              value_text(dataset->owner_id), value_text(dataset->name),
              value_integer(dataset->status), value_integer((int64_t)dataset->bytes),
              value_integer((int64_t)dataset->records), value_integer((int64_t)dataset->rejected),
              value_integer(dataset->from_us), value_integer(dataset->to_us),
              value_text(dataset->description), value_text(dataset->reason),
              value_integer(dataset->created_us));
}

void store_delete_dataset(struct store_batch *batch, struct str id)
{
    BATCH_ADD(batch, WRITE_DELETE_DATASET, value_text(id));
}

void store_put_answer(struct store_batch *batch, const struct store_answer *answer)
{
    BATCH_ADD(batch, WRITE_PUT_ANSWER, value_text(answer->owner_id), value_text(answer->key),
              value_hash(answer->fingerprint), value_integer(answer->status),
              value_text(answer->content_type), value_text(answer->body),
              value_integer(answer->expires_us));
}

void store_delete_ended_answers(struct store_batch *batch, int64_t now_us)
{
    BATCH_ADD(batch, WRITE_DELETE_ENDED_ANSWERS, value_integer(now_us));
}

void store_erase_owner(struct store_batch *batch, struct str owner_id, bool with_threads)
{
    static const enum write_statement erasing[] = {WRITE_DELETE_ANSWERS_OF, WRITE_ERASE_THREADS,
                                                   WRITE_ERASE_RUNS, WRITE_ERASE_DATASETS};

    if (with_threads) {
        BATCH_ADD(batch, WRITE_DELETE_THREADS_OF, value_text(owner_id));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(erasing); i++) {
        BATCH_ADD(batch, erasing[i], value_text(owner_id));
    }
}

void batch_add_probe(struct store_batch *batch)
{
    batch_add_change(batch, WRITE_ADD_PROBE, NULL, 0);
    batch_add_change(batch, WRITE_DELETE_PROBE, NULL, 0);
}
