/*
 * The price book over HTTP. Money is text: US dollars per million tokens, exact.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/api_state.h"
#include "base/civil_time.h"
#include "price/price_book_write.h"

#define PER_MTOK_SCALE 6 /* pico-dollars a token are micro-dollars a million tokens */

static void put_known_text(struct json_writer *w, const char *key, struct str value)
{
    if (value.length) {
        json_key(w, key);
        json_put_str(w, value);
    }
}

static void put_count(struct json_writer *w, const char *key, uint64_t value)
{
    if (value) {
        json_key(w, key);
        json_put_decimal(w, decimal_of((int128)value, 0));
    }
}

/* The kinds that are known; what is not listed is unknown, never free. */
static void put_vector(struct json_writer *w, const struct price_vector *price)
{
    for (int kind = 0; kind < PRICE_KIND_COUNT; kind++) {
        if (price->known & PRICE_BIT(kind)) {
            json_key(w, price_kind_name((enum price_kind)kind));
            json_put_decimal_string(w, decimal_of(price->pico_usd[kind], PER_MTOK_SCALE));
        }
    }
}

static void put_head(struct json_writer *w, const struct price_row *row)
{
    put_known_text(w, "provider", row->provider);
    put_known_text(w, "model", row->model);
    if (row->effective_from_us != INT64_MIN) {
        put_time(w, "effective_from", row->effective_from_us);
    }
    if (row->effective_to_us != INT64_MAX) {
        put_time(w, "effective_to", row->effective_to_us);
    }
    put_count(w, "context_window", row->context_window);
    put_count(w, "max_output", row->max_output);
}

/* In the list: the standard tier's lowest context tier. */
static void put_row(struct json_writer *w, const struct price_row *row)
{
    const struct price_service *standard = &row->services[USAGE_STANDARD];

    json_begin_object(w);
    put_head(w, row);
    json_key(w, "usd_per_million_tokens");
    json_begin_object(w);
    if (standard->count) {
        put_vector(w, &standard->tiers[0].price);
    }
    json_end_object(w);
    json_end_object(w);
}

static void put_book(struct json_writer *w, const struct price_book *book)
{
    json_key(w, "book");
    json_put_str(w, price_book_name(book));
    json_key(w, "as_of");
    json_put_str(w, price_book_as_of(book));
}

static void get_prices(const struct call *call)
{
    const struct price_book *book = call->api->book;
    struct json_writer w = call_begin_json(call);

    json_begin_object(&w);
    put_book(&w, book);
    json_key(&w, "models");
    json_begin_array(&w);
    for (size_t i = 0; i < price_book_count(book); i++) {
        put_row(&w, price_book_row(book, i));
    }
    json_end_array(&w);
    json_end_object(&w);
    call_reply_json(call, 200);
}

static void put_services(struct json_writer *w, const struct price_row *row)
{
    json_key(w, "usd_per_million_tokens");
    json_begin_object(w);
    for (int tier = 0; tier < USAGE_TIER_COUNT; tier++) {
        const struct price_service *service = &row->services[tier];

        if (service->count == 0) {
            continue;
        }
        json_key(w, usage_tier_name((enum usage_tier)tier));
        json_begin_array(w);
        for (uint32_t i = 0; i < service->count; i++) {
            json_begin_object(w);
            json_key(w, "over_tokens");
            json_put_i64(w, (int64_t)service->tiers[i].over_tokens);
            put_vector(w, &service->tiers[i].price);
            json_end_object(w);
        }
        json_end_array(w);
    }
    json_end_object(w);
}

static void get_price(const struct call *call)
{
    static const char *const matches[] = {
        [PRICE_MATCH_NONE] = "none",         [PRICE_MATCH_EXACT] = "exact",
        [PRICE_MATCH_ALIAS] = "alias",       [PRICE_MATCH_DATED] = "dated",
        [PRICE_MATCH_PREFIXED] = "prefixed",
    };
    struct buf *provider = &call->api->query;
    enum price_match match = PRICE_MATCH_NONE;

    buf_clear(provider);
    if (http_query(call->request, "provider", 0, provider) && buf_status(provider)) {
        problem_reply(call->api, call->id, PROBLEM_INVALID_REQUEST, NULL,
                      "the query parameter provider is not a text, or too long");
        return;
    }
    const struct price_row *row =
        price_find(call->api->book, buf_str(provider), call->params[0], PRICE_NEWEST, &match);
    if (!row) {
        problem_reply(call->api, call->id, PROBLEM_NOT_FOUND, NULL, "the book has no price of %.*s",
                      STR_ARGS(call->params[0]));
        return;
    }
    struct json_writer w = call_begin_json(call);
    json_begin_object(&w);
    put_book(&w, call->api->book);
    put_head(&w, row);
    json_key(&w, "match");
    json_put_text(&w, matches[match]);
    put_known_text(&w, "source", row->source);
    put_known_text(&w, "source_date", row->source_date);
    put_known_text(&w, "note", row->note);
    put_services(&w, row);
    json_end_object(&w);
    call_reply_json(call, 200);
}

static const struct route_query price_queries[] = {
    {"provider", "{\"type\":\"string\"}", "provider, when several sell the model"},
    {NULL, NULL, NULL},
};

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/prices",
     .scope = AUTH_SCOPE_READ,
     .handle = get_prices,
     .summary = "The price book: standard tier, lowest context tier.",
     .reply = "{\"type\":\"object\",\"required\":[\"book\",\"as_of\",\"models\"],\"properties\":{"
              "\"book\":{\"type\":\"string\"},\"as_of\":{\"type\":\"string\"},\"models\":{\"type\":"
              "\"array\",\"items\":" SCHEMA_REF("Price") "}}}",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/prices/{model}",
     .scope = AUTH_SCOPE_READ,
     .handle = get_price,
     .summary = "All that the book knows of a model.",
     .queries = price_queries,
     .reply = SCHEMA_REF("Price"),
     .reply_status = 200},
};

const struct route_table routes_prices = {"prices", routes, ARRAY_LENGTH(routes), ROUTE_BACKEND};
