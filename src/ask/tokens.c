/*
 * Text → tokens, left to right, each byte looked at a bounded number of times. At a word's start
 * the order is: a feature of the records, a model's name, a phrase of the lexicon, digits, a
 * repaired typing mistake, an unknown word. The longest of the first three wins, ties in that
 * order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/lexicon.h"
#include "ask/parse.h"

#define NAME_BYTES_MAX 64 /* a compound is followed so far and no further */

const char *ask_metric_name(enum ask_metric metric)
{
    static const char *const names[METRIC_COUNT] = {
        [METRIC_NONE] = "",
#define ASK_METRIC(id, name) [METRIC_##id] = name,
#include "ask/metric.def"
#undef ASK_METRIC
    };

    return names[metric];
}

struct str token_text(const struct parse *p, const struct token *token)
{
    return str_slice((struct str){p->text.data, p->text.length}, token->begin, token->end);
}

static struct str text_of(const struct parse *p)
{
    return (struct str){p->text.data, p->text.length};
}

static int add_token(struct parse *p, enum token_kind kind, int32_t arg, size_t begin, size_t end)
{
    if (p->token_count == PARSE_TOKENS_MAX) {
        return ERR_LIMIT;
    }
    p->tokens[p->token_count++] =
        (struct token){.kind = kind, .arg = arg, .begin = (uint32_t)begin, .end = (uint32_t)end};
    return OK;
}

