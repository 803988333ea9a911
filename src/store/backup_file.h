/*
 * backup_file: the bytes of back-ups: copied with their digest, durable when it is said so, mode
 * 0600, and in folders that are whole or not there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_BACKUP_FILE_H
#define NETRA_STORE_BACKUP_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/backup_manifest.h"

/* How far it is; false: stop (ERR_CANCELLED). name: of the file at hand. */
typedef bool (*backup_progress_fn)(const char *name, uint64_t done, uint64_t total, void *arg);
struct backup_progress {
    backup_progress_fn fn; /* NULL: nobody asks */
    void *arg;
};

/* ERR_CANCELLED, or OK. */
must_check int backup_show(const struct backup_progress *progress, const char *name, uint64_t done,
                           uint64_t total, struct error *error);

struct backup_digest {
    uint64_t bytes;
    char sha256[BACKUP_SHA256_TEXT_BYTES];
};

/* A descriptor that closes itself; -1: none. */
void backup_fd_close(int *fd);

/* For reading; ret_bytes (may be NULL): its length. ERR_NOT_FOUND, ERR_IO. */
must_check int backup_open(const char *path, int *ret_fd, uint64_t *ret_bytes, struct error *error);
/* A new file of mode 0600. ERR_EXISTS, ERR_IO. */
must_check int backup_create(const char *path, int *ret_fd, struct error *error);

must_check int backup_write(int fd, const char *bytes, size_t length, struct error *error);
must_check int backup_sync(int fd, const char *path, struct error *error);
must_check int backup_sync_folder(const char *path, struct error *error);

/* Exactly this many bytes of in, to out (-1: nowhere). ERR_INVALID (it ends before), ERR_CANCELLED,
 * ERR_IO, ERR_NO_MEMORY. */
must_check int backup_copy(int in, int out, uint64_t bytes, const char *name,
                           const struct backup_progress *progress, struct backup_digest *ret_digest,
                           struct error *error);

/* The digest of a file that is there, after it was made durable. */
must_check int backup_seal_file(const char *path, const char *name,
                                const struct backup_progress *progress,
                                struct backup_digest *ret_digest, struct error *error);

/* Renames where nothing is yet. ERR_EXISTS, ERR_IO. */
must_check int backup_rename_new(const char *from, const char *to, struct error *error);

/* Deletes the files of a back-up that a folder has, with SQLite's side files, and the folder. What
 * else is in it stays, and then the folder, too. */
void backup_remove_folder(const char *path);

#endif
