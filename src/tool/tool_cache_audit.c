/*
 * cache_audit: what prompt caching does now, what it could do, and with which lifetime.
 *
 * The arguments honour_minimum and honour_context_tiers switch off what the bare definition of the
 * simulation does not know, so that a stranger can compare with figures published elsewhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "tool/analyses.h"
#include "tool/registry.h"
#include "tool/tool_groups.h"

#define TTL_S_MAX         (30 * 86400)
#define TTL_NAME_MAX      24u
#define DERIVED_NAMED_MAX 20u /* models in caveats */
#define SECOND            INT64_C(1000000)
#define MONEY_SCALE       12

static const struct tool_arg arguments[] = {
    {.name = "ttl_s",
     .description = "cache lifetimes to simulate, in seconds; unbounded is always added",
     .type = TOOL_INTEGER_LIST,
     .minimum = 1,
     .maximum = TTL_S_MAX,
     .default_json = "[300,3600]"},
    {.name = "honour_minimum",
     .description = "prompts below the model's minimum length are not cached",
     .type = TOOL_BOOL,
     .default_json = "true"},
    {.name = "honour_context_tiers",
     .description = "long prompts are priced by their context tier",
     .type = TOOL_BOOL,
     .default_json = "true"},
    {.name = "split_by_model",
     .description = "one cache per model, as providers keep them, also within one conversation",
     .type = TOOL_BOOL,
     .default_json = "false"},
};

/* One simulated lifetime: the last part of its ids, and its name in sentences. */
struct lifetime {
    char id[TTL_NAME_MAX];        /* "ttl_300", "unbounded" */
    char label[TTL_NAME_MAX];     /* "five-minute", "90-second": for labels, which are data */
    char words[2 * TTL_NAME_MAX]; /* the same for sentences: "`90-second`" */
};

struct audit {
    struct tool_out out;
    const struct dataset *dataset;
    struct cache_sim_options options;
    const struct cache_sim *sim;
    struct lifetime lifetimes[CACHE_SIM_TTLS_MAX];
};

static struct lifetime lifetime_of(int64_t ttl_us)
{
    struct lifetime lifetime;
    long long seconds = (long long)(ttl_us / SECOND);

    if (ttl_us == CACHE_SIM_UNBOUNDED) {
        (void)snprintf(lifetime.id, sizeof(lifetime.id), "unbounded");
        (void)snprintf(lifetime.label, sizeof(lifetime.label), "never-expiring");
        (void)snprintf(lifetime.words, sizeof(lifetime.words), "never-expiring");
        return lifetime;
    }
    (void)snprintf(lifetime.id, sizeof(lifetime.id), "ttl_%lld", seconds);
    if (seconds == 300 || seconds == 3600) {
        (void)snprintf(lifetime.label, sizeof(lifetime.label), "%s",
                       seconds == 300 ? "five-minute" : "one-hour");
        (void)snprintf(lifetime.words, sizeof(lifetime.words), "%s", lifetime.label);
    } else {
        (void)snprintf(lifetime.label, sizeof(lifetime.label), "%lld-second", seconds);
        (void)snprintf(lifetime.words, sizeof(lifetime.words), "`%s`", lifetime.label);
    }
    return lifetime;
}

/* Asked for twice is simulated once. */
static bool has_lifetime(const struct cache_sim_options *options, int64_t ttl_us)
{
    for (unsigned k = 0; k < options->ttl_count; k++) {
        if (options->ttl_us[k] == ttl_us) {
            return true;
        }
    }
    return false;
}

