/*
 * The quality gate: a table of offences, each planted into a report that passes without it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/error.h"
#include "sample_report.h"

/* Adds a known, an unknown and a bounded fact to an otherwise empty report with a next step. */
static struct report *minimal_report(void)
{
    struct fact known = {.id = STR("spend.total"), .unit = UNIT_USD, .value = decimal_of(7, 0)};
    struct fact unknown = {
        .id = STR("quality"), .unit = UNIT_RATIO, .state = FACT_UNKNOWN, .needs = STR("scores")};
    struct fact at_least = {.id = STR("floor"),
                            .unit = UNIT_USD,
                            .state = FACT_BOUNDED,
                            .low = decimal_of(3, 0),
                            .has_bounds = true,
                            .is_open = true};
    struct report *report;

    assert_int_equal(report_new(&report), OK);
    assert_int_equal(fact_set_add(&report->facts, &known), OK);
    assert_int_equal(fact_set_add(&report->facts, &at_least), OK);
    assert_int_equal(fact_set_add(&report->facts, &unknown), OK);
    assert_int_equal(report_add_line(report, &report->next_steps, STR("Do it.")), OK);
    return report;
}

static void assert_refused(struct report *report, const char *message)
{
    struct error error = {0};
    size_t count = 0;

    assert_int_equal(report_gate(report, &count, &error), ERR_INVALID);
    assert_int_equal(count, 1);
    assert_string_equal(error.message, message);
    report_free(report);
}

static void assert_passes(struct report *report)
{
    struct error error = {0};
    size_t count = 7;

    assert_int_equal(report_gate(report, &count, &error), OK);
    assert_int_equal(count, 0);
    report_free(report);
}

struct line {
    const char *text;
    const char *offence; /* NULL: passes */
};

static const struct line lines[] = {
    {"It costs {spend.total}, exactly {spend.total:exact}.", NULL},
    {"Use `gpt-4o` and `claude-3.5`.", NULL},
    {"Whether it is good: {quality}.", NULL},
    {"Unknown bounds: {quality:low}.", NULL},
    {"Half of it, two or three times.", NULL},
    {"", NULL},
    {"It costs 5 dollars.", "no fact carries the digit '5'"},
    {"It costs {spend.total} or 0.", "no fact carries the digit '0'"},
    {"Saves ٥ dollars.", "no fact carries the digit '٥'"},
    {"Saves ５.", "no fact carries the digit '５'"},
    {"x²", "no fact carries the digit '²'"},
    {"½ of it", "no fact carries the digit '½'"},
    {"Phase Ⅷ", "no fact carries the digit 'Ⅷ'"},
    {"① first", "no fact carries the digit '①'"},
    {"{spend.other}", "there is no fact 'spend.other'"},
    {"{spend.total:median}", "there is no fact 'spend.total:median'"},
    {"{spend.total:low}", "bounds are named of a fact that has none 'spend.total'"},
    {"At least {floor:low}, that is {floor}.", NULL},
    {"{floor:high}", "bounds are named of a fact that has none 'floor'"},
    {"{spend.total", "a name or a fact is not closed"},
    {"the `model", "a name or a fact is not closed"},
    {"bytes \xff", "no fact carries the digit '\xff'"},
};

static void test_gate_judges_prose(void **state)
{
    char message[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        struct report *report = minimal_report();

        assert_int_equal(report_add_line(report, &report->summary, str_from(lines[i].text)), OK);
        if (lines[i].offence) {
            (void)snprintf(message, sizeof(message), "report refused: summary 1: %s",
                           lines[i].offence);
            assert_refused(report, message);
        } else {
            assert_passes(report);
        }
    }
}

static void test_gate_reads_every_list(void **state)
{
    (void)state;
    for (int list = 0; list < 5; list++) {
        struct report *report = minimal_report();
        struct report_lines *all[] = {&report->summary, &report->caveats, &report->needs,
                                      &report->next_steps, &report->assumptions};

        assert_int_equal(report_add_line(report, all[list], STR("costs 3")), OK);
        assert_int_equal(report_gate(report, NULL, NULL), ERR_INVALID);
        report_free(report);
    }
}

