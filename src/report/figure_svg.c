/*
 * Figures as SVG: one element tree per picture, coordinates with one decimal, colours as CSS
 * variables with a light and a dark set, so that a page may replace them and a file on its own
 * still looks right. No scripts, no references but to its own ids.
 *
 * Text has no known width here; a column of a terminal (visible.h) is taken as CHAR_PX, a little
 * more than the average of common fonts, so labels end early rather than late.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "report/figure.h"
#include "report/figure_scale.h"
#include "report/markup.h"
#include "report/template.h"
#include "report/visible.h"

#define WIDTH_PX       860.0
#define CHAR_PX        7.2
#define ROW_PX         28.0
#define BAR_PX         16.0
#define GROUP_BAR_PX   12.0
#define GROUP_GAP_PX   14.0
#define LABEL_PX_MAX   230.0
#define LEGEND_PX      28.0
#define PLOT_PX        230.0
#define AXIS_PX        30.0
#define TICKS          5u
#define DOTS_MAX       40u /* more points than this are a line without dots */
#define AXIS_LABEL_MAX 24u
#define CORNER_RADIUS  "2"

static const char style[] =
    ".netra-figure{--nf-ink:#1d2733;--nf-soft:#5b6875;--nf-grid:#dde3e9;--nf-down:#1a7f4b;"
    "--nf-up:#b4552d;--nf-1:#1769aa;--nf-2:#c2620e;--nf-3:#2b8a5f;--nf-4:#8e4a9e;--nf-5:#5a6b7d;"
    "--nf-6:#b0355a;--nf-7:#7a7a1f;--nf-8:#2a8c9c;"
    "font:13px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
    "@media (prefers-color-scheme:dark){.netra-figure{--nf-ink:#e6ebf0;--nf-soft:#9aa8b5;"
    "--nf-grid:#333e49;--nf-down:#4cc38a;--nf-up:#e8935f;--nf-1:#5aa9e6;--nf-2:#f0a35e;"
    "--nf-3:#5cc99a;--nf-4:#c78bd6;--nf-5:#9fb0c0;--nf-6:#e77b9b;--nf-7:#c9c95a;--nf-8:#62c5d4}}"
    "@media print{.netra-figure{--nf-ink:#1d2733;--nf-soft:#5b6875;--nf-grid:#dde3e9;"
    "--nf-down:#1a7f4b;--nf-up:#b4552d;--nf-1:#1769aa;--nf-2:#c2620e;--nf-3:#2b8a5f;"
    "--nf-4:#8e4a9e;--nf-5:#5a6b7d;--nf-6:#b0355a;--nf-7:#7a7a1f;--nf-8:#2a8c9c}}"
    ".netra-figure text{fill:var(--nf-ink)}.netra-figure .nf-soft{fill:var(--nf-soft)}"
    ".netra-figure .nf-value{font-variant-numeric:tabular-nums;font-weight:600}"
    ".netra-figure .nf-grid{stroke:var(--nf-grid);stroke-width:1}"
    ".netra-figure .nf-step{stroke:var(--nf-soft);stroke-width:1;stroke-dasharray:2 3}"
    ".netra-figure .nf-down{fill:var(--nf-down)}.netra-figure .nf-up{fill:var(--nf-up)}"
    ".netra-figure .nf-s1{fill:var(--nf-1)}.netra-figure .nf-s2{fill:var(--nf-2)}"
    ".netra-figure .nf-s3{fill:var(--nf-3)}.netra-figure .nf-s4{fill:var(--nf-4)}"
    ".netra-figure .nf-s5{fill:var(--nf-5)}.netra-figure .nf-s6{fill:var(--nf-6)}"
    ".netra-figure .nf-s7{fill:var(--nf-7)}.netra-figure .nf-s8{fill:var(--nf-8)}"
    ".netra-figure polyline{fill:none;stroke-width:2;stroke-linejoin:round}"
    ".netra-figure .nf-l1{stroke:var(--nf-1)}.netra-figure .nf-l2{stroke:var(--nf-2)}"
    ".netra-figure .nf-l3{stroke:var(--nf-3)}.netra-figure .nf-l4{stroke:var(--nf-4)}"
    ".netra-figure .nf-l5{stroke:var(--nf-5)}.netra-figure .nf-l6{stroke:var(--nf-6)}"
    ".netra-figure .nf-l7{stroke:var(--nf-7)}.netra-figure .nf-l8{stroke:var(--nf-8)}";

