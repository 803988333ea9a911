/*
 * Every tool on every kind of records: what comes out passes the quality gate, has lineage, is the
 * same twice, invents no number where prices or fields are missing, and survives hostile names,
 * thousands of names and every failing allocation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tool_fixture.h"

#include "tool/analyses.h"

static const struct {
    const char *tool;
    const char *args;
} calls[] = {
    {"dataset_profile", ""},
    {"spend_breakdown", ""},
    {"spend_breakdown", "{\"by\":[\"model\",\"feature\",\"agent\",\"user\",\"day\",\"day\"]}"},
    {"latency_profile", ""},
    {"reliability_profile", ""},
    {"cache_audit", ""},
    {"cache_audit", "{\"ttl_s\":[],\"split_by_model\":true}"},
    {"cache_audit", "{\"ttl_s\":[60,60,7200],\"honour_minimum\":false,"
                    "\"honour_context_tiers\":false}"},
    {"duplicate_calls", ""},
    {"duplicate_calls", "{\"window_s\":86400}"},
    {"batch_eligibility", ""},
    {"what_if_model", "{\"model\":\"gpt-4o-mini\"}"},
    {"what_if_model", "{\"model\":\"no-such`model{}-7\"}"},
    {"traffic_profile", ""},
    {"choose_plan", ""},
    {"choose_plan", "{\"cost_change\":-0.2,\"growth\":0.3}"},
    {"choose_plan", "{\"cost_change\":-1,\"growth\":-1}"},
    {"price_lookup", "{\"model\":\"gpt-4o\"}"},
    {"price_lookup", "{\"model\":\"no-such`model{}-7\"}"},
};

static void assert_lineage(const struct report *body, const char *tool)
{
    for (uint32_t i = 0; i < body->facts.count; i++) {
        const struct fact *fact = &body->facts.facts[i];

        if (fact->method.length == 0 || fact->label.length == 0 ||
            !str_starts_with(fact->query, str_from(tool))) {
            fail_msg("%s: %.*s has no method, label or query", tool ? tool : "",
                     STR_ARGS(fact->id));
        }
    }
}

static void render(const struct report *body, const char *tool, struct buf *ret)
{
    buf_init(ret, (size_t)64 << 20);
    report_render_result_json(body, tool, /* one_line */ false, ret);
    assert_int_equal(buf_status(ret), OK);
}

/* The call as one of a run, whose tools share what they compute. */
static struct report *call_shared(size_t i, const struct dataset *dataset,
                                  struct analyses *analyses)
{
    struct tool_context context = {.dataset = dataset, .book = dataset->book, .analyses = analyses};
    struct report *body;
    struct error error = {0};

    if (tool_call(tool_named(calls[i].tool), &context, str_from(calls[i].args), &body, &error)) {
        fail_msg("%s: %s", calls[i].tool, error.message);
    }
    return body;
}

/* Runs every call on a dataset twice, alone and sharing with the others: the same bytes. */
static void check_all(const struct dataset *dataset)
{
    struct analyses analyses;

    analyses_init(&analyses, dataset);
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        struct report *first = call_tool(calls[i].tool, dataset, calls[i].args);
        struct report *second = call_shared(i, dataset, &analyses);
        struct buf one;
        struct buf two;

        render(first, calls[i].tool, &one);
        render(second, calls[i].tool, &two);
        assert_true(str_equal(buf_str(&one), buf_str(&two)));
        assert_true(first->section_count > 0);
        assert_lineage(first, calls[i].tool);
        assert_gate(first, calls[i].tool);
        report_free(first);
        report_free(second);
        buf_done(&one);
        buf_done(&two);
    }
    analyses_done(&analyses);
}

static void test_every_tool_passes_the_gate_on_a_full_sample(void **state)
{
    struct dataset *dataset = sample_dataset();

    (void)state;
    assert_true(dataset->table.count > 200);
    assert_int_equal(dataset->sums.unpriced, 0);
    check_all(dataset);
    dataset_close(dataset);
}

/* ---- records that lack things ---- */

