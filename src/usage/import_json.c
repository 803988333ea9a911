/*
 * JSON of flat or nested objects: one a line (JSONL), or one document that is a list of them or has
 * such a list as a member.
 *
 * Before the first row, the lines of the first 64 KiB are read once for their member names alone,
 * because --map needs to know them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/alloc.h"
#include "usage/json_shape.h"
#include "usage/lines.h"

struct json_import {
    struct usage_import *import;
    struct error *error; /* of the current call */
    struct json_parser *parser;
    struct json_shape shape;
    struct lines lines;
    struct buf document; /* one whole document, when it is not lines */
    bool is_resolved;    /* the maps */
};

static int json_begin(struct usage_import *import, struct error *error)
{
    struct json_import *state = alloc_zeroed(1, sizeof(*state));

    if (!state) {
        return error_set(error, ERR_NO_MEMORY, "cannot read the JSON: out of memory");
    }
    state->import = import;
    import->state = state;
    lines_init(&state->lines, IMPORT_LINE_BYTES_MAX);
    buf_init(&state->document, IMPORT_DOCUMENT_BYTES_MAX);
    int code = json_shape_init(&state->shape, import);
    return code ? code : json_parser_new(IMPORT_DOCUMENT_BYTES_MAX, &state->parser);
}

static void json_free(void *arg)
{
    struct json_import *state = arg;

    if (state) {
        json_parser_free(state->parser);
        json_shape_done(&state->shape);
        lines_done(&state->lines);
        buf_done(&state->document);
        alloc_free(state);
    }
}

static int take_object(struct json_import *state, struct json_value object, uint64_t number)
{
    struct usage_import *import = state->import;

    row_clear(&import->row, number);
    if (!json_is(object, JSON_OBJECT)) {
        import->report.rows_read++;
        importer_reject(import, number, "not a JSON object");
        return OK;
    }
    int code = json_shape_fill_row(&state->shape, object);
    return code ? code : importer_take_row(import, state->error);
}

/* Learns the names of one line; what is wrong with the line is said when it is read as a row. */
static int learn_line(const struct line *line, void *arg)
{
    struct json_import *state = arg;
    struct json_value root;
    int code = json_parse(state->parser, line->text, &root, NULL);

    if (code) {
        return code == ERR_NO_MEMORY ? code : OK;
    }
    return json_shape_learn(&state->shape, root);
}

static int reject_line(struct json_import *state, const struct line *line, const char *reason)
{
    if (line->is_last_open && !line->is_too_long) {
        importer_note(state->import, "The last line is cut off; it was not read.");
    }
    state->import->report.rows_read++;
    importer_reject(state->import, line->number, reason);
    return OK;
}

static int resolve(struct json_import *state)
{
    state->is_resolved = true;
    return json_shape_resolve(&state->shape, state->error);
}

static int take_line(const struct line *line, void *arg)
{
    struct json_import *state = arg;
    struct json_value root;
    struct error why = {0};
    char reason[160];

    if (line->is_too_long) {
        (void)snprintf(reason, sizeof(reason), "the line is longer than %zu bytes",
                       IMPORT_LINE_BYTES_MAX);
        return reject_line(state, line, reason);
    }
    if (str_trim(line->text).length == 0) {
        return OK;
    }
    if (!state->is_resolved) { /* the first line was longer than the head: only it is known */
        int code = learn_line(line, state);
        if (!code) {
            code = resolve(state);
        }
        if (code) {
            return code;
        }
    }
    int code = json_parse(state->parser, line->text, &root, &why);
    if (code == ERR_NO_MEMORY) {
        return code;
    }
    return code ? reject_line(state, line, why.message) : take_object(state, root, line->number);
}

