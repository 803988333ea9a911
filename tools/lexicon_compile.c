/*
 * Build-time program: lexicon.txt → a C file with the constant trie of lexicon.h.
 *
 *     [en]                                language of the lines that follow; [any] votes for none
 *     METRIC COST: cost* | spend | bill   kind, argument (a name or a number), phrases
 *     # comment
 *
 * A phrase that ends with * is a stem; one that starts with ~ is never the target of typo repair.
 * The same phrase with another meaning in the same language is an error; in a later language the
 * first meaning stays and gains the language's vote only if kind and argument agree.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask/lexicon.h"
#include "ask/names.h"
#include "ask/normalise.h"

#define NODES_MAX        60000
#define ENTRIES_MAX      9000
#define WORDS_MAX        4000
#define LINE_BYTES       8192
#define HEAD_BYTES       64
#define FUZZY_LENGTH_MIN 5

struct name_number {
    const char *name;
    int32_t number;
};

static const struct name_number kinds[] = {
#define TOKEN_KIND(name) {#name, TOKEN_##name},
#include "ask/token_kind.def"
#undef TOKEN_KIND
};

static const struct name_number arguments[] = {
#define ASK_METRIC(id, name) {#id, METRIC_##id},
#include "ask/metric.def"
#undef ASK_METRIC
#define ASK_PROVIDER(id, name) {#id, PROVIDER_##id},
#include "ask/provider.def"
#undef ASK_PROVIDER
#define ASK_TIME_POINT(id, name) {#id, TIME_POINT_##id},
#include "ask/time_point.def"
#undef ASK_TIME_POINT
    {"U_PERCENT", UNIT_FRACTION},
    {"U_FACTOR", UNIT_FACTOR},
    {"U_MS", UNIT_MS},
    {"U_SECOND", UNIT_SECOND},
    {"U_MINUTE", UNIT_MINUTE},
    {"U_HOUR", UNIT_HOUR},
    {"U_DAY", UNIT_DAY},
    {"U_WEEK", UNIT_WEEK},
    {"U_MONTH", UNIT_MONTH},
    {"U_QUARTER", UNIT_QUARTER},
    {"U_YEAR", UNIT_YEAR},
    {"U_TOKENS", UNIT_TOKENS},
    {"U_REQUESTS", UNIT_REQUESTS},
    {"U_RPM", UNIT_RPM},
    {"U_TPM", UNIT_TPM},
    {"U_EFFORT", UNIT_EFFORT_WEEKS},
    {"U_ORDINAL", UNIT_ORDINAL},
    {"U_TENTHS", UNIT_TENTHS},
};

static const char *const languages[] = {"en",      "es", "fr", "de", "pt", "hi",
                                        "hi-Latn", "zh", "ja", "ru", "ar", "pl"};

static struct lexicon_node nodes[NODES_MAX];
static uint32_t node_count = 1;
static uint32_t roots[256];
static struct lexicon_entry entries[ENTRIES_MAX];
static uint32_t entry_count = 1;
static struct {
    char text[64];
    uint16_t entry;
} words[WORDS_MAX];
static uint32_t word_count;
static struct arena scratch;
static unsigned line_number;
static unsigned conflicts; /* all of them are shown before the program fails */

static _Noreturn void fail(const char *what, const char *detail)
{
    (void)fprintf(stderr, "lexicon line %u: %s: %s\n", line_number, what, detail);
    exit(1);
}

static int32_t find_name(const struct name_number *names, size_t count, const char *name,
                         const char *what)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i].name, name) == 0) {
            return names[i].number;
        }
    }
    fail(what, name);
}

static int32_t read_argument(const char *text, int32_t kind)
{
    if (text[0] == '\0') {
        return 0;
    }
    if (kind == TOKEN_CURRENCY && strlen(text) == 3) {
        return text[0] << 16 | text[1] << 8 | text[2];
    }
    if ((text[0] >= '0' && text[0] <= '9') || text[0] == '-') {
        return (int32_t)strtol(text, NULL, 10);
    }
    return find_name(arguments, sizeof(arguments) / sizeof(arguments[0]), text, "no argument");
}

static uint32_t find_or_add_child(uint32_t *first, uint8_t byte)
{
    for (uint32_t n = *first; n; n = nodes[n].sibling) {
        if (nodes[n].byte == byte) {
            return n;
        }
    }
    if (node_count == NODES_MAX) {
        fail("too many nodes", "");
    }
    nodes[node_count] = (struct lexicon_node){.byte = byte, .sibling = *first};
    *first = node_count;
    return node_count++;
}

