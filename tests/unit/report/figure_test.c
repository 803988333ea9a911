/*
 * Figures: bars as long as their values say, ticks at round numbers, nothing lost without a word.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/error.h"
#include "render.h"
#include "report/figure.h"
#include "report/figure_scale.h"
#include "report/visible.h"

static struct figure figure_of(enum figure_kind kind, struct figure_point *points, size_t count)
{
    return (struct figure){.id = STR("f"),
                           .kind = kind,
                           .title = STR("Spend"),
                           .alt = STR("What is spent."),
                           .unit = UNIT_USD,
                           .series = {{STR(""), points, count}},
                           .series_count = 1};
}

static void assert_text(const struct figure *figure, unsigned width, const char *expected)
{
    struct buf out;

    buf_init(&out, RENDER_BYTES_MAX);
    figure_render_text(figure, width, /* colour */ false, &out);
    assert_str(buf_str(&out), expected);
    buf_done(&out);
}

static void test_figure_bars_are_as_long_as_their_values(void **state)
{
    struct figure_point points[] = {{STR("a"), STR(""), decimal_of(10, 0)},
                                    {STR("b"), STR(""), decimal_of(5, 0)},
                                    {STR("c"), STR(""), decimal_of(1, 3)},
                                    {STR("d"), STR(""), decimal_of(0, 0)}};
    struct figure figure = figure_of(FIGURE_BARS, points, 4);

    (void)state;
    assert_text(&figure, 20,
                "Spend\n"
                "a  ██████████ $10.00\n"
                "b  █████ $5.00\n"
                "c  ▏ $0.001\n"
                "d   $0.00\n");
}

static void test_figure_waterfall_floats_its_changes(void **state)
{
    struct figure_point points[] = {{STR("now"), STR(""), decimal_of(10, 0)},
                                    {STR("less"), STR(""), decimal_of(-4, 0)},
                                    {STR("more"), STR(""), decimal_of(2, 0)},
                                    {STR("then"), STR(""), decimal_of(8, 0)}};
    struct figure figure = figure_of(FIGURE_WATERFALL, points, 4);

    (void)state;
    assert_text(&figure, 23,
                "Spend\n"
                "now   ██████████ $10.00\n"
                "less        ▒▒▒▒ −$4.00\n"
                "more        ██ +$2.00\n"
                "then  ████████ $8.00\n");
}

static void test_figure_says_what_it_leaves_out(void **state)
{
    struct figure_point points[60];
    struct figure figure = figure_of(FIGURE_BARS, points, 60);
    struct buf out;

    (void)state;
    for (size_t i = 0; i < 60; i++) {
        points[i] = (struct figure_point){STR("a"), STR(""), decimal_of(1, 0)};
    }
    buf_init(&out, RENDER_BYTES_MAX);
    figure_render_text(&figure, 80, false, &out);
    assert_true(holds(&out, "… and 40 more\n"));
    buf_clear(&out);
    figure_render_svg(&figure, NULL, &out);
    assert_true(holds(&out, "… and 20 more"));
    assert_int_equal(count_of(&out, "<rect"), FIGURE_ROWS_SVG);
    buf_done(&out);
}

static void test_figure_without_values_says_so(void **state)
{
    struct figure figure = figure_of(FIGURE_LINES, NULL, 0);
    struct buf out;

    (void)state;
    assert_text(&figure, 80, "Spend\nno values\n");
    figure.series_count = 0;
    assert_text(&figure, 80, "Spend\nno values\n");
    buf_init(&out, RENDER_BYTES_MAX);
    figure_render_svg(&figure, NULL, &out);
    assert_true(holds(&out, "no values"));
    buf_done(&out);
}

