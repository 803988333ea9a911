/*
 * A table cut into chunks and put together again is the same table; bytes that are not what was
 * written are refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "store/chunk_columns.h"
#include "usage_tables.h"

/* Encodes all and decodes all; the number of chunks. */
static int copy_table(const struct usage_table *from, struct usage_table *to)
{
    struct chunk_encoder *encoder;
    struct error error = {0};
    struct buf bytes;
    int chunks = 0;

    buf_init(&bytes, CHUNK_BYTES_MAX);
    assert_int_equal(chunk_encoder_new(from, &encoder), OK);
    while (chunk_encoder_has_more(encoder)) {
        assert_int_equal(chunk_encode(encoder, &bytes), OK);
        if (chunk_append(buf_str(&bytes), to, &error)) {
            fail_msg("chunk %d: %s", chunks, error.message);
        }
        chunks++;
    }
    chunk_encoder_free(encoder);
    buf_done(&bytes);
    return chunks;
}

static void test_chunk_gives_back_what_was_imported(void **state)
{
    static const struct made_up cases[] = {
        {.seed = 1, .rows = 1},
        {.seed = 2, .rows = 1, .is_plain = true},
        {.seed = 3, .rows = 2000, .is_plain = true},
        {.seed = 4, .rows = 3000},
        {.seed = 5, .rows = 3000, .has_repeat = true},
        {.seed = 6, .rows = CHUNK_ROWS_MAX},
        {.seed = 7, .rows = CHUNK_ROWS_MAX + 1},
        {.seed = 8, .rows = 2 * CHUNK_ROWS_MAX + 999, .has_repeat = true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct usage_table from;
        struct usage_table to;

        assert_int_equal(make_table(&cases[i], &from), OK);
        assert_true(!cases[i].has_repeat || from.merged_count > 0);
        usage_table_init(&to);
        assert_int_equal(copy_table(&from, &to), (from.count - 1) / CHUNK_ROWS_MAX + 1);
        check_tables_equal(&from, &to);
        assert_int_equal(usage_table_sort(&from), OK);
        assert_int_equal(usage_table_sort(&to), OK);
        check_tables_equal(&from, &to);
        usage_table_done(&from);
        usage_table_done(&to);
    }
}

/* A request that comes again after loading finds the row that it found before storing. */
static void test_chunk_keeps_who_a_request_is(void **state)
{
    struct usage_record record = {
        .present = USAGE_HAS_REQUEST_ID | USAGE_HAS_OUTPUT, .request_id = STR("one"), .output = 5};
    struct usage_table from;
    struct usage_table to;

    (void)state;
    usage_table_init(&from);
    usage_table_init(&to);
    assert_int_equal(usage_table_append(&from, &record, 1, NULL), OK);
    (void)copy_table(&from, &to);
    record.output = 9;
    assert_int_equal(usage_table_append(&to, &record, 2, NULL), OK);
    assert_int_equal(to.count, 1);
    assert_int_equal(to.merged_count, 1);
    assert_int_equal(to.output[0], 9);
    usage_table_done(&from);
    usage_table_done(&to);
}

/* What only a repeated request said has an id, and makes a column, that no row uses. */
static void test_chunk_keeps_texts_that_no_row_uses(void **state)
{
    struct usage_record record = {.present = USAGE_HAS_REQUEST_ID, .request_id = STR("one")};
    struct usage_table from;
    struct usage_table to;

    (void)state;
    usage_table_init(&from);
    usage_table_init(&to);
    record.names[USAGE_MODEL] = STR("a");
    assert_int_equal(usage_table_append(&from, &record, 1, NULL), OK);
    record.names[USAGE_MODEL] = STR("never seen");
    record.names[USAGE_AGENT] = STR("never seen");
    record.ids[USAGE_USER] = STR("never seen");
    assert_int_equal(usage_table_append(&from, &record, 2, NULL), OK);
    record.names[USAGE_MODEL] = STR("b");
    record.request_id = STR("two");
    assert_int_equal(usage_table_append(&from, &record, 3, NULL), OK);
    (void)copy_table(&from, &to);
    check_tables_equal(&from, &to);
    assert_int_equal(to.names[USAGE_MODEL][1], 3);
    usage_table_done(&from);
    usage_table_done(&to);
}

/* A second dataset in the same table shares its names; one with the same requests is refused. */
static void test_chunk_appends_to_a_table_that_has_rows(void **state)
{
    const struct made_up first = {.seed = 1, .rows = 500, .is_plain = true};
    const struct made_up second = {.seed = 2, .rows = 700};
    struct usage_table a;
    struct usage_table b;
    struct usage_table both;
    struct chunk_encoder *encoder;
    struct buf bytes;

    (void)state;
    buf_init(&bytes, CHUNK_BYTES_MAX);
    usage_table_init(&both);
    assert_int_equal(make_table(&first, &a), OK);
    assert_int_equal(make_table(&second, &b), OK);
    (void)copy_table(&a, &both);
    (void)copy_table(&b, &both);
    assert_int_equal(both.count, a.count + b.count);
    for (size_t row = 0; row < b.count; row++) {
        assert_true(str_equal(usage_name_text(&b, USAGE_MODEL, row),
                              usage_name_text(&both, USAGE_MODEL, a.count + row)));
        assert_true(str_equal(usage_id_text(&b, USAGE_USER, row),
                              usage_id_text(&both, USAGE_USER, a.count + row)));
        assert_int_equal(b.run_count[row], both.run_count[a.count + row]);
    }
    assert_int_equal(both.latency_ms[3], 0);
    assert_int_equal(both.run_count[3], 0);
    assert_int_equal(chunk_encoder_new(&b, &encoder), OK);
    assert_int_equal(chunk_encode(encoder, &bytes), OK);
    assert_int_equal(chunk_append(buf_str(&bytes), &both, NULL), ERR_INVALID);
    chunk_encoder_free(encoder);
    usage_table_done(&a);
    usage_table_done(&b);
    usage_table_done(&both);
    buf_done(&bytes);
}

/* ---- bytes that are not what was written ---- */

static void one_chunk(const struct made_up *made_up, struct buf *bytes)
{
    struct chunk_encoder *encoder;
    struct usage_table table;

    buf_init(bytes, CHUNK_BYTES_MAX);
    assert_int_equal(make_table(made_up, &table), OK);
    assert_int_equal(chunk_encoder_new(&table, &encoder), OK);
    assert_int_equal(chunk_encode(encoder, bytes), OK);
    chunk_encoder_free(encoder);
    usage_table_done(&table);
}

static void seal(struct buf *bytes)
{
    uint64_t sum = XXH3_64bits(bytes->data + CHUNK_SUM_FROM, bytes->length - CHUNK_SUM_FROM);

    memcpy(bytes->data + CHUNK_SUM_OFFSET, &sum, sizeof(sum));
}

static int read_chunk(struct str bytes, struct error *error)
{
    struct usage_table table;

    usage_table_init(&table);
    int code = chunk_append(bytes, &table, error);
    usage_table_done(&table);
    return code;
}

static void test_chunk_sees_every_changed_byte(void **state)
{
    struct buf bytes;

    (void)state;
    one_chunk(&(struct made_up){.seed = 9, .rows = 3}, &bytes);
    for (size_t i = 0; i < bytes.length; i++) {
        struct error error = {0};

        bytes.data[i] ^= 0x10;
        int code = read_chunk(buf_str(&bytes), &error);
        assert_true(code == ERR_INVALID || (code == ERR_UNSUPPORTED && i >= 4 && i < 8));
        assert_true(error.message[0] != '\0');
        bytes.data[i] ^= 0x10;
    }
    for (size_t length = 0; length < bytes.length; length++) {
        assert_int_equal(read_chunk((struct str){bytes.data, length}, NULL), ERR_INVALID);
    }
    assert_int_equal(read_chunk(buf_str(&bytes), NULL), OK);
    buf_done(&bytes);
}

/* With a checksum that is right, each byte changed in eight ways: refused, or rows that hold. */
static void test_chunk_stands_what_is_wrong_under_a_right_checksum(void **state)
{
    struct buf bytes;
    int refused = 0;

    (void)state;
    one_chunk(&(struct made_up){.seed = 9, .rows = 5}, &bytes);
    for (size_t i = CHUNK_SUM_FROM; i < bytes.length; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
            seal(&bytes);
            refused += read_chunk(buf_str(&bytes), NULL) != OK;
            bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
        }
    }
    assert_true(refused > 1000);
    buf_done(&bytes);
}

