/*
 * facts: observations as the rules of diagnosis read them. One observation says one thing, in words
 * of a small vocabulary (verify/README.md, "Facts"), so that a rule is a pattern and not a parser.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_FACTS_H
#define NETRA_VERIFY_FACTS_H

#include "verify/evidence.h"

#define FACT_TEXT_BYTES 320u /* of a text from outside, cut */

/* Copies a text of a log, an answer or a file as it may be kept: no control characters, no secrets
 * (what follows "Bearer", "code=", "token=" and the like, words that begin as keys of Netra do, the
 * query of an address), cut at a character. Returns out. */
const char *fact_clean(struct str text, char out[FACT_TEXT_BYTES]);

/* Whether text is as pattern says, where "*" is any number of any bytes. The first two stars'
 * texts are told; empty where there are fewer. Linear but for the stars: texts are at most
 * EVIDENCE_TEXT_BYTES_MAX. */
bool fact_matches(const char *pattern, struct str text, struct str ret_stars[2]);

/* The first number of a text, also "-12.5"; false: there is none. */
bool fact_number(struct str text, double *ret_number);

#endif
