/*
 * interpretation: what a prompt asks for, in closed vocabularies (ENGINE 7.1 of the project's
 * design papers; docs/engine.md lists them). Produced by ask_parse(), echoed to the user with every
 * answer, read by the supervisor to choose agents and by tools for their arguments.
 *
 * Everything lives in the arena that was passed to ask_parse; texts are copies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ASK_INTERPRETATION_H
#define NETRA_ASK_INTERPRETATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/str.h"
#include "json/json_write.h"

#define ASK_PROMPT_BYTES_MAX 65536u /* a longer prompt is refused by name, not cut */
#define ASK_CONSTRAINTS_MAX  64u
#define ASK_ENTITIES_MAX     64u
#define ASK_ARENA_BYTES_MAX  (size_t)(8u << 20)

/* Order of this list is the order of output and the tie order. */
enum intent {
    INTENT_REDUCE_COST,
    INTENT_IMPROVE_LATENCY,
    INTENT_FORECAST_GROWTH,
    INTENT_RATE_LIMIT_CAPACITY,
    INTENT_MODEL_WHATIF,
    INTENT_COMPARE_MODELS,
    INTENT_MODEL_MIGRATE,
    INTENT_CACHE_AUDIT,
    INTENT_BATCH_ELIGIBILITY,
    INTENT_TOKEN_TRIM,
    INTENT_ROUTING_POLICY,
    INTENT_EVALUATE_CHANGE,
    INTENT_ROLLBACK,
    INTENT_QUALITY_CHECK,
    INTENT_ANOMALY_EXPLAIN,
    INTENT_COST_BREAKDOWN,
    INTENT_RELIABILITY,
    INTENT_BUDGET_GUARD,
    INTENT_PRICING_LOOKUP,
    INTENT_EXPLAIN_RESULT,
    INTENT_DATA_HELP,
    INTENT_GREETING,
    INTENT_OFF_TOPIC,
    INTENT_HOSTILE,
    INTENT_UNKNOWN,
    INTENT_EMPTY,
    INTENT_COUNT
};

/* What the answer needs; bits. The names are those of `netra parse`. */
enum ask_need {
    NEED_USAGE_RECORDS = 1 << 0,
    NEED_PRICE_TABLE = 1 << 1,
    NEED_QUALITY_SCORES = 1 << 2,
    NEED_PREFIX_HASHES = 1 << 3,
    NEED_PROMPT_HASH = 1 << 4,
    NEED_TTFT = 1 << 5,
    NEED_RATE_LIMITS = 1 << 6,
    NEED_CANDIDATE_QUALITY_EVIDENCE = 1 << 7,
    NEED_CLARIFY_FEATURE = 1 << 8,
    NEED_CLARIFY_MODEL = 1 << 9,
    NEED_CLARIFY_TARGET = 1 << 10,
    NEED_CLARIFY_TIME = 1 << 11,
    NEED_CLARIFY_INTENT = 1 << 12,
    NEED_BUDGET_AMOUNT = 1 << 13,
    NEED_CHANGE_EVENT = 1 << 14,
    NEED_TRAFFIC_PLAN = 1 << 15,
    NEED_RECORDS_MISSING = 1 << 16,
    NEED_SELF_HOST_COST = 1 << 17,
    NEED_COUNT = 18
};

struct ask_constraint {
    const char *metric;   /* "cost", "latency" … from the closed list, static */
    const char *op;       /* "reduce_by", "<=" …, static */
    bool has_value;       /* false: null */
    bool is_range;        /* value to value_high */
    struct decimal value; /* scale 9 */
    struct decimal value_high;
    struct str unit;  /* "fraction", "ms", "USD/month" …; empty: null */
    struct str scope; /* "*", a feature, "model:NAME", "provider:NAME", "prompt:NAME" */
    bool hard;
    struct str baseline; /* "current_total", "current" or empty */
    struct str stat;     /* "p95", "p50,p95" or empty */
};

struct ask_growth {
    const char *metric;   /* "requests" */
    struct decimal value; /* scale 9; the increase as a fraction */
    struct str scope;
    struct str horizon; /* "next_month", "Q1" or empty */
};

enum ask_time_kind {
    ASK_TIME_NONE,
    ASK_TIME_SINCE,   /* value: yesterday, monday, day_of_month:12, a date */
    ASK_TIME_DAY,     /* value: yesterday, today */
    ASK_TIME_WEEKDAY, /* value: tuesday */
    ASK_TIME_LAST,    /* n unit */
    ASK_TIME_NEXT,    /* n unit */
    ASK_TIME_CURRENT, /* n unit */
    ASK_TIME_QUARTER, /* value: Q1 */
    ASK_TIME_BY,      /* value: a date or quarter end */
    ASK_TIME_EVENT,   /* value: black_friday; n: hours that it lasts, 0 = not said */
};

struct ask_time_range {
    enum ask_time_kind kind;
    struct str value; /* empty where n and unit say it */
    int64_t n;
    struct str unit; /* day, week, month, quarter, year, hour, minute */
};

struct interpretation {
    bool intents[INTENT_COUNT];
    struct ask_constraint *constraints;
    size_t constraint_count;
    struct str *models; /* canonical: "gpt-5"; a family stays a family: "claude" */
    size_t model_count;
    struct str *features;
    size_t feature_count;
    struct str *metrics;
    size_t metric_count;
    struct ask_time_range time_range;
    struct ask_growth *growth;
    size_t growth_count;
    uint32_t needs;    /* enum ask_need */
    struct str lang;   /* BCP 47: "en", "hi-Latn" */
    double confidence; /* 0 to 1 */
};

/* Names that a prompt may mean. Borrowed for the call. */
struct ask_vocabulary {
    const struct str *features; /* of the user's records */
    size_t feature_count;
    const struct str *models; /* of the price book and of the records */
    size_t model_count;
};

/* Reads a prompt. Any bytes are safe; invalid UTF-8 is read as U+FFFD. ERR_LIMIT when it is longer
 * than ASK_PROMPT_BYTES_MAX or makes too many constraints, ERR_NO_MEMORY. */
must_check int ask_parse(const struct ask_vocabulary *vocabulary, struct str prompt,
                         struct arena *arena, struct interpretation **ret_interpretation,
                         struct error *error);

/* True iff needs contains something that only the user can give. */
bool ask_should_ask(const struct interpretation *interpretation);

/* The object that `netra parse` prints. */
void interpretation_write_json(const struct interpretation *interpretation, struct json_writer *w);

/* The echo in a line of words: "cost −20 %, all features; latency ÷2 (p50, p95)". */
void interpretation_print(const struct interpretation *interpretation, struct buf *out);

const char *intent_name(enum intent intent);
const char *ask_need_name(enum ask_need need);

#endif
