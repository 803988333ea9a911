/*
 * Bringing a back-up back. Everything that can fail for long comes before the data folder is
 * changed: its last step are renames in one folder, behind a mark that says that they have begun.
 *
 * The folder itself is never renamed: it may be a mount point.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/civil_time.h"
#include "loop/clock.h"
#include "store/backup.h"
#include "store/data_dir.h"
#include "store/tar.h"

#define STAGE_NAME "restore-XXXXXX"
#define PARTS      3u /* both files and the manifest */

/* What belongs to a database: SQLite's side files, too, or a WAL of the old would be played into
 * the new. */
static const char *const old_names[] = {"netra.db", "netra.db-wal", "netra.db-shm",
                                        "usage.db", "usage.db-wal", "usage.db-shm"};

struct restoring {
    const struct backup_restore_request *request;
    int lock_fd;
    char stage[DATA_PATH_BYTES_MAX]; /* in the data folder; "": not made yet */
    bool has_part[PARTS];
    struct backup_digest digests[PARTS];
    struct backup_manifest manifest;
};

static void restoring_done(struct restoring *restoring)
{
    if (restoring->stage[0]) {
        backup_remove_folder(restoring->stage);
    }
    backup_fd_close(&restoring->lock_fd);
}

static const char *part_name(unsigned part)
{
    return part < BACKUP_FILES ? backup_file_names[part] : BACKUP_MANIFEST_NAME;
}

/* PARTS: none of that name. */
static unsigned find_part(const char *name)
{
    unsigned part = 0;

    while (part < PARTS && strcmp(part_name(part), name) != 0) {
        part++;
    }
    return part;
}

/* ---- unpacking ---- */

static int unpack_part(struct restoring *restoring, unsigned part, int in, uint64_t bytes,
                       struct error *error)
{
    cleanup(backup_fd_close) int out = -1;
    char path[DATA_PATH_BYTES_MAX];
    int code = data_dir_path(restoring->stage, part_name(part), path, error);

    if (bytes > (part < BACKUP_FILES ? BACKUP_FILE_BYTES_MAX : BACKUP_MANIFEST_BYTES_MAX)) {
        return error_set(error, ERR_INVALID, "%s is too long", part_name(part));
    }
    code = code ? code : backup_create(path, &out, error);
    code = code ? code
                : backup_copy(in, out, bytes, part_name(part), &restoring->request->progress,
                              &restoring->digests[part], error);
    code = code ? code : backup_sync(out, path, error);
    restoring->has_part[part] = code == OK;
    return code;
}

/* *ret_has: false at the end of the bytes. */
static int read_block(int in, char block[TAR_BLOCK_BYTES], bool *ret_has, struct error *error)
{
    size_t length = 0;

    while (length < TAR_BLOCK_BYTES) {
        ssize_t got = read(in, block + length, TAR_BLOCK_BYTES - length);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return error_set(error, ERR_IO, "cannot read: %m");
        }
        if (got == 0) {
            break;
        }
        length += (size_t)got;
    }
    *ret_has = length == TAR_BLOCK_BYTES;
    return OK;
}

static int unpack_entry(struct restoring *restoring, int in, const char block[TAR_BLOCK_BYTES],
                        struct error *error)
{
    struct backup_digest ignored;
    struct tar_entry entry;
    int code = tar_read_header(block, &entry, error);

    if (code) {
        return code;
    }
    unsigned part = find_part(entry.name);
    if (part == PARTS || restoring->has_part[part]) {
        return error_set(error, ERR_INVALID, "it has a file that belongs to no back-up, or twice");
    }
    code = unpack_part(restoring, part, in, entry.bytes, error);
    return code ? code : backup_copy(in, -1, tar_padding(entry.bytes), "it", NULL, &ignored, error);
}

static int unpack_archive(struct restoring *restoring, struct error *error)
{
    cleanup(backup_fd_close) int in = -1;
    char block[TAR_BLOCK_BYTES];
    bool has_more = false;
    int code = backup_open(restoring->request->from, &in, NULL, error);

    code = code ? code : read_block(in, block, &has_more, error);
    while (!code && has_more && !tar_is_end(block)) {
        code = unpack_entry(restoring, in, block, error);
        code = code ? code : read_block(in, block, &has_more, error);
    }
    return code;
}

static int unpack_folder(struct restoring *restoring, struct error *error)
{
    int code = OK;

    for (unsigned part = PARTS; part-- > 0 && !code;) { /* the manifest first: it is the shortest */
        cleanup(backup_fd_close) int in = -1;
        char path[DATA_PATH_BYTES_MAX];
        uint64_t bytes = 0;

        code = data_dir_path(restoring->request->from, part_name(part), path, error);
        code = code ? code : backup_open(path, &in, &bytes, error);
        code = code ? code : unpack_part(restoring, part, in, bytes, error);
        if (code == ERR_NOT_FOUND) {
            (void)error_set(error, ERR_NOT_FOUND,
                            "%s is no back-up, or not a whole one: it has no %s",
                            restoring->request->from, part_name(part));
        }
    }
    return code;
}

