/*
 * gzip is inflated in bounded pieces; members are joined; damage ends the text and is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "gzip_fixture.h"
#include "usage/gunzip.h"

static int gather(struct str text, void *arg)
{
    assert_in_range(text.length, 1, GUNZIP_PIECE_BYTES);
    buf_append(arg, text);
    return OK;
}

static enum gunzip_status inflate_pieces(struct str bytes, size_t piece, struct buf *ret)
{
    struct gunzip *gunzip;

    assert_int_equal(gunzip_new(&gunzip), OK);
    while (bytes.length) {
        size_t some = piece < bytes.length ? piece : bytes.length;

        assert_int_equal(gunzip_feed(gunzip, str_slice(bytes, 0, some), gather, ret), OK);
        bytes = str_slice(bytes, some, bytes.length);
    }
    enum gunzip_status status = gunzip_status(gunzip);
    gunzip_free(gunzip);
    return status;
}

static void test_gunzip_joins_members_whatever_the_pieces(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 10, 1000};
    struct buf gzip;

    (void)state;
    buf_init(&gzip, 65536);
    gzip_append(&gzip, STR("first,"));
    gzip_append(&gzip, STR(""));
    gzip_append(&gzip, STR("second"));
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        struct buf text;

        buf_init(&text, 65536);
        assert_int_equal(inflate_pieces(buf_str(&gzip), pieces[i], &text), GUNZIP_WHOLE);
        assert_str(buf_str(&text), "first,second");
        buf_done(&text);
    }
    buf_done(&gzip);
}

static void test_gunzip_gives_what_is_there(void **state)
{
    struct buf gzip;
    struct buf text;

    (void)state;
    buf_init(&gzip, 65536);
    buf_init(&text, 65536);
    gzip_append(&gzip, STR("some text"));
    struct str whole = buf_str(&gzip);

    assert_int_equal(inflate_pieces(str_slice(whole, 0, whole.length - 4), 1000, &text),
                     GUNZIP_CUT);
    assert_str(buf_str(&text), "some text");
    buf_clear(&text);
    assert_int_equal(inflate_pieces(str_slice(whole, 0, 2), 1000, &text), GUNZIP_CUT);
    buf_append(&gzip, STR("trailing"));
    assert_int_equal(inflate_pieces(buf_str(&gzip), 1000, &text), GUNZIP_TRAILED);
    assert_str(buf_str(&text), "some text");
    buf_clear(&text);
    gzip.data[gzip.length - 12] ^= 1; /* the check sum */
    assert_int_equal(inflate_pieces(buf_str(&gzip), 1, &text), GUNZIP_DAMAGED);
    assert_int_equal(inflate_pieces(STR("\x1f\x8b nonsense"), 1000, &text), GUNZIP_DAMAGED);
    buf_done(&text);
    buf_done(&gzip);
}

static int count_bytes(struct str text, void *arg)
{
    *(size_t *)arg += text.length;
    return OK;
}

static void test_gunzip_delivers_a_bomb_in_pieces(void **state)
{
    enum { MEGABYTES = 20 };
    struct gunzip *gunzip;
    struct buf zeros;
    struct buf gzip;
    size_t length = 0;

    (void)state;
    buf_init(&zeros, 1 << 20);
    buf_init(&gzip, 1 << 26);
    assert_int_equal(buf_reserve(&zeros, 1 << 20), OK);
    memset(zeros.data, 0, 1 << 20);
    for (int i = 0; i < MEGABYTES; i++) {
        gzip_append(&gzip, (struct str){zeros.data, 1 << 20});
    }
    assert_int_equal(gunzip_new(&gunzip), OK);
    assert_int_equal(gunzip_feed(gunzip, buf_str(&gzip), count_bytes, &length), OK);
    assert_int_equal(length, MEGABYTES << 20);
    gunzip_free(gunzip);
    buf_done(&zeros);
    buf_done(&gzip);
}

static int stop(struct str text, void *arg)
{
    (void)text;
    (void)arg;
    return ERR_LIMIT;
}

static void test_gunzip_passes_on_failures(void **state)
{
    struct gunzip *gunzip = NULL;
    struct buf gzip;
    size_t length = 0;

    (void)state;
    buf_init(&gzip, 65536);
    gzip_append(&gzip, STR("some text"));
    assert_int_equal(gunzip_new(&gunzip), OK);
    assert_int_equal(gunzip_feed(gunzip, buf_str(&gzip), stop, NULL), ERR_LIMIT);
    gunzip_free(gunzip);
    for (uint64_t n = 1;; n++) {
        (void)alloc_fail_from(n);
        int code = gunzip_new(&gunzip);
        if (!code) {
            code = gunzip_feed(gunzip, buf_str(&gzip), count_bytes, &length);
            gunzip_free(gunzip);
        }
        (void)alloc_fail_from(0);
        if (code == OK) {
            assert_true(n > 2);
            break;
        }
        assert_int_equal(code, ERR_NO_MEMORY);
    }
    buf_done(&gzip);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_gunzip_joins_members_whatever_the_pieces),
    cmocka_unit_test(test_gunzip_gives_what_is_there),
    cmocka_unit_test(test_gunzip_delivers_a_bomb_in_pieces),
    cmocka_unit_test(test_gunzip_passes_on_failures),
};

UNIT_MAIN(tests)