static int read_options(const struct tool_args *args, struct audit *audit, struct error *error)
{
    const struct tool_value *ttl_s = tool_arg_value(args, "ttl_s");

    if (ttl_s->count + 1 > CACHE_SIM_TTLS_MAX) {
        return error_set(error, ERR_INVALID, "/ttl_s has more than %u lifetimes",
                         CACHE_SIM_TTLS_MAX - 1);
    }
    struct cache_sim_options *options = &audit->options;
    *options = (struct cache_sim_options){
        .honour_minimum = tool_arg_value(args, "honour_minimum")->boolean,
        .split_by_model = tool_arg_value(args, "split_by_model")->boolean,
        .price = {.ignore_context_tiers = !tool_arg_value(args, "honour_context_tiers")->boolean},
    };
    for (size_t i = 0; i < ttl_s->count; i++) {
        if (!has_lifetime(options, ttl_s->integers[i] * SECOND)) {
            options->ttl_us[options->ttl_count++] = ttl_s->integers[i] * SECOND;
        }
    }
    options->ttl_us[options->ttl_count++] = CACHE_SIM_UNBOUNDED;
    for (unsigned k = 0; k < options->ttl_count; k++) {
        audit->lifetimes[k] = lifetime_of(options->ttl_us[k]);
    }
    return OK;
}

/* A label that names the lifetime: "cost, one-hour cache". */
static const char *label_of(struct audit *audit, const char *what, unsigned k)
{
    struct str label =
        arena_printf(&audit->out.body->arena, "%s, %s cache", what, audit->lifetimes[k].label);

    return label.data ? label.data : what;
}

static struct fact_name named(const char *prefix, const char *last)
{
    return FACT_NAMED(prefix, str_from(last), "");
}

/* What the records themselves say a cache did. */
static void put_now(struct audit *audit)
{
    struct tool_out *out = &audit->out;
    const struct usage_table *table = &audit->dataset->table;
    uint64_t input = 0;
    uint64_t read = 0;
    uint64_t records = 0;

    for (size_t row = 0; row < table->count; row++) {
        if (usage_has(table, row, USAGE_HAS_CACHE)) {
            struct usage_tokens tokens = usage_tokens_of(table, row);

            input += usage_input_total(&tokens);
            read += tokens.cache_read;
            records++;
        }
    }
    out->method = "recorded cache reads ÷ recorded input tokens";
    if (records) {
        out_ratio(out, FACT_ID("cache.token_hit_ratio.now"), "share of input read from a cache",
                  read, input, records);
        out_paragraph(out, "Today {cache.token_hit_ratio.now} of the input tokens are read from "
                           "a cache.");
    } else {
        out_unknown(out, FACT_ID("cache.token_hit_ratio.now"), "share of input read from a cache",
                    UNIT_RATIO, "records that say what a cache read and wrote");
        out_paragraph(out, "What is cached today: {cache.token_hit_ratio.now}.");
    }
    out_unknown(out, FACT_ID("cache.hit_ratio.now"), "share of blocks read from a cache",
                UNIT_RATIO, "per-block hits, which no export has; see the share of tokens");
}

static void put_hits(struct audit *audit)
{
    struct tool_out *out = &audit->out;
    const struct cache_sim_totals *total = &audit->sim->total;

    out->method = "prefix cache simulation over the records' own blocks, exact";
    out_count(out, FACT_ID("cache.requests"), "requests simulated", UNIT_REQUESTS, total->records,
              total->records);
    out_count(out, FACT_ID("cache.block_refs"), "references to prefix blocks", UNIT_BLOCKS,
              total->block_refs, total->records);
    for (unsigned k = 0; k < audit->options.ttl_count; k++) {
        const char *id = audit->lifetimes[k].id;
        const struct cache_sim_sums *sums = &total->by_ttl[k];

        out_count(out, named("cache.hit_blocks.", id), label_of(audit, "blocks found", k),
                  UNIT_BLOCKS, sums->hit_blocks, total->records);
        out_ratio(out, named("cache.hit_ratio.", id), label_of(audit, "share of blocks found", k),
                  sums->hit_blocks, total->block_refs, total->records);
        out_ratio(out, named("cache.token_hit_ratio.", id),
                  label_of(audit, "share of input found", k), sums->hit_tokens, total->input_tokens,
                  total->records);
    }
}