struct svg_page {
    const struct figure *figure;
    const struct fact_set *facts;
    struct buf *out;
    struct buf text; /* one text before it is escaped */
    double low;
    double high;
    double left;  /* of the bars or of the plot */
    double right; /* where they end */
    double top;
};

static void clear_text(struct svg_page *page)
{
    if (buf_status(&page->text) && buf_status(page->out) == OK) {
        page->out->status = buf_status(&page->text);
    }
    buf_clear(&page->text);
}

/* A coordinate, independent of the locale. */
static void put_number(struct svg_page *page, double value)
{
    decimal_print_rounded(decimal_from_double(value, 1, NULL), 1, false, false, page->out);
}

static void put_attribute(struct svg_page *page, const char *name, double value)
{
    buf_printf(page->out, " %s=\"", name);
    put_number(page, value);
    buf_append_char(page->out, '"');
}

/* <text> with what page->text holds, which is emptied. */
static void put_text(struct svg_page *page, const char *class_name, const char *anchor, double x,
                     double y)
{
    buf_append(page->out, STR("<text"));
    if (class_name[0]) {
        buf_printf(page->out, " class=\"%s\"", class_name);
    }
    if (anchor[0]) {
        buf_printf(page->out, " text-anchor=\"%s\"", anchor);
    }
    put_attribute(page, "x", x);
    put_attribute(page, "y", y);
    buf_append_char(page->out, '>');
    markup_append(page->out, buf_str(&page->text));
    buf_append(page->out, STR("</text>"));
    clear_text(page);
}

static void put_line(struct svg_page *page, const char *class_name, double x1, double y1, double x2,
                     double y2)
{
    buf_printf(page->out, "<line class=\"%s\"", class_name);
    put_attribute(page, "x1", x1);
    put_attribute(page, "y1", y1);
    put_attribute(page, "x2", x2);
    put_attribute(page, "y2", y2);
    buf_append(page->out, STR("/>"));
}

/* A bar between two x, at least a pixel wide when they differ, with its whole label as tooltip. */
static void put_bar(struct svg_page *page, const char *class_name, double from, double to, double y,
                    double height, const struct figure_point *point)
{
    double x = fmin(from, to);
    double width = fabs(to - from);

    buf_printf(page->out, "<rect class=\"%s\" rx=\"" CORNER_RADIUS "\"", class_name);
    put_attribute(page, "x", x);
    put_attribute(page, "y", y);
    put_attribute(page, "width", width > 0 && width < 1 ? 1 : width);
    put_attribute(page, "height", height);
    buf_append(page->out, STR("><title>"));
    markup_append(page->out, point->label);
    buf_append(page->out, STR(": "));
    fact_print_value(page->figure->unit, point->value, &page->text);
    markup_append(page->out, buf_str(&page->text));
    clear_text(page);
    buf_append(page->out, STR("</title></rect>"));
}

static void add_value(struct svg_page *page, struct decimal value, bool is_change)
{
    if (is_change && value.digits > 0) {
        buf_append_char(&page->text, '+');
    }
    fact_print_value(page->figure->unit, value, &page->text);
}

static double x_of(const struct svg_page *page, double value)
{
    return page->left + (value - page->low) / (page->high - page->low) * (page->right - page->left);
}

static size_t shown_rows(const struct figure *figure)
{
    size_t rows = figure_row_count(figure);

    return rows < FIGURE_ROWS_SVG ? rows : FIGURE_ROWS_SVG;
}

/* Leaves room for the labels on the left and the values on the right. */
static void lay_out_rows(struct svg_page *page)
{
    const struct figure *figure = page->figure;
    unsigned label = 0;
    unsigned value = 0;

    for (size_t s = 0; s < figure->series_count; s++) {
        for (size_t i = 0; i < figure->series[s].count && i < FIGURE_ROWS_SVG; i++) {
            unsigned width = visible_width(figure->series[s].points[i].label);

            label = width > label ? width : label;
            add_value(page, figure->series[s].points[i].value, true);
            width = visible_width(buf_str(&page->text));
            value = width > value ? width : value;
            clear_text(page);
        }
    }
    page->left = fmin(label * CHAR_PX, LABEL_PX_MAX) + 12;
    page->right = WIDTH_PX - value * CHAR_PX - 16;
}