static int add_entry(struct parse *p, uint16_t entry, size_t begin, size_t end, bool fuzzy)
{
    const struct lexicon_entry *found = &lexicon_entries[entry];
    int status = add_token(p, (enum token_kind)found->kind, found->arg, begin, end);

    if (!status) {
        p->tokens[p->token_count - 1].languages = found->languages;
        p->tokens[p->token_count - 1].fuzzy = fuzzy;
    }
    return status;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_joint_at(struct str text, size_t at)
{
    char c = text.data[at];

    return (c == '-' || c == '_' || c == '.') && at + 1 < text.length &&
           lexicon_is_word_byte(text.data[at + 1]);
}

static size_t part_end(struct str text, size_t at)
{
    size_t i = at;

    while (i < text.length && lexicon_is_word_byte(text.data[i]) &&
           (i == at || !lexicon_is_dense(text, i))) {
        i++;
    }
    return i;
}

/* The end of a word with its '-', '_' and '.' inside. */
static size_t compound_end(struct str text, size_t at)
{
    size_t end = part_end(text, at);

    while (end < text.length && end - at < NAME_BYTES_MAX && is_joint_at(text, end)) {
        end = part_end(text, end + 1);
    }
    return end;
}

/* Whether a word joined by '-' or '_' is a name of the user's rather than a phrase: some part is
 * unknown or a usual feature name, and no part carries a meaning that a rule needs. */
static bool is_name_compound(struct str text, size_t begin, size_t end)
{
    bool nameable = false;

    for (size_t at = begin; at < end;) {
        size_t part = part_end(text, at);
        size_t match_end;
        uint16_t entry = lexicon_match(text, at, &match_end);
        enum token_kind kind = (enum token_kind)lexicon_entries[entry].kind;

        if (is_digit(text.data[at]) && at == begin) {
            return false;
        }
        if (entry == LEXICON_NO_ENTRY || match_end > end) {
            nameable = true;
            match_end = part;
        } else if (kind == TOKEN_FEATURE_NOUN) {
            nameable = true;
        } else if (is_one_of(kind, TOKEN_METRIC, TOKEN_DOWN, TOKEN_UP, TOKEN_LESS, TOKEN_MORE,
                             TOKEN_STAT, TOKEN_CACHE, TOKEN_HOSTILE, TOKEN_NUMBER, TOKEN_BATCH,
                             TOKEN_PER)) {
            return false;
        }
        at = match_end + (match_end < end);
    }
    return nameable;
}

/* Single letters mean a unit only right behind digits. */
static bool is_stray_unit(const struct parse *p, uint16_t entry, size_t begin, size_t end)
{
    const struct lexicon_entry *found = &lexicon_entries[entry];
    bool is_ascii = (unsigned char)p->text.data[begin] < 0x80;
    bool is_letter = end - begin == 1 && p->text.data[begin] >= 'a' && p->text.data[begin] <= 'z';
    bool is_short =
        end - begin <= 3 && is_ascii && (found->kind == TOKEN_SCALE || found->arg == UNIT_ORDINAL);

    if (!is_one_of((enum token_kind)found->kind, TOKEN_UNIT, TOKEN_SCALE) ||
        !(is_letter || is_short)) {
        return false;
    }
    const struct token *before = p->token_count ? &p->tokens[p->token_count - 1] : NULL;
    return !before || !is_one_of(before->kind, TOKEN_NUMBER, TOKEN_SCALE) ||
           begin - before->end > 1;
}

/* What a lexicon word must not be for a feature of the same name to win. */
static bool outranks_feature(enum token_kind kind)
{
    switch (kind) {
    case TOKEN_FEATURE_NOUN:
    case TOKEN_FEATURE_WORD:
    case TOKEN_DOMAIN:
    case TOKEN_FOREIGN:
    case TOKEN_IMPORT:
    case TOKEN_CUSTOMERS:
    case TOKEN_VALIDATE:
    case TOKEN_AUDIT:
    case TOKEN_UNIT:
    case TOKEN_DATA_SOURCE:
        return false;
    default:
        return true;
    }
}

static bool follows_scope_word(const struct parse *p)
{
    enum token_kind before = p->token_count ? p->tokens[p->token_count - 1].kind : TOKEN_SENTENCE;

    return is_one_of(before, TOKEN_FOR, TOKEN_FEATURE_WORD, TOKEN_EXCLUDE);
}

static bool follows_which(const struct parse *p)
{
    return p->token_count > 0 && p->tokens[p->token_count - 1].kind == TOKEN_WHICH;
}

static bool is_digit_at(struct str text, size_t at)
{
    return at < text.length && is_digit(text.data[at]);
}

/* Digits with separators inside: "1,234.5". */
static size_t digits_end(struct str text, size_t at)
{
    while (is_digit_at(text, at) ||
           (at < text.length && strchr(".,'", text.data[at]) && is_digit_at(text, at + 1))) {
        at++;
    }
    return at;
}

/* Behind "e6", "e-6"; at itself when there is no exponent. */
static size_t exponent_end(struct str text, size_t at)
{
    size_t digits = at + 1;

    if (at >= text.length || text.data[at] != 'e') {
        return at;
    }
    digits += digits < text.length && (text.data[digits] == '-' || text.data[digits] == '+');
    if (!is_digit_at(text, digits)) {
        return at;
    }
    while (is_digit_at(text, digits)) {
        digits++;
    }
    return digits;
}

static int read_number(struct parse *p, size_t at, size_t *ret_end)
{
    struct str text = text_of(p);

    *ret_end = exponent_end(text, digits_end(text, at));
    return add_token(p, TOKEN_NUMBER, -1, at, *ret_end);
}

static int read_unknown(struct parse *p, size_t at, size_t *ret_end)
{
    struct str text = text_of(p);
    size_t end = compound_end(text, at);
    size_t first = part_end(text, at);
    int32_t model;

    if (entities_match_known_model(p, at, end, &model)) {
        *ret_end = end;
        return add_token(p, TOKEN_MODEL, model, at, end);
    }
    if (first == end || !is_name_compound(text, at, end)) {
        if (p->fuzzy_tries < PARSE_FUZZY_MAX) {
            p->fuzzy_tries++;
            uint16_t entry = lexicon_match_mistyped(str_slice(text, at, first));
            if (entry != LEXICON_NO_ENTRY) {
                *ret_end = first;
                return add_entry(p, entry, at, first, /* fuzzy */ true);
            }
        }
    }
    *ret_end = end;
    bool is_version = text.data[at] == 'v' && at + 1 < text.length && is_digit(text.data[at + 1]);
    return add_token(p, is_version ? TOKEN_PROMPT_VERSION : TOKEN_WORD, 0, at, end);
}

/* The letters و ف ب ل ك that Arabic writes before a word without a space. */
static size_t arabic_prefix(struct str text, size_t at)
{
    static const char *const prefixes[] = {"و", "ف", "ب", "ل", "ك"};

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        struct str prefix = str_from(prefixes[i]);

        if (str_starts_with(str_slice(text, at, text.length), prefix)) {
            return prefix.length;
        }
    }
    return 0;
}

