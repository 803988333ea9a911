/*
 * What is allowed: words, facts, names, sentences. A number could come in as a word, in pieces
 * ("twen-ty", "twen ty"), glued to a fact so that two make a third ("{a} {b}", "minus {a}"), or as
 * a name that reads like one; each has its rule here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <utf8proc.h>

#include "report/prose_state.h"
#include "report/template.h"

#define SAME_LETTERS_MAX 2u
#define NAME_WORDS_MAX   5u
#define NAME_BYTES_MAX   100u
#define SHOWN_BYTES      ((size_t)60) /* of a word or an id in a message */

/* ---- messages ---- */

/* What a message shows of a text, cut at a character. */
struct str prose_shown(struct str text)
{
    size_t end = text.length < SHOWN_BYTES ? text.length : SHOWN_BYTES;

    while (end > 0 && end < text.length && ((unsigned char)text.data[end] & 0xc0) == 0x80) {
        end--;
    }
    return str_slice(text, 0, end);
}

int prose_refuse_number(struct prose *prose, const char *what, struct str word)
{
    const struct prose_rules *rules = prose->rules;

    if (rules->may_name_facts && rules->fact_count) {
        return prose_refuse(prose, "%s: \"%.*s\"; use a fact such as {%.*s}", what,
                            STR_ARGS(prose_shown(word)), STR_ARGS(prose_shown(rules->fact_ids[0])));
    }
    return prose_refuse(prose, "%s: \"%.*s\"; leave numbers out", what,
                        STR_ARGS(prose_shown(word)));
}

static int refuse_word(struct prose *prose, struct str word)
{
    return prose_refuse_number(prose, "a number stands in words", word);
}

static size_t same_begin(struct str a, struct str b)
{
    size_t same = 0;

    while (same < a.length && same < b.length && a.data[same] == b.data[same]) {
        same++;
    }
    return same;
}

/* The id that shares most of its beginning with what was written is what was probably meant. */
static int refuse_fact(struct prose *prose, struct str id)
{
    const struct prose_rules *rules = prose->rules;
    size_t best = 0;

    if (rules->fact_count == 0) {
        return prose_refuse(prose, "there is no fact {%.*s}", STR_ARGS(prose_shown(id)));
    }
    for (size_t i = 1; i < rules->fact_count; i++) {
        if (same_begin(rules->fact_ids[i], id) > same_begin(rules->fact_ids[best], id)) {
            best = i;
        }
    }
    return prose_refuse(prose, "there is no fact {%.*s}; there is {%.*s}",
                        STR_ARGS(prose_shown(id)), STR_ARGS(prose_shown(rules->fact_ids[best])));
}

struct str prose_name_like(const struct prose *prose, struct str begin)
{
    for (size_t i = 0; i < prose->rules->name_count; i++) {
        if (str_starts_with(prose->rules->names[i], begin)) {
            return prose->rules->names[i];
        }
    }
    return STR("");
}

/* ---- words ---- */

static struct str letters_of(const struct prose_part *part)
{
    return (struct str){part->letters, part->length};
}

static struct str written(const struct prose *prose, size_t start)
{
    return str_slice(buf_str(&prose->line), start, prose->line.length);
}

static struct prose_part *newest(struct prose *prose)
{
    return prose->part_count ? &prose->parts[prose->part_count - 1] : NULL;
}

static void remember(struct prose *prose, const struct prose_part *part)
{
    if (prose->part_count == PROSE_PARTS_KEPT) {
        memmove(prose->parts, prose->parts + 1, (PROSE_PARTS_KEPT - 1) * sizeof(prose->parts[0]));
        prose->part_count--;
    }
    prose->parts[prose->part_count++] = *part;
    prose->is_clause_open = true;
    prose->has_gap = false;
    prose->has_words = true;
}

static bool repeats_a_letter(struct str letters)
{
    size_t same = 1;

    for (size_t i = 1; i < letters.length; i++) {
        same = letters.data[i] == letters.data[i - 1] ? same + 1 : 1;
        if (same > SAME_LETTERS_MAX) {
            return true;
        }
    }
    return false;
}