static int unpack(struct restoring *restoring, struct error *error)
{
    struct error inner = {0};
    struct stat about;

    if (stat(restoring->request->from, &about)) {
        return error_set(error, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open %s: %m",
                         restoring->request->from);
    }
    if (S_ISDIR(about.st_mode)) {
        return unpack_folder(restoring, error);
    }
    int code = unpack_archive(restoring, &inner);
    for (unsigned part = 0; part < PARTS && !code; part++) {
        if (!restoring->has_part[part]) {
            code = error_set(&inner, ERR_INVALID, "it has no %s", part_name(part));
        }
    }
    return code ? error_set(error, code, "%s is no back-up, or not a whole one: %s",
                            restoring->request->from, inner.message)
                : OK;
}

/* ---- is it what it says ---- */

static int read_manifest(struct restoring *restoring, struct error *error)
{
    cleanup(backup_fd_close) int fd = -1;
    cleanup(buf_done) struct buf text;
    char path[DATA_PATH_BYTES_MAX];
    char bytes[4096];
    ssize_t length = 0;
    int code = data_dir_path(restoring->stage, BACKUP_MANIFEST_NAME, path, error);

    buf_init(&text, BACKUP_MANIFEST_BYTES_MAX);
    code = code ? code : backup_open(path, &fd, NULL, error);
    while (!code && (length = read(fd, bytes, sizeof(bytes))) > 0) {
        buf_append(&text, (struct str){bytes, (size_t)length});
    }
    if (!code && (length < 0 || buf_status(&text))) {
        code =
            error_set(error, length < 0 ? ERR_IO : buf_status(&text), "cannot read the manifest");
    }
    return code ? code : backup_manifest_read(buf_str(&text), &restoring->manifest, error);
}

static int compare_digests(const struct restoring *restoring, struct error *error)
{
    for (unsigned i = 0; i < BACKUP_FILES; i++) {
        const struct backup_file *said = &restoring->manifest.files[i];
        const struct backup_digest *found = &restoring->digests[i];

        if (said->bytes != found->bytes || strcmp(said->sha256, found->sha256) != 0) {
            return error_set(error, ERR_INVALID,
                             "%s is not the file that was backed up: %llu bytes with SHA-256 "
                             "%.16s…, not %llu with %.16s…",
                             backup_file_names[i], (unsigned long long)found->bytes, found->sha256,
                             (unsigned long long)said->bytes, said->sha256);
        }
    }
    return OK;
}

static int compare_rows(const struct backup_manifest *said, const struct backup_manifest *found,
                        struct error *error)
{
    for (unsigned i = 0; i < BACKUP_FILES; i++) {
        const struct table_list *tables = &said->files[i].tables;

        for (unsigned t = 0; t < tables->count; t++) {
            int64_t rows = inspection_rows_of(&found->files[i].tables, tables->tables[t].name);

            if (rows != tables->tables[t].rows) {
                return error_set(error, ERR_INVALID, "%s has %lld rows in %s, not %lld",
                                 backup_file_names[i], (long long)rows, tables->tables[t].name,
                                 (long long)tables->tables[t].rows);
            }
        }
        if (said->files[i].schema != found->files[i].schema ||
            tables->count != found->files[i].tables.count) {
            return error_set(error, ERR_INVALID, "%s has another schema than its manifest says",
                             backup_file_names[i]);
        }
    }
    return said->datasets_without_records == found->datasets_without_records
               ? OK
               : error_set(error, ERR_INVALID, "datasets lack their records");
}

static int examine(struct restoring *restoring, struct error *error)
{
    struct backup_manifest found = {0};
    int code = read_manifest(restoring, error);

    code = code ? code : compare_digests(restoring, error);
    code = code ? code
                : backup_examine(restoring->stage, &restoring->request->progress, &found, error);
    return code ? code : compare_rows(&restoring->manifest, &found, error);
}

/* ---- into the folder ---- */

static bool is_there(const char *folder, const char *name)
{
    char path[DATA_PATH_BYTES_MAX];
    struct stat about;

    return data_dir_path(folder, name, path, NULL) == OK && lstat(path, &about) == 0;
}

static bool has_data(const char *data_dir)
{
    bool has_data = is_there(data_dir, BACKUP_UNFINISHED_NAME);

    for (size_t i = 0; i < ARRAY_LENGTH(old_names) && !has_data; i++) {
        has_data = is_there(data_dir, old_names[i]);
    }
    return has_data;
}

