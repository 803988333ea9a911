/*
 * Building a report: texts are copied, pointers stay valid, limits are named, and any allocation
 * may fail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "sample_report.h"

static void test_report_copies_texts(void **state)
{
    char text[] = "words";
    struct report_cell cell = {.text = {text, 5}};
    struct report_action action = {.title = {text, 5}, .risk = {text, 5}};
    const char *columns[] = {text};
    struct report *report;
    struct report_section *section;
    struct report_table *table;

    (void)state;
    assert_int_equal(report_new(&report), OK);
    assert_int_equal(report_add_line(report, &report->summary, (struct str){text, 5}), OK);
    assert_int_equal(report_add_section(report, text, text, &section), OK);
    assert_int_equal(report_add_paragraph(report, section, (struct str){text, 5}), OK);
    assert_int_equal(report_add_table(report, section, text, columns, 1, &table), OK);
    assert_int_equal(report_add_row(report, table, &cell), OK);
    assert_int_equal(report_add_action(report, &action), OK);
    memset(text, 'x', 5);
    assert_str(report->summary.lines[0], "words");
    assert_str(section->title, "words");
    assert_str(section->blocks[0].text, "words");
    assert_str(table->title, "words");
    assert_str(table->columns[0], "words");
    assert_str(table->cells[0].text, "words");
    assert_str(table->cells[0].fact_id, "");
    assert_str(report->actions[0].title, "words");
    report_free(report);
}

static void test_report_section_pointers_stay_valid(void **state)
{
    struct report_section *sections[REPORT_SECTIONS_MAX];
    struct report_section *extra = NULL;
    struct report *report;

    (void)state;
    assert_int_equal(report_new(&report), OK);
    for (size_t i = 0; i < REPORT_SECTIONS_MAX; i++) {
        assert_int_equal(report_add_section(report, "s", "t", &sections[i]), OK);
    }
    assert_int_equal(report_add_section(report, "s", "t", &extra), ERR_LIMIT);
    assert_null(extra);
    assert_int_equal(report_add_paragraph(report, sections[0], STR("first")), OK);
    assert_str(report->sections[0].blocks[0].text, "first");
    report_free(report);
}

static void test_report_list_items_continue_the_last_list(void **state)
{
    struct report_section *section;
    struct report *report;

    (void)state;
    assert_int_equal(report_new(&report), OK);
    assert_int_equal(report_add_section(report, "s", "t", &section), OK);
    assert_int_equal(report_add_list_item(report, section, STR("a")), OK);
    assert_int_equal(report_add_list_item(report, section, STR("b")), OK);
    assert_int_equal(report_add_paragraph(report, section, STR("p")), OK);
    assert_int_equal(report_add_list_item(report, section, STR("c")), OK);
    assert_int_equal(section->block_count, 3);
    assert_int_equal(section->blocks[0].list.count, 2);
    assert_str(section->blocks[0].list.lines[1], "b");
    assert_str(section->blocks[2].list.lines[0], "c");
    report_free(report);
}

static void test_report_names_its_limits(void **state)
{
    const char *columns[REPORT_COLUMNS_MAX + 1] = {"c"};
    struct report_cell cell = {.text = STR("x")};
    struct report_section *section;
    struct report_table *table;
    struct report *report;

    (void)state;
    assert_int_equal(report_new(&report), OK);
    for (size_t i = 0; i < REPORT_LINES_MAX; i++) {
        assert_int_equal(report_add_line(report, &report->needs, STR("x")), OK);
    }
    assert_int_equal(report_add_line(report, &report->needs, STR("x")), ERR_LIMIT);
    assert_int_equal(report->needs.count, REPORT_LINES_MAX);
    assert_int_equal(report_add_section(report, "s", "t", &section), OK);
    assert_int_equal(
        report_add_table(report, section, "t", columns, REPORT_COLUMNS_MAX + 1, &table), ERR_LIMIT);
    assert_int_equal(report_add_table(report, section, "t", columns, 0, &table), ERR_LIMIT);
    assert_int_equal(report_add_table(report, section, "t", columns, 1, &table), OK);
    for (size_t i = 0; i < REPORT_LINES_MAX; i++) {
        assert_int_equal(report_add_row(report, table, &cell), OK);
    }
    assert_int_equal(report_add_row(report, table, &cell), ERR_LIMIT);
    assert_int_equal(table->row_count, REPORT_LINES_MAX);
    assert_str(table->cells[REPORT_LINES_MAX - 1].text, "x");
    report_free(report);
}

static void test_report_figure_is_copied_deep(void **state)
{
    char label[] = "name";
    struct figure_point point = {{label, 4}, STR(""), decimal_of(1, 0)};
    struct figure figure = {.id = {label, 4},
                            .title = {label, 4},
                            .alt = {label, 4},
                            .series = {{{label, 4}, &point, 1}},
                            .series_count = 1};
    struct report_section *section;
    struct report *report;

    (void)state;
    assert_int_equal(report_new(&report), OK);
    assert_int_equal(report_add_section(report, "s", "t", &section), OK);
    assert_int_equal(report_add_figure(report, section, &figure), OK);
    memset(label, 'x', 4);
    point.value = decimal_of(2, 0);
    const struct figure *copy = section->blocks[0].figure;
    assert_str(copy->id, "name");
    assert_str(copy->series[0].name, "name");
    assert_str(copy->series[0].points[0].label, "name");
    assert_true(copy->series[0].points[0].value.digits == 1);
    figure.series[0].count = FIGURE_POINTS_MAX + 1;
    assert_int_equal(report_add_figure(report, section, &figure), ERR_LIMIT);
    figure.series_count = FIGURE_SERIES_MAX + 1;
    assert_int_equal(report_add_figure(report, section, &figure), ERR_LIMIT);
    assert_int_equal(section->block_count, 1);
    report_free(report);
}

static void test_report_building_survives_no_memory(void **state)
{
    struct report *report = NULL;
    uint64_t nth = 1;
    int code;

    (void)state;
    do {
        (void)alloc_fail_from(nth++);
        code = sample_report_new(&report);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_true((code == OK) == (report != NULL));
    } while (code);
    assert_true(nth > 10);
    report_free_pointer(&report);
    assert_null(report);
    report_free(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_report_copies_texts),
    cmocka_unit_test(test_report_section_pointers_stay_valid),
    cmocka_unit_test(test_report_list_items_continue_the_last_list),
    cmocka_unit_test(test_report_names_its_limits),
    cmocka_unit_test(test_report_figure_is_copied_deep),
    cmocka_unit_test(test_report_building_survives_no_memory),
};

UNIT_MAIN(tests)
