/*
 * Any bytes as the text of a model, fed in two different cuttings: the same verdict, the same text
 * shown, the same message. What is accepted passes the quality gate, reads as what was shown, and
 * holds no digit outside of facts and names. The first byte chooses the second cutting and whether
 * facts may be named.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>

#include "base/check.h"
#include "report/prose.h"
#include "report/template.h"

#define OUTPUT_BYTES_MAX ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct fact facts[] = {
    {.id = {"spend.total", 11}, .unit = UNIT_USD, .value = {1480704, 2}},
    {.id = {"requests.total", 14}, .unit = UNIT_REQUESTS, .value = {768954, 0}},
    {.id = {"b.c", 3},
     .unit = UNIT_USD,
     .state = FACT_BOUNDED,
     .value = {3, 0},
     .low = {310, 2},
     .high = {420, 2},
     .has_bounds = true},
    {.id = {"x.quality", 9}, .unit = UNIT_RATIO, .state = FACT_UNKNOWN, .needs = {"scores", 6}},
};
static const struct str ids[] = {
    {"spend.total", 11}, {"requests.total", 14}, {"b.c", 3}, {"x.quality", 9}};
static const struct str names[] = {{"gpt-4o", 6}, {"search", 6}, {"a`b", 3}, {"42", 2}};

static const struct prose_rules *rules_of(bool may_name_facts)
{
    static struct fact_set set;
    static struct prose_rules rules = {.fact_ids = ids,
                                       .fact_count = ARRAY_LENGTH(ids),
                                       .names = names,
                                       .name_count = ARRAY_LENGTH(names)};

    if (!rules.facts) {
        fact_set_init(&set);
        for (size_t i = 0; i < ARRAY_LENGTH(facts); i++) {
            check(fact_set_add(&set, &facts[i]) == OK);
        }
        rules.facts = &set;
    }
    rules.may_name_facts = may_name_facts;
    return &rules;
}

static int feed(struct prose *prose, struct str text, size_t step, struct buf *out,
                struct error *error)
{
    int code = OK;

    for (size_t at = 0; at < text.length && !code; at += step) {
        size_t end = text.length - at < step ? text.length : at + step;

        code = prose_feed(prose, str_slice(text, at, end), out, error);
    }
    return code ? code : prose_finish(prose, out, error);
}

static bool has_digit(struct str words)
{
    for (size_t i = 0; i < words.length; i++) {
        if (words.data[i] >= '0' && words.data[i] <= '9') {
            return true;
        }
    }
    return false;
}

/* The report that holds the text passes the gate, and the text put together is what was shown. */
static void check_accepted(const struct prose_rules *rules, const struct prose *prose,
                           struct str shown)
{
    const struct report_lines *lines = prose_paragraphs(prose);
    struct template_piece piece;
    struct report *report;
    struct buf plain;

    buf_init(&plain, OUTPUT_BYTES_MAX);
    check(report_new(&report) == OK);
    check(fact_set_merge(&report->facts, rules->facts) == OK);
    check(report_add_line(report, &report->next_steps, STR("go on")) == OK);
    for (size_t i = 0; i < lines->count; i++) {
        check(report_add_line(report, &report->summary, lines->lines[i]) == OK);
        buf_append(&plain, i ? STR("\n") : STR(""));
        template_print_plain(&plain, lines->lines[i], rules->facts);
        for (size_t at = 0; template_next(lines->lines[i], &at, &piece);) {
            check(piece.kind != TEMPLATE_BROKEN);
            check(piece.kind != TEMPLATE_WORDS || !has_digit(piece.text));
            check(piece.kind != TEMPLATE_FACT || rules->may_name_facts);
        }
    }
    check(report_gate(report, NULL, NULL) == OK);
    check(str_equal(buf_str(&plain), shown));
    buf_done(&plain);
    report_free(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct prose *prose[2];
    struct buf out[2];
    struct error error[2] = {{0}, {0}};
    int code[2];

    if (size == 0 || size > PROSE_BYTES_MAX + 16) {
        return 0;
    }
    struct str text = {(const char *)data + 1, size - 1};
    const struct prose_rules *rules = rules_of(data[0] & 1);
    const size_t steps[2] = {1, data[0] / 2 + 2};
    for (int i = 0; i < 2; i++) {
        buf_init(&out[i], OUTPUT_BYTES_MAX);
        check(prose_new(rules, &prose[i]) == OK);
        code[i] = feed(prose[i], text, steps[i], &out[i], &error[i]);
        check(code[i] == OK || code[i] == ERR_INVALID);
    }
    check(code[0] == code[1]);
    check(str_equal(buf_str(&out[0]), buf_str(&out[1])));
    check(strcmp(error[0].message, error[1].message) == 0);
    check(str_is_utf8(buf_str(&out[0])));
    check((code[0] == OK) == (error[0].message[0] == '\0'));
    if (code[0] == OK) {
        check_accepted(rules, prose[0], buf_str(&out[0]));
    }
    for (int i = 0; i < 2; i++) {
        prose_free(prose[i]);
        buf_done(&out[i]);
    }
    return 0;
}
