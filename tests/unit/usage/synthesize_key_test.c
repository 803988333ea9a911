/*
 * The answer key equals what can be found again in the lines alone. Nothing here looks at the
 * generator's own notes: duplicates are found by comparing rows, caching by replaying blocks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "synthesize_rows.h"

#define SEEDS       4
#define NEVER       INT64_MIN
#define TTL_5M_US   (5 * MINUTE_US)
#define TTL_10M_US  (10 * MINUTE_US)
#define TTL_1H_US   HOUR_US
#define SCOPE_FIRST 1024

static int index_of(const char *const *names, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(name, str_from(names[i]))) {
            return (int)i;
        }
    }
    fail_msg("the key does not know %.*s", STR_ARGS(name));
    return -1;
}

static void add_row(struct synthesize_tokens *sum, const struct row *row)
{
    sum->calls++;
    sum->input_uncached += row->uncached;
    sum->cache_read += row->read;
    sum->cache_write_5m += row->write_5m;
    sum->cache_write_1h += row->write_1h;
    sum->output += row->output;
    sum->reasoning += row->reasoning;
}

static void assert_tokens(const struct synthesize_tokens *actual,
                          const struct synthesize_tokens *expected)
{
    assert_int_equal(actual->calls, expected->calls);
    assert_int_equal(actual->input_uncached, expected->input_uncached);
    assert_int_equal(actual->cache_read, expected->cache_read);
    assert_int_equal(actual->cache_write_5m, expected->cache_write_5m);
    assert_int_equal(actual->cache_write_1h, expected->cache_write_1h);
    assert_int_equal(actual->output, expected->output);
    assert_int_equal(actual->reasoning, expected->reasoning);
}

static void assert_matrix(const struct synthesize_tokens actual[][SYNTHESIZE_MODELS],
                          const struct synthesize_tokens expected[][SYNTHESIZE_MODELS])
{
    for (size_t i = 0; i < SYNTHESIZE_FEATURES; i++) {
        for (size_t k = 0; k < SYNTHESIZE_MODELS; k++) {
            assert_tokens(&actual[i][k], &expected[i][k]);
        }
    }
}

/* Runs the check on the samples of some seeds. */
static void for_seeds(void (*check_sample)(const struct sample *sample))
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct synthesize_options options = small_options(seed);
        struct sample sample;

        sample_make(&options, &sample);
        check_sample(&sample);
        sample_done(&sample);
    }
}

/* ---- sums ---- */

static void check_sums(const struct sample *sample)
{
    struct synthesize_tokens matrix[SYNTHESIZE_FEATURES][SYNTHESIZE_MODELS] = {0};
    const struct synthesize_key *key = &sample->key;
    struct synthesize_tokens total = {0};
    unsigned features = 0;
    unsigned models = 0;
    uint64_t errors = 0;

    for (size_t i = 0; i < sample->count; i++) {
        const struct row *row = &sample->rows[i];
        int feature = index_of(key->features, SYNTHESIZE_FEATURES, row->feature);
        int model = index_of(key->models, SYNTHESIZE_MODELS, row->model);

        assert_str(row->provider, key->providers[model]);
        features |= 1u << feature;
        models |= 1u << model;
        errors += row_failed(row);
        add_row(&total, row);
        add_row(&matrix[feature][model], row);
    }
    assert_int_equal(features, 0xff);
    assert_int_equal(models, 0x1f);
    assert_int_equal(errors, key->errors);
    assert_tokens(&key->total, &total);
    assert_matrix(key->by_feature_model, matrix);
    assert_int_equal(key->from_us, sample->rows[0].time_us);
    assert_int_equal(key->to_us, sample->rows[sample->count - 1].time_us);
}

static void test_sums_equal_a_recount_of_the_lines(void **state)
{
    (void)state;
    for_seeds(check_sums);
}

/* ---- duplicates, retries, repeats ---- */

enum relation { RELATION_NONE, RELATION_RETRY, RELATION_DUPLICATE, RELATION_REPEAT };

/* What a row is to the first row with its prompt that succeeded, or to the failure before it. */
static enum relation relate(const struct sample *sample, size_t at, size_t *ret_original)
{
    const struct row *row = &sample->rows[at];
    bool failed_before = false;

