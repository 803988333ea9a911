/*
 * LiteLLM's model_prices_and_context_window.json: one object, one member per model, prices in USD
 * per token under keys that name kind, context threshold and service tier (litellm_key.h).
 *
 * How the list is read where it does not say what it means:
 * - 0 stands for "free" and for "not known" alike, so it is no price. Exception: the output of
 *   embedding and rerank models, of which there is none.
 * - A cache write that costs less than input is a slip of the list (a read price under the wrong
 *   key, or 0) and is left out.
 * - A service tier that lists fewer context thresholds than the standard one has unknown prices
 *   above those it leaves out.
 * - tiered_pricing is graduated; the other thresholds re-price the whole request.
 * - The key is the model's name; without its own route ("gemini/…") it is so for that provider.
 *
 * Entries without a price per token (images, audio, search) are counted as skipped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buf.h"
#include "base/civil_time.h"
#include "price/book_build.h"
#include "price/litellm_key.h"
#include "price/provider.h"
#include "json/json_read.h"

#define NOTE_SEPARATOR "; "
#define DATE_BYTES_MAX 10u /* "2026-07-24" */

/* One entry while it is read. */
struct entry {
    struct price_row row;
    struct str key;
    struct str litellm_provider;
    struct str retires_on;
    struct json_value ranges; /* tiered_pricing */
    int64_t hit_pico_usd;     /* input_cost_per_token_cache_hit, an older name of the read price */
    bool no_output_mode;      /* embedding, rerank */
    bool no_caching;          /* supports_prompt_caching: false */
    bool is_exact;
    bool dropped_write;
    bool is_refused; /* holds a price that cannot be one */
};

static bool get_count(struct json_value value, uint64_t *ret_count)
{
    double number;

    if (json_get_u64(value, ret_count)) {
        return true;
    }
    if (!json_get_double(value, &number) || !(number >= 0) || number > 1e12) {
        return false;
    }
    *ret_count = (uint64_t)number;
    return true;
}

static void put_price(struct price_context_tier *tier, enum price_kind kind, int64_t pico_usd)
{
    tier->price.pico_usd[kind] = pico_usd;
    tier->price.known |= PRICE_BIT(kind);
}

/* Keeps a listed price; null and 0 are none. */
static void read_price(struct entry *e, const struct litellm_key *key, struct json_value value)
{
    double usd;
    int64_t pico_usd;

    if (!json_get_double(value, &usd)) {
        e->is_refused |= !json_is(value, JSON_NULL);
        return;
    }
    if (!price_pico_from(usd, 12, &pico_usd, &e->is_exact)) {
        e->is_refused = true;
        return;
    }
    if (pico_usd == 0 && !(key->kind == PRICE_OUTPUT && e->no_output_mode)) {
        return;
    }
    struct price_context_tier *tier =
        price_service_tier(&e->row.services[key->tier], key->over_tokens);
    if (!tier) {
        e->is_refused = true;
        return;
    }
    put_price(tier, key->kind, pico_usd);
}

static void read_cache_minimum(struct entry *e, struct json_value value)
{
    uint64_t tokens;

    if (get_count(value, &tokens) && tokens <= UINT32_MAX) {
        e->row.cache_minimum_tokens = (uint32_t)tokens;
        e->row.cache_minimum_known = true;
    }
}

static void read_hit_price(struct entry *e, struct json_value value)
{
    double usd;

    if (json_get_double(value, &usd)) {
        (void)price_pico_from(usd, 12, &e->hit_pico_usd, &e->is_exact);
    }
}

static void read_caching_support(struct entry *e, struct json_value value)
{
    bool supported;

    e->no_caching = json_get_bool(value, &supported) && !supported;
}

static void read_source(struct entry *e, struct json_value value)
{
    struct str text;

    if (json_get_str(value, &text) && str_starts_with(text, STR("https://"))) {
        e->row.source = text;
    }
}

static void read_retirement(struct entry *e, struct json_value value)
{
    struct str text;

    if (json_get_str(value, &text) && text.length <= DATE_BYTES_MAX) {
        e->retires_on = text;
    }
}

static void read_provider(struct entry *e, struct json_value value)
{
    (void)json_get_str(value, &e->litellm_provider);
}

static void read_input_limit(struct entry *e, struct json_value value)
{
    (void)get_count(value, &e->row.context_window);
}

static void read_output_limit(struct entry *e, struct json_value value)
{
    (void)get_count(value, &e->row.max_output);
}

static void read_tiered_pricing(struct entry *e, struct json_value value)
{
    e->ranges = value;
}

