/*
 * Calls of models: those of a run as they are stored, and all of them as usage records that Netra's
 * own importer takes, every row, at the cost that was stored.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api_fixture.h"

#include "base/check.h"
#include "base/civil_time.h"

#define RUN       "run-of-the-calls"
#define PRICED    "claude-haiku-4-5"
#define AT_US     (1790000000 * SECOND_US) /* 2026-09-21 */
#define CALL_COST 4270000000               /* of 1000 uncached, 200 read, 600 written, 500 output */

static struct house house;
static struct loop_message message;
static sem_t is_stored;
static int stored;

#define ASK(name, ...) cleanup(answer_done) struct answer name = __VA_ARGS__

/* ---- calls in the store ---- */

static const struct store_model_call calls[] = {
    {.purpose = {"interpret", 9},
     .prompt = {"interpret@1", 11},
     .provider = {"anthropic", 9},
     .model = {PRICED, 16},
     .outcome = {"limited", 7},
     .status = 429,
     .latency_us = 120500,
     .input_uncached = -1,
     .cache_read = -1,
     .cache_write_5m = -1,
     .cache_write_1h = -1,
     .output = -1,
     .reasoning = -1,
     .cost_pico_usd = 0,
     .failure = {"anthropic is limited (429)", 26},
     .request = {"{\"model\":\"m\"}", 13}},
    {.attempt = 1,
     .is_last = true,
     .purpose = {"interpret", 9},
     .prompt = {"interpret@1", 11},
     .provider = {"anthropic", 9},
     .model = {PRICED, 16},
     .outcome = {"answered", 8},
     .status = 200,
     .latency_us = 1234567,
     .first_token_us = 345678,
     .input_uncached = 1000,
     .cache_read = 200,
     .cache_write_5m = 600,
     .output = 500,
     .reasoning = 100,
     .cost_pico_usd = CALL_COST,
     .response_id = {"msg_1", 5},
     .request = {"{\"model\":\"m\",\"text\":\"\\u00e9\"}", 29},
     .answer = {"{\"text\":\"yes\"}", 14}},
    {.question = 1,
     .purpose = {"write", 5},
     .prompt = {"write@1", 7},
     .provider = {"gemini", 6},
     .model = {"gemini-2.5-flash", 16},
     .outcome = {"failed", 6}, /* no connection: nobody was reached */
     .latency_us = 5000,
     .input_uncached = -1,
     .cache_read = -1,
     .cache_write_5m = -1,
     .cache_write_1h = -1,
     .output = -1,
     .reasoning = -1,
     .cost_pico_usd = 0,
     .failure = {"gemini cannot be reached", 24},
     .request = {"{}", 2}},
    {.question = 1,
     .attempt = 1,
     .purpose = {"write", 5},
     .prompt = {"write@1", 7},
     .provider = {"openai_chat", 11},
     .model = {"gpt-4o-mini", 11},
     .outcome = {"timed_out", 9}, /* it may have cost something: unknown */
     .latency_us = 20000000,
     .input_uncached = -1,
     .cache_read = -1,
     .cache_write_5m = -1,
     .cache_write_1h = -1,
     .output = -1,
     .reasoning = -1,
     .cost_pico_usd = -1,
     .failure = {"openai_chat timed out", 21},
     .request = {"{}", 2}},
    {.question = 1,
     .attempt = 2,
     .purpose = {"write", 5},
     .prompt = {"write@1", 7},
     .provider = {"compatible", 10},
     .model = {PRICED, 16}, /* somebody else's: nobody knows its price */
     .outcome = {"answered", 8},
     .status = 200,
     .latency_us = 900000,
     .input_uncached = 700,
     .output = 70,
     .cost_pico_usd = -1,
     .response_id = {"msg_1", 5}, /* another server's, and no other call */
     .request = {"{}", 2}},
    {.question = 1,
     .attempt = 3,
     .purpose = {"write", 5},
     .prompt = {"write@1", 7},
     .provider = {"compatible", 10},
     .model = {"llama", 5},
     .outcome = {"answered", 8}, /* and did not say how many tokens it took */
     .status = 200,
     .latency_us = 900000,
     .input_uncached = -1,
     .cache_read = -1,
     .cache_write_5m = -1,
     .cache_write_1h = -1,
     .output = -1,
     .reasoning = -1,
     .cost_pico_usd = -1,
     .request = {"{}", 2}},
    {.question = 1,
     .attempt = 4,
     .is_last = true,
     .purpose = {"write", 5},
     .prompt = {"write@1", 7},
     .provider = {"openai", 6},
     .model = {"gpt-5-mini", 10},
     .outcome = {"over_budget", 11}, /* nothing was sent */
     .input_uncached = -1,
     .cache_read = -1,
     .cache_write_5m = -1,
     .cache_write_1h = -1,
     .output = -1,
     .reasoning = -1,
     .cost_pico_usd = 0,
     .failure = {"the run has used its tokens up", 30}},
};

