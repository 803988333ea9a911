/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/data_dir.h"

#define COPY_BYTES ((size_t)1 << 20)

int backup_show(const struct backup_progress *progress, const char *name, uint64_t done,
                uint64_t total, struct error *error)
{
    if (progress && progress->fn && !progress->fn(name, done, total, progress->arg)) {
        return error_set(error, ERR_CANCELLED, "it was cancelled");
    }
    return OK;
}

void backup_fd_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

int backup_open(const char *path, int *ret_fd, uint64_t *ret_bytes, struct error *error)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return error_set(error, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open %s: %m",
                         path);
    }
    if (fstat(fd, &about) || !S_ISREG(about.st_mode)) {
        (void)close(fd);
        return error_set(error, ERR_IO, "cannot read %s: it is no plain file", path);
    }
    if (ret_bytes) {
        *ret_bytes = (uint64_t)about.st_size;
    }
    *ret_fd = fd;
    return OK;
}

int backup_create(const char *path, int *ret_fd, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        return error_set(error, errno == EEXIST ? ERR_EXISTS : ERR_IO, "cannot make %s: %m", path);
    }
    *ret_fd = fd;
    return OK;
}

int backup_write(int fd, const char *bytes, size_t length, struct error *error)
{
    while (length) {
        ssize_t written = write(fd, bytes, length);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            (void)error_set(error, ERR_IO, "cannot write: %m");
            if (errno == ENOSPC) {
                error_hint(error, "Make room on the disk.");
            }
            return ERR_IO;
        }
        bytes += written;
        length -= (size_t)written;
    }
    return OK;
}

int backup_sync(int fd, const char *path, struct error *error)
{
    return fsync(fd) ? error_set(error, ERR_IO, "cannot make %s durable: %m", path) : OK;
}

int backup_sync_folder(const char *path, struct error *error)
{
    cleanup(backup_fd_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? error_set(error, ERR_IO, "cannot open the folder %s: %m", path)
                  : backup_sync(fd, path, error);
}

/* ---- copying ---- */

struct copying {
    EVP_MD_CTX *context;
    char *bytes;
};

static void copying_done(struct copying *copying)
{
    EVP_MD_CTX_free(copying->context);
    alloc_free(copying->bytes);
}

static int copying_begin(struct copying *copying, struct error *error)
{
    copying->context = EVP_MD_CTX_new();
    copying->bytes = alloc_resize(NULL, COPY_BYTES, 1);
    return copying->context && copying->bytes &&
                   EVP_DigestInit_ex(copying->context, EVP_sha256(), NULL) == 1
               ? OK
               : error_set(error, ERR_NO_MEMORY, "cannot copy: out of memory");
}

static void copying_end(struct copying *copying, uint64_t bytes, struct backup_digest *ret_digest)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    (void)EVP_DigestFinal_ex(copying->context, hash, &length);
    ret_digest->bytes = bytes;
    for (unsigned i = 0; i < (BACKUP_SHA256_TEXT_BYTES - 1) / 2; i++) {
        (void)snprintf(ret_digest->sha256 + 2 * (size_t)i, 3, "%02x", i < length ? hash[i] : 0);
    }
}

/* A piece of at most most bytes; 0 at the end. */
static int read_piece(int in, char *bytes, size_t most, size_t *ret_length, struct error *error)
{
    ssize_t length;

    do {
        length = read(in, bytes, most);
    } while (length < 0 && errno == EINTR);
    if (length < 0) {
        return error_set(error, ERR_IO, "cannot read: %m");
    }
    *ret_length = (size_t)length;
    return OK;
}

int backup_copy(int in, int out, uint64_t bytes, const char *name,
                const struct backup_progress *progress, struct backup_digest *ret_digest,
                struct error *error)
{
    cleanup(copying_done) struct copying copying = {0};
    uint64_t done = 0;
    int code = copying_begin(&copying, error);

    while (!code && done < bytes) {
        uint64_t left = bytes - done;
        size_t length = 0;

        code = read_piece(in, copying.bytes, left < COPY_BYTES ? (size_t)left : COPY_BYTES, &length,
                          error);
        if (!code && length == 0) {
            code = error_set(error, ERR_INVALID, "%s ends after %llu of %llu bytes", name,
                             (unsigned long long)done, (unsigned long long)bytes);
        }
        if (!code) {
            (void)EVP_DigestUpdate(copying.context, copying.bytes, length);
            code = out < 0 ? OK : backup_write(out, copying.bytes, length, error);
        }
        done += length;
        code = code ? code : backup_show(progress, name, done, bytes, error);
    }
    if (!code) {
        copying_end(&copying, done, ret_digest);
    }
    return code;
}

int backup_seal_file(const char *path, const char *name, const struct backup_progress *progress,
                     struct backup_digest *ret_digest, struct error *error)
{
    cleanup(backup_fd_close) int fd = -1;
    uint64_t bytes = 0;
    int code = backup_open(path, &fd, &bytes, error);

    code = code ? code : backup_sync(fd, path, error);
    return code ? code : backup_copy(fd, -1, bytes, name, progress, ret_digest, error);
}

/* ---- names ---- */

int backup_rename_new(const char *from, const char *to, struct error *error)
{
    int result = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);

    if (result && (errno == EINVAL || errno == ENOSYS)) { /* a file system that cannot */
        result = access(to, F_OK) == 0 ? (errno = EEXIST, -1) : rename(from, to);
    }
    if (result) {
        return error_set(error, errno == EEXIST ? ERR_EXISTS : ERR_IO, "cannot make %s: %m", to);
    }
    return OK;
}

void backup_remove_folder(const char *path)
{
    static const char *const names[] = {
        BACKUP_MANIFEST_NAME, "netra.db",     "netra.db-wal", "netra.db-shm",    "netra.db-journal",
        "usage.db",           "usage.db-wal", "usage.db-shm", "usage.db-journal"};
    char name[DATA_PATH_BYTES_MAX];

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (data_dir_path(path, names[i], name, NULL) == OK) {
            (void)unlink(name);
        }
    }
    (void)rmdir(path);
}