static bool is_apostrophe(int32_t mark)
{
    return mark == '\'' || mark == 0x2019;
}

/* "a", "I", what follows an apostrophe, and "A/B". */
static bool may_stand_alone(struct prose *prose, const struct prose_part *part, struct str raw)
{
    const struct prose_part *before = newest(prose);
    bool is_behind = before && part->is_joined;
    bool has_apostrophe = is_apostrophe(part->mark);

    if (part->letters[0] == 'a') {
        return true;
    }
    if (str_equal(raw, STR("I"))) { /* "I I" is a numeral again */
        return !before || before->length > 1;
    }
    if (has_apostrophe && !before) {
        return part->letters[0] == 's'; /* of a name or a fact */
    }
    if (is_behind && has_apostrophe) {
        return strchr("stdm", part->letters[0]) &&
               (before->length > 1 || before->letters[0] == 'i');
    }
    return is_behind && part->mark == '/' && part->letters[0] == 'b' &&
           str_equal(letters_of(before), STR("a"));
}

static int judge_alone(struct prose *prose, const struct prose_part *part)
{
    struct str raw = written(prose, part->start);
    struct str letters = letters_of(part);

    if (part->is_dotted) {
        return str_equal(letters, STR("eg")) || str_equal(letters, STR("ie"))
                   ? OK
                   : prose_refuse(prose, "words are joined by a dot: \"%.*s\"", STR_ARGS(raw));
    }
    if (repeats_a_letter(letters)) {
        return prose_refuse(prose, "this is no word: \"%.*s\"", STR_ARGS(prose_shown(raw)));
    }
    if (part->length == 1 && !may_stand_alone(prose, part, raw)) {
        return prose_refuse(prose,
                            "a letter stands alone: \"%.*s\"; write words, and names in "
                            "backquotes",
                            STR_ARGS(raw));
    }
    if (words_are_foreign(letters)) {
        return prose_refuse(prose, "\"%.*s\" is no English; write in English", STR_ARGS(raw));
    }
    if (words_look_like_number(raw)) {
        return prose_refuse_number(prose, "this reads like a number", raw);
    }
    return words_say_number(letters, raw) ? refuse_word(prose, raw) : OK;
}

/* "it's even" holds no "s even". */
static bool is_ending(const struct prose_part *part)
{
    return part->is_joined && is_apostrophe(part->mark);
}

/* Together with the words before it; also finds out whether more could make a number of them. */
static int judge_together(struct prose *prose)
{
    char letters[PROSE_PARTS_KEPT * WORD_BYTES_MAX];
    size_t begin = sizeof(letters);
    bool is_one_run = true;

    prose->split_start = NOWHERE;
    for (size_t i = prose->part_count; i-- > 0;) {
        const struct prose_part *part = &prose->parts[i];

        begin -= part->length;
        memcpy(letters + begin, part->letters, part->length);
        struct str together = {letters + begin, sizeof(letters) - begin};
        if (together.length > WORD_BYTES_MAX) {
            break;
        }
        if (i + 1 < prose->part_count && ((!is_ending(part) && words_say_number_spaced(together)) ||
                                          (is_one_run && words_say_number_joined(together)))) {
            return refuse_word(prose, written(prose, part->start));
        }
        if (!is_ending(part) && words_begin_number_spaced(together)) {
            prose->split_start = part->start;
        }
        is_one_run = is_one_run && part->is_joined;
    }
    return OK;
}

int prose_judge_waiting(struct prose *prose, struct str after, enum word_link link)
{
    struct str before = {prose->waiting_before, prose->waiting_before_length};

    if (prose->waiting_start == NOWHERE) {
        return OK;
    }
    if (!words_allow_neighbours(letters_of(&prose->waiting), before, after, link)) {
        return refuse_word(prose, written(prose, prose->waiting_start));
    }
    prose->waiting_start = NOWHERE;
    return OK;
}

