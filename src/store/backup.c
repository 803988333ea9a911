/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/civil_time.h"
#include "store/data_dir.h"
#include "store/database.h"
#include "store/dataset_match.h"
#include "store/snapshot.h"
#include "store/store_schema.h"
#include "store/tar.h"

#define STEP_PAGES    256 /* 1 MiB of netra.db, 4 MiB of usage.db: then progress is told */
#define BUSY_TRIES    500
#define BUSY_PAUSE_NS 10000000

static const struct schema *const schemas[BACKUP_FILES] = {&store_schema, &usage_schema};

/* ---- copies ---- */

struct page_copy {
    sqlite3 *to;
    sqlite3_backup *backup;
};

static void page_copy_done(struct page_copy *copy)
{
    (void)sqlite3_backup_finish(copy->backup);
    database_close(copy->to);
}

static int open_copy(sqlite3 *from, const char *path, struct page_copy *copy, struct error *error)
{
    int code = data_dir_touch(path, error);

    if (code) {
        return code;
    }
    int result = sqlite3_open_v2(path, &copy->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                                 /* vfs: the default */ NULL);
    if (!result) { /* nobody reads it before it is whole: it is made durable at the end, once */
        result = database_run(copy->to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
    }
    if (!result) {
        copy->backup = sqlite3_backup_init(copy->to, "main", from, "main");
        result = copy->backup ? SQLITE_OK : sqlite3_errcode(copy->to);
    }
    return result ? database_fail(copy->to, result, "make the copy", error) : OK;
}

/* SQLITE_BUSY is another program's look at the copy, nothing of ours. */
static int copy_pages(sqlite3_backup *backup, const char *name,
                      const struct backup_progress *progress, int page_bytes, struct error *error)
{
    static const struct timespec pause = {0, BUSY_PAUSE_NS};
    int busy = 0;
    int code = OK;
    int result = SQLITE_OK;

    while (!code && result != SQLITE_DONE) {
        result = sqlite3_backup_step(backup, STEP_PAGES);
        if ((result == SQLITE_BUSY || result == SQLITE_LOCKED) && ++busy < BUSY_TRIES) {
            (void)nanosleep(&pause, NULL);
        } else if (result && result != SQLITE_DONE) {
            return database_fail(NULL, result, "copy its pages", error);
        }
        uint64_t total = (uint64_t)sqlite3_backup_pagecount(backup) * (uint64_t)page_bytes;
        uint64_t left = (uint64_t)sqlite3_backup_remaining(backup) * (uint64_t)page_bytes;
        code = backup_show(progress, name, total - left, total, error);
    }
    return code;
}

static int copy_database(sqlite3 *from, const char *folder, const char *name,
                         const struct backup_progress *progress, struct error *error)
{
    cleanup(page_copy_done) struct page_copy copy = {0};
    char path[DATA_PATH_BYTES_MAX];
    int64_t page_bytes = 0;
    int code = data_dir_path(folder, name, path, error);

    (void)inspection_number(from, "PRAGMA page_size", &page_bytes);
    code = code ? code : open_copy(from, path, &copy, error);
    code = code ? code : copy_pages(copy.backup, name, progress, (int)page_bytes, error);
    if (!code) {
        (void)sqlite3_backup_finish(TAKE(copy.backup));
        int result = database_run(copy.to, "PRAGMA journal_mode = DELETE");
        code = result ? database_fail(copy.to, result, "finish the copy", error) : OK;
    }
    return code;
}

/* ---- what the copies are ---- */

static int examine_file(sqlite3 *db, unsigned which, struct backup_manifest *manifest,
                        struct error *error)
{
    int code = inspection_check_pages(db, /* is_quick */ false, error);

    code = code ? code : inspection_check_references(db, error);
    return code ? code : inspection_count_rows(db, &manifest->files[which].tables, error);
}

static void databases_close(sqlite3 *(*dbs)[BACKUP_FILES])
{
    for (unsigned i = 0; i < BACKUP_FILES; i++) {
        database_close((*dbs)[i]);
    }
}

int backup_examine(const char *folder, const struct backup_progress *progress,
                   struct backup_manifest *manifest, struct error *error)
{
    cleanup(databases_close) sqlite3 *dbs[BACKUP_FILES] = {0};
    struct dataset_match match = {0};
    int code = OK;

    for (unsigned i = 0; i < BACKUP_FILES && !code; i++) {
        struct error inner = {0};

        code = database_open_as_found(folder, schemas[i], /* is_still */ true, &dbs[i],
                                      &manifest->files[i].schema, error);
        code = code ? code : backup_show(progress, backup_file_names[i], 0, 0, error);
        if (!code && (code = examine_file(dbs[i], i, manifest, &inner))) {
            (void)error_set(error, code, "%s: %s", backup_file_names[i], inner.message);
        }
    }
    code = code ? code : dataset_match_find(dbs[0], dbs[1], /* counts_rows */ true, &match, error);
    manifest->datasets_without_records = match.without_records;
    return code;
}

/* ---- an archive of the folder ---- */

static int pack_file(int out, const char *folder, const char *name, int64_t created_us,
                     const struct backup_progress *progress, struct error *error)
{
    static const char zeros[TAR_BLOCK_BYTES] = {0};
    cleanup(backup_fd_close) int in = -1;
    char path[DATA_PATH_BYTES_MAX];
    struct backup_digest digest;
    uint64_t bytes = 0;
    int code = data_dir_path(folder, name, path, error);

    code = code ? code : backup_open(path, &in, &bytes, error);
    if (!code) {
        char header[TAR_BLOCK_BYTES];

        tar_write_header(name, bytes, created_us / SECOND_US, header);
        code = backup_write(out, header, sizeof(header), error);
    }
    code = code ? code : backup_copy(in, out, bytes, name, progress, &digest, error);
    return code ? code : backup_write(out, zeros, tar_padding(bytes), error);
}

/* The manifest is the last, as in the folder: an archive that was cut has none. */
static int pack(const char *folder, const char *path, const struct backup_manifest *manifest,
                const struct backup_progress *progress, struct error *error)
{
    static const char end[2 * TAR_BLOCK_BYTES] = {0};
    cleanup(backup_fd_close) int out = -1;
    int code = backup_create(path, &out, error);

    for (unsigned i = 0; i < BACKUP_FILES && !code; i++) {
        code = pack_file(out, folder, backup_file_names[i], manifest->created_us, progress, error);
    }
    code = code ? code
                : pack_file(out, folder, BACKUP_MANIFEST_NAME, manifest->created_us, NULL, error);
    code = code ? code : backup_write(out, end, sizeof(end), error);
    return code ? code : backup_sync(out, path, error);
}

/* ---- the whole ---- */

/* A back-up under construction. */
struct making {
    const struct backup_request *request;
    struct snapshot snapshot;
    char folder[DATA_PATH_BYTES_MAX];  /* out.partial-…; "": not made yet */
    char archive[DATA_PATH_BYTES_MAX]; /* in it; "": none */
    char parent[DATA_PATH_BYTES_MAX];  /* of out */
    bool is_archive;
};

/* What is left of one that failed; the folder of one that became an archive. */
static void making_done(struct making *making)
{
    snapshot_end(&making->snapshot);
    if (making->archive[0]) {
        (void)unlink(making->archive);
    }
    if (making->folder[0]) {
        backup_remove_folder(making->folder);
    }
}

static void find_parent(const char *path, char parent[DATA_PATH_BYTES_MAX])
{
    (void)snprintf(parent, DATA_PATH_BYTES_MAX, "%s", path);
    char *slash = strrchr(parent, '/');
    if (!slash) {
        (void)snprintf(parent, DATA_PATH_BYTES_MAX, ".");
    } else {
        slash[slash == parent] = '\0';
    }
}

/* "out" without slashes behind it, which would be a name in a folder that is not there. */
static int make_folder(struct making *making, struct error *error)
{
    struct str out = str_from(making->request->out);
    char path[DATA_PATH_BYTES_MAX];
    struct stat about;

    while (out.length > 1 && out.data[out.length - 1] == '/') {
        out.length--;
    }
    int length = snprintf(path, sizeof(path), "%.*s%s", STR_ARGS(out), BACKUP_PARTIAL);
    if (out.length == 0 || length < 0 || (size_t)length >= sizeof(path) - TAR_NAME_BYTES_MAX) {
        return error_set(error, ERR_INVALID, "there is no place for a back-up at \"%.100s\"",
                         making->request->out);
    }
    making->is_archive = str_ends_with(out, STR(".tar"));
    if (lstat(making->request->out, &about) == 0) {
        (void)error_set(error, ERR_EXISTS, "%s is there already", making->request->out);
        error_hint(error, "Each back-up gets a place of its own: choose another name.");
        return ERR_EXISTS;
    }
    find_parent(path, making->parent);
    if (!mkdtemp(path)) {
        return error_set(error, ERR_IO, "cannot make a folder in %s: %m", making->parent);
    }
    (void)snprintf(making->folder, sizeof(making->folder), "%s", path);
    return OK;
}

static int check_room(const struct making *making, struct error *error)
{
    struct statvfs about;
    uint64_t needed = 0;

    for (unsigned i = 0; i < BACKUP_FILES; i++) {
        int64_t pages = 0;
        int64_t page_bytes = 0;

        (void)inspection_number(making->snapshot.dbs[i], "PRAGMA page_count", &pages);
        (void)inspection_number(making->snapshot.dbs[i], "PRAGMA page_size", &page_bytes);
        needed += (uint64_t)pages * (uint64_t)page_bytes;
    }
    needed *= making->is_archive ? 2 : 1;
    if (statvfs(making->folder, &about)) {
        return OK; /* the disk will say so itself */
    }
    uint64_t free_bytes = (uint64_t)about.f_bavail * about.f_frsize;
    if (free_bytes < needed) {
        (void)error_set(error, ERR_LIMIT, "there is no room: %llu MB are needed, %llu MB are free",
                        (unsigned long long)(needed >> 20), (unsigned long long)(free_bytes >> 20));
        error_hint(error, "Make room on the disk, or name another with --out%s.",
                   making->is_archive ? " (an archive needs twice the data's size for a while)"
                                      : "");
        return ERR_LIMIT;
    }
    return OK;
}

static int write_manifest(const char *folder, const struct backup_manifest *manifest,
                          struct error *error)
{
    cleanup(backup_fd_close) int fd = -1;
    cleanup(buf_done) struct buf text;
    char path[DATA_PATH_BYTES_MAX];

    buf_init(&text, BACKUP_MANIFEST_BYTES_MAX);
    backup_manifest_write(manifest, &text);
    int code = buf_status(&text);
    if (code) {
        return error_set(error, code, "cannot write the manifest: %s", error_code_text(code));
    }
    code = data_dir_path(folder, BACKUP_MANIFEST_NAME, path, error);
    code = code ? code : backup_create(path, &fd, error);
    code = code ? code : backup_write(fd, text.data, text.length, error);
    return code ? code : backup_sync(fd, path, error);
}

/* Copies; each file is let go of as soon as it is copied, so that its WAL can go home. */
static int copy_all(struct making *making, struct error *error)
{
    int code = OK;

    for (unsigned i = 0; i < BACKUP_FILES && !code; i++) {
        struct error inner = {0};

        code = copy_database(making->snapshot.dbs[i], making->folder, backup_file_names[i],
                             &making->request->progress, &inner);
        if (code) {
            (void)error_set(error, code, "%s: %s", backup_file_names[i], inner.message);
            error_hint(error, "%s", inner.hint);
        }
        database_close(TAKE(making->snapshot.dbs[i]));
    }
    return code;
}

static int seal_all(const struct making *making, struct backup_manifest *manifest,
                    struct error *error)
{
    int code = OK;

    for (unsigned i = 0; i < BACKUP_FILES && !code; i++) {
        struct backup_digest digest = {0};
        char path[DATA_PATH_BYTES_MAX];

        code = data_dir_path(making->folder, backup_file_names[i], path, error);
        code = code ? code
                    : backup_seal_file(path, backup_file_names[i], &making->request->progress,
                                       &digest, error);
        manifest->files[i].bytes = digest.bytes;
        memcpy(manifest->files[i].sha256, digest.sha256, sizeof(digest.sha256));
    }
    code = code ? code : write_manifest(making->folder, manifest, error);
    return code ? code : backup_sync_folder(making->folder, error);
}

/* Under its own name, at last. */
static int publish(struct making *making, const struct backup_manifest *manifest,
                   struct error *error)
{
    int code = OK;

    if (making->is_archive) {
        char path[DATA_PATH_BYTES_MAX];

        code = data_dir_path(making->folder, "archive", path, error);
        if (!code) {
            memcpy(making->archive, path, sizeof(path));
            code = pack(making->folder, path, manifest, &making->request->progress, error);
        }
        code = code ? code : backup_rename_new(path, making->request->out, error);
    } else {
        code = backup_rename_new(making->folder, making->request->out, error);
        making->folder[code ? strlen(making->folder) : 0] = '\0';
    }
    return code ? code : backup_sync_folder(making->parent, error);
}

int backup_make(const struct backup_request *request, struct backup_manifest *ret_manifest,
                struct error *error)
{
    cleanup(making_done) struct making making = {.request = request};
    struct backup_manifest manifest = {.netra = NETRA_VERSION};
    int code = make_folder(&making, error);

    code = code ? code : snapshot_begin(request->data_dir, &making.snapshot, error);
    manifest.created_us = making.snapshot.began_us;
    code = code ? code : check_room(&making, error);
    code = code ? code : copy_all(&making, error);
    code = code ? code : backup_examine(making.folder, &request->progress, &manifest, error);
    code = code ? code : seal_all(&making, &manifest, error);
    code = code ? code : publish(&making, &manifest, error);
    if (!code) {
        *ret_manifest = manifest;
    }
    return code;
}
