/*
 * A set of facts holds one number per id, keeps its order, and refuses facts that contradict
 * themselves or each other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "base/error.h"
#include "report/fact.h"
#include "json/json_read.h"

static struct fact usd(const char *id, int64_t pico)
{
    return (struct fact){.id = str_from(id),
                         .label = STR("spend"),
                         .value = decimal_of(pico, 12),
                         .unit = UNIT_USD,
                         .n = 3,
                         .method = STR("sum"),
                         .query = STR("q {}")};
}

static void test_fact_set_copies_and_finds(void **state)
{
    char id[] = "spend.total";
    struct fact fact = usd(id, 5);
    struct fact_set set;

    (void)state;
    fact_set_init(&set);
    assert_null(fact_find(&set, STR("spend.total")));
    assert_int_equal(fact_set_add(&set, &fact), OK);
    memset(id, 'x', sizeof(id) - 1);
    const struct fact *found = fact_find(&set, STR("spend.total"));
    assert_non_null(found);
    assert_str(found->id, "spend.total");
    assert_str(found->method, "sum");
    assert_true(found->value.digits == 5);
    assert_null(fact_find(&set, STR("spend")));
    fact_set_done(&set);
    fact_set_done(&set);
}

static void test_fact_set_takes_the_same_number_again_and_no_other(void **state)
{
    struct fact fact = usd("a", 5);
    struct fact other = usd("a", 6);
    struct fact_set set;

    (void)state;
    fact_set_init(&set);
    assert_int_equal(fact_set_add(&set, &fact), OK);
    fact.value = decimal_of(5000, 15); /* the same number in another scale */
    assert_int_equal(fact_set_add(&set, &fact), OK);
    assert_int_equal(fact_set_add(&set, &other), ERR_INVALID);
    other = usd("a", 5);
    other.unit = UNIT_TOKENS;
    assert_int_equal(fact_set_add(&set, &other), ERR_INVALID);
    other = usd("a", 5);
    other.state = FACT_UNKNOWN;
    other.needs = STR("prices");
    assert_int_equal(fact_set_add(&set, &other), ERR_INVALID);
    assert_int_equal(set.count, 1);
    assert_true(fact_find(&set, STR("a"))->value.digits == 5);
    fact_set_done(&set);
}

static void test_fact_set_refuses_contradictions(void **state)
{
    struct fact no_id = usd("", 1);
    struct fact bounded = usd("b", 1);
    struct fact unknown = usd("u", 1);
    struct fact_set set;

    (void)state;
    fact_set_init(&set);
    assert_int_equal(fact_set_add(&set, &no_id), ERR_INVALID);
    bounded.state = FACT_BOUNDED;
    assert_int_equal(fact_set_add(&set, &bounded), ERR_INVALID);
    bounded.has_bounds = true;
    bounded.low = decimal_of(2, 12);
    bounded.high = decimal_of(1, 12);
    assert_int_equal(fact_set_add(&set, &bounded), ERR_INVALID);
    bounded.high = decimal_of(2, 12);
    assert_int_equal(fact_set_add(&set, &bounded), OK);
    unknown.state = FACT_UNKNOWN;
    assert_int_equal(fact_set_add(&set, &unknown), ERR_INVALID);
    unknown.needs = STR("quality scores");
    assert_int_equal(fact_set_add(&set, &unknown), OK);
    assert_int_equal(set.count, 2);
    fact_set_done(&set);
}

static void test_fact_set_merges_in_order(void **state)
{
    struct fact facts[] = {usd("a", 1), usd("b", 2), usd("c", 3)};
    struct fact_set set;
    struct fact_set from;

    (void)state;
    fact_set_init(&set);
    fact_set_init(&from);
    assert_int_equal(fact_set_add(&set, &facts[1]), OK);
    for (size_t i = 0; i < ARRAY_LENGTH(facts); i++) {
        assert_int_equal(fact_set_add(&from, &facts[i]), OK);
    }
    assert_int_equal(fact_set_merge(&set, &from), OK);
    fact_set_done(&from);
    assert_int_equal(set.count, 3);
    assert_str(set.facts[0].id, "b");
    assert_str(set.facts[1].id, "a");
    assert_str(set.facts[2].id, "c");
    fact_set_done(&set);
}

