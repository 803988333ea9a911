/*
 * backup: a data folder as a folder or a tar archive of its own, made while a server writes in it,
 * and brought back.
 *
 *     OUT/ or OUT.tar:  netra.db  usage.db  manifest.json        mode 0600, the folder 0700
 *
 *     backup_make      snapshot (snapshot.h) → a copy of each file → checks of the copies → digests
 *                      → manifest → OUT, which is there wholly or not at all
 *     backup_restore   lock → unpacked beside the data → digests, pages, rows against the manifest
 *                      → the old files aside → the new ones in
 *
 * What is copied is all that lasts. Not in it: lock; the configuration, with the secret that seals
 * the signing keys (NETRA_AUTH_SECRET): without the same one, a restored folder signs with new
 * keys only when the old ones are deleted; logs. The copies hold what the data folder holds in
 * clear: prompts, e-mails, hashes of passwords and keys. They are not encrypted.
 *
 * The copies are ordinary SQLite files in rollback mode, so that any tool can read them, also from
 * a disk that cannot be written. Everything here blocks; any thread, one call at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_BACKUP_H
#define NETRA_STORE_BACKUP_H

#include "store/backup_file.h"

/* At its end, mkdtemp's six characters. */
#define BACKUP_PARTIAL ".partial-XXXXXX"

/* In a data folder: a restore that was cut off in its last step. A server does not start on it, a
 * restore with force does its work again. */
#define BACKUP_UNFINISHED_NAME "restore-unfinished"

struct backup_request {
    const char *data_dir;
    const char *out; /* ends with ".tar": an archive; else a folder; must not be there yet */
    struct backup_progress progress;
};

/* ERR_EXISTS (out), ERR_NOT_FOUND (no data), ERR_INVALID (the data is damaged), ERR_UNSUPPORTED (of
 * a newer version), ERR_LIMIT (no room), ERR_CANCELLED, ERR_IO, ERR_NO_MEMORY. After a failure
 * nothing is at out; a process that is killed leaves out.partial-…, which has no manifest. */
must_check int backup_make(const struct backup_request *request,
                           struct backup_manifest *ret_manifest, struct error *error);

struct backup_restore_request {
    const char *from; /* what backup_make made */
    const char *data_dir;
    bool is_forced; /* data that is there goes aside, into before-restore-TIME */
    struct backup_progress progress;
};

struct backup_restored {
    struct backup_manifest manifest;
    char aside[64]; /* name of the folder in the data folder; empty: there was nothing */
};

/* ERR_EXISTS (data is there, and not is_forced), ERR_INVALID (not what the manifest says, or
 * damaged), ERR_UNSUPPORTED, ERR_NOT_FOUND (no back-up), ERR_CANCELLED, ERR_IO (also: a process is
 * using the folder), ERR_NO_MEMORY. Until its last step, which renames, the folder is as it was. */
must_check int backup_restore(const struct backup_restore_request *request,
                              struct backup_restored *ret_restored, struct error *error);

/* ERR_IO, with a hint, when a restore of the folder was cut off. */
must_check int backup_check_finished(const char *data_dir, struct error *error);

/* What both do with files that were copied: pages, references, rows and the match of datasets,
 * into manifest (files' schema and tables, datasets_without_records). ERR_INVALID, ERR_IO … */
must_check int backup_examine(const char *folder, const struct backup_progress *progress,
                              struct backup_manifest *manifest, struct error *error);

#endif
