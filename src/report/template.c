/*
 * The reader keeps no state but an index; a piece is a slice of the text. What is malformed comes
 * out as one TEMPLATE_BROKEN piece, which the gate refuses and a renderer shows as it stands.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "report/template.h"

#include "report/visible.h"

/* Index of the closing backquote of the name that begins at from; text.length when there is none.
 */
static size_t end_of_name(struct str text, size_t from)
{
    for (size_t i = from; i < text.length; i++) {
        if (text.data[i] != '`') {
            continue;
        }
        if (i + 1 < text.length && text.data[i + 1] == '`') {
            i++;
            continue;
        }
        return i;
    }
    return text.length;
}

static enum template_form take_form(struct str *id)
{
    static const struct {
        struct str suffix;
        enum template_form form;
    } forms[] = {{{":low", 4}, FORM_LOW}, {{":high", 5}, FORM_HIGH}, {{":exact", 6}, FORM_EXACT}};

    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        if (str_ends_with(*id, forms[i].suffix)) {
            id->length -= forms[i].suffix.length;
            return forms[i].form;
        }
    }
    return FORM_PRINTED;
}

static void read_name(struct str text, size_t *at, struct template_piece *piece)
{
    size_t end = end_of_name(text, *at + 1);

    if (end == text.length) {
        *piece = (struct template_piece){.kind = TEMPLATE_BROKEN,
                                         .text = str_slice(text, *at, text.length)};
        *at = text.length;
        return;
    }
    *piece = (struct template_piece){.kind = TEMPLATE_NAME, .text = str_slice(text, *at + 1, end)};
    *at = end + 1;
}

static void read_fact(struct str text, size_t *at, struct template_piece *piece)
{
    size_t end = str_find(text, STR("}"), *at);

    *piece = (struct template_piece){.kind = TEMPLATE_FACT};
    if (end != SIZE_MAX) {
        piece->text = str_slice(text, *at + 1, end);
        piece->form = take_form(&piece->text);
    }
    if (piece->text.length == 0) {
        *piece = (struct template_piece){.kind = TEMPLATE_BROKEN,
                                         .text = str_slice(text, *at, text.length)};
        *at = text.length;
        return;
    }
    *at = end + 1;
}

bool template_next(struct str text, size_t *at, struct template_piece *ret_piece)
{
    size_t begin = *at;
    size_t end = begin;

    if (begin >= text.length) {
        return false;
    }
    if (text.data[begin] == '`') {
        read_name(text, at, ret_piece);
        return true;
    }
    if (text.data[begin] == '{') {
        read_fact(text, at, ret_piece);
        return true;
    }
    while (end < text.length && text.data[end] != '`' && text.data[end] != '{') {
        end++;
    }
    *ret_piece =
        (struct template_piece){.kind = TEMPLATE_WORDS, .text = str_slice(text, begin, end)};
    *at = end;
    return true;
}

/* What is doubled is ASCII, so cutting the raw text there never splits a character. */
void template_append_name(struct buf *out, struct str raw)
{
    size_t begin = 0;
    size_t before = out->length;

    for (size_t i = 0; i < raw.length; i++) {
        if (raw.data[i] == '`') {
            visible_append(out, str_slice(raw, begin, i + 1));
            begin = ++i + 1;
        }
    }
    if (begin < raw.length) {
        visible_append(out, str_slice(raw, begin, raw.length));
    }
    if (out->length == before) {
        buf_append(out, STR("(no name)"));
    }
}

void template_print_fact(struct buf *out, const struct fact *fact, enum template_form form)
{
    if (!fact) {
        buf_append(out, STR("unknown (there is no such fact)"));
    } else if (fact->state == FACT_UNKNOWN) {
        buf_append(out, STR("unknown (needs "));
        visible_append(out, fact->needs);
        buf_append_char(out, ')');
    } else if (form == FORM_EXACT) {
        fact_print_exact(fact, out);
    } else if (form == FORM_LOW && fact->has_bounds) {
        fact_print_value(fact->unit, fact->low, out);
    } else if (form == FORM_HIGH && fact->has_bounds && !fact->is_open) {
        fact_print_value(fact->unit, fact->high, out);
    } else {
        fact_print(fact, out);
    }
}

void template_print_plain(struct buf *out, struct str text, const struct fact_set *facts)
{
    struct template_piece piece;

    for (size_t at = 0; template_next(text, &at, &piece);) {
        if (piece.kind == TEMPLATE_NAME) {
            template_append_name(out, piece.text);
        } else if (piece.kind != TEMPLATE_FACT) {
            visible_append(out, piece.text);
        } else if (facts) {
            template_print_fact(out, fact_find(facts, piece.text), piece.form);
        } else {
            buf_append(out, STR("…"));
        }
    }
}
