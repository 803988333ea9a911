/*
 * What store.h promises, whatever keeps the data: a second backend runs these functions, too. Each
 * is given an empty store.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_STORE_CONTRACT_H
#define NETRA_TESTS_STORE_CONTRACT_H

#include "store_fixture.h"

/* ---- each writing beside its reading ---- */

static bool is_thread(const struct store_thread *row, void *arg)
{
    const struct store_thread *want = arg;

    assert_true(str_equal(row->id, want->id) && str_equal(row->title, want->title));
    assert_true(str_equal(row->workspace_id, HERE) && str_equal(row->owner_id, want->owner_id));
    assert_int_equal(row->created_us, want->created_us);
    assert_int_equal(row->updated_us, want->updated_us);
    return true;
}

static void store_contract_thread(struct fixture *f)
{
    /* A title may hold any bytes, also what would be SQL or the end of a C text. */
    struct store_thread thread = {.id = STR("t-1"),
                                  .owner_id = STR("u-1"),
                                  .title = STR("'; DROP TABLE thread; --\0\xff"),
                                  .created_us = -5,
                                  .updated_us = INT64_MAX - 1};
    struct store_batch *batch = new_batch();

    assert_int_equal(store_get_thread(f->store, HERE, STR("t-1"), is_thread, &thread),
                     ERR_NOT_FOUND);
    store_put_thread(batch, &thread);
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_get_thread(f->store, HERE, STR("t-1"), is_thread, &thread), OK);
    thread.title = STR("");
    thread.updated_us = 10;
    batch = new_batch();
    store_put_thread(batch, &thread);
    store_touch_thread(batch, STR("t-1"), 20);
    store_touch_thread(batch, STR("t-1"), 15); /* never back */
    assert_int_equal(apply(f, batch), OK);
    thread.updated_us = 20;
    assert_int_equal(store_get_thread(f->store, HERE, STR("t-1"), is_thread, &thread), OK);
    batch = new_batch();
    store_touch_thread(batch, STR("nobody"), 20);
    assert_int_equal(apply(f, batch), ERR_INVALID);
}

static bool is_run(const struct store_run *row, void *arg)
{
    const struct store_run *want = arg;

    assert_true(str_equal(row->id, want->id) && str_equal(row->thread_id, want->thread_id));
    assert_true(str_equal(row->workspace_id, HERE) && str_equal(row->owner_id, want->owner_id));
    assert_true(str_equal(row->traceparent, want->traceparent));
    assert_int_equal(row->is_cancelled, want->is_cancelled);
    assert_true(str_equal(row->prompt, want->prompt) && str_equal(row->reason, want->reason));
    assert_true(str_equal(row->dataset_id, want->dataset_id));
    assert_true(str_equal(row->report_id, want->report_id));
    assert_int_equal(row->status, want->status);
    assert_true(row->seed == want->seed);
    assert_int_equal(row->now_us, want->now_us);
    assert_int_equal(row->created_us, want->created_us);
    assert_int_equal(row->started_us, want->started_us);
    assert_int_equal(row->finished_us, want->finished_us);
    assert_int_equal(row->has_model, want->has_model);
    assert_true(row->seq_leased == want->seq_leased);
    return true;
}

static void store_contract_run(struct fixture *f)
{
    struct store_run run = run_of("r-1", "t-1", 100);
    struct store_batch *batch = new_batch();

    put_thread(batch, "t-1", 1);
    store_add_run(batch, &run);
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_get_run(f->store, HERE, STR("r-1"), is_run, &run), OK);
    run.status = STORE_RUN_FAILED;
    run.seed = UINT64_MAX;
    run.started_us = 101;
    run.finished_us = 102;
    run.dataset_id = STR("d-1");
    run.reason = STR("the records ended");
    run.report_id = STR("p-1");
    run.has_model = true;
    run.seq_leased = 512;
    run.traceparent = STR("00-1-2-01");
    run.is_cancelled = true;
    batch = new_batch();
    store_set_run(batch, &run);
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_get_run(f->store, HERE, STR("r-1"), is_run, &run), OK);

    run.id = STR("r-2");
    batch = new_batch();
    store_set_run(batch, &run); /* there is none */
    assert_int_equal(apply(f, batch), ERR_INVALID);
    run.thread_id = STR("t-2");
    batch = new_batch();
    store_add_run(batch, &run); /* in no thread */
    assert_int_equal(apply(f, batch), ERR_INVALID);
    assert_int_equal(store_get_run(f->store, HERE, STR("r-2"), is_run, &run), ERR_NOT_FOUND);
}

