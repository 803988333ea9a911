/*
 * The data folder, from outside.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "server/checks.h"
#include "server/doctor_state.h"
#include "store/backup.h"
#include "store/data_dir.h"

static void look_at_rights(struct doctor *doctor, const struct stat *about)
{
    if (access(doctor->data_dir, R_OK | W_OK | X_OK)) {
        doctor_say(doctor, DOCTOR_PROBLEM, "data folder",
                   "It must belong to the user that runs netra, on a disk that can be written.",
                   "%.180s cannot be written by user %u: %s", doctor->data_dir, (unsigned)geteuid(),
                   strerror(errno));
    } else if (about->st_mode & (S_IRWXG | S_IRWXO)) {
        doctor_say(doctor, DOCTOR_WARNING, "data folder",
                   "chmod 700: it has prompts, e-mails and hashes of passwords.",
                   "%.180s is open to others (mode %03o)", doctor->data_dir,
                   (unsigned)about->st_mode & 0777);
    } else {
        doctor_say(doctor, DOCTOR_OK, "data folder", NULL, "%.200s, of user %u, mode %03o",
                   doctor->data_dir, (unsigned)about->st_uid, (unsigned)about->st_mode & 0777);
    }
}

/* A file of another user is one that was made by hand, often as root. */
static void look_at_files(struct doctor *doctor, const struct stat *folder)
{
    DIR *stream = opendir(doctor->data_dir);
    const struct dirent *entry;

    while (stream && (entry = readdir(stream))) {
        struct stat about;

        if (fstatat(dirfd(stream), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) ||
            !S_ISREG(about.st_mode)) {
            continue;
        }
        if (about.st_uid != folder->st_uid) {
            doctor_say(doctor, DOCTOR_PROBLEM, "data files", "chown it to the folder's owner.",
                       "%.100s belongs to user %u, and its folder to user %u", entry->d_name,
                       (unsigned)about.st_uid, (unsigned)folder->st_uid);
        } else if (about.st_mode & (S_IRWXG | S_IRWXO)) {
            doctor_say(doctor, DOCTOR_WARNING, "data files", "chmod 600.",
                       "%.100s is open to others (mode %03o)", entry->d_name,
                       (unsigned)about.st_mode & 0777);
        }
    }
    if (stream) {
        (void)closedir(stream);
    }
}

static void look_at_room(struct doctor *doctor)
{
    struct statvfs about;

    if (statvfs(doctor->data_dir, &about)) {
        doctor_say(doctor, DOCTOR_UNKNOWN, "disk", NULL, "needs to look at the disk: %s",
                   strerror(errno));
        return;
    }
    uint64_t free_bytes = (uint64_t)about.f_bavail * about.f_frsize;
    bool is_low = free_bytes < CHECKS_DISK_BYTES_LOW;
    bool has_few = about.f_files && about.f_favail < DOCTOR_INODES_LOW;
    enum doctor_state state = free_bytes < CHECKS_DISK_BYTES_LEAST ? DOCTOR_PROBLEM
                              : is_low || has_few                  ? DOCTOR_WARNING
                                                                   : DOCTOR_OK;
    doctor_say(doctor, state, "disk",
               state == DOCTOR_OK ? NULL : "Make room, or delete datasets and old back-ups.",
               "%llu MiB and %llu files are free where the data is",
               (unsigned long long)(free_bytes >> 20), (unsigned long long)about.f_favail);
}

static void look_at_holder(struct doctor *doctor)
{
    int code = data_dir_find_holder(doctor->data_dir, &doctor->holder);

    doctor->is_used = code != 0;
    if (code == 1) {
        doctor_say(doctor, DOCTOR_OK, "lock", NULL, "process %d uses the folder", doctor->holder);
    } else if (code == 0) {
        doctor_say(doctor, DOCTOR_OK, "lock", NULL, "no process uses the folder");
    } else {
        doctor_say(doctor, DOCTOR_UNKNOWN, "lock", NULL, "needs to read %.180s/lock",
                   doctor->data_dir);
    }
}

void doctor_look_at_folder(struct doctor *doctor)
{
    struct error error = {0};
    struct stat about;

    if (!doctor->data_dir) {
        return;
    }
    int result = stat(doctor->data_dir, &about);
    if (result || !S_ISDIR(about.st_mode)) {
        bool is_new = result && errno == ENOENT;

        doctor_say(doctor, is_new ? DOCTOR_UNKNOWN : DOCTOR_PROBLEM, "data folder",
                   is_new ? "Name the folder with --data-dir, or start the server: it makes one."
                          : "It must be a folder of the user that runs netra.",
                   is_new ? "needs a folder: there is no %.200s" : "%.200s is no folder",
                   doctor->data_dir);
        return;
    }
    doctor->has_folder = true;
    look_at_rights(doctor, &about);
    look_at_files(doctor, &about);
    look_at_holder(doctor);
    look_at_room(doctor);
    if (backup_check_finished(doctor->data_dir, &error)) {
        doctor_say_error(doctor, DOCTOR_PROBLEM, "restore", &error);
    }
}
