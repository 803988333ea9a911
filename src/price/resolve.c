/*
 * Model names as records have them → rows.
 *
 * A name is tried as it is, then without one route after the other ("openrouter/", "models/",
 * "us.", "anthropic." … "-v1:0"). Each form is looked up by its stem:
 *
 *     1. the same name                     exact or alias
 *     2. the same date written otherwise   -20250929, @20250929, -2025-09-29
 *     3. asked with a date or -latest      the row without one
 *     4. asked without a date              the one dated row, if there is exactly one
 *
 * Nothing else matches: a date never finds another date, a family name finds nothing. When rows of
 * several providers fit a bare name, the maker's wins; when rows of equal rank differ, the name is
 * ambiguous and the price is unknown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "price/book_build.h"
#include "price/provider.h"

#define ROUTE_STEPS_MAX 5u

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static uint32_t digits_value(struct str text)
{
    uint32_t value = 0;

    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit(text.data[i])) {
            return 0;
        }
        value = value * 10 + (uint32_t)(text.data[i] - '0');
    }
    return value;
}

/* YYYYMMDD when the three parts can be a date of a model, else 0. */
static uint32_t date_of(struct str year, struct str month, struct str day)
{
    uint32_t y = digits_value(year);
    uint32_t m = digits_value(month);
    uint32_t d = digits_value(day);

    if (y < 2015 || y > 2099 || m < 1 || m > 12 || d < 1 || d > 31) {
        return 0;
    }
    return y * 10000 + m * 100 + d;
}

struct price_name_parts price_name_split(struct str name)
{
    static const struct str newest[] = {{"-latest", 7}, {"@latest", 7}, {"@default", 8}};
    struct price_name_parts parts = {.stem = name};
    size_t n = name.length;

    for (size_t i = 0; i < ARRAY_LENGTH(newest); i++) {
        if (n > newest[i].length && str_ends_with(name, newest[i])) {
            parts.stem = str_slice(name, 0, n - newest[i].length);
            parts.is_latest = true;
            return parts;
        }
    }
    if (n > 9 && (name.data[n - 9] == '-' || name.data[n - 9] == '@')) {
        parts.date = date_of(str_slice(name, n - 8, n - 4), str_slice(name, n - 4, n - 2),
                             str_slice(name, n - 2, n));
        parts.stem = parts.date ? str_slice(name, 0, n - 9) : name;
    }
    if (!parts.date && n > 11 && name.data[n - 11] == '-' && name.data[n - 6] == '-' &&
        name.data[n - 3] == '-') {
        parts.date = date_of(str_slice(name, n - 10, n - 6), str_slice(name, n - 5, n - 3),
                             str_slice(name, n - 2, n));
        parts.stem = parts.date ? str_slice(name, 0, n - 11) : name;
    }
    return parts;
}

struct str price_name_lower(struct str name, char *ret_bytes)
{
    struct str trimmed = str_trim(name);

