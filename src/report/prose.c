/*
 * The reader of characters: it knows which word, fact or name is open, hands each over when it has
 * ended (prose_judge.c), and lets through what lies before everything that is still in doubt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "report/prose.h"

#include <stdarg.h>
#include <stdio.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/check.h"
#include "report/prose_state.h"
#include "report/template.h"

#define ARENA_BYTES_MAX ((size_t)64 << 10)

enum mark {
    EN_DASH = 0x2013,
    EM_DASH = 0x2014,
    QUOTE_LEFT = 0x2018,
    QUOTE_RIGHT = 0x2019,
    QUOTES_LEFT = 0x201c,
    QUOTES_RIGHT = 0x201d,
    BULLET = 0x2022,
    ELLIPSIS = 0x2026
};

/* The letters of English and of the words that it took over: beyond are Polish, Czech, Turkish …,
 * in whose words no number would be found. */
#define LATIN_LETTER_MAX 0xff
#define LIGATURE_OE      0x152

/* ---- making ---- */

int prose_new(const struct prose_rules *rules, struct prose **ret_prose)
{
    if (rules->name_count > PROSE_NAMES_MAX || rules->fact_count > PROSE_FACTS_MAX) {
        return ERR_LIMIT;
    }
    struct prose *prose = alloc_zeroed(1, sizeof(*prose));
    if (!prose) {
        return ERR_NO_MEMORY;
    }
    prose->rules = rules;
    prose->paragraphs.lines = prose->texts;
    prose->paragraphs.capacity = PROSE_PARAGRAPHS_MAX;
    prose->run_start = NOWHERE;
    prose->mark_start = NOWHERE;
    prose->split_start = NOWHERE;
    prose->waiting_start = NOWHERE;
    prose->quality_start = NOWHERE;
    arena_init(&prose->arena, ARENA_BYTES_MAX);
    buf_init(&prose->line, PROSE_BYTES_MAX);
    *ret_prose = prose;
    return OK;
}

void prose_free(struct prose *prose)
{
    if (prose) {
        arena_done(&prose->arena);
        buf_done(&prose->line);
        alloc_free(prose);
    }
}

void prose_free_pointer(struct prose **prose)
{
    prose_free(*prose);
    *prose = NULL;
}

const struct report_lines *prose_paragraphs(const struct prose *prose)
{
    return &prose->paragraphs;
}

int prose_refuse(struct prose *prose, const char *format, ...)
{
    char message[ERROR_MESSAGE_BYTES_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return error_set(&prose->error, ERR_INVALID, "%s", message);
}

/* ---- letting through ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Everything before the first thing in doubt. */
static void set_safe(struct prose *prose)
{
    size_t safe = prose->place == OUTSIDE ? prose->line.length : prose->open_start;

    safe = least(safe, prose->run_start);
    safe = least(safe, prose->mark_start);
    safe = least(safe, prose->split_start);
    safe = least(safe, prose->waiting_start == NOWHERE ? NOWHERE : prose->waiting_hold);
    safe = least(safe, prose->quality_start);
    prose->safe = safe > prose->safe ? safe : prose->safe;
}

/* Paragraphs are one line apart, as in the message that is made of a report's summary. */
static void let_through(struct prose *prose)
{
    if (prose->safe <= prose->shown) {
        return;
    }
    if (prose->shown == 0 && prose->paragraphs.count) {
        buf_append_char(prose->out, '\n');
    }
    template_print_plain(prose->out, str_slice(buf_str(&prose->line), prose->shown, prose->safe),
                         prose->rules->facts);
    prose->shown = prose->safe;
}

/* ---- what begins and ends ---- */

static int begin_token(struct prose *prose)
{
    if (prose->paragraphs.count == PROSE_PARAGRAPHS_MAX) {
        return prose_refuse(prose, "there are more than %u paragraphs", PROSE_PARAGRAPHS_MAX);
    }
    if (prose->has_space && prose->line.length) {
        buf_append_char(&prose->line, ' ');
    }
    prose->has_space = false;
    prose->open_start = prose->line.length;
    return OK;
}

static void append_point(struct prose *prose, int32_t point)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t count = utf8proc_encode_char(point, bytes);

    buf_append(&prose->line, (struct str){(const char *)bytes, (size_t)count});
    prose->last = point;
}