/* The text as lexicon_match sees it: '-' and '_' are a space, spaces are one, no apostrophes. */
static size_t squeeze(char *text)
{
    size_t to = 0;

    for (size_t i = 0; text[i]; i++) {
        char c = text[i] == '-' || text[i] == '_' ? ' ' : text[i];

        if (c == '\'' || (c == ' ' && (to == 0 || text[to - 1] == ' '))) {
            continue;
        }
        text[to++] = c;
    }
    text[to] = '\0';
    return to;
}

static void set_entry(uint16_t *slot, struct lexicon_entry entry, const char *phrase)
{
    if (*slot == LEXICON_NO_ENTRY) {
        if (entry_count == ENTRIES_MAX) {
            fail("too many entries", phrase);
        }
        entries[entry_count] = entry;
        *slot = (uint16_t)entry_count++;
        return;
    }
    struct lexicon_entry *held = &entries[*slot];
    if (held->kind == entry.kind && held->arg == entry.arg) {
        held->languages =
            held->languages && entry.languages ? (uint16_t)(held->languages | entry.languages) : 0;
    } else if (held->languages == entry.languages) {
        (void)fprintf(stderr, "lexicon line %u: two meanings in one language: %s\n", line_number,
                      phrase);
        conflicts++;
    } else {
        held->languages |= entry.languages;
    }
}

static bool can_be_repaired(const char *text, size_t length)
{
    if (length < FUZZY_LENGTH_MIN || length >= sizeof(words[0].text)) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < 'a' || text[i] > 'z') {
            return false;
        }
    }
    return true;
}

static void add_word(const char *text, size_t length, uint16_t entry)
{
    if (word_count == WORDS_MAX) {
        fail("too many words", text);
    }
    memcpy(words[word_count].text, text, length + 1);
    words[word_count++].entry = entry;
}

static void add_phrase(char *phrase, struct lexicon_entry entry)
{
    struct normal_text folded;
    struct str trimmed = str_trim(str_from(phrase));
    bool no_repair = trimmed.length && trimmed.data[0] == '~';
    trimmed = str_slice(trimmed, no_repair, trimmed.length);
    bool stem = trimmed.length && trimmed.data[trimmed.length - 1] == '*';

    trimmed.length -= stem;
    if (trimmed.length == 0 || normalise_text(trimmed, &scratch, &folded)) {
        fail("empty phrase", phrase);
    }
    size_t length = squeeze(folded.data);
    uint32_t *first = &roots[(uint8_t)folded.data[0]];
    uint32_t node = 0;
    for (size_t i = 0; i < length; i++) {
        node = find_or_add_child(first, (uint8_t)folded.data[i]);
        first = &nodes[node].child;
    }
    uint16_t *slot = stem ? &nodes[node].stem : &nodes[node].entry;
    bool is_new = *slot == LEXICON_NO_ENTRY;
    set_entry(slot, entry, phrase);
    bool weak = entry.kind == TOKEN_STOP || entry.kind == TOKEN_FOREIGN ||
                entry.kind == TOKEN_GREETING || entry.kind == TOKEN_HOSTILE;
    if (is_new && !weak && !no_repair && can_be_repaired(folded.data, length)) {
        add_word(folded.data, length, *slot);
    }
}

/* "KIND ARGUMENT" in front of the colon. */
static void split_head(const char *head, char *kind_name, char *argument)
{
    struct str text = str_trim(str_from(head));
    size_t space = str_find(text, STR(" "), 0);
    struct str kind = str_slice(text, 0, space == SIZE_MAX ? text.length : space);
    struct str rest = str_trim(str_slice(text, kind.length, text.length));

    if (kind.length == 0 || kind.length >= HEAD_BYTES || rest.length >= HEAD_BYTES) {
        fail("no kind", head);
    }
    memcpy(kind_name, kind.data, kind.length);
    memcpy(argument, rest.data, rest.length);
}