    if (trimmed.length > PRICE_NAME_BYTES_MAX) {
        return (struct str){"", 0};
    }
    for (size_t i = 0; i < trimmed.length; i++) {
        char c = trimmed.data[i];

        ret_bytes[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return (struct str){ret_bytes, trimmed.length};
}

struct query {
    const struct price_book *book;
    struct str provider; /* OpenTelemetry name; empty: any */
    struct str route;    /* provider that the name's own route says; empty: none */
    bool route_only;     /* that route sells at its own prices: no other provider will do */
    int64_t time_us;
};

static const struct price_row *row_of(const struct query *q, const struct price_name *name)
{
    return &q->book->rows[name->row];
}

static bool row_is_valid_at(const struct price_row *row, int64_t time_us)
{
    return time_us == PRICE_NEWEST ||
           (row->effective_from_us <= time_us && time_us < row->effective_to_us);
}

/* Lower is better; negative: does not fit. */
static int score_of(const struct query *q, const struct price_name *name)
{
    const struct price_row *row = row_of(q, name);
    bool on_route = q->route.length && provider_matches(q->route, row->provider);
    bool asked = q->provider.length && provider_matches(q->provider, row->provider);

    if (!row_is_valid_at(row, q->time_us) || (q->provider.length && !asked) ||
        (q->route_only && !on_route) || (name->kind == PRICE_NAME_ROUTED && !asked && !on_route)) {
        return -1;
    }
    int rank = on_route ? 0 : 1 + (int)provider_rank_of(row->provider);
    return 2 * rank + (name->kind != PRICE_NAME_MODEL);
}

enum form { FORM_SAME, FORM_SAME_DATE, FORM_UNDATED, FORM_DATED, FORM_COUNT };

static bool form_fits(enum form form, const struct price_name *name, struct str text,
                      const struct price_name_parts *parts)
{
    switch (form) {
    case FORM_SAME:
        return str_equal(name->text, text);
    case FORM_SAME_DATE:
        return parts->date && name->date == parts->date;
    case FORM_UNDATED:
        return (parts->date || parts->is_latest) && !name->date && !name->is_latest;
    case FORM_DATED:
        return !parts->date && (name->date || name->is_latest);
    default:
        return false;
    }
}

static bool rows_are_one_model(const struct price_row *a, const struct price_row *b)
{
    return str_equal(a->provider, b->provider) && str_equal_ascii_case(a->model, b->model);
}

/* The best name of a chain in one form. *ret_ambiguous: several models are equally good. */
static const struct price_name *best_of(const struct query *q, uint32_t chain, enum form form,
                                        struct str text, const struct price_name_parts *parts,
                                        bool *ret_ambiguous)
{
    const struct price_name *best = NULL;
    int best_score = -1;

    *ret_ambiguous = false;
    for (uint32_t at = chain; at != PRICE_NO_NAME; at = q->book->names[at].next) {
        const struct price_name *name = &q->book->names[at];
        int score = form_fits(form, name, text, parts) ? score_of(q, name) : -1;

        if (score < 0 || (best && score > best_score)) {
            continue;
        }
        if (!best || score < best_score) {
            best = name;
            best_score = score;
            *ret_ambiguous = false;
        } else if (!rows_are_one_model(row_of(q, best), row_of(q, name))) {
            *ret_ambiguous = true;
        } else if (row_of(q, name)->effective_from_us > row_of(q, best)->effective_from_us) {
            best = name; /* only when the newest was asked for: validities do not overlap */
        }
    }
    return best;
}

/* One name without changing its route. *ret_stop: rows fit but do not agree. */
static const struct price_row *find_name(const struct query *q, struct str text,
                                         enum price_match *ret_match, bool *ret_stop)
{
    struct price_name_parts parts = price_name_split(text);
    uint32_t chain = price_book_chain(q->book, parts.stem);

    for (enum form form = FORM_SAME; form < FORM_COUNT && chain != PRICE_NO_NAME; form++) {
        const struct price_name *best = best_of(q, chain, form, text, &parts, ret_stop);

        if (*ret_stop) {
            return NULL;
        }
        if (best) {
            *ret_match = form != FORM_SAME                ? PRICE_MATCH_DATED
                         : best->kind == PRICE_NAME_ALIAS ? PRICE_MATCH_ALIAS
                                                          : PRICE_MATCH_EXACT;
            return row_of(q, best);
        }
    }
    return NULL;
}

/* "-v1:0", "-v2", "-v1:0:200k" at the end of a Bedrock id. */
static struct str without_bedrock_version(struct str name)
{
    size_t at = name.length;

    while (at > 0 && name.data[at - 1] != '-') {
        at--;
    }
    if (at == 0 || at + 1 >= name.length || name.data[at] != 'v' || !is_digit(name.data[at + 1])) {
        return name;
    }
    for (size_t i = at + 1; i < name.length && name.data[i] != ':'; i++) {
        if (!is_digit(name.data[i])) {
            return name;
        }
    }
    return str_slice(name, 0, at - 1);
}

/* Bedrock's regions and, before Claude, its vendor. */
static bool strip_bedrock(struct query *q, struct str *name)
{
    static const struct str regions[] = {{"us.", 3},     {"eu.", 3}, {"apac.", 5},  {"ap.", 3},
                                         {"global.", 7}, {"jp.", 3}, {"au.", 3},    {"ca.", 3},
                                         {"us-gov.", 7}, {"sa.", 3}, {"us-iso.", 7}};
    const struct str claude = STR("anthropic.");

    for (size_t i = 0; i < ARRAY_LENGTH(regions); i++) {
        if (str_starts_with(*name, regions[i])) {
            *name = str_slice(*name, regions[i].length, name->length);
            q->route = STR("aws.bedrock");
            return true;
        }
    }
    if (str_starts_with(*name, claude)) {
        *name = without_bedrock_version(str_slice(*name, claude.length, name->length));
        q->route = STR("aws.bedrock");
        return true;
    }
    return false;
}

/* "…/models/x" of Google's resource names, "arn:aws:bedrock:…/x". */
static bool strip_resource(struct query *q, struct str *name)
{
    const struct str models = STR("models/");

    if (str_starts_with(*name, STR("arn:aws:bedrock:"))) {
        size_t slash = str_find(*name, STR("/"), 0);

        if (slash == SIZE_MAX) {
            return false;
        }
        *name = str_slice(*name, slash + 1, name->length);
        q->route = STR("aws.bedrock");
        return true;
    }
    if (str_starts_with(*name, models)) {
        *name = str_slice(*name, models.length, name->length);
        return true;
    }
    if (str_starts_with(*name, STR("publishers/")) || str_starts_with(*name, STR("projects/"))) {
        size_t at = str_find(*name, STR("/models/"), 0);

        if (at == SIZE_MAX) {
            return false;
        }
        *name = str_slice(*name, at + 1 + models.length, name->length);
        q->route = STR("gcp.vertex_ai");
        return true;
    }
    return false;
}

/* Takes one route off the name; false when it has none that is known. */
static bool strip_route(struct query *q, struct str *name)
{
    size_t slash = str_find(*name, STR("/"), 0);

    if (strip_resource(q, name)) {
        return true;
    }
    if (slash == SIZE_MAX) {
        return strip_bedrock(q, name);
    }
    const struct provider *route = provider_find(str_slice(*name, 0, slash));
    if (!route) {
        return false;
    }
    *name = str_slice(*name, slash + 1, name->length);
    q->route = route->name;
    q->route_only = !route->passes;
    return true;
}

const struct price_row *price_find(const struct price_book *book, struct str provider,
                                   struct str model, int64_t time_us, enum price_match *ret_match)
{
    char lower[PRICE_NAME_BYTES_MAX];
    struct str name = price_name_lower(model, lower);
    struct query query = {
        .book = book, .provider = provider_name(str_trim(provider)), .time_us = time_us};
    enum price_match match = PRICE_MATCH_NONE;
    const struct price_row *row = NULL;
    bool stop = false;

    for (unsigned step = 0; step <= ROUTE_STEPS_MAX && name.length && !row && !stop; step++) {
        if (step && !strip_route(&query, &name)) {
            break;
        }
        row = find_name(&query, name, &match, &stop);
        if (row && step) {
            match = PRICE_MATCH_PREFIXED;
        }
    }
    if (ret_match) {
        *ret_match = row ? match : PRICE_MATCH_NONE;
    }
    return row;
}
