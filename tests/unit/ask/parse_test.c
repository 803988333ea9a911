/*
 * One prompt to one interpretation: numbers and units in all their spellings, names of models and
 * features, limits, lack of memory, and the two outputs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdlib.h>

#include "ask/interpretation.h"
#include "base/alloc.h"
#include "base/error.h"

static struct interpretation *parse(struct arena *arena, const char *prompt,
                                    const struct ask_vocabulary *vocabulary)
{
    struct interpretation *in = NULL;
    struct error error = {0};

    arena_init(arena, ASK_ARENA_BYTES_MAX);
    assert_int_equal(ask_parse(vocabulary, str_from(prompt), arena, &in, &error), OK);
    return in;
}

/* "metric op value unit scope" of the first constraint. */
static void assert_constraint(const char *prompt, const char *expected)
{
    struct arena arena;
    struct interpretation *in = parse(&arena, prompt, NULL);
    struct buf out;

    if (in->constraint_count == 0) {
        fail_msg("'%s' has no constraint", prompt);
    }
    const struct ask_constraint *c = &in->constraints[0];
    buf_init(&out, 1024);
    buf_printf(&out, "%s %s ", c->metric, c->op);
    if (c->has_value) {
        decimal_print(c->value, &out);
    } else {
        buf_append(&out, STR("null"));
    }
    buf_printf(&out, " %.*s %.*s", STR_ARGS(c->unit), STR_ARGS(c->scope));
    assert_str(buf_str(&out), expected);
    buf_done(&out);
    arena_done(&arena);
}

static void test_parse_reads_numbers_as_people_write_them(void **state)
{
    (void)state;
    assert_constraint("reduce cost by 20%", "cost reduce_by 0.2 fraction *");
    assert_constraint("reduce cost by twenty-five percent", "cost reduce_by 0.25 fraction *");
    assert_constraint("reduce cost by two thirds", "cost reduce_by 0.666666666 fraction *");
    assert_constraint("reduce cost by ½", "cost reduce_by 0.5 fraction *");
    assert_constraint("reduce cost by 0.5 %", "cost reduce_by 0.005 fraction *");
    assert_constraint("save $1.5k a month", "cost reduce_by_amount 1500 USD/month *");
    assert_constraint("save 10,000 dollars per week", "cost reduce_by_amount 10000 USD/week *");
    assert_constraint("latency under 1.5 s", "latency <= 1500 ms *");
    assert_constraint("latency under half a second", "latency <= 500 ms *");
    assert_constraint("latency under a second", "latency <= 1000 ms *");
}

static void test_parse_reads_decimal_commas_where_they_are_used(void **state)
{
    (void)state;
    assert_constraint("Kosten um 12,5 % senken", "cost reduce_by 0.125 fraction *");
    assert_constraint("Kosten um 10.000 € pro Monat senken",
                      "cost reduce_by_amount 10000 EUR/month *");
    assert_constraint("koszty -1,5 tys. zł miesięcznie", "cost reduce_by_amount 1500 PLN/month *");
}

static void test_parse_tells_by_from_to(void **state)
{
    (void)state;
    assert_constraint("reduce latency by 20%", "latency reduce_by 0.2 fraction *");
    assert_constraint("reduce latency to 200 ms", "latency <= 200 ms *");
    assert_constraint("bring cost down from $5k to $3k a month", "cost <= 3000 USD/month *");
}

static void test_parse_marks_numbers_that_cannot_be(void **state)
{
    (void)state;
    assert_constraint("reduce cost by 99999999999999999999999999%",
                      "cost reduce_by null fraction *");
    assert_constraint("reduce cost by 1e999%", "cost reduce_by null fraction *");

    struct arena arena;
    struct interpretation *in = parse(&arena, "reduce cost by 150%", NULL);
    assert_true((in->needs & NEED_CLARIFY_TARGET) != 0);
    assert_true(ask_should_ask(in));
    arena_done(&arena);
}

static void assert_model(const char *written, const char *canonical)
{
    struct arena arena;
    struct buf prompt;

    buf_init(&prompt, 1024);
    buf_printf(&prompt, "what if we used %s for chat?", written);
    struct interpretation *in = parse(&arena, prompt.data, NULL);
    if (in->model_count != 1) {
        fail_msg("'%s' gives %zu models", written, in->model_count);
    }
    assert_str(in->models[0], canonical);
    buf_done(&prompt);
    arena_done(&arena);
}