#define EXPORTED 4u /* of them reached a provider, or may have, with a count or a failure */

static void on_stored(int code, void *arg)
{
    (void)arg;
    stored = code;
    (void)sem_post(&is_stored);
}

/* Loop thread. */
static void store_calls(void *arg)
{
    struct store_batch *batch = store_batch_new(STR(STORE_WORKSPACE_FIRST));
    struct store_thread thread = {.id = STR("thread"), .created_us = AT_US, .updated_us = AT_US};
    struct store_run run = {.id = STR(RUN),
                            .thread_id = thread.id,
                            .status = STORE_RUN_FINISHED,
                            .prompt = STR("where?"),
                            .seed = 1,
                            .created_us = AT_US,
                            .has_model = true};

    (void)arg;
    check(batch);
    store_put_thread(batch, &thread);
    store_add_run(batch, &run);
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        struct store_model_call call = calls[i];

        call.run_id = run.id;
        call.started_us = AT_US + (int64_t)i * SECOND_US;
        store_add_model_call(batch, &call);
    }
    if (store_submit(house.store, batch, on_stored, NULL)) {
        abort();
    }
}

static int open_house(void **state)
{
    (void)state;
    house_open(&house);
    assert_int_equal(sem_init(&is_stored, 0, 0), 0);
    message = (struct loop_message){.fn = store_calls};
    loop_post(house.loop, &message);
    while (sem_wait(&is_stored) && errno == EINTR) {
    }
    return stored;
}

static int close_house(void **state)
{
    (void)state;
    house_close(&house);
    return sem_destroy(&is_stored);
}

/* ---- of a run ---- */

static int64_t number_of(struct json_value value, const char *key)
{
    int64_t number = -1;

    (void)json_get_i64(json_at(value, key), &number);
    return number;
}

static bool has(struct json_value value, const char *key)
{
    return json_at(value, key).document != NULL;
}

static void test_calls_of_a_run_are_shown_as_they_are_stored(void **state)
{
    ASK(answer, house_get(&house, "/api/runs/" RUN "/model-calls"));

    (void)state;
    assert_status(answer, 200);
    struct json_value items = json_at(house_json(&house, &answer), "items");
    assert_int_equal(json_count(items), ARRAY_LENGTH(calls));
    struct json_iterator it = json_iterate(items);
    assert_true(json_next(&it));
    assert_str(house_text(it.value, "outcome"), "limited");
    assert_int_equal(number_of(it.value, "status"), 429);
    assert_str(house_text(it.value, "cost_usd"), "0");
    assert_str(house_text(it.value, "failure"), "anthropic is limited (429)");
    assert_false(has(it.value, "usage") || has(it.value, "answer") ||
                 has(it.value, "first_token_ms") || has(it.value, "response_id"));
    assert_true(json_next(&it));
    assert_int_equal(number_of(it.value, "question"), 0);
    assert_int_equal(number_of(it.value, "attempt"), 1);
    assert_str(house_text(it.value, "purpose"), "interpret");
    assert_str(house_text(it.value, "prompt"), "interpret@1");
    assert_str(house_text(it.value, "started_at"), "2026-09-21T14:13:21.000000Z");
    assert_str(house_text(it.value, "cost_usd"), "0.00427");
    assert_int_equal(number_of(json_at(it.value, "usage"), "input_uncached"), 1000);
    assert_int_equal(number_of(json_at(it.value, "usage"), "cache_write_5m"), 600);
    assert_int_equal(number_of(json_at(it.value, "usage"), "cache_write_1h"), 0);
    assert_int_equal(number_of(json_at(it.value, "usage"), "reasoning"), 100);
    assert_str(house_text(it.value, "request"), "{\"model\":\"m\",\"text\":\"\\u00e9\"}");
    assert_str(house_text(json_at(it.value, "answer"), "text"), "yes");
    assert_true(str_find(answer.body, STR("\"latency_ms\":1234.567,\"first_token_ms\":345.678"),
                         0) != SIZE_MAX);
    assert_true(json_next(&it) && json_next(&it));
    assert_true(json_is(json_at(it.value, "cost_usd"), JSON_NULL));
}

static void test_a_run_that_is_not_there(void **state)
{
    ASK(missing, house_get(&house, "/api/runs/nothing/model-calls"));
    ASK(stranger, house_ask_with(&house, "GET", "/api/runs/" RUN "/model-calls", "", NULL));

    (void)state;
    assert_status(missing, 404);
    assert_status(stranger, 401);
}

/* ---- as records ---- */