/* Keys of an entry that are no price by kind and tier. */
static const struct {
    const char *key;
    void (*read)(struct entry *e, struct json_value value);
} properties[] = {
    {"litellm_provider", read_provider},
    {"max_input_tokens", read_input_limit},
    {"max_output_tokens", read_output_limit},
    {"prompt_cache_min_tokens", read_cache_minimum},
    {"supports_prompt_caching", read_caching_support},
    {"tiered_pricing", read_tiered_pricing},
    {"input_cost_per_token_cache_hit", read_hit_price},
    {"deprecation_date", read_retirement},
    {"source", read_source},
};

static bool read_property(struct entry *e, struct str key, struct json_value value)
{
    for (size_t i = 0; i < ARRAY_LENGTH(properties); i++) {
        if (str_equal(key, str_from(properties[i].key))) {
            properties[i].read(e, value);
            return true;
        }
    }
    return false;
}

/* tiered_pricing: [{"range": [0, 256000], "input_cost_per_token": …}, …]. */
static void read_ranges(struct entry *e)
{
    struct price_service *standard = &e->row.services[USAGE_STANDARD];

    if (!json_is(e->ranges, JSON_ARRAY)) {
        return;
    }
    *standard = (struct price_service){.mode = PRICE_GRADUATED};
    for (struct json_iterator range = json_iterate(e->ranges); json_next(&range);) {
        struct json_iterator bounds = json_iterate(json_at(range.value, "range"));
        uint64_t over;

        if (!json_next(&bounds) || !get_count(bounds.value, &over)) {
            e->is_refused = true;
            return;
        }
        for (struct json_iterator it = json_iterate(range.value); json_next(&it);) {
            struct litellm_key key;

            if (litellm_key_parse(it.key, &key) && key.tier == USAGE_STANDARD &&
                key.over_tokens == 0) {
                key.over_tokens = over;
                read_price(e, &key, it.value);
            }
        }
    }
}

/* A write below the price of input is a mistake of the list. */
static void drop_cheap_writes(struct entry *e, struct price_vector *price)
{
    for (unsigned kind = PRICE_CACHE_WRITE_5M; kind <= PRICE_CACHE_WRITE_1H; kind++) {
        if ((price->known & PRICE_BIT(kind)) && (price->known & PRICE_BIT(PRICE_INPUT)) &&
            price->pico_usd[kind] < price->pico_usd[PRICE_INPUT]) {
            price->known &= ~PRICE_BIT(kind);
            price->pico_usd[kind] = 0;
            e->dropped_write = true;
        }
    }
}

/* Puts each service tier in order; false when the entry has no usable price. */
static bool finish_services(struct entry *e)
{
    struct price_service *standard = &e->row.services[USAGE_STANDARD];
    const uint32_t in_or_out = PRICE_BIT(PRICE_INPUT) | PRICE_BIT(PRICE_OUTPUT);

    for (unsigned s = 0; s < USAGE_TIER_COUNT; s++) {
        struct price_service *service = &e->row.services[s];

        for (uint32_t i = 0; i < standard->count && service->count; i++) {
            if (!price_service_tier(service, standard->tiers[i].over_tokens)) {
                return false;
            }
        }
        if (service->count && service->tiers[0].over_tokens != 0) {
            return false;
        }
        for (uint32_t i = 0; i < service->count; i++) {
            drop_cheap_writes(e, &service->tiers[i].price);
        }
    }
    if (standard->count && e->hit_pico_usd > 0 &&
        !(standard->tiers[0].price.known & PRICE_BIT(PRICE_CACHE_READ))) {
        put_price(&standard->tiers[0], PRICE_CACHE_READ, e->hit_pico_usd);
    }
    return standard->count && (standard->tiers[0].price.known & in_or_out);
}

static enum price_cache_mode cache_mode_of(const struct entry *e)
{
    static const char *const automatic[] = {"openai", "azure.ai.openai", "deepseek",
                                            "x_ai",   "gcp.gemini",      "gcp.vertex_ai"};
    const struct price_vector *price = &e->row.services[USAGE_STANDARD].tiers[0].price;
    bool is_claude = str_find(e->row.model, STR("claude"), 0) != SIZE_MAX;
    struct str provider = e->row.provider;

    if (!(price->known & PRICE_BIT(PRICE_CACHE_READ))) {
        return e->no_caching ? PRICE_CACHE_NONE : PRICE_CACHE_UNKNOWN;
    }
    if (is_claude &&
        (str_equal(provider, STR("anthropic")) || str_equal(provider, STR("aws.bedrock")) ||
         str_equal(provider, STR("gcp.vertex_ai")))) {
        return PRICE_CACHE_EXPLICIT;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(automatic); i++) {
        if (str_equal(provider, str_from(automatic[i]))) {
            return PRICE_CACHE_AUTOMATIC;
        }
    }
    return PRICE_CACHE_UNKNOWN;
}

