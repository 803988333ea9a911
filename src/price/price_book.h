/*
 * price_book: what a token costs, for whom, since when and who says so.
 *
 * A book is a list of rows. A row is one model of one provider with its complete price vectors: one
 * per service tier (standard, batch, flex, priority; complete alternatives, not multipliers) and,
 * in each, one per context tier. Prices are integer pico-dollars per token (1e-12 USD), so $2.50
 * per million tokens is 2,500,000 and sums are exact. A price that the source does not list is
 * unknown (bit not set in known), never 0.
 *
 * Context tiers: with PRICE_WHOLE_REQUEST the whole call is priced by the tier of its prompt length
 * once that exceeds the threshold (equality stays low); prompt length counts cached reads and
 * writes. With PRICE_GRADUATED each token is priced by the tier it falls in.
 *
 * Rows are immutable once the book is built; a book may be read by many threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_PRICE_PRICE_BOOK_H
#define NETRA_PRICE_PRICE_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "usage/usage_table.h"

#define PRICE_BOOK_BYTES_MAX    (size_t)(64u << 20) /* of a list to import */
#define PRICE_ROWS_MAX          20000u
#define PRICE_CONTEXT_TIERS_MAX 6u
#define PRICE_PICO_MAX          INT64_C(1000000000000) /* $1 a token: more is a mistake in the list */

/* Index into a vector, and bit number of known and derived. */
enum price_kind {
    PRICE_INPUT,
    PRICE_CACHE_READ,
    PRICE_CACHE_WRITE_5M,
    PRICE_CACHE_WRITE_1H,
    PRICE_OUTPUT,
    PRICE_REASONING, /* only where it differs from output */
    PRICE_KIND_COUNT
};

#define PRICE_BIT(kind) (1u << (kind))

struct price_vector {
    int64_t pico_usd[PRICE_KIND_COUNT]; /* per token */
    uint32_t known;                     /* PRICE_BIT(kind) of those that are known */
    uint32_t derived; /* of those, by a provider's documented rule instead of a listed price */
};

enum price_tier_mode { PRICE_WHOLE_REQUEST, PRICE_GRADUATED };

struct price_context_tier {
    uint64_t over_tokens; /* applies to prompts longer than this; 0 for the first */
    struct price_vector price;
};

/* One service tier's prices; count 0 = the tier is not offered or not known. Ascending over_tokens.
 */
struct price_service {
    struct price_context_tier tiers[PRICE_CONTEXT_TIERS_MAX];
    uint32_t count;
    enum price_tier_mode mode;
};

enum price_cache_mode {
    PRICE_CACHE_UNKNOWN,
    PRICE_CACHE_NONE,
    PRICE_CACHE_AUTOMATIC, /* the provider caches on its own, writes at the input price */
    PRICE_CACHE_EXPLICIT   /* the caller marks what to cache and pays for writes */
};

struct price_row {
    struct str provider;       /* OpenTelemetry name: openai, anthropic, gcp.gemini, deepseek … */
    struct str model;          /* the provider's id */
    int64_t effective_from_us; /* INT64_MIN: since ever */
    int64_t effective_to_us;   /* exclusive; INT64_MAX: still */
    struct price_service services[USAGE_TIER_COUNT];
    uint64_t context_window; /* input tokens, 0 = unknown */
    uint64_t max_output;     /* 0 = unknown */
    enum price_cache_mode cache_mode;
    uint32_t cache_minimum_tokens; /* 0 = none known; check cache_minimum_known */
    bool cache_minimum_known;
    struct str source;      /* address or name of the list */
    struct str source_date; /* "2026-08-21": when the source said so */
    struct str note;        /* "" or what a reader of the price must know */
};

struct price_book;

/* The book that Netra ships. */
must_check int price_book_builtin(struct price_book **ret_book, struct error *error);

/* A book from a file's text: Netra's own form or LiteLLM's model_prices_and_context_window.json,
 * told apart by content. name is kept as the source of rows that do not say their own. Entries that
 * cannot be used are counted and skipped. ERR_INVALID, ERR_LIMIT, ERR_NO_MEMORY. */
must_check int price_book_parse(struct str text, struct str name, struct price_book **ret_book,
                                struct error *error);

void price_book_free(struct price_book *book);
void price_book_free_pointer(struct price_book **book);

/* Name and date for reports: {"netra", "2026-11-22"}; the newest source_date of its rows. */
struct str price_book_name(const struct price_book *book);
struct str price_book_as_of(const struct price_book *book);

size_t price_book_count(const struct price_book *book);
const struct price_row *price_book_row(const struct price_book *book, size_t index);
size_t price_book_skipped(const struct price_book *book); /* entries that could not be used */

/* How a name was resolved, for the caveat. */
enum price_match {
    PRICE_MATCH_NONE,
    PRICE_MATCH_EXACT,
    PRICE_MATCH_ALIAS,   /* a listed alias */
    PRICE_MATCH_DATED,   /* without a dated or -latest suffix, or the dated form of it */
    PRICE_MATCH_PREFIXED /* without a route prefix such as "openai/" or "us.anthropic."; the route's
                          * own bill may differ (Bedrock's regional endpoints add 10 %) */
};

#define PRICE_NEWEST INT64_MAX

/* The row for a model name as records have it, valid at time_us; PRICE_NEWEST finds the newest row,
 * even one whose validity has ended (a retired model keeps its last price; its dates say so).
 * provider may be empty; when it is given a row of another provider does not match. NULL when the
 * price is unknown; *ret_match (may be NULL) says how it was found. Never guesses a family ("opus")
 * or another version. Thread-safe. */
const struct price_row *price_find(const struct price_book *book, struct str provider,
                                   struct str model, int64_t time_us, enum price_match *ret_match);

/* ---- tokens → money ---- */

struct price_options {
    bool ignore_context_tiers; /* price everything by the lowest tier */
};

struct price_cost {
    int64_t input_pico_usd; /* the uncached part */
    int64_t cache_read_pico_usd;
    int64_t cache_write_pico_usd;
    int64_t output_pico_usd;
    int64_t total_pico_usd;
    uint32_t missing; /* PRICE_BIT of kinds that had tokens but no price; total leaves them out */
    uint32_t derived; /* of kinds that had tokens and a derived price */
};

/* The vector that applies to a call with that prompt length, or NULL when the service tier has no
 * prices. For PRICE_GRADUATED this is the tier of the last token. */
const struct price_vector *price_vector_for(const struct price_row *row, enum usage_tier tier,
                                            uint64_t prompt_tokens,
                                            const struct price_options *options);

/* The exact cost of one call. ERR_UNKNOWN_PRICE when the service tier has no prices or a kind that
 * has tokens is not known (*ret_cost then holds the known part and the missing bits), ERR_LIMIT on
 * overflow. Cache reads of a row without a read price are missing, not free. Graduated prices: the
 * prompt's tokens are laid out as reads, writes, the uncached rest, each priced by its position;
 * output is priced by the tier of the prompt's last token. */
must_check int price_cost_of(const struct price_row *row, enum usage_tier tier,
                             const struct usage_tokens *tokens, const struct price_options *options,
                             struct price_cost *ret_cost);

#endif
