/*
 * private_file: a secret out of a file that nobody but its owner may read, or one of root's that
 * our group may read and do nothing else with. Private to auth/ and server/. Blocking; at the start
 * only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_PRIVATE_FILE_H
#define NETRA_AUTH_PRIVATE_FILE_H

#include "base/error.h"
#include "base/str.h"

#define PRIVATE_FILE_BYTES_MAX 4096u

/* Wiped by private_file_wipe, wherever its owner ends. */
struct private_file {
    char text[PRIVATE_FILE_BYTES_MAX + 2];
    size_t length;
};

/* ERR_NOT_FOUND (no such file: no message), ERR_INVALID (others may use it, it is no file, it is
 * empty or longer than PRIVATE_FILE_BYTES_MAX), ERR_IO. Messages name the file, never its text. */
must_check int private_file_read(const char *path, struct private_file *ret_file,
                                 struct error *error);
void private_file_wipe(struct private_file *file);

/* Without white space at both ends; empty when a character beyond visible ASCII is in it. */
struct str private_file_secret(const struct private_file *file);

#endif
