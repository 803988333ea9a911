/* SPDX-License-Identifier: Apache-2.0 */
#include "report/figure_scale.h"

#include <math.h>

#define TICK_SCALE 12u

size_t figure_row_count(const struct figure *figure)
{
    size_t rows = 0;

    for (size_t i = 0; i < figure->series_count; i++) {
        rows = figure->series[i].count > rows ? figure->series[i].count : rows;
    }
    return rows;
}

void figure_range(const struct figure *figure, double *ret_low, double *ret_high)
{
    double low = 0;
    double high = 0;

    for (size_t s = 0; s < figure->series_count; s++) {
        double running = 0;

        for (size_t i = 0; i < figure->series[s].count; i++) {
            double value = decimal_to_double(figure->series[s].points[i].value);

            if (figure->kind == FIGURE_WATERFALL) {
                bool is_total = i == 0 || i + 1 == figure->series[s].count;

                running = is_total ? value : running + value;
                value = running;
            }
            low = fmin(low, value);
            high = fmax(high, value);
        }
    }
    *ret_low = low;
    *ret_high = high > low ? high : low + 1;
}

/* Steps of 1, 2 or 5 times a power of ten, the smallest that needs no more than count of them. */
double figure_tick_step(double span, unsigned count)
{
    double raw = span / count;
    double power = pow(10, floor(log10(raw)));
    double steps[] = {1, 2, 5, 10};

    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        if (steps[i] * power >= raw * (1 - 1e-9)) {
            return steps[i] * power;
        }
    }
    return 10 * power;
}

void figure_print_tick(enum fact_unit unit, double value, double step, struct buf *out)
{
    struct decimal tick = decimal_from_double(value, TICK_SCALE, NULL);
    bool is_money = unit == UNIT_USD || unit == UNIT_USD_PER_MTOK;
    double shown_step = unit == UNIT_RATIO ? step * 100 : step;
    int places = shown_step >= 1 ? 0 : (int)ceil(-log10(shown_step) - 1e-9);

    if (unit == UNIT_MS || unit == UNIT_TIME) {
        fact_print_value(unit, tick, out);
        return;
    }
    if (tick.digits < 0) {
        buf_append(out, STR("−"));
        tick.digits = -tick.digits;
    }
    buf_append(out, is_money ? STR("$") : STR(""));
    if (unit == UNIT_RATIO) {
        tick.scale -= 2;
    }
    places = places > (int)tick.scale ? (int)tick.scale : places;
    decimal_print_rounded(tick, (unsigned)places, /* padded */ true, /* grouped */ true, out);
    buf_append(out, unit == UNIT_RATIO ? STR(" %") : unit == UNIT_X ? STR("×") : STR(""));
}
