/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "base/alloc.h"
#include "sample_report.h"
#include "unit.h"

struct str hostile_name(size_t i)
{
    static const struct str names[] = {
        {"<script>alert(1)</script>", 25},
        {"\"><img src=x onerror=alert(1)>", 30},
        {"' onload='x", 11},
        {"&amp;<!--", 9},
        {"\x1b[31mred\x1b[0m\x1b]0;title\x07", 22},
        {"a|b\nc|d\r\n# e", 13},
        {"`code` ``x", 10},
        {"[a](http://evil.example) ![b](x)", 32},
        {"{spend.total}", 13},
        {"\xe2\x80\xae"
         "drow\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
         15},
        {"\xff\xfe\xc0\xaf\xed\xa0\x80", 7},
        {"\0nul\0", 5},
        {"]]></style></svg><svg onload=x>", 31},
    };
    static const char long_name[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    assert_int_equal(ARRAY_LENGTH(names) + 1, HOSTILE_NAMES);
    assert_int_equal(sizeof(long_name) - 1, 256);
    return i < ARRAY_LENGTH(names) ? names[i] : str_from(long_name);
}

void render_named(render_fn render, struct str name, struct buf *out)
{
    struct report *report;

    assert_int_equal(sample_report_named_new(name, &report), OK);
    assert_int_equal(report_gate(report, NULL, NULL), OK);
    buf_init(out, RENDER_BYTES_MAX);
    render(report, out);
    assert_int_equal(buf_status(out), OK);
    assert_true(str_is_utf8(buf_str(out)));
    report_free(report);
}

size_t count_of(const struct buf *out, const char *text)
{
    size_t count = 0;
    size_t at = str_find(buf_str(out), str_from(text), 0);

    while (at != SIZE_MAX) {
        count++;
        at = str_find(buf_str(out), str_from(text), at + 1);
    }
    return count;
}

bool holds(const struct buf *out, const char *text)
{
    return count_of(out, text) > 0;
}

void assert_renders_alike(render_fn render)
{
    struct buf first;
    struct buf second;

    render_named(render, STR("gpt-4o-2024"), &first);
    render_named(render, STR("gpt-4o-2024"), &second);
    assert_true(str_equal(buf_str(&first), buf_str(&second)));
    buf_done(&first);
    buf_done(&second);
}

static void assert_report_survives_no_memory(render_fn render, const struct report *report)
{
    struct buf out;
    int status;
    uint64_t nth = 1;

    do {
        buf_init(&out, RENDER_BYTES_MAX);
        (void)alloc_fail_from(nth++);
        render(report, &out);
        (void)alloc_fail_from(0);
        status = buf_status(&out);
        assert_true(status == OK || status == ERR_NO_MEMORY);
        buf_done(&out);
    } while (status);
    assert_true(nth > 10);
    for (size_t limit = 0; limit < 3000; limit += 97) {
        buf_init(&out, limit);
        render(report, &out);
        assert_int_equal(buf_status(&out), ERR_LIMIT);
        buf_done(&out);
    }
}

void assert_survives_no_memory(render_fn render)
{
    struct report *report;

    assert_int_equal(sample_report_new(&report), OK);
    assert_report_survives_no_memory(render, report);
    report_free(report);
    assert_int_equal(sample_report_modelled_new(STR("gpt-4o"), &report), OK);
    assert_report_survives_no_memory(render, report);
    report_free(report);
}
