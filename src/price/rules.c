/*
 * Prices that a list leaves out and a provider's documentation fixes. Only these; everything else
 * that is not listed stays unknown.
 *
 * Anthropic (platform.claude.com, "Pricing", prompt caching and batch processing): a 5-minute cache
 * write costs 1.25 times the input price, a 1-hour write twice, a read a tenth; these multipliers
 * also hold above a context threshold; batches cost half of everything. Newer models have other
 * read multipliers, so a multiplier is used above a threshold only where the same model's lowest
 * tier lists that price and obeys it, and half for batches only where what is listed is half.
 *
 * Automatic caching: the provider writes its cache without being asked, at the input price. Not
 * used for a model of which any write price is listed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "price/book_build.h"

struct multiple {
    enum price_kind kind;
    int64_t percent; /* of the input price */
};

static const struct multiple anthropic_multiples[] = {
    {PRICE_CACHE_READ, 10},
    {PRICE_CACHE_WRITE_5M, 125},
    {PRICE_CACHE_WRITE_1H, 200},
};

static bool knows(const struct price_vector *price, enum price_kind kind)
{
    return price->known & PRICE_BIT(kind);
}

static void set_derived(struct price_vector *price, enum price_kind kind, int64_t pico_usd)
{
    price->pico_usd[kind] = pico_usd;
    price->known |= PRICE_BIT(kind);
    price->derived |= PRICE_BIT(kind);
}

static bool derive_context_tiers(struct price_service *standard)
{
    const struct price_vector *base = &standard->tiers[0].price;
    bool used = false;

    for (uint32_t i = 1; i < standard->count; i++) {
        struct price_vector *price = &standard->tiers[i].price;

        for (size_t m = 0; m < ARRAY_LENGTH(anthropic_multiples); m++) {
            enum price_kind kind = anthropic_multiples[m].kind;
            int64_t percent = anthropic_multiples[m].percent;

            if (knows(price, kind) || !knows(price, PRICE_INPUT) || !knows(base, kind) ||
                !knows(base, PRICE_INPUT) ||
                100 * base->pico_usd[kind] != percent * base->pico_usd[PRICE_INPUT]) {
                continue;
            }
            set_derived(price, kind, (percent * price->pico_usd[PRICE_INPUT] + 50) / 100);
            used = true;
        }
    }
    return used;
}

/* False when a listed batch price is not half of the standard one. */
static bool batch_is_half(const struct price_vector *standard, const struct price_vector *batch)
{
    for (unsigned kind = 0; kind < PRICE_KIND_COUNT; kind++) {
        if (knows(standard, kind) && knows(batch, kind) &&
            2 * batch->pico_usd[kind] != standard->pico_usd[kind]) {
            return false;
        }
    }
    return true;
}

static bool derive_batch(const struct price_service *standard, struct price_service *batch)
{
    bool used = false;

    if (batch->count && !batch_is_half(&standard->tiers[0].price, &batch->tiers[0].price)) {
        return false;
    }
    batch->mode = standard->mode;
    for (uint32_t i = 0; i < standard->count; i++) {
        const struct price_vector *from = &standard->tiers[i].price;
        struct price_context_tier *tier = price_service_tier(batch, standard->tiers[i].over_tokens);

        for (unsigned kind = 0; tier && kind < PRICE_KIND_COUNT; kind++) {
            if (knows(from, kind) && !knows(&tier->price, kind)) {
                set_derived(&tier->price, kind, (from->pico_usd[kind] + 1) / 2);
                used = true;
            }
        }
    }
    return used;
}

static bool lists_any_write(const struct price_row *row)
{
    uint32_t known = 0;

    for (unsigned s = 0; s < USAGE_TIER_COUNT; s++) {
        for (uint32_t i = 0; i < row->services[s].count; i++) {
            known |= row->services[s].tiers[i].price.known;
        }
    }
    return known & (PRICE_BIT(PRICE_CACHE_WRITE_5M) | PRICE_BIT(PRICE_CACHE_WRITE_1H));
}

static void derive_automatic_writes(struct price_row *row)
{
    for (unsigned s = 0; s < USAGE_TIER_COUNT; s++) {
        for (uint32_t i = 0; i < row->services[s].count; i++) {
            struct price_vector *price = &row->services[s].tiers[i].price;

            if (knows(price, PRICE_INPUT)) {
                set_derived(price, PRICE_CACHE_WRITE_5M, price->pico_usd[PRICE_INPUT]);
            }
        }
    }
}

unsigned price_apply_rules(struct price_row *row, unsigned allowed)
{
    struct price_service *standard = &row->services[USAGE_STANDARD];
    unsigned used = 0;

    if (str_equal(row->provider, STR("anthropic")) && standard->count) {
        if ((allowed & PRICE_RULE_ANTHROPIC_TIER) && derive_context_tiers(standard)) {
            used |= PRICE_RULE_ANTHROPIC_TIER;
        }
        if ((allowed & PRICE_RULE_ANTHROPIC_BATCH) &&
            derive_batch(standard, &row->services[USAGE_BATCH])) {
            used |= PRICE_RULE_ANTHROPIC_BATCH;
        }
    }
    if ((allowed & PRICE_RULE_AUTOMATIC_WRITE) && row->cache_mode == PRICE_CACHE_AUTOMATIC &&
        !lists_any_write(row)) {
        derive_automatic_writes(row);
        used |= PRICE_RULE_AUTOMATIC_WRITE;
    }
    return used;
}

const char *price_rule_text(enum price_rule rule)
{
    switch (rule) {
    case PRICE_RULE_ANTHROPIC_TIER:
        return "cache prices that the list leaves out above a context threshold follow Anthropic's "
               "documented multiples of the input price there (5-minute write 1.25, 1-hour write "
               "2, read 0.1)";
    case PRICE_RULE_ANTHROPIC_BATCH:
        return "batch prices that are not listed are half, Anthropic's documented rule";
    case PRICE_RULE_AUTOMATIC_WRITE:
        return "the provider caches on its own: tokens that it writes cost the input price";
    case PRICE_RULES_ALL:
        break;
    }
    return "";
}