static bool is_message(const struct store_message *row, void *arg)
{
    const struct store_message *want = arg;

    assert_true(str_equal(row->id, want->id) && str_equal(row->thread_id, want->thread_id));
    assert_true(str_equal(row->role, want->role) && str_equal(row->content, want->content));
    assert_true(str_equal(row->run_id, want->run_id));
    assert_int_equal(row->created_us, want->created_us);
    return true;
}

static void store_contract_message(struct fixture *f)
{
    struct store_message message = {.id = STR("m-1"),
                                    .thread_id = STR("t-1"),
                                    .role = STR("user"),
                                    .content = STR("hello \xc3\xa9"),
                                    .created_us = 12};
    struct store_batch *batch = new_batch();

    put_thread(batch, "t-1", 1);
    store_add_message(batch, &message);
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(
        store_list_messages(f->store, HERE, STR("t-1"), STR(""), 10, is_message, &message), OK);
    batch = new_batch();
    store_add_message(batch, &message); /* again */
    assert_int_equal(apply(f, batch), ERR_INVALID);
}

static bool is_report(const struct store_report *row, void *arg)
{
    const struct store_report *want = arg;

    assert_true(str_equal(row->id, want->id) && str_equal(row->run_id, want->run_id));
    assert_true(str_equal(row->thread_id, want->thread_id) && str_equal(row->type, want->type));
    assert_int_equal(row->created_us, want->created_us);
    return true;
}

static void store_contract_report(struct fixture *f)
{
    struct store_report report = {.id = STR("p-1"),
                                  .run_id = STR("r-1"),
                                  .thread_id = STR("t-1"),
                                  .type = STR("full_analysis"),
                                  .created_us = 9};
    struct store_batch *batch = new_batch();
    struct buf body;

    buf_init(&body, 1000);
    put_thread(batch, "t-1", 1);
    put_thread(batch, "t-2", 2);
    add_run(batch, "r-1", "t-1", 3);
    store_add_report(batch, &report);
    store_add_report_body(batch, STR("p-1"), STR("md"), STR("# Spend"));
    store_add_report_body(batch, STR("p-1"), STR("csv"), STR(""));
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_get_report(f->store, HERE, STR("p-1"), is_report, &report), OK);
    assert_int_equal(store_get_report(f->store, HERE, STR("p-2"), is_report, &report),
                     ERR_NOT_FOUND);
    buf_append(&body, STR("> "));
    assert_int_equal(store_get_report_body(f->store, HERE, STR("p-1"), STR("md"), &body), OK);
    assert_str(buf_str(&body), "> # Spend");
    assert_int_equal(store_get_report_body(f->store, HERE, STR("p-1"), STR("csv"), &body), OK);
    assert_int_equal(store_get_report_body(f->store, HERE, STR("p-1"), STR("html"), &body),
                     ERR_NOT_FOUND);
    assert_str(buf_str(&body), "> # Spend");

    report.id = STR("p-2");
    report.thread_id = STR("t-2"); /* is not the run's */
    batch = new_batch();
    store_add_report(batch, &report);
    assert_int_equal(apply(f, batch), ERR_INVALID);
    batch = new_batch();
    store_add_report_body(batch, STR("p-1"), STR("md"), STR("again"));
    assert_int_equal(apply(f, batch), ERR_INVALID);
    buf_done(&body);
}

