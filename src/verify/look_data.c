/*
 * A server's data folder: room, rights, lock, and the heads of its databases. The lock is read from
 * the kernel's table: trying it would, for a moment, keep a server from starting.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/civil_time.h"
#include "verify/proc.h"

#define SUBJECT_BYTES     (LOOK_PATH_BYTES + 32)
#define HEAD_BYTES        100u /* of an SQLite file */
#define LOCK_WORDS        6u
#define USER_VERSION_AT   60u
#define CONFIG_LINE_BYTES 256u

static void note_of(struct looking *looking, const char *what, const char *path, const char *value)
{
    char subject[SUBJECT_BYTES];

    (void)snprintf(subject, sizeof(subject), "%s %s", what, path);
    look_note(looking, "disk", subject, "%s", value);
}

static void note_room(struct looking *looking, const char *data_dir)
{
    struct statvfs about;
    char text[32];

    if (statvfs(data_dir, &about)) {
        return;
    }
    (void)snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)about.f_bavail * about.f_frsize);
    note_of(looking, "free bytes of", data_dir, text);
    if (about.f_files) { /* some file systems do not count */
        (void)snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)about.f_favail);
        note_of(looking, "free files of", data_dir, text);
    }
    note_of(looking, "mount of", data_dir, about.f_flag & ST_RDONLY ? "read-only" : "writable");
}

static void note_rights(struct looking *looking, const char *data_dir)
{
    struct stat info;
    char text[96];

    if (stat(data_dir, &info)) {
        (void)snprintf(text, sizeof(text), "not to be looked at: %s", strerror(errno));
    } else {
        (void)snprintf(text, sizeof(text), "%s, mode %04o, of user %u",
                       S_ISDIR(info.st_mode) ? "a folder" : "no folder",
                       (unsigned)(info.st_mode & 07777), (unsigned)info.st_uid);
    }
    note_of(looking, "rights of", data_dir, text);
}

/* "fe:00:1234": numbers of the device in hexadecimal, then the file's. */
static bool names_file(struct str word, const struct stat *info)
{
    char *at;

    return strtoul(word.data, &at, 16) == major(info->st_dev) && *at == ':' &&
           strtoul(at + 1, &at, 16) == minor(info->st_dev) && *at == ':' &&
           strtoul(at + 1, NULL, 10) == info->st_ino;
}

/* "1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF"; -1: nobody. */
static long holder_of(const struct stat *info)
{
    FILE *file = fopen("/proc/locks", "re");
    struct str words[LOCK_WORDS];
    char line[256];
    long holder = -1;

    while (file && fgets(line, sizeof(line), file)) {
        if (proc_words(line, words, LOCK_WORDS) == LOCK_WORDS &&
            str_equal(words[1], STR("FLOCK")) && names_file(words[5], info)) {
            holder = strtol(words[4].data, NULL, 10);
        }
    }
    if (file) {
        (void)fclose(file);
    }
    return holder;
}

static void note_lock(struct looking *looking, const char *data_dir)
{
    char path[LOOK_PATH_BYTES];
    char text[48];
    struct stat info;

    (void)snprintf(path, sizeof(path), "%s/lock", data_dir);
    if (stat(path, &info)) {
        return;
    }
    long holder = holder_of(&info);
    if (holder > 0) {
        (void)snprintf(text, sizeof(text), "held by process %ld", holder);
    } else {
        (void)snprintf(text, sizeof(text), "%s",
                       holder == 0 ? "held by a process elsewhere" : "not held");
    }
    note_of(looking, "lock of", data_dir, text);
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* A write-ahead log may hold a later head than the file's. */
static bool has_wal(const char *path)
{
    char wal[LOOK_PATH_BYTES + 8];
    struct stat info;

    (void)snprintf(wal, sizeof(wal), "%s-wal", path);
    return stat(wal, &info) == 0 && info.st_size > 0;
}

static void note_database(struct looking *looking, const char *data_dir, const char *name)
{
    char path[LOOK_PATH_BYTES];
    char text[96];
    unsigned char head[HEAD_BYTES];

    (void)snprintf(path, sizeof(path), "%s/%s", data_dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        (void)snprintf(text, sizeof(text), errno == ENOENT ? "absent" : "not to be read: %s",
                       strerror(errno));
        note_of(looking, "file", path, text);
        return;
    }
    ssize_t got = read(fd, head, sizeof(head));
    (void)close(fd);
    if (got == 0) {
        (void)snprintf(text, sizeof(text), "empty");
    } else if (got < (ssize_t)sizeof(head) || memcmp(head, "SQLite format 3", 16) != 0) {
        (void)snprintf(text, sizeof(text), "no SQLite database");
    } else if (has_wal(path)) {
        (void)snprintf(text, sizeof(text), "SQLite database with a write-ahead log");
    } else {
        (void)snprintf(text, sizeof(text), "SQLite database of version %u",
                       big_endian(head + USER_VERSION_AT));
    }
    note_of(looking, "file", path, text);
}

void look_at_data(struct looking *looking)
{
    const char *data_dir = looking->options->data_dir;

    note_rights(looking, data_dir);
    note_room(looking, data_dir);
    note_lock(looking, data_dir);
    note_database(looking, data_dir, "netra.db");
    note_database(looking, data_dir, "usage.db");
}

/* ---- the configuration file ---- */

/* Keys whose values are no secrets and no names of people. */
static bool is_shown(struct str key)
{
    static const char *const keys[] = {
        "listen",
        "data_dir",
        "public_url",
        "auth.mode",
        "role",
        "deployment",
        "allowed_hosts",
        "allowed_origins",
        "http.connections_max",
        "http.connections_per_address_max",
        "limit.address_per_s",
        "runs.concurrent_max",
        "workers",
        "tls.cert_file",
        "llm.chain",
    };

    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (str_equal(key, str_from(keys[i]))) {
            return true;
        }
    }
    return false;
}

static void note_key(struct looking *looking, struct str line)
{
    char subject[CONFIG_LINE_BYTES];

    line = str_trim(line);
    size_t equals = line.length && line.data[0] != '#' ? str_find(line, STR("="), 0) : SIZE_MAX;
    if (equals == SIZE_MAX) {
        return;
    }
    struct str key = str_trim(str_slice(line, 0, equals));
    struct str value = str_trim(str_slice(line, equals + 1, line.length));
    if (is_shown(key)) {
        (void)snprintf(subject, sizeof(subject), "key %.*s", STR_ARGS(key));
        look_note(looking, "config", subject, "%.*s", STR_ARGS(value));
    }
}

void look_at_config(struct looking *looking)
{
    struct str rest;
    bool is_cut;

    if (!look_read_end(looking, looking->options->config_file, LOOK_FILE_BYTES_MAX, &rest,
                       &is_cut)) {
        look_note(looking, "config", "file", "cannot be read: %s", strerror(errno));
        return;
    }
    look_note(looking, "config", "file", "%zu bytes", rest.length);
    while (rest.length) {
        size_t end = str_find(rest, STR("\n"), 0);

        note_key(looking, str_slice(rest, 0, end == SIZE_MAX ? rest.length : end));
        rest = str_slice(rest, end == SIZE_MAX ? rest.length : end + 1, rest.length);
    }
}