static void read_line(char *line, uint16_t *language_bits)
{
    char kind_name[HEAD_BYTES] = "";
    char argument[HEAD_BYTES] = "";

    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#') {
        return;
    }
    if (line[0] == '[') {
        line[strcspn(line, "]")] = '\0';
        *language_bits = 0;
        for (unsigned i = 0; i < LANGUAGE_COUNT; i++) {
            *language_bits |= strcmp(languages[i], line + 1) == 0 ? (uint16_t)(1u << i) : 0;
        }
        if (*language_bits == 0 && strcmp(line + 1, "any") != 0) {
            fail("unknown language", line + 1);
        }
        return;
    }
    char *colon = strchr(line, ':');
    if (!colon) {
        fail("no colon", line);
    }
    *colon = '\0';
    split_head(line, kind_name, argument);
    int32_t kind = find_name(kinds, sizeof(kinds) / sizeof(kinds[0]), kind_name, "no kind");
    struct lexicon_entry entry = {(uint8_t)kind, read_argument(argument, kind), *language_bits};
    char *rest = colon + 1;
    while (rest) {
        char *bar = strstr(rest, " | ");

        if (bar) {
            *bar = '\0';
        }
        add_phrase(rest, entry);
        rest = bar ? bar + 3 : NULL;
    }
}

static int compare_words(const void *a, const void *b)
{
    const char *one = (const char *)a;
    const char *two = (const char *)b;
    size_t length_one = strlen(one);
    size_t length_two = strlen(two);

    if (one[0] != two[0]) {
        return one[0] < two[0] ? -1 : 1;
    }
    if (length_one != length_two) {
        return length_one < length_two ? -1 : 1;
    }
    return strcmp(one, two);
}

static void write_words(FILE *out)
{
    unsigned next = 0;

    qsort(words, word_count, sizeof(words[0]), compare_words);
    (void)fprintf(out, "const struct lexicon_word lexicon_words[] = {\n");
    for (unsigned i = 0; i < word_count; i++) {
        uint32_t letters = 0;

        for (const char *c = words[i].text; *c; c++) {
            letters |= 1u << (*c - 'a');
        }
        (void)fprintf(out, "{\"%s\",%uu,%u,%zu},\n", words[i].text, letters, words[i].entry,
                      strlen(words[i].text));
    }
    (void)fprintf(out, "{\"\",0,0,0}};\nconst uint16_t lexicon_words_from[27] = {");
    for (char letter = 'a'; letter <= 'z'; letter++) {
        while (next < word_count && words[next].text[0] < letter) {
            next++;
        }
        (void)fprintf(out, "%u,", next);
    }
    (void)fprintf(out, "%u};\n", word_count);
}

static void write_tables(FILE *out)
{
    (void)fprintf(out, "/* Made from lexicon.txt by lexicon_compile; do not edit. */\n"
                       "#include \"ask/lexicon.h\"\n"
                       "const struct lexicon_node lexicon_nodes[] = {\n");
    for (uint32_t i = 0; i < node_count; i++) {
        (void)fprintf(out, "{%u,%u,%u,%u,%u},\n", nodes[i].child, nodes[i].sibling, nodes[i].entry,
                      nodes[i].stem, nodes[i].byte);
    }
    (void)fprintf(out, "};\nconst struct lexicon_entry lexicon_entries[] = {\n");
    for (uint32_t i = 0; i < entry_count; i++) {
        (void)fprintf(out, "{%u,%d,%u},\n", entries[i].kind, entries[i].arg, entries[i].languages);
    }
    (void)fprintf(out, "};\nconst uint32_t lexicon_roots[256] = {");
    for (unsigned i = 0; i < 256; i++) {
        (void)fprintf(out, "%u,", roots[i]);
    }
    (void)fprintf(out, "};\n");
    write_words(out);
}

int main(int argc, char **argv)
{
    static char line[LINE_BYTES];
    uint16_t language_bits = 0;
    FILE *in = argc == 3 ? fopen(argv[1], "r") : NULL;
    FILE *out = in ? fopen(argv[2], "w") : NULL;

    if (!in || !out) {
        (void)fprintf(stderr, "usage: lexicon_compile LEXICON.TXT OUTPUT.C\n");
        return 2;
    }
    arena_init(&scratch, (size_t)64 << 20);
    while (fgets(line, sizeof(line), in)) {
        line_number++;
        if (!strchr(line, '\n')) {
            fail("line too long", line);
        }
        read_line(line, &language_bits);
    }
    write_tables(out);
    arena_done(&scratch);
    (void)fclose(in);
    return fclose(out) || conflicts ? 1 : 0;
}
