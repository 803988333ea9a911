/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/tool_groups.h"

#include <stdio.h>

#include "base/alloc.h"

#define FIGURE_BARS_SHOWN 12u
#define ID_PREFIX_BYTES   64u
#define MONEY_SCALE       12

struct str out_spend(struct tool_out *out, struct fact_name name, const char *label,
                     int128 pico_usd, uint64_t priced, uint64_t unpriced)
{
    struct fact fact = {.value = decimal_of(pico_usd, MONEY_SCALE),
                        .unit = UNIT_USD,
                        .state = FACT_COMPUTED,
                        .n = priced};

    if (unpriced && priced == 0) {
        return out_unknown(out, name, label, UNIT_USD,
                           "a price of the models used: see `netra prices import`");
    }
    if (unpriced) {
        fact.state = FACT_BOUNDED;
        fact.low = fact.value;
        fact.has_bounds = true;
        fact.is_open = true;
        fact.needs = STR("the prices of all models used");
    }
    return out_fact(out, name, label, &fact);
}

uint32_t out_features_shown(struct tool_out *out, const struct usage_table *table)
{
    uint32_t features = table->name_dicts[USAGE_FEATURE].count;
    const char *method = out->method;

    if (features <= TOOL_NAMES_SHOWN_MAX) {
        return features;
    }
    out->method = "count of distinct names";
    out_count(out, FACT_ID("features.total"), "features in the records", UNIT_COUNT_OF_THINGS,
              features, table->count);
    out->method = method;
    out_caveat(out, "The records name {features.total} features; only the first of them are shown "
                    "one by one. If an id was taken for the feature, map another column.");
    return TOOL_NAMES_SHOWN_MAX;
}

/* Prefixes of the ids of one field, made once. */
struct group_ids {
    char spend[ID_PREFIX_BYTES];
    char requests[ID_PREFIX_BYTES];
    char input[ID_PREFIX_BYTES];
    char output[ID_PREFIX_BYTES];
};

static struct group_ids ids_of(const char *field)
{
    struct group_ids ids;

    (void)snprintf(ids.spend, sizeof(ids.spend), "spend.by_%s.", field);
    (void)snprintf(ids.requests, sizeof(ids.requests), "requests.by_%s.", field);
    (void)snprintf(ids.input, sizeof(ids.input), "tokens.input.by_%s.", field);
    (void)snprintf(ids.output, sizeof(ids.output), "tokens.output.by_%s.", field);
    return ids;
}

static struct group_ids ids_of_others(const char *field)
{
    struct group_ids ids;

    (void)snprintf(ids.spend, sizeof(ids.spend), "spend.others.by_%s", field);
    (void)snprintf(ids.requests, sizeof(ids.requests), "requests.others.by_%s", field);
    (void)snprintf(ids.input, sizeof(ids.input), "tokens.input.others.by_%s", field);
    (void)snprintf(ids.output, sizeof(ids.output), "tokens.output.others.by_%s", field);
    return ids;
}

static struct str group_row(struct tool_out *out, const struct group_ids *ids, struct str name,
                            const char *shown, const struct breakdown_cell *cell)
{
    struct report_cell cells[5];
    struct str spend;

    spend = out_spend(out, FACT_NAMED(ids->spend, name, ""), "spend", cell->cost_pico_usd,
                      cell->requests - cell->unpriced, cell->unpriced);
    cells[0] = cell_text(name.length ? name : str_from(shown));
    cells[1] = cell_fact(spend);
    cells[2] = cell_fact(out_count(out, FACT_NAMED(ids->requests, name, ""), "requests",
                                   UNIT_REQUESTS, cell->requests, cell->requests));
    cells[3] = cell_fact(out_count(out, FACT_NAMED(ids->input, name, ""), "input tokens",
                                   UNIT_TOKENS, cell->input, cell->requests));
    cells[4] = cell_fact(out_count(out, FACT_NAMED(ids->output, name, ""), "output tokens",
                                   UNIT_TOKENS, cell->output, cell->requests));
    out_row(out, cells);
    return spend;
}

/* One line for what is behind the shown groups, so that the parts still add up to the total. */
static void others_row(struct tool_out *out, const struct breakdown_cell *cells,
                       const uint32_t *order, size_t count, const struct group_words *words)
{
    struct group_ids ids = ids_of_others(words->field);
    struct breakdown_cell rest = {0};
    char id[ID_PREFIX_BYTES];

    for (size_t i = 0; i < count; i++) {
        breakdown_add(&rest, &cells[order[i]]);
    }
    (void)group_row(out, &ids, STR(""), "all others", &rest);
    (void)snprintf(id, sizeof(id), "groups.others.by_%s", words->field);
    out->method = "count of groups that are summed in one line";
    out_count(out, FACT_ID(id), "groups in the line of all others", UNIT_COUNT_OF_THINGS, count,
              rest.requests);
    out_caveat(out,
               "There are too many values of `%s` to show each: the {%s} that cost least are "
               "summed in one line.",
               words->field, id);
}

void out_groups(struct tool_out *out, const struct dict *names, const struct breakdown_cell *cells,
                const struct group_words *words)
{
    const char *columns[] = {words->field, "spend", "requests", "input tokens", "output tokens"};
    size_t count = names->count ? names->count : 1;
    cleanup(alloc_free_pointer) uint32_t *order = alloc_zeroed(count, sizeof(*order));
    struct figure_point points[FIGURE_BARS_SHOWN];
    struct group_ids ids = ids_of(words->field);
    size_t shown = 0;

    if (!order) {
        out->status = ERR_NO_MEMORY;
        return;
    }
    size_t used = breakdown_order(cells, count, order);
    size_t rows = used < TOOL_NAMES_SHOWN_MAX ? used : TOOL_NAMES_SHOWN_MAX;
    out->method = "sum of tokens × price per record, exact";
    out_table(out, words->title, columns, ARRAY_LENGTH(columns));
    for (size_t i = 0; i < rows && !out->status; i++) {
        const struct breakdown_cell *cell = &cells[order[i]];
        struct str name = names->count ? dict_text(names, order[i]) : STR("");
        struct str spend = group_row(out, &ids, name, "(none)", cell);

        if (shown < FIGURE_BARS_SHOWN && cell->requests > cell->unpriced) {
            points[shown++] =
                (struct figure_point){.label = name.length ? name : STR("(none)"),
                                      .fact_id = spend,
                                      .value = decimal_of(cell->cost_pico_usd, MONEY_SCALE)};
        }
    }
    if (used > rows) {
        others_row(out, cells, order + rows, used - rows, words);
    }
    if (words->figure && shown > 1) {
        out_figure(out, &(struct figure){.id = str_from(words->figure),
                                         .kind = FIGURE_BARS,
                                         .title = str_from(words->title),
                                         .alt = STR("Spend, largest first."),
                                         .unit = UNIT_USD,
                                         .series = {{.points = points, .count = shown}},
                                         .series_count = 1});
    }
}
