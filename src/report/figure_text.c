/*
 * Figures as block characters. Bars and waterfalls are rows of label, bar and value; an eighth of a
 * column is the finest step. Lines become columns of blocks, eight rows high for one series, one
 * row for each of several, all on the same scale.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "base/alloc.h"
#include "base/error.h"
#include "report/figure.h"
#include "report/figure_scale.h"
#include "report/template.h"
#include "report/visible.h"

#define WIDTH_MIN     20u
#define WIDTH_MAX     160u
#define LABEL_MAX     32u
#define GROUP_INDENT  2u
#define CHART_ROWS    6u
#define EIGHTHS       8u
#define VALUE_BYTES   128u
#define BOLD          "\x1b[1m"
#define FAINT         "\x1b[2m"
#define PLAIN         "\x1b[0m"
#define MINUS_SHADING "▒"

static const char *const series_colours[FIGURE_SERIES_MAX] = {
    "\x1b[36m", "\x1b[33m", "\x1b[32m", "\x1b[35m", "\x1b[34m", "\x1b[31m", "\x1b[96m", "\x1b[93m",
};

struct text_page {
    const struct figure *figure;
    struct buf *out;
    struct buf value; /* the printed number of one row */
    unsigned width;
    unsigned label_width;
    unsigned bar_width;
    bool colour;
    double low;
    double high;
};

static void put_style(struct text_page *page, const char *style)
{
    if (page->colour) {
        buf_append(page->out, str_from(style));
    }
}

static void put_repeated(struct buf *out, struct str text, unsigned count)
{
    while (count-- > 0) {
        buf_append(out, text);
    }
}

static void put_padded(struct text_page *page, struct str text, unsigned width)
{
    put_repeated(page->out, STR(" "), width - visible_append_cut(page->out, text, width));
}

/* The value of a row; a change of a waterfall shows its sign. */
static void print_value(struct text_page *page, struct decimal value, bool is_change)
{
    buf_clear(&page->value);
    if (is_change && value.digits > 0) {
        buf_append_char(&page->value, '+');
    }
    fact_print_value(page->figure->unit, value, &page->value);
}

static unsigned widest_label(const struct figure *figure)
{
    unsigned widest = 0;

    for (size_t s = 0; s < figure->series_count; s++) {
        for (size_t i = 0; i < figure->series[s].count && i < FIGURE_ROWS_TEXT; i++) {
            unsigned width = visible_width(figure->series[s].points[i].label);

            widest = width > widest ? width : widest;
        }
        if (figure->series_count > 1) {
            unsigned width = visible_width(figure->series[s].name) + GROUP_INDENT;

            widest = width > widest ? width : widest;
        }
    }
    return widest;
}

static unsigned widest_value(struct text_page *page)
{
    unsigned widest = 0;

    for (size_t s = 0; s < page->figure->series_count; s++) {
        const struct figure_series *series = &page->figure->series[s];

        for (size_t i = 0; i < series->count; i++) {
            bool is_change =
                page->figure->kind == FIGURE_WATERFALL && i > 0 && i + 1 < series->count;

            print_value(page, series->points[i].value, is_change);
            unsigned width = visible_width(buf_str(&page->value));
            widest = width > widest ? width : widest;
        }
    }
    return widest;
}

/* Label, two spaces, bar, one space, value. What is narrow gives: first the label, then the bar. */
static void lay_out(struct text_page *page)
{
    unsigned label = widest_label(page->figure);
    unsigned value = widest_value(page);
    unsigned most = page->width / 3 < LABEL_MAX ? page->width / 3 : LABEL_MAX;

    page->label_width = label < most ? label : most;
    unsigned taken = page->label_width + 3 + value;
    page->bar_width = page->width > taken + 4 ? page->width - taken : 4;
}

static unsigned eighths(const struct text_page *page, double value)
{
    double share = (value - page->low) / (page->high - page->low);

    return (unsigned)lround(share * page->bar_width * EIGHTHS);
}

/* A bar between two places given in eighths of a column, at least an eighth long. Its left end is
 * at the nearest whole column, because blocks grow from the left; a decrease has whole ends on both
 * sides, because shading has no eighths. */
static void put_bar(struct text_page *page, unsigned from, unsigned to, bool is_decrease)
{
    static const char *const parts[EIGHTHS] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    unsigned first = (from + EIGHTHS / 2) / EIGHTHS;

    first = first < page->bar_width ? first : page->bar_width - 1;
    put_repeated(page->out, STR(" "), first);
    if (is_decrease) {
        unsigned last = (to + EIGHTHS / 2) / EIGHTHS;

        put_repeated(page->out, STR(MINUS_SHADING), last > first ? last - first : 1);
        return;
    }
    unsigned length = to > first * EIGHTHS ? to - first * EIGHTHS : to > from;
    put_repeated(page->out, STR("█"), length / EIGHTHS);
    buf_append(page->out, str_from(parts[length % EIGHTHS]));
}

