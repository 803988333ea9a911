/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/loop_leftover.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "deploy/loop_files.h"

#define PROC_BYTES_MAX ((size_t)4 << 20) /* of a command line, or an environment */
#define LOOK_MS        20
#define PID_BYTES      64u

static bool read_of(int pid, const char *name, struct buf *text)
{
    char path[PID_BYTES];
    struct error ignored = {0};

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    buf_clear(text);
    return loop_files_read(path, text, &ignored) == OK;
}

/* Words are apart by NULs in both. */
static bool ends_with_words(struct str line, const char *const *words)
{
    size_t length = 0;

    for (size_t i = 0; words[i]; i++) {
        length += strlen(words[i]) + 1;
    }
    if (line.length < length ||
        (line.length > length && line.data[line.length - length - 1] != '\0')) {
        return false;
    }
    const char *at = line.data + line.length - length;
    for (size_t i = 0; words[i]; i++) {
        if (strcmp(at, words[i]) != 0) {
            return false;
        }
        at += strlen(at) + 1;
    }
    return true;
}

static bool has_variable(struct str environment, const char *folder)
{
    size_t begin = 0;

    while (begin < environment.length) {
        const char *at = environment.data + begin;

        if (strncmp(at, LOOP_LEFTOVER_VARIABLE, sizeof(LOOP_LEFTOVER_VARIABLE) - 1) == 0 &&
            strcmp(at + sizeof(LOOP_LEFTOVER_VARIABLE) - 1, folder) == 0) {
            return true;
        }
        begin += strlen(at) + 1;
    }
    return false;
}

/* A zombie has no command line any more, and what belongs to others no environment for us. */
static bool is_command(int pid, const char *const *words, const char *folder, struct buf *text)
{
    return read_of(pid, "cmdline", text) && ends_with_words(buf_str(text), words) &&
           read_of(pid, "environ", text) && has_variable(buf_str(text), folder);
}

static void pause_ms(long ms)
{
    const struct timespec time = {.tv_nsec = ms * 1000000};

    (void)nanosleep(&time, NULL);
}

static int end_one(int pid, const char *const *words, const char *folder, struct buf *text,
                   struct error *error)
{
    /* The head of its group, unless it was not started by child_run. */
    int target = getpgid(pid) == pid ? -pid : pid;

    (void)kill(target, SIGTERM);
    for (int waited = 0; is_command(pid, words, folder, text); waited += LOOK_MS) {
        if (waited >= LOOP_LEFTOVER_TERM_MS + LOOP_LEFTOVER_KILL_MS) {
            return error_set(error, ERR_IO, "process %d of the loop before does not end", pid);
        }
        if (waited >= LOOP_LEFTOVER_TERM_MS) {
            (void)kill(target, SIGKILL);
        }
        pause_ms(LOOK_MS);
    }
    return OK;
}

int loop_leftover_end(const char *const *words, const char *folder, struct error *error)
{
    cleanup(buf_done) struct buf text = {0};
    DIR *processes = opendir("/proc");
    int ended = 0;
    int code = OK;

    if (!processes) {
        return error_set(error, ERR_IO, "cannot look at the processes in /proc: %m");
    }
    buf_init(&text, PROC_BYTES_MAX);
    for (struct dirent *entry; !code && (entry = readdir(processes));) {
        int pid = (int)strtol(entry->d_name, NULL, 10); /* 0: not a process */

        if (pid > 1 && pid != getpid() && is_command(pid, words, folder, &text)) {
            code = end_one(pid, words, folder, &text, error);
            ended++;
        }
    }
    (void)closedir(processes);
    return code ? code : ended;
}
