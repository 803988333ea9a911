/*
 * What is shown of foreign text: no escape sequence, no control, no invisible character, no broken
 * UTF-8 passes, and nothing else is lost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "report/visible.h"

struct shown {
    const char *text;
    const char *expected;
    unsigned width;
};

static const struct shown table[] = {
    {"gpt-4o", "gpt-4o", 6},
    {"", "", 0},
    {"a\x1b[31mred\x1b[0m", "ared", 4},
    {"\x1b[2J\x1b[1;1Htop", "top", 3},
    {"\x1b]0;title\x07x", "x", 1},
    {"\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link", 4},
    {"\x1b]unterminated", "unterminated", 12},
    {"\x1bPq#0\x1b\\x", "x", 1},
    {"\x1b(Bx", "x", 1},
    {"x\x1b", "x", 1},
    {"x\x1b[", "x", 1},
    {"x\x1b[31", "x", 1},
    {"\xc2\x9b"
     "31mred",
     "red", 3},
    {"a\nb\tc\rd\x7f\x01z", "a b c d  z", 10},
    {"a\xe2\x80\xa8z", "a z", 3},
    {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd", 2},
    {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd", 2},
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 3},
    {"a\xe2\x80\xaez", "az", 2},             /* right-to-left override */
    {"a\xe2\x81\xa6z\xe2\x81\xa9", "az", 2}, /* isolate */
    {"a\xe2\x80\x8bz", "az", 2},             /* zero width space */
    {"\xf3\xa0\x81\xa1", "", 0},             /* tag letter */
    {"שלום", "שלום", 4},
    {"模型", "模型", 4},
    {"e\xcc\x81", "e\xcc\x81", 1}, /* a combining accent */
};

static void test_visible_shows_what_is_harmless(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
        buf_clear(&out);
        visible_append(&out, str_from(table[i].text));
        assert_str(buf_str(&out), table[i].expected);
        assert_int_equal(visible_width(str_from(table[i].text)), table[i].width);
        assert_true(str_is_utf8(buf_str(&out)));
    }
    buf_done(&out);
}

static void test_visible_is_stable_when_applied_again(void **state)
{
    struct buf once;
    struct buf twice;

    (void)state;
    buf_init(&once, 4096);
    buf_init(&twice, 4096);
    for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
        buf_clear(&once);
        buf_clear(&twice);
        visible_append(&once, str_from(table[i].text));
        visible_append(&twice, buf_str(&once));
        assert_true(str_equal(buf_str(&once), buf_str(&twice)));
    }
    buf_done(&once);
    buf_done(&twice);
}

static void assert_cut(const char *text, unsigned width, const char *expected, unsigned used)
{
    struct buf out;

    buf_init(&out, 4096);
    assert_int_equal(visible_append_cut(&out, str_from(text), width), used);
    assert_str(buf_str(&out), expected);
    buf_done(&out);
}

static void test_visible_cuts_by_columns(void **state)
{
    (void)state;
    assert_cut("gpt-4o", 6, "gpt-4o", 6);
    assert_cut("gpt-4o", 5, "gpt-…", 5);
    assert_cut("模型模型", 5, "模型…", 5);
    assert_cut("模型模型", 4, "模…", 3);
    assert_cut("gpt", 1, "…", 1);
    assert_cut("gpt", 0, "", 0);
    assert_cut("", 0, "", 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_visible_shows_what_is_harmless),
    cmocka_unit_test(test_visible_is_stable_when_applied_again),
    cmocka_unit_test(test_visible_cuts_by_columns),
};

UNIT_MAIN(tests)
