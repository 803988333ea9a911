/*
 * prose_words: what a word says. The half of the judge of prose that knows words; prose.c knows
 * sentences. Words come folded: as the ASCII letters that they are compared by. The words
 * themselves are in number_words.def.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_REPORT_PROSE_WORDS_H
#define NETRA_REPORT_PROSE_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define WORD_BYTES_MAX 40u /* of a folded word; longer ones are refused by who reads them */
#define FOLDED_LETTERS 2u  /* a letter becomes at most so many */

/* The letter as it is compared ("É" → "e", "ß" → "ss"); returns how many letters, 0 for what is no
 * Latin letter of ASCII, Latin-1 or Latin Extended-A. */
size_t words_fold(int32_t point, char ret_letters[FOLDED_LETTERS]);

/* A number in one word, alone or in a compound: "twenty", "zweiundzwanzig", "abouttwenty". raw is
 * the word as written. */
bool words_say_number(struct str folded, struct str raw);

/* The same for parts that were written with a hyphen, a dot or an apostrophe between them. */
bool words_say_number_joined(struct str folded);

/* Parts that were written with spaces between them: "twen ty". The second: more letters could make
 * one of it. */
bool words_say_number_spaced(struct str folded);
bool words_begin_number_spaced(struct str folded);

/* "XIV", "vii", "lOO". */
bool words_look_like_number(struct str raw);

bool words_are_unit(struct str folded);
bool words_are_scale(struct str folded);
bool words_are_quality(struct str folded);
bool words_are_foreign(struct str folded); /* no word of English */

/* A list of words with spaces between; "*" is every word. */
bool words_are_in(const char *pattern, struct str word);

/* What is wrong with a word behind another ("risk" behind "no"), or NULL; before may be empty. */
const char *words_promise(struct str folded, struct str before);

/* Words that say a number only beside some others: "one" but not "one of them", "an hour" but not
 * "an answer". */
bool words_need_neighbours(struct str folded);

/* With LINKED_BY_NOTHING, after may be "," */
enum word_link { LINKED_BY_SPACE, LINKED_BY_HYPHEN, LINKED_BY_NOTHING /* the clause ends */ };

/* Whether such a word is allowed between these; what is not there is empty. */
bool words_allow_neighbours(struct str folded, struct str before, struct str after,
                            enum word_link link);

#endif
