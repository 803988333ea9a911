/*
 * prose: the judge of text that a model wrote. It reads the text while it arrives, lets through
 * what is certainly allowed, and stops at the first thing that is not. What it lets through is
 * template text (report.h): numbers stand in it as {fact.id}, names in backquotes.
 *
 *     bytes, as they come → prose_feed → plain words, numbers filled in, for who reads along
 *     the end             → prose_finish → the paragraphs as template text, for the report
 *
 * Refused, because it could carry a number that nobody computed, or do more than be read:
 *
 *   - a digit of any script, ½, ², Ⅳ, ①; number words of English, German, French, Spanish, Italian,
 *     Portuguese and Dutch ("twenty", "half", "doubled", "dozen", "zweiundzwanzig", "moitié"),
 * glued or taken apart ("twentyfive", "twen-ty", "twen ty"); Roman numerals
 *   - a fact that was not offered, a form that it does not have, an unknown fact that is not said
 *     with {id} itself; braces that hold anything else
 *   - what makes another number of a fact: two side by side, a minus, letters or "million" behind
 *     it, "dollars" behind a count
 *   - a name in backquotes that was not offered, or that reads like a number ("5000", "20 %") or a
 *     sentence: readers get it without the backquotes
 *   - letters beyond those of western Europe, invisible characters, controls
 *   - markup, links and addresses: < > [ ] | \ * _ # @ = ~ ^ $ € £ % and "://", "www.", "a.b"
 *   - beside a fact, in the plain forms: a unit that it has not ("{spend.total} euros"), a period
 *     that neither its id nor its label has ("per day", "monthly"), arithmetic ("{a} plus {b}"), a
 *     comparison with another fact that is false ("{a} is less than {b}", "falls from {a} to {b}")
 *   - what was spent as a saving ("saves {spend.total}")
 *   - words about quality without a fact of quality (".quality" in its id) in the sentence, unless
 *     it says that something was not measured or is unknown
 *   - promises ("guaranteed", "no risk", "at no cost"), passwords and keys, words of other
 *     languages: the text is English
 *   - more than the limits
 *
 * Words that are a number only sometimes depend on their neighbours: "first" and "second" pass, but
 * not "a second" or "an hour"; "one" passes in "one of", "one another", "no one" and in "the one
 * that" (this, that, each, every, which, any); "third" before "party", "double" before "check" and
 * "count", "single" in "every single", "no single" and "the single largest"; "due" before "to".
 * "a day", "a week", "pair", "both", "few", "once", "percentage" and "percentile" pass.
 *
 * "Third," at the beginning and "the third step" pass, "the longer one." and "the same call twice."
 *
 * It cannot judge whether a sentence says the right thing about a fact otherwise, nor vague words
 * ("a handful"); the README has a list. Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_REPORT_PROSE_H
#define NETRA_REPORT_PROSE_H

#include "base/error.h"
#include "report/report.h"

#define PROSE_BYTES_MAX      8192u
#define PROSE_PARAGRAPHS_MAX 12u
#define PROSE_NAMES_MAX      256u
#define PROSE_FACTS_MAX      400u

struct prose_rules {
    const struct fact_set *facts;
    const struct str *fact_ids; /* of facts, those that may be named; at most PROSE_FACTS_MAX */
    size_t fact_count;
    const struct str *names; /* that may stand in backquotes */
    size_t name_count;
    bool may_name_facts; /* false: a sentence without numbers, such as a question */
};

struct prose;

/* The rules and what they point to must outlive it. ERR_NO_MEMORY, ERR_LIMIT. */
must_check int prose_new(const struct prose_rules *rules, struct prose **ret_prose);
void prose_free(struct prose *prose);
void prose_free_pointer(struct prose **prose);

/* Appends to out what may be shown now: whole words and facts only, so that no part of a refused
 * word was ever shown; names come without their backquotes, paragraphs one line apart. What is
 * appended in all does not depend on how the bytes were cut. A word may be held back until the next
 * has come, a sentence about quality until its fact has. ERR_INVALID: refused; the message says
 * what and is meant for who wrote it; ERR_NO_MEMORY, and what out fails with. After an error
 * nothing more is taken, and the same error is returned. */
must_check int prose_feed(struct prose *prose, struct str bytes, struct buf *out,
                          struct error *error);

/* The end: what was held back is judged and appended to out too. ERR_INVALID also when there is no
 * text at all. Nothing may be fed after it. */
must_check int prose_finish(struct prose *prose, struct buf *out, struct error *error);

/* After prose_finish: template texts, one a paragraph, without list markers; borrowed. */
const struct report_lines *prose_paragraphs(const struct prose *prose);

#endif
