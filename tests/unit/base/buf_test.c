/*
 * A buf grows to its limit and not beyond, and its first failure stays until it is cleared.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"

static void test_buf_appends_and_ends_with_nul(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 100000);
    assert_str(buf_str(&buf), "");
    buf_append(&buf, (struct str){NULL, 0});
    buf_append(&buf, STR("total "));
    buf_append_char(&buf, '=');
    buf_printf(&buf, " %d %s", 7, "x");
    buf_printf(&buf, "%s", "");
    assert_str(buf_str(&buf), "total = 7 x");
    assert_string_equal(buf.data, "total = 7 x");
    for (int i = 0; i < 9000; i++) {
        buf_printf(&buf, "%03d ", i % 1000);
    }
    assert_int_equal(buf_status(&buf), OK);
    assert_int_equal(buf.length, 11 + 36000);
    assert_string_equal(buf.data + buf.length - 4, "999 ");
    buf_done(&buf);
    buf_done(&buf);
}

static void test_buf_limit_is_exact_and_sticky(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 5);
    buf_append(&buf, STR("12345"));
    assert_int_equal(buf_status(&buf), OK);
    buf_append_char(&buf, '6');
    assert_int_equal(buf_status(&buf), ERR_LIMIT);
    assert_str(buf_str(&buf), "12345");
    assert_true(buf.capacity <= 6);
    buf_clear(&buf);
    assert_int_equal(buf_status(&buf), OK);
    buf_append(&buf, STR("123456"));
    assert_int_equal(buf_status(&buf), ERR_LIMIT);
    buf_append(&buf, STR("1"));
    buf_printf(&buf, "%d", 1);
    assert_str(buf_str(&buf), "");
    assert_int_equal(buf_reserve(&buf, 0), ERR_LIMIT);
    buf_done(&buf);
    buf_append(&buf, STR("again"));
    assert_str(buf_str(&buf), "again");
    buf_done(&buf);
}

static void test_buf_reserve_refuses_sizes_that_overflow(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, SIZE_MAX);
    buf_append(&buf, STR("abc"));
    assert_int_equal(buf_reserve(&buf, SIZE_MAX - 3), ERR_LIMIT);
    assert_str(buf_str(&buf), "abc");
    buf_clear(&buf);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX / 2), ERR_LIMIT);
    buf_done(&buf);
}

/* What vsnprintf refuses (a text longer than INT_MAX; here, faster, a wide character that the C
 * locale does not have) must not vanish in silence. */
static void test_buf_printf_reports_what_cannot_be_printed(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, SIZE_MAX);
    buf_append(&buf, STR("kept"));
    buf_printf(&buf, "%ls", L"\x4e2d");
    assert_int_equal(buf_status(&buf), ERR_LIMIT);
    assert_str(buf_str(&buf), "kept");
    buf_done(&buf);
}

static void test_buf_reserved_bytes_can_be_written(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 10000);
    assert_int_equal(buf_reserve(&buf, 1000), OK);
    memset(buf.data, 'r', 1000);
    buf.length += 1000;
    assert_int_equal(buf_str(&buf).length, 1000);
    assert_true(buf.data[0] == 'r' && buf.data[999] == 'r');
    buf_done(&buf);
}

static void test_buf_keeps_what_fitted_when_memory_ends(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth <= 4; nth++) {
        struct buf buf;

        buf_init(&buf, 1 << 20);
        (void)alloc_fail_from(nth);
        for (int i = 0; i < 2000; i++) {
            buf_append_char(&buf, (char)('a' + i % 26));
        }
        (void)alloc_fail_from(0);
        assert_int_equal(buf_status(&buf), ERR_NO_MEMORY);
        assert_true(nth == 1 ? buf.length == 0 : buf.length >= 255);
        for (size_t i = 0; i < buf.length; i++) {
            assert_int_equal(buf.data[i], 'a' + (int)(i % 26));
        }
        buf_done(&buf);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_buf_appends_and_ends_with_nul),
    cmocka_unit_test(test_buf_limit_is_exact_and_sticky),
    cmocka_unit_test(test_buf_reserve_refuses_sizes_that_overflow),
    cmocka_unit_test(test_buf_printf_reports_what_cannot_be_printed),
    cmocka_unit_test(test_buf_reserved_bytes_can_be_written),
    cmocka_unit_test(test_buf_keeps_what_fitted_when_memory_ends),
};

UNIT_MAIN(tests)