/* A cost over the simulated records; unpriced ones make it a lower bound. */
static struct str put_cost(struct audit *audit, struct fact_name name, const char *label,
                           int128 pico_usd)
{
    const struct cache_sim_totals *total = &audit->sim->total;

    if (total->records == 0) {
        return out_unknown(&audit->out, name, label, UNIT_USD,
                           "answered requests with prefix blocks and a time");
    }
    return out_spend(&audit->out, name, label, pico_usd, total->records - total->unpriced,
                     total->unpriced);
}

/* A difference of two costs over the priced records: exact for those, and no bound for all. */
static void put_difference(struct audit *audit, struct fact_name name, const char *label,
                           int128 pico_usd)
{
    const struct cache_sim_totals *total = &audit->sim->total;

    out_money(&audit->out, name, label, pico_usd, total->records - total->unpriced);
}

static void put_costs(struct audit *audit)
{
    static const char *const columns[] = {"cache", "cost", "blocks found", "input found"};
    struct tool_out *out = &audit->out;
    const struct cache_sim_totals *total = &audit->sim->total;

    out->method = "prefix cache simulation; each request priced by its buckets, exact";
    out_table(out, "What each cache would cost", columns, ARRAY_LENGTH(columns));
    out_row(out, (struct report_cell[]){
                     cell_text(STR("none")),
                     cell_fact(put_cost(audit, FACT_ID("cache.cost.none"), "cost without a cache",
                                        total->cost_none_pico_usd)),
                     cell_text(STR("–")), cell_text(STR("–"))});
    if (total->recorded == total->records && total->recorded) {
        out_row(out, (struct report_cell[]){
                         cell_text(STR("as recorded")),
                         cell_fact(put_cost(audit, FACT_ID("cache.cost.now"), "cost as recorded",
                                            total->cost_recorded_pico_usd)),
                         cell_text(STR("–")), cell_fact(STR("cache.token_hit_ratio.now"))});
    }
    for (unsigned k = 0; k < audit->options.ttl_count; k++) {
        const char *id = audit->lifetimes[k].id;
        struct str words = str_from(audit->lifetimes[k].label);
        struct str cost = put_cost(audit, named("cache.cost.", id), label_of(audit, "cost", k),
                                   total->by_ttl[k].cost_pico_usd);
        struct str blocks = out_ratio(
            out, named("cache.hit_ratio.", id), label_of(audit, "share of blocks found", k),
            total->by_ttl[k].hit_blocks, total->block_refs, total->records);
        struct str tokens = out_ratio(
            out, named("cache.token_hit_ratio.", id), label_of(audit, "share of input found", k),
            total->by_ttl[k].hit_tokens, total->input_tokens, total->records);

        out_row(out, (struct report_cell[]){cell_text(words), cell_fact(cost), cell_fact(blocks),
                                            cell_fact(tokens)});
    }
}

static void put_figure(struct audit *audit)
{
    struct figure_point points[CACHE_SIM_TTLS_MAX + 1];
    const struct cache_sim_totals *total = &audit->sim->total;
    size_t count = 0;

    if (total->unpriced || total->records == 0) {
        return; /* no picture of what is unknown or only bounded */
    }
    points[count++] =
        (struct figure_point){.label = STR("no cache"),
                              .fact_id = STR("cache.cost.none"),
                              .value = decimal_of(total->cost_none_pico_usd, MONEY_SCALE)};
    for (unsigned k = 0; k < audit->options.ttl_count; k++) {
        struct str id =
            arena_printf(&audit->out.body->arena, "cache.cost.%s", audit->lifetimes[k].id);

        points[count++] =
            (struct figure_point){.label = str_from(audit->lifetimes[k].label),
                                  .fact_id = id,
                                  .value = decimal_of(total->by_ttl[k].cost_pico_usd, MONEY_SCALE)};
    }
    out_figure(&audit->out, &(struct figure){.id = STR("cache-cost"),
                                             .kind = FIGURE_BARS,
                                             .title = STR("Cost of the same calls by cache"),
                                             .alt = STR("Cost of the simulated requests without "
                                                        "a cache and with each lifetime."),
                                             .unit = UNIT_USD,
                                             .series = {{.points = points, .count = count}},
                                             .series_count = 1});
}

