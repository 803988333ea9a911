/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/proc.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/civil_time.h"
#include "verify/wire.h"

#define LINE_BYTES    512u
#define SUBJECT_BYTES 128u
#define FIELDS_BEFORE 19 /* of /proc/PID/stat, between the state and the start */

static void close_file(FILE **file)
{
    if (*file) {
        (void)fclose(*file);
    }
}

size_t proc_words(const char *line, struct str *ret_words, size_t max)
{
    size_t count = 0;

    for (const char *at = line; count < max;) {
        at += strspn(at, " \t\n");
        size_t length = strcspn(at, " \t\n");

        if (length == 0) {
            break;
        }
        ret_words[count++] = (struct str){at, length};
        at += length;
    }
    return count;
}

static FILE *open_of(pid_t pid, const char *name)
{
    char path[PROC_PATH_BYTES];

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return fopen(path, "re");
}

/* A program that lies under another name, as a target keeps it, is still told how it was called. */
static bool is_called_netra(pid_t pid)
{
    cleanup(close_file) FILE *file = open_of(pid, "cmdline");
    char line[LINE_BYTES] = "";

    if (!file || fread(line, 1, sizeof(line) - 1, file) == 0) {
        return false;
    }
    const char *slash = strrchr(line, '/');
    return strcmp(slash ? slash + 1 : line, "netra") == 0;
}

bool proc_program(pid_t pid, char ret_name[PROC_NAME_BYTES])
{
    cleanup(close_file) FILE *file = open_of(pid, "comm");

    if (is_called_netra(pid)) {
        (void)snprintf(ret_name, PROC_NAME_BYTES, "netra");
        return true;
    }

    if (!file || !fgets(ret_name, PROC_NAME_BYTES, file)) {
        return false;
    }
    for (char *at = ret_name; *at; at++) {
        *at = *at == '\n' ? '\0' : *at < ' ' ? '?' : *at;
    }
    return true;
}

/* "PID (any name) S ppid …": what is behind the last parenthesis. */
static bool read_stat(pid_t pid, char line[LINE_BYTES * 2], const char **ret_behind)
{
    cleanup(close_file) FILE *file = open_of(pid, "stat");
    char *end = file && fgets(line, (int)LINE_BYTES * 2, file) ? strrchr(line, ')') : NULL;

    if (!end || end[1] != ' ' || !end[2]) {
        return false;
    }
    *ret_behind = end + 2;
    return true;
}

bool proc_state(pid_t pid, char ret_state[PROC_STATE_BYTES])
{
    char line[LINE_BYTES * 2];
    const char *behind;

    if (!read_stat(pid, line, &behind)) {
        return false;
    }
    const char *is = behind[0] == 'T' || behind[0] == 't'   ? "stopped"
                     : behind[0] == 'Z' || behind[0] == 'X' ? "ended"
                     : behind[0] == 'R'                     ? "alive (running)"
                     : behind[0] == 'D'                     ? "alive (waits for the disk)"
                                                            : "alive (waiting)";
    (void)snprintf(ret_state, PROC_STATE_BYTES, "%s", is);
    return true;
}

int64_t proc_started_us(pid_t pid)
{
    char line[LINE_BYTES * 2];
    const char *at;
    struct timespec up;
    long ticks_per_s = sysconf(_SC_CLK_TCK);

    if (!read_stat(pid, line, &at) || ticks_per_s <= 0 || clock_gettime(CLOCK_BOOTTIME, &up)) {
        return 0;
    }
    for (int i = 0; i < FIELDS_BEFORE && at; i++) {
        at = strchr(at + 1, ' ');
    }
    if (!at) {
        return 0;
    }
    int64_t since_boot_us = (int64_t)strtoll(at, NULL, 10) * SECOND_US / ticks_per_s;
    int64_t boot_us = wire_wall_us() - ((int64_t)up.tv_sec * SECOND_US + up.tv_nsec / 1000);
    return boot_us + since_boot_us;
}

static unsigned count_files(pid_t pid)
{
    char path[PROC_PATH_BYTES];
    unsigned count = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        count += entry->d_name[0] != '.';
    }
    if (folder) {
        (void)closedir(folder);
    }
    return count;
}

/* The soft limit of a line of /proc/PID/limits; UINT64_MAX: none. */
static bool limit_of(const char *line, const char *name, uint64_t *ret_limit)
{
    size_t length = strlen(name);

    if (strncmp(line, name, length) != 0) {
        return false;
    }
    const char *at = line + length + strspn(line + length, " ");
    *ret_limit = *at >= '0' && *at <= '9' ? strtoull(at, NULL, 10) : UINT64_MAX;
    return true;
}

void look_at_limits(struct looking *looking, const char *kind, const char *whose, pid_t pid)
{
    cleanup(close_file) FILE *file = open_of(pid, "limits");
    char line[LINE_BYTES];
    char subject[SUBJECT_BYTES];
    uint64_t limit;

    while (file && fgets(line, sizeof(line), file)) {
        if (limit_of(line, "Max file size", &limit) && limit != UINT64_MAX) {
            (void)snprintf(subject, sizeof(subject), "file size limit of %s", whose);
            look_note(looking, kind, subject, "%" PRIu64, limit);
        } else if (limit_of(line, "Max data size", &limit) && limit != UINT64_MAX) {
            (void)snprintf(subject, sizeof(subject), "memory limit of %s", whose);
            look_note(looking, kind, subject, "%" PRIu64 " bytes (RLIMIT_DATA)", limit);
        } else if (limit_of(line, "Max open files", &limit)) {
            unsigned used = count_files(pid);

            (void)snprintf(subject, sizeof(subject), "files of %s", whose);
            if (used) {
                look_note(looking, kind, subject, "%u of %" PRIu64, used, limit);
            }
        }
    }
}