static void test_fact_set_is_unchanged_by_a_failed_addition(void **state)
{
    struct fact first = usd("a", 1);
    struct fact second = usd("b", 2);
    struct fact_set set;
    int code;
    uint64_t nth = 1;

    (void)state;
    do {
        fact_set_init(&set);
        (void)alloc_fail_from(nth++);
        code = fact_set_add(&set, &first);
        if (code == OK) {
            code = fact_set_add(&set, &second);
        }
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_int_equal(set.count,
                         (fact_find(&set, STR("a")) != NULL) + (fact_find(&set, STR("b")) != NULL));
        assert_int_equal(fact_set_add(&set, &second), OK); /* still usable */
        fact_set_done(&set);
    } while (code);
    assert_true(nth > 4);
}

static void assert_id(const char *name, const char *expected)
{
    struct buf id;

    buf_init(&id, 4096);
    fact_id_append(&id, str_from(name));
    assert_str(buf_str(&id), expected);
    buf_done(&id);
}

static void test_fact_id_escapes_what_would_end_it(void **state)
{
    (void)state;
    assert_id("gpt-4o", "gpt-4o");
    assert_id("gpt-4.1 mini", "gpt-4%2E1%20mini");
    assert_id("100%", "100%25");
    assert_id("a\nb\x7f", "a%0Ab%7F");
    assert_id("{x}`", "%7Bx%7D%60");
    assert_id("llama3:8b", "llama3:8b");
    assert_id("x:low", "x%3Alow");
    assert_id("x:exact", "x%3Aexact");
    assert_id("modèle", "modèle");
    assert_id("\xff\xfe", "%FF%FE");
    assert_id("\xc2\x9b", "%C2%9B");
    assert_id("", "");
}

static void test_fact_json_is_read_back(void **state)
{
    struct fact fact = usd("a", INT64_C(5285108495000));
    struct json_parser *parser = NULL;
    struct json_value root;
    struct json_writer w;
    struct str text;
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    fact.state = FACT_BOUNDED;
    fact.has_bounds = true;
    fact.low = decimal_of(1, 0);
    fact.high = decimal_of(INT64_C(5285108495000), 12);
    w = json_writer_on(&out);
    fact_write_json(&fact, &w);
    assert_int_equal(json_parser_new(4096, &parser), OK);
    assert_int_equal(json_parse(parser, buf_str(&out), &root, NULL), OK);
    assert_true(json_get_str(json_at(root, "value"), &text));
    assert_str(text, "5.285108495");
    assert_true(json_get_str(json_at(root, "low"), &text));
    assert_str(text, "1");
    assert_true(json_get_str(json_at(root, "printed"), &text));
    assert_str(text, "$1.00 to $5.29");
    buf_clear(&out);
    fact = usd("u", 7);
    fact.unit = UNIT_TOKENS;
    fact.value = decimal_of(7, 0);
    w = json_writer_on(&out);
    fact_write_json(&fact, &w);
    assert_str(buf_str(&out),
               "{\"label\":\"spend\",\"value\":7,\"unit\":\"tokens\",\"state\":\"computed\","
               "\"printed\":\"7\",\"n\":3,\"method\":\"sum\",\"query\":\"q {}\"}");
    buf_clear(&out);
    fact.state = FACT_UNKNOWN;
    fact.needs = STR("scores");
    w = json_writer_on(&out);
    fact_write_json(&fact, &w);
    assert_int_equal(json_parse(parser, buf_str(&out), &root, NULL), OK);
    assert_true(json_is(json_at(root, "value"), JSON_NULL));
    assert_true(json_get_str(json_at(root, "needs"), &text));
    assert_str(text, "scores");
    json_parser_free(parser);
    buf_done(&out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fact_set_copies_and_finds),
    cmocka_unit_test(test_fact_set_takes_the_same_number_again_and_no_other),
    cmocka_unit_test(test_fact_set_refuses_contradictions),
    cmocka_unit_test(test_fact_set_merges_in_order),
    cmocka_unit_test(test_fact_set_is_unchanged_by_a_failed_addition),
    cmocka_unit_test(test_fact_id_escapes_what_would_end_it),
    cmocka_unit_test(test_fact_json_is_read_back),
};

UNIT_MAIN(tests)