static bool is_dataset(const struct store_dataset *row, void *arg)
{
    const struct store_dataset *want = arg;

    assert_true(str_equal(row->id, want->id) && str_equal(row->name, want->name));
    assert_true(str_equal(row->workspace_id, HERE) && str_equal(row->owner_id, want->owner_id));
    assert_true(str_equal(row->description, want->description));
    assert_true(str_equal(row->reason, want->reason));
    assert_int_equal(row->status, want->status);
    assert_true(row->bytes == want->bytes && row->records == want->records &&
                row->rejected == want->rejected);
    assert_true(row->from_us == want->from_us && row->to_us == want->to_us);
    assert_int_equal(row->created_us, want->created_us);
    return true;
}

static void store_contract_dataset(struct fixture *f)
{
    struct store_dataset dataset = {.id = STR("d-1"),
                                    .owner_id = STR("u-1"),
                                    .name = STR("usage.csv"),
                                    .status = STORE_DATASET_IMPORTING};
    struct store_batch *batch = new_batch();

    store_put_dataset(batch, &dataset);
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_get_dataset(f->store, HERE, STR("d-1"), is_dataset, &dataset), OK);
    dataset = (struct store_dataset){.id = STR("d-1"),
                                     .owner_id = STR("u-1"),
                                     .name = STR("n"),
                                     .status = STORE_DATASET_FAILED,
                                     .bytes = UINT64_MAX,
                                     .records = 3,
                                     .rejected = 4,
                                     .from_us = -5,
                                     .to_us = 6,
                                     .description = STR("{}"),
                                     .reason = STR("why"),
                                     .created_us = 7};
    batch = new_batch();
    store_put_dataset(batch, &dataset);
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_get_dataset(f->store, HERE, STR("d-1"), is_dataset, &dataset), OK);
    batch = new_batch();
    store_delete_dataset(batch, STR("d-1"));
    store_delete_dataset(batch, STR("d-1")); /* what is not there is no failure */
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_get_dataset(f->store, HERE, STR("d-1"), is_dataset, &dataset),
                     ERR_NOT_FOUND);
}

/* ---- events ---- */

static void store_contract_events(struct fixture *f)
{
    struct store_batch *batch = new_batch();
    struct names names;
    uint64_t seq = 99;

    names_begin(&names);
    put_thread(batch, "t-1", 1);
    add_run(batch, "r-1", "t-1", 2);
    add_run(batch, "r-2", "t-1", 3);
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_last_seq(f->store, HERE, STR("r-1"), &seq), OK);
    assert_int_equal(seq, 0);
    assert_int_equal(store_last_seq(f->store, HERE, STR("r-3"), &seq), ERR_NOT_FOUND);
    batch = new_batch();
    for (uint64_t i = 1; i <= 12; i++) {
        add_event(batch, "r-1", i);
        if (i < 3) {
            add_event(batch, "r-2", i);
        }
    }
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_last_seq(f->store, HERE, STR("r-1"), &seq), OK);
    assert_int_equal(seq, 12);
    assert_int_equal(store_list_events(f->store, HERE, STR("r-1"), 9, 2, note_event, &names), OK);
    expect_names(&names, "{\"seq\":10} {\"seq\":11} ");
    assert_int_equal(store_list_events(f->store, HERE, STR("r-1"), 12, 10, note_event, &names), OK);
    assert_int_equal(
        store_list_events(f->store, HERE, STR("r-1"), UINT64_MAX, 10, note_event, &names), OK);
    assert_int_equal(store_list_events(f->store, HERE, STR("r-3"), 0, 10, note_event, &names), OK);
    expect_names(&names, "");
    assert_int_equal(store_list_events(f->store, HERE, STR("r-2"), 0, 10, note_event, &names), OK);
    expect_names(&names, "{\"seq\":1} {\"seq\":2} ");

    static const uint64_t wrong[] = {12, 14, 0, UINT64_MAX}; /* again, a gap, none */
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        batch = new_batch();
        add_event(batch, "r-1", wrong[i]);
        assert_int_equal(apply(f, batch), ERR_INVALID);
    }
    batch = new_batch();
    add_event(batch, "r-1", 13);
    assert_int_equal(apply(f, batch), OK);
    buf_done(&names.text);
}

