/*
 * dataset_profile: what the records are, what they cost, and what they cannot tell.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/civil_time.h"
#include "tool/registry.h"
#include "tool/tool_groups.h"

#define RESOLVED_NAMED_MAX 20u /* models priced under another name, in caveats */
#define UNPRICED_NAMED_MAX 20u /* models in needs */

struct optional_field {
    uint32_t bit;
    const char *id; /* fact: fields.<id>.records */
    const char *label;
    const char *use; /* what is lost without it; a sentence */
};

static const struct optional_field optional_fields[] = {
    {USAGE_HAS_TIME, "fields.time.records", "records with a time",
     "Records have no time: no trend, no peaks, no cache simulation."},
    {USAGE_HAS_CACHE, "fields.cache.records", "records that say what a cache read and wrote",
     "Records do not say what was read from a prompt cache: everything is priced as uncached "
     "input, which is the most it can have cost."},
    {USAGE_HAS_BLOCKS, "fields.blocks.records", "records with prefix blocks",
     "Records have no prefix blocks (hash_ids): attainable caching cannot be computed."},
    {USAGE_HAS_PROMPT_HASH, "fields.prompt_hash.records", "records with a prompt hash",
     "Records have no prompt hash: repeated calls cannot be found."},
    {USAGE_HAS_LATENCY, "fields.latency.records", "records with a latency",
     "Records have no latency: nothing can be said about speed."},
    {USAGE_HAS_QUALITY, "fields.quality.records", "records with a quality score",
     "Records have no quality scores: the effect of another model on quality is unknown."},
    {USAGE_HAS_SESSION, "fields.session.records", "records with a session", NULL},
    {USAGE_HAS_USER, "fields.user.records", "records with a user", NULL},
};

static uint64_t count_with(const struct usage_table *table, uint32_t bit)
{
    uint64_t count = 0;

    for (size_t row = 0; row < table->count; row++) {
        count += (table->present[row] & bit) != 0;
    }
    return count;
}

static void put_totals(struct tool_out *out, const struct dataset *dataset)
{
    const struct usage_table *table = &dataset->table;
    const struct cost_sums *sums = &dataset->sums;
    struct breakdown_cell total = {0};

    breakdown_total(table, dataset->cost, 0, table->count, &total);
    out->method = "count and sum over all records";
    out_count(out, FACT_ID("requests.total"), "requests", UNIT_REQUESTS, table->count,
              table->count);
    out_count(out, FACT_ID("requests.failed"), "failed requests", UNIT_REQUESTS, total.failed,
              table->count);
    out_count(out, FACT_ID("requests.rejected"), "rows that could not be read", UNIT_RECORDS,
              dataset_rejected(dataset), table->count);
    out_count(out, FACT_ID("requests.merged"), "rows that repeated a request id", UNIT_RECORDS,
              table->merged_count, table->count);
    out_count(out, FACT_ID("tokens.input.total"), "input tokens", UNIT_TOKENS, total.input,
              table->count);
    out_count(out, FACT_ID("tokens.output.total"), "output tokens", UNIT_TOKENS, total.output,
              table->count);
    out_count(out, FACT_ID("tokens.cache_read.total"), "input tokens read from a cache",
              UNIT_TOKENS, total.cache_read, table->count);
    out->method = "sum of tokens × price per record (service and context tier of the record, "
                  "today's prices), exact";
    out_spend(out, FACT_ID("spend.total"), "spend, total", sums->total_pico_usd, sums->priced,
              sums->unpriced);
    out_spend(out, FACT_ID("spend.failed"), "spend on failed requests", sums->failed_pico_usd,
              sums->priced, sums->unpriced);
    out_count(out, FACT_ID("requests.unpriced"), "requests of unknown price", UNIT_REQUESTS,
              sums->unpriced, table->count);
}

static void put_days(struct tool_out *out, const struct dataset *dataset)
{
    out->method = "last record minus first record";
    out_fact(
        out, FACT_ID("records.days"), "days covered",
        &(struct fact){
            .value = decimal_rescale(
                decimal_of((int128)(dataset->to_us - dataset->from_us) * 1000000 / DAY_US, 6), 2),
            .unit = UNIT_DAYS,
            .state = FACT_COMPUTED,
            .n = dataset->timed});
}

