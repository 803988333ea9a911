/*
 * Wrapping works word by word: a word is measured, a line is ended if it does not fit, the word is
 * written with its style switches. A word longer than a line is broken where the line ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "report/term_text.h"

#include "report/template.h"
#include "report/visible.h"

static bool is_switch(char byte)
{
    return (byte >= 0x01 && byte <= 0x08) || byte == 0x0e;
}

static struct str sgr_of(char byte)
{
    switch (byte) {
    case 0x02:
        return STR("\x1b[0;1m");
    case 0x03:
        return STR("\x1b[0;36m");
    case 0x04:
        return STR("\x1b[0;1m");
    case 0x05:
        return STR("\x1b[0;33m");
    case 0x06:
        return STR("\x1b[0;3;33m");
    case 0x07:
        return STR("\x1b[0;2m");
    case 0x08:
        return STR("\x1b[0;1;32m");
    case 0x0e:
        return STR("\x1b[0;33m");
    default:
        return STR("\x1b[0m");
    }
}

void term_put_spaces(struct term_page *page, unsigned count)
{
    while (count-- > 0) {
        buf_append_char(page->out, ' ');
    }
}

void term_clear_text(struct term_page *page)
{
    if (buf_status(&page->text) && buf_status(page->out) == OK) {
        page->out->status = buf_status(&page->text);
    }
    buf_clear(&page->text);
}

void term_add_data(struct term_page *page, struct str data)
{
    visible_append(&page->text, data);
}

/* The printed fact with its spaces glued, so that "36.6 %" stays on one line. A long one ("unknown
 * (needs …)") may break. */
static void add_printed(struct term_page *page, const struct fact *fact, const char *style,
                        enum template_form form)
{
    buf_append(&page->text, str_from(style));
    size_t begin = page->text.length;
    bool may_break = !fact || fact->state == FACT_UNKNOWN;
    template_print_fact(&page->text, fact, form);
    for (size_t i = begin; i < page->text.length && !may_break; i++) {
        if (page->text.data[i] == ' ') {
            page->text.data[i] = STYLE_GLUE[0];
        }
    }
    buf_append(&page->text, STR(STYLE_PLAIN));
}

static const char *style_of(const struct fact *fact)
{
    if (!fact || fact->state == FACT_UNKNOWN) {
        return STYLE_UNKNOWN;
    }
    return fact->state == FACT_BOUNDED ? STYLE_BOUNDED : STYLE_NUMBER;
}

void term_add_fact(struct term_page *page, struct str fact_id, const char *computed_style)
{
    const struct fact *fact = fact_find(&page->report->facts, fact_id);
    bool is_computed = fact && fact->state == FACT_COMPUTED;

    add_printed(page, fact, is_computed ? computed_style : style_of(fact), FORM_PRINTED);
}

void term_add_number(struct term_page *page, const struct fact *fact)
{
    buf_append(&page->text,
               str_from(fact && fact->state == FACT_COMPUTED ? STYLE_PLAIN : style_of(fact)));
    if (fact) {
        fact_print(fact, &page->text);
    } else {
        buf_append(&page->text, STR("unknown"));
    }
    buf_append(&page->text, STR(STYLE_PLAIN));
}

/* A name or a command with a space in it is quoted: without colour nothing else would show where it
 * ends. Backquotes, because commands hold the other quotes. */
static void add_name(struct term_page *page, struct str raw)
{
    bool quoted = str_find(raw, STR(" "), 0) != SIZE_MAX;

    buf_append(&page->text, STR(STYLE_NAME));
    buf_append(&page->text, quoted ? STR("`") : STR(""));
    template_append_name(&page->text, raw);
    buf_append(&page->text, quoted ? STR("`") : STR(""));
    buf_append(&page->text, STR(STYLE_PLAIN));
}