/* ---- calls of models ---- */

static struct store_model_call call_of(const char *run, unsigned question, unsigned attempt)
{
    return (struct store_model_call){.run_id = str_from(run),
                                     .question = question,
                                     .attempt = attempt,
                                     .purpose = STR("write"),
                                     .prompt = STR("write@1"),
                                     .provider = STR("openai"),
                                     .model = STR("m-1"),
                                     .outcome = STR("limited"),
                                     .status = 429,
                                     .cost_pico_usd = -1};
}

static bool is_model_call(const struct store_model_call *row, void *arg)
{
    const struct store_model_call *want = arg;

    assert_true(str_equal(row->run_id, want->run_id) && str_equal(row->purpose, want->purpose));
    assert_true(str_equal(row->prompt, want->prompt) && str_equal(row->model, want->model));
    assert_true(str_equal(row->provider, want->provider) && str_equal(row->failure, want->failure));
    assert_true(str_equal(row->outcome, want->outcome) && str_equal(row->request, want->request));
    assert_true(str_equal(row->response_id, want->response_id));
    assert_true(str_equal(row->answer, want->answer));
    assert_true(row->question == want->question && row->attempt == want->attempt);
    assert_true(row->is_last == want->is_last && row->status == want->status);
    assert_true(row->started_us == want->started_us && row->latency_us == want->latency_us);
    assert_true(row->first_token_us == want->first_token_us);
    assert_true(row->input_uncached == want->input_uncached && row->cache_read == want->cache_read);
    assert_true(row->cache_write_5m == want->cache_write_5m);
    assert_true(row->cache_write_1h == want->cache_write_1h);
    assert_true(row->output == want->output && row->reasoning == want->reasoning);
    assert_true(row->cost_pico_usd == want->cost_pico_usd);
    return true;
}

static void store_contract_model_call(struct fixture *f)
{
    struct store_model_call call = {.run_id = STR("r-1"),
                                    .question = 7,
                                    .attempt = 23,
                                    .is_last = true,
                                    .purpose = STR("repair"),
                                    .prompt = STR("repair@1"),
                                    .provider = STR("gemini"),
                                    .model = STR("'; DROP TABLE run; --\0"),
                                    .outcome = STR("answered"),
                                    .status = 200,
                                    .started_us = 1,
                                    .latency_us = INT64_MAX,
                                    .first_token_us = 3,
                                    .input_uncached = 4,
                                    .cache_read = 5,
                                    .cache_write_5m = 6,
                                    .cache_write_1h = 7,
                                    .output = 8,
                                    .reasoning = -1,
                                    .cost_pico_usd = -1,
                                    .response_id = STR("x-1"),
                                    .failure = STR("no"),
                                    .request = STR("{\"a\":\"\xc3\xa9\"}"),
                                    .answer = STR("{}")};
    struct store_batch *batch = new_batch();
    uint64_t next = 0;

    put_thread(batch, "t-1", 1);
    add_run(batch, "r-1", "t-1", 2);
    store_add_model_call(batch, &call);
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(
        store_list_model_calls(f->store, HERE, STR("r-1"), 0, 9, is_model_call, &call, &next), OK);
    assert_true(next > 0);
    assert_int_equal(
        store_list_model_calls(f->store, HERE, STR(""), 0, 9, is_model_call, &call, &next), OK);
    batch = new_batch();
    store_add_model_call(batch, &call); /* again */
    assert_int_equal(apply(f, batch), ERR_INVALID);
    call.run_id = STR("r-2"); /* of no run */
    batch = new_batch();
    store_add_model_call(batch, &call);
    assert_int_equal(apply(f, batch), ERR_INVALID);
}

