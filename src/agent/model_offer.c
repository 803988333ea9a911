/*
 * What a model may name: facts, in the order in which people read them, and the names of models and
 * features that occur with them. Whatever a single user or session can be seen in is left out; so
 * are caveats (they hold file names) and the queries of facts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_state.h"
#include "report/template.h"

#define ID_TEXTS_BYTES_MAX ((size_t)1 << 20)
#define NAME_BYTES_MAX     1024u

/* Parts of ids below which each user or session has facts of their own. */
static const char *const personal[] = {"by_user", "by_session"};

/* The dotted part of an id at *at, which moves behind it. */
static bool next_part(struct str id, size_t *at, struct str *ret_part)
{
    size_t from = *at;

    if (from > id.length) {
        return false;
    }
    while (*at < id.length && id.data[*at] != '.') {
        (*at)++;
    }
    *ret_part = str_slice(id, from, *at);
    (*at)++;
    return true;
}

static bool is_personal(struct str id)
{
    struct str part;

    for (size_t at = 0; next_part(id, &at, &part);) {
        for (size_t i = 0; i < ARRAY_LENGTH(personal); i++) {
            if (str_equal(part, str_from(personal[i]))) {
                return true;
            }
        }
    }
    return false;
}

/* ---- names ---- */

bool model_knows_name(const struct run *run, struct str name)
{
    const struct usage_table *table = &run->options.dataset->table;

    if (name.length == 0 || name.length > NAME_BYTES_MAX) {
        return false;
    }
    if (dict_find(&table->name_dicts[USAGE_MODEL], name) != DICT_NOT_FOUND ||
        dict_find(&table->name_dicts[USAGE_FEATURE], name) != DICT_NOT_FOUND) {
        return true;
    }
    for (size_t i = 0; i < price_book_count(run->options.book); i++) {
        if (str_equal(price_book_row(run->options.book, i)->model, name)) {
            return true;
        }
    }
    return false;
}

static int add_name(struct offer *offer, const struct run *run, struct str name)
{
    uint32_t id;

    if (!model_knows_name(run, name)) {
        return OK;
    }
    int code = dict_put(&offer->names, name, &id);
    return code == ERR_LIMIT ? OK : code; /* the rest is not allowed */
}

static unsigned hex_digit(char c)
{
    return c >= '0' && c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10;
}

/* Names in an id stand between dots, escaped by fact_id_append. */
static int add_names_of_id(struct offer *offer, const struct run *run, struct str id)
{
    char name[NAME_BYTES_MAX];
    struct str part;
    int code = OK;

    for (size_t at = 0; !code && next_part(id, &at, &part);) {
        size_t length = 0;

        for (size_t i = 0; i < part.length && length < sizeof(name); i++) {
            if (part.data[i] == '%' && i + 2 < part.length) {
                name[length++] =
                    (char)(hex_digit(part.data[i + 1]) << 4 | hex_digit(part.data[i + 2]));
                i += 2;
            } else {
                name[length++] = part.data[i];
            }
        }
        code = add_name(offer, run, (struct str){name, length});
    }
    return code;
}

/* A name as it stands in backquotes, those inside it doubled. */
static int add_quoted_name(struct offer *offer, const struct run *run, struct str raw)
{
    struct buf name;

    buf_init(&name, NAME_BYTES_MAX);
    for (size_t i = 0; i < raw.length; i++) {
        buf_append_char(&name, raw.data[i]);
        i += raw.data[i] == '`';
    }
    int code = buf_status(&name);
    code = code ? code : add_name(offer, run, buf_str(&name));
    buf_done(&name);
    return code == ERR_LIMIT ? OK : code;
}

/* ---- facts ---- */

static int add_fact(struct offer *offer, const struct run *run, struct str id)
{
    uint32_t index;

    if (id.length == 0 || is_personal(id) || !fact_find(&offer->report->facts, id) ||
        dict_find(&offer->ids, id) != DICT_NOT_FOUND) {
        return OK;
    }
    int code = dict_put(&offer->ids, id, &index);
    if (code) {
        return code == ERR_LIMIT ? OK : code; /* the rest is not offered */
    }
    return add_names_of_id(offer, run, id);
}

static int add_text(struct offer *offer, const struct run *run, struct str text)
{
    struct template_piece piece;
    int code = OK;

    for (size_t at = 0; !code && template_next(text, &at, &piece);) {
        if (piece.kind == TEMPLATE_FACT) {
            code = add_fact(offer, run, piece.text);
        } else if (piece.kind == TEMPLATE_NAME) {
            code = add_quoted_name(offer, run, piece.text);
        }
    }
    return code;
}

static int add_lines(struct offer *offer, const struct run *run, const struct report_lines *lines)
{
    int code = OK;

    for (size_t i = 0; i < lines->count && !code; i++) {
        code = add_text(offer, run, lines->lines[i]);
    }
    return code;
}