static void test_records_with_counts_only_give_unknowns(void **state)
{
    struct dataset *dataset = dataset_of(STR("model,input_tokens,output_tokens\n"
                                             "gpt-4o,100,5\ngpt-4o,200,6\n"));

    (void)state;
    check_all(dataset);
    struct report *body = call_tool("cache_audit", dataset, "");
    assert_fact(body, "cache.hit_ratio.unbounded", "unknown");
    report_free(body);
    body = call_tool("traffic_profile", dataset, "");
    assert_fact(body, "traffic.peak_rpm.calendar", "unknown");
    report_free(body);
    dataset_close(dataset);
}

#define TIME(second) "\"time\":\"2026-01-01T00:00:0" second "Z\","
#define MYSTERY(second)                                                                            \
    "{" TIME(second) "\"model\":\"mystery\",\"feature\":\"f\",\"input_tokens\":50,"                \
                     "\"output_tokens\":5,\"prompt_hash\":7,\"status\":\"ok\","                    \
                     "\"latency_ms\":5,\"streamed\":false,\"hash_ids\":[1,2],\"block_size\":16}\n"

/* Nothing has a price: then no amount of money is computed, not even $0. */
static void test_unknown_prices_never_become_money(void **state)
{
    struct dataset *dataset = dataset_of(STR(MYSTERY("1") MYSTERY("2") MYSTERY("3")));

    (void)state;
    assert_int_equal(dataset->sums.priced, 0);
    check_all(dataset);
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        struct report *body = call_tool(calls[i].tool, dataset, calls[i].args);

        for (uint32_t f = 0; f < body->facts.count; f++) {
            const struct fact *fact = &body->facts.facts[f];

            if (fact->unit == UNIT_USD && fact->state != FACT_UNKNOWN) {
                fail_msg("%s: %.*s is money without a price", calls[i].tool, STR_ARGS(fact->id));
            }
        }
        report_free(body);
    }
    dataset_close(dataset);
}

/* Some prices are unknown: a sum is at least what is known. */
static void test_sums_with_unknown_prices_are_bounded(void **state)
{
    struct dataset *dataset =
        dataset_of(STR(MYSTERY("1") "{" TIME("2") "\"model\":\"gpt-4o\",\"feature\":\"f\","
                                                  "\"input_tokens\":1000,\"output_tokens\":0}\n"));

    (void)state;
    check_all(dataset);
    struct report *body = call_tool("what_if_model", dataset, "{\"model\":\"gpt-4o-mini\"}");
    assert_int_equal(fact_of(body, "whatif.gpt-4o-mini.cost_now")->state, FACT_BOUNDED);
    assert_int_equal(fact_of(body, "whatif.gpt-4o-mini.cost")->state, FACT_BOUNDED);
    report_free(body);
    body = call_tool("spend_breakdown", dataset, "");
    assert_int_equal(fact_of(body, "spend.by_feature.f")->state, FACT_BOUNDED);
    assert_int_equal(fact_of(body, "spend.by_model.mystery")->state, FACT_UNKNOWN);
    report_free(body);
    dataset_close(dataset);
}

/* One model name from two providers, neither known: one need, one count. */
static void test_a_model_of_two_providers_is_named_once(void **state)
{
    struct dataset *dataset =
        dataset_of(STR("{\"model\":\"m-x\",\"provider\":\"a\",\"input_tokens\":1}\n"
                       "{\"model\":\"m-x\",\"provider\":\"b\",\"input_tokens\":1}\n"
                       "{\"model\":\"m-x\",\"provider\":\"b\",\"input_tokens\":1}\n"));

    (void)state;
    struct report *body = call_tool("dataset_profile", dataset, "");
    assert_fact(body, "requests.unpriced.by_model.m-x", "3");
    assert_int_equal(body->needs.count, 1);
    assert_gate(body, "dataset_profile");
    report_free(body);
    dataset_close(dataset);
}

/* A model with a price, called in a service tier that has none: somebody must say so. */
static void test_a_tier_without_a_price_is_named(void **state)
{
    struct dataset *dataset =
        dataset_of(STR("{\"model\":\"gpt-4-turbo\",\"service_tier\":\"flex\",\"input_tokens\":1}\n"
                       "{\"model\":\"gpt-4-turbo\",\"input_tokens\":1}\n"));

    (void)state;
    assert_int_equal(dataset->sums.unpriced, 1);
    struct report *body = call_tool("dataset_profile", dataset, "");
    assert_true(lines_say(&body->needs, "gpt-4-turbo"));
    assert_fact(body, "requests.unpriced.by_model.gpt-4-turbo", "1");
    report_free(body);
    dataset_close(dataset);
}