/* The cheapest of the lifetimes that can be bought (not the unbounded one). */
static unsigned cheapest(const struct audit *audit)
{
    unsigned best = 0;

    for (unsigned k = 1; k + 1 < audit->options.ttl_count; k++) {
        if (audit->sim->total.by_ttl[k].cost_pico_usd <
            audit->sim->total.by_ttl[best].cost_pico_usd) {
            best = k;
        }
    }
    return best;
}

static void put_verdict(struct audit *audit)
{
    struct tool_out *out = &audit->out;
    const struct cache_sim_totals *total = &audit->sim->total;
    unsigned best = cheapest(audit);
    const struct lifetime *winner = &audit->lifetimes[best];

    if (audit->options.ttl_count < 2 || total->unpriced == total->records) {
        return;
    }
    if (total->by_ttl[best].cost_pico_usd >= total->cost_none_pico_usd) {
        out_paragraph(out, "No cache pays for these calls: without one they cost "
                           "{cache.cost.none}.");
        out_summary(out, "No cache pays for these calls.");
        return;
    }
    out->method = "cost without a cache − cost with it, both exact";
    put_difference(audit, FACT_ID("cache.saving.best_vs_none"), "saving of the cheapest cache",
                   total->cost_none_pico_usd - total->by_ttl[best].cost_pico_usd);
    out_paragraph(out,
                  "The %s cache is the cheapest for these calls: {cache.cost.%s} against "
                  "{cache.cost.none} without a cache.",
                  winner->words, winner->id);
    out_summary(out,
                "The %s cache is the cheapest: {cache.cost.%s} for these calls, against "
                "{cache.cost.none} without a cache.",
                winner->words, winner->id);
    if (total->explicit_recorded) {
        out_next_step(out,
                      "Use the %s cache where the table of features shows a saving, then compare "
                      "the hit ratio of new records with {cache.token_hit_ratio.%s}.",
                      winner->words, winner->id);
    } else {
        out_next_step(out,
                      "Set the %s lifetime on the cached beginning of the prompts, and export "
                      "records that say what was read from the cache: "
                      "{cache.token_hit_ratio.%s} of the input is what to expect.",
                      winner->words, winner->id);
    }
    for (unsigned k = 0; k + 1 < audit->options.ttl_count; k++) {
        if (k != best) {
            out->method = "difference of two simulated costs, exact";
            put_difference(audit, named("cache.saving.best_vs_", audit->lifetimes[k].id),
                           label_of(audit, "more than with the cheapest", k),
                           total->by_ttl[k].cost_pico_usd - total->by_ttl[best].cost_pico_usd);
            out_paragraph(out,
                          "The %s cache would cost {cache.cost.%s}: {cache.saving.best_vs_%s} "
                          "more than the %s one.",
                          audit->lifetimes[k].words, audit->lifetimes[k].id, audit->lifetimes[k].id,
                          winner->words);
            out_summary(out,
                        "With the %s cache they would cost {cache.cost.%s}: "
                        "{cache.saving.best_vs_%s} more.",
                        audit->lifetimes[k].words, audit->lifetimes[k].id, audit->lifetimes[k].id);
        }
    }
}

