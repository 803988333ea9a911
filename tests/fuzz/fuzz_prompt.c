/*
 * Any bytes as a prompt: no fault, limits kept, and output that is JSON again. The first byte
 * chooses whether the records name features.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>

#include "ask/interpretation.h"
#include "base/check.h"
#include "json/json_read.h"

#define OUTPUT_BYTES_MAX ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_output(const struct interpretation *in)
{
    struct buf out;
    struct json_parser *parser;
    struct json_value root;

    buf_init(&out, OUTPUT_BYTES_MAX);
    struct json_writer w = json_writer_on(&out);
    interpretation_write_json(in, &w);
    check(buf_status(&out) == OK);
    check(json_parser_new(OUTPUT_BYTES_MAX, &parser) == OK);
    check(json_parse(parser, buf_str(&out), &root, NULL) == OK);
    check(json_count(json_at(root, "intents")) > 0);
    json_parser_free(parser);
    buf_clear(&out);
    interpretation_print(in, &out);
    check(buf_status(&out) == OK && out.length > 0);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str features[] = {{"chat", 4}, {"search-api", 10}, {"X", 1}, {"суп", 6},
                                          {"", 0},     {"a b", 3}};
    static const struct str models[] = {{"gpt-4o", 6}, {"my-model-7b", 11}, {"", 0}};
    struct ask_vocabulary vocabulary = {.models = models, .model_count = 3};
    struct interpretation *in = NULL;
    struct arena arena;
    struct error error = {0};

    if (size > 0 && data[0] % 2 == 1) {
        vocabulary.features = features;
        vocabulary.feature_count = sizeof(features) / sizeof(features[0]);
    }
    arena_init(&arena, ASK_ARENA_BYTES_MAX);
    int status =
        ask_parse(&vocabulary, (struct str){(const char *)data, size}, &arena, &in, &error);
    if (status == OK) {
        check(in->constraint_count <= ASK_CONSTRAINTS_MAX);
        check(in->model_count <= ASK_ENTITIES_MAX && in->feature_count <= ASK_ENTITIES_MAX);
        check_output(in);
    } else {
        check(status == ERR_LIMIT || status == ERR_NO_MEMORY);
    }
    arena_done(&arena);
    return 0;
}
