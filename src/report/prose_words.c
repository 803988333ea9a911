/*
 * A compound is read from left to right, keeping all ways in which what came so far can be taken
 * apart into words of the table: a set of states per position, as in a small automaton. The table
 * has under a thousand words, so it is searched plainly.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "report/prose_words.h"

#include <utf8proc.h>

#include "base/attributes.h"

#define SUBSTRING_LETTERS_MIN 6u /* shorter number words stand in many others by chance */
#define SPACED_LETTERS_MIN    3u
#define SPACED_FOREIGN_MIN    6u /* "do is" is no "dois" */
#define EDGE_LETTERS_MORE     2u

enum word_kind {
    EDGE,
    ENGLISH,
    NUMBER,
    ACCENTED,
    GLUE,
    LINK,
    UNIT,
    TAIL,
    SUFFIX,
    SCALE,
    PLAIN,
    QUALITY,
    FOREIGN,
    CLAIM,
    SECRET
};

struct known_word {
    struct str text;
    enum word_kind kind;
};

static const struct known_word known[] = {
#define EDGE(word)     {{#word, sizeof(#word) - 1}, EDGE},
#define ENGLISH(word)  {{#word, sizeof(#word) - 1}, ENGLISH},
#define NUMBER(word)   {{#word, sizeof(#word) - 1}, NUMBER},
#define ACCENTED(word) {{#word, sizeof(#word) - 1}, ACCENTED},
#define GLUE(word)     {{#word, sizeof(#word) - 1}, GLUE},
#define LINK(word)     {{#word, sizeof(#word) - 1}, LINK},
#define UNIT(word)     {{#word, sizeof(#word) - 1}, UNIT},
#define TAIL(word)     {{#word, sizeof(#word) - 1}, TAIL},
#define SUFFIX(word)   {{#word, sizeof(#word) - 1}, SUFFIX},
#define SCALE(word)    {{#word, sizeof(#word) - 1}, SCALE},
#define PLAIN(word)    {{#word, sizeof(#word) - 1}, PLAIN},
#define QUALITY(word)  {{#word, sizeof(#word) - 1}, QUALITY},
#define FOREIGN(word)  {{#word, sizeof(#word) - 1}, FOREIGN},
#define CLAIM(word)    {{#word, sizeof(#word) - 1}, CLAIM},
#define SECRET(word)   {{#word, sizeof(#word) - 1}, SECRET},
#include "report/number_words.def"
#undef EDGE
#undef ENGLISH
#undef NUMBER
#undef ACCENTED
#undef GLUE
#undef LINK
#undef UNIT
#undef TAIL
#undef SUFFIX
#undef SCALE
#undef PLAIN
#undef QUALITY
#undef FOREIGN
#undef CLAIM
#undef SECRET
};

/* ---- letters ---- */

static const struct {
    int32_t point;
    char letters[FOLDED_LETTERS + 1];
} undivided[] = {
    {0x00df, "ss"}, {0x00e6, "ae"}, {0x00f0, "d"}, {0x00f8, "o"}, {0x00fe, "th"}, {0x0111, "d"},
    {0x0127, "h"},  {0x0131, "i"},  {0x0142, "l"}, {0x014b, "n"}, {0x0153, "oe"}, {0x0167, "t"},
};

static bool is_latin_letter(int32_t point)
{
    if (point < 0x80) {
        return (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z');
    }
    return point >= 0xc0 && point <= 0x017e && point != 0xd7 && point != 0xf7 &&
           !(point >= 0x0132 && point <= 0x0133) && point != 0x0138 &&
           !(point >= 0x013f && point <= 0x0140) && point != 0x0149;
}

size_t words_fold(int32_t point, char ret_letters[FOLDED_LETTERS])
{
    utf8proc_int32_t parts[4];

    if (!is_latin_letter(point)) {
        return 0;
    }
    int32_t lower = utf8proc_tolower(point);
    for (size_t i = 0; i < ARRAY_LENGTH(undivided); i++) {
        if (undivided[i].point == lower) {
            size_t length = strlen(undivided[i].letters);

            memcpy(ret_letters, undivided[i].letters, length);
            return length;
        }
    }
    utf8proc_ssize_t count =
        utf8proc_decompose_char(lower, parts, (utf8proc_ssize_t)ARRAY_LENGTH(parts),
                                UTF8PROC_DECOMPOSE, /* last boundary class */ NULL);
    if (count < 1 || parts[0] < 'a' || parts[0] > 'z') {
        return 0;
    }
    ret_letters[0] = (char)parts[0];
    return 1;
}

/* ---- the table ---- */

static bool is_known_as(struct str word, enum word_kind kind)
{
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (known[i].kind == kind && str_equal(known[i].text, word)) {
            return true;
        }
    }
    return false;
}

