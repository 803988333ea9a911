/*
 * backup_manifest: manifest.json of a back-up: what was copied, from which version, and by what one
 * can tell that all of it is there.
 *
 *     {"format":"netra-backup-1", "netra":"0.6.0", "created_at":"2026-11-23T10:30:00.000000Z",
 *      "datasets_without_records":0,
 *      "files":[{"name":"netra.db","schema":3,"bytes":237568,"sha256":"…",
 *                "tables":{"answer":0,"api_key":2,…}}, {"name":"usage.db",…}]}
 *
 * It is written last, so that a folder or archive without one is no back-up. Reading trusts
 * nothing: every number is bounded, names are the two that there are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_BACKUP_MANIFEST_H
#define NETRA_STORE_BACKUP_MANIFEST_H

#include "base/buf.h"
#include "store/inspection.h"

#define BACKUP_FORMAT             "netra-backup-1"
#define BACKUP_MANIFEST_NAME      "manifest.json"
#define BACKUP_MANIFEST_BYTES_MAX 65536u
#define BACKUP_FILES              2u
#define BACKUP_VERSION_BYTES_MAX  31u
#define BACKUP_FILE_BYTES_MAX     (UINT64_C(1) << 46) /* 64 TiB */
#define BACKUP_SHA256_TEXT_BYTES  65u                 /* 64 hexadecimal digits and the NUL */

/* netra.db, usage.db: the order of everything that has one for each. */
extern const char *const backup_file_names[BACKUP_FILES];

struct backup_file {
    uint64_t bytes;
    char sha256[BACKUP_SHA256_TEXT_BYTES]; /* lower case */
    int schema;
    struct table_list tables;
};

struct backup_manifest {
    char netra[BACKUP_VERSION_BYTES_MAX + 1]; /* the version that made it */
    int64_t created_us;                       /* all that was acknowledged before is in it */
    uint64_t datasets_without_records;        /* that were ready and had none: damage from before */
    struct backup_file files[BACKUP_FILES];
};

/* ERR_INVALID (no manifest, or one that contradicts itself), ERR_UNSUPPORTED (of another format),
 * ERR_LIMIT, ERR_NO_MEMORY. */
must_check int backup_manifest_read(struct str text, struct backup_manifest *ret_manifest,
                                    struct error *error);

/* Appends; the failures are the buf's. */
void backup_manifest_write(const struct backup_manifest *manifest, struct buf *out);

#endif
