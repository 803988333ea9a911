/*
 * The interpretations of tests/data/prompts.jsonl (the acceptance set) and ask_variants.jsonl (our
 * own), scored as the set's rules say: intents equal as sets, constraints as multisets of (metric,
 * op, value within 1e-9, unit, scope), models, features and growth as sets. The features of all
 * lines together are the names that records could have. Every miss is printed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <math.h>
#include <stdlib.h>

#include "ask/interpretation.h"
#include "base/alloc.h"
#include "json/json_read.h"

#define FILE_BYTES_MAX  (1u << 20)
#define FEATURES_MAX    256
#define CONSTRAINTS_MAX 64
#define VALUE_TOLERANCE 1e-9

struct expected_file {
    char *text;
    size_t length;
    struct arena arena;
    struct str features[FEATURES_MAX];
    size_t feature_count;
    struct json_parser *parser;
};

struct score {
    unsigned prompts;
    unsigned intents;
    unsigned constraints;
    unsigned entities;
    unsigned needs;
    unsigned times;
    unsigned strict; /* hostile, empty, off_topic, near_miss, garbage */
    unsigned strict_wrong;
};

static void read_file(struct expected_file *file, const char *name)
{
    const char *root = getenv("NETRA_SOURCE_ROOT");
    char path[4096];

    assert_non_null(root);
    (void)snprintf(path, sizeof(path), "%s/tests/data/%s", root, name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    file->text = malloc(FILE_BYTES_MAX);
    assert_non_null(file->text);
    file->length = fread(file->text, 1, FILE_BYTES_MAX, in);
    assert_true(file->length > 0 && file->length < FILE_BYTES_MAX);
    (void)fclose(in);
    arena_init(&file->arena, FILE_BYTES_MAX);
    assert_int_equal(json_parser_new(FILE_BYTES_MAX, &file->parser), OK);
}

static bool next_line(const struct expected_file *file, size_t *at, struct str *ret_line)
{
    size_t begin = *at;

    if (begin >= file->length) {
        return false;
    }
    const char *end = memchr(file->text + begin, '\n', file->length - begin);
    size_t length = end ? (size_t)(end - file->text) - begin : file->length - begin;
    *ret_line = (struct str){file->text + begin, length};
    *at = begin + length + 1;
    return true;
}

static struct str get_str(struct json_value value)
{
    struct str text = {NULL, 0};

    (void)json_get_str(value, &text);
    return text;
}

static void collect_features(struct expected_file *file)
{
    struct str line;

    for (size_t at = 0; next_line(file, &at, &line);) {
        struct json_value root;

        assert_int_equal(json_parse(file->parser, line, &root, NULL), OK);
        struct json_iterator it = json_iterate(json_at(json_at(root, "entities"), "features"));
        while (json_next(&it)) {
            bool known = false;

            for (size_t i = 0; i < file->feature_count; i++) {
                known |= str_equal(file->features[i], get_str(it.value));
            }
            assert_true(file->feature_count < FEATURES_MAX);
            if (!known) {
                file->features[file->feature_count++] = arena_copy(&file->arena, get_str(it.value));
            }
        }
    }
}

static bool same_names(struct json_value expected, const struct str *names, size_t count)
{
    size_t found = 0;

    for (struct json_iterator it = json_iterate(expected); json_next(&it);) {
        for (size_t i = 0; i < count; i++) {
            found += str_equal(get_str(it.value), names[i]);
        }
    }
    return found == json_count(expected) && found == count;
}

static bool same_intents(struct json_value expected, const struct interpretation *in)
{
    size_t found = 0;
    size_t count = 0;

    for (unsigned i = 0; i < INTENT_COUNT; i++) {
        count += in->intents[i];
    }
    for (struct json_iterator it = json_iterate(expected); json_next(&it);) {
        for (unsigned i = 0; i < INTENT_COUNT; i++) {
            found += in->intents[i] &&
                     str_equal(get_str(it.value), str_from(intent_name((enum intent)i)));
        }
    }
    return found == json_count(expected) && found == count;
}

static bool same_needs(struct json_value expected, const struct interpretation *in)
{
    size_t found = 0;

    for (struct json_iterator it = json_iterate(expected); json_next(&it);) {
        for (unsigned i = 0; i < NEED_COUNT; i++) {
            const char *name = ask_need_name((enum ask_need)(1u << i));
            found += ((in->needs >> i) & 1) && str_equal(get_str(it.value), str_from(name));
        }
    }
    return found == json_count(expected) && found == (size_t)__builtin_popcount(in->needs);
}

static bool same_number(struct json_value expected, struct decimal actual)
{
    double value;

    return json_get_double(expected, &value) &&
           fabs(value - decimal_to_double(actual)) <= VALUE_TOLERANCE;
}

static bool same_value(struct json_value expected, const struct ask_constraint *c)
{
    if (json_type(expected) == JSON_NULL) {
        return !c->has_value;
    }
    if (json_type(expected) == JSON_ARRAY) {
        struct json_iterator it = json_iterate(expected);

        return c->has_value && c->is_range && json_next(&it) && same_number(it.value, c->value) &&
               json_next(&it) && same_number(it.value, c->value_high);
    }
    return c->has_value && !c->is_range && same_number(expected, c->value);
}

static bool same_constraint(struct json_value expected, const struct ask_constraint *c)
{
    struct str unit = get_str(json_at(expected, "unit"));

    return str_equal(get_str(json_at(expected, "metric")), str_from(c->metric)) &&
           str_equal(get_str(json_at(expected, "op")), str_from(c->op)) &&
           str_equal(unit, c->unit) && str_equal(get_str(json_at(expected, "scope")), c->scope) &&
           same_value(json_at(expected, "value"), c);
}

static bool same_constraints(struct json_value expected, const struct interpretation *in)
{
    bool used[CONSTRAINTS_MAX] = {false};
    size_t found = 0;

    for (struct json_iterator it = json_iterate(expected); json_next(&it);) {
        for (size_t i = 0; i < in->constraint_count; i++) {
            if (!used[i] && same_constraint(it.value, &in->constraints[i])) {
                used[i] = true;
                found++;
                break;
            }
        }
    }
    return found == json_count(expected) && found == in->constraint_count;
}

static bool same_growth(struct json_value expected, const struct interpretation *in)
{
    size_t found = 0;

    for (struct json_iterator it = json_iterate(expected); json_next(&it);) {
        for (size_t i = 0; i < in->growth_count; i++) {
            found += same_number(json_at(it.value, "value"), in->growth[i].value) &&
                     str_equal(get_str(json_at(it.value, "scope")), in->growth[i].scope);
        }
    }
    return found == json_count(expected) && found == in->growth_count;
}

static bool same_time(struct json_value expected, const struct interpretation *in)
{
    static const char *const kinds[] = {"",     "since",   "day",     "weekday", "last",
                                        "next", "current", "quarter", "by",      "event"};
    int64_t n = 0;

    if (json_type(expected) != JSON_OBJECT) {
        return in->time_range.kind == ASK_TIME_NONE;
    }
    (void)(json_get_i64(json_at(expected, "n"), &n) ||
           json_get_i64(json_at(expected, "hours"), &n));
    return str_equal(get_str(json_at(expected, "kind")), str_from(kinds[in->time_range.kind])) &&
           str_equal(get_str(json_at(expected, "value")), in->time_range.value) &&
           str_equal(get_str(json_at(expected, "unit")), in->time_range.unit) &&
           n == in->time_range.n;
}

static bool is_strict(struct json_value tags)
{
    static const char *const strict[] = {"hostile", "empty", "off_topic", "near_miss", "garbage"};

    for (struct json_iterator it = json_iterate(tags); json_next(&it);) {
        for (size_t i = 0; i < sizeof(strict) / sizeof(strict[0]); i++) {
            if (str_equal(get_str(it.value), str_from(strict[i]))) {
                return true;
            }
        }
    }
    return false;
}

static void print_miss(struct json_value root, const struct interpretation *in, const char *what)
{
    struct buf out;
    int64_t id = 0;
    struct str prompt = get_str(json_at(root, "prompt"));

    (void)json_get_i64(json_at(root, "id"), &id);
    buf_init(&out, 1u << 16);
    struct json_writer w = json_writer_on(&out);
    interpretation_write_json(in, &w);
    prompt.length = prompt.length > 160 ? 160 : prompt.length;
    print_message("miss %lld:%s\n  %.*s\n  %.*s\n", (long long)id, what, STR_ARGS(prompt),
                  STR_ARGS(buf_str(&out)));
    buf_done(&out);
}

static void score_line(struct json_value root, const struct interpretation *in, struct score *score)
{
    struct json_value entities = json_at(root, "entities");
    bool intents = same_intents(json_at(root, "intents"), in);
    bool constraints = same_constraints(json_at(root, "constraints"), in);
    bool models = same_names(json_at(entities, "models"), in->models, in->model_count);
    bool features = same_names(json_at(entities, "features"), in->features, in->feature_count);
    bool growth = same_growth(json_at(entities, "growth"), in);
    bool needs = same_needs(json_at(root, "data_needed"), in);
    bool time = same_time(json_at(entities, "time_range"), in);
    bool strict = is_strict(json_at(root, "tags"));
    bool right = intents && constraints && models && features && growth;
    char what[128];

    score->prompts++;
    score->intents += intents;
    score->constraints += constraints;
    score->entities += models && features && growth;
    score->needs += needs;
    score->times += time;
    score->strict += strict;
    score->strict_wrong += strict && !right;
    if (!right || !needs || !time) {
        (void)snprintf(what, sizeof(what), "%s%s%s%s%s%s%s", intents ? "" : " intents",
                       constraints ? "" : " constraints", models ? "" : " models",
                       features ? "" : " features", growth ? "" : " growth", needs ? "" : " needs",
                       time ? "" : " time");
        print_miss(root, in, what);
    }
}

static struct score score_file(const char *name, bool with_features)
{
    struct expected_file file = {0};
    struct score score = {0};
    struct str line;

    read_file(&file, name);
    collect_features(&file);
    struct ask_vocabulary vocabulary = {.features = file.features,
                                        .feature_count = with_features ? file.feature_count : 0};
    for (size_t at = 0; next_line(&file, &at, &line);) {
        struct json_value root;
        struct interpretation *in;
        struct arena arena;

        arena_init(&arena, ASK_ARENA_BYTES_MAX);
        assert_int_equal(json_parse(file.parser, line, &root, NULL), OK);
        assert_int_equal(
            ask_parse(&vocabulary, get_str(json_at(root, "prompt")), &arena, &in, NULL), OK);
        score_line(root, in, &score);
        arena_done(&arena);
    }
    json_parser_free(file.parser);
    arena_done(&file.arena);
    free(file.text);
    print_message("%s%s: %u prompts; right: intents %u, constraints %u, entities %u, needs %u, "
                  "times %u; strict classes %u, wrong %u\n",
                  name, with_features ? "" : " without names", score.prompts, score.intents,
                  score.constraints, score.entities, score.needs, score.times, score.strict,
                  score.strict_wrong);
    return score;
}

static void assert_share(unsigned right, unsigned of, unsigned percent)
{
    if (right * 100 < of * percent) {
        fail_msg("%u of %u right is less than %u %%", right, of, percent);
    }
}

static void test_golden_prompts_are_understood(void **state)
{
    (void)state;
    struct score score = score_file("prompts.jsonl", /* with_features */ true);

    assert_int_equal(score.strict_wrong, 0);
    assert_share(score.intents, score.prompts, 95);
    assert_share(score.constraints, score.prompts, 95);
    assert_share(score.entities, score.prompts, 95);
    assert_share(score.needs, score.prompts, 95);
    assert_share(score.times, score.prompts, 95);
}

static void test_held_out_variants_are_understood(void **state)
{
    (void)state;
    struct score score = score_file("ask_variants.jsonl", /* with_features */ true);

    assert_int_equal(score.strict_wrong, 0);
    assert_share(score.intents, score.prompts, 95);
    assert_share(score.constraints, score.prompts, 95);
    assert_share(score.entities, score.prompts, 95);
}

/* Names of features that the records do not have are kept as written where the grammar shows them.
 */
static void test_golden_prompts_are_understood_without_names(void **state)
{
    (void)state;
    struct score score = score_file("prompts.jsonl", /* with_features */ false);

    assert_int_equal(score.strict_wrong, 0);
    assert_share(score.intents, score.prompts, 95);
    assert_share(score.constraints, score.prompts, 90);
    assert_share(score.entities, score.prompts, 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_prompts_are_understood),
        cmocka_unit_test(test_golden_prompts_are_understood_without_names),
        cmocka_unit_test(test_held_out_variants_are_understood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