bool words_are_unit(struct str folded)
{
    return is_known_as(folded, UNIT);
}

bool words_are_scale(struct str folded)
{
    return is_known_as(folded, SCALE);
}

bool words_are_quality(struct str folded)
{
    return is_known_as(folded, QUALITY);
}

bool words_are_foreign(struct str folded)
{
    return is_known_as(folded, FOREIGN);
}

static bool is_number_kind(enum word_kind kind)
{
    return kind == EDGE || kind == ENGLISH || kind == NUMBER;
}

/* ---- compounds ---- */

/* Ways to have read a compound up to a position; with _NUMBER one of the words was a number. */
enum reading {
    AT_START = 1,
    BEHIND_GLUE = 2,
    BEHIND_NUMBER = 4,
    BEHIND_LINK = 8,
    BEHIND_LINK_NUMBER = 16,
    AT_END = 32
};

static unsigned readings_behind(unsigned before, enum word_kind kind)
{
    unsigned behind = 0;

    switch (kind) {
    case EDGE:
    case ENGLISH:
    case NUMBER:
        behind = before & ~(unsigned)AT_END ? BEHIND_NUMBER : 0;
        break;
    case GLUE:
        behind = before & AT_START ? BEHIND_GLUE : 0;
        behind |= before & ~(unsigned)(AT_START | AT_END) ? BEHIND_NUMBER : 0;
        break;
    case LINK:
        behind = before & BEHIND_GLUE ? BEHIND_LINK : 0;
        behind |= before & BEHIND_NUMBER ? BEHIND_LINK_NUMBER : 0;
        break;
    case UNIT:
    case TAIL:
        behind = before & (BEHIND_GLUE | BEHIND_NUMBER) ? AT_END : 0;
        break;
    case SUFFIX:
        behind = before & BEHIND_NUMBER ? AT_END : 0;
        break;
    case ACCENTED:
    case SCALE:
    case PLAIN:
    case QUALITY:
    case FOREIGN:
    case CLAIM:
    case SECRET:
        break;
    }
    return behind;
}

static bool is_compound(struct str folded)
{
    unsigned readings[WORD_BYTES_MAX + 1] = {AT_START};

    if (folded.length > WORD_BYTES_MAX) {
        return false;
    }
    for (size_t at = 0; at < folded.length; at++) {
        struct str rest = str_slice(folded, at, folded.length);

        for (size_t i = 0; readings[at] && i < ARRAY_LENGTH(known); i++) {
            if (known[i].text.data[0] == rest.data[0] && str_starts_with(rest, known[i].text)) {
                readings[at + known[i].text.length] |= readings_behind(readings[at], known[i].kind);
            }
        }
    }
    return readings[folded.length] & (BEHIND_NUMBER | AT_END);
}

static bool holds_number(struct str folded)
{
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        struct str word = known[i].text;

        if (is_number_kind(known[i].kind) && word.length >= SUBSTRING_LETTERS_MIN &&
            str_find(folded, word, 0) != SIZE_MAX) {
            return true;
        }
        if (known[i].kind == EDGE && folded.length >= word.length + EDGE_LETTERS_MORE &&
            (str_starts_with(folded, word) || str_ends_with(folded, word))) {
            return true;
        }
    }
    return false;
}

bool words_say_number(struct str folded, struct str raw)
{
    if (is_known_as(folded, PLAIN)) {
        return false;
    }
    return is_compound(folded) || holds_number(folded) || is_known_as(folded, SCALE) ||
           (raw.length > folded.length && is_known_as(folded, ACCENTED));
}

bool words_say_number_joined(struct str folded)
{
    return !is_known_as(folded, PLAIN) && is_compound(folded);
}

/* Which words may be written apart by whoever wants to be clever. */
static bool may_be_spaced(const struct known_word *word)
{
    if (word->kind == NUMBER) {
        return word->text.length >= SPACED_FOREIGN_MIN;
    }
    return is_number_kind(word->kind) && word->text.length >= SPACED_LETTERS_MIN;
}