static int end_word(struct prose *prose)
{
    prose->place = OUTSIDE;
    return prose_judge_part(prose, &prose->part);
}

static int end_name(struct prose *prose)
{
    prose->place = OUTSIDE;
    prose->is_quote_open = false;
    return prose_judge_name(prose);
}

static int end_what_is_open(struct prose *prose)
{
    if (prose->place == IN_WORD) {
        return end_word(prose);
    }
    if (prose->place == IN_NAME && prose->is_quote_open) {
        return end_name(prose);
    }
    return prose->place == OUTSIDE ? OK : prose_refuse(prose, "a fact or a name is not closed");
}

static int keep_paragraph(struct prose *prose)
{
    struct str text = arena_copy(&prose->arena, buf_str(&prose->line));

    if (!text.data) {
        return ERR_NO_MEMORY;
    }
    prose->safe = prose->line.length;
    let_through(prose);
    prose->paragraphs.lines[prose->paragraphs.count++] = text;
    buf_clear(&prose->line);
    return OK;
}

static int end_paragraph(struct prose *prose)
{
    int code = prose_judge_waiting(prose, STR(""), LINKED_BY_NOTHING);

    code = code ? code : prose_end_sentence(prose, '\n');
    if (!code && prose->line.length && !prose->has_words) {
        code = prose_refuse(prose, "a paragraph has no words");
    }
    if (!code && prose->line.length) {
        code = keep_paragraph(prose);
    }
    if (code) {
        return code;
    }
    prose->shown = 0;
    prose->safe = 0;
    prose->last = 0;
    prose->has_space = false;
    prose->has_marker = false;
    prose->has_words = false;
    prose->has_number_before = false;
    prose->has_dash_before = false;
    prose->fact_before = NULL;
    prose->has_gap = true;
    prose->is_clause_open = false;
    prose_clause_end(prose, '\n');
    prose->mark_start = NOWHERE;
    for (size_t i = 0; i < prose->part_count; i++) {
        prose->parts[i].start = 0; /* a word that goes on here must not begin to be shown */
    }
    prose->run_start = NOWHERE;
    prose->split_start = NOWHERE;
    return OK;
}

/* ---- words ---- */

static bool is_apart(const struct prose *prose)
{
    return prose->has_space || prose->line.length == 0;
}

static int begin_word(struct prose *prose)
{
    bool is_joined = prose->part_count > 0 && !prose->has_gap;
    int32_t mark = is_apart(prose) ? 0 : prose->last;

    if (mark == '}' || mark == '`') {
        return prose_refuse(prose, "letters stand right behind a fact or a name");
    }
    if (mark == '.') {
        return prose_refuse(prose, "words are joined by a dot; a fact is written in braces");
    }
    int code = begin_token(prose);
    prose->place = IN_WORD;
    prose->part =
        (struct prose_part){.start = prose->open_start, .is_joined = is_joined, .mark = mark};
    return code;
}

static int refuse_letter(struct prose *prose, int32_t point)
{
    utf8proc_uint8_t bytes[4];
    struct str text = {(const char *)bytes, (size_t)utf8proc_encode_char(point, bytes)};

    return prose_refuse(prose, "the letter \"%.*s\" is not allowed; write in English",
                        STR_ARGS(text));
}

static int take_letter(struct prose *prose, int32_t point, struct str folded)
{
    struct prose_part *part = &prose->part;
    int code = prose->place == IN_WORD ? OK : begin_word(prose);

    if (code) {
        return code;
    }
    if (point > LATIN_LETTER_MAX && point != LIGATURE_OE && point != LIGATURE_OE + 1) {
        return refuse_letter(prose, point);
    }
    if (part->length + folded.length > sizeof(part->letters)) {
        return prose_refuse(prose, "a word is too long");
    }
    memcpy(part->letters + part->length, folded.data, folded.length);
    part->length += folded.length;
    append_point(prose, point);
    return OK;
}