/* hold: of the word that was waiting for this one, or NOWHERE. */
static void wait_for_neighbour(struct prose *prose, const struct prose_part *part, size_t hold)
{
    const struct prose_part *before = newest(prose);

    prose->waiting_hold = hold == NOWHERE ? part->start : hold;
    prose->waiting = *part;
    prose->waiting_start = part->start;
    prose->waiting_link = LINKED_BY_SPACE;
    prose->waiting_before_length = 0;
    if (before && prose->is_clause_open) {
        memcpy(prose->waiting_before, before->letters, before->length);
        prose->waiting_before_length = before->length;
    }
}

static struct str word_before(struct prose *prose)
{
    return newest(prose) && prose->is_clause_open ? letters_of(newest(prose)) : STR("");
}

static int judge_promise(struct prose *prose, const struct prose_part *part, struct str before)
{
    const char *wrong = words_promise(letters_of(part), before);

    return wrong ? prose_refuse(
                       prose, "%s: \"%.*s\"", wrong,
                       STR_ARGS(written(prose, before.length ? newest(prose)->start : part->start)))
                 : OK;
}

/* A sentence about quality needs a fact of it, or says that there is none: "was not measured". */
static void note_quality(struct prose *prose, const struct prose_part *part, struct str before)
{
    struct str letters = letters_of(part);
    bool is_open = words_are_in("unknown unmeasured", letters) ||
                   (words_are_in("not never t", before) &&
                    words_are_in("measured scored tested evaluated compared judged", letters));

    if (is_open) {
        prose->has_quality_fact = true;
        prose->quality_start = NOWHERE;
    }
    if (words_are_quality(letters) && !prose->has_quality_fact && prose->quality_start == NOWHERE) {
        prose->quality_start = part->start;
    }
}

int prose_judge_part(struct prose *prose, struct prose_part *part)
{
    struct str letters = letters_of(part);
    struct str before = word_before(prose);
    size_t hold = prose->waiting_start == NOWHERE ? NOWHERE : prose->waiting_hold;
    int code = judge_alone(prose, part);

    code = code ? code : prose_judge_waiting(prose, letters, prose->waiting_link);
    code = code ? code : judge_promise(prose, part, before);
    code = code ? code : prose_clause_word(prose, part, before);
    if (code) {
        return code;
    }
    if (words_need_neighbours(letters)) {
        wait_for_neighbour(prose, part, hold);
    }
    note_quality(prose, part, before);
    prose->has_number_before = false;
    prose->has_dash_before = false;
    prose->mark_start = NOWHERE;
    remember(prose, part);
    if (!part->is_joined) {
        prose->run_start = part->start;
    }
    return judge_together(prose);
}

/* What is no word ends what words could make together. */
static void forget_words(struct prose *prose)
{
    prose->part_count = 0;
    prose->is_clause_open = false;
    prose->split_start = NOWHERE;
    prose->run_start = NOWHERE;
    prose->mark_start = NOWHERE;
    prose->has_words = true;
    prose->has_dash_before = false;
}

/* ---- facts ---- */

static bool is_offered(const struct prose *prose, struct str id)
{
    for (size_t i = 0; i < prose->rules->fact_count; i++) {
        if (str_equal(prose->rules->fact_ids[i], id)) {
            return true;
        }
    }
    return false;
}

/* The id begins with "quality", or its last part does: "whatif.gpt-4o-mini.quality". Not when that
 * is somebody's name ("spend.by_feature.quality"), nor how many records have a score. */
static bool is_of_quality(struct str id)
{
    size_t last = id.length;

    while (last > 0 && id.data[last - 1] != '.') {
        last--;
    }
    return str_starts_with(id, STR("quality")) ||
           (str_starts_with(str_slice(id, last, id.length), STR("quality")) &&
            str_find(id, STR(".by_"), 0) == SIZE_MAX);
}

