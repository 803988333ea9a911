/*
 * Netra's own form of a price book; README.md of this folder shows one.
 *
 *     {"netra_prices": 1, "unit": "USD per million tokens", "name": …,
 *      "sources": {ID: {"name": …, "date": "2026-08-21"}, …},
 *      "models": [{"provider": …, "model": …, "aliases": […], "from": DATE, "to": DATE,
 *                  "source": ID or text, "source_date": DATE, "note": …,
 *                  "context_window": N, "max_output": N, "tier_mode": "graduated",
 *                  "cache": {"mode": "none" | "automatic" | "explicit", "minimum_tokens": N},
 *                  "prices": {"standard": TIER or [TIER, …], "batch": …, "flex": …, "priority":
 * …}}]} TIER = {"over": N, "input": USD, "cache_read": USD, "cache_write_5m": USD,
 *             "cache_write_1h": USD, "output": USD, "reasoning": USD, "derived": [KIND, …]}
 *
 * What is not listed is unknown; {"over": 272000} alone says that nothing is known above that
 * threshold, where leaving the tier out would say that the price does not change. 0 is a price
 * here, because someone wrote it on purpose. An entry with a key or a value that is not understood
 * is skipped whole: half a price is a wrong price.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/civil_time.h"
#include "price/book_build.h"
#include "price/price_book_write.h"
#include "json/json_read.h"

#define OWN_FORM_VERSION 1
#define OWN_FORM_UNIT    "USD per million tokens"

static int kind_from(struct str name)
{
    for (int kind = 0; kind < PRICE_KIND_COUNT; kind++) {
        if (str_equal(name, str_from(price_kind_name((enum price_kind)kind)))) {
            return kind;
        }
    }
    return -1;
}

static bool read_derived(struct json_value list, struct price_vector *price)
{
    for (struct json_iterator it = json_iterate(list); json_next(&it);) {
        struct str name;
        int kind = json_get_str(it.value, &name) ? kind_from(name) : -1;

        if (kind < 0) {
            return false;
        }
        price->derived |= PRICE_BIT(kind);
    }
    return json_is(list, JSON_ARRAY);
}

/* Ascending, the first from 0, each threshold once. */
static bool tier_follows(const struct price_service *service, uint64_t over,
                         const struct price_vector *price)
{
    if (price->derived & ~price->known) {
        return false;
    }
    if (service->count == 0) {
        return over == 0;
    }
    return over > service->tiers[service->count - 1].over_tokens;
}

static bool read_tier(struct json_value value, struct price_service *service)
{
    struct price_vector price = {.known = 0};
    uint64_t over = 0;
    bool is_exact = true;
    double usd;

    for (struct json_iterator it = json_iterate(value); json_next(&it);) {
        int kind = kind_from(it.key);

        if (kind >= 0) {
            if (!json_get_double(it.value, &usd) ||
                !price_pico_from(usd, 6, &price.pico_usd[kind], &is_exact)) {
                return false;
            }
            price.known |= PRICE_BIT(kind);
        } else if (str_equal(it.key, STR("over"))) {
            if (!json_get_u64(it.value, &over)) {
                return false;
            }
        } else if (!str_equal(it.key, STR("derived")) || !read_derived(it.value, &price)) {
            return false;
        }
    }
    if (!tier_follows(service, over, &price)) {
        return false;
    }
    struct price_context_tier *tier = price_service_tier(service, over);
    if (!tier) {
        return false;
    }
    tier->price = price;
    return true;
}

/* TIER or [TIER, …], of which one at least says something. */
static bool read_service(struct json_value value, struct price_service *service)
{
    uint32_t known = 0;

    if (json_is(value, JSON_OBJECT) && !read_tier(value, service)) {
        return false;
    }
    for (struct json_iterator it = json_iterate(value);
         json_is(value, JSON_ARRAY) && json_next(&it);) {
        if (!json_is(it.value, JSON_OBJECT) || !read_tier(it.value, service)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < service->count; i++) {
        known |= service->tiers[i].price.known;
    }
    return known != 0;
}

static bool read_prices(struct json_value prices, struct price_row *row)
{
    for (struct json_iterator it = json_iterate(prices); json_next(&it);) {
        int tier = usage_tier_from(it.key);

        if (tier < 0 || !read_service(it.value, &row->services[tier])) {
            return false;
        }
    }
    return row->services[USAGE_STANDARD].count > 0 &&
           row->services[USAGE_STANDARD].tiers[0].price.known;
}

static bool read_cache_mode(struct json_value value, struct price_row *row)
{
    static const struct {
        const char *name;
        enum price_cache_mode mode;
    } modes[] = {{"none", PRICE_CACHE_NONE},
                 {"automatic", PRICE_CACHE_AUTOMATIC},
                 {"explicit", PRICE_CACHE_EXPLICIT}};
    struct str name;

    for (size_t i = 0; i < ARRAY_LENGTH(modes) && json_get_str(value, &name); i++) {
        if (str_equal(name, str_from(modes[i].name))) {
            row->cache_mode = modes[i].mode;
            return true;
        }
    }
    return false;
}

static bool read_cache_minimum(struct json_value value, struct price_row *row)
{
    uint64_t tokens;

    if (!json_get_u64(value, &tokens) || tokens > UINT32_MAX) {
        return false;
    }
    row->cache_minimum_tokens = (uint32_t)tokens;
    row->cache_minimum_known = true;
    return true;
}

static bool read_cache(struct json_value cache, struct price_row *row)
{
    for (struct json_iterator it = json_iterate(cache); json_next(&it);) {
        bool is_minimum = str_equal(it.key, STR("minimum_tokens"));
        bool is_mode = str_equal(it.key, STR("mode"));

        if (!(is_minimum && read_cache_minimum(it.value, row)) &&
            !(is_mode && read_cache_mode(it.value, row))) {
            return false;
        }
    }
    return json_is(cache, JSON_OBJECT);
}

static bool read_date(struct json_value value, int64_t *ret_us)
{
    struct str text;

    return json_get_str(value, &text) && civil_parse(text, ret_us) == OK;
}

/* The fields that are a text or a number. Returns 1 when key was one and fitted, 0 when it is none,
 * -1 when its value does not fit. */
static int read_plain(struct str key, struct json_value value, struct price_row *row)
{
    struct {
        const char *key;
        struct str *text;
    } texts[] = {{"provider", &row->provider},
                 {"model", &row->model},
                 {"source", &row->source},
                 {"source_date", &row->source_date},
                 {"note", &row->note}};

    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (str_equal(key, str_from(texts[i].key))) {
            return json_get_str(value, texts[i].text) ? 1 : -1;
        }
    }
    if (str_equal(key, STR("context_window"))) {
        return json_get_u64(value, &row->context_window) ? 1 : -1;
    }
    if (str_equal(key, STR("max_output"))) {
        return json_get_u64(value, &row->max_output) ? 1 : -1;
    }
    if (str_equal(key, STR("from"))) {
        return read_date(value, &row->effective_from_us) ? 1 : -1;
    }
    if (str_equal(key, STR("to"))) {
        return read_date(value, &row->effective_to_us) ? 1 : -1;
    }
    return 0;
}