static void test_gate_reads_sections(void **state)
{
    static const char *const columns[] = {"model", "saves 20 %"};
    static const char *const good_columns[] = {"model", "`p95`"};
    struct report_section *section;
    struct report_table *table;
    struct report_cell row[2] = {{.text = STR("gpt-4o")}, {.fact_id = STR("spend.other")}};

    (void)state;
    struct report *report = minimal_report();
    assert_int_equal(report_add_section(report, "s", "Top 5 models", &section), OK);
    assert_refused(report, "report refused: section s: no fact carries the digit '5'");

    report = minimal_report();
    assert_int_equal(report_add_section(report, "s", "Costs {spend.total}", &section), OK);
    assert_refused(report, "report refused: section s: a title names the fact 'spend.total'");

    report = minimal_report();
    assert_int_equal(report_add_section(report, "s", "Spend", &section), OK);
    assert_int_equal(report_add_paragraph(report, section, STR("fine")), OK);
    assert_int_equal(report_add_paragraph(report, section, STR("saves 20 %")), OK);
    assert_int_equal(report_gate(report, NULL, NULL), ERR_INVALID);
    report_free(report);

    report = minimal_report();
    assert_int_equal(report_add_section(report, "s", "Spend", &section), OK);
    assert_int_equal(report_add_list_item(report, section, STR("{nothing}")), OK);
    assert_refused(report, "report refused: list in section s 1: there is no fact 'nothing'");

    report = minimal_report();
    assert_int_equal(report_add_section(report, "s", "Spend", &section), OK);
    assert_int_equal(report_add_table(report, section, "T", columns, 2, &table), OK);
    assert_int_equal(report_gate(report, NULL, NULL), ERR_INVALID);
    report_free(report);

    report = minimal_report();
    assert_int_equal(report_add_section(report, "s", "Spend", &section), OK);
    assert_int_equal(report_add_table(report, section, "T", good_columns, 2, &table), OK);
    assert_int_equal(report_add_row(report, table, row), OK);
    assert_refused(report, "report refused: table in section s 1: there is no fact 'spend.other'");
}

static void test_gate_judges_actions(void **state)
{
    struct report_action good = {.title = STR("Cache it"),
                                 .why = STR("It costs {spend.total}."),
                                 .how = STR("Set `ttl`."),
                                 .saving_fact = STR("spend.total"),
                                 .risk = STR("None is known.")};
    struct report_action bad = good;

    (void)state;
    struct report *report = minimal_report();
    assert_int_equal(report_add_action(report, &good), OK);
    assert_passes(report);

    bad.risk = STR(" \n");
    report = minimal_report();
    assert_int_equal(report_add_action(report, &bad), OK);
    assert_refused(report, "report refused: action 1: it names no risk");

    bad = good;
    bad.title = STR("");
    report = minimal_report();
    assert_int_equal(report_add_action(report, &bad), OK);
    assert_refused(report, "report refused: action 1: it has no title");

    bad = good;
    bad.saving_fact = STR("plan.saving");
    report = minimal_report();
    assert_int_equal(report_add_action(report, &bad), OK);
    assert_refused(report, "report refused: action 1: there is no fact 'plan.saving'");

    bad = good;
    bad.how = STR("Wait 5 minutes.");
    report = minimal_report();
    assert_int_equal(report_add_action(report, &bad), OK);
    assert_refused(report, "report refused: action 1: no fact carries the digit '5'");
}

static void test_gate_wants_a_next_step(void **state)
{
    struct report *report;

    (void)state;
    assert_int_equal(report_new(&report), OK);
    assert_refused(report, "report refused: next steps: there is none");
}

/* A report with one figure of one series of three points; NULL text stays as in the good one. */
static struct report *report_with_figure(enum figure_kind kind, const char *title, const char *alt,
                                         const char *fact_id, int last)
{
    struct figure_point points[] = {{STR("a"), str_from(fact_id), decimal_of(7, 0)},
                                    {STR("b"), STR(""), decimal_of(-2, 0)},
                                    {STR("c"), STR(""), decimal_of(last, 0)}};
    struct figure figure = {.id = STR("f"),
                            .kind = kind,
                            .title = str_from(title),
                            .alt = str_from(alt),
                            .unit = UNIT_USD,
                            .series = {{STR(""), points, 3}},
                            .series_count = 1};
    struct report *report = minimal_report();
    struct report_section *section;

    assert_int_equal(report_add_section(report, "s", "Pictures", &section), OK);
    assert_int_equal(report_add_figure(report, section, &figure), OK);
    return report;
}

