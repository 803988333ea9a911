/*
 * The preview shows each request as it would be sent, without the key and without sending it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model_fixture.h"

#include "agent/preview.h"

struct seen {
    char purposes[256];
    struct buf text;
    size_t stop_at; /* requests after which the reader has enough; 0: never */
    size_t count;
};

static int see(const struct run_question *question, struct str text, void *arg)
{
    struct seen *seen = arg;
    size_t used = strlen(seen->purposes);

    (void)snprintf(seen->purposes + used, sizeof(seen->purposes) - used, "%s=%.*s ",
                   question->purpose, STR_ARGS(question->prompt));
    buf_append(&seen->text, text);
    return ++seen->count == seen->stop_at ? ERR_CANCELLED : OK;
}

static const struct llm_provider provider = {.name = {"openai", 6},
                                             .price_provider = {"openai", 6},
                                             .wire = &llm_wire_openai_responses,
                                             .url = {"https://api.openai.com/v1", 25},
                                             .key = {"sk-secret-42", 12},
                                             .model = {"gpt-5-mini", 10}};

static void test_a_preview_prints_three_requests(void **state)
{
    struct dataset *dataset = sample_dataset();
    struct fake_model fake = {.heard_bytes = 0};
    struct run_options options = fake_options(&fake, "reduce costs by 20 %", dataset);
    struct seen seen = {.purposes = ""};
    struct error error = {0};

    (void)state;
    fake_init(&fake);
    buf_init(&seen.text, FAKE_LOG_BYTES);
    options.has_model = false;
    assert_int_equal(run_preview(&options, &provider, see, &seen, &error), OK);
    assert_string_equal(seen.purposes, "interpret=interpret@1 plan=plan@2 write=write@2 ");
    assert_int_equal(fake_count(buf_str(&seen.text), "POST https://api.openai.com/v1/responses"),
                     3);
    assert_int_equal(str_find(buf_str(&seen.text), STR("sk-secret"), 0), SIZE_MAX);
    assert_true(str_find(buf_str(&seen.text), STR("spend.total"), 0) != SIZE_MAX);
    assert_int_equal(fake.told.length, 0); /* nobody is told of a run that is none */
    buf_done(&seen.text);
    fake_done(&fake);
    dataset_close(dataset);
}

static void test_a_preview_ends_when_it_is_told_to(void **state)
{
    struct dataset *dataset = sample_dataset();
    struct fake_model fake = {.heard_bytes = 0};
    struct run_options options = fake_options(&fake, "reduce costs by 20 %", dataset);
    struct seen seen = {.purposes = "", .stop_at = 2};
    struct error error = {0};

    (void)state;
    buf_init(&seen.text, FAKE_LOG_BYTES);
    options.observer = NULL;
    assert_int_equal(run_preview(&options, &provider, see, &seen, &error), ERR_CANCELLED);
    assert_int_equal(seen.count, 2);
    assert_true(error.message[0] != '\0');
    buf_done(&seen.text);
    dataset_close(dataset);
}

static void test_a_cancelled_preview_shows_nothing(void **state)
{
    struct dataset *dataset = sample_dataset();
    struct fake_model fake = {.heard_bytes = 0};
    struct run_options options = fake_options(&fake, "reduce costs by 20 %", dataset);
    atomic_bool is_cancelled = true;
    struct seen seen = {.purposes = ""};
    struct error error = {0};

    (void)state;
    buf_init(&seen.text, FAKE_LOG_BYTES);
    options.is_cancelled = &is_cancelled;
    assert_int_equal(run_preview(&options, &provider, see, &seen, &error), ERR_CANCELLED);
    assert_int_equal(seen.count, 0);
    buf_done(&seen.text);
    dataset_close(dataset);
}

static void test_a_preview_survives_every_failing_allocation(void **state)
{
    struct dataset *dataset = dataset_of(STR("model,input_tokens\ngpt-4o,100\n"));
    struct fake_model fake = {.heard_bytes = 0};
    struct run_options options = fake_options(&fake, "where does the money go?", dataset);
    int code = ERR_NO_MEMORY;

    (void)state;
    options.observer = NULL;
    for (uint64_t nth = 1; code; nth++) {
        struct seen seen = {.purposes = ""};
        struct error error = {0};

        assert_true(nth < 20000);
        buf_init(&seen.text, FAKE_LOG_BYTES);
        assert_int_equal(buf_reserve(&seen.text, (size_t)1 << 20), OK);
        (void)alloc_fail_from(nth);
        code = run_preview(&options, &provider, see, &seen, &error);
        (void)alloc_fail_from(0);
        if (code != OK && code != ERR_NO_MEMORY) {
            fail_msg("allocation %d: %s", (int)nth, error.message);
        }
        buf_done(&seen.text);
    }
    dataset_close(dataset);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_preview_prints_three_requests),
    cmocka_unit_test(test_a_preview_ends_when_it_is_told_to),
    cmocka_unit_test(test_a_cancelled_preview_shows_nothing),
    cmocka_unit_test(test_a_preview_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
