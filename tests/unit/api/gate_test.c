/*
 * What stands between a request and its handler, seen by a client of a whole server: limits, kept
 * answers, tags, traces, faults, quotas.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api_fixture.h"

#include "loop/loop.h"
#include "monitor/fault.h"
#include "monitor/metrics.h"

#define HEADERS_BYTES 512
#define RECORD                                                                                     \
    "{\"time\":\"2026-11-01T10:00:00Z\",\"model\":\"gpt-5-mini\",\"provider\":\"openai\","         \
    "\"input_tokens\":100,\"output_tokens\":10}\n"

static struct answer post_with(const struct house *house, const char *target, const char *key,
                               const char *body)
{
    char headers[HEADERS_BYTES];

    (void)snprintf(headers, sizeof(headers), HOUSE_SIGNED HOUSE_JSON "Idempotency-Key: %s\r\n",
                   key);
    return house_ask_with(house, "POST", target, headers, body);
}

static unsigned count_threads(struct house *house)
{
    cleanup(answer_done) struct answer list = house_get(house, "/api/threads?limit=200");

    assert_status(list, 200);
    return (unsigned)json_count(json_at(house_json(house, &list), "items"));
}

static struct json_value first_of(struct json_value list)
{
    struct json_iterator rows = json_iterate(list);

    assert_true(json_next(&rows));
    return rows.value;
}

/* The id in an answer, copied. */
static void copy_id(struct house *house, const struct answer *answer, char ret_id[64])
{
    struct str id = house_text(house_json(house, answer), "id");

    assert_true(id.length > 0 && id.length < 64);
    (void)snprintf(ret_id, 64, "%.*s", STR_ARGS(id));
}

static void assert_code(struct house *house, const struct answer *answer, const char *code)
{
    struct str found = house_text(house_json(house, answer), "code");

    if (!str_equal(found, str_from(code))) {
        fail_msg("code %.*s, not %s", STR_ARGS(found), code);
    }
}

static void assert_header(const struct answer *answer, const char *name, const char *value)
{
    struct str found = answer_header(answer, name);

    if (!str_equal(found, str_from(value))) {
        fail_msg("%s: %.*s, not %s", name, STR_ARGS(found), value);
    }
}

/* ---- limits ---- */

static void test_an_empty_bucket_is_429(void **state)
{
    struct house house = {
        .limits = {.rules[API_LIMIT_USER] = {.tokens = 1, .per_s = 60, .burst = 3}}};

    (void)state;
    house_open(&house);
    unsigned label = metric_label(METRIC_LIMITED, STR("user"));
    int64_t before = metric_value(METRIC_LIMITED, label);
    for (unsigned i = 0; i < 3; i++) {
        cleanup(answer_done) struct answer passed = house_get(&house, "/api/threads");
        assert_status(passed, 200);
    }
    cleanup(answer_done) struct answer refused = house_get(&house, "/api/threads");
    assert_status(refused, 429);
    assert_code(&house, &refused, "RATE_LIMITED");
    int64_t number = -1;
    struct json_value root = house_json(&house, &refused);
    assert_true(json_get_i64(json_at(root, "limit"), &number));
    assert_int_equal(number, 3);
    assert_true(json_get_i64(json_at(root, "remaining"), &number));
    assert_int_equal(number, 0);
    assert_header(&refused, "Retry-After", "60");
    assert_header(&refused, "RateLimit", "\"user\";r=0;t=60");
    assert_header(&refused, "RateLimit-Policy", "\"user\";q=3;w=180");
    assert_int_equal(metric_value(METRIC_LIMITED, label), before + 1);
    cleanup(answer_done) struct answer health = house_get(&house, "/api/health");
    assert_status(health, 200); /* whoever asks whether it is well is told */
    cleanup(answer_done) struct answer nobody =
        house_ask_with(&house, "GET", "/api/threads", "", NULL);
    assert_status(nobody, 401); /* nobody's requests are not this user's */
    house_close(&house);
}

static void test_an_address_is_limited_before_it_is_known(void **state)
{
    struct house house = {
        .limits = {.rules[API_LIMIT_ADDRESS] = {.tokens = 1, .per_s = 60, .burst = 2}}};

    (void)state;
    house_open(&house);
    for (unsigned i = 0; i < 2; i++) {
        cleanup(answer_done) struct answer nobody =
            house_ask_with(&house, "GET", "/api/threads", "", NULL);
        assert_status(nobody, 401);
    }
    cleanup(answer_done) struct answer refused =
        house_ask_with(&house, "GET", "/api/threads", "", NULL);
    assert_status(refused, 429);
    assert_header(&refused, "RateLimit", "\"address\";r=0;t=60");
    cleanup(answer_done) struct answer unmatched = house_get(&house, "/nothing");
    assert_status(unmatched, 429); /* also what is not there costs */
    house_close(&house);
}