/* "e.g." and "i.e." are the words with a dot inside. */
static bool is_dot_inside(const struct prose *prose, int32_t point)
{
    const struct prose_part *part = &prose->part;

    return point == '.' && prose->place == IN_WORD && part->length == 1 && !part->is_dotted &&
           (prose->last == 'e' || prose->last == 'E' || prose->last == 'i'); /* "so would I." */
}

/* ---- facts and names ---- */

static bool may_stand_before_number(int32_t mark)
{
    return mark == '(' || mark == '"' || mark == '\'' || mark == QUOTES_LEFT ||
           mark == QUOTE_LEFT || mark == EM_DASH;
}

static int begin_fact(struct prose *prose)
{
    if (!prose->rules->may_name_facts) {
        return prose_refuse(prose, "no fact may be named here; write the sentence without numbers");
    }
    if (prose->has_dash_before) {
        return prose_refuse(prose, "a dash before a fact reads as a minus");
    }
    if (!is_apart(prose) && !may_stand_before_number(prose->last)) {
        return prose_refuse(prose, "a space is missing before a fact");
    }
    if (prose->has_number_before) {
        return prose_refuse(prose, "a fact stands right behind another number; put words between");
    }
    int code = prose_judge_waiting(prose, STR("{"), LINKED_BY_SPACE);
    code = code ? code : begin_token(prose);
    prose->place = IN_FACT;
    prose->split_start = NOWHERE; /* no word goes on here */
    append_point(prose, '{');
    return code;
}

static int begin_name(struct prose *prose)
{
    if (!is_apart(prose) && !may_stand_before_number(prose->last) && prose->last != '-' &&
        prose->last != EN_DASH) {
        return prose_refuse(prose, "a space is missing before a name");
    }
    int code = prose_judge_waiting(prose, STR(""), LINKED_BY_NOTHING);
    code = code ? code : begin_token(prose);
    prose->place = IN_NAME;
    prose->split_start = NOWHERE; /* no word goes on here */
    prose->is_quote_open = false;
    append_point(prose, '`');
    return code;
}

static int take_inside(struct prose *prose, int32_t point)
{
    bool is_fact = prose->place == IN_FACT;

    if (point < 0x20 || prose->line.length - prose->open_start > PROSE_OPEN_BYTES ||
        (is_fact && (point == '{' || point == ' ' || point == '`'))) {
        return prose_refuse(prose, is_fact ? "a fact is not closed; it is written {id}, without "
                                             "spaces"
                                           : "a name is not closed");
    }
    append_point(prose, point);
    if (is_fact && point == '}') {
        prose->place = OUTSIDE;
        return prose_judge_fact(prose);
    }
    prose->is_quote_open = !is_fact && point == '`' && !prose->is_quote_open;
    return OK;
}

/* ---- punctuation ---- */

static bool is_quote_or_bracket(int32_t point)
{
    return point == '"' || point == '\'' || point == '(' || point == ')' || point == QUOTE_LEFT ||
           point == QUOTE_RIGHT || point == QUOTES_LEFT || point == QUOTES_RIGHT;
}

static bool is_clause_mark(int32_t point)
{
    return (point > 0 && point < 0x80 && strchr(".,;:!?-", (int)point)) || point == EN_DASH ||
           point == EM_DASH || point == ELLIPSIS;
}

static bool is_behind_abbreviation(const struct prose *prose)
{
    static const char *const words[] = {"eg", "ie", "vs", "etc", "approx", "cf", "incl"};
    const struct prose_part *part = &prose->part;

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (str_equal((struct str){part->letters, part->length}, str_from(words[i]))) {
            return prose->is_clause_open && !prose->has_space;
        }
    }
    return false;
}

/* A comma or a stop ends what a neighbour could say; a hyphen leads to the next word. */
static int end_clause(struct prose *prose, int32_t point)
{
    bool is_hyphen = point == '-' && !is_apart(prose);
    bool is_stop = point == '!' || point == '?' || (point == '.' && !is_behind_abbreviation(prose));

    if (is_hyphen) {
        prose->waiting_link = LINKED_BY_HYPHEN;
        return OK;
    }
    int code = prose_judge_waiting(prose, point == ',' ? STR(",") : STR(""), LINKED_BY_NOTHING);
    if (!code && is_stop) {
        code = prose_end_sentence(prose, point);
    }
    prose->is_clause_open = false;
    prose->fact_before = NULL;
    prose->has_number_before = false;
    prose_clause_end(prose, point);
    return code;
}