/* Savings of features whose models cache only on request: those are the caller's to turn on. */
static void put_feature(struct audit *audit, uint32_t feature)
{
    const struct cache_sim_totals *totals = &audit->sim->by_feature[feature];
    struct str name = dict_text(&audit->dataset->table.name_dicts[USAGE_FEATURE], feature);
    struct report_cell cells[CACHE_SIM_TTLS_MAX + 2];
    size_t count = 0;

    cells[count++] = cell_text(name.length ? name : STR("(none)"));
    cells[count++] =
        cell_fact(out_money(&audit->out, FACT_NAMED("cache.now.by_feature.", name, ""), "cost now",
                            totals->explicit_now_pico_usd, totals->explicit_records));
    for (unsigned k = 0; k + 1 < audit->options.ttl_count; k++) {
        char suffix[TTL_NAME_MAX + 2];

        (void)snprintf(suffix, sizeof(suffix), ".%s", audit->lifetimes[k].id);
        cells[count++] = cell_fact(
            out_money(&audit->out, FACT_NAMED("cache.saving.by_feature.", name, suffix),
                      label_of(audit, "saving", k),
                      totals->explicit_now_pico_usd - totals->by_ttl[k].explicit_cost_pico_usd,
                      totals->explicit_records));
    }
    out_row(&audit->out, cells);
}

static void put_features(struct audit *audit)
{
    const char *columns[CACHE_SIM_TTLS_MAX + 2] = {"feature", "cost now"};
    struct tool_out *out = &audit->out;
    size_t count = 2;

    if (audit->sim->total.explicit_recorded == 0) {
        return;
    }
    for (unsigned k = 0; k + 1 < audit->options.ttl_count; k++) {
        struct str header =
            arena_printf(&out->body->arena, "saving, %s cache", audit->lifetimes[k].words);

        columns[count++] = header.data ? header.data : "saving";
    }
    uint32_t shown = out_features_shown(out, &audit->dataset->table);
    out->method = "recorded cost − simulated cost of the same requests, exact";
    out_table(out, "Features whose caching is yours to turn on", columns, count);
    for (uint32_t i = 0; i < shown && !out->status; i++) {
        const struct cache_sim_totals *totals = &audit->sim->by_feature[i];

        if (totals->explicit_records && totals->explicit_recorded == totals->explicit_records) {
            put_feature(audit, i);
        }
    }
}

static void put_derived_model(struct audit *audit, struct str model, uint64_t requests)
{
    struct tool_out *out = &audit->out;
    struct str name = out_name(out, model);

    out->method = "count of requests with a price by a documented rule";
    out_count(out, FACT_NAMED("cache.derived.by_model.", model, ""),
              "requests with a derived price", UNIT_REQUESTS, requests, audit->sim->total.records);
    out_caveat(out,
               "`%.*s`: the price list does not state every cache price that "
               "{%.*s} of its requests need (such as a one-hour write in the long-context "
               "tier). They follow Anthropic's documented rule: a one-hour write costs "
               "twice, a five-minute write one and a quarter times, a read a tenth of the "
               "tier's input price.",
               STR_ARGS(name), STR_ARGS(out->last_id));
}

/* Requests with a derived price of a slot's model, in all its slots: it has one per provider that
 * the records name. 0 when an earlier slot spoke for it. */
static uint64_t derived_requests(const struct audit *audit, uint32_t slot)
{
    const struct rate_card *card = &audit->dataset->card;
    const uint64_t *derived = audit->sim->derived_by_slot;
    uint64_t requests = 0;

    for (uint32_t i = 0; i < card->count && derived[slot]; i++) {
        if (derived[i] && str_equal(card->slots[i].model, card->slots[slot].model)) {
            if (i < slot) {
                return 0;
            }
            requests += derived[i];
        }
    }
    return requests;
}

static void put_derived(struct audit *audit)
{
    const struct rate_card *card = &audit->dataset->card;
    size_t named = 0;

    for (uint32_t i = 0; i < card->count && named < DERIVED_NAMED_MAX; i++) {
        uint64_t requests = derived_requests(audit, i);

        if (requests) {
            put_derived_model(audit, card->slots[i].model, requests);
            named++;
        }
    }
}

/* A count that a reader must know of when it is not zero. */
struct count_caveat {
    uint64_t count;
    enum fact_unit unit;
    const char *id;
    const char *label;
    const char *method;
    const char *text; /* template text that names the fact */
};

