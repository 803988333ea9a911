/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar.h"

#include <stdio.h>
#include <string.h>

#define MODE_AT        100u
#define USER_AT        108u
#define GROUP_AT       116u
#define SIZE_AT        124u
#define SIZE_BYTES     12u
#define TIME_AT        136u
#define CHECKSUM_AT    148u
#define CHECKSUM_LONG  8u
#define TYPE_AT        156u
#define MAGIC_AT       257u
#define SIZE_OCTAL_MAX ((UINT64_C(1) << 33) - 1) /* eleven octal digits */

/* The sum of all bytes, those of the checksum itself taken as blanks. */
static unsigned sum_of(const char block[TAR_BLOCK_BYTES])
{
    unsigned sum = 0;

    for (unsigned i = 0; i < TAR_BLOCK_BYTES; i++) {
        bool is_sum = i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_LONG;

        sum += is_sum ? ' ' : (unsigned char)block[i];
    }
    return sum;
}

static void write_octal(char *field, unsigned digits, uint64_t value)
{
    for (unsigned i = digits; i > 0; i--) {
        field[i - 1] = (char)('0' + (value & 7));
        value >>= 3;
    }
}

static void write_size(char *field, uint64_t bytes)
{
    if (bytes <= SIZE_OCTAL_MAX) {
        write_octal(field, SIZE_BYTES - 1, bytes);
        return;
    }
    field[0] = (char)0x80;
    for (unsigned i = SIZE_BYTES - 1; i > 0; i--) {
        field[i] = (char)(bytes & 0xff);
        bytes >>= 8;
    }
}

void tar_write_header(const char *name, uint64_t bytes, int64_t time_s,
                      char ret_block[TAR_BLOCK_BYTES])
{
    memset(ret_block, 0, TAR_BLOCK_BYTES);
    (void)snprintf(ret_block, TAR_NAME_BYTES_MAX, "%s", name);
    write_octal(ret_block + MODE_AT, 7, 0600);
    write_octal(ret_block + USER_AT, 7, 0);
    write_octal(ret_block + GROUP_AT, 7, 0);
    write_size(ret_block + SIZE_AT, bytes);
    write_octal(ret_block + TIME_AT, 11, time_s > 0 ? (uint64_t)time_s : 0);
    ret_block[TYPE_AT] = '0';
    memcpy(ret_block + MAGIC_AT, "ustar", sizeof("ustar")); /* and its NUL */
    ret_block[MAGIC_AT + 6] = '0';
    ret_block[MAGIC_AT + 7] = '0';
    write_octal(ret_block + CHECKSUM_AT, 6, sum_of(ret_block));
    ret_block[CHECKSUM_AT + 7] = ' ';
}

bool tar_is_end(const char block[TAR_BLOCK_BYTES])
{
    unsigned char any = 0;

    for (unsigned i = 0; i < TAR_BLOCK_BYTES; i++) {
        any |= (unsigned char)block[i];
    }
    return any == 0;
}

/* Digits behind blanks, up to a blank, a NUL or the field's end. */
static bool read_octal(const char *field, unsigned length, uint64_t *ret_value)
{
    uint64_t value = 0;
    unsigned at = 0;

    while (at < length && field[at] == ' ') {
        at++;
    }
    unsigned begin = at;
    for (; at < length && field[at] >= '0' && field[at] <= '7'; at++) {
        value = value << 3 | (uint64_t)(field[at] - '0');
    }
    if (at == begin || (at < length && field[at] != ' ' && field[at] != '\0')) {
        return false;
    }
    *ret_value = value;
    return true;
}

static bool read_size(const char *field, uint64_t *ret_bytes)
{
    uint64_t bytes = 0;

    if ((unsigned char)field[0] != 0x80) {
        return read_octal(field, SIZE_BYTES, ret_bytes);
    }
    for (unsigned i = 1; i < SIZE_BYTES; i++) {
        if (bytes >> 55) {
            return false;
        }
        bytes = bytes << 8 | (unsigned char)field[i];
    }
    *ret_bytes = bytes;
    return bytes <= TAR_SIZE_MAX;
}

static bool read_name(const char *field, char ret_name[TAR_NAME_BYTES_MAX + 1])
{
    size_t length = strnlen(field, TAR_NAME_BYTES_MAX);

    if (length >= 2 && field[0] == '.' && field[1] == '/') { /* as "tar -cf x.tar ./netra.db" has */
        field += 2;
        length -= 2;
    }
    if (length == 0 || memchr(field, '/', length) || field[0] == '.') {
        return false;
    }
    memcpy(ret_name, field, length);
    ret_name[length] = '\0';
    return true;
}

int tar_read_header(const char block[TAR_BLOCK_BYTES], struct tar_entry *ret_entry,
                    struct error *error)
{
    struct tar_entry entry = {0};
    uint64_t sum = 0;

    if (memcmp(block + MAGIC_AT, "ustar", 5) != 0 ||
        !read_octal(block + CHECKSUM_AT, CHECKSUM_LONG, &sum) || sum != sum_of(block)) {
        return error_set(error, ERR_INVALID, "it is no tar archive, or a damaged one");
    }
    if ((block[TYPE_AT] != '0' && block[TYPE_AT] != '\0') || !read_name(block, entry.name) ||
        !read_size(block + SIZE_AT, &entry.bytes)) {
        return error_set(error, ERR_INVALID,
                         "it has something else than the plain files of a back-up");
    }
    *ret_entry = entry;
    return OK;
}