    for (size_t k = 0; k < at; k++) {
        const struct row *earlier = &sample->rows[k];

        if (!str_equal(row->prompt_hash, earlier->prompt_hash)) {
            continue;
        }
        assert_true(str_equal(row->feature, earlier->feature));
        if (row_failed(earlier)) {
            failed_before = true;
            *ret_original = k;
            continue;
        }
        *ret_original = k;
        return str_equal(row->session, earlier->session) &&
                       row->time_us - earlier->time_us < HOUR_US
                   ? RELATION_DUPLICATE
                   : RELATION_REPEAT;
    }
    return failed_before ? RELATION_RETRY : RELATION_NONE;
}

static void check_duplicate(const struct row *row, const struct row *original)
{
    int64_t after_ms = (row->time_us - original->time_us) / 1000 - (int64_t)original->latency_ms;

    assert_in_range(after_ms, 1000, 90000);
    assert_true(row->time_us - original->time_us < 5 * MINUTE_US);
    assert_str(original->status, "ok");
    assert_str(row->status, "ok");
    assert_true(str_equal(row->model, original->model));
    assert_true(str_equal(row->user, original->user));
    assert_int_equal(row_input(row), row_input(original));
    assert_int_equal(row->output, original->output);
}

static void check_echo(const struct sample *sample, const struct synthesize_echo *echo,
                       const struct row *row, const struct row *original)
{
    struct synthesize_tokens tokens = {0};

    add_row(&tokens, row);
    assert_str(row->request_id, echo->request_id);
    assert_str(original->request_id, echo->original_id);
    assert_str(row->feature, sample->key.features[echo->feature]);
    assert_str(row->model, sample->key.models[echo->model]);
    assert_tokens(&echo->tokens, &tokens);
}

static void check_duplicates(const struct sample *sample)
{
    struct synthesize_tokens matrix[SYNTHESIZE_FEATURES][SYNTHESIZE_MODELS] = {0};
    const struct synthesize_key *key = &sample->key;
    size_t duplicates = 0;
    size_t repeats = 0;
    uint64_t retries = 0;

    for (size_t i = 0; i < sample->count; i++) {
        const struct row *row = &sample->rows[i];
        size_t original = 0;
        enum relation relation = relate(sample, i, &original);

        if (relation == RELATION_DUPLICATE) {
            assert_true(duplicates < key->duplicate_count);
            const struct synthesize_echo *echo = &key->duplicates[duplicates++];
            check_duplicate(row, &sample->rows[original]);
            check_echo(sample, echo, row, &sample->rows[original]);
            add_row(&matrix[echo->feature][echo->model], row);
        } else if (relation == RELATION_REPEAT) {
            assert_true(repeats < key->repeat_count);
            check_echo(sample, &key->repeats[repeats++], row, &sample->rows[original]);
            assert_true(row->time_us - sample->rows[original].time_us >= DAY_US);
            assert_false(str_equal(row->session, sample->rows[original].session));
            assert_false(str_equal(row->user, sample->rows[original].user));
            assert_int_equal(row_input(row), row_input(&sample->rows[original]));
        }
        retries += relation == RELATION_RETRY;
    }
    assert_int_equal(duplicates, key->duplicate_count);
    assert_int_equal(repeats, key->repeat_count);
    assert_int_equal(retries, key->retries);
    assert_true(duplicates > 0 && repeats > 0 && retries > 0);
    assert_matrix(key->duplicates_by_feature_model, matrix);
    for (size_t i = 0; i < SYNTHESIZE_FEATURES; i++) {
        bool is_named = false;
        uint64_t calls = 0;

        for (size_t k = 0; k < key->duplicate_feature_count; k++) {
            is_named |= strcmp(key->duplicate_features[k], key->features[i]) == 0;
        }
        for (size_t k = 0; k < SYNTHESIZE_MODELS; k++) {
            calls += matrix[i][k].calls;
        }
        assert_int_equal(is_named, calls > 0);
    }
}

static void test_duplicates_equal_an_independent_scan(void **state)
{
    (void)state;
    for_seeds(check_duplicates);
}

