/*
 * A chunk of records: whatever the bytes are, they are refused or give a table that can be written
 * and read again, and is then the same. The checksum is put right first, else nothing would get
 * past it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "../support/usage_tables.h"
#include "base/buf.h"
#include "store/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const struct usage_table *table)
{
    struct chunk_encoder *encoder;
    struct usage_table again;
    struct buf bytes;

    usage_table_init(&again);
    buf_init(&bytes, CHUNK_BYTES_MAX);
    check(chunk_encoder_new(table, &encoder) == OK);
    while (chunk_encoder_has_more(encoder)) {
        check(chunk_encode(encoder, &bytes) == OK);
        check(chunk_append(buf_str(&bytes), &again, NULL) == OK);
    }
    check_tables_equal(table, &again);
    chunk_encoder_free(encoder);
    usage_table_done(&again);
    buf_done(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct usage_table table;
    char *sealed = malloc(size + 1);

    check(sealed != NULL);
    usage_table_init(&table);
    int code = chunk_append((struct str){(const char *)data, size}, &table, &error);
    check(code == OK || error.message[0]);
    usage_table_done(&table);
    memcpy(sealed, data, size);
    if (size >= CHUNK_SUM_FROM) {
        uint64_t sum = XXH3_64bits(sealed + CHUNK_SUM_FROM, size - CHUNK_SUM_FROM);

        memcpy(sealed + CHUNK_SUM_OFFSET, &sum, sizeof(sum));
    }
    code = chunk_append((struct str){sealed, size}, &table, &error);
    if (!code) {
        write_and_read(&table);
    }
    usage_table_done(&table);
    free(sealed);
    return 0;
}