/* Any kind, any count of points and series, any sign, any width: inside the width, no crash. */
static void test_figure_fits_for_all_shapes(void **state)
{
    static const size_t counts[] = {1, 2, 3, 59, 400};
    struct figure_point points[400];

    (void)state;
    for (size_t c = 0; c < ARRAY_LENGTH(counts) * 3 * 2; c++) {
        size_t count = counts[c / 6];
        struct figure figure = figure_of((enum figure_kind)(c % 3), points, count);
        bool several = c / 3 % 2;

        for (size_t i = 0; i < count; i++) {
            points[i] = (struct figure_point){STR("a label 模型"), STR(""),
                                              decimal_of((int128)(i * 7919 % 1000) - 300, 2)};
        }
        for (size_t s = 0; s < FIGURE_SERIES_MAX && several; s++) {
            figure.series[s] = (struct figure_series){STR("a series"), points, count - s % 2};
            figure.series_count = s + 1;
        }
        for (unsigned width = 0; width < 200; width += 37) {
            struct buf out;

            buf_init(&out, RENDER_BYTES_MAX);
            figure_render_text(&figure, width, false, &out);
            for (size_t at = 0; at < out.length;) {
                size_t end = str_find(buf_str(&out), STR("\n"), at);
                unsigned used = visible_width(str_slice(buf_str(&out), at, end));
                unsigned most = width < 32 ? 32 : width > 160 ? 160 : width;
                if (used > most) {
                    fail_msg("kind %d width %u: %u columns\n%.*s", (int)figure.kind, width, used,
                             STR_ARGS(str_slice(buf_str(&out), at, end)));
                }
                at = end + 1;
            }
            figure_render_svg(&figure, NULL, &out);
            assert_int_equal(buf_status(&out), OK);
            assert_false(holds(&out, "nan"));
            assert_false(holds(&out, "=\"\""));
            buf_done(&out);
        }
    }
}

static void test_figure_text_has_no_foreign_escapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTILE_NAMES; i++) {
        struct figure_point points[] = {{hostile_name(i), STR(""), decimal_of(1, 0)}};
        struct figure figure = figure_of(FIGURE_BARS, points, 1);
        struct buf out;

        buf_init(&out, RENDER_BYTES_MAX);
        figure_render_text(&figure, 80, false, &out);
        assert_false(holds(&out, "\x1b"));
        assert_int_equal(count_of(&out, "\n"), 2);
        buf_clear(&out);
        figure.id = hostile_name(i);
        figure_render_svg(&figure, NULL, &out);
        assert_int_equal(count_of(&out, "<svg"), 1);
        assert_false(holds(&out, "<script"));
        assert_true(str_is_utf8(buf_str(&out)));
        buf_done(&out);
    }
}

static void test_figure_ticks_are_round(void **state)
{
    (void)state;
    assert_true(figure_tick_step(100, 5) == 20);
    assert_true(figure_tick_step(101, 5) == 50);
    assert_true(figure_tick_step(1, 5) > 0.199 && figure_tick_step(1, 5) < 0.201);
    assert_true(figure_tick_step(7e9, 4) == 2e9);
    assert_true(figure_tick_step(0.00003, 3) < 0.0000101);
}

static void assert_tick(enum fact_unit unit, double value, double step, const char *expected)
{
    struct buf out;

    buf_init(&out, 256);
    figure_print_tick(unit, value, step, &out);
    assert_str(buf_str(&out), expected);
    buf_done(&out);
}

static void test_figure_ticks_print_short(void **state)
{
    (void)state;
    assert_tick(UNIT_USD, 2000, 500, "$2,000");
    assert_tick(UNIT_USD, 0.4, 0.2, "$0.4");
    assert_tick(UNIT_USD, 0, 0.2, "$0.0");
    assert_tick(UNIT_USD, -50, 25, "−$50");
    assert_tick(UNIT_RATIO, 0.25, 0.05, "25 %");
    assert_tick(UNIT_RATIO, 0.0025, 0.0005, "0.25 %");
    assert_tick(UNIT_MS, 1500, 500, "1.5 s");
    assert_tick(UNIT_TPM, 2000000, 500000, "2,000,000");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_figure_bars_are_as_long_as_their_values),
    cmocka_unit_test(test_figure_waterfall_floats_its_changes),
    cmocka_unit_test(test_figure_says_what_it_leaves_out),
    cmocka_unit_test(test_figure_without_values_says_so),
    cmocka_unit_test(test_figure_fits_for_all_shapes),
    cmocka_unit_test(test_figure_text_has_no_foreign_escapes),
    cmocka_unit_test(test_figure_ticks_are_round),
    cmocka_unit_test(test_figure_ticks_print_short),
};

UNIT_MAIN(tests)