/* Pages of one call each, until there is none: what they name, joined. */
static void expect_calls(struct fixture *f, const char *run, uint64_t after, const char *expected)
{
    struct names names;
    uint64_t next = after;

    names_begin(&names);
    do {
        after = next;
        assert_int_equal(store_list_model_calls(f->store, HERE, str_from(run), after, 1,
                                                note_model_call, &names, &next),
                         OK);
    } while (next != after);
    expect_names(&names, expected);
    buf_done(&names.text);
}

static void store_contract_model_calls(struct fixture *f)
{
    static const struct {
        const char *run;
        unsigned question;
        unsigned attempt;
    } calls[] = {{"r-1", 0, 0}, {"r-2", 0, 0}, {"r-1", 0, 1}, {"r-1", 1, 0}, {"r-2", 1, 0}};
    struct store_batch *batch = new_batch();
    struct names names;
    uint64_t next = 77;

    names_begin(&names);
    put_thread(batch, "t-1", 1);
    put_thread(batch, "t-2", 1);
    add_run(batch, "r-1", "t-1", 2);
    add_run(batch, "r-2", "t-2", 3);
    assert_int_equal(apply(f, batch), OK);
    expect_calls(f, "", 0, "");
    expect_calls(f, "r-1", 0, "");
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        struct store_model_call call = call_of(calls[i].run, calls[i].question, calls[i].attempt);

        batch = new_batch();
        store_add_model_call(batch, &call);
        assert_int_equal(apply(f, batch), OK);
    }
    expect_calls(f, "", 0, "r-1/0/0 r-2/0/0 r-1/0/1 r-1/1/0 r-2/1/0 ");
    expect_calls(f, "r-1", 0, "r-1/0/0 r-1/0/1 r-1/1/0 ");
    expect_calls(f, "r-3", 0, "");
    assert_int_equal(store_list_model_calls(f->store, HERE, STR(""), UINT64_MAX, 9, note_model_call,
                                            &names, &next),
                     OK);
    assert_true(next == UINT64_MAX);
    assert_int_equal(
        store_list_model_calls(f->store, HERE, STR(""), 0, 9, note_model_call, &names, &next), OK);
    expect_names(&names, "r-1/0/0 r-2/0/0 r-1/0/1 r-1/1/0 r-2/1/0 ");

    /* They go with their thread, and a cursor that was behind them stays where it is. */
    batch = new_batch();
    store_delete_thread(batch, STR("t-2"));
    struct store_model_call call = call_of("r-1", 2, 0);
    store_add_model_call(batch, &call);
    assert_int_equal(apply(f, batch), OK);
    expect_calls(f, "", 0, "r-1/0/0 r-1/0/1 r-1/1/0 r-1/2/0 ");
    expect_calls(f, "", next, "r-1/2/0 ");
    buf_done(&names.text);
}

/* ---- lists ---- */

