/*
 * The newest back-up of a folder, by its manifest: of a folder the file in it, of an archive the
 * entry of that name, which is found by going from head to head.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/civil_time.h"
#include "loop/clock.h"
#include "server/doctor_state.h"
#include "store/backup.h"
#include "store/data_dir.h"
#include "store/tar.h"

#define ENTRIES_MAX 16 /* of an archive: it has three */

/* The text of a manifest from where fd is. */
static int read_manifest(int fd, uint64_t bytes, struct backup_manifest *ret_manifest)
{
    char text[BACKUP_MANIFEST_BYTES_MAX];
    size_t length = 0;

    while (bytes <= sizeof(text) && length < bytes) {
        ssize_t got = read(fd, text + length, (size_t)bytes - length);

        if (got <= 0) {
            break;
        }
        length += (size_t)got;
    }
    return length == bytes ? backup_manifest_read((struct str){text, length}, ret_manifest, NULL)
                           : ERR_INVALID;
}

static int read_archive(int fd, struct backup_manifest *ret_manifest)
{
    char block[TAR_BLOCK_BYTES];
    struct tar_entry entry;

    for (int i = 0; i < ENTRIES_MAX; i++) {
        if (read(fd, block, sizeof(block)) != (ssize_t)sizeof(block) ||
            tar_read_header(block, &entry, NULL)) {
            break;
        }
        if (strcmp(entry.name, BACKUP_MANIFEST_NAME) == 0) {
            return read_manifest(fd, entry.bytes, ret_manifest);
        }
        if (entry.bytes > BACKUP_FILE_BYTES_MAX ||
            lseek(fd, (off_t)(entry.bytes + tar_padding(entry.bytes)), SEEK_CUR) < 0) {
            break;
        }
    }
    return ERR_INVALID;
}

static int read_backup(const char *path, struct backup_manifest *ret_manifest)
{
    cleanup(backup_fd_close) int fd = -1;
    char name[DATA_PATH_BYTES_MAX];
    struct stat about;
    uint64_t bytes = 0;

    if (stat(path, &about)) {
        return ERR_IO;
    }
    if (!S_ISDIR(about.st_mode)) {
        int code = backup_open(path, &fd, NULL, NULL);

        return code ? code : read_archive(fd, ret_manifest);
    }
    int code = data_dir_path(path, BACKUP_MANIFEST_NAME, name, NULL);
    code = code ? code : backup_open(name, &fd, &bytes, NULL);
    return code ? code : read_manifest(fd, bytes, ret_manifest);
}

struct newest {
    struct backup_manifest manifest;
    char name[256];
    unsigned count;
};

static void find_newest(DIR *stream, const char *folder, struct newest *newest)
{
    const struct dirent *entry;

    for (unsigned i = 0; i < DOCTOR_BACKUPS_MAX && (entry = readdir(stream)); i++) {
        struct backup_manifest manifest = {0};
        char path[DATA_PATH_BYTES_MAX];

        if (entry->d_name[0] == '.' ||
            str_find(str_from(entry->d_name), STR(".partial-"), 0) != SIZE_MAX ||
            data_dir_path(folder, entry->d_name, path, NULL) || read_backup(path, &manifest)) {
            continue;
        }
        if (newest->count++ == 0 || manifest.created_us > newest->manifest.created_us) {
            newest->manifest = manifest;
            (void)snprintf(newest->name, sizeof(newest->name), "%s", entry->d_name);
        }
    }
}

void doctor_look_at_backups(struct doctor *doctor)
{
    const char *folder = doctor->request->backups;
    struct newest newest = {0};
    DIR *stream = folder ? opendir(folder) : NULL;

    if (!folder) {
        return;
    }
    if (!stream) {
        doctor_say(doctor, DOCTOR_PROBLEM, "back-ups", "Name the folder with the back-ups.",
                   "%.200s cannot be read: %s", folder, strerror(errno));
        return;
    }
    find_newest(stream, folder, &newest);
    (void)closedir(stream);
    int64_t hours = (clock_now_us() - newest.manifest.created_us) / HOUR_US;
    if (!newest.count) {
        doctor_say(doctor, DOCTOR_PROBLEM, "back-ups", "Make one: netra backup --out PLACE.",
                   "there is none in %.200s", folder);
    } else {
        bool is_old = hours > DOCTOR_BACKUP_HOURS;

        doctor_say(doctor, is_old ? DOCTOR_WARNING : DOCTOR_OK, "back-ups",
                   is_old ? "Make one: netra backup --out PLACE; let a timer do it." : NULL,
                   "%u, the newest (%.100s) is %lld hours old", newest.count, newest.name,
                   (long long)hours);
    }
}
