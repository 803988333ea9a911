/*
 * For a terminal: one line a check, below it only what did not pass; then figures, then what was
 * not exercised, and the summary last, where the eye is when the program has ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "report/visible.h"
#include "verify/render.h"

#define TITLE_COLUMNS_MAX 44u
#define TEXT_COLUMNS_MAX  400u /* a text has EVIDENCE_TEXT_BYTES_MAX bytes: the files have all */
#define NAME_COLUMNS_MIN  12u
#define NAME_COLUMNS_MAX  24u
#define FIGURE_COLUMNS    11

struct terminal {
    struct buf *out;
    bool uses_colour;
};

static void set_colour(const struct terminal *terminal, enum outcome outcome)
{
    static const char *const codes[] = {
        [OUTCOME_PASSED] = "\x1b[32m",
        [OUTCOME_FAILED] = "\x1b[31m",
        [OUTCOME_NOT_EXERCISED] = "\x1b[33m",
    };

    if (terminal->uses_colour) {
        buf_append(terminal->out, str_from(codes[outcome]));
    }
}

static void end_colour(const struct terminal *terminal)
{
    if (terminal->uses_colour) {
        buf_append(terminal->out, STR("\x1b[0m"));
    }
}

static void put_mark(const struct terminal *terminal, enum outcome outcome)
{
    static const char *const marks[] = {
        [OUTCOME_PASSED] = "✓",
        [OUTCOME_FAILED] = "✗",
        [OUTCOME_NOT_EXERCISED] = "–",
    };

    set_colour(terminal, outcome);
    buf_append(terminal->out, str_from(marks[outcome]));
    end_colour(terminal);
    buf_append_char(terminal->out, ' ');
}

/* In exactly so many columns. */
static void put_cell(struct buf *out, struct str text, unsigned columns)
{
    for (unsigned used = visible_append_cut(out, text, columns); used < columns; used++) {
        buf_append_char(out, ' ');
    }
}

static void put_heading(const struct terminal *terminal, const char *text)
{
    buf_append_char(terminal->out, '\n');
    if (terminal->uses_colour) {
        buf_append(terminal->out, STR("\x1b[1m"));
    }
    buf_append(terminal->out, str_from(text));
    end_colour(terminal);
    buf_append_char(terminal->out, '\n');
}

static unsigned widest(unsigned so_far, struct str text, unsigned most)
{
    unsigned width = visible_width(text);

    width = width < most ? width : most;
    return width > so_far ? width : so_far;
}

/* ---- checks ---- */

static void put_labelled(struct buf *out, const char *label, struct str text)
{
    buf_printf(out, "      %-9s ", label);
    (void)visible_append_cut(out, text, TEXT_COLUMNS_MAX);
    buf_append_char(out, '\n');
}

static void put_finding(const struct terminal *terminal, const struct finding *finding)
{
    buf_append(terminal->out, STR("    "));
    put_mark(terminal, finding->outcome);
    (void)visible_append_cut(terminal->out, finding->id, TITLE_COLUMNS_MAX);
    buf_append_char(terminal->out, '\n');
    put_labelled(terminal->out, "expected", finding->expected);
    put_labelled(terminal->out, "observed", finding->observed);
}

/* Its findings that failed; the reason where none of them says it. */
static void put_failures(const struct terminal *terminal, const struct check *check)
{
    bool is_said = false;

    for (size_t i = 0; i < check->finding_count; i++) {
        if (check->findings[i].outcome == OUTCOME_FAILED) {
            put_finding(terminal, &check->findings[i]);
            is_said = true;
        }
    }
    if (check->outcome == OUTCOME_FAILED && !is_said) {
        put_labelled(terminal->out, "because", check->reason);
    }
}

static void put_check(const struct terminal *terminal, const struct check *check,
                      unsigned id_columns, unsigned title_columns)
{
    struct tally tally = tally_check(check);
    struct check_figures figures = render_figures(check);

    put_mark(terminal, check->outcome);
    put_cell(terminal->out, check->id, id_columns);
    buf_append(terminal->out, STR("  "));
    put_cell(terminal->out, check->title, title_columns);
    buf_printf(terminal->out, "  %3zu/%-3zu %10s %6zu %-9s %9s out %9s in\n", tally.passed,
               tally.passed + tally.failed + tally.not_exercised, figures.seconds, check->exchanges,
               check->exchanges == 1 ? "exchange" : "exchanges", figures.sent, figures.received);
    put_failures(terminal, check);
}

static void put_checks(const struct terminal *terminal, const struct evidence *evidence)
{
    unsigned id_columns = NAME_COLUMNS_MIN;
    unsigned title_columns = 0;

    for (size_t i = 0; i < evidence->check_count; i++) {
        id_columns = widest(id_columns, evidence->checks[i].id, NAME_COLUMNS_MAX);
        title_columns = widest(title_columns, evidence->checks[i].title, TITLE_COLUMNS_MAX);
    }
    for (size_t i = 0; i < evidence->check_count; i++) {
        put_check(terminal, &evidence->checks[i], id_columns, title_columns);
    }
}

/* ---- targets ---- */

