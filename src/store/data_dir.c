/*
 * The folder, its lock and the modes of its files. mkdir and open apply the umask, so modes are set
 * once more by name of the descriptor; only for what this call has made: rights that somebody
 * chose are left alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/decimal.h"

#define PID_BYTES_MAX 32
#define LOCK_TRIES    5
#define LOCK_PAUSE_NS 10000000

int data_dir_path(const char *data_dir, const char *name, char *path, struct error *error)
{
    int length = snprintf(path, DATA_PATH_BYTES_MAX, "%s/%s", data_dir, name);

    if (length < 0 || (unsigned)length >= DATA_PATH_BYTES_MAX) {
        return error_set(error, ERR_INVALID, "cannot use %s: the path is longer than %u bytes",
                         data_dir, DATA_PATH_BYTES_MAX);
    }
    return OK;
}

static int make_one(const char *path, struct error *error)
{
    if (mkdir(path, 0700) == 0) {
        return chmod(path, 0700) == 0
                   ? OK
                   : error_set(error, ERR_IO, "cannot set the rights of %s: %m", path);
    }
    if (errno == EEXIST) {
        return OK; /* what it is shows when it is used */
    }
    return error_set(error, ERR_IO, "cannot make the data directory %s: %m", path);
}

int data_dir_make(const char *data_dir, struct error *error)
{
    char path[DATA_PATH_BYTES_MAX];
    struct stat info;
    int code = data_dir_path(data_dir, "", path, error);

    if (!code && stat(data_dir, &info) == 0) {
        return S_ISDIR(info.st_mode)
                   ? OK
                   : error_set(error, ERR_IO, "cannot keep data in %s: it is not a directory",
                               data_dir);
    }
    for (char *slash = path; !code && (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        code = make_one(path, error);
        *slash = '/';
    }
    return code;
}

/* The number that the holder wrote, for the message; 0 when it cannot be read. */
static uint64_t holder_of(int fd)
{
    char text[PID_BYTES_MAX];
    ssize_t length = pread(fd, text, sizeof(text), 0);
    uint64_t pid = 0;

    if (length <= 0 || decimal_parse_u64(str_trim((struct str){text, (size_t)length}), &pid)) {
        return 0;
    }
    return pid;
}

int data_dir_find_holder(const char *data_dir, int *ret_pid)
{
    char path[DATA_PATH_BYTES_MAX];
    int code = data_dir_path(data_dir, "lock", path, NULL);
    int fd = code ? -1 : open(path, O_RDONLY | O_CLOEXEC);

    *ret_pid = 0;
    if (fd < 0) {
        return !code && errno == ENOENT ? 0 : ERR_IO;
    }
    code = flock(fd, LOCK_SH | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? 1 : ERR_IO;
    *ret_pid = code == 1 ? (int)holder_of(fd) : 0;
    (void)close(fd);
    return code;
}

static int refuse(const char *data_dir, int fd, struct error *error)
{
    uint64_t pid = holder_of(fd);

    if (pid) {
        (void)error_set(error, ERR_IO, "cannot use the data directory %s: process %llu is using it",
                        data_dir, (unsigned long long)pid);
    } else {
        (void)error_set(error, ERR_IO,
                        "cannot use the data directory %s: another process is "
                        "using it",
                        data_dir);
    }
    error_hint(error, "Stop that process, or give this one another folder with --data-dir.");
    return ERR_IO;
}

/* A second look at one that is held: data_dir_find_holder has it for an instant. */
int data_dir_lock(const char *data_dir, int *ret_fd, struct error *error)
{
    static const struct timespec pause = {0, LOCK_PAUSE_NS};
    char path[DATA_PATH_BYTES_MAX];
    char text[PID_BYTES_MAX];
    int code = data_dir_path(data_dir, "lock", path, error);

    if (!code) {
        code = data_dir_touch(path, error);
    }
    if (code) {
        return code;
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return error_set(error, ERR_IO, "cannot open %s: %m", path);
    }
    int result = flock(fd, LOCK_EX | LOCK_NB);
    for (int tries = 1; result && errno == EWOULDBLOCK && tries < LOCK_TRIES; tries++) {
        (void)nanosleep(&pause, NULL);
        result = flock(fd, LOCK_EX | LOCK_NB);
    }
    if (result) {
        code = errno == EWOULDBLOCK ? refuse(data_dir, fd, error)
                                    : error_set(error, ERR_IO, "cannot lock %s: %m", path);
        (void)close(fd);
        return code;
    }
    /* Only for people and for refuse(): the lock is the kernel's, not this text. */
    int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)length, 0) != length) {
        code = error_set(error, ERR_IO, "cannot write %s: %m", path);
        (void)close(fd);
        return code;
    }
    *ret_fd = fd;
    return OK;
}

int data_dir_touch(const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        return errno == EEXIST ? OK : error_set(error, ERR_IO, "cannot make %s: %m", path);
    }
    int code =
        fchmod(fd, 0600) ? error_set(error, ERR_IO, "cannot set the rights of %s: %m", path) : OK;
    (void)close(fd);
    return code;
}