static void test_costly_requests_have_a_bucket_of_their_own(void **state)
{
    struct house house = {
        .limits = {.rules[API_LIMIT_COSTLY] = {.tokens = 1, .per_s = 60, .burst = 1}}};

    (void)state;
    house_open(&house);
    cleanup(answer_done) struct answer asked =
        house_post(&house, "/api/runs", "{\"prompt\":\"Why?\"}");
    assert_status(asked, 202);
    cleanup(answer_done) struct answer refused =
        house_post(&house, "/api/runs", "{\"prompt\":\"Why?\"}");
    assert_status(refused, 429);
    cleanup(answer_done) struct answer list = house_get(&house, "/api/threads");
    assert_status(list, 200);
    cleanup(answer_done) struct answer limits = house_get(&house, "/api/limits");
    assert_status(limits, 200);
    struct json_value row = first_of(json_at(house_json(&house, &limits), "limits"));
    int64_t remaining = -1;
    assert_true(str_equal(house_text(row, "name"), STR("costly")));
    assert_true(json_get_i64(json_at(row, "remaining"), &remaining));
    assert_int_equal(remaining, 0);
    house_close(&house);
}

static void test_storage_beyond_the_quota_is_413(void **state)
{
    struct house house = {.limits = {.storage_bytes = 300}};
    char path[128];

    (void)state;
    house_open(&house);
    cleanup(answer_done) struct answer first =
        house_ask_with(&house, "POST", "/api/datasets?name=a.jsonl", HOUSE_SIGNED, RECORD);
    assert_status(first, 201);
    char id[64];
    copy_id(&house, &first, id);
    cleanup(answer_done) struct answer early = house_ask_with(
        &house, "POST", "/api/datasets?name=b.jsonl", HOUSE_SIGNED, RECORD RECORD RECORD);
    assert_status(early, 413);
    assert_code(&house, &early, "INVALID_REQUEST");
    /* The length is not told: counted as it comes in. */
    cleanup(buf_done) struct buf chunked;
    buf_init(&chunked, 65536);
    buf_printf(&chunked,
               "POST /api/datasets?name=c.jsonl HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
               "Connection: close\r\n" HOUSE_SIGNED "Transfer-Encoding: chunked\r\n\r\n",
               house.port);
    for (unsigned i = 0; i < 5; i++) {
        buf_printf(&chunked, "%zx\r\n%s\r\n", strlen(RECORD), RECORD);
    }
    buf_append(&chunked, STR("0\r\n\r\n"));
    cleanup(answer_done) struct answer late = house_raw(&house, buf_str(&chunked));
    assert_status(late, 413);
    cleanup(answer_done) struct answer limits = house_get(&house, "/api/limits");
    struct json_value quota = first_of(json_at(house_json(&house, &limits), "quotas"));
    int64_t used = 0;
    assert_true(json_get_i64(json_at(quota, "used"), &used));
    assert_int_equal(used, strlen(RECORD)); /* failed uploads keep nothing */
    /* Waiting does not help; deleting does. */
    (void)snprintf(path, sizeof(path), "/api/datasets/%s", id);
    cleanup(answer_done) struct answer deleted =
        house_ask_with(&house, "DELETE", path, HOUSE_SIGNED, NULL);
    assert_status(deleted, 204);
    cleanup(answer_done) struct answer again =
        house_ask_with(&house, "POST", "/api/datasets?name=d.jsonl", HOUSE_SIGNED, RECORD);
    assert_status(again, 201);
    house_close(&house);
}

/* ---- kept answers ---- */

static void test_a_request_with_a_key_happens_once(void **state)
{
    struct house house = {0};
    char id[64];

    (void)state;
    house_open(&house);
    cleanup(answer_done) struct answer first =
        post_with(&house, "/api/threads", "key-1", "{\"title\":\"A\"}");
    assert_status(first, 201);
    assert_header(&first, "Idempotency-Replayed", "");
    copy_id(&house, &first, id);
    assert_int_equal(id[14], '8'); /* of the key, not of the time */
    cleanup(answer_done) struct answer again =
        post_with(&house, "/api/threads", "key-1", "{\"title\":\"A\"}");
    assert_status(again, 201);
    assert_header(&again, "Idempotency-Replayed", "true");
    assert_true(str_equal(again.body, first.body));
    cleanup(answer_done) struct answer other =
        post_with(&house, "/api/threads", "key-1", "{\"title\":\"B\"}");
    assert_status(other, 422);
    cleanup(answer_done) struct answer elsewhere =
        post_with(&house, "/api/runs", "key-1", "{\"title\":\"A\"}");
    assert_status(elsewhere, 422);
    cleanup(answer_done) struct answer second =
        post_with(&house, "/api/threads", "key-2", "{\"title\":\"A\"}");
    assert_status(second, 201);
    assert_int_equal(count_threads(&house), 2);
    house_close(&house);
}