static int refuse_data(const char *data_dir, struct error *error)
{
    (void)error_set(error, ERR_EXISTS, "%s has data already", data_dir);
    error_hint(error,
               "Name another folder with --data-dir; --force moves what is there aside, into "
               "a folder in it.");
    return ERR_EXISTS;
}

/* rename between two folders of the data folder; nothing there is fine. */
static int move(const char *from, const char *to, const char *name, struct error *error)
{
    char source[DATA_PATH_BYTES_MAX];
    char target[DATA_PATH_BYTES_MAX];
    int code = data_dir_path(from, name, source, error);

    code = code ? code : data_dir_path(to, name, target, error);
    if (!code && rename(source, target) && errno != ENOENT) {
        code = error_set(error, ERR_IO, "cannot move %s: %m", source);
    }
    return code;
}

static int move_aside(const char *data_dir, char name[64], struct error *error)
{
    struct civil_time now = civil_from_us(clock_now_us());
    char path[DATA_PATH_BYTES_MAX];

    (void)snprintf(name, 64, "before-restore-%04d%02d%02dT%02d%02d%02d%06d", now.year, now.month,
                   now.day, now.hour, now.minute, now.second, now.microsecond);
    int code = data_dir_path(data_dir, name, path, error);
    if (!code && mkdir(path, 0700)) {
        code = error_set(error, ERR_IO, "cannot make %s: %m", path);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(old_names) && !code; i++) {
        code = move(data_dir, path, old_names[i], error);
    }
    return code ? code : backup_sync_folder(path, error);
}

static int set_mark(const char *data_dir, char path[DATA_PATH_BYTES_MAX], struct error *error)
{
    cleanup(backup_fd_close) int fd = -1;
    int code = data_dir_path(data_dir, BACKUP_UNFINISHED_NAME, path, error);

    code = code ? code : backup_create(path, &fd, error);
    code = code == ERR_EXISTS ? OK : code;
    return code ? code : backup_sync_folder(data_dir, error);
}

static int switch_files(struct restoring *restoring, bool has_old, char aside[64],
                        struct error *error)
{
    const char *data_dir = restoring->request->data_dir;
    char mark[DATA_PATH_BYTES_MAX];
    int code = set_mark(data_dir, mark, error);

    if (!code && has_old) {
        code = move_aside(data_dir, aside, error);
    }
    for (unsigned i = 0; i < BACKUP_FILES && !code; i++) {
        code = move(restoring->stage, data_dir, backup_file_names[i], error);
    }
    code = code ? code : backup_sync_folder(data_dir, error);
    if (!code && unlink(mark)) {
        code = error_set(error, ERR_IO, "cannot remove %s: %m", mark);
    }
    return code ? code : backup_sync_folder(data_dir, error);
}

int backup_check_finished(const char *data_dir, struct error *error)
{
    if (!is_there(data_dir, BACKUP_UNFINISHED_NAME)) {
        return OK;
    }
    (void)error_set(error, ERR_IO, "cannot use %s: a restore of it was cut off", data_dir);
    error_hint(error, "Run netra restore again, with --force: the data that was there before is in "
                      "its folder before-restore-….");
    return ERR_IO;
}

static int begin(struct restoring *restoring, bool *ret_has_old, struct error *error)
{
    const char *data_dir = restoring->request->data_dir;
    int code = data_dir_make(data_dir, error);

    code = code ? code : data_dir_lock(data_dir, &restoring->lock_fd, error);
    if (code) {
        return code;
    }
    *ret_has_old = has_data(data_dir);
    if (*ret_has_old && !restoring->request->is_forced) {
        return refuse_data(data_dir, error);
    }
    char path[DATA_PATH_BYTES_MAX];
    code = data_dir_path(data_dir, STAGE_NAME, path, error);
    if (!code && !mkdtemp(path)) {
        return error_set(error, ERR_IO, "cannot make a folder in %s: %m", data_dir);
    }
    if (!code) {
        memcpy(restoring->stage, path, sizeof(path));
    }
    return code;
}

int backup_restore(const struct backup_restore_request *request,
                   struct backup_restored *ret_restored, struct error *error)
{
    cleanup(restoring_done) struct restoring restoring = {.request = request, .lock_fd = -1};
    struct backup_restored restored = {0};
    bool has_old = false;
    int code = begin(&restoring, &has_old, error);

    code = code ? code : unpack(&restoring, error);
    code = code ? code : examine(&restoring, error);
    code = code ? code : switch_files(&restoring, has_old, restored.aside, error);
    if (!code) {
        restored.manifest = restoring.manifest;
        *ret_restored = restored;
    }
    return code;
}