/* The place of a section's bytes in a chunk. */
static char *section_of(struct buf *bytes, uint32_t kind, uint32_t index)
{
    size_t at = CHUNK_HEAD_BYTES;

    while (at < bytes->length) {
        uint32_t head[2];
        uint64_t length;

        memcpy(head, bytes->data + at, sizeof(head));
        memcpy(&length, bytes->data + at + sizeof(head), sizeof(length));
        if (head[0] == kind && head[1] == index) {
            return bytes->data + at + 16;
        }
        at += 16 + length;
    }
    fail_msg("no section %u %u", kind, index);
    return NULL;
}

/* The rules that an import keeps are kept here, too: each case breaks one, by a column's base. */
static void test_chunk_refuses_rows_that_no_import_gives(void **state)
{
    static const struct {
        unsigned column;
        uint64_t base;
    } cases[] = {
        {0, USAGE_HAS_LATENCY}, /* says that there is a column that is not */
        {0, 1u << 18},          /* a bit that means nothing */
        {2, 7},                 /* a name that the dictionary does not have */
        {8, USAGE_STATUS_COUNT << 2},
        {8, 1u << 5},
        {5, UINT64_C(1) << 32}, /* more tokens than a column holds */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct buf bytes;

        one_chunk(&(struct made_up){.seed = 9, .rows = 1, .is_plain = true}, &bytes);
        assert_int_equal(read_chunk(buf_str(&bytes), NULL), OK);
        char *section = section_of(&bytes, CHUNK_COLUMN, cases[i].column);
        assert_int_equal(section[0], 0); /* one row: all is in the base */
        memcpy(section + 1, &cases[i].base, sizeof(cases[i].base));
        seal(&bytes);
        assert_int_equal(read_chunk(buf_str(&bytes), NULL), ERR_INVALID);
        buf_done(&bytes);
    }
}