static uint16_t match_lexicon(const struct parse *p, size_t at, size_t *ret_end)
{
    struct str text = text_of(p);
    uint16_t entry = lexicon_match(text, at, ret_end);

    if (entry == LEXICON_NO_ENTRY && (unsigned char)text.data[at] >= 0xD8 &&
        (unsigned char)text.data[at] <= 0xDB) {
        size_t prefix = arabic_prefix(text, at);

        if (prefix && at + prefix < text.length) {
            entry = lexicon_match(text, at + prefix, ret_end);
        }
    }
    return entry;
}

/* A poem is no model: "a haiku", "a sonnet". */
static bool is_poem(const struct parse *p, size_t at, size_t length)
{
    struct str word = str_slice(text_of(p), at, at + length);
    const struct token *before = p->token_count ? &p->tokens[p->token_count - 1] : NULL;

    return (str_equal(word, STR("haiku")) || str_equal(word, STR("sonnet")) ||
            str_equal(word, STR("opus"))) &&
           before && before->kind == TOKEN_STOP && before->arg == 1;
}

/* A phrase of the lexicon, unless it only begins a name of the user's ("legal-review"). */
static int read_phrase(struct parse *p, uint16_t entry, size_t at, size_t end, size_t *ret_end)
{
    struct str text = text_of(p);
    size_t whole = compound_end(text, at);

    if (whole > end && text.data[part_end(text, at)] != '.' && !lexicon_is_dense(text, at) &&
        is_name_compound(text, at, whole)) {
        return read_unknown(p, at, ret_end);
    }
    *ret_end = end;
    return add_entry(p, entry, at, end, /* fuzzy */ false);
}

static int read_model(struct parse *p, int32_t model, size_t at, size_t bytes, size_t *ret_end)
{
    enum token_kind kind = is_poem(p, at, bytes) ? TOKEN_FOREIGN : TOKEN_MODEL;

    *ret_end = at + bytes;
    return add_token(p, kind, kind == TOKEN_MODEL ? model : 0, at, *ret_end);
}

/* Whether a feature's name wins over a phrase of the lexicon that starts at the same place. */
static bool feature_wins(const struct parse *p, size_t feature_bytes, size_t lexicon_bytes,
                         enum token_kind kind)
{
    if (feature_bytes == 0 || feature_bytes != lexicon_bytes) {
        return feature_bytes > lexicon_bytes;
    }
    if (kind == TOKEN_FEATURE_NOUN && follows_which(p)) {
        return false; /* "which agent …": the kind of thing, not the one of that name */
    }
    return !outranks_feature(kind) || follows_scope_word(p);
}

/* "for Y": a capital inside a sentence is a name, not the Spanish "and". */
static bool is_capital_name(const struct parse *p, size_t at, size_t end)
{
    struct str written = normalise_original(&p->text, at, end);
    bool capital = written.length == 1 && written.data[0] >= 'B' && written.data[0] <= 'Z';

    return capital && written.data[0] != 'I' && p->token_count > 0 &&
           !is_one_of(p->tokens[p->token_count - 1].kind, TOKEN_SENTENCE, TOKEN_NUMBER);
}

static int read_word(struct parse *p, size_t at, size_t *ret_end)
{
    int32_t feature = 0;
    int32_t model = 0;
    size_t phrase_end = at;
    size_t feature_bytes = entities_match_feature(p, at, &feature);
    size_t model_bytes = entities_match_model(p, at, &model);
    uint16_t entry = match_lexicon(p, at, &phrase_end);

    if (entry != LEXICON_NO_ENTRY &&
        (is_stray_unit(p, entry, at, phrase_end) || is_capital_name(p, at, phrase_end))) {
        entry = LEXICON_NO_ENTRY;
        phrase_end = at;
    }
    enum token_kind kind = (enum token_kind)lexicon_entries[entry].kind;
    if (feature_bytes >= model_bytes && feature_wins(p, feature_bytes, phrase_end - at, kind)) {
        *ret_end = at + feature_bytes;
        return add_token(p, TOKEN_FEATURE, feature, at, *ret_end);
    }
    if (model_bytes && model_bytes >= phrase_end - at) {
        return read_model(p, model, at, model_bytes, ret_end);
    }
    if (entry != LEXICON_NO_ENTRY) {
        return read_phrase(p, entry, at, phrase_end, ret_end);
    }
    return is_digit(p->text.data[at]) ? read_number(p, at, ret_end) : read_unknown(p, at, ret_end);
}