static void put_row(struct text_page *page, unsigned indent, struct str label, double from,
                    double to, const char *colour)
{
    unsigned begin = eighths(page, fmin(from, to));
    unsigned end = eighths(page, fmax(from, to));

    put_repeated(page->out, STR(" "), indent);
    put_padded(page, label, page->label_width - indent);
    buf_append(page->out, STR("  "));
    put_style(page, colour);
    if (end == begin && to != from) {
        end = begin + 1; /* never nothing for something */
    }
    put_bar(page, begin, end, to < from);
    put_style(page, PLAIN);
    buf_append_char(page->out, ' ');
    buf_append(page->out, buf_str(&page->value));
    buf_append_char(page->out, '\n');
}

static void put_more(struct text_page *page, size_t shown, size_t count)
{
    if (count > shown) {
        put_style(page, FAINT);
        buf_printf(page->out, "… and %zu more", count - shown);
        put_style(page, PLAIN);
        buf_append_char(page->out, '\n');
    }
}

static void put_bars(struct text_page *page)
{
    const struct figure *figure = page->figure;
    size_t rows = figure_row_count(figure);
    size_t shown = rows < FIGURE_ROWS_TEXT ? rows : FIGURE_ROWS_TEXT;
    bool grouped = figure->series_count > 1;

    for (size_t i = 0; i < shown; i++) {
        if (grouped && figure->series[0].count > i) {
            (void)visible_append_cut(page->out, figure->series[0].points[i].label, page->width);
            buf_append_char(page->out, '\n');
        }
        for (size_t s = 0; s < figure->series_count; s++) {
            if (i >= figure->series[s].count) {
                continue;
            }
            const struct figure_point *point = &figure->series[s].points[i];

            print_value(page, point->value, false);
            put_row(page, grouped ? GROUP_INDENT : 0,
                    grouped ? figure->series[s].name : point->label, 0,
                    decimal_to_double(point->value), series_colours[s]);
        }
    }
    put_more(page, shown, rows);
}

static void put_waterfall(struct text_page *page)
{
    const struct figure_series *series = &page->figure->series[0];
    double level = 0;

    for (size_t i = 0; i < series->count; i++) {
        double value = decimal_to_double(series->points[i].value);
        bool is_total = i == 0 || i + 1 == series->count;
        double from = is_total ? 0 : level;

        level = is_total ? value : level + value;
        print_value(page, series->points[i].value, !is_total);
        put_row(page, /* indent */ 0, series->points[i].label, from, level,
                is_total    ? series_colours[0]
                : value < 0 ? series_colours[2]
                            : series_colours[1]);
    }
}

/* The largest value of the points that fall into a column, so that no peak is lost. */
static double column_value(const struct figure_series *series, unsigned column, unsigned columns)
{
    size_t begin = series->count * column / columns;
    size_t end = series->count * (column + 1) / columns;
    double most = decimal_to_double(series->points[begin].value);

    for (size_t i = begin + 1; i < end; i++) {
        most = fmax(most, decimal_to_double(series->points[i].value));
    }
    return most;
}

/* The columns of room that are used: as many for one point as for each other. */
static unsigned fitting_columns(const struct figure_series *series, unsigned room)
{
    return series->count > room ? room : (unsigned)(room / series->count) * (unsigned)series->count;
}

/* One row of blocks of the columns, between the levels bottom and top. */
static void put_columns(struct text_page *page, const struct figure_series *series,
                        unsigned columns, double bottom, double top)
{
    static const char *const parts[EIGHTHS + 1] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

    for (unsigned c = 0; c < columns; c++) {
        double value = column_value(series, c, columns);
        double share = (value - bottom) / (top - bottom);
        long part = lround(share * EIGHTHS);

        part = part < 0 ? 0 : part > (long)EIGHTHS ? (long)EIGHTHS : part;
        buf_append(page->out, str_from(parts[part]));
    }
}

static void put_axis_label(struct text_page *page, double value, double step, unsigned width)
{
    buf_clear(&page->value);
    figure_print_tick(page->figure->unit, value, step, &page->value);
    unsigned used = visible_width(buf_str(&page->value));
    put_repeated(page->out, STR(" "), width > used ? width - used : 0);
    buf_append(page->out, buf_str(&page->value));
}

