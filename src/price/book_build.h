/*
 * book_build: how parsers fill a price book; private to this room.
 *
 *     price_book_new(name, &book)
 *     price_book_add(book, &row, &index)           row's texts are copied
 *     price_book_add_name(book, index, name, kind)  what price_find() will know it by
 *
 * Names are kept in lower case, grouped by stem: the name without its dated or -latest suffix.
 *
 *     stems (dict)            names
 *     "claude-sonnet-4-5" ──► {claude-sonnet-4-5, row 7} ─► {claude-sonnet-4-5-20250929, row 7} ─►
 * ∎
 *
 * One look-up of the stem thus finds the exact name and the dated forms of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_PRICE_BOOK_BUILD_H
#define NETRA_PRICE_BOOK_BUILD_H

#include "base/dict.h"
#include "price/price_book.h"

#define PRICE_NAMES_MAX      (4u * PRICE_ROWS_MAX)
#define PRICE_NAME_BYTES_MAX USAGE_NAME_BYTES_MAX
#define PRICE_STEM_NAMES_MAX                                                                       \
    256u                           /* names of one stem: look-ups walk them; real lists have < 20  \
                                    */
#define PRICE_TEXT_BYTES_MAX 1024u /* of a source or a note: longer ones are cut there */
#define PRICE_NO_NAME        UINT32_MAX

enum price_name_kind {
    PRICE_NAME_MODEL, /* the provider's id, or the list's own key */
    PRICE_NAME_ALIAS,
    PRICE_NAME_ROUTED /* a reseller's inner name ("openai/gpt-4o"): counts only for that provider */
};

struct price_name {
    struct str text; /* lower case */
    uint32_t date;   /* 20250929 of a dated suffix, 0 without */
    uint32_t row;
    uint32_t next;            /* of the same stem; PRICE_NO_NAME ends the chain */
    uint32_t previous_of_row; /* another name of the same row, PRICE_NO_NAME at its first */
    enum price_name_kind kind;
    bool is_latest; /* ends with -latest */
};

struct price_book {
    struct dict texts; /* every text of every row, once */
    struct price_row *rows;
    size_t row_count;
    size_t row_capacity;
    uint32_t *last_name; /* by row: its newest name */
    size_t last_name_capacity;
    struct dict stems;
    uint32_t *first_name; /* by stem id */
    size_t first_capacity;
    struct price_name *names;
    size_t name_count;
    size_t name_capacity;
    struct str name;
    struct str as_of;
    size_t skipped;
};

/* A name taken apart. Borrowed from the name. */
struct price_name_parts {
    struct str stem;
    uint32_t date;
    bool is_latest;
};

/* Splits "claude-3-5-haiku-20241022", "…@20241022", "…-2024-10-22", "…-latest", "…@default". */
struct price_name_parts price_name_split(struct str name);

/* ASCII lower case into a caller's array of PRICE_NAME_BYTES_MAX; a longer or empty name gives an
 * empty str. White space at both ends is dropped. */
struct str price_name_lower(struct str name, char *ret_bytes);

must_check int price_book_new(struct str name, struct price_book **ret_book);

/* Copies the row and its texts; the provider is stored by its OpenTelemetry name. A model that
 * begins with the provider's own route ("openrouter/openai/gpt-4o") is known for that provider
 * without it, too. ERR_INVALID when
 * it has no model, overlaps in time with a row of the same provider and model or its stem is full;
 * ERR_LIMIT, ERR_NO_MEMORY. */
must_check int price_book_add(struct price_book *book, const struct price_row *row,
                              uint32_t *ret_index);

/* Makes the row known by that name as well; a name that it has already is no error. ERR_INVALID
 * (empty, too long, stem full), ERR_LIMIT, ERR_NO_MEMORY. */
must_check int price_book_add_name(struct price_book *book, uint32_t row, struct str name,
                                   enum price_name_kind kind);

/* The model without a first segment that names its own provider; the model where there is none. */
struct str price_name_without_own_route(struct str provider, struct str model);

/* True when a row of that provider (OpenTelemetry name) and model exists at any time. */
bool price_book_has(const struct price_book *book, struct str provider, struct str model);

/* First name of a stem's chain, PRICE_NO_NAME when there is none. */
uint32_t price_book_chain(const struct price_book *book, struct str stem);

/* ---- amounts ---- */

/* USD times 10^exponent to whole pico-dollars, to nearest: 12 for USD per token, 6 for USD per
 * million tokens. False (nothing stored) for negative, NaN and more than PRICE_PICO_MAX. *is_exact
 * becomes false when rounding moved it by more than one part in a million, is kept otherwise. */
bool price_pico_from(double usd, unsigned exponent, int64_t *ret_pico_usd, bool *is_exact);

/* ---- tiers ---- */

/* The context tier over_tokens of a service, entered in order when it is new; NULL when there are
 * PRICE_CONTEXT_TIERS_MAX already. A service whose first tier is not 0 is not usable. */
struct price_context_tier *price_service_tier(struct price_service *service, uint64_t over_tokens);

/* ---- documented rules ---- */

enum price_rule {
    PRICE_RULE_ANTHROPIC_TIER = 1 << 0,
    PRICE_RULE_ANTHROPIC_BATCH = 1 << 1,
    PRICE_RULE_AUTOMATIC_WRITE = 1 << 2,
    PRICE_RULES_ALL = (1 << 3) - 1
};

/* Fills what a provider's documented rule says about a price that the list leaves out, marks it as
 * derived and returns those of the allowed rules that were used. See rules.c for the rules. */
unsigned price_apply_rules(struct price_row *row, unsigned allowed);

/* The sentence of one rule. */
const char *price_rule_text(enum price_rule rule);

/* ---- parsers ---- */

struct json_value;

/* Fill an empty book from a parsed document; unusable entries are counted in book->skipped.
 * ERR_NO_MEMORY, ERR_LIMIT (more than PRICE_ROWS_MAX rows), ERR_INVALID (only the whole form). */
must_check int price_read_own(struct price_book *book, const struct json_value *root,
                              struct error *error);
must_check int price_read_litellm(struct price_book *book, const struct json_value *root,
                                  struct error *error);

#endif
