/*
 * Limits of a book while it is built: rows, names of one stem, texts that are cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "price/book_build.h"
#include "price_test_support.h"

static struct price_row plain_row(struct str model)
{
    struct price_row row = {
        .provider = STR("p"),
        .model = model,
        .effective_from_us = INT64_MIN,
        .effective_to_us = INT64_MAX,
    };

    row.services[USAGE_STANDARD].count = 1;
    row.services[USAGE_STANDARD].tiers[0].price.known = PRICE_BIT(PRICE_INPUT);
    return row;
}

static int add_numbered(struct price_book *book, const char *format, unsigned number)
{
    char model[64];
    uint32_t index;

    (void)snprintf(model, sizeof(model), format, number);
    const struct price_row row = plain_row(str_from(model));
    return price_book_add(book, &row, &index);
}

static void test_book_refuses_more_rows_than_its_limit(void **state)
{
    struct price_book *book = NULL;

    (void)state;
    assert_int_equal(price_book_new(STR("b"), &book), OK);
    for (unsigned i = 0; i < PRICE_ROWS_MAX; i++) {
        assert_int_equal(add_numbered(book, "m%u", i), OK);
    }
    assert_int_equal(add_numbered(book, "m%u", PRICE_ROWS_MAX), ERR_LIMIT);
    assert_int_equal(price_book_count(book), PRICE_ROWS_MAX);
    assert_non_null(price_find(book, STR(""), STR("m19999"), PRICE_NEWEST, NULL));
    price_book_free(book);
}

/* Look-ups walk the names of one stem, so a hostile list must not make them long. */
static void test_book_refuses_endless_dates_of_one_name(void **state)
{
    struct price_book *book = NULL;
    unsigned added = 0;

    (void)state;
    assert_int_equal(price_book_new(STR("b"), &book), OK);
    for (unsigned month = 1; month <= 12; month++) {
        for (unsigned day = 1; day <= 28; day++) {
            int status = add_numbered(book, "m-2024%04u", month * 100 + day);

            assert_int_equal(status, added < PRICE_STEM_NAMES_MAX ? OK : ERR_INVALID);
            added += status == OK;
        }
    }
    assert_int_equal(added, PRICE_STEM_NAMES_MAX);
    assert_int_equal(price_book_add_name(book, 0, STR("m"), PRICE_NAME_ALIAS), ERR_INVALID);
    price_book_free(book);
}

static void test_book_refuses_a_row_that_overlaps(void **state)
{
    struct price_book *book = NULL;
    struct price_row row = plain_row(STR("m"));
    uint32_t index;

    (void)state;
    assert_int_equal(price_book_new(STR("b"), &book), OK);
    row.effective_from_us = 10;
    row.effective_to_us = 20;
    assert_int_equal(price_book_add(book, &row, &index), OK);
    row.model = STR("M");
    row.provider = STR("P");
    row.effective_from_us = 19;
    row.effective_to_us = 30;
    assert_int_equal(price_book_add(book, &row, &index), ERR_INVALID);
    row.effective_from_us = 20;
    assert_int_equal(price_book_add(book, &row, &index), OK);
    row.effective_from_us = 0;
    row.effective_to_us = 10;
    assert_int_equal(price_book_add(book, &row, &index), OK);
    row.effective_to_us = 0; /* valid at no time */
    assert_int_equal(price_book_add(book, &row, &index), ERR_INVALID);
    price_book_free(book);
}

static void test_book_cuts_long_texts_between_characters(void **state)
{
    struct price_book *book = NULL;
    struct price_row row = plain_row(STR("m"));
    char note[PRICE_TEXT_BYTES_MAX + 3];
    uint32_t index;

    (void)state;
    note[0] = 'a';
    for (size_t i = 1; i + 1 < sizeof(note); i += 2) {
        memcpy(note + i, "\xc3\xa9", 2); /* é */
    }
    row.note = (struct str){note, sizeof(note)};
    assert_int_equal(price_book_new(STR("b"), &book), OK);
    assert_int_equal(price_book_add(book, &row, &index), OK);
    assert_int_equal(price_book_row(book, 0)->note.length, PRICE_TEXT_BYTES_MAX - 1);
    assert_true(str_is_utf8(price_book_row(book, 0)->note));
    price_book_free(book);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_book_refuses_more_rows_than_its_limit),
    cmocka_unit_test(test_book_refuses_endless_dates_of_one_name),
    cmocka_unit_test(test_book_refuses_a_row_that_overlaps),
    cmocka_unit_test(test_book_cuts_long_texts_between_characters),
};

UNIT_MAIN(tests)