static int add_actions(struct offer *offer, const struct run *run)
{
    int code = OK;

    for (size_t i = 0; i < offer->report->action_count && !code; i++) {
        const struct report_action *action = &offer->report->actions[i];
        const struct str texts[] = {action->title, action->why, action->how, action->risk};

        for (size_t t = 0; t < ARRAY_LENGTH(texts) && !code; t++) {
            code = add_text(offer, run, texts[t]);
        }
        code = code ? code : add_fact(offer, run, action->saving_fact);
        code = code ? code : add_fact(offer, run, action->alone_fact);
    }
    return code;
}

/* A table that shows single users shows them in its other columns too. */
static bool is_table_personal(const struct report_table *table)
{
    for (size_t i = 0; i < table->row_count * table->column_count; i++) {
        if (is_personal(table->cells[i].fact_id)) {
            return true;
        }
    }
    return false;
}

static int add_table(struct offer *offer, const struct run *run, const struct report_table *table)
{
    int code = OK;

    if (is_table_personal(table)) {
        return OK;
    }
    for (size_t i = 0; i < table->row_count * table->column_count && !code; i++) {
        code = add_fact(offer, run, table->cells[i].fact_id);
        code = code ? code : add_name(offer, run, table->cells[i].text);
    }
    return code;
}

/* Paragraphs and lists of all sections, or their tables. */
static int add_sections(struct offer *offer, const struct run *run, bool are_tables)
{
    int code = OK;

    for (size_t s = 0; s < offer->report->section_count; s++) {
        const struct report_section *section = &offer->report->sections[s];

        for (size_t b = 0; b < section->block_count && !code; b++) {
            const struct report_block *block = &section->blocks[b];

            if (are_tables && block->kind == BLOCK_TABLE) {
                code = add_table(offer, run, block->table);
            } else if (!are_tables && block->kind == BLOCK_PARAGRAPH) {
                code = add_text(offer, run, block->text);
            } else if (!are_tables && block->kind == BLOCK_LIST) {
                code = add_lines(offer, run, &block->list);
            }
        }
    }
    return code;
}

int offer_init(struct offer *offer, const struct run *run, const struct report *report,
               size_t facts_max)
{
    offer->report = report;
    dict_init(&offer->ids, (uint32_t)facts_max, ID_TEXTS_BYTES_MAX);
    dict_init(&offer->names, PROSE_NAMES_MAX, ID_TEXTS_BYTES_MAX);
    int code = add_lines(offer, run, &report->summary);

    code = code ? code : add_actions(offer, run);
    code = code ? code : add_sections(offer, run, /* are_tables */ false);
    code = code ? code : add_sections(offer, run, /* are_tables */ true);
    for (uint32_t i = 0; i < report->facts.count && !code; i++) {
        code = add_fact(offer, run, report->facts.facts[i].id);
    }
    return code;
}

void offer_done(struct offer *offer)
{
    dict_done(&offer->ids);
    dict_done(&offer->names);
}

/* ---- as JSON ---- */

static void write_fact(const struct fact *fact, struct buf *json)
{
    struct json_writer w = json_writer_on(json);
    struct buf printed;

    buf_init(&printed, NAME_BYTES_MAX);
    fact_print(fact, &printed);
    json_begin_object(&w);
    json_key(&w, "id");
    json_put_str(&w, fact->id);
    json_key(&w, "label");
    json_put_str(&w, fact->label);
    json_key(&w, "printed");
    json_put_str(&w, buf_str(&printed));
    json_key(&w, "state");
    json_put_text(&w, fact_state_name(fact->state));
    json_key(&w, "unit");
    json_put_text(&w, fact_unit_name(fact->unit));
    if (fact->needs.length) {
        json_key(&w, "needs");
        json_put_str(&w, fact->needs);
    }
    json_end_object(&w);
    if (buf_status(&printed) && !json->status) {
        json->status = buf_status(&printed);
    }
    buf_done(&printed);
}

void offer_write_facts(struct offer *offer, size_t bytes_max, bool is_array, struct buf *out)
{
    size_t from = out->length;
    uint32_t count = 0;
    struct buf json;

    buf_init(&json, MODEL_MATERIAL_BYTES_MAX);
    for (; count < offer->ids.count; count++) {
        buf_clear(&json);
        write_fact(fact_find(&offer->report->facts, dict_text(&offer->ids, count)), &json);
        if (buf_status(&json) || out->length - from + json.length > bytes_max) {
            break;
        }
        if (count) {
            buf_append(out, is_array ? STR(",\n") : STR("\n"));
        }
        buf_append(out, buf_str(&json));
    }
    if (buf_status(&json) && !out->status) {
        out->status = buf_status(&json);
    }
    offer->fact_count = count;
    buf_done(&json);
}

void offer_write_names(const struct offer *offer, struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    json_begin_array(&w);
    for (uint32_t i = 0; i < offer->names.count; i++) {
        json_put_str(&w, dict_text(&offer->names, i));
    }
    json_end_array(&w);
}