void term_add_prose(struct term_page *page, struct str text)
{
    struct template_piece piece;

    for (size_t at = 0; template_next(text, &at, &piece);) {
        if (piece.kind == TEMPLATE_NAME) {
            add_name(page, piece.text);
        } else if (piece.kind == TEMPLATE_FACT) {
            const struct fact *fact = fact_find(&page->report->facts, piece.text);

            add_printed(page, fact, style_of(fact), piece.form);
        } else {
            visible_append(&page->text, piece.text);
        }
    }
}

/* The next character of styled text: a switch (width 0), a glued space or a visible character. */
static bool styled_next(struct str styled, size_t *at, struct str *ret_bytes, unsigned *ret_width)
{
    if (*at < styled.length && is_switch(styled.data[*at])) {
        *ret_bytes = str_slice(styled, *at, *at + 1);
        *ret_width = 0;
        (*at)++;
        return true;
    }
    if (*at < styled.length && styled.data[*at] == STYLE_GLUE[0]) {
        *ret_bytes = STR(STYLE_GLUE);
        *ret_width = 1;
        (*at)++;
        return true;
    }
    return visible_next(styled, at, ret_bytes, ret_width);
}

static void put_styled(struct term_page *page, struct str bytes)
{
    if (bytes.length == 1 && is_switch(bytes.data[0])) {
        if (page->colour) {
            buf_append(page->out, sgr_of(bytes.data[0]));
        }
    } else if (bytes.length == 1 && bytes.data[0] == STYLE_GLUE[0]) {
        buf_append_char(page->out, ' ');
    } else {
        buf_append(page->out, bytes);
    }
}

unsigned term_width(struct str styled)
{
    struct str bytes;
    unsigned width;
    unsigned total = 0;

    for (size_t at = 0; styled_next(styled, &at, &bytes, &width);) {
        total += width;
    }
    return total;
}

unsigned term_put_cut(struct term_page *page, struct str styled, unsigned width_max)
{
    struct str bytes;
    unsigned width;
    unsigned used = 0;
    bool cut = false;
    bool fits = term_width(styled) <= width_max;

    for (size_t at = 0; styled_next(styled, &at, &bytes, &width);) {
        cut = cut || (!fits && used + width + 1 > width_max && width > 0);
        if (!cut || width == 0) {
            put_styled(page, bytes);
            used += width;
        }
    }
    if (cut && used < width_max) {
        buf_append(page->out, STR("…"));
        used++;
    }
    return used;
}

/* Columns of the word that begins at at; *ret_end is the index behind it. */
static unsigned measure_word(struct str styled, size_t at, size_t *ret_end)
{
    struct str bytes;
    unsigned width;
    unsigned total = 0;

    *ret_end = at;
    while (styled_next(styled, &at, &bytes, &width)) {
        if (bytes.length == 1 && bytes.data[0] == ' ') {
            break;
        }
        total += width;
        *ret_end = at;
    }
    return total;
}

static void put_word(struct term_page *page, struct str word, unsigned *column, unsigned indent)
{
    struct str bytes;
    unsigned width;

    for (size_t at = 0; styled_next(word, &at, &bytes, &width);) {
        if (*column + width > page->width && *column > indent) {
            buf_append_char(page->out, '\n');
            term_put_spaces(page, indent);
            *column = indent;
        }
        put_styled(page, bytes);
        *column += width;
    }
}

void term_flush_wrapped(struct term_page *page, unsigned column, unsigned indent)
{
    struct str text = buf_str(&page->text);
    bool is_first = true;

    for (size_t at = 0; at < text.length;) {
        size_t end;
        unsigned width = measure_word(text, at, &end);

        if (width && !is_first) {
            if (column + 1 + width > page->width && column > indent) {
                buf_append_char(page->out, '\n');
                term_put_spaces(page, indent);
                column = indent;
            } else {
                buf_append_char(page->out, ' ');
                column++;
            }
        }
        put_word(page, str_slice(text, at, end), &column, indent);
        is_first = is_first && width == 0;
        at = end < text.length ? end + 1 : end; /* the space */
    }
    buf_append_char(page->out, '\n');
    term_clear_text(page);
}