/* The names of the whole lines of the head, which is the first piece that a format is given. */
static int learn_head(struct json_import *state, struct str text)
{
    struct str head =
        str_slice(text, 0, text.length < IMPORT_DETECT_BYTES ? text.length : IMPORT_DETECT_BYTES);
    struct lines lines;
    int code;

    lines_init(&lines, IMPORT_DETECT_BYTES);
    code = lines_feed(&lines, head, learn_line, state);
    bool is_all = text.length < IMPORT_DETECT_BYTES - 3; /* a byte order mark may be gone */
    if (!code && is_all) {
        code = lines_finish(&lines, learn_line, state);
    }
    uint64_t number = lines.number;
    lines_done(&lines);
    return code || number == 0 ? code : resolve(state);
}

static int jsonl_feed(struct usage_import *import, struct str text, struct error *error)
{
    struct json_import *state = import->state;
    int code = OK;

    state->error = error;
    if (!state->is_resolved && state->lines.number == 0 && state->lines.open.length == 0) {
        code = learn_head(state, text);
    }
    return code ? code : lines_feed(&state->lines, text, take_line, state);
}

static int note_full(struct json_import *state)
{
    if (state->shape.is_full) {
        importer_note(state->import,
                      "The objects have more than %u different members; later ones were ignored.",
                      SHAPE_NODES_MAX);
    }
    return OK;
}

static int jsonl_finish(struct usage_import *import, struct error *error)
{
    struct json_import *state = import->state;

    state->error = error;
    int code = lines_finish(&state->lines, take_line, state);
    return code ? code : note_full(state);
}

static int document_feed(struct usage_import *import, struct str text, struct error *error)
{
    struct json_import *state = import->state;

    buf_append(&state->document, text);
    if (buf_status(&state->document) == ERR_LIMIT) {
        (void)error_set(error, ERR_LIMIT, "the JSON document is larger than %zu MiB",
                        IMPORT_DOCUMENT_BYTES_MAX >> 20);
        error_hint(error, "Write one object a line (JSONL): that is read in pieces of any size.");
    }
    return buf_status(&state->document);
}

/* The list of objects in a document: itself, or its first member that is one. */
static struct json_value find_list(struct json_value root)
{
    if (json_is(root, JSON_ARRAY)) {
        return root;
    }
    for (struct json_iterator it = json_iterate(root); json_next(&it);) {
        struct json_iterator elements = json_iterate(it.value);

        if (json_is(it.value, JSON_ARRAY) && json_next(&elements) &&
            json_is(elements.value, JSON_OBJECT)) {
            return it.value;
        }
    }
    return (struct json_value){0};
}

static int take_list(struct json_import *state, struct json_value list)
{
    uint64_t number = 0;
    int code = OK;

    for (struct json_iterator it = json_iterate(list); !code && json_next(&it);) {
        code = json_shape_learn(&state->shape, it.value);
    }
    if (!code) {
        code = resolve(state);
    }
    for (struct json_iterator it = json_iterate(list); !code && json_next(&it);) {
        code = take_object(state, it.value, ++number);
    }
    return code;
}

static int document_finish(struct usage_import *import, struct error *error)
{
    struct json_import *state = import->state;
    struct json_value root;

    state->error = error;
    int code = json_parse(state->parser, buf_str(&state->document), &root, error);
    if (code == ERR_INVALID) {
        error_hint(error, "The file begins like one JSON document; it may be cut off or damaged.");
    }
    if (code) {
        return code;
    }
    struct json_value list = find_list(root);
    if (list.document) {
        code = take_list(state, list);
    } else {
        code = json_shape_learn(&state->shape, root);
        if (!code) {
            code = resolve(state);
        }
        if (!code) {
            code = take_object(state, root, 1);
        }
    }
    return code ? code : note_full(state);
}

const struct import_ops import_jsonl = {
    .format = IMPORT_JSONL,
    .name = "jsonl",
    .begin = json_begin,
    .feed = jsonl_feed,
    .finish = jsonl_finish,
    .free = json_free,
};

const struct import_ops import_json = {
    .format = IMPORT_JSON,
    .name = "json",
    .begin = json_begin,
    .feed = document_feed,
    .finish = document_finish,
    .free = json_free,
};
