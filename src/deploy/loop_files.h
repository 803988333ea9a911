/*
 * loop_files: the folders and files of a loop. Files are written beside their place and moved
 * there, so that a kill leaves the old one or the new one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_FILES_H
#define NETRA_DEPLOY_LOOP_FILES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

#define LOOP_PATH_BYTES_MAX 4096u
#define LOOP_FILE_BYTES_MAX ((size_t)16 << 20) /* of those that are read whole */

/* All folders of the path, mode 0700. ERR_IO. */
must_check int loop_files_make_folder(const char *path, struct error *error);

/* A file, or a folder with all that is in it; links are not followed. None is no error. ERR_IO. */
must_check int loop_files_remove(const char *path, struct error *error);

/* ERR_IO. */
must_check int loop_files_write(const char *path, struct str text, struct error *error);

/* Appends to text, which has its limit. ERR_NOT_FOUND, ERR_IO, ERR_LIMIT, ERR_NO_MEMORY. */
must_check int loop_files_read(const char *path, struct buf *text, struct error *error);

/* Takes the lock of a file, which is made; it is held until ret_fd is closed or the process ends.
 * ERR_EXISTS: another process has it. ERR_IO. */
must_check int loop_files_lock(const char *path, int *ret_fd, struct error *error);

#endif