static void test_a_refusal_is_kept_and_a_failure_is_not(void **state)
{
    struct house house = {0};

    (void)state;
    house_open(&house);
    cleanup(answer_done) struct answer wrong =
        post_with(&house, "/api/threads", "key-3", "{\"title\":7}");
    assert_status(wrong, 422);
    cleanup(answer_done) struct answer wrong_again =
        post_with(&house, "/api/threads", "key-3", "{\"title\":7}");
    assert_status(wrong_again, 422);
    assert_header(&wrong_again, "Idempotency-Replayed", "true");
    fault_allow(true);
    assert_int_equal(fault_arm(FAULT_INTERNAL_ERROR, 1, 0, 60, clock_now_us()), OK);
    cleanup(answer_done) struct answer failed =
        post_with(&house, "/api/threads", "key-4", "{\"title\":\"C\"}");
    assert_status(failed, 500);
    cleanup(answer_done) struct answer made =
        post_with(&house, "/api/threads", "key-4", "{\"title\":\"C\"}");
    assert_status(made, 201);
    assert_header(&made, "Idempotency-Replayed", "");
    fault_allow(false);
    house_close(&house);
}

static void test_a_key_is_visible_ascii(void **state)
{
    struct house house = {0};
    char key[300];

    (void)state;
    house_open(&house);
    memset(key, 'k', sizeof(key));
    key[256] = '\0';
    cleanup(answer_done) struct answer too_long = post_with(&house, "/api/threads", key, "{}");
    assert_status(too_long, 422);
    key[255] = '\0';
    cleanup(answer_done) struct answer longest = post_with(&house, "/api/threads", key, "{}");
    assert_status(longest, 201);
    cleanup(answer_done) struct answer blank = post_with(&house, "/api/threads", "a b", "{}");
    assert_status(blank, 422);
    cleanup(answer_done) struct answer empty = post_with(&house, "/api/threads", "", "{}");
    assert_status(empty, 422);
    assert_int_equal(count_threads(&house), 1);
    house_close(&house);
}

/* Runs and samples find what their first request made, also without a kept answer: here under the
 * same id, brought by the key. */
static void test_what_a_key_made_has_its_id(void **state)
{
    struct house house = {0};
    char run[64];
    char sample[64];

    (void)state;
    house_open(&house);
    cleanup(answer_done) struct answer asked =
        post_with(&house, "/api/runs", "key-5", "{\"prompt\":\"Why?\"}");
    assert_status(asked, 202);
    copy_id(&house, &asked, run);
    assert_int_equal(run[14], '8');
    cleanup(answer_done) struct answer made =
        post_with(&house, "/api/datasets/sample", "key-6", "{\"seed\":3}");
    assert_status(made, 201);
    copy_id(&house, &made, sample);
    assert_int_equal(sample[14], '8');
    cleanup(answer_done) struct answer made_again =
        post_with(&house, "/api/datasets/sample", "key-6", "{\"seed\":3}");
    assert_status(made_again, 201);
    assert_true(str_equal(made_again.body, made.body));
    cleanup(answer_done) struct answer list = house_get(&house, "/api/datasets");
    assert_int_equal(json_count(json_at(house_json(&house, &list), "items")), 1);
    house_close(&house);
}

/* ---- tags ---- */

