/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/loop_files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES  65536u
#define FOLDERS_OPEN 16

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

int loop_files_make_folder(const char *path, struct error *error)
{
    char part[LOOP_PATH_BYTES_MAX];
    size_t length = strlen(path);

    if (length == 0 || length >= sizeof(part)) {
        return error_set(error, ERR_IO, "a folder's name has 1 to %zu bytes", sizeof(part) - 1);
    }
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) && errno != EEXIST) {
            return error_set(error, ERR_IO, "cannot make the folder %s: %m", part);
        }
    }
    return OK;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

int loop_files_remove(const char *path, struct error *error)
{
    if (nftw(path, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS) && errno != ENOENT) {
        return error_set(error, ERR_IO, "cannot remove %s: %m", path);
    }
    return OK;
}

static int write_all(int fd, struct str text)
{
    size_t done = 0;

    while (done < text.length) {
        ssize_t put = write(fd, text.data + done, text.length - done);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return ERR_IO;
        }
        done += (size_t)put;
    }
    return fdatasync(fd) ? ERR_IO : OK;
}

int loop_files_write(const char *path, struct str text, struct error *error)
{
    char beside[LOOP_PATH_BYTES_MAX];
    int length = snprintf(beside, sizeof(beside), "%s.new", path);

    if (length < 0 || (size_t)length >= sizeof(beside)) {
        return error_set(error, ERR_IO, "the name of a file is too long");
    }
    cleanup(close_fd) int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write_all(fd, text) || rename(beside, path)) {
        return error_set(error, ERR_IO, "cannot write %s: %m", path);
    }
    return OK;
}

int loop_files_read(const char *path, struct buf *text, struct error *error)
{
    cleanup(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 1;

    if (fd < 0) {
        return error_set(error, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open %s: %m",
                         path);
    }
    while (got > 0 && buf_reserve(text, PIECE_BYTES) == OK) {
        got = read(fd, text->data + text->length, PIECE_BYTES);
        text->length += got > 0 ? (size_t)got : 0;
        text->data[text->length] = '\0'; /* there is always room for it */
    }
    if (got < 0) {
        return error_set(error, ERR_IO, "cannot read %s: %m", path);
    }
    return buf_status(text) ? error_set(error, buf_status(text), "cannot read %s: %s", path,
                                        error_code_text(buf_status(text)))
                            : OK;
}

int loop_files_lock(const char *path, int *ret_fd, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int code = OK;

    if (fd < 0) {
        return error_set(error, ERR_IO, "cannot open %s: %m", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        code = errno == EWOULDBLOCK
                   ? error_set(error, ERR_EXISTS, "another process has the lock %s", path)
                   : error_set(error, ERR_IO, "cannot lock %s: %m", path);
        (void)close(fd);
    } else {
        *ret_fd = fd;
    }
    return code;
}