static bool read_tier_mode(struct json_value value, struct price_row *row)
{
    struct str mode;

    if (!json_get_str(value, &mode)) {
        return false;
    }
    bool graduated = str_equal(mode, STR("graduated"));
    for (unsigned s = 0; s < USAGE_TIER_COUNT; s++) {
        row->services[s].mode = graduated ? PRICE_GRADUATED : PRICE_WHOLE_REQUEST;
    }
    return graduated || str_equal(mode, STR("whole_request"));
}

static bool read_model(struct json_value entry, struct price_row *row, struct json_value *aliases)
{
    for (struct json_iterator it = json_iterate(entry); json_next(&it);) {
        int plain = read_plain(it.key, it.value, row);
        bool fits = plain > 0;

        if (plain == 0 && str_equal(it.key, STR("prices"))) {
            fits = read_prices(it.value, row);
        } else if (plain == 0 && str_equal(it.key, STR("cache"))) {
            fits = read_cache(it.value, row);
        } else if (plain == 0 && str_equal(it.key, STR("tier_mode"))) {
            fits = read_tier_mode(it.value, row);
        } else if (plain == 0 && str_equal(it.key, STR("aliases"))) {
            *aliases = it.value;
            fits = json_is(it.value, JSON_ARRAY);
        }
        if (!fits) {
            return false;
        }
    }
    return row->provider.length && row->services[USAGE_STANDARD].count;
}

/* A source that is an id of the document's table becomes that source's name and date. */
static void resolve_source(struct json_value sources, const struct price_book *book,
                           struct price_row *row)
{
    struct json_value known = json_at_str(sources, row->source);

    if (json_is(known, JSON_OBJECT)) {
        (void)json_get_str(json_at(known, "name"), &row->source);
        if (row->source_date.length == 0) {
            (void)json_get_str(json_at(known, "date"), &row->source_date);
        }
    }
    if (row->source.length == 0) {
        row->source = book->name;
    }
}

static int add_model(struct price_book *book, struct json_value entry, struct json_value sources)
{
    struct price_row row = {.effective_from_us = INT64_MIN, .effective_to_us = INT64_MAX};
    struct json_value aliases = {0};
    uint32_t index;

    if (!read_model(entry, &row, &aliases)) {
        return ERR_INVALID;
    }
    resolve_source(sources, book, &row);
    (void)price_apply_rules(&row, PRICE_RULE_AUTOMATIC_WRITE);
    int status = price_book_add(book, &row, &index);
    for (struct json_iterator it = json_iterate(aliases); !status && json_next(&it);) {
        struct str alias;

        /* A bad alias costs the alias, not the model. */
        if (json_get_str(it.value, &alias)) {
            status = price_book_add_name(book, index, alias, PRICE_NAME_ALIAS);
            status = status == ERR_INVALID ? OK : status;
        }
    }
    return status;
}

int price_read_own(struct price_book *book, const struct json_value *root, struct error *error)
{
    struct json_value models = json_at(*root, "models");
    struct str unit;
    int64_t version;

    if (!json_get_i64(json_at(*root, "netra_prices"), &version) || version != OWN_FORM_VERSION) {
        return error_set(error, ERR_INVALID, "cannot read price book %.*s: netra_prices is not %d",
                         STR_ARGS(book->name), OWN_FORM_VERSION);
    }
    if (!json_get_str(json_at(*root, "unit"), &unit) || !str_equal(unit, STR(OWN_FORM_UNIT))) {
        return error_set(error, ERR_INVALID, "cannot read price book %.*s: unit is not \"%s\"",
                         STR_ARGS(book->name), OWN_FORM_UNIT);
    }
    for (struct json_iterator it = json_iterate(models); json_next(&it);) {
        int status = add_model(book, it.value, json_at(*root, "sources"));

        if (status == ERR_INVALID) {
            book->skipped++;
        } else if (status) {
            return error_set(error, status, "cannot read price book %.*s: %s", STR_ARGS(book->name),
                             error_code_text(status));
        }
    }
    return OK;
}