/* ---- caching ---- */

/* Last touch of each block of one scope. */
struct block_times {
    int64_t *at_us;
    size_t count;
};

static void grow(struct block_times *times, uint64_t block)
{
    if (block < times->count) {
        return;
    }
    size_t count = (size_t)block * 2 + SCOPE_FIRST;
    int64_t *at_us = alloc_resize(times->at_us, count, sizeof(*at_us));
    assert_non_null(at_us);
    for (size_t i = times->count; i < count; i++) {
        at_us[i] = NEVER;
    }
    times->at_us = at_us;
    times->count = count;
}

/* Walks the row's blocks once: those before the first expired one are hits; all are touched. */
static uint64_t replay_row(struct block_times *times, const struct row *row, int64_t ttl_us)
{
    uint64_t hits = 0;
    bool is_hit = true;

    for (size_t k = 0; k < row->run_count; k++) {
        for (uint64_t i = 0; i < row->run_length[k]; i++) {
            uint64_t block = row->run_start[k] + i;

            grow(times, block);
            is_hit = is_hit && times->at_us[block] != NEVER &&
                     row->time_us - times->at_us[block] <= ttl_us;
            hits += is_hit;
            times->at_us[block] = row->time_us;
        }
    }
    return hits * SYNTHESIZE_BLOCK_TOKENS;
}

static uint64_t minimum_of(struct str model)
{
    return str_starts_with(model, STR("claude-haiku")) ? 4096 : 1024;
}

static struct synthesize_tokens replay_feature(const struct sample *sample, const char *feature,
                                               int64_t ttl_us)
{
    struct block_times times = {0};
    struct synthesize_tokens sum = {0};

    for (size_t i = 0; i < sample->count; i++) {
        struct row row = sample->rows[i];

        if (!str_equal(row.feature, str_from(feature))) {
            continue;
        }
        uint64_t input = row_input(&row);
        if (!row_failed(&row) && input >= minimum_of(row.model)) {
            uint64_t hit = replay_row(&times, &row, ttl_us);

            row.uncached = 0;
            row.read = hit < input ? hit : input;
            row.write_5m = ttl_us == TTL_5M_US ? input - row.read : 0;
            row.write_1h = ttl_us == TTL_5M_US ? 0 : input - row.read;
        }
        add_row(&sum, &row);
    }
    alloc_free(times.at_us);
    return sum;
}

static bool is_unused(const struct synthesize_key *key, const char *feature)
{
    for (uint32_t i = 0; i < key->unused_count; i++) {
        if (strcmp(key->unused[i].feature, feature) == 0) {
            return true;
        }
    }
    return false;
}

static void check_unused(const struct sample *sample)
{
    const struct synthesize_key *key = &sample->key;

    assert_in_range(key->unused_count, 1, SYNTHESIZE_DEFECTS_MAX);
    for (uint32_t i = 0; i < key->unused_count; i++) {
        const struct synthesize_unused *unused = &key->unused[i];
        struct synthesize_tokens recorded = {0};

        for (size_t k = 0; k < sample->count; k++) {
            const struct row *row = &sample->rows[k];

            if (str_equal(row->feature, str_from(unused->feature))) {
                assert_str(row->model, unused->model);
                assert_int_equal(row->read + row->write_5m + row->write_1h, 0);
                assert_true(row->has_cache_writes);
                assert_true(row_failed(row) || row->uncached > unused->minimum_tokens);
                assert_true(row_failed(row) ||
                            row->run_length[0] * SYNTHESIZE_BLOCK_TOKENS == unused->system_tokens);
                add_row(&recorded, row);
            }
        }
        assert_int_equal(unused->minimum_tokens, minimum_of(str_from(unused->model)));
        assert_tokens(&unused->recorded, &recorded);
        struct synthesize_tokens five = replay_feature(sample, unused->feature, TTL_5M_US);
        struct synthesize_tokens hour = replay_feature(sample, unused->feature, TTL_1H_US);
        assert_tokens(&unused->ttl_300, &five);
        assert_tokens(&unused->ttl_3600, &hour);
        /* The defect is worth something, and the two times to live differ. */
        assert_true(five.cache_read > 0 && hour.cache_read > five.cache_read);
    }
}