/* Every page, one after the other. */
static void read_records(unsigned limit, struct buf *out)
{
    char target[128];
    char after[32] = "0";

    for (unsigned pages = 0; pages < 20; pages++) {
        (void)snprintf(target, sizeof(target), "/api/model-calls.jsonl?limit=%u&after=%s", limit,
                       after);
        ASK(answer, house_get(&house, target));
        struct str next = answer_header(&answer, "netra-next");

        assert_status(answer, 200);
        assert_str(answer_header(&answer, "content-type"), "application/x-ndjson");
        assert_str(answer_header(&answer, "cache-control"), "no-store");
        buf_append(out, answer.body);
        if (next.length == 0) {
            return;
        }
        assert_true(next.length < sizeof(after));
        (void)snprintf(after, sizeof(after), "%.*s", STR_ARGS(next));
    }
    fail_msg("%s", "the pages have no end");
}

static void test_pages_of_any_size_are_the_same_records(void **state)
{
    cleanup(buf_done) struct buf whole = {0};

    (void)state;
    buf_init(&whole, HOUSE_ANSWER_MAX);
    read_records(200, &whole);
    for (unsigned limit = 1; limit <= ARRAY_LENGTH(calls) + 1; limit++) {
        cleanup(buf_done) struct buf paged = {0};

        buf_init(&paged, HOUSE_ANSWER_MAX);
        read_records(limit, &paged);
        assert_true(str_equal(buf_str(&paged), buf_str(&whole)));
    }
}

static void test_cursors_that_are_none(void **state)
{
    static const char *const queries[] = {"limit=0", "limit=201", "limit=x", "after=-1", "after=x"};
    char target[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(queries); i++) {
        (void)snprintf(target, sizeof(target), "/api/model-calls.jsonl?%s", queries[i]);
        ASK(answer, house_get(&house, target));
        assert_status(answer, 422);
    }
    ASK(beyond, house_get(&house, "/api/model-calls.jsonl?after=1000000"));
    assert_status(beyond, 200);
    assert_int_equal(beyond.body.length, 0);
}

/* Uploads the records; the dataset's id in ret_id. */
static void import_records(struct str records, char ret_id[64])
{
    cleanup(buf_done) struct buf request = {0};
    int64_t rejected = -1;

    buf_init(&request, HOUSE_ANSWER_MAX);
    buf_printf(&request,
               "POST /api/datasets?name=own.jsonl HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: "
               "close\r\n" HOUSE_SIGNED
               "Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n",
               house.port, records.length);
    buf_append(&request, records);
    ASK(made, house_raw(&house, buf_str(&request)));
    assert_status(made, 201);
    struct json_value root = house_json(&house, &made);
    assert_int_equal(number_of(root, "records"), EXPORTED);
    rejected = number_of(root, "rejected");
    if (rejected) {
        fail_msg("rejected: %.*s", STR_ARGS(made.body));
    }
    (void)snprintf(ret_id, 64, "%.*s", STR_ARGS(house_text(root, "id")));
}

static void test_records_are_taken_by_our_own_importer_at_the_same_cost(void **state)
{
    cleanup(buf_done) struct buf records = {0};
    char body[128];
    char id[64];
    int128 sum = 0;

    (void)state;
    buf_init(&records, HOUSE_ANSWER_MAX);
    read_records(200, &records);
    import_records(buf_str(&records), id);
    (void)snprintf(body, sizeof(body), "{\"dataset\":\"%s\",\"args\":{}}", id);
    ASK(spent, house_post(&house, "/api/tools/spend_breakdown", body));
    assert_status(spent, 200);
    struct json_value facts = json_at(house_json(&house, &spent), "facts");
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        sum += calls[i].cost_pico_usd > 0 ? calls[i].cost_pico_usd : 0;
    }
    struct decimal total;
    assert_int_equal(decimal_parse(house_text(json_at(facts, "spend.total"), "value"), 12, &total),
                     OK);
    assert_true(total.digits == sum);
    /* What nobody knows the price of is not called free. */
    assert_str(house_text(json_at(facts, "spend.total"), "state"), "bounded");
    assert_int_equal(number_of(json_at(facts, "requests.by_feature.write"), "value"), 2);
    assert_int_equal(number_of(json_at(facts, "requests.by_feature.interpret"), "value"), 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_calls_of_a_run_are_shown_as_they_are_stored),
    cmocka_unit_test(test_a_run_that_is_not_there),
    cmocka_unit_test(test_pages_of_any_size_are_the_same_records),
    cmocka_unit_test(test_cursors_that_are_none),
    cmocka_unit_test(test_records_are_taken_by_our_own_importer_at_the_same_cost),
};

int main(void)
{
    return cmocka_run_group_tests(tests, open_house, close_house);
}