/* Rows of the same time are told apart by their ids; pages join without a row lost or twice. */
static void store_contract_lists(struct fixture *f)
{
    struct store_batch *batch = new_batch();
    struct names names;

    names_begin(&names);
    put_thread(batch, "b", 5);
    put_thread(batch, "a", 5);
    put_thread(batch, "c", 4);
    put_thread(batch, "d", 6);
    add_run(batch, "r1", "a", 10);
    add_run(batch, "r2", "a", 11);
    add_run(batch, "r3", "a", 11);
    add_run(batch, "other", "b", 12);
    for (int i = 3; i >= 1; i--) {
        char id[16];

        (void)snprintf(id, sizeof(id), "m%d", i);
        store_add_message(batch, &(struct store_message){.id = str_from(id),
                                                         .thread_id = STR("a"),
                                                         .role = STR("user"),
                                                         .created_us = i > 1 ? 8 : 7});
        (void)snprintf(id, sizeof(id), "d%d", i);
        store_put_dataset(batch, &(struct store_dataset){.id = str_from(id), .created_us = 1});
    }
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_list_threads(f->store, HERE, STR(""), 3, note_thread, &names), OK);
    expect_names(&names, "d b a ");
    assert_int_equal(store_list_threads(f->store, HERE, STR("b"), 3, note_thread, &names), OK);
    expect_names(&names, "a c ");
    assert_int_equal(store_list_threads(f->store, HERE, STR("c"), 3, note_thread, &names), OK);
    expect_names(&names, "");
    assert_int_equal(store_list_threads(f->store, HERE, STR("x"), 3, note_thread, &names),
                     ERR_NOT_FOUND);
    assert_int_equal(store_list_runs(f->store, HERE, STR("a"), STR(""), 2, note_run, &names), OK);
    expect_names(&names, "r3 r2 ");
    assert_int_equal(store_list_runs(f->store, HERE, STR("a"), STR("r2"), 2, note_run, &names), OK);
    expect_names(&names, "r1 ");
    assert_int_equal(store_list_runs(f->store, HERE, STR("a"), STR("other"), 2, note_run, &names),
                     ERR_NOT_FOUND);
    assert_int_equal(
        store_list_messages(f->store, HERE, STR("a"), STR(""), 2, note_message, &names), OK);
    expect_names(&names, "m1 m2 ");
    assert_int_equal(
        store_list_messages(f->store, HERE, STR("a"), STR("m2"), 2, note_message, &names), OK);
    expect_names(&names, "m3 ");
    assert_int_equal(
        store_list_messages(f->store, HERE, STR("b"), STR("m2"), 2, note_message, &names),
        ERR_NOT_FOUND);
    assert_int_equal(store_list_messages(f->store, HERE, (struct str){NULL, 0}, STR(""), 2,
                                         note_message, &names),
                     OK);
    expect_names(&names, "");
    assert_int_equal(store_list_datasets(f->store, HERE, STR(""), 2, note_dataset, &names), OK);
    expect_names(&names, "d3 d2 ");
    assert_int_equal(store_list_datasets(f->store, HERE, STR("d2"), 2, note_dataset, &names), OK);
    expect_names(&names, "d1 ");
    names.limit = 1; /* the callback says stop */
    assert_int_equal(store_list_threads(f->store, HERE, STR(""), 3, note_thread, &names), OK);
    expect_names(&names, "d ");
    buf_done(&names.text);
}

static void store_contract_page_limit(struct fixture *f)
{
    struct store_batch *batch = new_batch();
    struct names names;

    names_begin(&names);
    for (int i = 0; i < (int)STORE_PAGE_MAX + 5; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "t%d", i);
        put_thread(batch, id, i);
    }
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_list_threads(f->store, HERE, STR(""), UINT32_MAX, note_thread, &names),
                     OK);
    assert_int_equal(names.count, STORE_PAGE_MAX);
    buf_done(&names.text);
}

static void store_contract_open_runs(struct fixture *f)
{
    struct store_batch *batch = new_batch();
    struct names names;

    names_begin(&names);
    put_thread(batch, "t", 1);
    for (int status = STORE_RUN_QUEUED; status <= STORE_RUN_CANCELLED; status++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "r%d", status);
        struct store_run run = run_of(id, "t", 100 - status);
        run.status = (enum store_run_status)status;
        store_add_run(batch, &run);
    }
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_list_open_runs(f->store, note_run, &names), OK);
    expect_names(&names, "r1 r0 ");
    buf_done(&names.text);
}

struct nested {
    struct fixture *f;
    struct names names;
};

static bool list_again(const struct store_thread *row, void *arg)
{
    struct nested *nested = arg;

    note_name(&nested->names, row->id);
    assert_int_equal(
        store_list_threads(nested->f->store, HERE, row->id, 9, note_thread, &nested->names), OK);
    return true;
}

