/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/read_file.h"

#include <stdio.h>

#define PIECE_BYTES 65536u

int read_file(const char *path, struct buf *text, struct error *error)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    size_t got = 1;

    if (!file) {
        return error_set(error, ERR_IO, "cannot open %s: %m", path);
    }
    while (got && buf_reserve(text, PIECE_BYTES) == OK) {
        got = fread(text->data + text->length, 1, PIECE_BYTES, file);
        text->length += got;
    }
    bool failed = ferror(file);
    if (file != stdin) {
        (void)fclose(file);
    }
    if (failed) {
        return error_set(error, ERR_IO, "cannot read %s", path);
    }
    return buf_status(text) ? error_set(error, buf_status(text), "cannot read %s: %s", path,
                                        error_code_text(buf_status(text)))
                            : OK;
}
