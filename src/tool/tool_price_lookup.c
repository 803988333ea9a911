/*
 * price_lookup: what a model costs, according to whom and since when.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "price/price_book_write.h"
#include "tool/registry.h"
#include "tool/tool_out.h"

#define PER_MTOK_SCALE 6 /* pico-dollars a token are micro-dollars a million tokens */
#define SUFFIX_BYTES   64u

static const struct tool_arg arguments[] = {
    {.name = "model", .description = "model name", .type = TOOL_STRING, .is_required = true},
    {.name = "provider",
     .description = "provider, when several sell the model",
     .type = TOOL_STRING},
};

static void put_vector(struct tool_out *out, struct str model, enum usage_tier tier,
                       const struct price_context_tier *context)
{
    for (int kind = 0; kind < PRICE_KIND_COUNT; kind++) {
        char suffix[SUFFIX_BYTES];
        char tier_text[SUFFIX_BYTES];
        bool is_derived = context->price.derived & PRICE_BIT(kind);

        if (!(context->price.known & PRICE_BIT(kind))) {
            continue;
        }
        (void)snprintf(tier_text, sizeof(tier_text),
                       context->over_tokens ? "%s, over %llu tokens" : "%s", usage_tier_name(tier),
                       (unsigned long long)context->over_tokens);
        (void)snprintf(suffix, sizeof(suffix), ".%s.%s%s%.0llu", usage_tier_name(tier),
                       price_kind_name((enum price_kind)kind), context->over_tokens ? ".over_" : "",
                       (unsigned long long)context->over_tokens);
        out->method = is_derived ? "by the provider's documented rule" : "as the source lists it";
        struct str id = out_fact(
            out, FACT_NAMED("price.", model, suffix), price_kind_name((enum price_kind)kind),
            &(struct fact){.value = decimal_of(context->price.pico_usd[kind], PER_MTOK_SCALE),
                           .unit = UNIT_USD_PER_MTOK,
                           .state = FACT_COMPUTED});
        out_row(out,
                (struct report_cell[]){cell_text(str_from(tier_text)),
                                       cell_text(str_from(price_kind_name((enum price_kind)kind))),
                                       cell_fact(id)});
    }
}

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    static const char *const columns[] = {"tier", "tokens", "price per million"};
    struct str model = tool_arg_value(args, "model")->text;
    const struct tool_value *provider = tool_arg_value(args, "provider");
    struct tool_out out = tool_out_begin(body, args);
    struct str name = out_name(&out, model);
    const struct price_row *row = price_find(
        context->book, provider->is_set ? provider->text : STR(""), model, INT64_MAX, NULL);

    out_section(&out, "price", "Prices");
    if (!row) {
        out_unknown(&out, FACT_NAMED("price.", model, ""), "price", UNIT_USD_PER_MTOK,
                    "a list that has it: `netra prices import`");
        out_paragraph(&out, "The price of `%.*s` is not in the book.", STR_ARGS(name));
        return tool_out_status(&out, error);
    }
    struct str id = out_name(&out, row->model);
    struct str seller = out_name(&out, row->provider);
    struct str source = out_name(&out, row->source);
    struct str date =
        out_name(&out, row->source_date.length ? row->source_date : STR("an unknown date"));
    out_paragraph(&out, "`%.*s` of `%.*s`, by `%.*s` of `%.*s`.", STR_ARGS(id), STR_ARGS(seller),
                  STR_ARGS(source), STR_ARGS(date));
    if (row->note.length) {
        struct str note = out_name(&out, row->note);

        out_caveat(&out, "`%.*s`", STR_ARGS(note));
    }
    out_table(&out, "List prices", columns, ARRAY_LENGTH(columns));
    for (int tier = 0; tier < USAGE_TIER_COUNT; tier++) {
        for (uint32_t i = 0; i < row->services[tier].count; i++) {
            put_vector(&out, row->model, (enum usage_tier)tier, &row->services[tier].tiers[i]);
        }
    }
    return tool_out_status(&out, error);
}

const struct tool tool_price_lookup = {
    .name = "price_lookup",
    .description = "What a model costs per million tokens, by which source, of which date.",
    .args = arguments,
    .arg_count = ARRAY_LENGTH(arguments),
    .run = run,
};
