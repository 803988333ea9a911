/*
 * data_dir: the folder that holds what lasts. It is one server's at a time: whoever writes in it
 * holds the lock on data_dir/lock, which the kernel gives back when the process ends, however it
 * ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_DATA_DIR_H
#define NETRA_STORE_DATA_DIR_H

#include "base/buf.h"
#include "base/error.h"

#define DATA_PATH_BYTES_MAX 4096u

/* Makes the folder and those above it that are missing, mode 0700 whatever the umask is. ERR_IO,
 * ERR_INVALID (a path longer than DATA_PATH_BYTES_MAX). */
must_check int data_dir_make(const char *data_dir, struct error *error);

/* Takes the lock; closing the descriptor gives it back. ERR_IO, also when another process holds
 * it: the message names that process, the hint says what to do. */
must_check int data_dir_lock(const char *data_dir, int *ret_fd, struct error *error);

/* Who holds the lock: 1: somebody, *ret_pid is the process that said so, 0 when it is not known; 0:
 * nobody. ERR_IO: it cannot be looked at. The lock is held for an instant to see, in a way that a
 * server that starts in it waits for. */
must_check int data_dir_find_holder(const char *data_dir, int *ret_pid);

/* Makes an empty file of mode 0600, whatever the umask is, when there is none, so that SQLite
 * finds one and gives its side files the same mode. ERR_IO. */
must_check int data_dir_touch(const char *path, struct error *error);

/* "data_dir/name" into a buffer of DATA_PATH_BYTES_MAX. ERR_INVALID when it does not fit. */
must_check int data_dir_path(const char *data_dir, const char *name, char *path,
                             struct error *error);

#endif
