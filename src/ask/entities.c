/*
 * Names: features of the user's records, and models by a small grammar of how people write them
 * ("gpt5", "haiku 4.5", "claude opus 5.5", "4o mini"), brought to one canonical form.
 *
 * Features are found through a hash of their first word, so a vocabulary of thousands costs one
 * pass per prompt; a match ignores case and treats '-', '_', '.', '/' and spaces alike.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/lexicon.h"
#include "ask/parse.h"

#define MODEL_NAME_BYTES_MAX 64
#define MODEL_PARTS_MAX      6
#define FNV_OFFSET           UINT32_C(2166136261)
#define FNV_PRIME            UINT32_C(16777619)

static struct str text_of(const struct parse *p)
{
    return (struct str){p->text.data, p->text.length};
}

static int32_t add_name(struct str *names, uint32_t *count, struct str name)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (str_equal(names[i], name)) {
            return (int32_t)i;
        }
    }
    if (*count == ASK_ENTITIES_MAX) {
        return -1;
    }
    names[*count] = name;
    return (int32_t)(*count)++;
}

int32_t entities_add_feature(struct parse *p, struct str name)
{
    return add_name(p->features, &p->feature_count, name);
}

/* --- features of the records --- */

static bool is_name_joint(char c)
{
    return c == ' ' || c == '-' || c == '_' || c == '.' || c == '/';
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static uint32_t hash_first_word(struct str text, size_t at)
{
    uint32_t hash = FNV_OFFSET;

    for (; at < text.length && lexicon_is_word_byte(fold(text.data[at])); at++) {
        hash = (hash ^ (unsigned char)fold(text.data[at])) * FNV_PRIME;
    }
    return hash;
}

/* Names outside ASCII are compared in their normalised form. */
static struct str folded_name(struct parse *p, struct str name)
{
    for (size_t i = 0; i < name.length; i++) {
        if ((unsigned char)name.data[i] >= 0x80) {
            struct normal_text folded;

            if (normalise_text(name, p->arena, &folded)) {
                p->no_memory = true;
                return name;
            }
            return (struct str){folded.data, folded.length};
        }
    }
    return name;
}

int entities_prepare(struct parse *p)
{
    size_t count = p->vocabulary ? p->vocabulary->feature_count : 0;
    uint32_t slots = 16;

    if (count == 0) {
        return OK;
    }
    while (slots < 2 * count) {
        slots *= 2;
    }
    p->feature_slots = arena_alloc(p->arena, slots, sizeof(uint32_t));
    p->feature_keys = arena_alloc(p->arena, count, sizeof(struct str));
    if (!p->feature_slots || !p->feature_keys) {
        return ERR_NO_MEMORY;
    }
    p->feature_slot_count = slots;
    for (size_t i = 0; i < count; i++) {
        struct str name = folded_name(p, p->vocabulary->features[i]);
        p->feature_keys[i] = name;
        uint32_t slot = hash_first_word(name, 0) & (slots - 1);

        if (name.length == 0) {
            continue;
        }
        while (p->feature_slots[slot]) {
            slot = (slot + 1) & (slots - 1);
        }
        p->feature_slots[slot] = (uint32_t)i + 1;
    }
    return OK;
}

static size_t skip_name_joints(struct str text, size_t at)
{
    while (at < text.length && is_name_joint(text.data[at])) {
        at++;
    }
    return at;
}

static bool ends_word(struct str text, size_t at)
{
    return at >= text.length || !lexicon_is_word_byte(text.data[at]);
}

/* Bytes of text that spell name, 0 when it does not stand there as whole words. */
static size_t match_name(struct str text, size_t at, struct str name)
{
    size_t i = at;

    for (size_t j = 0; j < name.length;) {
        if (i >= text.length) {
            return 0;
        }
        if (is_name_joint(name.data[j]) && is_name_joint(text.data[i])) {
            j = skip_name_joints(name, j);
            i = skip_name_joints(text, i);
        } else if (fold(name.data[j]) == text.data[i]) {
            i++;
            j++;
        } else {
            return 0;
        }
    }
    if (name.length > 2 && !ends_word(text, i) && text.data[i] == 's' && ends_word(text, i + 1)) {
        return i + 1 - at; /* a plural */
    }
    bool ends =
        ends_word(text, i) || lexicon_is_dense(text, i) || (unsigned char)text.data[i - 1] >= 0xE3;
    return ends ? i - at : 0;
}

/* A name of one letter counts only as written, case included, and after a word that announces it.
 */
static bool is_short_name_meant(const struct parse *p, size_t at, struct str name)
{
    if (name.length > 1) {
        return true;
    }
    struct str written = normalise_original(&p->text, at, at + 1);
    const struct token *before = p->token_count ? &p->tokens[p->token_count - 1] : NULL;

    return str_equal(written, name) && before &&
           (is_one_of(before->kind, TOKEN_FEATURE_WORD, TOKEN_FOR, TOKEN_EXCLUDE, TOKEN_AND,
                      TOKEN_COMMA, TOKEN_OF));
}

size_t entities_match_feature(struct parse *p, size_t at, int32_t *ret_index)
{
    struct str text = text_of(p);
    size_t best = 0;
    struct str best_name = {NULL, 0};

    if (p->feature_slot_count == 0) {
        return 0;
    }
    uint32_t mask = p->feature_slot_count - 1;
    size_t word = at;
    while (word < text.length && lexicon_is_word_byte(text.data[word])) {
        word++;
    }
    for (unsigned plural = 0; plural < 2; plural++) {
        struct str seen = str_slice(text, 0, word - plural);
        if (plural && (word - at < 3 || text.data[word - 1] != 's')) {
            break;
        }
        for (uint32_t slot = hash_first_word(seen, at) & mask; p->feature_slots[slot];
             slot = (slot + 1) & mask) {
            struct str name = p->vocabulary->features[p->feature_slots[slot] - 1];
            size_t bytes = match_name(text, at, p->feature_keys[p->feature_slots[slot] - 1]);

            if (bytes > best && is_short_name_meant(p, at, name)) {
                best = bytes;
                best_name = name;
            }
        }
    }
    if (best) {
        *ret_index = entities_add_feature(p, best_name);
        if (*ret_index < 0) {
            return 0;
        }
        p->feature_is_known[*ret_index] = true;
        return best;
    }
    return 0;
}

/* --- models --- */

enum family_style {
    STYLE_VERSION_FIRST, /* gpt-5-mini, gemini-2.5-flash */
    STYLE_CLAUDE,        /* claude-3-5-sonnet, claude-opus-4-1 */
    STYLE_BARE,          /* mini: the word itself */
};

struct family {
    const char *word;      /* as written */
    const char *canonical; /* how the name starts */
    enum family_style style;
    bool needs_version; /* the word alone is no model */
};

static const struct family families[] = {
    {"gpt", "gpt", STYLE_VERSION_FIRST, true},
    {"chatgpt", "chatgpt", STYLE_VERSION_FIRST, true},
    {"claude", "claude", STYLE_CLAUDE, false},
    {"opus", "claude", STYLE_CLAUDE, false},
    {"sonnet", "claude", STYLE_CLAUDE, false},
    {"haiku", "claude", STYLE_CLAUDE, false},
    {"gemini", "gemini", STYLE_VERSION_FIRST, false},
    {"gemma", "gemma", STYLE_VERSION_FIRST, false},
    {"llama", "llama", STYLE_VERSION_FIRST, false},
    {"mistral", "mistral", STYLE_VERSION_FIRST, false},
    {"mixtral", "mixtral", STYLE_VERSION_FIRST, false},
    {"ministral", "ministral", STYLE_VERSION_FIRST, false},
    {"codestral", "codestral", STYLE_VERSION_FIRST, false},
    {"magistral", "magistral", STYLE_VERSION_FIRST, false},
    {"deepseek", "deepseek", STYLE_VERSION_FIRST, false},
    {"qwen", "qwen", STYLE_VERSION_FIRST, false},
    {"grok", "grok", STYLE_VERSION_FIRST, false},
    {"kimi", "kimi", STYLE_VERSION_FIRST, false},
    {"glm", "glm", STYLE_VERSION_FIRST, true},
    {"phi", "phi", STYLE_VERSION_FIRST, true},
    {"nova", "nova", STYLE_VERSION_FIRST, true},
    {"sonar", "sonar", STYLE_VERSION_FIRST, false},
    {"command", "command", STYLE_VERSION_FIRST, true},
    {"o", "o", STYLE_VERSION_FIRST, true},
    {"mini", "mini", STYLE_BARE, false},
    {"nano", "nano", STYLE_BARE, false},
    {"flash", "gemini-flash", STYLE_BARE, false},
};

static const char *const variants[] = {
    "mini",     "nano",  "turbo",    "pro",      "flash",    "lite",     "ultra",  "codex",
    "audio",    "image", "vision",   "preview",  "large",    "small",    "medium", "nemo",
    "chat",     "coder", "fast",     "reasoner", "instruct", "thinking", "latest", "oss",
    "maverick", "scout", "micro",    "premier",  "plus",     "max",      "high",   "sonnet",
    "opus",     "haiku", "realtime", "exp",      "r",        "deep",     "k2",     "coding",
};

struct name_builder {
    char data[MODEL_NAME_BYTES_MAX];
    size_t length;
};

static void build(struct name_builder *name, struct str part)
{
    if (name->length + part.length < sizeof(name->data)) {
        memcpy(name->data + name->length, part.data, part.length);
        name->length += part.length;
    }
}

static void build_part(struct name_builder *name, struct str part)
{
    if (name->length) {
        build(name, STR("-"));
    }
    build(name, part);
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_joint(char c)
{
    return c == ' ' || c == '-' || c == '_';
}

/* The letters or the number (one '.' inside allowed) at or one joint behind at; empty if none. */
static struct str read_atom(struct str text, size_t at, size_t *ret_end)
{
    size_t begin = at + (at < text.length && is_joint(text.data[at]));
    size_t end = begin;

    if (begin < text.length && is_digit(text.data[begin])) {
        while (end < text.length &&
               (is_digit(text.data[end]) ||
                (text.data[end] == '.' && end + 1 < text.length && is_digit(text.data[end + 1])))) {
            end++;
        }
    } else {
        while (end < text.length && is_lower(text.data[end])) {
            end++;
        }
    }
    *ret_end = end;
    return str_slice(text, begin, end);
}

static bool is_end(struct str text, size_t at)
{
    return at >= text.length || !lexicon_is_word_byte(text.data[at]) || lexicon_is_dense(text, at);
}

static bool is_variant(struct str word)
{
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        if (str_equal(word, str_from(variants[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_claude_variant(struct str word)
{
    return str_equal(word, STR("opus")) || str_equal(word, STR("sonnet")) ||
           str_equal(word, STR("haiku")) || str_equal(word, STR("instant"));
}

/* A version number: at most two digits before the point, or a date when joined by '-'. */
static bool is_version(struct str number, char joint)
{
    return number.length > 0 && is_digit(number.data[0]) &&
           (number.length <= 3 || (joint == '-' && (number.length == 4 || number.length == 8)));
}

/* "4" followed by "o" is 4o; "70b" a size; "8x7b". Appends what belongs to the number. */
static size_t build_number_tail(struct name_builder *name, struct str text, size_t at)
{
    size_t end = at;

    while (end < text.length && lexicon_is_word_byte(text.data[end]) &&
           (unsigned char)text.data[end] < 0x80) {
        end++;
    }
    struct str tail = str_slice(text, at, end);
    bool is_tail = str_equal(tail, STR("o")) || str_equal(tail, STR("b")) ||
                   str_equal(tail, STR("k")) || str_equal(tail, STR("x7b")) ||
                   str_equal(tail, STR("x22b")) || str_equal(tail, STR("v"));
    if (!is_tail) {
        return at;
    }
    build(name, tail);
    return end;
}

/* "v3", "r1": a letter that belongs to the number behind it. */
static size_t build_letter_version(struct name_builder *name, struct str text, struct str letter,
                                   size_t at)
{
    size_t end;
    struct str number = read_atom(text, at, &end);
    bool is_letter = letter.length == 1 && (letter.data[0] == 'v' || letter.data[0] == 'r') &&
                     at < text.length && is_digit(text.data[at]);

    if (!is_letter || !is_end(text, end)) {
        return 0;
    }
    build_part(name, (struct str){letter.data, letter.length + number.length});
    return end;
}

/* A number with what sticks to it ("4o", "70b", "5mini"); 0 when it is none. */
static size_t build_number(struct name_builder *name, struct str text, struct str number, size_t at,
                           bool sticks_to_family)
{
    size_t length = name->length;
    size_t next;

    if (sticks_to_family) {
        build(name, number);
    } else {
        build_part(name, number);
    }
    size_t end = build_number_tail(name, text, at);
    if (is_end(text, end) || is_variant(read_atom(text, end, &next))) {
        return end;
    }
    name->length = length;
    return 0;
}

/* Numbers and variants behind a family word. Returns the end of the last one that belongs. */
static size_t build_version_first(struct name_builder *name, struct str text, size_t at,
                                  bool is_o_series, bool *ret_has_version)
{
    size_t end = at;

    for (unsigned parts = 0; parts < MODEL_PARTS_MAX; parts++) {
        size_t atom_end;
        struct str atom = read_atom(text, end, &atom_end);
        char joint = end < text.length ? text.data[end] : '\0';
        size_t next = build_letter_version(name, text, atom, atom_end);

        if (!next && is_version(atom, joint)) {
            next = build_number(name, text, atom, atom_end, is_o_series && parts == 0);
        } else if (!next && atom.length && is_variant(atom) && is_end(text, atom_end)) {
            build_part(name, atom);
            next = atom_end;
        }
        if (!next) {
            break;
        }
        end = next;
        *ret_has_version = true;
    }
    return end;
}

/* "4", "4.5", "4-5": the version at number, which ends at *end; moves *end behind a "-5". */
static struct str read_claude_version(struct str text, struct str number, size_t *end)
{
    size_t minor_end;
    struct str minor = read_atom(text, *end, &minor_end);
    bool has_minor = minor.length == 1 && is_digit(minor.data[0]) && text.data[*end] == '-' &&
                     is_end(text, minor_end);

    if (!has_minor) {
        return number;
    }
    *end = minor_end;
    return str_slice(text, (size_t)(number.data - text.data), minor_end);
}

/* The version with '-' for its point. */
static void build_dashed(struct name_builder *name, struct str version)
{
    if (version.length == 0) {
        return;
    }
    build(name, STR("-"));
    for (size_t i = 0; i < version.length; i++) {
        char c = version.data[i] == '.' ? '-' : version.data[i];

        build(name, (struct str){&c, 1});
    }
}

/* Versions below 4 come before the variant, later ones behind it; points become '-'. */
static size_t build_claude(struct name_builder *name, struct str text, size_t at,
                           struct str variant, bool *ret_has_version)
{
    struct str version = {NULL, 0};
    size_t end = at;

    for (unsigned parts = 0; parts < 2; parts++) {
        size_t atom_end;
        struct str atom = read_atom(text, end, &atom_end);

        if (!is_end(text, atom_end) || atom.length == 0) {
            break;
        }
        if (variant.length == 0 && is_claude_variant(atom)) {
            variant = atom;
        } else if (version.length == 0 && is_digit(atom.data[0]) && atom.length <= 3) {
            version = read_claude_version(text, atom, &atom_end);
        } else {
            break;
        }
        end = atom_end;
    }
    bool version_first = version.length && version.data[0] < '4';
    build_dashed(name, version_first ? version : (struct str){NULL, 0});
    if (variant.length) {
        build_part(name, variant);
    }
    build_dashed(name, version_first ? (struct str){NULL, 0} : version);
    *ret_has_version = version.length > 0;
    return end;
}

/* -20250929, -latest and the like, as written. */
static size_t build_date(struct name_builder *name, struct str text, size_t at)
{
    for (;;) {
        size_t end;
        struct str atom = read_atom(text, at, &end);
        bool date = atom.length && is_digit(atom.data[0]) && text.data[at] == '-' &&
                    (atom.length == 8 || atom.length == 4 || atom.length == 2);
        bool word = str_equal(atom, STR("latest")) || str_equal(atom, STR("preview"));

        if ((!date && !word) || !is_end(text, end)) {
            return at;
        }
        build_part(name, atom);
        at = end;
    }
}

static size_t finish_model(struct parse *p, size_t at, size_t end, const struct name_builder *name,
                           bool is_family, int32_t *ret_index)
{
    struct str copy = parse_keep(p, arena_copy(p->arena, (struct str){name->data, name->length}));
    int32_t index = copy.data ? add_name(p->models, &p->model_count, copy) : -1;

    if (index < 0) {
        return 0;
    }
    p->model_is_family[index] = is_family;
    *ret_index = index;
    return end - at;
}

/* "4o" and "4o mini" without their family. */
static size_t match_bare_4o(struct parse *p, size_t at, int32_t *ret_index)
{
    struct str text = text_of(p);
    struct name_builder name = {.length = 0};
    bool has_version;

    if (!str_starts_with(str_slice(text, at, text.length), STR("4o")) || !is_end(text, at + 2)) {
        return 0;
    }
    build(&name, STR("gpt-4o"));
    size_t end = build_version_first(&name, text, at + 2, false, &has_version);
    return finish_model(p, at, end, &name, false, ret_index);
}

static const struct family *find_family(struct str word)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (str_equal(word, str_from(families[i].word))) {
            return &families[i];
        }
    }
    return NULL;
}

/* What follows the family's word. Returns the name's end. */
static size_t build_rest(struct name_builder *name, struct str text, const struct family *family,
                         struct str word, size_t at, bool *ret_has_version)
{
    bool o_series = str_equal(word, STR("o"));
    struct str variant = is_claude_variant(word) ? word : (struct str){NULL, 0};
    size_t end = at;

    if (family->style == STYLE_BARE) {
        return end;
    }
    if (family->style == STYLE_CLAUDE) {
        end = build_claude(name, text, at, variant, ret_has_version);
    } else if (!o_series || (at < text.length && is_digit(text.data[at]))) {
        end = build_version_first(name, text, at, o_series, ret_has_version);
    }
    return build_date(name, text, end);
}

size_t entities_match_model(struct parse *p, size_t at, int32_t *ret_index)
{
    struct str text = text_of(p);
    struct name_builder name = {.length = 0};
    bool has_version = false;
    size_t end;

    if (text.data[at] == '4') {
        return match_bare_4o(p, at, ret_index);
    }
    struct str word = read_atom(text, at, &end);
    const struct family *family = find_family(word);
    if (!family) {
        return 0;
    }
    build(&name, str_from(family->canonical));
    end = build_rest(&name, text, family, word, end, &has_version);
    if (!is_end(text, end) || (family->needs_version && !has_version)) {
        return 0;
    }
    return finish_model(p, at, end, &name, !has_version, ret_index);
}

size_t entities_match_known_model(struct parse *p, size_t at, size_t end, int32_t *ret_index)
{
    struct str word = str_slice(text_of(p), at, end);
    struct name_builder name = {.length = 0};

    if (!p->vocabulary || p->model_scans == PARSE_MODEL_SCANS || word.length < 3 ||
        word.length >= MODEL_NAME_BYTES_MAX) {
        return 0;
    }
    p->model_scans++;
    for (size_t i = 0; i < p->vocabulary->model_count; i++) {
        if (str_equal_ascii_case(p->vocabulary->models[i], word)) {
            build(&name, p->vocabulary->models[i]);
            return finish_model(p, at, end, &name, false, ret_index);
        }
    }
    return 0;
}