static void test_what_the_client_has_is_not_sent_again(void **state)
{
    struct house house = {0};
    char headers[HEADERS_BYTES];

    (void)state;
    house_open(&house);
    cleanup(answer_done) struct answer first = house_get(&house, "/api/threads");
    struct str etag = answer_header(&first, "ETag");
    assert_true(str_starts_with(etag, STR("W/\"")));
    assert_header(&first, "Cache-Control", "private, no-cache");
    (void)snprintf(headers, sizeof(headers), HOUSE_SIGNED "If-None-Match: \"x\", %.*s\r\n",
                   STR_ARGS(etag));
    cleanup(answer_done) struct answer same =
        house_ask_with(&house, "GET", "/api/threads", headers, NULL);
    assert_status(same, 304);
    assert_int_equal(same.body.length, 0);
    assert_true(str_equal(answer_header(&same, "ETag"), etag));
    cleanup(answer_done) struct answer made = house_post(&house, "/api/threads", "{}");
    assert_status(made, 201);
    assert_header(&made, "Cache-Control", "no-store");
    cleanup(answer_done) struct answer changed =
        house_ask_with(&house, "GET", "/api/threads", headers, NULL);
    assert_status(changed, 200);
    cleanup(answer_done) struct answer nobody =
        house_ask_with(&house, "GET", "/api/threads", "If-None-Match: *\r\n", NULL);
    assert_status(nobody, 401); /* who may comes first */
    cleanup(answer_done) struct answer me = house_get(&house, "/auth/me");
    assert_header(&me, "Cache-Control", "no-store");
    assert_header(&me, "ETag", "");
    house_close(&house);
}

/* ---- traces and faults ---- */

static void test_an_answer_is_on_the_trace_of_its_request(void **state)
{
    struct house house = {0};

    (void)state;
    house_open(&house);
    cleanup(answer_done) struct answer taken_up = house_ask_with(
        &house, "GET", "/api/threads",
        HOUSE_SIGNED "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
        NULL);
    struct str response = answer_header(&taken_up, "traceresponse");
    assert_int_equal(response.length, 55);
    assert_true(str_starts_with(response, STR("00-0af7651916cd43dd8448eb211c80319c-")));
    assert_true(str_find(response, STR("b7ad6b7169203331"), 0) == SIZE_MAX);
    cleanup(answer_done) struct answer own = house_ask_with(
        &house, "GET", "/nothing", HOUSE_SIGNED "traceparent: 00-zz-b7ad6b7169203331-01\r\n", NULL);
    assert_int_equal(answer_header(&own, "traceresponse").length, 55);
    house_close(&house);
}

static void test_faults_are_the_documented_answers(void **state)
{
    struct house house = {0};
    int64_t now_us = clock_now_us();

    (void)state;
    house_open(&house);
    fault_allow(true);
    assert_int_equal(fault_arm(FAULT_AUTH_EXPIRED, 1, 0, 60, now_us), OK);
    cleanup(answer_done) struct answer unknown =
        house_ask_with(&house, "GET", "/api/threads", "", NULL);
    assert_status(unknown, 401); /* by itself: the fault comes after the real check … */
    assert_int_equal(fault_state(FAULT_AUTH_EXPIRED).times_left, 1);
    cleanup(answer_done) struct answer expired = house_get(&house, "/api/threads");
    assert_status(expired, 401); /* … and is used up here */
    assert_int_equal(fault_state(FAULT_AUTH_EXPIRED).is_armed, false);
    assert_true(str_find(answer_header(&expired, "WWW-Authenticate"), STR("invalid_token"), 0) !=
                SIZE_MAX);
    assert_int_equal(fault_arm(FAULT_RATE_LIMITED, 1, 7, 60, now_us), OK);
    cleanup(answer_done) struct answer limited = house_get(&house, "/api/threads");
    assert_status(limited, 429);
    assert_header(&limited, "Retry-After", "7");
    assert_int_equal(fault_arm(FAULT_UNAVAILABLE, 0, 5, 60, now_us), OK);
    cleanup(answer_done) struct answer unavailable = house_get(&house, "/api/threads");
    assert_status(unavailable, 503);
    assert_header(&unavailable, "Retry-After", "5");
    cleanup(answer_done) struct answer health = house_get(&house, "/api/health");
    assert_status(health, 200);
    cleanup(answer_done) struct answer faults = house_get(&house, "/api/faults");
    assert_status(faults, 200);
    cleanup(answer_done) struct answer taken_out =
        house_ask_with(&house, "DELETE", "/api/faults/unavailable", HOUSE_SIGNED, NULL);
    assert_status(taken_out, 204);
    assert_int_equal(fault_arm(FAULT_INVALID_REQUEST, 1, 0, 60, now_us), OK);
    cleanup(answer_done) struct answer invalid =
        house_post(&house, "/api/threads", "{\"title\":\"A\"}");
    assert_status(invalid, 422);
    struct json_value errors = json_at(house_json(&house, &invalid), "errors");
    assert_true(str_equal(house_text(first_of(errors), "pointer"), STR("/title")));
    assert_int_equal(count_threads(&house), 0);
    fault_disarm_all();
    fault_allow(false);
    house_close(&house);
}

/* A handler that only looks and fails inside is tried once more; one that changes something is not.
 */