static void put_row_label(struct svg_page *page, struct str label, double y)
{
    (void)visible_append_cut(&page->text, label, (unsigned)((page->left - 12) / CHAR_PX));
    put_text(page, "", "end", page->left - 10, y);
}

static void put_zero_line(struct svg_page *page, double bottom)
{
    put_line(page, "nf-grid", x_of(page, 0), page->top, x_of(page, 0), bottom);
}

static double bars_height(const struct figure *figure)
{
    double row = figure->series_count > 1
                     ? (double)figure->series_count * GROUP_BAR_PX + GROUP_GAP_PX
                     : ROW_PX;
    bool has_more = figure_row_count(figure) > shown_rows(figure);

    return (double)shown_rows(figure) * row + (has_more ? ROW_PX : 0);
}

static void put_bars(struct svg_page *page)
{
    const struct figure *figure = page->figure;
    bool grouped = figure->series_count > 1;
    double bar = grouped ? GROUP_BAR_PX : BAR_PX;
    double row = grouped ? (double)figure->series_count * GROUP_BAR_PX + GROUP_GAP_PX : ROW_PX;
    size_t shown = shown_rows(figure);
    char class_name[32];

    put_zero_line(page, page->top + (double)shown * row);
    for (size_t i = 0; i < shown; i++) {
        double y = page->top + (double)i * row;

        for (size_t s = 0; s < figure->series_count; s++) {
            double at = y + (row - bar * (double)figure->series_count) / 2 + (double)s * bar;

            if (i >= figure->series[s].count) {
                continue;
            }
            const struct figure_point *point = &figure->series[s].points[i];
            if (s == 0) {
                put_row_label(page, point->label, y + row / 2 + 4.5);
            }
            double value = decimal_to_double(point->value);
            (void)snprintf(class_name, sizeof(class_name), "nf-s%zu", s + 1);
            put_bar(page, class_name, x_of(page, 0), x_of(page, value), at, grouped ? bar - 2 : bar,
                    point);
            add_value(page, point->value, false);
            put_text(page, "nf-value", "", fmax(x_of(page, value), x_of(page, 0)) + 6,
                     at + bar / 2 + 4);
        }
    }
    if (figure_row_count(figure) > shown) {
        buf_printf(&page->text, "… and %zu more", figure_row_count(figure) - shown);
        put_text(page, "nf-soft", "", page->left, page->top + (double)shown * row + 18);
    }
}

static void put_waterfall(struct svg_page *page)
{
    const struct figure_series *series = &page->figure->series[0];
    size_t shown = shown_rows(page->figure);
    double level = 0;

    put_zero_line(page, page->top + (double)shown * ROW_PX);
    for (size_t i = 0; i < shown; i++) {
        const struct figure_point *point = &series->points[i];
        bool is_total = i == 0 || i + 1 == series->count;
        double value = decimal_to_double(point->value);
        double from = is_total ? 0 : level;
        double y = page->top + (double)i * ROW_PX;

        if (i > 0) {
            put_line(page, "nf-step", x_of(page, level), y - (ROW_PX - BAR_PX) / 2,
                     x_of(page, level), y + (ROW_PX - BAR_PX) / 2);
        }
        level = is_total ? value : level + value;
        put_row_label(page, point->label, y + ROW_PX / 2 + 4.5);
        put_bar(page,
                is_total    ? "nf-s1"
                : value < 0 ? "nf-down"
                            : "nf-up",
                x_of(page, from), x_of(page, level), y + (ROW_PX - BAR_PX) / 2, BAR_PX, point);
        add_value(page, point->value, !is_total);
        put_text(page, "nf-value", "", x_of(page, fmax(from, level)) + 6, y + ROW_PX / 2 + 4.5);
    }
}

