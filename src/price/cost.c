/*
 * Tokens → money, exact: each bucket is tokens × pico-dollars in 128 bits, and what does not fit
 * int64 (9.2 million dollars for one call) is an error, not a wrapped number.
 *
 * Graduated prices: the prompt is laid out as cached reads, 5-minute writes, 1-hour writes, the
 * uncached rest, which is the order in which providers cache (a prefix), and each token is priced
 * by the tier of its position. Output is priced by the tier of the prompt's last token.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/check.h"
#include "base/decimal.h"
#include "price/price_book.h"

static const struct price_service *service_of(const struct price_row *row, enum usage_tier tier)
{
    check_cmp(tier, <, USAGE_TIER_COUNT);
    return &row->services[tier];
}

static uint32_t tier_index_for(const struct price_service *service, uint64_t prompt_tokens,
                               const struct price_options *options)
{
    uint32_t at = 0;

    if (options && options->ignore_context_tiers) {
        return 0;
    }
    while (at + 1 < service->count && prompt_tokens > service->tiers[at + 1].over_tokens) {
        at++;
    }
    return at;
}

const struct price_vector *price_vector_for(const struct price_row *row, enum usage_tier tier,
                                            uint64_t prompt_tokens,
                                            const struct price_options *options)
{
    const struct price_service *service = service_of(row, tier);

    if (service->count == 0) {
        return NULL;
    }
    return &service->tiers[tier_index_for(service, prompt_tokens, options)].price;
}

/* One call while it is priced. */
struct pricing {
    const struct price_service *service;
    uint32_t last; /* tier of the prompt's last token */
    bool graduated;
    uint64_t position; /* of the next prompt token, when graduated */
    uint32_t missing;
    uint32_t derived;
};

static int128 price_tokens(struct pricing *p, const struct price_vector *price,
                           enum price_kind kind, uint64_t tokens)
{
    if (tokens == 0) {
        return 0;
    }
    if (!(price->known & PRICE_BIT(kind))) {
        p->missing |= PRICE_BIT(kind);
        return 0;
    }
    p->derived |= price->derived & PRICE_BIT(kind);
    return (int128)tokens * price->pico_usd[kind]; /* < 2^64 × 2^40 */
}

/* A bucket of the prompt; moves the position on. */
static int128 price_prompt(struct pricing *p, enum price_kind kind, uint64_t tokens)
{
    int128 sum = 0;

    if (!p->graduated) {
        return price_tokens(p, &p->service->tiers[p->last].price, kind, tokens);
    }
    for (uint32_t i = 0; i <= p->last && tokens; i++) {
        uint64_t end = i < p->last ? p->service->tiers[i + 1].over_tokens : UINT64_MAX;

        if (p->position >= end) {
            continue;
        }
        uint64_t here = tokens < end - p->position ? tokens : end - p->position;
        sum += price_tokens(p, &p->service->tiers[i].price, kind, here);
        p->position += here;
        tokens -= here;
    }
    return sum;
}

static int128 price_output(struct pricing *p, const struct usage_tokens *tokens)
{
    const struct price_vector *price = &p->service->tiers[p->last].price;
    uint64_t reasoning = tokens->reasoning < tokens->output ? tokens->reasoning : tokens->output;

    if (!(price->known & PRICE_BIT(PRICE_REASONING))) {
        reasoning = 0;
    }
    return price_tokens(p, price, PRICE_OUTPUT, tokens->output - reasoning) +
           price_tokens(p, price, PRICE_REASONING, reasoning);
}

static bool prompt_tokens_of(const struct usage_tokens *tokens, uint64_t *ret_prompt)
{
    uint64_t sum;

    return !__builtin_add_overflow(tokens->input_uncached, tokens->cache_read, &sum) &&
           !__builtin_add_overflow(sum, tokens->cache_write_5m, &sum) &&
           !__builtin_add_overflow(sum, tokens->cache_write_1h, ret_prompt);
}

static uint32_t kinds_with_tokens(const struct usage_tokens *tokens)
{
    return (tokens->input_uncached ? PRICE_BIT(PRICE_INPUT) : 0) |
           (tokens->cache_read ? PRICE_BIT(PRICE_CACHE_READ) : 0) |
           (tokens->cache_write_5m ? PRICE_BIT(PRICE_CACHE_WRITE_5M) : 0) |
           (tokens->cache_write_1h ? PRICE_BIT(PRICE_CACHE_WRITE_1H) : 0) |
           (tokens->output ? PRICE_BIT(PRICE_OUTPUT) : 0);
}

int price_cost_of(const struct price_row *row, enum usage_tier tier,
                  const struct usage_tokens *tokens, const struct price_options *options,
                  struct price_cost *ret_cost)
{
    struct pricing p = {.service = service_of(row, tier)};
    uint64_t prompt;

    if (!prompt_tokens_of(tokens, &prompt)) {
        return ERR_LIMIT;
    }
    if (p.service->count == 0) {
        *ret_cost = (struct price_cost){.missing = kinds_with_tokens(tokens)};
        return ERR_UNKNOWN_PRICE;
    }
    p.last = tier_index_for(p.service, prompt, options);
    p.graduated = p.service->mode == PRICE_GRADUATED && p.last > 0;

    int128 cache_read = price_prompt(&p, PRICE_CACHE_READ, tokens->cache_read);
    int128 cache_write = price_prompt(&p, PRICE_CACHE_WRITE_5M, tokens->cache_write_5m) +
                         price_prompt(&p, PRICE_CACHE_WRITE_1H, tokens->cache_write_1h);
    int128 input = price_prompt(&p, PRICE_INPUT, tokens->input_uncached);
    int128 output = price_output(&p, tokens);
    int128 total = input + cache_read + cache_write + output;

    if (total > INT64_MAX) { /* none is negative, so each part fits when the total does */
        return ERR_LIMIT;
    }
    *ret_cost = (struct price_cost){
        .input_pico_usd = (int64_t)input,
        .cache_read_pico_usd = (int64_t)cache_read,
        .cache_write_pico_usd = (int64_t)cache_write,
        .output_pico_usd = (int64_t)output,
        .total_pico_usd = (int64_t)total,
        .missing = p.missing,
        .derived = p.derived,
    };
    return p.missing ? ERR_UNKNOWN_PRICE : OK;
}