static int judge_form(struct prose *prose, const struct fact *fact, enum template_form form)
{
    if (form == FORM_PRINTED) {
        return OK;
    }
    if (fact->state == FACT_UNKNOWN) {
        return prose_refuse(prose, "the fact is unknown; it is written {%.*s}",
                            STR_ARGS(prose_shown(fact->id)));
    }
    if (form != FORM_EXACT && (!fact->has_bounds || (form == FORM_HIGH && fact->is_open))) {
        return prose_refuse(prose, "{%.*s} has no %s bound", STR_ARGS(prose_shown(fact->id)),
                            form == FORM_LOW ? "low" : "high");
    }
    return OK;
}

int prose_judge_fact(struct prose *prose)
{
    struct str text = written(prose, prose->open_start);
    struct template_piece piece = {.kind = TEMPLATE_BROKEN};
    size_t at = 0;
    bool is_one = template_next(text, &at, &piece) && at == text.length;
    struct str inside = str_slice(text, 1, text.length - 1);

    if (!is_one || piece.kind != TEMPLATE_FACT || !is_offered(prose, piece.text)) {
        return refuse_fact(prose, inside);
    }
    const struct fact *fact = fact_find(prose->rules->facts, piece.text);
    if (!fact) {
        return refuse_fact(prose, inside);
    }
    int code = judge_form(prose, fact, piece.form);
    code = code ? code
                : prose_clause_fact(prose, fact,
                                    piece.form == FORM_PRINTED || piece.form == FORM_EXACT);
    if (code) {
        return code;
    }
    if (is_of_quality(fact->id)) {
        prose->has_quality_fact = true;
        prose->quality_start = NOWHERE;
    }
    forget_words(prose);
    prose->fact_before = fact;
    prose->has_number_before = true;
    return OK;
}

/* ---- names ---- */

/* Backquotes inside a name are doubled (report_append_name). */
static bool is_name(struct str quoted, struct str name)
{
    size_t at = 0;

    for (size_t i = 0; i < name.length; i++) {
        size_t width = name.data[i] == '`' ? 2 : 1;

        if (at + width > quoted.length || quoted.data[at] != name.data[i]) {
            return false;
        }
        at += width;
    }
    return at == quoted.length;
}

bool prose_is_digit(int32_t point)
{
    utf8proc_category_t category = utf8proc_category(point);

    return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL ||
           category == UTF8PROC_CATEGORY_NO;
}

struct name_reading {
    char letters[WORD_BYTES_MAX]; /* folded, the first of them */
    size_t length;
    bool has_digit;
    bool has_other_letters; /* other scripts: no number that could be told here */
    bool begins_with_digit;
    bool ends_with_digit;
};

static void read_name(struct str name, struct name_reading *ret_reading)
{
    struct name_reading reading = {.length = 0};
    utf8proc_int32_t point;

    for (size_t i = 0; i < name.length;) {
        char letters[FOLDED_LETTERS];
        utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)name.data + i,
                                                 (utf8proc_ssize_t)(name.length - i), &point);
        bool is_valid = used > 0;
        size_t count = is_valid ? words_fold(point, letters) : 0;

        if (reading.length + count > sizeof(reading.letters)) {
            reading.has_other_letters = true;
            count = 0;
        }
        memcpy(reading.letters + reading.length, letters, count);
        reading.length += count;
        reading.ends_with_digit = is_valid && prose_is_digit(point);
        reading.has_digit = reading.has_digit || reading.ends_with_digit;
        reading.begins_with_digit =
            reading.begins_with_digit || (i == 0 && reading.ends_with_digit);
        reading.has_other_letters =
            reading.has_other_letters ||
            (is_valid && count == 0 && utf8proc_category(point) <= UTF8PROC_CATEGORY_LO &&
             utf8proc_category(point) >= UTF8PROC_CATEGORY_LU);
        i += is_valid ? (size_t)used : 1;
    }
    *ret_reading = reading;
}

/* "5000", "20 %", "5k", "twenty": a name of a record may be such, but in a sentence it would be
 * taken for a number. */