/* A callback may read the same list, in the middle of it. */
static void store_contract_nested_reads(struct fixture *f)
{
    struct nested nested = {.f = f};
    struct store_batch *batch = new_batch();

    names_begin(&nested.names);
    put_thread(batch, "a", 1);
    put_thread(batch, "b", 2);
    put_thread(batch, "c", 3);
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_list_threads(f->store, HERE, STR(""), 9, list_again, &nested), OK);
    expect_names(&nested.names, "c b a b a a ");
    buf_done(&nested.names.text);
}

static void store_contract_delete_thread(struct fixture *f)
{
    struct store_batch *batch = new_batch();
    struct buf body;
    uint64_t seq;

    buf_init(&body, 100);
    put_thread(batch, "t", 1);
    put_thread(batch, "kept", 1);
    add_run(batch, "r", "t", 2);
    add_event(batch, "r", 1);
    store_add_report(
        batch, &(struct store_report){.id = STR("p"), .run_id = STR("r"), .thread_id = STR("t")});
    store_add_report_body(batch, STR("p"), STR("md"), STR("text"));
    assert_int_equal(apply(f, batch), OK);
    batch = new_batch();
    store_delete_thread(batch, STR("t"));
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_last_seq(f->store, HERE, STR("r"), &seq), ERR_NOT_FOUND);
    assert_int_equal(store_get_report_body(f->store, HERE, STR("p"), STR("md"), &body),
                     ERR_NOT_FOUND);
    batch = new_batch();
    add_event(batch, "r", 2); /* of a run whose thread was deleted under it */
    assert_int_equal(apply(f, batch), ERR_INVALID);
    batch = new_batch();
    add_run(batch, "r", "kept", 2); /* the id is free again, and its log is empty */
    assert_int_equal(apply(f, batch), OK);
    assert_int_equal(store_last_seq(f->store, HERE, STR("r"), &seq), OK);
    assert_int_equal(seq, 0);
    buf_done(&body);
}

/* ---- batches ---- */

#define MANY 200

struct told {
    struct loop *loop;
    int codes[MANY];
    int count;
    int expected;
};

struct one {
    struct told *told;
    int number;
};

static void note_done(int code, void *arg)
{
    struct one *one = arg;
    struct told *told = one->told;

    assert_int_equal(one->number, told->count); /* in the order of submission */
    told->codes[told->count++] = code;
    if (told->count == told->expected) {
        loop_stop(told->loop);
    }
}

/* Of many that are submitted at once every seventh breaks a rule in its middle: it fails alone and
 * wholly, and all are told in order. */
static void store_contract_batches(struct fixture *f)
{
    struct told told = {.loop = f->loop, .expected = MANY};
    struct one ones[MANY];
    struct names names;

    names_begin(&names);
    for (int i = 0; i < MANY; i++) {
        struct store_batch *batch = new_batch();
        char id[16];

        ones[i] = (struct one){&told, i};
        (void)snprintf(id, sizeof(id), "t%d", i);
        put_thread(batch, id, i);
        if (i % 7 == 3) {
            store_touch_thread(batch, STR("nobody"), 1);
        }
        put_thread(batch, id, i + 1000);
        assert_int_equal(store_submit(f->store, batch, note_done, &ones[i]), OK);
    }
    loop_run(f->loop);
    assert_int_equal(told.count, MANY);
    for (int i = 0; i < MANY; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "t%d", i);
        assert_int_equal(told.codes[i], i % 7 == 3 ? ERR_INVALID : OK);
        assert_int_equal(store_get_thread(f->store, HERE, str_from(id), note_thread, &names),
                         i % 7 == 3 ? ERR_NOT_FOUND : OK);
    }
    struct store_counts counts = store_counts(f->store);
    assert_int_equal(counts.batches, MANY);
    assert_int_equal(counts.failed_batches, (MANY + 3) / 7);
    assert_int_equal(counts.waiting, 0);
    assert_true(counts.commits >= 1 && counts.commits <= MANY);
    assert_true(counts.file_bytes > 0);
    buf_done(&names.text);
}

