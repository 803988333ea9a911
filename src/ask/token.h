/*
 * token: what the lexicon, the numbers and the names of a prompt become before any rule looks at
 * them. A rule never sees a word of a language: it sees kinds (METRIC, DOWN, KEEP, QUANTITY …), so
 * each rule is written once for all languages.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ASK_TOKEN_H
#define NETRA_ASK_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/decimal.h"
#include "base/str.h"

enum token_kind {
#define TOKEN_KIND(name) TOKEN_##name,
#include "ask/token_kind.def"
#undef TOKEN_KIND
    TOKEN_KIND_COUNT
};

_Static_assert(TOKEN_KIND_COUNT <= 3 * 64, "a kind set is three words");

enum ask_metric {
    METRIC_NONE,
#define ASK_METRIC(id, name) METRIC_##id,
#include "ask/metric.def"
#undef ASK_METRIC
    METRIC_COUNT
};

/* Languages that the lexicon knows; a bit each in token.languages. */
enum ask_language {
    LANGUAGE_EN,
    LANGUAGE_ES,
    LANGUAGE_FR,
    LANGUAGE_DE,
    LANGUAGE_PT,
    LANGUAGE_HI,
    LANGUAGE_HI_LATN,
    LANGUAGE_ZH,
    LANGUAGE_JA,
    LANGUAGE_RU,
    LANGUAGE_AR,
    LANGUAGE_PL,
    LANGUAGE_COUNT
};

enum ask_unit {
    UNIT_NONE,
    UNIT_FRACTION, /* percent and worded parts, as a share of 1 */
    UNIT_FACTOR,   /* 2x, double */
    UNIT_MS,       /* value in milliseconds: latencies, up to UNIT_MINUTE */
    UNIT_MINUTE,   /* longer times keep their own unit: they are more often dates than latencies */
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_QUARTER,
    UNIT_YEAR,
    UNIT_MONEY,
    UNIT_TOKENS,
    UNIT_REQUESTS,
    UNIT_RPM,
    UNIT_TPM,
    UNIT_EFFORT_WEEKS,
    UNIT_ORDINAL, /* the 12th */
    UNIT_TENTHS,  /* 割, 成: tenths */
    UNIT_SECOND,  /* only inside the lexicon: a quantity holds UNIT_MS */
    UNIT_COUNT
};

struct quantity {
    int128 value; /* scale 9 */
    int128 high;  /* the upper end of a range */
    enum ask_unit unit;
    enum ask_unit period; /* money and requests: per day … UNIT_REQUESTS = per call; UNIT_NONE */
    char currency[4];     /* "USD"; empty when not money */
    signed char sign;     /* written sign: -1, +1, 0 = none */
    bool is_range;
    bool is_from_to; /* "from 800 ms to 300 ms": value is the start, high the target */
    bool overflow;
};

/* Arguments of STOP in the lexicon. */
#define STOP_ARTICLE 1
#define STOP_OURS    2
#define STOP_DID     3
#define STOP_WOULD   4

/* Arguments of HOSTILE from here on hold text of their own: a script, a tag, a path. */
#define HOSTILE_SCRIPT 2
#define HOSTILE_TAG    3
#define HOSTILE_PATH   4

#define QUANTITY_SCALE 9
#define QUANTITY_ONE   INT64_C(1000000000)

struct token {
    enum token_kind kind;
    int32_t arg;         /* metric, language-free argument, index of a name or a quantity */
    uint32_t begin, end; /* in the normalised text */
    uint32_t clause;     /* filled by clauses.c */
    uint16_t languages;  /* bits of enum ask_language; 0 = says nothing about the language */
    bool fuzzy;          /* matched with a typing mistake */
};

#define KIND_SET_WORDS 3

/* What a token list says about itself: one bit per kind. */
struct kind_set {
    uint64_t words[KIND_SET_WORDS];
};

static inline void kind_set_add(struct kind_set *set, enum token_kind kind)
{
    set->words[kind / 64] |= UINT64_C(1) << (kind % 64);
}

static inline bool kind_set_has(const struct kind_set *set, enum token_kind kind)
{
    return (set->words[kind / 64] >> (kind % 64)) & 1;
}

const char *ask_metric_name(enum ask_metric metric);
const char *ask_language_tag(enum ask_language language);

#endif