static bool reads_like_number(struct str name, const struct name_reading *reading)
{
    static const char *const tails[] = {"k",  "m",  "b",  "g",    "t",      "x",
                                        "e",  "s",  "h",  "d",    "min",    "th",
                                        "st", "nd", "rd", "mtok", "tokens", "requests"};
    struct str letters = {reading->letters, reading->length};

    if (reading->has_other_letters) {
        return false;
    }
    if (!reading->has_digit) {
        return words_say_number_joined(letters) || words_look_like_number(name) ||
               str_equal(letters, STR("one"));
    }
    if (letters.length == 0 || words_are_unit(letters) || words_are_scale(letters) ||
        words_say_number_joined(letters)) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(tails); i++) {
        if (str_equal(letters, str_from(tails[i]))) {
            return true;
        }
    }
    return false;
}

/* A record may call its feature a sentence; behind our full stop it would be read as ours. */
static bool reads_like_text(struct str name)
{
    static const char *const marks[] = {"%", "$",  "!",  "?",  ";",  "<",   ">",
                                        "@", ". ", ", ", ": ", "//", "www."};
    size_t spaces = 0;

    for (size_t i = 0; i < name.length; i++) {
        spaces += name.data[i] == ' ';
    }
    for (size_t i = 0; i < ARRAY_LENGTH(marks); i++) {
        if (str_find(name, str_from(marks[i]), 0) != SIZE_MAX) {
            return true;
        }
    }
    return spaces >= NAME_WORDS_MAX || name.length > NAME_BYTES_MAX;
}

int prose_judge_name(struct prose *prose)
{
    struct str text = written(prose, prose->open_start);
    struct str quoted = str_slice(text, 1, text.length - 1);
    struct name_reading reading;
    size_t found = 0;

    while (found < prose->rules->name_count && !is_name(quoted, prose->rules->names[found])) {
        found++;
    }
    if (found == prose->rules->name_count && is_offered(prose, quoted)) {
        return prose_refuse(prose, "a fact is written {%.*s}, not in backquotes",
                            STR_ARGS(prose_shown(quoted)));
    }
    if (found == prose->rules->name_count) {
        return prose_refuse(prose, "`%.*s` is none of the names that may be written",
                            STR_ARGS(prose_shown(quoted)));
    }
    read_name(prose->rules->names[found], &reading);
    if (reads_like_number(prose->rules->names[found], &reading)) {
        return prose_refuse(prose, "the name `%.*s` reads like a number; leave it out",
                            STR_ARGS(prose_shown(quoted)));
    }
    if (reads_like_text(prose->rules->names[found])) {
        return prose_refuse(prose, "the name `%.*s` reads like a sentence; leave it out",
                            STR_ARGS(prose_shown(quoted)));
    }
    if (prose->has_number_before && reading.begins_with_digit) {
        return prose_refuse(prose, "the name `%.*s` stands right behind a number",
                            STR_ARGS(prose_shown(quoted)));
    }
    forget_words(prose);
    prose_clause_name(prose);
    prose->fact_before = NULL;
    prose->has_number_before = reading.ends_with_digit;
    return OK;
}

/* ---- sentences ---- */

/* A question makes no claim, but only where no number may stand is a question what is wanted. */
int prose_end_sentence(struct prose *prose, int32_t mark)
{
    bool is_question = mark == '?' && !prose->rules->may_name_facts;

    if (prose->quality_start != NOWHERE && !is_question) {
        struct str text = written(prose, prose->quality_start);
        size_t end = 0;

        while (end < text.length && text.data[end] != ' ') {
            end++;
        }
        return prose_refuse(prose,
                            "a sentence about quality (\"%.*s\") names no fact of quality; name "
                            "one in it or leave it out",
                            STR_ARGS(prose_shown(str_slice(text, 0, end))));
    }
    prose->quality_start = NOWHERE;
    prose->has_quality_fact = false;
    return OK;
}