/* All that has blocks failed: nothing was simulated, and no picture shows $0. */
static void test_a_cache_of_nothing_has_no_figures(void **state)
{
    struct dataset *dataset = dataset_of(
        STR("{" TIME("1") "\"model\":\"gpt-4o\",\"status\":\"error\",\"input_tokens\":64,"
                          "\"hash_ids\":[1],\"block_size\":16}\n"));

    (void)state;
    check_all(dataset);
    struct report *body = call_tool("cache_audit", dataset, "");
    assert_fact(body, "cache.cost.ttl_300", "unknown");
    report_free(body);
    dataset_close(dataset);
}

static void test_no_records_is_said_before_anything_runs(void **state)
{
    struct dataset *dataset = dataset_of(STR(""));

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        struct report *body = NULL;
        struct error error = {0};
        int code = try_tool(calls[i].tool, dataset, calls[i].args, &body, &error);

        assert_int_equal(code, tool_named(calls[i].tool)->needs_records ? ERR_NO_RECORDS : OK);
        report_free(body);
    }
    dataset_close(dataset);
}

static void test_a_cancelled_call_does_not_run(void **state)
{
    atomic_bool is_cancelled = true;
    struct tool_context context = {.is_cancelled = &is_cancelled};
    struct report *body;
    struct error error = {0};

    (void)state;
    assert_int_equal(
        tool_call(tool_named("price_lookup"), &context, STR("{\"model\":\"m\"}"), &body, &error),
        ERR_CANCELLED);
}

/* ---- values, by hand ---- */

#define CALL(second, feature, status, latency, hash)                                               \
    "{" TIME(second) "\"model\":\"gpt-4o\",\"feature\":\"" feature "\",\"status\":\"" status       \
                     "\",\"input_tokens\":1000000,\"output_tokens\":0,\"latency_ms\":" latency     \
                     ",\"prompt_hash\":" hash ",\"streamed\":false}\n"
#define LATE                                                                                       \
    "{\"time\":\"2026-01-01T00:01:00Z\",\"model\":\"gpt-4o\",\"feature\":\"a\","                   \
    "\"user\":\"u\",\"session\":\"s\",\"input_tokens\":500000,\"output_tokens\":0,"                \
    "\"streamed\":true}\n"

/* gpt-4o: $2.50 a million tokens in, half of it in a batch. */
static void test_tools_say_what_the_records_say(void **state)
{
    struct dataset *dataset =
        dataset_of(STR(CALL("1", "a", "ok", "100", "1") CALL("2", "a", "error", "9000", "2")
                           CALL("8", "b", "ok", "300", "3") CALL("9", "b", "ok", "400", "3") LATE));

    (void)state;
    struct report *body = call_tool("latency_profile", dataset, "");
    assert_fact(body, "latency.p50.a", "100"); /* without the one that failed */
    assert_fact(body, "latency.p50.b", "350");
    report_free(body);
    body = call_tool("traffic_profile", dataset, "");
    assert_fact(body, "traffic.peak_tpm.calendar", "4000000");
    assert_fact(body, "traffic.peak_tpm.sliding", "4500000");
    assert_fact(body, "traffic.minutes.total", "2");
    report_free(body);
    body = call_tool("batch_eligibility", dataset, "");
    assert_fact(body, "batch.candidates", "1"); /* b: nobody is named, nothing follows */
    assert_fact(body, "batch.saving.candidates", "2.5");
    report_free(body);
    body = call_tool("duplicate_calls", dataset, "");
    assert_fact(body, "duplicates.cost", "2.5");
    report_free(body);
    body = call_tool("choose_plan", dataset, "{\"exclude\":[\"B\"]}");
    assert_fact(body, "plan.saving.total", "0"); /* both changes are about b */
    report_free(body);
    body = call_tool("choose_plan", dataset, "");
    assert_fact(body, "plan.saving.total", "3.75"); /* 5 − one call at 1.25 */
    report_free(body);
    dataset_close(dataset);
}

/* ---- names from records ---- */

#define NASTY "`{spend.total}` **7** %s%n <b>\\n\\u0000 =1+1 \\u202e|"

