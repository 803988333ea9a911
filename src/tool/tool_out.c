/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/tool_out.h"

#include <stdarg.h>
#include <stdio.h>

#define ID_BYTES_MAX       1024u
#define SENTENCE_BYTES_MAX 8192u
#define MONEY_SCALE        12
#define RATIO_SCALE        6

struct tool_out tool_out_begin(struct report *body, const struct tool_args *args)
{
    struct tool_out out = {.body = body, .method = ""};

    out.query = arena_printf(&body->arena, "%s %.*s", args->tool->name, STR_ARGS(args->json));
    out.status = out.query.data ? OK : ERR_NO_MEMORY;
    return out;
}

int tool_out_status(const struct tool_out *out, struct error *error)
{
    return out->status == OK ? OK
                             : error_set(error, out->status, "cannot write the result: %s",
                                         error_code_text(out->status));
}

struct str out_fact(struct tool_out *out, struct fact_name name, const char *label,
                    const struct fact *fact)
{
    struct buf id;
    struct fact whole = *fact;

    if (out->status) {
        return STR("");
    }
    buf_init(&id, ID_BYTES_MAX);
    buf_append(&id, str_from(name.prefix));
    fact_id_append(&id, name.name);
    buf_append(&id, str_from(name.suffix));
    whole.id = arena_copy(&out->body->arena, buf_str(&id));
    out->status = buf_status(&id) ? buf_status(&id) : whole.id.data ? OK : ERR_NO_MEMORY;
    buf_done(&id);
    whole.label = str_from(label);
    whole.method = str_from(out->method);
    whole.query = out->query;
    if (!out->status) {
        out->status = fact_set_add(&out->body->facts, &whole);
    }
    out->last_id = out->status ? STR("") : whole.id;
    return out->last_id;
}

struct str out_money(struct tool_out *out, struct fact_name name, const char *label,
                     int128 pico_usd, uint64_t n)
{
    return out_fact(out, name, label,
                    &(struct fact){.value = decimal_of(pico_usd, MONEY_SCALE),
                                   .unit = UNIT_USD,
                                   .state = FACT_COMPUTED,
                                   .n = n});
}

struct str out_count(struct tool_out *out, struct fact_name name, const char *label,
                     enum fact_unit unit, uint64_t count, uint64_t n)
{
    return out_fact(
        out, name, label,
        &(struct fact){
            .value = decimal_of((int128)count, 0), .unit = unit, .state = FACT_COMPUTED, .n = n});
}

struct str out_ratio(struct tool_out *out, struct fact_name name, const char *label,
                     int128 numerator, int128 denominator, uint64_t n)
{
    if (denominator == 0) {
        return out_unknown(out, name, label, UNIT_RATIO, "records to divide by");
    }
    /* three more digits than are kept, then rounded half away from zero */
    int128 scaled = numerator * 1000000000 / denominator;
    return out_fact(out, name, label,
                    &(struct fact){.value = decimal_rescale(decimal_of(scaled, 9), RATIO_SCALE),
                                   .unit = UNIT_RATIO,
                                   .state = FACT_COMPUTED,
                                   .n = n});
}

struct str out_unknown(struct tool_out *out, struct fact_name name, const char *label,
                       enum fact_unit unit, const char *needs)
{
    const char *method = out->method;

    out->method = "not computed: see what it needs";
    struct str id =
        out_fact(out, name, label,
                 &(struct fact){.unit = unit, .state = FACT_UNKNOWN, .needs = str_from(needs)});
    out->method = method;
    return id;
}

void out_section(struct tool_out *out, const char *id, const char *title)
{
    if (!out->status) {
        out->status = report_add_section(out->body, id, title, &out->section);
    }
}

/* The formatted sentence in the result's arena; empty after a failure. */
static struct str sentence(struct tool_out *out, const char *format, va_list args)
{
    char text[SENTENCE_BYTES_MAX];

    if (out->status) {
        return STR("");
    }
    int length = vsnprintf(text, sizeof(text), format, args);
    if (length < 0 || (size_t)length >= sizeof(text)) {
        out->status = ERR_LIMIT;
        return STR("");
    }
    struct str copy = arena_copy(&out->body->arena, (struct str){text, (size_t)length});
    if (!copy.data) {
        out->status = ERR_NO_MEMORY;
    }
    return copy;
}

void out_paragraph(struct tool_out *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    struct str text = sentence(out, format, args);
    va_end(args);
    if (!out->status) {
        out->status = report_add_paragraph(out->body, out->section, text);
    }
}

static void add_line(struct tool_out *out, struct report_lines *lines, const char *format,
                     va_list args)
{
    struct str text = sentence(out, format, args);

    if (!out->status) {
        out->status = report_add_line(out->body, lines, text);
    }
}

void out_caveat(struct tool_out *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_line(out, &out->body->caveats, format, args);
    va_end(args);
}

void out_summary(struct tool_out *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_line(out, &out->body->summary, format, args);
    va_end(args);
}

void out_next_step(struct tool_out *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_line(out, &out->body->next_steps, format, args);
    va_end(args);
}

void out_need(struct tool_out *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_line(out, &out->body->needs, format, args);
    va_end(args);
}

void out_table(struct tool_out *out, const char *title, const char *const *columns, size_t count)
{
    if (!out->status) {
        out->status = report_add_table(out->body, out->section, title, columns, count, &out->table);
    }
}

void out_row(struct tool_out *out, const struct report_cell *cells)
{
    if (!out->status) {
        out->status = report_add_row(out->body, out->table, cells);
    }
}

void out_figure(struct tool_out *out, const struct figure *figure)
{
    if (!out->status) {
        out->status = report_add_figure(out->body, out->section, figure);
    }
}

struct str out_name(struct tool_out *out, struct str name)
{
    if (out->status) {
        return STR("");
    }
    struct str copy = arena_copy(&out->body->arena, name.length ? name : STR("(none)"));
    if (!copy.data) {
        out->status = ERR_NO_MEMORY;
        return STR("");
    }
    for (size_t i = 0; i < copy.length; i++) {
        char *c = (char *)copy.data + i;

        if (*c == '`') {
            *c = '\'';
        } else if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = ' ';
        }
    }
    return copy;
}
