/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "store/tar.h"

static void fix_sum(char block[TAR_BLOCK_BYTES])
{
    unsigned sum = 0;

    memset(block + 148, ' ', 8);
    for (unsigned i = 0; i < TAR_BLOCK_BYTES; i++) {
        sum += (unsigned char)block[i];
    }
    (void)snprintf(block + 148, 8, "%06o", sum);
}

static void test_what_is_written_is_read(void **state)
{
    static const uint64_t sizes[] = {0,
                                     1,
                                     511,
                                     512,
                                     513,
                                     (UINT64_C(1) << 33) - 1,
                                     UINT64_C(1) << 33, /* more than eleven octal digits */
                                     UINT64_C(123456789012345),
                                     TAR_SIZE_MAX};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        char block[TAR_BLOCK_BYTES];
        struct tar_entry entry;

        tar_write_header("netra.db", sizes[i], 1700000000, block);
        assert_false(tar_is_end(block));
        assert_int_equal(tar_read_header(block, &entry, NULL), OK);
        assert_string_equal(entry.name, "netra.db");
        assert_true(entry.bytes == sizes[i]);
        assert_int_equal((sizes[i] + tar_padding(sizes[i])) % TAR_BLOCK_BYTES, 0);
        assert_in_range(tar_padding(sizes[i]), 0, TAR_BLOCK_BYTES - 1);
    }
}

/* A bit that is turned anywhere but in the checksum's blanks is noticed, or changes no meaning. */
static void test_damage_is_noticed(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < TAR_BLOCK_BYTES * 8; bit++) {
        char block[TAR_BLOCK_BYTES];
        struct tar_entry entry = {.bytes = 7};

        tar_write_header("usage.db", 4096, 1, block);
        block[bit / 8] = (char)(block[bit / 8] ^ 1 << bit % 8);
        if (tar_read_header(block, &entry, NULL) == OK) {
            assert_string_equal(entry.name, "usage.db");
            assert_true(entry.bytes == 4096);
        } else {
            assert_true(entry.bytes == 7); /* untouched on failure */
        }
    }
}

static void test_only_plain_files_with_plain_names_are_read(void **state)
{
    static const struct {
        const char *name;
        char type;
        bool is_good;
    } cases[] = {
        {"a", '0', true},
        {"./a", '0', true},
        {"a", '\0', true},
        {"../a", '0', false},
        {"/a", '0', false},
        {"a/b", '0', false},
        {".", '0', false},
        {"..", '0', false},
        {".hidden", '0', false},
        {"./../a", '0', false},
        {"", '0', false},
        {"./", '0', false},
        {"a", '1' /* link */, false},
        {"a", '2', false},
        {"a", '5' /* folder */, false},
        {"a", 'x' /* pax */, false},
        {"a", 'L', false},
        {"././a", '0', false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char block[TAR_BLOCK_BYTES];
        struct tar_entry entry;
        struct error error = {0};

        tar_write_header(cases[i].name, 5, 1, block);
        block[156] = cases[i].type;
        fix_sum(block);
        int code = tar_read_header(block, &entry, &error);
        if ((code == OK) != cases[i].is_good) {
            fail_msg("'%s' of type '%c': %d", cases[i].name, cases[i].type, code);
        }
        assert_true(code == OK || error.message[0]);
    }
}

static void test_sizes_that_cannot_be_are_refused(void **state)
{
    static const char *const sizes[] = {"", "9", "12x", "           ", "-1"};
    char block[TAR_BLOCK_BYTES];
    struct tar_entry entry;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        tar_write_header("a", 5, 1, block);
        memset(block + 124, 0, 12);
        memcpy(block + 124, sizes[i], strlen(sizes[i]));
        fix_sum(block);
        assert_int_equal(tar_read_header(block, &entry, NULL), ERR_INVALID);
    }
    tar_write_header("a", 5, 1, block);
    memset(block + 124, 0xff, 12); /* a negative number of base 256 */
    fix_sum(block);
    assert_int_equal(tar_read_header(block, &entry, NULL), ERR_INVALID);
    block[124] = (char)0x80; /* 2^88 - 1 */
    fix_sum(block);
    assert_int_equal(tar_read_header(block, &entry, NULL), ERR_INVALID);
    memset(block, 0, sizeof(block));
    assert_true(tar_is_end(block));
    assert_int_equal(tar_read_header(block, &entry, NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_damage_is_noticed),
        cmocka_unit_test(test_only_plain_files_with_plain_names_are_read),
        cmocka_unit_test(test_sizes_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