static void test_hostile_names_stay_names(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 40; i++) {
        buf_printf(&text,
                   "{\"time\":\"2026-01-0%dT00:00:0%dZ\",\"model\":\"%s %s\","
                   "\"feature\":\"%s%d\",\"user\":\"%s\",\"agent\":\"%s\","
                   "\"input_tokens\":2000,\"output_tokens\":5,\"prompt_hash\":7,"
                   "\"hash_ids\":[1,2],\"block_size\":1000,\"status\":\"ok\",\"latency_ms\":9,"
                   "\"cache_read_input_tokens\":0,\"streamed\":false}\n",
                   1 + i % 3, i % 9, i % 2 ? "gpt-4o" : "x", NASTY, NASTY, i % 3, NASTY, NASTY);
    }
    buf_append(&text, STR("{\"model\": broken `line` {7}\n"));
    struct dataset *dataset = dataset_of(buf_str(&text));
    assert_true(dataset->table.count > 0);
    check_all(dataset);
    buf_done(&text);
    dataset_close(dataset);
}

/* The name of an input and what could not be read of it are data too. */
static void test_hostile_paths_stay_names(void **state)
{
    struct dataset *dataset;
    struct fixture fixture;
    struct error error = {0};

    (void)state;
    fixture_init(&fixture);
    fixture_write(&fixture, STR("{\"model\":\"m\",\"input_tokens\":1}\n"));
    const char *paths[] = {fixture.path, "/nonexistent/`7` {spend.total} %s 12"};
    struct dataset_options options = {.paths = paths, .path_count = 2};
    assert_int_equal(dataset_open(&options, &dataset, &error), OK);
    struct report *body = call_tool("dataset_profile", dataset, "");
    assert_gate(body, "dataset_profile");
    report_free(body);
    dataset_close(dataset);
    fixture_done(&fixture);
}

/* A request id mapped as the feature, thousands of unknown models: tables have an end, and the
 * report says that they have. */
static void test_thousands_of_names_do_not_stop_a_tool(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 8 << 20);
    for (int i = 0; i < 3000; i++) {
        buf_printf(&text,
                   "{\"time\":\"2026-01-01T00:%02d:%02dZ\",\"model\":\"%s%d\",\"feature\":\"f%d\","
                   "\"user\":\"u%d\",\"input_tokens\":20,\"output_tokens\":5,\"prompt_hash\":%d,"
                   "\"hash_ids\":[1,2],\"block_size\":10,\"status\":\"ok\",\"latency_ms\":9,"
                   "\"cache_read_input_tokens\":0,\"streamed\":false}\n",
                   i / 60 % 60, i % 60, i % 2 ? "gpt-4o-2024-08-06" : "x", i % 2 ? 0 : i, i, i,
                   i / 2);
    }
    struct dataset *dataset = dataset_of(buf_str(&text));
    assert_int_equal(dataset->table.count, 3000);
    check_all(dataset);
    struct report *body = call_tool("spend_breakdown", dataset, "{\"by\":[\"user\"]}");
    assert_true(lines_say(&body->caveats, "{"));
    report_free(body);
    buf_done(&text);
    dataset_close(dataset);
}

/* ---- arguments that name what the records do not have ---- */

static void test_a_scope_that_no_record_has_is_refused(void **state)
{
    struct dataset *dataset = sample_dataset();
    struct report *body;
    struct error error = {0};

    (void)state;
    assert_int_equal(try_tool("what_if_model", dataset,
                              "{\"model\":\"gpt-4o\",\"scope\":\"no such %s\"}", &body, &error),
                     ERR_INVALID);
    assert_non_null(strstr(error.message, "no such %s"));
    assert_int_equal(try_tool("what_if_model", dataset,
                              "{\"model\":\"gpt-4o\",\"scope\":\"model:nope\"}", &body, &error),
                     ERR_INVALID);
    assert_int_equal(try_tool("spend_breakdown", dataset, "{\"by\":[\"colour\"]}", &body, &error),
                     ERR_INVALID);
    assert_int_equal(
        try_tool("cache_audit", dataset, "{\"ttl_s\":[1,2,3,4,5,6,7,8]}", &body, &error),
        ERR_INVALID);
    dataset_close(dataset);
}