bool words_say_number_spaced(struct str folded)
{
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (may_be_spaced(&known[i]) && str_equal(known[i].text, folded)) {
            return true;
        }
    }
    return false;
}

bool words_begin_number_spaced(struct str folded)
{
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (may_be_spaced(&known[i]) && known[i].text.length > folded.length &&
            str_starts_with(known[i].text, folded)) {
            return true;
        }
    }
    return false;
}

/* ---- what looks like a number ---- */

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Up to three times c, and the forms with less before more, are what one place of a Roman numeral
 * can hold; longest first. */
static bool is_roman(struct str text)
{
    static const char *const places[4][9] = {
        {"MMM", "MM", "M", NULL, NULL, NULL, NULL, NULL, NULL},
        {"DCCC", "DCC", "CCC", "CM", "CD", "DC", "CC", "D", "C"},
        {"LXXX", "LXX", "XXX", "XC", "XL", "LX", "XX", "L", "X"},
        {"VIII", "VII", "III", "IX", "IV", "VI", "II", "V", "I"},
    };
    size_t at = 0;

    for (size_t place = 0; place < 4; place++) {
        for (size_t i = 0; i < 9 && places[place][i]; i++) {
            size_t length = strlen(places[place][i]);
            size_t same = 0;

            while (same < length && at + same < text.length &&
                   upper(text.data[at + same]) == places[place][i][same]) {
                same++;
            }
            if (same == length) {
                at += length;
                break;
            }
        }
    }
    return text.length >= 2 && at == text.length;
}

static bool is_made_of(struct str text, const char *letters)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!text.data[i] || !strchr(letters, text.data[i])) {
            return false;
        }
    }
    return true;
}

static struct str without_ordinal_ending(struct str text)
{
    static const char *const endings[] = {"th", "st", "nd", "rd"};

    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
        if (str_ends_with(text, str_from(endings[i]))) {
            return str_slice(text, 0, text.length - 2);
        }
    }
    return text;
}

/* Abbreviations and words that are Roman numerals by chance. */
static bool is_roman_by_chance(struct str raw)
{
    static const char *const words[] = {"CI", "CD", "CLI", "ML", "mix", "Mix", "cli", "di", "mi"};

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (str_equal(raw, str_from(words[i]))) {
            return true;
        }
    }
    return false;
}

bool words_look_like_number(struct str raw)
{
    struct str stem = without_ordinal_ending(raw);

    if (raw.length >= 2 && is_made_of(raw, "lIOo") && !str_equal(raw, STR("ll"))) {
        return true;
    }
    if (raw.length >= 2 && is_made_of(raw, "IVX")) {
        return true;
    }
    if (is_roman_by_chance(raw) || !is_roman(stem)) {
        return false;
    }
    return is_made_of(stem, "IVXLCDM") || is_made_of(stem, "ivxIVX") || stem.length >= 3;
}

/* ---- words that depend on their neighbours ---- */

#define COMMA "," /* the same, when it is a comma; only behind a word */
#define ANY   "*" /* a pattern for every word */
#define END   "." /* a pattern for an end of the clause */

/* What may stand behind "the one": nothing that could be counted. */
#define BEHIND_PRONOUN                                                                             \
    ". that which who whose with without to in for from where on at by under behind of is was "    \
    "has "                                                                                         \
    "had and or but as than it we you they"
/* "the longer one", "the most valuable one is" */
#define COMPARED                                                                                   \
    "longer shorter larger smaller cheaper bigger other new old valuable expensive important "     \
    "effective costly largest biggest cheapest"
/* What "the third" may rank; of the rest it could be a part. */
#define RANKED                                                                                     \
    "priority step change action lever recommendation option group largest biggest highest most"
#define MEASURES                                                                                   \
    "second millisecond microsecond minute hour dollar euro pound cent penny buck quid thousandth"

/* A row allows its word between these; a word whose rows say "not" is allowed where none fits.
 * Patterns are lists with spaces between. */
