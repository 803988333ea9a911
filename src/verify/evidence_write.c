/*
 * Four files, each written beside its name and renamed when it is on the disk: who looks into the
 * folder after a kill finds whole files or none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verify/evidence.h"

#define FILE_BYTES_MAX   ((size_t)128 << 20)
#define FOLDER_BYTES_MAX 4000u
#define PATH_BYTES_MAX   (FOLDER_BYTES_MAX + 64)

static int cannot(struct error *error, const char *what, const char *path)
{
    return error_set(error, ERR_IO, "cannot %s %s: %s", what, path, strerror(errno));
}

/* With the folders above it. */
static int make_folder(const char *folder, struct error *error)
{
    char path[PATH_BYTES_MAX];
    size_t length = strlen(folder);

    if (length == 0 || length > FOLDER_BYTES_MAX) {
        return error_set(error, ERR_IO, "a folder's name has 1 to %u bytes", FOLDER_BYTES_MAX);
    }
    for (size_t i = 1; i <= length; i++) {
        if (i < length && folder[i] != '/') {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%.*s", (int)i, folder);
        if (mkdir(path, 0777) && errno != EEXIST) {
            return cannot(error, "make the folder", path);
        }
    }
    return OK;
}

static int write_all(int fd, struct str bytes)
{
    while (bytes.length) {
        ssize_t written = write(fd, bytes.data, bytes.length);

        if (written < 0 && errno != EINTR) {
            return -1;
        }
        bytes = str_slice(bytes, written > 0 ? (size_t)written : 0, bytes.length);
    }
    return fsync(fd);
}

static int write_file(const char *folder, const char *name, struct str bytes, struct error *error)
{
    char path[PATH_BYTES_MAX];
    char part[PATH_BYTES_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    (void)snprintf(part, sizeof(part), "%s/.%s.part", folder, name);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        return cannot(error, "write", part);
    }
    int failed = write_all(fd, bytes);
    int code = failed ? cannot(error, "write", part) : OK;
    if (close(fd) && code == OK) {
        code = cannot(error, "write", part);
    }
    if (code == OK && rename(part, path)) {
        code = cannot(error, "write", path);
    }
    if (code) {
        (void)unlink(part);
    }
    return code;
}

int evidence_write(const struct evidence *evidence, const char *folder, struct error *error)
{
    static const struct {
        const char *name;
        int (*write)(const struct evidence *evidence, struct buf *out);
    } files[] = {
        {"evidence.json", evidence_write_json},
        {"samples.csv", evidence_write_samples},
        {"report.md", evidence_write_markdown},
        {"junit.xml", evidence_write_junit},
    };
    cleanup(buf_done) struct buf text;
    int code = make_folder(folder, error);

    buf_init(&text, FILE_BYTES_MAX);
    for (size_t i = 0; code == OK && i < ARRAY_LENGTH(files); i++) {
        buf_clear(&text);
        int status = files[i].write(evidence, &text);
        code = status ? error_set(error, status, "cannot write %s: %s", files[i].name,
                                  error_code_text(status))
                      : write_file(folder, files[i].name, buf_str(&text), error);
    }
    return code;
}