/* A misspelt exclusion protects nothing: whoever reads the plan must learn of it. */
static void test_an_exclusion_that_no_record_has_is_said(void **state)
{
    struct dataset *dataset = sample_dataset();
    struct str known = dict_text(&dataset->table.name_dicts[USAGE_FEATURE], 1);
    char args[128];

    (void)state;
    (void)snprintf(args, sizeof(args), "{\"exclude\":[\"%.*s\",\"no such 7`feature\"]}",
                   STR_ARGS(known));
    struct report *body = call_tool("choose_plan", dataset, args);
    assert_true(lines_say(&body->caveats, "no such 7"));
    assert_int_equal(body->caveats.count, 1);
    assert_gate(body, "choose_plan");
    report_free(body);
    dataset_close(dataset);
}

/* ---- memory ---- */

static void test_every_tool_survives_every_failing_allocation(void **state)
{
    struct dataset *dataset = sample_dataset();

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        int code = ERR_NO_MEMORY;

        for (uint64_t nth = 1; code; nth++) {
            struct report *body = NULL;
            struct error error = {0};

            assert_true(nth < 5000);
            (void)alloc_fail_from(nth);
            code = try_tool(calls[i].tool, dataset, calls[i].args, &body, &error);
            (void)alloc_fail_from(0);
            if (code != OK && code != ERR_NO_MEMORY) {
                fail_msg("%s, allocation %d: %s", calls[i].tool, (int)nth, error.message);
            }
            assert_int_equal(code == OK, error.message[0] == '\0');
            report_free(body);
        }
    }
    dataset_close(dataset);
}

/* One allocation fails and the next ones do not, as in a running server: whoever does not look at
 * it goes on with less than the whole. So a call fails, or what it says is what it always says. */
static void walk_one_failure(struct dataset *dataset, size_t call, const struct buf *whole)
{
    bool is_reached = true;

    for (uint64_t nth = 1; is_reached; nth++) {
        struct report *body = NULL;
        struct error error = {0};
        uint64_t refused;

        assert_true(nth < 5000);
        alloc_fail_at(nth, 1);
        int code = try_tool(calls[call].tool, dataset, calls[call].args, &body, &error);
        is_reached = !alloc_is_failing(&refused);
        alloc_fail_at(0, 0);
        if (code == OK) {
            cleanup(buf_done) struct buf text;

            render(body, calls[call].tool, &text);
            if (!str_equal(buf_str(&text), buf_str(whole))) {
                fail_msg("%s, allocation %d: says something else", calls[call].tool, (int)nth);
            }
        } else if (code != ERR_NO_MEMORY) {
            fail_msg("%s, allocation %d: %s", calls[call].tool, (int)nth, error.message);
        }
        report_free(body);
    }
}

static void test_no_tool_says_something_else_for_want_of_memory(void **state)
{
    struct dataset *dataset = sample_dataset();

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        cleanup(buf_done) struct buf whole;
        struct report *body = call_tool(calls[i].tool, dataset, calls[i].args);

        render(body, calls[i].tool, &whole);
        report_free(body);
        walk_one_failure(dataset, i, &whole);
    }
    dataset_close(dataset);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_no_tool_says_something_else_for_want_of_memory),
    cmocka_unit_test(test_every_tool_passes_the_gate_on_a_full_sample),
    cmocka_unit_test(test_records_with_counts_only_give_unknowns),
    cmocka_unit_test(test_unknown_prices_never_become_money),
    cmocka_unit_test(test_sums_with_unknown_prices_are_bounded),
    cmocka_unit_test(test_a_model_of_two_providers_is_named_once),
    cmocka_unit_test(test_a_tier_without_a_price_is_named),
    cmocka_unit_test(test_a_cache_of_nothing_has_no_figures),
    cmocka_unit_test(test_no_records_is_said_before_anything_runs),
    cmocka_unit_test(test_a_cancelled_call_does_not_run),
    cmocka_unit_test(test_tools_say_what_the_records_say),
    cmocka_unit_test(test_hostile_names_stay_names),
    cmocka_unit_test(test_hostile_paths_stay_names),
    cmocka_unit_test(test_thousands_of_names_do_not_stop_a_tool),
    cmocka_unit_test(test_a_scope_that_no_record_has_is_refused),
    cmocka_unit_test(test_an_exclusion_that_no_record_has_is_said),
    cmocka_unit_test(test_every_tool_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