static void put_span(struct tool_out *out, const struct dataset *dataset)
{
    const struct fact time = {.unit = UNIT_TIME, .state = FACT_COMPUTED, .n = dataset->timed};
    struct fact from = time;
    struct fact to = time;
    const char *needs =
        dataset->timed ? "times of day instead of seconds from a start" : "a time column";

    if (!dataset->timed || dataset->is_relative_time) {
        out_unknown(out, FACT_ID("records.from"), "first record", UNIT_TIME, needs);
        out_unknown(out, FACT_ID("records.to"), "last record", UNIT_TIME, needs);
    }
    if (!dataset->timed) {
        return;
    }
    put_days(out, dataset);
    if (dataset->is_relative_time) {
        return;
    }
    out->method = "smallest and largest time";
    from.value = decimal_of(dataset->from_us, 0);
    to.value = decimal_of(dataset->to_us, 0);
    out_fact(out, FACT_ID("records.from"), "first record", &from);
    out_fact(out, FACT_ID("records.to"), "last record", &to);
}

static void put_fields(struct tool_out *out, const struct dataset *dataset)
{
    const struct usage_table *table = &dataset->table;
    static const char *const columns[] = {"what the records say", "records"};

    out->method = "count of records that have the field";
    out_table(out, "What the records hold", columns, ARRAY_LENGTH(columns));
    for (size_t i = 0; i < ARRAY_LENGTH(optional_fields); i++) {
        const struct optional_field *field = &optional_fields[i];
        uint64_t count = count_with(table, field->bit);
        struct str id =
            out_count(out, FACT_ID(field->id), field->label, UNIT_RECORDS, count, table->count);

        out_row(out, (struct report_cell[]){cell_text(str_from(field->label)), cell_fact(id)});
        if (count == 0 && field->use) {
            out_caveat(out, "%s", field->use);
        }
    }
}

/* Records of unknown price of one model. */
struct unpriced {
    uint32_t model; /* dict id */
    bool is_listed; /* the book has the model, but not for these calls */
    uint64_t requests;
};

static int most_first(const void *a, const void *b)
{
    const struct unpriced *left = a;
    const struct unpriced *right = b;

    if (left->requests != right->requests) {
        return left->requests > right->requests ? -1 : 1;
    }
    return left->model < right->model ? -1 : left->model > right->model;
}

static void put_unpriced_model(struct tool_out *out, struct str model,
                               const struct unpriced *unpriced)
{
    struct str name = out_name(out, model);

    if (model.length == 0) {
        out_need(out, "The model of some records: no column names it. Map it, for example "
                      "`--map model=gpt-4o`.");
        return;
    }
    out->method = "count of records of that model without a price";
    out_count(out, FACT_NAMED("requests.unpriced.by_model.", model, ""),
              "requests of unknown price", UNIT_REQUESTS, unpriced->requests, unpriced->requests);
    out_need(out,
             "A price for `%.*s` (requests: {%.*s}): %s left out of every sum, never taken as "
             "free. `netra prices import` reads a list.",
             STR_ARGS(name), STR_ARGS(out->last_id),
             unpriced->is_listed ? "the price book has the model, but not in the service tier or "
                                   "for the kinds of tokens of these calls, which are"
                                 : "it is not in the price book and is");
}

static void put_unpriced_others(struct tool_out *out, uint64_t models, uint64_t requests)
{
    out->method = "count over the models without a price beyond those that are named";
    out_count(out, FACT_ID("models.unpriced.others"), "other models of unknown price",
              UNIT_COUNT_OF_THINGS, models, requests);
    out_count(out, FACT_ID("requests.unpriced.others"), "requests of other models", UNIT_REQUESTS,
              requests, requests);
    out_need(out, "Prices for {models.unpriced.others} other models "
                  "({requests.unpriced.others} requests). `netra prices import` reads a list; if "
                  "an id was taken for the model, map another column.");
}

/* The models that most records are of, one by one, the rest in one line. */
static void put_unpriced(struct tool_out *out, const struct dataset *dataset)
{
    const struct dict *names = &dataset->table.name_dicts[USAGE_MODEL];
    cleanup(alloc_free_pointer) struct unpriced *models =
        alloc_zeroed((size_t)names->count + 1, sizeof(*models));
    uint64_t others = 0;
    uint64_t requests = 0; /* of the others */

    if (!models) {
        out->status = ERR_NO_MEMORY;
        return;
    }
    for (size_t row = 0; row < dataset->table.count; row++) {
        struct unpriced *model = &models[dataset->table.names[USAGE_MODEL][row]];

        model->model = dataset->table.names[USAGE_MODEL][row];
        model->requests += dataset->cost[row] == COST_UNKNOWN;
        model->is_listed |= rate_card_row(&dataset->card, row) != NULL;
    }
    qsort(models, names->count, sizeof(*models), most_first);
    for (uint32_t i = 0; i < names->count && models[i].requests; i++) {
        if (i < UNPRICED_NAMED_MAX) {
            put_unpriced_model(out, dict_text(names, models[i].model), &models[i]);
        } else {
            others++;
            requests += models[i].requests;
        }
    }
    if (others) {
        put_unpriced_others(out, others, requests);
    }
}