static void test_a_look_that_fails_is_tried_once_more(void **state)
{
    struct house house = {0};
    int64_t now_us = clock_now_us();

    (void)state;
    house_open(&house);
    fault_allow(true);
    assert_int_equal(fault_arm(FAULT_INTERNAL_ERROR, 1, 0, 60, now_us), OK);
    cleanup(answer_done) struct answer saved = house_get(&house, "/api/threads");
    assert_status(saved, 200);
    assert_false(fault_state(FAULT_INTERNAL_ERROR).is_armed);
    assert_int_equal(fault_arm(FAULT_INTERNAL_ERROR, 2, 0, 60, now_us), OK);
    cleanup(answer_done) struct answer failed = house_get(&house, "/api/threads");
    assert_status(failed, 500);
    assert_code(&house, &failed, "INTERNAL_ERROR");
    struct str trace_id = house_text(house_json(&house, &failed), "trace_id");
    assert_int_equal(trace_id.length, 32);
    assert_true(str_find(answer_header(&failed, "traceresponse"), trace_id, 0) != SIZE_MAX);
    assert_int_equal(fault_arm(FAULT_INTERNAL_ERROR, 1, 0, 60, now_us), OK);
    cleanup(answer_done) struct answer changing = house_post(&house, "/api/threads", "{}");
    assert_status(changing, 500);
    assert_int_equal(count_threads(&house), 0);
    fault_allow(false);
    house_close(&house);
}

static void test_faults_are_put_in_where_they_are_allowed(void **state)
{
    static const char *const wrong[] = {
        "{\"name\":\"nothing\"}",
        "{}",
        "{\"name\":\"unavailable\"}",
        "{\"name\":\"unavailable\",\"argument\":0}",
        "{\"name\":\"unavailable\",\"argument\":61}",
        "{\"name\":\"auth_expired\",\"argument\":1}",
        "{\"name\":\"auth_expired\",\"seconds\":0}",
        "{\"name\":\"auth_expired\",\"seconds\":601}",
        "{\"name\":\"auth_expired\",\"times\":-1}",
    };
    struct house house = {0};

    (void)state;
    house_open(&house);
    cleanup(answer_done) struct answer refused =
        house_post(&house, "/api/faults", "{\"name\":\"unavailable\",\"argument\":1}");
    assert_status(refused, 403);
    assert_true(
        str_equal(house_text(house_json(&house, &refused), "needs"), STR("faults.allowed")));
    assert_false(fault_state(FAULT_UNAVAILABLE).is_armed);
    fault_allow(true);
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        cleanup(answer_done) struct answer invalid = house_post(&house, "/api/faults", wrong[i]);
        assert_status(invalid, 422);
    }
    cleanup(answer_done) struct answer armed = house_post(
        &house, "/api/faults", "{\"name\":\"clock_jump\",\"argument\":-1000,\"seconds\":5}");
    assert_status(armed, 201);
    int64_t argument = 0;
    assert_true(
        json_get_i64(json_at(json_at(house_json(&house, &armed), "armed"), "argument"), &argument));
    assert_int_equal(argument, -1000);
    cleanup(answer_done) struct answer all_out =
        house_ask_with(&house, "DELETE", "/api/faults", HOUSE_SIGNED, NULL);
    assert_status(all_out, 204);
    assert_false(fault_state(FAULT_CLOCK_JUMP).is_armed);
    cleanup(answer_done) struct answer nothing =
        house_ask_with(&house, "DELETE", "/api/faults/nothing", HOUSE_SIGNED, NULL);
    assert_status(nothing, 404);
    fault_allow(false);
    house_close(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_bucket_is_429),
        cmocka_unit_test(test_an_address_is_limited_before_it_is_known),
        cmocka_unit_test(test_costly_requests_have_a_bucket_of_their_own),
        cmocka_unit_test(test_storage_beyond_the_quota_is_413),
        cmocka_unit_test(test_a_request_with_a_key_happens_once),
        cmocka_unit_test(test_a_refusal_is_kept_and_a_failure_is_not),
        cmocka_unit_test(test_a_key_is_visible_ascii),
        cmocka_unit_test(test_what_a_key_made_has_its_id),
        cmocka_unit_test(test_what_the_client_has_is_not_sent_again),
        cmocka_unit_test(test_an_answer_is_on_the_trace_of_its_request),
        cmocka_unit_test(test_faults_are_the_documented_answers),
        cmocka_unit_test(test_a_look_that_fails_is_tried_once_more),
        cmocka_unit_test(test_faults_are_put_in_where_they_are_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
