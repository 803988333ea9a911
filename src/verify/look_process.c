/*
 * The process of a process file, as whoever started it left it, and what the machine still knows of
 * it. A number that belongs to another process by now is told by when that one was started.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/civil_time.h"
#include "verify/facts.h"
#include "verify/proc.h"

#define SUBJECT_BYTES  128u
#define WHOSE_BYTES    32u
#define START_SLACK_US (5 * SECOND_US) /* between a start and its note */
#define PLACES_BYTES   200u
#define SIGNAL_MAX     64

struct process {
    char whose[WHOSE_BYTES]; /* "process 4711" */
    struct json_value file;
};

static const char *subject_of(const struct process *process, const char *what,
                              char ret_subject[SUBJECT_BYTES])
{
    (void)snprintf(ret_subject, SUBJECT_BYTES, "%s of %s", what, process->whose);
    return ret_subject;
}

static bool number_at(struct json_value file, const char *name, int64_t *ret_number)
{
    return json_get_i64(json_at(file, name), ret_number);
}

static int64_t time_at(struct json_value file, const char *name)
{
    struct str text;
    int64_t time_us;

    return json_get_str(json_at(file, name), &text) && civil_parse(text, &time_us) == OK ? time_us
                                                                                         : 0;
}

/* Signals by which a program ends itself; the others are sent. SIGABRT is what check() and
 * sanitizers end with. */
static const char *kind_of_signal(int64_t number)
{
    switch (number) {
    case SIGSEGV:
    case SIGABRT:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGSYS:
        return "a defect of its own";
    default:
        return "somebody else";
    }
}

static void note_signal(struct looking *looking, const struct process *process, int64_t number)
{
    char subject[SUBJECT_BYTES];
    const char *name = number > 0 && number < SIGNAL_MAX ? sigabbrev_np((int)number) : NULL;

    look_note(looking, "process", subject_of(process, "signal", subject), "%" PRId64 " (SIG%s)",
              number, name ? name : "?");
    look_note(looking, "process", subject_of(process, "kind of signal", subject), "%s",
              kind_of_signal(number));
}

static void note_memory(struct looking *looking, const struct process *process)
{
    char subject[SUBJECT_BYTES];
    struct str how;
    int64_t number;

    if (number_at(process->file, "memory_limit_bytes", &number)) {
        bool is_told = json_get_str(json_at(process->file, "memory_limit"), &how);

        look_note(looking, "process", subject_of(process, "memory limit", subject),
                  "%" PRId64 " bytes%s%.*s%s", number, is_told ? " (" : "",
                  STR_ARGS(is_told ? how : STR("")), is_told ? ")" : "");
    }
    if (number_at(process->file, "peak_rss_bytes", &number)) {
        look_note(looking, "process", subject_of(process, "peak memory", subject), "%" PRId64,
                  number);
    }
    if (number_at(process->file, "memory_kills", &number)) {
        look_note(looking, "process", subject_of(process, "kills for memory", subject), "%" PRId64,
                  number);
    }
}

/* The end that whoever started it has seen; false: none. */
static bool note_end(struct looking *looking, const struct process *process)
{
    char subject[SUBJECT_BYTES];
    int64_t number;
    bool has_signal = number_at(process->file, "signal", &number);

    if (has_signal) {
        note_signal(looking, process, number);
    } else if (number_at(process->file, "exit_status", &number)) {
        look_note(looking, "process", subject_of(process, "exit status", subject), "%" PRId64,
                  number);
    } else if (!time_at(process->file, "ended_at")) {
        return false;
    }
    look_note(looking, "process", subject_of(process, "state", subject), "ended");
    return true;
}

static bool is_another(const struct looking *looking)
{
    int64_t started_us = proc_started_us(looking->pid);

    return looking->started_us && started_us && started_us > looking->started_us + START_SLACK_US;
}

static void note_life(struct looking *looking, const struct process *process)
{
    char subject[SUBJECT_BYTES];
    char state[PROC_STATE_BYTES];
    char places[PLACES_BYTES];

    (void)subject_of(process, "state", subject);
    if (!proc_state(looking->pid, state)) {
        look_note(looking, "process", subject, "gone: no process has its number");
    } else if (is_another(looking)) {
        look_note(looking, "process", subject, "gone: a later process has its number");
    } else {
        look_note(looking, "process", subject, "%s", state);
        look_at_limits(looking, "process", process->whose, looking->pid);
        if (proc_listens_on(looking->pid, places, sizeof(places))) {
            (void)snprintf(subject, sizeof(subject), "listens, %s", process->whose);
            look_note(looking, "process", subject, "%s", places);
        }
    }
}

static void take_revision(struct looking *looking, struct json_value file)
{
    struct str revision;

    if (json_get_str(json_at(file, "revision"), &revision) && revision.length) {
        looking->revision = arena_copy(looking->arena, revision);
        looking->code = looking->revision.data ? looking->code : ERR_NO_MEMORY;
    }
}

void look_at_process(struct looking *looking)
{
    const char *path = looking->options->process_file;
    struct process process;
    struct str text;
    bool is_cut;
    int64_t pid = 0;

    if (!look_read_end(looking, path, LOOK_FILE_BYTES_MAX, &text, &is_cut)) {
        look_note(looking, "process", "file", "cannot be read: %s", strerror(errno));
        return;
    }
    if (json_parse(looking->parser, text, &process.file, NULL) != OK ||
        !number_at(process.file, "pid", &pid) || pid <= 0 || pid > INT32_MAX) {
        look_note(looking, "process", "file", "has no pid");
        return;
    }
    looking->pid = (pid_t)pid;
    looking->started_us = time_at(process.file, "started_at");
    (void)snprintf(process.whose, sizeof(process.whose), "process %" PRId64, pid);
    take_revision(looking, process.file);
    note_memory(looking, &process);
    looking->has_ended = note_end(looking, &process);
    if (!looking->has_ended) {
        note_life(looking, &process);
    }
}