static enum token_kind punctuation_kind(char c)
{
    switch (c) {
    case ',':
        return TOKEN_COMMA;
    case '.':
    case ';':
    case '!':
    case '\n':
        return TOKEN_SENTENCE;
    case '?':
        return TOKEN_QUESTION;
    case '(':
    case '[':
    case '{':
        return TOKEN_OPEN;
    case ')':
    case ']':
    case '}':
        return TOKEN_CLOSE;
    case ':':
        return TOKEN_COLON;
    case '/':
        return TOKEN_SLASH;
    case '-':
        return TOKEN_MINUS;
    case '+':
        return TOKEN_PLUS;
    default:
        return TOKEN_KIND_COUNT;
    }
}

/* The end of what a tag opens: "<script" up to its closing tag, other tags up to their '>'. A
 * script that never ends takes the rest. */
static size_t markup_end(const struct parse *p, int32_t tag, size_t at)
{
    struct str text = text_of(p);

    if (tag == HOSTILE_PATH) {
        while (at < text.length && text.data[at] != ' ' && text.data[at] != '\n') {
            at++;
        }
        return at;
    }
    size_t close = tag == HOSTILE_SCRIPT ? str_find(text, STR("</script"), at) : at;
    const char *bracket =
        close == SIZE_MAX ? NULL : memchr(text.data + close, '>', text.length - close);

    return bracket ? (size_t)(bracket - text.data) + 1 : text.length;
}

static int read_symbol(struct parse *p, size_t at, size_t *ret_end)
{
    size_t end;
    uint16_t entry = lexicon_match(text_of(p), at, &end);
    enum token_kind kind = punctuation_kind(p->text.data[at]);

    if (entry != LEXICON_NO_ENTRY && lexicon_entries[entry].kind == TOKEN_HOSTILE &&
        lexicon_entries[entry].arg >= HOSTILE_SCRIPT) {
        /* What a tag holds is nobody's wish; what stands behind it may be. */
        *ret_end = markup_end(p, lexicon_entries[entry].arg, at);
        int status = add_entry(p, entry, at, *ret_end, /* fuzzy */ false);
        return status ? status : add_token(p, TOKEN_SENTENCE, 0, *ret_end, *ret_end);
    }
    if (entry != LEXICON_NO_ENTRY) {
        *ret_end = end;
        return add_entry(p, entry, at, end, /* fuzzy */ false);
    }
    *ret_end = at + 1;
    return kind == TOKEN_KIND_COUNT ? OK : add_token(p, kind, 0, at, at + 1);
}

static size_t skip_possessive(struct str text, size_t at)
{
    if (at + 1 < text.length && text.data[at] == '\'' && text.data[at + 1] == 's' &&
        (at + 2 == text.length || !lexicon_is_word_byte(text.data[at + 2]))) {
        return at + 2;
    }
    return at;
}

int tokens_read(struct parse *p)
{
    struct str text = text_of(p);
    size_t room = text.length < PARSE_TOKENS_MAX ? text.length : PARSE_TOKENS_MAX;

    p->tokens = arena_alloc(p->arena, room + 1, sizeof(*p->tokens));
    if (!p->tokens) {
        return ERR_NO_MEMORY;
    }
    for (size_t at = 0; at < text.length;) {
        size_t end = at + 1;
        int status = OK;

        if (lexicon_is_word_byte(text.data[at])) {
            status = read_word(p, at, &end);
            end = skip_possessive(text, end);
        } else if (text.data[at] != ' ') {
            status = read_symbol(p, at, &end);
        }
        if (status) {
            return status;
        }
        at = end;
    }
    return OK;
}