static void test_gate_judges_figures(void **state)
{
    (void)state;
    assert_passes(report_with_figure(FIGURE_BARS, "Spend", "Of {spend.total}.", "spend.total", 9));
    assert_passes(report_with_figure(FIGURE_WATERFALL, "Plan", "Parts.", "spend.total", 5));
    assert_refused(report_with_figure(FIGURE_WATERFALL, "Plan", "Parts.", "spend.total", 4),
                   "report refused: figure f 3: the parts do not add up to the last total");
    assert_refused(report_with_figure(FIGURE_BARS, "Top 3", "Parts.", "spend.total", 5),
                   "report refused: figure f: no fact carries the digit '3'");
    assert_refused(report_with_figure(FIGURE_BARS, "Spend", "", "spend.total", 5),
                   "report refused: figure f: a picture has no text alternative");
    assert_refused(report_with_figure(FIGURE_BARS, "Spend", "Parts.", "quality", 5),
                   "report refused: figure f 1: a picture shows the unknown fact 'quality'");
    assert_refused(report_with_figure(FIGURE_BARS, "Spend", "Parts.", "nothing", 5),
                   "report refused: figure f 1: there is no fact 'nothing'");
}

static void test_gate_compares_pictures_with_facts(void **state)
{
    struct report *report = report_with_figure(FIGURE_BARS, "Spend", "Parts.", "spend.total", 5);

    (void)state;
    report->sections[0].blocks[0].figure->series[0].points[0].value = decimal_of(8, 0);
    assert_refused(report, "report refused: figure f 1: a picture shows another number than the "
                           "fact 'spend.total'");
}

static void test_gate_refuses_two_figures_of_one_id(void **state)
{
    struct report *report = report_with_figure(FIGURE_BARS, "Spend", "Parts.", "spend.total", 5);

    (void)state;
    assert_int_equal(
        report_add_figure(report, &report->sections[0], report->sections[0].blocks[0].figure), OK);
    assert_refused(report, "report refused: section s 2: another figure has the id 'f'");
}

static void test_gate_counts_all_and_names_the_first(void **state)
{
    struct report *report = minimal_report();
    struct error error = {0};
    size_t count;

    (void)state;
    assert_int_equal(report_add_line(report, &report->summary, STR("one")), OK);
    assert_int_equal(report_add_line(report, &report->summary, STR("2")), OK);
    assert_int_equal(report_add_line(report, &report->caveats, STR("{x} {y}")), OK);
    assert_int_equal(report_gate(report, &count, &error), ERR_INVALID);
    assert_int_equal(count, 3);
    assert_string_equal(error.message, "report refused: summary 2: no fact carries the digit '2'");
    report_free(report);
}

static void test_gate_lets_the_samples_pass(void **state)
{
    struct report *report;

    (void)state;
    assert_int_equal(sample_report_new(&report), OK);
    assert_passes(report);
    assert_int_equal(sample_guidance_new(&report), OK);
    assert_passes(report);
    assert_int_equal(sample_report_named_new(STR("7`{x}\x1b[31m<b>|\n"), &report), OK);
    assert_passes(report);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_gate_judges_prose),
    cmocka_unit_test(test_gate_reads_every_list),
    cmocka_unit_test(test_gate_reads_sections),
    cmocka_unit_test(test_gate_judges_actions),
    cmocka_unit_test(test_gate_wants_a_next_step),
    cmocka_unit_test(test_gate_judges_figures),
    cmocka_unit_test(test_gate_compares_pictures_with_facts),
    cmocka_unit_test(test_gate_refuses_two_figures_of_one_id),
    cmocka_unit_test(test_gate_counts_all_and_names_the_first),
    cmocka_unit_test(test_gate_lets_the_samples_pass),
};

UNIT_MAIN(tests)
