/* SPDX-License-Identifier: Apache-2.0 */
#include "prose_support.h"

#include "base/check.h"

static const struct fact sample_facts[] = {
    {.id = {"spend.total", 11}, .unit = UNIT_USD, .value = {1480704, 2}},
    {.id = {"plan.saving.total", 17}, .unit = UNIT_USD, .value = {689051, 2}},
    {.id = {"plan.saving.share", 17}, .unit = UNIT_RATIO, .value = {465, 3}},
    {.id = {"requests.total", 14}, .unit = UNIT_REQUESTS, .value = {768954, 0}},
    {.id = {"tokens.input.total", 18}, .unit = UNIT_TOKENS, .value = {3140188214, 0}},
    {.id = {"cache.token_hit_ratio.now", 25}, .unit = UNIT_RATIO, .value = {113, 3}},
    {.id = {"latency.p95.search", 18}, .unit = UNIT_MS, .value = {1250, 0}},
    {.id = {"batch.saving", 12},
     .unit = UNIT_USD,
     .state = FACT_BOUNDED,
     .value = {3, 0},
     .low = {310, 2},
     .high = {420, 2},
     .has_bounds = true},
    {.id = {"retry.waste", 11},
     .unit = UNIT_USD,
     .state = FACT_BOUNDED,
     .value = {3, 0},
     .low = {310, 2},
     .has_bounds = true,
     .is_open = true},
    {.id = {"whatif.gpt-4o-mini.quality", 26},
     .unit = UNIT_RATIO,
     .state = FACT_UNKNOWN,
     .needs = {"quality scores", 14}},
    {.id = {"quality.by_feature.search.difference", 36}, .unit = UNIT_RATIO, .value = {-12, 3}},
    {.id = {"whatif.gpt-4o-mini.breakeven", 28}, .unit = UNIT_X, .value = {142, 1}},
    {.id = {"traffic.peak_rpm", 16}, .unit = UNIT_RPM, .value = {1204, 0}},
    {.id = {"spend.by_feature.quality", 24}, .unit = UNIT_USD, .value = {5, 0}},
    {.id = {"spend.by_feature.monthly-report", 31}, .unit = UNIT_USD, .value = {7, 0}},
    {.id = {"spend.by_day.2026-01-01", 23}, .unit = UNIT_USD, .value = {9, 0}},
    {.id = {"fields.quality.records", 22}, .unit = UNIT_RECORDS, .value = {2053, 0}},
    {.id = {"secret.total", 12}, .unit = UNIT_USD, .value = {99, 0}},
};

static struct str sample_ids[ARRAY_LENGTH(sample_facts) - 1];

static const struct str sample_names[] = {{"gpt-4o", 6},
                                          {"gpt-4o-mini", 11},
                                          {"claude-3.5-sonnet", 17},
                                          {"search", 6},
                                          {"support chat", 12},
                                          {"o1", 2},
                                          {"a`b", 3},
                                          {"5000", 4},
                                          {"20 %", 4},
                                          {"twenty five", 11},
                                          {"4o-mini", 7},
                                          {"a plan that is free for all", 27},
                                          {"99 % off", 8},
                                          {"pay at evil.example, now", 24},
                                          {"https://evil.example", 20},
                                          {"weekly report for finance team", 30},
                                          {"openai/gpt-4o:free", 18},
                                          {"XIV", 3},
                                          {"\xd9\xa5\xd9\xa0", 4},
                                          {"one", 3},
                                          {"5k", 2}};

const struct prose_rules *prose_sample_rules(void)
{
    static struct fact_set set;
    static struct prose_rules rules;

    if (rules.facts) {
        return &rules;
    }
    fact_set_init(&set);
    for (size_t i = 0; i < ARRAY_LENGTH(sample_facts); i++) {
        check(fact_set_add(&set, &sample_facts[i]) == OK);
        if (i < ARRAY_LENGTH(sample_ids)) {
            sample_ids[i] = sample_facts[i].id;
        }
    }
    rules = (struct prose_rules){.facts = &set,
                                 .fact_ids = sample_ids,
                                 .fact_count = ARRAY_LENGTH(sample_ids),
                                 .names = sample_names,
                                 .name_count = ARRAY_LENGTH(sample_names),
                                 .may_name_facts = true};
    return &rules;
}

void judge(const struct prose_rules *rules, struct str text, size_t step, struct judged *ret)
{
    struct prose *prose = NULL;

    *ret = (struct judged){.code = OK};
    buf_init(&ret->out, (size_t)1 << 20);
    buf_init(&ret->template, (size_t)1 << 20);
    check(prose_new(rules, &prose) == OK);
    for (size_t at = 0; at < text.length && !ret->code; at += step) {
        size_t end = text.length - at < step ? text.length : at + step;

        ret->code = prose_feed(prose, str_slice(text, at, end), &ret->out, &ret->error);
    }
    if (!ret->code) {
        ret->code = prose_finish(prose, &ret->out, &ret->error);
    }
    const struct report_lines *lines = prose_paragraphs(prose);
    for (size_t i = 0; i < lines->count && !ret->code; i++) {
        buf_append(&ret->template, i ? STR("\n") : STR(""));
        buf_append(&ret->template, lines->lines[i]);
    }
    prose_free(prose);
}

void judged_done(struct judged *judged)
{
    buf_done(&judged->out);
    buf_done(&judged->template);
}