static void put_time_axis(struct text_page *page, const struct figure_series *series,
                          unsigned indent, unsigned columns)
{
    struct str first = series->points[0].label;
    struct str last = series->points[series->count - 1].label;
    unsigned used;

    put_repeated(page->out, STR(" "), indent);
    put_style(page, FAINT);
    used = visible_append_cut(page->out, first, columns);
    if (used + 1 + visible_width(last) <= columns) {
        put_repeated(page->out, STR(" "), columns - used - visible_width(last));
        visible_append(page->out, last);
    }
    put_style(page, PLAIN);
    buf_append_char(page->out, '\n');
}

static unsigned tick_width(struct text_page *page, double value, double step)
{
    buf_clear(&page->value);
    figure_print_tick(page->figure->unit, value, step, &page->value);
    return visible_width(buf_str(&page->value));
}

/* The top of the scale, rounded up to a tick, labels the highest row. */
static void put_chart(struct text_page *page, const struct figure_series *series)
{
    double step = figure_tick_step(page->high - page->low, CHART_ROWS / 2);
    double low = floor(page->low / step) * step;
    double high = ceil(page->high / step - 1e-9) * step;
    double row = (high - low) / CHART_ROWS;
    unsigned label = tick_width(page, high, step);
    unsigned low_label = tick_width(page, low, step);

    label = low_label > label ? low_label : label;
    unsigned room = page->width > label + 2 ? page->width - label - 2 : 1;
    unsigned columns = fitting_columns(series, room);
    for (unsigned r = CHART_ROWS; r-- > 0;) {
        if (r + 1 == CHART_ROWS) {
            put_axis_label(page, high, step, label);
        } else if (r == 0) {
            put_axis_label(page, low, step, label);
        } else {
            put_repeated(page->out, STR(" "), label);
        }
        buf_append(page->out, STR(" │"));
        put_style(page, series_colours[0]);
        put_columns(page, series, columns, low + r * row, low + (r + 1) * row);
        put_style(page, PLAIN);
        buf_append_char(page->out, '\n');
    }
    put_time_axis(page, series, label + 2, columns);
}

static void put_sparks(struct text_page *page)
{
    const struct figure *figure = page->figure;
    unsigned label = 0;

    for (size_t s = 0; s < figure->series_count; s++) {
        unsigned width = visible_width(figure->series[s].name);

        label = width > label ? width : label;
    }
    label = label > page->width / 3 ? page->width / 3 : label;
    unsigned value = widest_value(page) + 5; /* " max " */
    unsigned columns = page->width > label + 2 + value ? page->width - label - 2 - value : 1;
    for (size_t s = 0; s < figure->series_count; s++) {
        const struct figure_series *series = &figure->series[s];
        size_t most = 0;

        put_padded(page, series->name, label);
        buf_append(page->out, STR("  "));
        if (series->count == 0) {
            buf_append(page->out, STR("no values\n"));
            continue;
        }
        unsigned shown = fitting_columns(series, columns);
        put_style(page, series_colours[s]);
        put_columns(page, series, shown, page->low, page->high);
        put_style(page, PLAIN);
        for (size_t i = 1; i < series->count; i++) {
            if (decimal_compare(series->points[i].value, series->points[most].value) > 0) {
                most = i;
            }
        }
        print_value(page, series->points[most].value, false);
        buf_append(page->out, STR(" max "));
        buf_append(page->out, buf_str(&page->value));
        buf_append_char(page->out, '\n');
        if (s + 1 == figure->series_count) {
            put_time_axis(page, series, label + 2, shown);
        }
    }
}

static void put_title(struct text_page *page)
{
    struct buf title;

    buf_init(&title, page->out->limit);
    template_print_plain(&title, page->figure->title, /* facts */ NULL);
    if (buf_status(&title) && buf_status(page->out) == OK) {
        page->out->status = buf_status(&title);
    }
    put_style(page, BOLD);
    (void)visible_append_cut(page->out, buf_str(&title), page->width);
    put_style(page, PLAIN);
    buf_append_char(page->out, '\n');
    buf_done(&title);
}

void figure_render_text(const struct figure *figure, unsigned width, bool colour, struct buf *out)
{
    struct text_page page = {.figure = figure, .out = out, .colour = colour};

    page.width = width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
    buf_init(&page.value, VALUE_BYTES);
    figure_range(figure, &page.low, &page.high);
    put_title(&page);
    if (figure_row_count(figure) == 0) {
        buf_append(out, STR("no values\n"));
    } else if (figure->kind == FIGURE_LINES && figure->series_count == 1) {
        put_chart(&page, &figure->series[0]);
    } else if (figure->kind == FIGURE_LINES) {
        put_sparks(&page);
    } else {
        lay_out(&page);
        if (figure->kind == FIGURE_BARS) {
            put_bars(&page);
        } else {
            put_waterfall(&page);
        }
    }
    if (buf_status(&page.value) && buf_status(out) == OK) {
        out->status = buf_status(&page.value);
    }
    buf_done(&page.value);
}
