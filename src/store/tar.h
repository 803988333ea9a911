/*
 * tar: archives of a few plain files, as any tar reads and writes them: POSIX ustar, sizes from
 * 8 GiB on as GNU's base-256 numbers.
 *
 *     0 name 100 · 100 mode 8 · 108 uid 8 · 116 gid 8 · 124 size 12 · 136 mtime 12 · 148 checksum 8
 *     156 type 1 · 157 link 100 · 257 "ustar\0" "00" · 265 owner 32 · 297 group 32 · … 512
 *
 * then the file's bytes, filled up with zeros to a multiple of 512; two blocks of zeros end the
 * archive. Only names without a folder and ordinary files are read: there is nothing else in a
 * back-up, and nothing else may be unpacked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_TAR_H
#define NETRA_STORE_TAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define TAR_BLOCK_BYTES    512u
#define TAR_NAME_BYTES_MAX 100u
#define TAR_SIZE_MAX       (UINT64_C(1) << 62)

struct tar_entry {
    char name[TAR_NAME_BYTES_MAX + 1];
    uint64_t bytes;
};

/* A block that says what follows: a file of mode 0600 and nobody's. name fits by the caller's care.
 */
void tar_write_header(const char *name, uint64_t bytes, int64_t time_s,
                      char ret_block[TAR_BLOCK_BYTES]);

/* Bytes of zeros behind a file. */
static inline unsigned tar_padding(uint64_t bytes)
{
    return (unsigned)((TAR_BLOCK_BYTES - bytes % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES);
}

/* True for the block that ends an archive: zeros. */
bool tar_is_end(const char block[TAR_BLOCK_BYTES]);

/* ERR_INVALID: no header, damaged, or of something that is no plain file. */
must_check int tar_read_header(const char block[TAR_BLOCK_BYTES], struct tar_entry *ret_entry,
                               struct error *error);

#endif
