/*
 * What the sample generator writes is what an import of it gives: every bucket of every feature and
 * model, with no row rejected and nothing left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import_fixture.h"

#include "usage/synthesize.h"

static struct synthesize_tokens tokens_of(const struct usage_table *table, const char *feature,
                                          const char *model)
{
    struct synthesize_tokens sums = {0};

    for (size_t row = 0; row < table->count; row++) {
        if (str_equal(usage_name_text(table, USAGE_FEATURE, row), str_from(feature)) &&
            str_equal(usage_name_text(table, USAGE_MODEL, row), str_from(model))) {
            struct usage_tokens tokens = usage_tokens_of(table, row);

            sums.calls++;
            sums.input_uncached += tokens.input_uncached;
            sums.cache_read += tokens.cache_read;
            sums.cache_write_5m += tokens.cache_write_5m;
            sums.cache_write_1h += tokens.cache_write_1h;
            sums.output += tokens.output;
            sums.reasoning += tokens.reasoning;
        }
    }
    return sums;
}

static void test_import_gives_what_the_generator_wrote(void **state)
{
    struct synthesize_options options = synthesize_options_default(7);
    struct synthesize_key key;
    struct imported i;
    struct buf text;

    (void)state;
    options.scale = 100;
    buf_init(&text, SYNTHESIZE_BYTES_MAX);
    assert_int_equal(usage_synthesize(&options, &text, &key, NULL), OK);
    import_text(&i, buf_str(&text), 65536, NULL);
    assert_int_equal(i.code, OK);
    assert_int_equal(i.report->rows_rejected, 0);
    assert_int_equal(i.report->rows_merged, 0);
    assert_int_equal(i.report->note_count, 0);
    assert_int_equal(i.report->unused_count, 0);
    assert_string_equal(i.report->convention, "disjoint");
    assert_int_equal(i.table.count, key.total.calls);
    assert_int_equal(i.table.time_us[0], key.from_us);
    assert_true(i.table.is_sorted);
    for (size_t f = 0; f < SYNTHESIZE_FEATURES; f++) {
        for (size_t m = 0; m < SYNTHESIZE_MODELS; m++) {
            struct synthesize_tokens sums = tokens_of(&i.table, key.features[f], key.models[m]);

            assert_memory_equal(&sums, &key.by_feature_model[f][m], sizeof(sums));
        }
    }
    imported_done(&i);
    synthesize_key_done(&key);
    buf_done(&text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_import_gives_what_the_generator_wrote),
};

UNIT_MAIN(tests)
