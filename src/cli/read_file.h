/*
 * read_file: a whole file into a buf, for commands that read small documents.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_CLI_READ_FILE_H
#define NETRA_CLI_READ_FILE_H

#include "base/buf.h"
#include "base/error.h"

/* Appends the file to text, whose limit is the file's. "-" is standard input. ERR_IO, ERR_LIMIT,
 * ERR_NO_MEMORY. */
must_check int read_file(const char *path, struct buf *text, struct error *error);

#endif
