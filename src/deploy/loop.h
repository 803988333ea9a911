/*
 * loop: the test-deploy loop. Runs the checks, documents what they saw, finds out why, lets it be
 * mended and committed, deploys, waits until the service is there and checks again, until it is
 * green or there is a reason to stop (loop_course.h). Each step is a command of this program or of
 * the team, or a few lines of loop_steps.c; its files are in the cycle's folder:
 *
 *     FOLDER/journal.jsonl         what was done (loop_journal.h)
 *            lock                  one loop at a time
 *            loop.md, loop.json    the whole story, with times
 *            running.json          the command under way
 *            cycle-1/evidence/    1 check                           under way
 *                    report.md    2 document
 *                    diagnosis.json, diagnosis.md   3 diagnose
 *                    fix.out, commit.out            4, 5
 *                    deploy.json                    6
 *                    availability.json              7 validate
 *                    success/                       8 confirm
 *
 * A loop that was killed, at whatever point, is resumed from these files: the step that had begun
 * is done again from the start. A command that outlived its loop is ended first.
 *
 * What the loop touches besides its folder (clock, commands, the service's /health, the target) it
 * reaches by struct loop_world. Blocks; one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_H
#define NETRA_DEPLOY_LOOP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "deploy/loop_course.h"
#include "deploy/loop_options.h"

#define LOOP_OUT_BYTES_MAX                                                                         \
    ((size_t)8 << 20)               /* of a command's standard output; the rest is not kept */
#define LOOP_COMMAND_S        7200u /* of one command */
#define LOOP_HEALTHY_ANSWERS  3u    /* in a row, of the public address */
#define LOOP_HEALTHY_WAIT_S   60u   /* for them; netra deploy has waited for its own */
#define LOOP_HEALTHY_EVERY_MS 1000u
#define LOOP_WHY_BYTES        200u

struct loop_command {
    const char *const *words;       /* ends with NULL */
    const char *const *environment; /* "NAME=value", beside ours; ends with NULL; NULL: none */
};

struct loop_end {
    int exit_status;          /* -1: it ended by a signal, or was not started */
    bool is_ended;            /* false: it was broken off because the loop is to stop at once */
    char why[LOOP_WHY_BYTES]; /* of -1: a few words */
};

struct loop_answer { /* of GET /health */
    bool is_healthy;
    int status; /* 0: none */
    int64_t at_us;
    int64_t total_us;
    char peer[64];
    char why[LOOP_WHY_BYTES]; /* of one that is not healthy */
};

/* What the target says of what serves now; texts in the arena, empty where it says nothing. */
struct loop_serving {
    struct str public_url;
    struct str revision;
    struct str process_file, log_file, data_dir;
    struct str why; /* the target could not say: why */
};

struct loop_world {
    int64_t (*now_us)(void *arg);     /* wall clock */
    int64_t (*elapsed_us)(void *arg); /* monotonic */
    void (*wait_ms)(unsigned ms, void *arg);
    /* Runs it to its end; standard output to out as far as its limit goes. Failures of the command
     * are in ret_end. ERR_NO_MEMORY. */
    int (*run)(const struct loop_command *command, const char *folder, struct buf *out,
               struct loop_end *ret_end, void *arg, struct error *error);
    /* Ends this command of a loop that was killed, if it still runs. ERR_IO. */
    int (*end_left_over)(const struct loop_command *command, const char *folder, void *arg,
                         struct error *error);
    void (*ask_health)(const char *url, struct loop_answer *ret_answer, void *arg);
    /* ERR_NO_MEMORY. */
    int (*ask_target)(const struct loop_options *options, struct arena *arena,
                      struct loop_serving *ret_serving, void *arg);
    void (*say)(struct str line, void *arg); /* for people, as it goes on */
    volatile const int *is_interrupted;      /* to stop behind the running command; NULL: never */
    void *arg;
};

struct loop_run_options {
    const char *netra;                  /* this program's path */
    const char *folder;                 /* absolute */
    const struct loop_options *options; /* of a new loop; of a resumed one those that were said
                                         * again, which must be the same; NULL: none were */
    const struct loop_world *world;
    bool is_resumed;
};

/* Runs a loop to its verdict. ERR_USAGE (options, a folder in which a loop is or is not),
 * ERR_EXISTS (another process runs it), ERR_INVALID (the journal or a file of the folder was
 * changed), ERR_CANCELLED (interrupted: it can be resumed), ERR_IO, ERR_LIMIT, ERR_NO_MEMORY (also
 * resumable). */
must_check int deploy_loop_run(const struct loop_run_options *options,
                               enum loop_verdict *ret_verdict, struct error *error);

#endif
