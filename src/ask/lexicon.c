/*
 * Matching against the compiled trie, and the repair of mistyped words: optimal string alignment
 * distance (insertion, deletion, substitution, swap of neighbours) against the words with the same
 * first letter and a similar length, most of which a bit mask of their letters rules out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/lexicon.h"

#define WORD_LENGTH_MAX      24 /* longer words are not repaired */
#define ONE_EDIT_LENGTH_MIN  5
#define TWO_EDITS_LENGTH_MIN 9

bool lexicon_is_word_byte(char c)
{
    unsigned char u = (unsigned char)c;

    return (u >= 'a' && u <= 'z') || (u >= '0' && u <= '9') || u >= 0x80;
}

/* Kana, CJK ideographs and their neighbours: three bytes, U+2E80 to U+9FFF. */
bool lexicon_is_dense(struct str text, size_t at)
{
    unsigned char lead = (unsigned char)text.data[at];

    return lead >= 0xE3 && lead <= 0xE9;
}

static size_t character_start(struct str text, size_t at)
{
    while (at > 0 && ((unsigned char)text.data[at] & 0xC0) == 0x80) {
        at--;
    }
    return at;
}

/* Whether a word may end before at. A possessive 's does not belong to the word. */
static bool is_word_end(struct str text, size_t begin, size_t at)
{
    if (at >= text.length || !lexicon_is_word_byte(text.data[at]) ||
        !lexicon_is_word_byte(text.data[at - 1])) {
        return true;
    }
    return lexicon_is_dense(text, at) ||
           lexicon_is_dense(text, character_start(text, at > begin ? at - 1 : begin));
}

static size_t word_end(struct str text, size_t at)
{
    while (at < text.length && lexicon_is_word_byte(text.data[at]) && !lexicon_is_dense(text, at)) {
        at++;
    }
    return at;
}

static uint32_t find_child(uint32_t first, unsigned char byte)
{
    while (first && lexicon_nodes[first].byte != byte) {
        first = lexicon_nodes[first].sibling;
    }
    return first;
}

static bool is_joint(char c)
{
    return c == ' ' || c == '-' || c == '_';
}

static size_t skip_joints(struct str text, size_t at)
{
    while (at < text.length && is_joint(text.data[at])) {
        at++;
    }
    return at;
}

uint16_t lexicon_match(struct str text, size_t begin, size_t *ret_end)
{
    uint32_t first = lexicon_roots[(unsigned char)text.data[begin]];
    uint16_t best = LEXICON_NO_ENTRY;
    size_t best_end = begin;

    for (size_t i = begin; i < text.length;) {
        char c = text.data[i];

        if (c == '\'' && i > begin) {
            i++;
            continue;
        }
        uint32_t node = find_child(first, (unsigned char)(is_joint(c) && i > begin ? ' ' : c));
        if (!node) {
            break;
        }
        i = i > begin && is_joint(c) ? skip_joints(text, i) : i + 1;
        const struct lexicon_node *at = &lexicon_nodes[node];
        if (at->stem && word_end(text, i) > best_end) {
            best = at->stem;
            best_end = word_end(text, i);
        }
        if (at->entry && i >= best_end && is_word_end(text, begin, i)) {
            best = at->entry;
            best_end = i;
        }
        first = at->child;
    }
    *ret_end = best_end;
    return best;
}

/* The distance, or limit + 1 when it is more than limit. */
static unsigned edit_distance(const char *a, size_t a_length, const char *b, size_t b_length,
                              unsigned limit)
{
    uint8_t rows[3][WORD_LENGTH_MAX + 2];
    uint8_t *before = rows[0];
    uint8_t *above = rows[1];
    uint8_t *row = rows[2];

    for (size_t j = 0; j <= b_length; j++) {
        above[j] = (uint8_t)j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        uint8_t *spare = before;
        unsigned least = row[0] = (uint8_t)i;

        for (size_t j = 1; j <= b_length; j++) {
            unsigned cost = above[j - 1] + (a[i - 1] != b[j - 1]);
            cost = above[j] + 1u < cost ? above[j] + 1u : cost;
            cost = row[j - 1] + 1u < cost ? row[j - 1] + 1u : cost;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1u < cost) {
                cost = before[j - 2] + 1u;
            }
            row[j] = (uint8_t)cost;
            least = cost < least ? cost : least;
        }
        if (least > limit) {
            return limit + 1;
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[b_length];
}

static bool same_meaning(uint16_t a, uint16_t b)
{
    return lexicon_entries[a].kind == lexicon_entries[b].kind &&
           lexicon_entries[a].arg == lexicon_entries[b].arg;
}

/* A bit per letter; 0 when the word has anything else. */
static uint32_t letters_of(struct str word)
{
    uint32_t letters = 0;

    for (size_t i = 0; i < word.length; i++) {
        if (word.data[i] < 'a' || word.data[i] > 'z') {
            return 0;
        }
        letters |= 1u << (word.data[i] - 'a');
    }
    return letters;
}

/* Cheap grounds to leave a candidate out: an edit changes one letter's place at most twice. */
static bool is_near(const struct lexicon_word *candidate, struct str word, uint32_t letters,
                    unsigned limit)
{
    return candidate->length + limit >= word.length && candidate->length <= word.length + limit &&
           candidate->length <= WORD_LENGTH_MAX &&
           (unsigned)__builtin_popcount(candidate->letters ^ letters) <= 2 * limit;
}

uint16_t lexicon_match_mistyped(struct str word)
{
    uint32_t letters = letters_of(word);
    unsigned limit = word.length >= TWO_EDITS_LENGTH_MIN ? 2 : 1;
    unsigned nearest = limit + 1;
    uint16_t found = LEXICON_NO_ENTRY;
    bool unique = true;

    if (letters == 0 || word.length < ONE_EDIT_LENGTH_MIN || word.length > WORD_LENGTH_MAX) {
        return LEXICON_NO_ENTRY;
    }
    unsigned letter = (unsigned)(word.data[0] - 'a');
    for (unsigned i = lexicon_words_from[letter]; i < lexicon_words_from[letter + 1]; i++) {
        const struct lexicon_word *candidate = &lexicon_words[i];

        if (!is_near(candidate, word, letters, limit)) {
            continue;
        }
        unsigned distance =
            edit_distance(word.data, word.length, candidate->text, candidate->length, limit);
        if (distance < nearest) {
            nearest = distance;
            found = candidate->entry;
            unique = true;
        } else if (distance == nearest && distance <= limit) {
            unique = unique && same_meaning(found, candidate->entry);
        }
    }
    return unique && nearest <= limit ? found : LEXICON_NO_ENTRY;
}
