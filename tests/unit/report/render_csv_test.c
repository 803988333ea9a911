/*
 * The facts as CSV: read back by a small reader of RFC 4180, they are the facts; nothing that came
 * from records can become a formula or another cell.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "render.h"
#include "report/visible.h"
#include "sample_report.h"

#define CELLS 10u

/* The next cell without its quotes; what follows it is ',' or the end of a row. False at the end
 * of the text. */
static bool next_cell(struct str csv, size_t *at, struct buf *cell, bool *ret_ends_row)
{
    buf_clear(cell);
    if (*at == csv.length) {
        return false;
    }
    if (csv.data[*at] == '"') {
        for (++*at; csv.data[*at] != '"' || csv.data[*at + 1] == '"'; ++*at) {
            buf_append_char(cell, csv.data[*at]);
            *at += csv.data[*at] == '"';
        }
        ++*at;
    } else {
        for (; !strchr(",\r\n\"", csv.data[*at]); ++*at) {
            buf_append_char(cell, csv.data[*at]);
        }
    }
    *ret_ends_row = csv.data[*at] != ',';
    if (*ret_ends_row) {
        assert_int_equal(csv.data[(*at)++], '\r');
        assert_int_equal(csv.data[*at], '\n');
    }
    ++*at;
    return true;
}

static struct report *report_with(struct str label, struct fact fact)
{
    struct report *report;

    assert_int_equal(report_new(&report), OK);
    fact.id = STR("a.b");
    fact.label = label;
    fact.method = STR("count");
    assert_int_equal(fact_set_add(&report->facts, &fact), OK);
    return report;
}

static void assert_row(struct str label, struct fact fact, const char *row)
{
    struct report *report = report_with(label, fact);
    struct buf out;

    buf_init(&out, RENDER_BYTES_MAX);
    report_render_csv(report, &out);
    assert_int_equal(buf_status(&out), OK);
    struct str text = buf_str(&out);
    size_t end = str_find(text, STR("\r\n"), 0) + 2;
    assert_str(str_slice(text, end, text.length), row);
    buf_done(&out);
    report_free(report);
}

static void assert_visible(struct str actual, struct str hidden)
{
    struct buf expected;

    buf_init(&expected, RENDER_BYTES_MAX);
    visible_append(&expected, hidden);
    assert_true(str_equal(actual, buf_str(&expected)));
    buf_done(&expected);
}

static void test_every_row_has_every_cell_whatever_the_names(void **state)
{
    struct report *report;

    (void)state;
    for (size_t i = 0; i < HOSTILE_NAMES; i++) {
        struct buf out;
        struct buf cell;
        size_t at = 0;
        size_t rows = 0;
        size_t cells = 0;
        bool ends_row = true;

        render_named(report_render_csv, hostile_name(i), &out);
        assert_int_equal(sample_report_named_new(hostile_name(i), &report), OK);
        buf_init(&cell, RENDER_BYTES_MAX);
        while (next_cell(buf_str(&out), &at, &cell, &ends_row)) {
            if (cells++ == 0 && rows) { /* facts in their order, by id */
                assert_visible(buf_str(&cell), report->facts.facts[rows - 1].id);
            }
            if (ends_row) {
                assert_int_equal(cells, CELLS);
                cells = 0;
                rows++;
            }
        }
        assert_int_equal(rows, report->facts.count + 1);
        buf_done(&cell);
        buf_done(&out);
        report_free(report);
    }
}

static void test_numbers_are_exact_and_absent_ones_empty(void **state)
{
    (void)state;
    assert_row(STR("spend"),
               (struct fact){.unit = UNIT_USD, .value = decimal_of(-25182372257, 6), .n = 7},
               "a.b,spend,-25182.372257,USD,,,computed,7,count,\r\n");
    assert_row(STR("x"),
               (struct fact){.unit = UNIT_USD,
                             .state = FACT_BOUNDED,
                             .value = decimal_of(1, 0),
                             .low = decimal_of(5, 1),
                             .high = decimal_of(2, 0),
                             .has_bounds = true},
               "a.b,x,1,USD,0.5,2,bounded,0,count,\r\n");
    assert_row(STR("x"),
               (struct fact){.unit = UNIT_USD,
                             .state = FACT_BOUNDED,
                             .value = decimal_of(1, 0),
                             .low = decimal_of(1, 0),
                             .has_bounds = true,
                             .is_open = true},
               "a.b,x,1,USD,1,,bounded,0,count,\r\n");
    assert_row(STR("x"),
               (struct fact){.unit = UNIT_MS, .state = FACT_UNKNOWN, .needs = STR("a, \"b\"")},
               "a.b,x,,ms,,,unknown,0,count,\"a, \"\"b\"\"\"\r\n");
    assert_row(STR("x"),
               (struct fact){.unit = UNIT_TIME, .value = decimal_of(INT64_C(1767225600500000), 0)},
               "a.b,x,2026-01-01T00:00:00.500000Z,time,,,computed,0,count,\r\n");
}

static void test_no_text_becomes_a_formula(void **state)
{
    const struct fact one = {.unit = UNIT_TOKENS, .value = decimal_of(1, 0)};

    (void)state;
    assert_row(STR("=1+1"), one, "a.b,'=1+1,1,tokens,,,computed,0,count,\r\n");
    assert_row(STR("+1"), one, "a.b,'+1,1,tokens,,,computed,0,count,\r\n");
    assert_row(STR("-1"), one, "a.b,'-1,1,tokens,,,computed,0,count,\r\n");
    assert_row(STR("@SUM(A1)"), one, "a.b,'@SUM(A1),1,tokens,,,computed,0,count,\r\n");
    assert_row(STR("=a,\"b\""), one, "a.b,\"'=a,\"\"b\"\"\",1,tokens,,,computed,0,count,\r\n");
    assert_row(STR("\t=1"), one, "a.b,\"' =1\",1,tokens,,,computed,0,count,\r\n");
    assert_row(STR("\xe2\x80\xae=1"), one, "a.b,'=1,1,tokens,,,computed,0,count,\r\n");
    assert_row(STR("\xef\xbc\x9d"
                   "1"),
               one,
               "a.b,'\xef\xbc\x9d"
               "1,1,tokens,,,computed,0,count,\r\n");
    assert_row(STR("a=b"), one, "a.b,a=b,1,tokens,,,computed,0,count,\r\n");
    assert_row(STR("a\r\nb"), one, "a.b,a  b,1,tokens,,,computed,0,count,\r\n");
}

static void test_csv_is_repeatable_and_survives_no_memory(void **state)
{
    (void)state;
    assert_renders_alike(report_render_csv);
    assert_survives_no_memory(report_render_csv);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_row_has_every_cell_whatever_the_names),
    cmocka_unit_test(test_numbers_are_exact_and_absent_ones_empty),
    cmocka_unit_test(test_no_text_becomes_a_formula),
    cmocka_unit_test(test_csv_is_repeatable_and_survives_no_memory),
};

UNIT_MAIN(tests)