/* Models whose price was found under another name than the records have. */
static void put_matches(struct tool_out *out, const struct dataset *dataset)
{
    uint32_t named = 0;

    for (uint32_t i = 0; i < dataset->card.count && named < RESOLVED_NAMED_MAX; i++) {
        const struct rate_slot *slot = &dataset->card.slots[i];

        if (!slot->row || slot->match == PRICE_MATCH_EXACT ||
            str_equal_ascii_case(slot->model, slot->row->model)) {
            continue;
        }
        struct str name = out_name(out, slot->model);
        struct str model = out_name(out, slot->row->model);
        struct str provider = out_name(out, slot->row->provider);
        out_caveat(out, "`%.*s` is priced as `%.*s` of `%.*s`, which the price book lists.%s",
                   STR_ARGS(name), STR_ARGS(model), STR_ARGS(provider),
                   slot->match == PRICE_MATCH_PREFIXED
                       ? " A cloud or region may bill it at another price."
                       : "");
        named++;
    }
}

static void put_derived(struct tool_out *out, const struct dataset *dataset)
{
    if (dataset->sums.derived) {
        out->method = "count of records whose price follows from a provider's documented rule";
        out_count(out, FACT_ID("requests.derived_price"), "requests with a derived price",
                  UNIT_REQUESTS, dataset->sums.derived, dataset->table.count);
        out_caveat(out, "{requests.derived_price} requests use a price that the list does not "
                        "state but the provider's documented rule gives.");
    }
}

static void put_inputs(struct tool_out *out, const struct dataset *dataset)
{
    for (size_t i = 0; i < dataset->input_count; i++) {
        const struct dataset_input *input = &dataset->inputs[i];
        struct str path = out_name(out, str_from(input->path));

        if (input->code) {
            struct str reason = out_name(out, str_from(input->error.message));

            out_caveat(out, "`%.*s` was not read to its end: `%.*s`.", STR_ARGS(path),
                       STR_ARGS(reason));
        }
        const struct import_report *report = input->report;
        if (!report) {
            continue;
        }
        if (report->rows_rejected) {
            struct str reason = out_name(out, str_from(report->rejects[0].reason));

            out_caveat(out,
                       "Rows of `%.*s` could not be read and are left out "
                       "({requests.rejected} in all); the first: row `%llu`, `%.*s`.",
                       STR_ARGS(path), (unsigned long long)report->rejects[0].row,
                       STR_ARGS(reason));
        }
        for (size_t n = 0; n < report->note_count; n++) {
            struct str note = out_name(out, report->notes[n]);

            out_caveat(out, "`%.*s`: `%.*s`", STR_ARGS(path), STR_ARGS(note));
        }
    }
}

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    const struct dataset *dataset = context->dataset;
    struct tool_out out = tool_out_begin(body, args);

    out_section(&out, "records", "The records");
    put_totals(&out, dataset);
    put_span(&out, dataset);
    if (dataset->timed && dataset->is_relative_time) {
        out_paragraph(&out, "{requests.total} requests in {records.days}: "
                            "{tokens.input.total} tokens in, {tokens.output.total} out. At the "
                            "book's prices they cost {spend.total}.");
    } else if (dataset->timed) {
        out_paragraph(&out, "{requests.total} requests from {records.from} to {records.to}: "
                            "{tokens.input.total} tokens in, {tokens.output.total} out. At the "
                            "book's prices they cost {spend.total}.");
    } else {
        out_paragraph(&out, "{requests.total} requests: {tokens.input.total} tokens in, "
                            "{tokens.output.total} out. At the book's prices they cost "
                            "{spend.total}.");
    }
    if (dataset->sums.priced == 0) {
        out_summary(&out, "What {requests.total} requests cost: {spend.total}.");
    } else if (dataset->sums.unpriced) {
        out_summary(&out, "{requests.total} requests cost {spend.total} at the book's prices; the "
                          "price of {requests.unpriced} of them is unknown.");
    } else if (dataset->table.any_present & USAGE_HAS_CACHE) {
        out_summary(&out, "{requests.total} requests cost {spend.total} at the book's prices.");
    } else {
        out_summary(&out, "{requests.total} requests cost at most {spend.total} at the book's "
                          "prices; the records do not say what a cache took off that.");
    }
    put_fields(&out, dataset);
    put_unpriced(&out, dataset);
    put_matches(&out, dataset);
    put_derived(&out, dataset);
    put_inputs(&out, dataset);
    return tool_out_status(&out, error);
}

const struct tool tool_dataset_profile = {
    .name = "dataset_profile",
    .description = "What the records are: counts, tokens, spend, time span, and what they lack.",
    .needs_records = true,
    .run = run,
};