static int take_slash(struct prose *prose)
{
    char letters[FOLDED_LETTERS];

    if (is_apart(prose) || words_fold(prose->last, letters) == 0) {
        return prose_refuse(prose, "a slash may only stand between two words");
    }
    append_point(prose, '/');
    return OK;
}

static int take_punctuation(struct prose *prose, int32_t point)
{
    if (!is_apart(prose) && prose->last == '}' &&
        (point == '-' || point == EN_DASH || point == '(')) {
        return prose_refuse(prose, "only a space or a full stop may stand right behind a fact");
    }
    int code = is_clause_mark(point) ? end_clause(prose, point) : OK;
    if (is_clause_mark(point)) {
        prose->has_dash_before = point == '-' || point == EN_DASH;
    }
    prose->has_number_before = prose->has_number_before && point != '(';
    bool is_before_word = is_apart(prose);
    code = code ? code : begin_token(prose);
    if (code) {
        return code;
    }
    if (is_before_word && prose->mark_start == NOWHERE) {
        prose->mark_start = prose->open_start;
    }
    append_point(prose, point);
    return OK;
}

static bool is_marker(const struct prose *prose, int32_t point)
{
    return prose->line.length == 0 && !prose->has_marker &&
           (point == '-' || point == EN_DASH || point == BULLET);
}

/* ---- everything else ---- */

static int refuse_digit(struct prose *prose, int32_t point)
{
    char letters[FOLDED_LETTERS];
    size_t begin = prose->line.length;

    append_point(prose, point);
    while (begin > 0 && !prose->has_space && prose->line.data[begin - 1] != ' ') {
        begin--;
    }
    struct str word = str_slice(buf_str(&prose->line), begin, prose->line.length);
    struct str name = prose_name_like(prose, word);
    if (name.length && words_fold(word.data[0], letters)) {
        return prose_refuse(prose, "a digit stands in \"%.*s\"; a name is written in backquotes",
                            STR_ARGS(word));
    }
    return prose_refuse_number(prose, "a digit stands in the text", word);
}

static int refuse_point(struct prose *prose, int32_t point)
{
    utf8proc_uint8_t bytes[4];
    struct str text = {(const char *)bytes, (size_t)utf8proc_encode_char(point, bytes)};
    utf8proc_category_t category = utf8proc_category(point);

    if (prose_is_digit(point)) {
        return refuse_digit(prose, point);
    }
    if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) {
        return prose_refuse(prose, "the letter \"%.*s\" is not allowed; write in Latin letters",
                            STR_ARGS(text));
    }
    if (point == '%' || category == UTF8PROC_CATEGORY_SC) {
        return prose_refuse(prose, "the sign \"%.*s\" is not allowed; a fact brings its unit",
                            STR_ARGS(text));
    }
    if (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_SO) {
        return prose_refuse(prose, "the sign \"%.*s\" is not allowed; write plain sentences",
                            STR_ARGS(text));
    }
    return prose_refuse(prose, "the invisible character U+%04X is not allowed", (unsigned)point);
}

/* What other writers put for a plain space or hyphen. */
static int32_t plain(int32_t point)
{
    if (point == '\t' || point == '\r' || point == 0xa0 || point == 0x2009 || point == 0x202f) {
        return ' ';
    }
    return point == 0x2010 || point == 0x2011 ? '-' : point;
}

static void take_space(struct prose *prose)
{
    prose->has_space = true;
    prose->has_gap = true;
    prose->run_start = NOWHERE;
}

static int take_outside(struct prose *prose, int32_t point)
{
    if (prose->last == '/') {
        return prose_refuse(prose, "a slash may only stand between two words");
    }
    if (is_marker(prose, point)) {
        prose->has_marker = true;
        prose->has_space = false;
        return OK;
    }
    switch (point) {
    case ' ':
        take_space(prose);
        return OK;
    case '\n':
        return end_paragraph(prose);
    case '{':
        return begin_fact(prose);
    case '`':
        return begin_name(prose);
    case '/':
        return take_slash(prose);
    default:
        return is_clause_mark(point) || is_quote_or_bracket(point) ? take_punctuation(prose, point)
                                                                   : refuse_point(prose, point);
    }
}