/* Names of the series with their colours, in one row; what does not fit is cut. */
static void put_legend(struct svg_page *page)
{
    const struct figure *figure = page->figure;
    double share = WIDTH_PX / (double)figure->series_count;
    double x = 0;

    for (size_t s = 0; s < figure->series_count; s++) {
        unsigned most = (unsigned)((share - 34) / CHAR_PX);
        unsigned used = visible_append_cut(&page->text, figure->series[s].name, most);

        buf_printf(page->out, "<rect class=\"nf-s%zu\" rx=\"" CORNER_RADIUS "\"", s + 1);
        put_attribute(page, "x", x);
        buf_append(page->out, STR(" y=\"3\" width=\"12\" height=\"12\"/>"));
        put_text(page, "nf-soft", "", x + 18, 14);
        x += used * CHAR_PX + 38;
    }
}

/* Steps between the ends of the axis, which are multiples of step. */
static unsigned tick_count(const struct svg_page *page, double step)
{
    return (unsigned)lround((page->high - page->low) / step);
}

static void put_value_axis(struct svg_page *page, double step)
{
    double bottom = page->top + PLOT_PX;
    unsigned count = tick_count(page, step);

    for (unsigned i = 0; i <= count; i++) {
        double value = page->low + i * step;
        double y = bottom - PLOT_PX * i / count;

        put_line(page, "nf-grid", page->left, y, page->right, y);
        figure_print_tick(page->figure->unit, value, step, &page->text);
        put_text(page, "nf-soft", "end", page->left - 8, y + 4);
    }
}

static double x_of_point(const struct svg_page *page, size_t i, size_t count)
{
    double share = count > 1 ? (double)i / (double)(count - 1) : 0.5;

    return page->left + share * (page->right - page->left);
}

static unsigned widest_label(const struct figure_series *series)
{
    unsigned widest = 1;

    for (size_t i = 0; i < series->count; i++) {
        unsigned width = visible_width(series->points[i].label);

        widest = width > widest ? width : widest;
    }
    return widest < AXIS_LABEL_MAX ? widest : AXIS_LABEL_MAX;
}

/* As many labels as fit, evenly spaced from the first. */
static void put_label_axis(struct svg_page *page, const struct figure_series *series)
{
    unsigned widest = widest_label(series);
    double fit = floor((page->right - page->left) / (widest * CHAR_PX + 16));
    size_t count = fit < 1 ? 1 : (size_t)fit;
    size_t step = (series->count + count - 1) / count;

    for (size_t i = 0; i < series->count; i += step) {
        (void)visible_append_cut(&page->text, series->points[i].label, widest);
        put_text(page, "nf-soft", "middle", x_of_point(page, i, series->count),
                 page->top + PLOT_PX + 20);
    }
}

static void put_series(struct svg_page *page, size_t s)
{
    const struct figure_series *series = &page->figure->series[s];
    double bottom = page->top + PLOT_PX;
    double scale = PLOT_PX / (page->high - page->low);

    if (series->count == 0) {
        return;
    }
    buf_printf(page->out, "<polyline class=\"nf-l%zu\" points=\"", s + 1);
    for (size_t i = 0; i < series->count; i++) {
        double value = decimal_to_double(series->points[i].value);

        buf_append(page->out, i ? STR(" ") : STR(""));
        put_number(page, x_of_point(page, i, series->count));
        buf_append_char(page->out, ',');
        put_number(page, bottom - (value - page->low) * scale);
    }
    buf_append(page->out, STR("\"/>"));
    for (size_t i = 0; i < series->count && series->count <= DOTS_MAX; i++) {
        double value = decimal_to_double(series->points[i].value);

        buf_printf(page->out, "<circle class=\"nf-s%zu\" r=\"3\"", s + 1);
        put_attribute(page, "cx", x_of_point(page, i, series->count));
        put_attribute(page, "cy", bottom - (value - page->low) * scale);
        buf_append(page->out, STR("><title>"));
        markup_append(page->out, series->points[i].label);
        buf_append(page->out, STR(": "));
        add_value(page, series->points[i].value, false);
        markup_append(page->out, buf_str(&page->text));
        clear_text(page);
        buf_append(page->out, STR("</title></circle>"));
    }
}