static void test_parse_brings_model_names_to_one_form(void **state)
{
    (void)state;
    assert_model("gpt5", "gpt-5");
    assert_model("GPT 5 mini", "gpt-5-mini");
    assert_model("gpt4o", "gpt-4o");
    assert_model("4o mini", "gpt-4o-mini");
    assert_model("gpt-4o-2024-08-06", "gpt-4o-2024-08-06");
    assert_model("haiku 4.5", "claude-haiku-4-5");
    assert_model("claude 3.5 sonnet", "claude-3-5-sonnet");
    assert_model("claude-3-5-sonnet-20241022", "claude-3-5-sonnet-20241022");
    assert_model("claude opus 4.1", "claude-opus-4-1");
    assert_model("Claude", "claude");
    assert_model("gemini 2.5 flash lite", "gemini-2.5-flash-lite");
    assert_model("o3-mini", "o3-mini");
    assert_model("llama 3.1 8b", "llama-3.1-8b");
}

static void test_parse_knows_models_of_the_records(void **state)
{
    const struct str models[] = {STR("acme-tuned-7b")};
    const struct ask_vocabulary vocabulary = {.models = models, .model_count = 1};
    struct arena arena;

    (void)state;
    struct interpretation *in =
        parse(&arena, "what if we used acme-tuned-7b everywhere?", &vocabulary);
    assert_int_equal(in->model_count, 1);
    assert_str(in->models[0], "acme-tuned-7b");
    assert_true(in->intents[INTENT_MODEL_WHATIF]);
    arena_done(&arena);
}

static void test_parse_resolves_features_by_their_name_in_the_records(void **state)
{
    const struct str features[] = {STR("Medical_Triage"), STR("chat"), STR("chat.support")};
    const struct ask_vocabulary vocabulary = {.features = features, .feature_count = 3};
    struct arena arena;

    (void)state;
    struct interpretation *in =
        parse(&arena, "don't touch medical triage; for chat-support keep 300 ms", &vocabulary);
    assert_int_equal(in->feature_count, 2);
    assert_str(in->features[0], "Medical_Triage");
    assert_str(in->features[1], "chat.support");
    assert_int_equal(in->constraint_count, 2);
    assert_str(in->constraints[0].scope, "Medical_Triage");
    assert_str(in->constraints[1].scope, "chat.support");
    arena_done(&arena);
}

static void test_parse_asks_about_a_feature_that_the_records_lack(void **state)
{
    const struct str features[] = {STR("chat")};
    const struct ask_vocabulary vocabulary = {.features = features, .feature_count = 1};
    struct arena arena;

    (void)state;
    struct interpretation *in =
        parse(&arena, "For feature zorro-bot keep p95 under 2 s", &vocabulary);
    assert_str(in->features[0], "zorro-bot");
    assert_true((in->needs & NEED_CLARIFY_FEATURE) != 0);
    arena_done(&arena);
    in = parse(&arena, "For feature chat keep p95 under 2 s", &vocabulary);
    assert_true((in->needs & NEED_CLARIFY_FEATURE) == 0);
    arena_done(&arena);
}

static void test_parse_keeps_unknown_features_as_written(void **state)
{
    struct arena arena;

    (void)state;
    struct interpretation *in = parse(&arena, "For feature Zorro-9 keep p95 under 2 s", NULL);
    assert_int_equal(in->feature_count, 1);
    assert_str(in->features[0], "Zorro-9");
    arena_done(&arena);
}

static void test_parse_refuses_prompts_beyond_its_limits(void **state)
{
    struct arena arena;
    struct interpretation *in = NULL;
    struct error error = {0};
    char *text = malloc(ASK_PROMPT_BYTES_MAX + 1);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', ASK_PROMPT_BYTES_MAX + 1);
    arena_init(&arena, ASK_ARENA_BYTES_MAX);
    assert_int_equal(
        ask_parse(NULL, (struct str){text, ASK_PROMPT_BYTES_MAX + 1}, &arena, &in, &error),
        ERR_LIMIT);
    assert_null(in);
    assert_non_null(strstr(error.message, "longer than"));
    assert_int_equal(ask_parse(NULL, (struct str){text, ASK_PROMPT_BYTES_MAX}, &arena, &in, &error),
                     OK);
    arena_done(&arena);
    free(text);
}

static void test_parse_refuses_more_constraints_than_it_can_say(void **state)
{
    struct arena arena;
    struct interpretation *in = NULL;
    struct error error = {0};
    struct buf prompt;

    (void)state;
    buf_init(&prompt, ASK_PROMPT_BYTES_MAX);
    for (unsigned i = 0; i <= ASK_CONSTRAINTS_MAX; i++) {
        buf_printf(&prompt, "reduce cost by %u.%u%%. ", i / 10, i % 10);
    }
    arena_init(&arena, ASK_ARENA_BYTES_MAX);
    assert_int_equal(ask_parse(NULL, buf_str(&prompt), &arena, &in, &error), ERR_LIMIT);
    arena_done(&arena);
    buf_done(&prompt);
}

