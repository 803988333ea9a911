/*
 * Template text is read into words, names and facts, the same way for the gate and for renderers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/error.h"
#include "report/report.h"
#include "report/template.h"

static void assert_piece(struct str text, size_t *at, enum template_kind kind, const char *expected)
{
    struct template_piece piece;

    assert_true(template_next(text, at, &piece));
    assert_int_equal(piece.kind, kind);
    assert_str(piece.text, expected);
}

static void test_template_reads_pieces_in_order(void **state)
{
    struct str text = STR("Use `gpt-4o` for {spend.total}, not {a.b:high}.");
    struct template_piece piece;
    size_t at = 0;

    (void)state;
    assert_piece(text, &at, TEMPLATE_WORDS, "Use ");
    assert_piece(text, &at, TEMPLATE_NAME, "gpt-4o");
    assert_piece(text, &at, TEMPLATE_WORDS, " for ");
    assert_piece(text, &at, TEMPLATE_FACT, "spend.total");
    assert_piece(text, &at, TEMPLATE_WORDS, ", not ");
    assert_true(template_next(text, &at, &piece));
    assert_int_equal(piece.form, FORM_HIGH);
    assert_str(piece.text, "a.b");
    assert_piece(text, &at, TEMPLATE_WORDS, ".");
    assert_false(template_next(text, &at, &piece));
}

static void test_template_says_what_is_broken(void **state)
{
    static const char *const broken[] = {"{spend", "`name", "{}", "{:low}", "```", "{"};
    struct template_piece piece;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(broken); i++) {
        size_t at = 0;

        assert_true(template_next(str_from(broken[i]), &at, &piece));
        assert_int_equal(piece.kind, TEMPLATE_BROKEN);
        assert_false(template_next(str_from(broken[i]), &at, &piece));
    }
}

static void assert_name_survives(const char *name, const char *expected)
{
    struct template_piece piece;
    struct buf text;
    struct buf shown;
    size_t at = 0;

    buf_init(&text, 4096);
    buf_init(&shown, 4096);
    report_append_name(&text, str_from(name));
    assert_true(template_next(buf_str(&text), &at, &piece));
    assert_int_equal(piece.kind, TEMPLATE_NAME);
    assert_int_equal(at, text.length);
    template_append_name(&shown, piece.text);
    assert_str(buf_str(&shown), expected);
    buf_done(&text);
    buf_done(&shown);
}

static void test_template_name_holds_any_name(void **state)
{
    (void)state;
    assert_name_survives("gpt-4o", "gpt-4o");
    assert_name_survives("a`b", "a`b");
    assert_name_survives("`", "`");
    assert_name_survives("``x`", "``x`");
    assert_name_survives("{spend.total}", "{spend.total}");
    assert_name_survives("a\nb", "a b");
    assert_name_survives("\x1b[31mred", "red");
    assert_name_survives("", "(no name)");
    assert_name_survives("\xe2\x80\xae", "(no name)");
}

static void test_template_fills_in_facts(void **state)
{
    struct fact known = {.id = STR("k"), .unit = UNIT_USD, .value = decimal_of(3, 1)};
    struct fact unknown = {.id = STR("u"),
                           .state = FACT_UNKNOWN,
                           .unit = UNIT_MS,
                           .needs = STR("latency\x1b[31m records")};
    struct fact bounded = {.id = STR("b"),
                           .state = FACT_BOUNDED,
                           .unit = UNIT_USD,
                           .has_bounds = true,
                           .low = decimal_of(1, 0),
                           .high = decimal_of(2, 0)};
    struct fact_set facts;
    struct buf out;

    (void)state;
    fact_set_init(&facts);
    assert_int_equal(fact_set_add(&facts, &known), OK);
    assert_int_equal(fact_set_add(&facts, &unknown), OK);
    assert_int_equal(fact_set_add(&facts, &bounded), OK);
    buf_init(&out, 4096);
    template_print_plain(&out, STR("{k} {k:exact} {k:low} {u} {u:low} {b} {b:low} {b:high} {no}"),
                         &facts);
    assert_str(buf_str(&out),
               "$0.30 0.3 $0.30 unknown (needs latency records) unknown (needs latency records) "
               "$1.00 to $2.00 $1.00 $2.00 unknown (there is no such fact)");
    buf_clear(&out);
    template_print_plain(&out, STR("costs {k} of `x`"), NULL);
    assert_str(buf_str(&out), "costs … of x");
    buf_done(&out);
    fact_set_done(&facts);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_template_reads_pieces_in_order),
    cmocka_unit_test(test_template_says_what_is_broken),
    cmocka_unit_test(test_template_name_holds_any_name),
    cmocka_unit_test(test_template_fills_in_facts),
};

UNIT_MAIN(tests)