static void store_contract_refused_batches(struct fixture *f)
{
    static const char *const ids[] = {
        "", "with blank", "a/b", "\xc3\xa9",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    struct waiting waiting = {.loop = f->loop, .code = NEVER};

    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        struct store_batch *batch = new_batch();

        put_thread(batch, ids[i], 1);
        assert_int_equal(store_submit(f->store, batch, stop_with_code, &waiting), ERR_INVALID);
    }
    char *huge = calloc(1, STORE_BATCH_BYTES_MAX);
    struct store_batch *batch = new_batch();
    assert_non_null(huge);
    store_put_thread(
        batch, &(struct store_thread){.id = STR("t"), .title = {huge, STORE_BATCH_BYTES_MAX}});
    assert_int_equal(store_submit(f->store, batch, stop_with_code, &waiting), ERR_LIMIT);
    free(huge);
    assert_int_equal(waiting.code, NEVER);
    assert_int_equal(apply(f, new_batch()), OK); /* nothing in it is no failure */
}

static void store_contract_probe(struct fixture *f)
{
    struct waiting waiting = {.loop = f->loop, .code = NEVER};

    for (int i = 0; i < 2; i++) {
        assert_int_equal(store_probe(f->store, stop_with_code, &waiting), OK);
        loop_run(f->loop);
        assert_int_equal(waiting.code, OK);
    }
}

/* What was submitted is stored when the store closes, told or not; and it is there again. */
static void store_contract_reopen(struct fixture *f)
{
    struct waiting waiting = {.loop = f->loop, .code = NEVER};
    struct names names;

    names_begin(&names);
    for (int i = 0; i < 3; i++) {
        struct store_batch *batch = new_batch();
        char id[16];

        (void)snprintf(id, sizeof(id), "t%d", i);
        put_thread(batch, id, i);
        assert_int_equal(store_submit(f->store, batch, stop_with_code, &waiting), OK);
    }
    fixture_reopen(f);
    assert_int_equal(store_list_threads(f->store, HERE, STR(""), 9, note_thread, &names), OK);
    expect_names(&names, "t2 t1 t0 ");
    assert_int_equal(apply(f, new_batch()), OK); /* the loop runs the old store's message, too */
    assert_int_equal(waiting.code, NEVER);
    buf_done(&names.text);
}

static void close_store(int code, void *arg)
{
    struct fixture *f = arg;

    assert_int_equal(code, OK);
    store_close(f->store);
    f->store = NULL;
    loop_stop(f->loop);
}

/* done may close the store while more is told. */
static void store_contract_close_in_done(struct fixture *f)
{
    struct waiting waiting = {.loop = f->loop, .code = NEVER};

    assert_int_equal(store_submit(f->store, new_batch(), close_store, f), OK);
    assert_int_equal(store_submit(f->store, new_batch(), stop_with_code, &waiting), OK);
    loop_run(f->loop);
    assert_int_equal(waiting.code, NEVER);
    fixture_open_store(f);
    assert_int_equal(apply(f, new_batch()), OK);
}

struct store_contract {
    const char *name;
    void (*run)(struct fixture *f);
};

static const struct store_contract store_contract[] = {
    {"thread", store_contract_thread},
    {"run", store_contract_run},
    {"message", store_contract_message},
    {"report", store_contract_report},
    {"dataset", store_contract_dataset},
    {"events", store_contract_events},
    {"model call", store_contract_model_call},
    {"model calls", store_contract_model_calls},
    {"lists", store_contract_lists},
    {"page limit", store_contract_page_limit},
    {"open runs", store_contract_open_runs},
    {"nested reads", store_contract_nested_reads},
    {"delete thread", store_contract_delete_thread},
    {"batches", store_contract_batches},
    {"refused batches", store_contract_refused_batches},
    {"probe", store_contract_probe},
    {"reopen", store_contract_reopen},
    {"close in done", store_contract_close_in_done},
};

#endif
