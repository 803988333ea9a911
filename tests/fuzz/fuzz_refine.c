/*
 * Any prompt and any proposal (prompt, newline, JSON): no fault, and what is taken keeps its limits
 * and what the user demanded, is JSON again, and holds no name that neither the prompt nor the
 * records have. Our own interpretation, proposed back, is always taken and says the same
 * (names that are not UTF-8 aside: JSON cannot hold them).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>

#include "ask/refine.h"
#include "base/check.h"

#define OUTPUT_BYTES_MAX ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str features[] = {{"chat", 4}, {"search-api", 10}, {"X", 1}, {"суп", 6}};
static const struct str models[] = {{"gpt-4o", 6}, {"my-model-7b", 11}};
static const struct ask_vocabulary vocabulary = {features, sizeof(features) / sizeof(features[0]),
                                                 models, sizeof(models) / sizeof(models[0])};

static void check_demands(const struct interpretation *ours, const struct interpretation *out)
{
    for (size_t i = 0; i < ours->constraint_count; i++) {
        const struct ask_constraint *wanted = &ours->constraints[i];
        bool kept = strcmp(wanted->op, "not_worse") != 0 && strcmp(wanted->op, "exclude") != 0;

        for (size_t j = 0; j < out->constraint_count && !kept; j++) {
            const struct ask_constraint *made = &out->constraints[j];

            kept = strcmp(made->metric, wanted->metric) == 0 && strcmp(made->op, wanted->op) == 0 &&
                   str_equal(made->scope, wanted->scope) && made->hard >= wanted->hard;
        }
        check(kept);
    }
}

static void check_intents(const struct interpretation *ours, const struct interpretation *out)
{
    bool any = false;

    for (unsigned i = 0; i < INTENT_COUNT; i++) {
        any |= out->intents[i];
        check(i < INTENT_GREETING || !out->intents[i] || ours->intents[i]);
    }
    check(any);
}

static void propose(struct str prompt, struct str json, bool is_own)
{
    struct interpretation *ours = NULL;
    struct interpretation *out = NULL;
    struct arena arena;
    struct error error = {0};
    struct buf text;

    arena_init(&arena, ASK_ARENA_BYTES_MAX);
    buf_init(&text, OUTPUT_BYTES_MAX);
    int status = ask_parse(&vocabulary, prompt, &arena, &ours, &error);
    if (!status) {
        struct json_writer w = json_writer_on(&text);

        interpretation_write_json(ours, &w);
        check(buf_status(&text) == OK);
        json = is_own ? buf_str(&text) : json;
        status = ask_refine(&vocabulary, prompt, ours, json, &arena, &out, &error);
        check(!is_own || status == OK || status == ERR_LIMIT || status == ERR_NO_MEMORY);
    }
    if (ours && !status) {
        check(!is_own || interpretation_equal(ours, out));
        check(out->constraint_count <= ASK_CONSTRAINTS_MAX);
        check(out->model_count <= ASK_ENTITIES_MAX && out->feature_count <= ASK_ENTITIES_MAX);
        check_demands(ours, out);
        check_intents(ours, out);
        buf_clear(&text);
        interpretation_print(out, &text);
        check(buf_status(&text) == OK);
    } else {
        check(status == ERR_INVALID || status == ERR_LIMIT || status == ERR_NO_MEMORY);
    }
    buf_done(&text);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    struct str prompt = {(const char *)data, end ? (size_t)(end - data) : size};
    struct str json =
        end ? str_slice((struct str){(const char *)data, size}, prompt.length + 1, size)
            : STR("{}");

    propose(prompt, json, /* is_own */ false);
    if (str_is_utf8(prompt)) {
        propose(prompt, json, /* is_own */ true);
    }
    return 0;
}