static void put_count_caveats(struct audit *audit, const struct count_caveat *caveats, size_t count)
{
    struct tool_out *out = &audit->out;

    for (size_t i = 0; i < count; i++) {
        if (caveats[i].count) {
            out->method = caveats[i].method;
            out_count(out, FACT_ID(caveats[i].id), caveats[i].label, caveats[i].unit,
                      caveats[i].count, audit->sim->total.records);
            out_caveat(out, "%s", caveats[i].text);
        }
    }
}

static void put_caveats(struct audit *audit)
{
    const struct cache_sim_totals *total = &audit->sim->total;
    const struct count_caveat caveats[] = {
        {audit->options.split_by_model ? 0 : audit->sim->mixed_scopes, UNIT_COUNT_OF_THINGS,
         "cache.mixed_scopes", "conversations that change models",
         "count of cache scopes with more than one model",
         "{cache.mixed_scopes} conversations change models. Providers keep one cache per model; "
         "the "
         "simulation keeps one per conversation unless `split_by_model` is set."},
        {total->below_minimum, UNIT_REQUESTS, "cache.below_minimum",
         "requests too short to be cached",
         "count of requests shorter than their model's minimum for caching",
         "{cache.below_minimum} requests are shorter than their model's minimum for caching and "
         "are "
         "left uncached."},
        {total->automatic_records, UNIT_REQUESTS, "cache.automatic",
         "requests of models that cache on their own",
         "count of requests of models that cache on their own",
         "{cache.automatic} requests use models that cache on their own. Their lifetime is the "
         "provider's to choose: for them the simulation shows what a lifetime would do, not what "
         "can be set."},
        {audit->sim->oversized, UNIT_REQUESTS, "cache.oversized", "requests with too many blocks",
         "count of requests with more prefix blocks than any prompt has",
         "{cache.oversized} requests name more prefix blocks than any prompt has and are left out "
         "of the simulation."},
        {total->unpriced, UNIT_REQUESTS, "cache.unpriced", "simulated requests of unknown price",
         "count of simulated requests without a price",
         "{cache.unpriced} of the simulated requests have no known price: costs are at least what "
         "the others cost, and differences are about the others."},
        {total->uncacheable, UNIT_REQUESTS, "cache.uncacheable",
         "requests of models without cache prices",
         "count of requests of models without a cache read price",
         "{cache.uncacheable} requests use models without a known cache price and are priced "
         "uncached in every column."},
    };

    put_derived(audit);
    put_count_caveats(audit, caveats, ARRAY_LENGTH(caveats));
}

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    const struct dataset *dataset = context->dataset;
    struct audit audit = {.out = tool_out_begin(body, args), .dataset = dataset};
    int code = read_options(args, &audit, error);

    if (code) {
        return code;
    }
    out_section(&audit.out, "cache", "Prompt caching");
    put_now(&audit);
    if (!(dataset->table.any_present & USAGE_HAS_BLOCKS)) {
        out_unknown(&audit.out, FACT_ID("cache.hit_ratio.unbounded"),
                    "share of blocks a cache could find", UNIT_RATIO,
                    "prefix blocks (hash_ids) in the records");
        out_paragraph(&audit.out, "What a cache could do: {cache.hit_ratio.unbounded}.");
        out_need(&audit.out, "Prefix blocks (`hash_ids`) in the records, to simulate caching.");
        return tool_out_status(&audit.out, error);
    }
    code = analyses_cache(context->analyses, &audit.options, &audit.sim);
    if (code) {
        return error_set(error, code, "cannot simulate caching: %s", error_code_text(code));
    }
    put_hits(&audit);
    put_costs(&audit);
    put_verdict(&audit);
    put_figure(&audit);
    put_features(&audit);
    put_caveats(&audit);
    return tool_out_status(&audit.out, error);
}

const struct tool tool_cache_audit = {
    .name = "cache_audit",
    .description = "What prompt caching does now and could do: five minutes or one hour, in "
                   "blocks, tokens and money.",
    .args = arguments,
    .arg_count = ARRAY_LENGTH(arguments),
    .needs_records = true,
    .run = run,
};