static void test_chunk_refuses_a_newer_version(void **state)
{
    struct error error = {0};
    struct buf bytes;

    (void)state;
    one_chunk(&(struct made_up){.seed = 9, .rows = 3}, &bytes);
    bytes.data[4] = 2;
    assert_int_equal(read_chunk(buf_str(&bytes), &error), ERR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "version 2"));
    buf_done(&bytes);
}

static void test_chunk_walks_out_of_memory(void **state)
{
    const struct made_up made_up = {.seed = 4, .rows = 50};
    struct usage_table from;
    int code = ERR_NO_MEMORY;

    (void)state;
    assert_int_equal(make_table(&made_up, &from), OK);
    for (uint64_t nth = 1; code; nth++) {
        struct chunk_encoder *encoder = NULL;
        struct usage_table to;
        struct buf bytes;

        usage_table_init(&to);
        buf_init(&bytes, CHUNK_BYTES_MAX);
        (void)alloc_fail_from(nth);
        code = chunk_encoder_new(&from, &encoder);
        if (!code) {
            code = chunk_encode(encoder, &bytes);
        }
        if (!code) {
            code = chunk_append(buf_str(&bytes), &to, NULL);
        }
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        if (!code) {
            check_tables_equal(&from, &to);
        }
        chunk_encoder_free(encoder);
        usage_table_done(&to);
        buf_done(&bytes);
    }
    usage_table_done(&from);
}

static void test_chunk_columns_are_all_of_the_tables(void **state)
{
    struct usage_table table;
    size_t bytes = 0;

    (void)state;
    usage_table_init(&table);
    for (unsigned i = 0; i < CHUNK_COLUMN_COUNT; i++) {
        assert_null(*chunk_column_at(&table, &chunk_columns[i]));
        bytes += chunk_columns[i].element_bytes;
        for (unsigned k = 0; k < i; k++) {
            assert_int_not_equal(chunk_columns[i].offset, chunk_columns[k].offset);
        }
    }
    /* From the first column's pointer to the last's there is nothing else; run_begin is not kept.
     */
    size_t pointers =
        (offsetof(struct usage_table, name_dicts) - offsetof(struct usage_table, present)) /
        sizeof(void *);
    assert_int_equal(pointers, CHUNK_COLUMN_COUNT + 1);
    assert_true(bytes > 0);
    usage_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunk_gives_back_what_was_imported),
        cmocka_unit_test(test_chunk_keeps_who_a_request_is),
        cmocka_unit_test(test_chunk_keeps_texts_that_no_row_uses),
        cmocka_unit_test(test_chunk_appends_to_a_table_that_has_rows),
        cmocka_unit_test(test_chunk_sees_every_changed_byte),
        cmocka_unit_test(test_chunk_stands_what_is_wrong_under_a_right_checksum),
        cmocka_unit_test(test_chunk_refuses_rows_that_no_import_gives),
        cmocka_unit_test(test_chunk_refuses_a_newer_version),
        cmocka_unit_test(test_chunk_walks_out_of_memory),
        cmocka_unit_test(test_chunk_columns_are_all_of_the_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
