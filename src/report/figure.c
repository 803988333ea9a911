/*
 * Figures before they are drawn: names and copies. How they are drawn: figure_svg.c, figure_text.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "report/figure.h"

#include "base/error.h"

const char *figure_kind_name(enum figure_kind kind)
{
    switch (kind) {
    case FIGURE_BARS:
        return "bars";
    case FIGURE_LINES:
        return "lines";
    case FIGURE_WATERFALL:
        return "waterfall";
    }
    return "";
}

static bool copy_text(struct arena *arena, struct str *text)
{
    *text = text->length ? arena_copy(arena, *text) : STR("");
    return text->data;
}

static bool copy_series(struct arena *arena, struct figure_series *series)
{
    struct figure_point *points = arena_alloc(arena, series->count + 1, sizeof(*points));

    if (!points || !copy_text(arena, &series->name)) {
        return false;
    }
    for (size_t i = 0; i < series->count; i++) {
        points[i] = series->points[i];
        if (!copy_text(arena, &points[i].label) || !copy_text(arena, &points[i].fact_id)) {
            return false;
        }
    }
    series->points = points;
    return true;
}

int figure_copy(const struct figure *figure, struct arena *arena, struct figure **ret_copy)
{
    if (figure->series_count > FIGURE_SERIES_MAX) {
        return ERR_LIMIT;
    }
    for (size_t i = 0; i < figure->series_count; i++) {
        if (figure->series[i].count > FIGURE_POINTS_MAX) {
            return ERR_LIMIT;
        }
    }
    struct figure *copy = arena_alloc(arena, 1, sizeof(*copy));
    if (!copy) {
        return ERR_NO_MEMORY;
    }
    *copy = *figure;
    bool complete = copy_text(arena, &copy->id) && copy_text(arena, &copy->title) &&
                    copy_text(arena, &copy->alt);
    for (size_t i = 0; i < copy->series_count && complete; i++) {
        complete = copy_series(arena, &copy->series[i]);
    }
    if (!complete) {
        return ERR_NO_MEMORY;
    }
    *ret_copy = copy;
    return OK;
}