static void test_parse_survives_lack_of_memory_anywhere(void **state)
{
    const struct str features[] = {STR("chat"), STR("süß")};
    const struct ask_vocabulary vocabulary = {.features = features, .feature_count = 2};
    int status = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; status != OK; nth++) {
        struct arena arena;
        struct interpretation *in = NULL;
        struct error error = {0};

        assert_true(nth < 1000);
        arena_init(&arena, ASK_ARENA_BYTES_MAX);
        (void)alloc_fail_from(nth);
        status = ask_parse(&vocabulary,
                           STR("for chat cut gpt-4o cost by 20%, don't touch süß; traffic doubles"),
                           &arena, &in, &error);
        (void)alloc_fail_from(0);
        assert_true(status == OK || (status == ERR_NO_MEMORY && !in));
        arena_done(&arena);
    }
}

/* The arena's own limit stands for memory that ends in the middle: every step meets it. */
static void test_parse_survives_an_arena_of_any_size(void **state)
{
    (void)state;
    for (size_t limit = 64; limit < 48000; limit += 97) {
        struct arena arena;
        struct interpretation *in = NULL;
        struct error error = {0};

        arena_init(&arena, limit);
        int status = ask_parse(
            NULL, STR("cut OpenAI spend by 20%, p95 < 1s for chat and search; opus price?"), &arena,
            &in, &error);
        assert_true(status == OK || status == ERR_NO_MEMORY);
        arena_done(&arena);
    }
}

static void test_interpretation_echoes_in_words(void **state)
{
    struct arena arena;
    struct buf out;

    (void)state;
    struct interpretation *in =
        parse(&arena, "reduce costs by 20% and improve latency by 2x; +30% usage expected", NULL);
    buf_init(&out, 4096);
    interpretation_print(in, &out);
    assert_str(buf_str(&out),
               "reduce_cost, improve_latency, forecast_growth: cost −20 %, all features; "
               "latency ÷2 (p50,p95), all features; requests +30 %, all features");
    buf_done(&out);
    arena_done(&arena);
}

static void test_interpretation_writes_the_object_of_netra_parse(void **state)
{
    struct arena arena;
    struct buf out;

    (void)state;
    struct interpretation *in = parse(&arena, "cut 20%", NULL);
    buf_init(&out, 4096);
    struct json_writer w = json_writer_on(&out);
    interpretation_write_json(in, &w);
    assert_str(buf_str(&out),
               "{\"lang\":\"en\",\"intents\":[\"reduce_cost\"],\"constraints\":[{\"metric\":"
               "\"cost\",\"op\":\"reduce_by\",\"value\":0.2,\"unit\":\"fraction\",\"scope\":\"*\","
               "\"hard\":true,\"baseline\":\"current_total\"}],\"entities\":{\"models\":[],"
               "\"features\":[],\"metrics\":[\"cost\"],\"time_range\":null,\"growth\":[]},"
               "\"data_needed\":[\"usage_records\",\"price_table\"],\"should_ask_for_data\":false,"
               "\"confidence\":0.95}");
    buf_done(&out);
    arena_done(&arena);
}

static void test_names_of_the_vocabularies_are_closed(void **state)
{
    (void)state;
    assert_string_equal(intent_name(INTENT_REDUCE_COST), "reduce_cost");
    assert_string_equal(intent_name(INTENT_EMPTY), "empty");
    assert_string_equal(intent_name((enum intent)INTENT_COUNT), "unknown");
    assert_string_equal(ask_need_name(NEED_USAGE_RECORDS), "usage_records");
    assert_string_equal(ask_need_name(NEED_SELF_HOST_COST), "self_host_cost");
    assert_string_equal(ask_need_name((enum ask_need)(NEED_USAGE_RECORDS | NEED_TTFT)), "unknown");
    assert_string_equal(ask_need_name((enum ask_need)(1u << NEED_COUNT)), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_reads_numbers_as_people_write_them),
        cmocka_unit_test(test_parse_reads_decimal_commas_where_they_are_used),
        cmocka_unit_test(test_parse_tells_by_from_to),
        cmocka_unit_test(test_parse_marks_numbers_that_cannot_be),
        cmocka_unit_test(test_parse_brings_model_names_to_one_form),
        cmocka_unit_test(test_parse_knows_models_of_the_records),
        cmocka_unit_test(test_parse_resolves_features_by_their_name_in_the_records),
        cmocka_unit_test(test_parse_asks_about_a_feature_that_the_records_lack),
        cmocka_unit_test(test_parse_keeps_unknown_features_as_written),
        cmocka_unit_test(test_parse_refuses_prompts_beyond_its_limits),
        cmocka_unit_test(test_parse_refuses_more_constraints_than_it_can_say),
        cmocka_unit_test(test_parse_survives_lack_of_memory_anywhere),
        cmocka_unit_test(test_parse_survives_an_arena_of_any_size),
        cmocka_unit_test(test_interpretation_echoes_in_words),
        cmocka_unit_test(test_interpretation_writes_the_object_of_netra_parse),
        cmocka_unit_test(test_names_of_the_vocabularies_are_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
