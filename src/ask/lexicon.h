/*
 * lexicon: phrases of twelve languages → kinds of token. The source is lexicon.txt; at build time
 * lexicon_compile.c folds it with normalise_text() and writes it as a constant trie, so that a
 * process starts with it and nothing is built per call:
 *
 *     nodes: byte, first child, next sibling, entry of a phrase that ends here, entry of a stem
 *
 * A space of a phrase matches any run of spaces, '-' and '_' of the text (not a newline);
 * apostrophes of the text are skipped; a stem (written "cost*") takes the rest of its word.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ASK_LEXICON_H
#define NETRA_ASK_LEXICON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ask/token.h"
#include "base/str.h"

#define LEXICON_NO_ENTRY 0 /* entry 0 is reserved */

struct lexicon_node {
    uint32_t child;
    uint32_t sibling;
    uint16_t entry;
    uint16_t stem;
    uint8_t byte;
};

struct lexicon_entry {
    uint8_t kind;
    int32_t arg;
    uint16_t languages;
};

/* A word that may be meant by a mistyped one; grouped by first letter, ascending length. */
struct lexicon_word {
    const char *text;
    uint32_t letters; /* bit per letter */
    uint16_t entry;
    uint8_t length;
};

/* Written by lexicon_compile. */
extern const struct lexicon_node lexicon_nodes[];
extern const struct lexicon_entry lexicon_entries[];
extern const struct lexicon_word lexicon_words[];
extern const uint16_t lexicon_words_from[27]; /* per first letter, and the end */
extern const uint32_t lexicon_roots[256];

/* The longest phrase that starts at text[begin] and ends at a word's end. Returns its entry, or
 * LEXICON_NO_ENTRY. O(length of the longest phrase). */
uint16_t lexicon_match(struct str text, size_t begin, size_t *ret_end);

/* The entry of the word that a mistyped ASCII word stands for, at one edit (5 to 8 letters) or two
 * (more), LEXICON_NO_ENTRY when there is none or the nearest is not unique in meaning. */
uint16_t lexicon_match_mistyped(struct str word);

/* Whether a byte belongs to a word; and whether a character starts here that needs no spaces around
 * it (Chinese, Japanese). */
bool lexicon_is_word_byte(char c);
bool lexicon_is_dense(struct str text, size_t at);

#endif