static const struct {
    struct str word;
    const char *before;
    const char *after;
    bool is_not;
    bool may_be_hyphenated;
} rows[] = {
    {STR("one"), ANY, "of another", false, false},
    {STR("one"), "no", ANY, false, false},
    {STR("one"), ANY, "by", false, false}, /* "one by one" */
    {STR("one"), "by", END, false, false},
    {STR("one"), COMPARED, BEHIND_PRONOUN, false, false},
    {STR("one"), "the this that each every which any", BEHIND_PRONOUN, false, false},
    {STR("single"), "every no", ANY, false, false},
    {STR("single"), "the", "largest biggest most highest smallest lowest best greatest cheapest",
     false, false},
    {STR("third"), ANY, "party parties", false, true},
    {STR("third"), END, COMMA, false, false}, /* "Third, …" */
    {STR("third"), "the", RANKED, false, false},
    {STR("twice"), "call calls request requests prompt prompts them pay pays paid", END, false,
     false},
    {STR("double"), ANY, "check checks checked checking count counts counted counting", false,
     true},
    {STR("due"), ANY, "to . date dates mostly mainly largely partly only chiefly", false, false},
    {STR("a"), ANY, MEASURES, true, false},
    {STR("an"), ANY, MEASURES, true, false},
    {STR("magnitude"), "of", ANY, true, false},
    {STR("grand"), ANY, "total totals", false, false},
    {STR("pair"), "a", ANY, true, false},
    {STR("minus"), ANY, ANY, true, false},
};

bool words_are_in(const char *pattern, struct str word)
{
    struct str list = str_from(pattern);

    if (str_equal(list, STR(ANY))) {
        return true;
    }
    for (size_t begin = 0; begin < list.length;) {
        size_t end = str_find(list, STR(" "), begin);

        end = end == SIZE_MAX ? list.length : end;
        if (str_equal(str_slice(list, begin, end), word)) {
            return true;
        }
        begin = end + 1;
    }
    return false;
}

bool words_need_neighbours(struct str folded)
{
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (str_equal(rows[i].word, folded)) {
            return true;
        }
    }
    return false;
}

bool words_allow_neighbours(struct str folded, struct str before, struct str after,
                            enum word_link link)
{
    bool is_allowed = false;

    bool is_comma = link == LINKED_BY_NOTHING && str_equal(after, STR(COMMA));

    after = link == LINKED_BY_NOTHING ? STR(END) : after;
    before = before.length ? before : STR(END);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (!str_equal(rows[i].word, folded)) {
            continue;
        }
        bool fits = words_are_in(rows[i].before, before) &&
                    (words_are_in(rows[i].after, after) ||
                     (is_comma && words_are_in(rows[i].after, STR(COMMA))));
        if (rows[i].is_not) {
            is_allowed = !fits;
        } else if (fits && (link != LINKED_BY_HYPHEN || rows[i].may_be_hyphenated)) {
            return true;
        }
    }
    return is_allowed;
}

/* ---- promises ---- */

enum why { PROMISE, NO_COST, REQUEST };

/* A word and those right before it that make a promise of it; with "not", that keep it from being
 * one. */
static const struct {
    const char *words;
    const char *before;
    bool is_not;
    enum why why;
} promises[] = {
    {"guarantee guarantees guaranteed guaranteeing", "no not never cannot t nor nothing", true,
     PROMISE},
    {"risk risks downside downsides drawback drawbacks", "no without zero", false, PROMISE},
    {"loss harm danger impact sacrifice compromise consequences", "no without zero", false,
     PROMISE},
    {"free", "risk", false, PROMISE},
    {"free", "for", false, NO_COST},
    {"cost", "no", false, NO_COST},
    {"nothing", "cost costs costing pay pays paying", false, NO_COST},
    {"key keys", "api", false, REQUEST},
};

const char *words_promise(struct str folded, struct str before)
{
    static const char *const texts[] = {
        [PROMISE] = "no fact can promise this",
        [NO_COST] = "a number stands in words",
        [REQUEST] = "a text asks for nothing and leads nowhere",
    };

    if (is_known_as(folded, CLAIM) || is_known_as(folded, SECRET)) {
        return texts[is_known_as(folded, CLAIM) ? PROMISE : REQUEST];
    }
    for (size_t i = 0; i < ARRAY_LENGTH(promises); i++) {
        if (words_are_in(promises[i].words, folded) &&
            words_are_in(promises[i].before, before) != promises[i].is_not) {
            return texts[promises[i].why];
        }
    }
    return NULL;
}
