/*
 * Which format a text is, from its first 64 KiB: text at all? JSON by its first character, one
 * document or one object a line by where the first object ends, an agentic trace by its "requests"
 * list; anything else is CSV.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usage/importer.h"

/* What the first object of a text looks like, seen by a scanner that knows strings and nesting. */
struct shape {
    bool has_requests;       /* a member "requests" that is a list */
    bool has_resource_spans; /* OTLP */
    bool has_line_end;       /* within the object */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Index behind the string that begins at text[at]. */
static size_t skip_string(struct str text, size_t at)
{
    for (at++; at < text.length && text.data[at] != '"'; at++) {
        if (text.data[at] == '\\') {
            at++;
        }
    }
    return at < text.length ? at + 1 : text.length;
}

/* True when what follows at is ':' and the character. */
static bool is_member_of_kind(struct str text, size_t at, char kind)
{
    bool has_colon = false;

    for (; at < text.length; at++) {
        if (text.data[at] == ':' && !has_colon) {
            has_colon = true;
        } else if (!is_blank(text.data[at])) {
            return has_colon && text.data[at] == kind;
        }
    }
    return false;
}

static void look_at_string(struct str text, size_t begin, size_t end, struct shape *shape)
{
    struct str string = str_slice(text, begin, end);

    if (str_equal(string, STR("\"requests\"")) && is_member_of_kind(text, end, '[')) {
        shape->has_requests = true;
    }
    if (str_equal(string, STR("\"resourceSpans\"")) && is_member_of_kind(text, end, '[')) {
        shape->has_resource_spans = true;
    }
}

static struct shape look_at_object(struct str text)
{
    struct shape shape = {0};
    int depth = 0;

    for (size_t i = 0; i < text.length;) {
        char c = text.data[i];

        if (c == '"') {
            size_t end = skip_string(text, i);

            if (depth == 1) {
                look_at_string(text, i, end, &shape);
            }
            i = end;
            continue;
        }
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        shape.has_line_end |= c == '\n';
        if (depth == 0) {
            break;
        }
        i++;
    }
    return shape;
}

/* The end of a head may cut a sequence of UTF-8. */
static struct str without_cut_sequence(struct str head, bool is_all)
{
    size_t length = head.length;

    for (size_t back = 1; !is_all && back <= 3 && back <= head.length; back++) {
        unsigned char c = (unsigned char)head.data[head.length - back];

        if ((c & 0xc0) == 0xc0) {
            length = head.length - back;
            break;
        }
        if (c < 0x80) {
            break;
        }
    }
    return str_slice(head, 0, length);
}

static int refuse_binary(struct str head, bool is_all, struct error *error)
{
    if (str_starts_with(head, STR("PK\x03\x04"))) {
        (void)error_set(error, ERR_UNSUPPORTED, "not a text export: a ZIP archive or a workbook");
        error_hint(error, "Unpack it, or save the sheet as CSV (UTF-8).");
        return ERR_UNSUPPORTED;
    }
    if (str_starts_with(head, STR("PAR1")) || str_starts_with(head, STR("SQLite format 3"))) {
        (void)error_set(error, ERR_UNSUPPORTED, "not a text export: a %s file",
                        head.data[0] == 'P' ? "Parquet" : "SQLite");
        error_hint(error, "Export the table as CSV or as JSON lines.");
        return ERR_UNSUPPORTED;
    }
    if (str_starts_with(head, STR("\xff\xfe")) || str_starts_with(head, STR("\xfe\xff"))) {
        (void)error_set(error, ERR_UNSUPPORTED, "not a text export in UTF-8: it is in UTF-16");
        error_hint(error, "Save it as UTF-8.");
        return ERR_UNSUPPORTED;
    }
    if (head.length && memchr(head.data, '\0', head.length)) {
        (void)error_set(error, ERR_INVALID, "not a text export: it has NUL bytes");
    } else if (!str_is_utf8(without_cut_sequence(head, is_all))) {
        (void)error_set(error, ERR_INVALID, "not a text export: its bytes are not UTF-8");
    } else {
        return OK;
    }
    error_hint(error, "Give CSV, JSON lines or JSON in UTF-8, plain or compressed with gzip.");
    return ERR_INVALID;
}

int importer_detect(struct str head, bool is_all, const struct import_ops **ret_ops,
                    struct error *error)
{
    int code = refuse_binary(head, is_all, error);
    size_t i = 0;

    if (code) {
        return code;
    }
    while (i < head.length && is_blank(head.data[i])) {
        i++;
    }
    if (i == head.length || (head.data[i] != '{' && head.data[i] != '[')) {
        *ret_ops = &import_csv;
        return OK;
    }
    if (head.data[i] == '[') {
        *ret_ops = &import_json;
        return OK;
    }
    struct shape shape = look_at_object(str_slice(head, i, head.length));
    if (shape.has_resource_spans) {
        (void)error_set(error, ERR_UNSUPPORTED, "OTLP traces are not read from files");
        error_hint(error, "Export the spans' gen_ai attributes as CSV or as JSON lines.");
        return ERR_UNSUPPORTED;
    }
    if (shape.has_requests) {
        *ret_ops = shape.has_line_end ? &import_agentic_document : &import_agentic;
    } else {
        *ret_ops = shape.has_line_end ? &import_json : &import_jsonl;
    }
    return OK;
}
