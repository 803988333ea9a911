/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

/* What nobody else may do with the file. Root may lend a file of its own to a group of ours: that
 * is how systemd's credentials and mounted secrets of containers look. */
static mode_t rights_refused(const struct stat *about)
{
    mode_t lent = about->st_uid == 0 && geteuid() != 0 ? S_IRGRP : 0;

    return (S_IRWXG | S_IRWXO) & ~lent;
}

static int judge(int fd, const char *path, struct error *error)
{
    struct stat about;

    if (fstat(fd, &about)) {
        return error_set(error, ERR_IO, "cannot read %s: %m", path);
    }
    if (!S_ISREG(about.st_mode)) {
        return error_set(error, ERR_INVALID, "cannot read %s: it is no file", path);
    }
    if (about.st_mode & rights_refused(&about)) {
        (void)error_set(error, ERR_INVALID, "others may use the key file %s", path);
        error_hint(error,
                   "Take their rights away: chmod 600 %s. If others could read it, make a "
                   "new key.",
                   path);
        return ERR_INVALID;
    }
    return OK;
}

int private_file_read(const char *path, struct private_file *ret_file, struct error *error)
{
    cleanup(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = 0;
    size_t length = 0;

    if (fd < 0) {
        return errno == ENOENT ? ERR_NOT_FOUND
                               : error_set(error, ERR_IO, "cannot read %s: %m", path);
    }
    int code = judge(fd, path, error);
    while (code == OK && length < sizeof(ret_file->text) &&
           (got = read(fd, ret_file->text + length, sizeof(ret_file->text) - length)) > 0) {
        length += (size_t)got;
    }
    if (code == OK && got < 0) {
        code = error_set(error, ERR_IO, "cannot read %s: %m", path);
    } else if (code == OK && length == 0) {
        code = error_set(error, ERR_INVALID, "the key file %s is empty", path);
    } else if (code == OK && length > PRIVATE_FILE_BYTES_MAX + 1) {
        code = error_set(error, ERR_INVALID, "the key of %s is too long", path);
    }
    ret_file->length = code ? 0 : length;
    return code;
}

void private_file_wipe(struct private_file *file)
{
    explicit_bzero(file, sizeof(*file));
}

struct str private_file_secret(const struct private_file *file)
{
    struct str secret = str_trim((struct str){file->text, file->length});

    for (size_t i = 0; i < secret.length; i++) {
        if (secret.data[i] <= ' ' || secret.data[i] > '~') {
            return STR("");
        }
    }
    return secret;
}