static void test_unused_caching_equals_an_independent_replay(void **state)
{
    (void)state;
    for_seeds(check_unused);
}

static void check_used(const struct sample *sample)
{
    const struct synthesize_key *key = &sample->key;
    unsigned used = 0;

    for (size_t i = 0; i < SYNTHESIZE_FEATURES; i++) {
        struct synthesize_tokens recorded = {0};
        bool is_claude = false;

        for (size_t k = 0; k < sample->count; k++) {
            const struct row *row = &sample->rows[k];

            if (str_equal(row->feature, str_from(key->features[i]))) {
                is_claude = str_equal(row->provider, STR("anthropic"));
                add_row(&recorded, row);
            }
        }
        if (is_claude && !is_unused(key, key->features[i])) {
            struct synthesize_tokens five = replay_feature(sample, key->features[i], TTL_5M_US);

            assert_tokens(&recorded, &five);
            assert_true(recorded.cache_read > 0);
            used++;
        }
    }
    assert_int_equal(used + key->unused_count, 3);
}

static void test_five_minute_caching_is_recorded_as_defined(void **state)
{
    (void)state;
    for_seeds(check_used);
}

/* Reads of automatic caches lie between a replay with the shortest and the longest idle life. */
static void check_automatic(const struct sample *sample)
{
    uint64_t reads = 0;

    for (size_t first = 0; first < sample->count; first++) {
        struct block_times shortest = {0};
        struct block_times longest = {0};
        const struct row *named = &sample->rows[first];
        bool is_seen = !str_equal(named->provider, STR("openai")) || named->scope.length == 0;

        for (size_t k = 0; k < first && !is_seen; k++) {
            is_seen = str_equal(sample->rows[k].scope, named->scope);
        }
        for (size_t i = first; i < sample->count && !is_seen; i++) {
            const struct row *row = &sample->rows[i];

            if (str_equal(row->scope, named->scope) && row_input(row) >= 1024) {
                uint64_t low = replay_row(&shortest, row, TTL_5M_US) / 128 * 128;
                uint64_t high = replay_row(&longest, row, TTL_10M_US) / 128 * 128;

                assert_in_range(row->read, low >= 1024 ? low : 0, high);
                assert_true(row->read % 128 == 0 && (row->read == 0 || row->read >= 1024));
                assert_int_equal(row->write_5m + row->write_1h, 0);
                reads += row->read;
            }
        }
        alloc_free(shortest.at_us);
        alloc_free(longest.at_us);
    }
    assert_true(reads > 0);
}

static void test_automatic_caching_stays_within_its_idle_life(void **state)
{
    (void)state;
    for_seeds(check_automatic);
}

/* ---- deploy and batch ---- */

static void check_side(const struct sample *sample, bool is_after,
                       const struct synthesize_side *expected)
{
    const struct synthesize_deploy *deploy = &sample->key.deploy;
    struct synthesize_side side = {0};

    for (size_t i = 0; i < sample->count; i++) {
        const struct row *row = &sample->rows[i];

        if (!str_equal(row->feature, str_from(deploy->feature)) ||
            (row->time_us >= deploy->time_us) != is_after) {
            continue;
        }
        add_row(&side.tokens, row);
        if (row_failed(row)) {
            side.errors++;
        } else {
            side.succeeded++;
            side.succeeded_input += row_input(row);
            side.succeeded_latency_ms += row->latency_ms;
        }
    }
    assert_tokens(&expected->tokens, &side.tokens);
    assert_int_equal(expected->errors, side.errors);
    assert_int_equal(expected->succeeded, side.succeeded);
    assert_int_equal(expected->succeeded_input, side.succeeded_input);
    assert_int_equal(expected->succeeded_latency_ms, side.succeeded_latency_ms);
}