static int take_in_text(struct prose *prose, int32_t point)
{
    char letters[FOLDED_LETTERS];
    size_t count = words_fold(point, letters);
    int code = OK;

    if (count) {
        return take_letter(prose, point, (struct str){letters, count});
    }
    if (is_dot_inside(prose, point)) {
        prose->part.is_dotted = true;
        append_point(prose, point);
        return OK;
    }
    if (prose->place == IN_WORD) {
        code = end_word(prose);
    }
    return code ? code : take_outside(prose, point);
}

static bool lacks_space_behind_marker(const struct prose *prose, int32_t point)
{
    return prose->has_marker && prose->line.length == 0 && !prose->has_space && point != ' ' &&
           point != '\n';
}

static int take_point(struct prose *prose, int32_t point)
{
    int code = OK;

    if (prose->place == IN_NAME && prose->is_quote_open && point != '`') {
        code = end_name(prose);
    } else if (prose->place == IN_FACT || prose->place == IN_NAME) {
        return take_inside(prose, point);
    }
    point = plain(point);
    if (!code && lacks_space_behind_marker(prose, point)) {
        code = prose_refuse(prose, "a dash at the beginning needs a space behind it");
    }
    return code ? code : take_in_text(prose, point);
}

/* ---- bytes ---- */

static size_t bytes_of_character(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static int take_byte(struct prose *prose, char byte)
{
    utf8proc_int32_t point;

    if (++prose->byte_count > PROSE_BYTES_MAX) {
        return prose_refuse(prose, "the text is longer than %u bytes", PROSE_BYTES_MAX);
    }
    if (prose->bytes_have == 0) {
        prose->bytes_wanted = bytes_of_character((unsigned char)byte);
    }
    prose->bytes[prose->bytes_have++] = byte;
    if (prose->bytes_have < prose->bytes_wanted) {
        return OK;
    }
    utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)prose->bytes,
                                             (utf8proc_ssize_t)prose->bytes_have, &point);
    if (used != (utf8proc_ssize_t)prose->bytes_have) {
        return prose_refuse(prose, "the text is no UTF-8");
    }
    prose->bytes_have = 0;
    int code = take_point(prose, point);
    if (!code && buf_status(&prose->line)) {
        /* One paragraph is never longer than what came, so only memory can be short. */
        code = ERR_NO_MEMORY;
    }
    if (!code) {
        set_safe(prose);
    }
    return code;
}

/* Keeps what went wrong, shows what was allowed before, and reports both. */
static int settle(struct prose *prose, struct buf *out, struct error *error)
{
    let_through(prose);
    prose->out = NULL;
    if (!prose->code && buf_status(out)) {
        prose->code = buf_status(out);
    }
    if (prose->code == ERR_INVALID) {
        return error_set(error, ERR_INVALID, "%s", prose->error.message);
    }
    return prose->code ? error_set(error, prose->code, "%s", error_code_text(prose->code)) : OK;
}

int prose_feed(struct prose *prose, struct str bytes, struct buf *out, struct error *error)
{
    check(!prose->is_finished);
    prose->out = out;
    for (size_t i = 0; i < bytes.length && !prose->code; i++) {
        prose->code = take_byte(prose, bytes.data[i]);
    }
    return settle(prose, out, error);
}

int prose_finish(struct prose *prose, struct buf *out, struct error *error)
{
    check(!prose->is_finished);
    prose->is_finished = true;
    prose->out = out;
    if (!prose->code && prose->bytes_have) {
        prose->code = prose_refuse(prose, "the text is no UTF-8");
    }
    if (!prose->code) {
        prose->code = end_what_is_open(prose);
    }
    if (!prose->code) {
        prose->code = take_outside(prose, '\n');
    }
    if (!prose->code && prose->paragraphs.count == 0) {
        prose->code = prose_refuse(prose, "there is no text");
    }
    return settle(prose, out, error);
}
