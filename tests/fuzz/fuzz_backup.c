/*
 * What a restore reads before it knows anything: the head of an archive's file, and the manifest.
 * Whatever the bytes are, they are refused or say something that can be written and read again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/check.h"
#include "store/backup_manifest.h"
#include "store/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_header(const uint8_t *data, size_t size)
{
    char block[TAR_BLOCK_BYTES] = {0};
    char again[TAR_BLOCK_BYTES];
    struct tar_entry entry;
    struct tar_entry same;
    struct error error = {0};
    unsigned sum = 0;

    memcpy(block, data, size < sizeof(block) ? size : sizeof(block));
    memset(block + 148, ' ', 8); /* the sum is put right, else nothing would get past it */
    for (size_t i = 0; i < sizeof(block); i++) {
        sum += (unsigned char)block[i];
    }
    for (int i = 5; i >= 0; i--, sum >>= 3) {
        block[148 + i] = (char)('0' + (sum & 7));
    }
    int code = tar_read_header(block, &entry, &error);
    check(code == OK || error.message[0]);
    if (code == OK) {
        check(entry.name[0] && !strchr(entry.name, '/') && entry.bytes <= TAR_SIZE_MAX);
        if (strlen(entry.name) < TAR_NAME_BYTES_MAX) {
            tar_write_header(entry.name, entry.bytes, 0, again);
            check(tar_read_header(again, &same, &error) == OK);
            check(strcmp(same.name, entry.name) == 0 && same.bytes == entry.bytes);
        }
    }
}

static void read_manifest(struct str text)
{
    cleanup(buf_done) struct buf again;
    struct backup_manifest manifest;
    struct backup_manifest same;
    struct error error = {0};

    buf_init(&again, BACKUP_MANIFEST_BYTES_MAX);
    int code = backup_manifest_read(text, &manifest, &error);
    check(code == OK || error.message[0]);
    if (code == OK) {
        backup_manifest_write(&manifest, &again);
        check(buf_status(&again) == OK);
        check(backup_manifest_read(buf_str(&again), &same, &error) == OK);
        check(memcmp(manifest.files[1].sha256, same.files[1].sha256, BACKUP_SHA256_TEXT_BYTES) ==
              0);
        check(manifest.files[0].tables.count == same.files[0].tables.count);
        check(manifest.created_us == same.created_us);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_header(data, size);
    read_manifest((struct str){(const char *)data, size});
    return 0;
}