static void put_lines(struct svg_page *page)
{
    const struct figure *figure = page->figure;
    const struct figure_series *longest = &figure->series[0];
    double step = figure_tick_step(page->high - page->low, TICKS);
    unsigned widest = 0;

    page->low = floor(page->low / step + 1e-9) * step;
    page->high = ceil(page->high / step - 1e-9) * step;
    for (unsigned i = 0; i <= tick_count(page, step); i++) {
        figure_print_tick(figure->unit, page->low + i * step, step, &page->text);
        unsigned width = visible_width(buf_str(&page->text));
        widest = width > widest ? width : widest;
        clear_text(page);
    }
    for (size_t s = 0; s < figure->series_count; s++) {
        longest = figure->series[s].count > longest->count ? &figure->series[s] : longest;
    }
    double half_label = widest_label(longest) * CHAR_PX / 2;
    page->left = fmax(widest * CHAR_PX + 14, half_label);
    page->right = WIDTH_PX - fmax(14, half_label);
    page->top += 8;
    put_value_axis(page, step);
    for (size_t s = 0; s < figure->series_count; s++) {
        put_series(page, s);
    }
    put_label_axis(page, longest);
}

static double height_of(const struct figure *figure)
{
    double legend = figure->series_count > 1 ? LEGEND_PX : 0;

    if (figure_row_count(figure) == 0) {
        return ROW_PX;
    }
    switch (figure->kind) {
    case FIGURE_LINES:
        return legend + 8 + PLOT_PX + AXIS_PX;
    case FIGURE_WATERFALL:
        return (double)shown_rows(figure) * ROW_PX;
    default:
        return legend + bars_height(figure);
    }
}

static void put_opening(struct svg_page *page)
{
    struct str id = page->figure->id;
    double height = height_of(page->figure);

    buf_append(page->out, STR("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"netra-figure\" "
                              "role=\"img\" aria-labelledby=\"figure-"));
    markup_append_id(page->out, id);
    buf_append(page->out, STR("-title figure-"));
    markup_append_id(page->out, id);
    buf_append(page->out, STR("-desc\""));
    put_attribute(page, "width", WIDTH_PX);
    put_attribute(page, "height", height);
    buf_append(page->out, STR(" viewBox=\"0 0 "));
    put_number(page, WIDTH_PX);
    buf_append_char(page->out, ' ');
    put_number(page, height);
    buf_append(page->out, STR("\"><title id=\"figure-"));
    markup_append_id(page->out, id);
    buf_append(page->out, STR("-title\">"));
    template_print_plain(&page->text, page->figure->title, page->facts);
    markup_append(page->out, buf_str(&page->text));
    clear_text(page);
    buf_append(page->out, STR("</title><desc id=\"figure-"));
    markup_append_id(page->out, id);
    buf_append(page->out, STR("-desc\">"));
    template_print_plain(&page->text, page->figure->alt, page->facts);
    markup_append(page->out, buf_str(&page->text));
    clear_text(page);
    buf_append(page->out, STR("</desc><style>"));
    buf_append(page->out, str_from(style));
    buf_append(page->out, STR("</style>"));
}

void figure_render_svg(const struct figure *figure, const struct fact_set *facts, struct buf *out)
{
    struct svg_page page = {.figure = figure, .facts = facts, .out = out};

    buf_init(&page.text, out->limit);
    figure_range(figure, &page.low, &page.high);
    put_opening(&page);
    if (figure_row_count(figure) == 0) {
        buf_append(&page.text, STR("no values"));
        put_text(&page, "nf-soft", "", 0, 18);
    } else {
        if (figure->series_count > 1 && figure->kind != FIGURE_WATERFALL) {
            put_legend(&page);
            page.top = LEGEND_PX;
        }
        if (figure->kind == FIGURE_LINES) {
            put_lines(&page);
        } else {
            lay_out_rows(&page);
            if (figure->kind == FIGURE_BARS) {
                put_bars(&page);
            } else {
                put_waterfall(&page);
            }
        }
    }
    buf_append(out, STR("</svg>"));
    clear_text(&page);
    buf_done(&page.text);
}