static void note_add(struct buf *note, const char *text)
{
    if (note->length) {
        buf_append(note, STR(NOTE_SEPARATOR));
    }
    buf_append(note, str_from(text));
}

static void write_note(const struct entry *e, unsigned rules, struct buf *note)
{
    buf_clear(note);
    for (unsigned rule = 1; rule <= rules; rule <<= 1) {
        if (rules & rule) {
            note_add(note, price_rule_text((enum price_rule)rule));
        }
    }
    if (!e->is_exact) {
        note_add(note, "a price was rounded to whole pico-dollars per token");
    }
    if (e->dropped_write) {
        note_add(note, "a cache-write price below the input price was left out");
    }
    if (e->retires_on.length) {
        note_add(note, "the list says that the model retires on ");
        buf_append(note, e->retires_on);
    }
}

static int add_entry(struct price_book *book, struct entry *e)
{
    struct str inner = price_name_without_own_route(e->row.provider, e->key);
    bool is_routed = inner.length < e->key.length;
    uint32_t index;

    /* The list has some models twice, as "deepseek-chat" and as "deepseek/deepseek-chat". */
    bool is_taken = is_routed && price_book_has(book, e->row.provider, inner);
    bool is_resold = is_routed && str_find(inner, STR("/"), 0) != SIZE_MAX;
    e->row.model = is_taken || is_resold ? e->key : inner;
    int status = price_book_add(book, &e->row, &index);
    if (status) {
        return status;
    }
    if (is_routed && !is_taken && !is_resold) {
        return price_book_add_name(book, index, e->key, PRICE_NAME_MODEL);
    }
    return OK;
}

static void read_entry(struct entry *e, struct json_value value)
{
    struct str mode;

    if (json_get_str(json_at(value, "mode"), &mode)) {
        e->no_output_mode = str_equal(mode, STR("embedding")) || str_equal(mode, STR("rerank"));
    }
    for (struct json_iterator it = json_iterate(value); json_next(&it);) {
        struct litellm_key key;

        if (!read_property(e, it.key, it.value) && litellm_key_parse(it.key, &key)) {
            read_price(e, &key, it.value);
        }
    }
    read_ranges(e);
}

static int import_entry(struct price_book *book, struct str key, struct json_value value,
                        struct str source_date, struct buf *note)
{
    struct entry e = {
        .key = key,
        .is_exact = true,
        .row = {.effective_from_us = INT64_MIN,
                .effective_to_us = INT64_MAX,
                .source = book->name,
                .source_date = source_date},
    };

    read_entry(&e, value);
    e.row.provider = provider_name(e.litellm_provider);
    e.row.model = key;
    if (e.is_refused || e.litellm_provider.length == 0 || !finish_services(&e)) {
        return ERR_INVALID;
    }
    e.row.cache_mode = cache_mode_of(&e);
    write_note(&e, price_apply_rules(&e.row, PRICE_RULES_ALL), note);
    if (buf_status(note)) {
        return buf_status(note);
    }
    e.row.note = buf_str(note);
    return add_entry(book, &e);
}

/* "2026-07-24T18:23:43.215560+00:00" → "2026-07-24"; empty when the list does not say. */
static struct str date_of_list(struct json_value root)
{
    struct str text;
    int64_t time_us;

    if (!json_get_str(json_at(root, "last_updated"), &text) || text.length < DATE_BYTES_MAX ||
        civil_parse(str_slice(text, 0, DATE_BYTES_MAX), &time_us)) {
        return STR("");
    }
    return str_slice(text, 0, DATE_BYTES_MAX);
}

int price_read_litellm(struct price_book *book, const struct json_value *root, struct error *error)
{
    struct str source_date = date_of_list(*root);
    cleanup(buf_done) struct buf note;

    buf_init(&note, PRICE_TEXT_BYTES_MAX);
    for (struct json_iterator it = json_iterate(*root); json_next(&it);) {
        if (str_equal(it.key, STR("sample_spec")) || !json_is(it.value, JSON_OBJECT)) {
            continue;
        }
        int status = import_entry(book, it.key, it.value, source_date, &note);
        if (status == ERR_INVALID) {
            book->skipped++;
        } else if (status) {
            return error_set(error, status, "cannot import price list %.*s: %s",
                             STR_ARGS(book->name), error_code_text(status));
        }
    }
    return OK;
}
