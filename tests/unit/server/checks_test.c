/*
 * The check of the models: it is there only with a chain, calls nobody, and an open breaker makes
 * the server degraded, never unhealthy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "loop/clock.h"
#include "monitor/fault.h"
#include "server/checks.h"

#define TEXT_BYTES_MAX 65536u

struct place {
    struct loop *loop;
    struct http_client *client;
    struct llm *llm;
    struct health health;
    struct checks checks;
};

static void on_done(int code, struct llm_answer *answer, const struct llm_attempt *attempts,
                    size_t attempt_count, void *arg)
{
    struct place *place = arg;

    (void)answer;
    (void)attempts;
    assert_int_equal(code, ERR_IO);
    assert_int_equal(attempt_count, 2);
    loop_stop(place->loop);
}

/* Two links, both where nobody listens. */
static void open_place(struct place *place)
{
    const struct llm_provider providers[] = {
        {.name = STR("anthropic"),
         .wire = &llm_wire_anthropic,
         .url = STR("http://127.0.0.1:1"),
         .model = STR("one")},
        {.name = STR("openai"),
         .wire = &llm_wire_openai_responses,
         .url = STR("http://127.0.0.1:1"),
         .model = STR("two")},
    };
    struct llm_options options = {.providers = providers,
                                  .provider_count = ARRAY_LENGTH(providers),
                                  .limits = {.attempts_max = 1,
                                             .connect_timeout_ms = 5000,
                                             .first_token_timeout_ms = 5000,
                                             .idle_timeout_ms = 5000,
                                             .total_timeout_ms = 5000,
                                             .question_timeout_ms = 20000,
                                             .breaker_failures = 1,
                                             .breaker_open_ms = 600000},
                                  .clock_us = clock_now_us,
                                  .seed = 1};
    struct error error = {0};

    *place = (struct place){0};
    assert_int_equal(loop_new(1, &place->loop, &error), OK);
    assert_int_equal(http_client_new(place->loop, NULL, &place->client, &error), OK);
    options.loop = place->loop;
    options.client = place->client;
    assert_int_equal(llm_new(&options, &place->llm, &error), OK);
}

static void close_place(struct place *place)
{
    checks_stop(&place->checks);
    llm_free(place->llm);
    http_client_free(place->client);
    loop_free(place->loop);
}

static void ask(struct place *place)
{
    const struct llm_message message = {.role = LLM_USER, .text = STR("?")};
    const struct llm_request request = {
        .messages = &message, .message_count = 1, .output_tokens_max = 10};
    const struct llm_listener listener = {.on_done = on_done};
    struct error error = {0};
    llm_id id;

    assert_int_equal(llm_ask(place->llm, &request, 100000, &listener, place, &id, &error), OK);
    loop_run(place->loop);
}

static void write_health(const struct place *place, struct buf *text)
{
    struct json_writer w = json_writer_on(text);

    json_begin_object(&w);
    health_write(&place->health, clock_now_us(), &w);
    json_end_object(&w);
    assert_int_equal(buf_status(text), OK);
}

static bool holds(const struct buf *text, const char *part)
{
    return str_find(buf_str(text), str_from(part), 0) != SIZE_MAX;
}

static void test_an_open_breaker_degrades_and_no_more(void **state)
{
    cleanup(buf_done) struct buf text = {0};
    struct place place;

    (void)state;
    buf_init(&text, TEXT_BYTES_MAX);
    open_place(&place);
    place.checks = (struct checks){.loop = place.loop, .llm = place.llm};
    checks_start(&place.checks, &place.health);
    loop_timer_stop(&place.checks.timer); /* there is no store here to be checked */
    assert_int_equal(health_state(&place.health, clock_now_us()), HEALTH_UP);
    write_health(&place, &text);
    assert_true(holds(&text, "\"name\":\"models\",\"status\":\"healthy\",\"needed\":false"));
    ask(&place);
    assert_int_equal(health_state(&place.health, clock_now_us()), HEALTH_DEGRADED);
    buf_clear(&text);
    write_health(&place, &text);
    assert_true(holds(&text, "\"name\":\"models\",\"status\":\"degraded\",\"needed\":false"));
    assert_true(holds(&text, "not asked for a while: anthropic/one, openai/two"));
    close_place(&place);
}

/* There is a store, and it is never asked: the loop does not run. */
static struct checks with_a_store(struct loop *loop)
{
    return (struct checks){.loop = loop, .store_file = (struct store *)loop};
}

static void test_without_a_chain_there_is_no_such_check(void **state)
{
    cleanup(buf_done) struct buf text = {0};
    struct place place;

    (void)state;
    buf_init(&text, TEXT_BYTES_MAX);
    open_place(&place);
    place.checks = with_a_store(place.loop);
    checks_start(&place.checks, &place.health);
    write_health(&place, &text);
    assert_false(holds(&text, "\"models\""));
    assert_true(holds(&text, "\"store\""));
    close_place(&place);
}

/* Neither is a check old because the time of day went on, nor young because it went back. */
static void test_a_clock_that_jumps_makes_no_check_old(void **state)
{
    static const int64_t jumps_ms[] = {3600000, -3600000};
    struct place place;

    (void)state;
    open_place(&place);
    place.checks = with_a_store(place.loop);
    checks_start(&place.checks, &place.health);
    fault_allow(true);
    for (size_t i = 0; i < ARRAY_LENGTH(jumps_ms); i++) {
        assert_int_equal(fault_arm(FAULT_CLOCK_JUMP, 0, jumps_ms[i], 60, clock_now_us()), OK);
        assert_int_equal(health_state(&place.health, clock_now_us()), HEALTH_UP);
        place.checks.store.elapsed_us -= 31 * INT64_C(1000000);
        assert_int_equal(health_state(&place.health, clock_now_us()), HEALTH_DOWN);
        place.checks.store.elapsed_us = clock_elapsed_us();
        fault_disarm_all();
    }
    fault_allow(false);
    close_place(&place);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_clock_that_jumps_makes_no_check_old),
    cmocka_unit_test(test_an_open_breaker_degrades_and_no_more),
    cmocka_unit_test(test_without_a_chain_there_is_no_such_check),
};

UNIT_MAIN(tests)
