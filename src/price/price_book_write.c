/*
 * A book in the form that book_json.c reads. Reading it back gives the same rows and names; only a
 * list's own key for a model ("gemini/gemini-2.5-pro") comes back as an alias.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "price/price_book_write.h"

#include "base/civil_time.h"
#include "price/book_build.h"

#define PER_MTOK_SCALE 6 /* pico-dollars a token are micro-dollars a million tokens */
#define DATE_BYTES_MAX 32u

const char *price_kind_name(enum price_kind kind)
{
    static const char *const names[PRICE_KIND_COUNT] = {
        [PRICE_INPUT] = "input",
        [PRICE_CACHE_READ] = "cache_read",
        [PRICE_CACHE_WRITE_5M] = "cache_write_5m",
        [PRICE_CACHE_WRITE_1H] = "cache_write_1h",
        [PRICE_OUTPUT] = "output",
        [PRICE_REASONING] = "reasoning",
    };

    return names[kind];
}

static void put_tier(const struct price_context_tier *tier, struct json_writer *w)
{
    json_begin_object(w);
    if (tier->over_tokens) {
        json_key(w, "over");
        json_put_i64(w, (int64_t)tier->over_tokens);
    }
    for (int kind = 0; kind < PRICE_KIND_COUNT; kind++) {
        if (tier->price.known & PRICE_BIT(kind)) {
            json_key(w, price_kind_name((enum price_kind)kind));
            json_put_decimal(w, decimal_of(tier->price.pico_usd[kind], PER_MTOK_SCALE));
        }
    }
    if (tier->price.derived) {
        json_key(w, "derived");
        json_begin_array(w);
        for (int kind = 0; kind < PRICE_KIND_COUNT; kind++) {
            if (tier->price.derived & PRICE_BIT(kind)) {
                json_put_text(w, price_kind_name((enum price_kind)kind));
            }
        }
        json_end_array(w);
    }
    json_end_object(w);
}

static void put_prices(const struct price_row *row, struct json_writer *w)
{
    json_key(w, "prices");
    json_begin_object(w);
    for (int tier = 0; tier < USAGE_TIER_COUNT; tier++) {
        const struct price_service *service = &row->services[tier];

        if (service->count == 0) {
            continue;
        }
        json_key(w, usage_tier_name((enum usage_tier)tier));
        if (service->count == 1) {
            put_tier(&service->tiers[0], w);
            continue;
        }
        json_begin_array(w);
        for (uint32_t i = 0; i < service->count; i++) {
            put_tier(&service->tiers[i], w);
        }
        json_end_array(w);
    }
    json_end_object(w);
}

static void put_date(const char *key, int64_t time_us, struct json_writer *w)
{
    struct buf date;

    buf_init(&date, DATE_BYTES_MAX);
    if (time_us == civil_floor(time_us, DAY_US)) {
        civil_print_date(time_us, &date);
    } else {
        civil_print(time_us, &date);
    }
    json_key(w, key);
    json_put_str(w, buf_str(&date));
    if (buf_status(&date)) {
        w->out->status = buf_status(&date); /* a date that is cut must not look like one */
    }
    buf_done(&date);
}

static void put_text(const char *key, struct str text, struct json_writer *w)
{
    if (text.length) {
        json_key(w, key);
        json_put_str(w, text);
    }
}

static void put_cache(const struct price_row *row, struct json_writer *w)
{
    static const char *const modes[] = {
        [PRICE_CACHE_NONE] = "none",
        [PRICE_CACHE_AUTOMATIC] = "automatic",
        [PRICE_CACHE_EXPLICIT] = "explicit",
    };

    if (row->cache_mode == PRICE_CACHE_UNKNOWN && !row->cache_minimum_known) {
        return;
    }
    json_key(w, "cache");
    json_begin_object(w);
    if (row->cache_mode != PRICE_CACHE_UNKNOWN) {
        json_key(w, "mode");
        json_put_text(w, modes[row->cache_mode]);
    }
    if (row->cache_minimum_known) {
        json_key(w, "minimum_tokens");
        json_put_i64(w, row->cache_minimum_tokens);
    }
    json_end_object(w);
}

/* Every name but the model's own and those that the reader makes again by itself. */
static void put_aliases(const struct price_book *book, uint32_t row, struct json_writer *w)
{
    bool is_open = false;

    for (uint32_t at = book->last_name[row]; at != PRICE_NO_NAME;
         at = book->names[at].previous_of_row) {
        const struct price_name *name = &book->names[at];

        if (name->kind == PRICE_NAME_ROUTED ||
            str_equal_ascii_case(name->text, book->rows[row].model)) {
            continue;
        }
        if (!is_open) {
            json_key(w, "aliases");
            json_begin_array(w);
            is_open = true;
        }
        json_put_str(w, name->text);
    }
    if (is_open) {
        json_end_array(w);
    }
}

static bool is_graduated(const struct price_row *row)
{
    return row->services[USAGE_STANDARD].count > 1 &&
           row->services[USAGE_STANDARD].mode == PRICE_GRADUATED;
}

static void put_row(const struct price_book *book, uint32_t index, struct json_writer *w)
{
    const struct price_row *row = &book->rows[index];

    json_begin_object(w);
    put_text("provider", row->provider, w);
    put_text("model", row->model, w);
    put_aliases(book, index, w);
    if (row->effective_from_us != INT64_MIN) {
        put_date("from", row->effective_from_us, w);
    }
    if (row->effective_to_us != INT64_MAX) {
        put_date("to", row->effective_to_us, w);
    }
    put_text("source", row->source, w);
    put_text("source_date", row->source_date, w);
    put_text("note", row->note, w);
    if (row->context_window) {
        json_key(w, "context_window");
        json_put_i64(w, (int64_t)row->context_window);
    }
    if (row->max_output) {
        json_key(w, "max_output");
        json_put_i64(w, (int64_t)row->max_output);
    }
    if (is_graduated(row)) {
        json_key(w, "tier_mode");
        json_put_text(w, "graduated");
    }
    put_cache(row, w);
    put_prices(row, w);
    json_end_object(w);
}

void price_book_write_json(const struct price_book *book, struct json_writer *w)
{
    json_begin_object(w);
    json_key(w, "netra_prices");
    json_put_i64(w, 1);
    json_key(w, "unit");
    json_put_text(w, "USD per million tokens");
    json_key(w, "name");
    json_put_str(w, price_book_name(book));
    json_key(w, "models");
    json_begin_array(w);
    for (uint32_t i = 0; i < book->row_count; i++) {
        put_row(book, i, w);
    }
    json_end_array(w);
    json_end_object(w);
}
