/*
 * prose_state: what the two halves of the judge share. prose.c reads characters and knows what is
 * open; prose_judge.c says whether what was read is allowed. Nothing outside of both includes this.
 *
 * The paragraph that is being read is template text in line:
 *
 *     0 ......... shown .......... safe ............................ line.length
 *       in out      may be shown     held back until it is judged
 *
 * safe never goes back and depends on the characters alone, so that how the bytes were cut changes
 * nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_REPORT_PROSE_STATE_H
#define NETRA_REPORT_PROSE_STATE_H

#include "report/prose.h"
#include "report/prose_words.h"

#define PROSE_PARTS_KEPT 8u  /* words looked back at: "se ven te en" has four parts */
#define PROSE_OPEN_BYTES 512 /* of a fact's id or a name */
#define NOWHERE          SIZE_MAX
#define CLAUSE_BYTES     ((size_t)96)

enum prose_place { OUTSIDE, IN_WORD, IN_FACT, IN_NAME };

/* Letters in a row: a word or what stands between its hyphens and apostrophes. */
struct prose_part {
    char letters[WORD_BYTES_MAX]; /* folded */
    size_t length;
    size_t start;   /* in line */
    bool is_joined; /* to the part before, without a space */
    bool is_dotted; /* "e.g" */
    int32_t mark;   /* the character right before it; 0 with a space between */
};

/* What a clause has said that changes what its facts say. */
struct prose_clause {
    const struct fact *fact;   /* the last one; NULL: none yet */
    char behind[CLAUSE_BYTES]; /* the words since, each with a space behind it */
    size_t behind_length;
    unsigned words_behind;
    bool is_broken;     /* behind is not all of them: too long, or a name in between */
    bool is_plain;      /* the fact is written with its value, not with a bound */
    bool is_from;       /* "from" stands right before the fact */
    int direction;      /* of the last verb that has one: 1 rises, -1 falls */
    const char *period; /* "monthly" before a fact; NULL: none */
    unsigned words_since_period;
};

struct prose {
    const struct prose_rules *rules;
    struct arena arena;
    struct report_lines paragraphs;
    struct str texts[PROSE_PARAGRAPHS_MAX];
    struct buf *out; /* of the call under way */
    struct error error;
    int code; /* of what went wrong; nothing is taken after it */
    bool is_finished;
    size_t byte_count;
    char bytes[4]; /* of a character that is not whole yet */
    size_t bytes_have;
    size_t bytes_wanted;

    struct buf line;
    size_t shown;
    size_t safe;
    enum prose_place place;
    size_t open_start;  /* of the word, fact or name in which the reader is */
    bool is_quote_open; /* IN_NAME: the last byte is a backquote, which the next may double */
    bool has_marker;    /* a "- " at the paragraph's start was dropped */
    bool has_words;     /* the paragraph holds more than punctuation */
    bool has_space;     /* a space follows what line ends with, once more comes */
    int32_t last;       /* the last character of line; 0 at the start */

    struct prose_part part;                    /* the word in which the reader is or was last */
    struct prose_part parts[PROSE_PARTS_KEPT]; /* judged ones, the newest last */
    size_t part_count;
    bool has_gap;        /* a space since the newest part */
    bool is_clause_open; /* nothing but spaces, quotes and hyphens since the newest part */
    size_t run_start;    /* of the parts since the last space */
    size_t mark_start;   /* of a sign or bracket before a word: "-", "(" */
    size_t split_start;  /* of parts that may be the beginning of a number word */

    struct prose_part waiting; /* a word that needs its neighbour, while waiting_start is set */
    size_t waiting_start;
    size_t waiting_hold; /* that or the start of a word before it that waited too: "a third" */
    char waiting_before[WORD_BYTES_MAX];
    size_t waiting_before_length;
    enum word_link waiting_link;

    size_t quality_start; /* of the first word about quality without a fact of quality */
    bool has_quality_fact;
    const struct fact *fact_before; /* the next word is its unit */
    bool has_number_before;         /* no word, comma or bracket since a number was written */
    bool has_dash_before;           /* nothing but spaces and quotes since a dash */
    struct prose_clause clause;
};

/* Sets the error and returns ERR_INVALID; the second adds what to write instead. */
must_check int prose_refuse(struct prose *prose, const char *format, ...) printf_like(2, 3);
must_check int prose_refuse_number(struct prose *prose, const char *what, struct str word);

/* Each judges what line holds since open_start and remembers what the next needs to know. */
must_check int prose_judge_part(struct prose *prose, struct prose_part *part);
must_check int prose_judge_fact(struct prose *prose);
must_check int prose_judge_name(struct prose *prose);

/* What stands around a fact and makes another number of it (prose_facts.c). The clause ends, a name
 * stands in it, a word, a fact; before: the word right before this one in the clause, or empty. */
void prose_clause_end(struct prose *prose, int32_t mark);
void prose_clause_name(struct prose *prose);
must_check int prose_clause_word(struct prose *prose, const struct prose_part *part,
                                 struct str before);
must_check int prose_clause_fact(struct prose *prose, const struct fact *fact, bool is_plain);

/* What a message shows of a text: cut, at a character. */
struct str prose_shown(struct str text);

/* What waits for a neighbour gets this: a fact, or the end of the clause. */
must_check int prose_judge_waiting(struct prose *prose, struct str after, enum word_link link);
must_check int prose_end_sentence(struct prose *prose, int32_t mark);

/* Of any script; ½, ², Ⅳ and ① too. */
bool prose_is_digit(int32_t point);

/* A name of the rules that begins with this, or nothing. */
struct str prose_name_like(const struct prose *prose, struct str begin);

#endif
