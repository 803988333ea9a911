/*
 * fact: one number of a report with everything needed to believe it: unit, state, how many records
 * it rests on, by which method and from which query. Text, tables and figures never hold numbers of
 * their own; they name facts, and a renderer fills them in.
 *
 * Three states only: computed (exact for these records), bounded (low and high hold it), unknown
 * (value absent, needs says what would be needed).
 *
 * Ids are stable and dotted: "spend.by_model.gpt-4o". A name in an id is escaped by fact_id_append:
 * '.', '%', space and controls become %XX, and so does what would end a reference in template text
 * ('{', '}', '`', the colon of a final ":low", ":high" or ":exact") and bytes that are no UTF-8.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_REPORT_FACT_H
#define NETRA_REPORT_FACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/decimal.h"
#include "base/dict.h"
#include "base/str.h"
#include "json/json_write.h"

#define FACTS_MAX      100000u
#define FACT_BYTES_MAX (size_t)(256u << 20)

enum fact_state { FACT_COMPUTED, FACT_BOUNDED, FACT_UNKNOWN };

enum fact_unit {
    UNIT_USD, /* scale 12 */
    UNIT_TOKENS,
    UNIT_REQUESTS,
    UNIT_RECORDS,
    UNIT_BLOCKS,
    UNIT_RATIO, /* 0.0512 = 5.12 %; scale 6 */
    UNIT_MS,
    UNIT_RPM, /* requests per minute */
    UNIT_TPM, /* tokens per minute */
    UNIT_X,   /* a multiplier */
    UNIT_DAYS,
    UNIT_COUNT_OF_THINGS,
    UNIT_TIME,        /* microseconds since 1970, printed as RFC 3339 */
    UNIT_USD_PER_MTOK /* USD per million tokens; scale 6 */
};

struct fact {
    struct str id;
    struct str label;     /* "spend, total": lower case, for tables */
    struct decimal value; /* meaningless when unknown */
    struct decimal low;   /* only when has_bounds */
    struct decimal high;
    bool has_bounds;
    bool is_open; /* bounded from below only: at least low; high is not looked at */
    enum fact_unit unit;
    enum fact_state state;
    uint64_t n;        /* records that it rests on */
    uint64_t clusters; /* independent units (sessions), 0 = does not apply */
    struct str method; /* "sum of tokens × price, exact" */
    struct str query;  /* tool and arguments that give it again: cache_audit {"ttl_s":[300]} */
    struct str needs;  /* what would make an unknown known; "" otherwise */
};

struct fact_set {
    struct arena arena; /* owns every text */
    struct fact *facts; /* in the order of first addition */
    uint32_t count;
    uint32_t capacity;
    struct dict ids; /* id → index */
};

void fact_set_init(struct fact_set *set);
void fact_set_done(struct fact_set *set);

/* Copies fact and its texts. The same id again must say the same number (then nothing happens);
 * another number is a bug in the caller and ERR_INVALID, and so is a fact that contradicts its
 * state: no id, bounded without low ≤ high, unknown without needs. ERR_LIMIT, ERR_NO_MEMORY. */
must_check int fact_set_add(struct fact_set *set, const struct fact *fact);

/* NULL when there is none. Valid until the next addition. */
const struct fact *fact_find(const struct fact_set *set, struct str id);

/* Adds every fact of from to set. */
must_check int fact_set_merge(struct fact_set *set, const struct fact_set *from);

/* Appends name to an id under construction, escaped. */
void fact_id_append(struct buf *id, struct str name);

/* The number as people read it: "$5,285.11", "36.6 %", "8,819", "1.25 s"; "unknown" when it is,
 * "≤ $12.30" / "$3.10 to $4.20" / "≥ $3.10" when bounded. Units that words around it usually name
 * (tokens, requests, records, blocks, things) are not printed; a time is given to the second. A
 * value that is not zero never prints as zero, and a part that is not the whole never as 100 %. */
void fact_print(const struct fact *fact, struct buf *out);

/* A bare value of a unit in the same form. */
void fact_print_value(enum fact_unit unit, struct decimal value, struct buf *out);

/* A bare value exactly: "25182.372257"; a time as RFC 3339. */
void fact_print_exact_value(enum fact_unit unit, struct decimal value, struct buf *out);

/* The number exactly: "25182.372257"; bounds as "1 to 2"; "unknown". */
void fact_print_exact(const struct fact *fact, struct buf *out);

const char *fact_unit_name(enum fact_unit unit);    /* "USD", "tokens", "ratio" … */
const char *fact_state_name(enum fact_state state); /* "computed" … */

/* One JSON object without the id: {"label":…,"value":…,"unit":…,"state":…,"n":…,…}. Money is a
 * decimal string, a time RFC 3339 text, everything else a JSON number; an unknown value is null.
 * "printed" is what fact_print gives. */
void fact_write_json(const struct fact *fact, struct json_writer *w);

#endif