static void put_target(const struct terminal *terminal, const struct target *target,
                       unsigned name_columns)
{
    const struct spread *spread = &target->spread_us;
    const double figures[] = {spread->p50, spread->p95, spread->p99,
                              spread->min, spread->max, spread->deviation};
    char text[RENDER_FIGURE_BYTES];

    put_mark(terminal, target->outcome);
    put_cell(terminal->out, target->name, name_columns);
    buf_printf(terminal->out, " %6zu", spread->n);
    for (size_t i = 0; i < ARRAY_LENGTH(figures); i++) {
        render_ms(figures[i], text);
        struct str figure = str_from(text);
        for (unsigned used = visible_width(figure); used < FIGURE_COLUMNS; used++) {
            buf_append_char(terminal->out, ' ');
        }
        buf_append(terminal->out, figure);
    }
    buf_printf(terminal->out, "   %s ≤ %g", target->statistic, target->limit_ms);
    if (target->needs.length) {
        buf_append(terminal->out, STR("  needs "));
        (void)visible_append_cut(terminal->out, target->needs, TEXT_COLUMNS_MAX);
    }
    buf_append_char(terminal->out, '\n');
}

static void put_targets(const struct terminal *terminal, const struct evidence *evidence)
{
    unsigned name_columns = NAME_COLUMNS_MIN;
    size_t count = 0;

    for (size_t i = 0; i < evidence->check_count; i++) {
        for (size_t k = 0; k < evidence->checks[i].target_count; k++, count++) {
            name_columns =
                widest(name_columns, evidence->checks[i].targets[k].name, NAME_COLUMNS_MAX);
        }
    }
    if (count == 0) {
        return;
    }
    put_heading(terminal, "Targets, in milliseconds");
    buf_append(terminal->out, STR("  "));
    put_cell(terminal->out, STR(""), name_columns);
    buf_printf(terminal->out, " %6s%11s%11s%11s%11s%11s%11s   %s\n", "n", "p50", "p95", "p99",
               "min", "max", "sd", "limit");
    for (size_t i = 0; i < evidence->check_count; i++) {
        for (size_t k = 0; k < evidence->checks[i].target_count; k++) {
            put_target(terminal, &evidence->checks[i].targets[k], name_columns);
        }
    }
}

/* ---- the rest ---- */

static void put_not_exercised_row(const struct terminal *terminal, bool *is_first, struct str check,
                                  struct str id, struct str needs)
{
    if (*is_first) {
        put_heading(terminal, "Not exercised");
        *is_first = false;
    }
    put_mark(terminal, OUTCOME_NOT_EXERCISED);
    (void)visible_append_cut(terminal->out, check, NAME_COLUMNS_MAX);
    buf_append_char(terminal->out, '/');
    (void)visible_append_cut(terminal->out, id, TITLE_COLUMNS_MAX);
    buf_append(terminal->out, STR(": needs "));
    (void)visible_append_cut(terminal->out, needs, TEXT_COLUMNS_MAX);
    buf_append_char(terminal->out, '\n');
}

static void put_not_exercised(const struct terminal *terminal, const struct evidence *evidence)
{
    bool is_first = true;

    for (size_t i = 0; i < evidence->check_count; i++) {
        const struct check *check = &evidence->checks[i];

        for (size_t k = 0; k < check->finding_count; k++) {
            const struct finding *finding = &check->findings[k];

            if (finding->outcome == OUTCOME_NOT_EXERCISED) {
                put_not_exercised_row(terminal, &is_first, check->id, finding->id, finding->needs);
            }
        }
        for (size_t k = 0; k < check->target_count; k++) {
            const struct target *target = &check->targets[k];

            if (target->outcome == OUTCOME_NOT_EXERCISED) {
                put_not_exercised_row(terminal, &is_first, check->id, target->name, target->needs);
            }
        }
    }
}

static void put_violations(const struct terminal *terminal, const struct evidence *evidence)
{
    if (evidence->violation_count) {
        put_heading(terminal, "Meta-check: this evidence contradicts itself");
    }
    for (size_t i = 0; i < evidence->violation_count; i++) {
        put_finding(terminal, &evidence->violations[i]);
    }
}

static void put_resources(const struct terminal *terminal, const struct evidence *evidence)
{
    put_heading(terminal, "Resources");
    buf_append(terminal->out, STR("  client  "));
    render_side(&evidence->client, terminal->out);
    buf_append(terminal->out, STR("\n  server  "));
    render_side(&evidence->server, terminal->out);
    buf_append_char(terminal->out, '\n');
}

static void put_head(const struct terminal *terminal, const struct evidence *evidence)
{
    buf_append(terminal->out, STR("netra verify "));
    (void)visible_append_cut(terminal->out, evidence->url, TEXT_COLUMNS_MAX);
    buf_append(terminal->out, STR(" · "));
    (void)visible_append_cut(terminal->out, evidence->profile, NAME_COLUMNS_MAX);
    buf_append(terminal->out, evidence->is_read_only ? STR(" · read-only") : STR(""));
    if (evidence->server_version.length) {
        buf_append(terminal->out, STR(" · server "));
        (void)visible_append_cut(terminal->out, evidence->server_version, TITLE_COLUMNS_MAX);
    }
    buf_append(terminal->out, STR("\n\n"));
}

static enum outcome colour_of(enum summary_outcome summary)
{
    if (summary == SUMMARY_GREEN) {
        return OUTCOME_PASSED;
    }
    return summary == SUMMARY_INCOMPLETE ? OUTCOME_NOT_EXERCISED : OUTCOME_FAILED;
}

int evidence_print(const struct evidence *evidence, bool uses_colour, struct buf *out)
{
    struct terminal terminal = {out, uses_colour};

    put_head(&terminal, evidence);
    put_checks(&terminal, evidence);
    put_targets(&terminal, evidence);
    put_not_exercised(&terminal, evidence);
    put_violations(&terminal, evidence);
    put_resources(&terminal, evidence);
    buf_append_char(out, '\n');
    set_colour(&terminal, colour_of(evidence->summary));
    render_summary(evidence, out);
    end_colour(&terminal);
    buf_append_char(out, '\n');
    return buf_status(out);
}