static void check_deploy(const struct sample *sample)
{
    const struct synthesize_deploy *deploy = &sample->key.deploy;
    const struct synthesize_options *options = &sample->key.options;

    check_side(sample, false, &deploy->before);
    check_side(sample, true, &deploy->after);
    assert_in_range(deploy->prompt_permille, 1600, 2200);
    assert_in_range(deploy->latency_permille, 1300, 2000);
    assert_true(deploy->error_permille_after > 2 * deploy->error_permille_before);
    assert_int_equal(deploy->time_us % HOUR_US, 0);
    assert_in_range(deploy->time_us, options->start_us + options->days * DAY_US / 4,
                    options->start_us + options->days * DAY_US * 9 / 10);
}

static void test_bad_deploy_equals_a_recount(void **state)
{
    (void)state;
    for_seeds(check_deploy);
}

static void test_bad_deploy_makes_prompts_longer_errors_more_and_answers_slower(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct synthesize_options options = small_options(seed);
        struct sample sample;

        options.days = 28;
        options.scale = 150;
        sample_make(&options, &sample);
        const struct synthesize_side *before = &sample.key.deploy.before;
        const struct synthesize_side *after = &sample.key.deploy.after;
        uint64_t ratio_permille = after->succeeded_input * before->succeeded * 1000 /
                                  (before->succeeded_input * after->succeeded);
        uint64_t factor = sample.key.deploy.prompt_permille;
        /* Below the factor where long prompts are cut, around it for the mix of calls. */
        assert_in_range(ratio_permille, factor * 80 / 100, factor * 115 / 100);
        assert_true(after->errors * (before->errors + before->succeeded) >
                    before->errors * (after->errors + after->succeeded) * 2);
        assert_true(after->succeeded_latency_ms * before->succeeded * 10 >
                    before->succeeded_latency_ms * after->succeeded * 12);
        sample_done(&sample);
    }
}

static void assert_no_common_block(const struct row *a, const struct row *b)
{
    for (size_t i = 0; i < a->run_count; i++) {
        for (size_t k = 0; k < b->run_count; k++) {
            assert_true(a->run_start[i] + a->run_length[i] <= b->run_start[k] ||
                        b->run_start[k] + b->run_length[k] <= a->run_start[i]);
        }
    }
}

/* Pairs of calls of one session on both sides of the deploy; each must have blocks of its own. */
static unsigned check_crossing_sessions(const struct sample *sample)
{
    int64_t deploy_us = sample->key.deploy.time_us;
    unsigned pairs = 0;

    for (size_t i = 0; i < sample->count; i++) {
        const struct row *after = &sample->rows[i];
        size_t original;

        if (!str_equal(after->feature, str_from(sample->key.deploy.feature)) ||
            after->time_us < deploy_us || after->run_count == 0 || after->session.length == 0 ||
            relate(sample, i, &original) == RELATION_RETRY) {
            continue;
        }
        for (size_t k = 0; k < i && sample->rows[k].time_us < deploy_us; k++) {
            if (str_equal(sample->rows[k].session, after->session)) {
                assert_no_common_block(&sample->rows[k], after);
                pairs += sample->rows[k].run_count > 0;
            }
        }
    }
    return pairs;
}

/* The deploy changes the system prompt, and a block stands for all that is before it too. Busy days
 * have sessions under way at the deploy. */
static void test_prompts_after_the_deploy_share_no_block_with_older_ones(void **state)
{
    unsigned pairs = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct synthesize_options options = synthesize_options_default(seed);
        struct sample sample;

        options.days = 1;
        sample_make(&options, &sample);
        pairs += check_crossing_sessions(&sample);
        sample_done(&sample);
    }
    assert_true(pairs > 10);
}

static void check_batch(const struct sample *sample)
{
    const struct synthesize_key *key = &sample->key;

    for (size_t i = 0; i < SYNTHESIZE_FEATURES; i++) {
        bool looks_like_batch = true;
        bool is_named = false;

        for (size_t k = 0; k < sample->count; k++) {
            const struct row *row = &sample->rows[k];
            int64_t of_day = row->time_us - civil_floor(row->time_us, DAY_US);

            if (str_equal(row->feature, str_from(key->features[i]))) {
                looks_like_batch &= !row->is_streamed && row->user.length == 0 &&
                                    row->session.length == 0 && of_day < 6 * HOUR_US;
            }
        }
        for (uint32_t k = 0; k < key->batch_count; k++) {
            is_named |= strcmp(key->batch_features[k], key->features[i]) == 0;
        }
        assert_int_equal(looks_like_batch, is_named);
    }
}

static void test_batch_candidates_are_those_that_look_like_it(void **state)
{
    (void)state;
    for_seeds(check_batch);
}

/* ---- JSON ---- */

static void test_key_json_carries_the_figures(void **state)
{
    struct synthesize_options options = small_options(UINT64_MAX);
    struct json_parser *parser;
    struct json_value root;
    struct json_writer w;
    struct sample sample;
    struct buf out;
    struct str text;
    uint64_t number;

    (void)state;
    sample_make(&options, &sample);
    buf_init(&out, SYNTHESIZE_BYTES_MAX);
    w = json_writer_on(&out);
    synthesize_key_write_json(&sample.key, &w);
    assert_int_equal(buf_status(&out), OK);
    assert_int_equal(json_parser_new(out.length, &parser), OK);
    assert_int_equal(json_parse(parser, buf_str(&out), &root, NULL), OK);

    assert_true(json_get_str(json_at(root, "seed"), &text));
    assert_str(text, "18446744073709551615");
    assert_true(json_get_str(json_at(root, "source"), &text));
    assert_str(text, SYNTHESIZE_SOURCE);
    assert_true(json_get_u64(json_at(json_at(root, "total"), "calls"), &number));
    assert_int_equal(number, sample.count);
    struct json_value duplicates = json_at(root, "duplicates");
    assert_int_equal(json_count(json_at(duplicates, "calls")), sample.key.duplicate_count);
    assert_int_equal(json_count(json_at(duplicates, "features")),
                     sample.key.duplicate_feature_count);
    assert_int_equal(json_count(json_at(root, "unused_caching")), sample.key.unused_count);
    struct json_iterator unused = json_iterate(json_at(root, "unused_caching"));
    assert_true(json_next(&unused));
    assert_true(
        json_get_u64(json_at(json_at(unused.value, "ttl_3600"), "cache_write_1h"), &number));
    assert_int_equal(number, sample.key.unused[0].ttl_3600.cache_write_1h);
    assert_true(json_get_str(json_at(json_at(root, "bad_deploy"), "feature"), &text));
    assert_str(text, sample.key.deploy.feature);
    assert_int_equal(json_count(json_at(root, "batch_candidates")), sample.key.batch_count);
    json_parser_free(parser);
    buf_done(&out);
    sample_done(&sample);
}

static void test_key_json_survives_out_of_memory_anywhere(void **state)
{
    struct synthesize_options options = small_options(2);
    struct sample sample;
    int code = ERR_NO_MEMORY;

    (void)state;
    sample_make(&options, &sample);
    for (uint64_t nth = 1; code != OK; nth++) {
        struct json_writer w;
        struct buf out;

        buf_init(&out, SYNTHESIZE_BYTES_MAX);
        w = json_writer_on(&out);
        (void)alloc_fail_from(nth);
        synthesize_key_write_json(&sample.key, &w);
        (void)alloc_fail_from(0);
        code = buf_status(&out);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_in_range(nth, 1, 100);
        buf_done(&out);
    }
    sample_done(&sample);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sums_equal_a_recount_of_the_lines),
    cmocka_unit_test(test_duplicates_equal_an_independent_scan),
    cmocka_unit_test(test_unused_caching_equals_an_independent_replay),
    cmocka_unit_test(test_five_minute_caching_is_recorded_as_defined),
    cmocka_unit_test(test_automatic_caching_stays_within_its_idle_life),
    cmocka_unit_test(test_bad_deploy_equals_a_recount),
    cmocka_unit_test(test_bad_deploy_makes_prompts_longer_errors_more_and_answers_slower),
    cmocka_unit_test(test_prompts_after_the_deploy_share_no_block_with_older_ones),
    cmocka_unit_test(test_batch_candidates_are_those_that_look_like_it),
    cmocka_unit_test(test_key_json_carries_the_figures),
    cmocka_unit_test(test_key_json_survives_out_of_memory_anywhere),
};

UNIT_MAIN(tests)
