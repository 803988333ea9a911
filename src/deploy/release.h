/*
 * release: a revision goes to a target and is seen to work, or what served before serves on.
 *
 *     describe → build, promote or an image → push
 *       → for each service: release → status until ready → GET /health, healthy_seconds of
 *         consecutive healthy answers → switch
 *       → checks at the public addresses, and a read-only verification when asked for → retire
 *     whatever fails, and SIGINT: rollback of every service that was begun, the last one first
 *
 * What is done is kept in the project's state folder, so that a deployment that was killed is
 * undone by the next one before it begins:
 *
 *     STATE/deploys/lock             one deployment of a project at a time
 *                   unfinished.json  {"revision", "services": […]}: begun, neither kept nor undone
 *                   REVISION.jsonl   a line for each call of a verb: its variables (no secret is
 *                                    among them), how it ended, how long it took
 *
 * Blocks; one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_RELEASE_H
#define NETRA_DEPLOY_RELEASE_H

#include "deploy/target.h"
#include "json/json_write.h"

#define RELEASE_STEPS_MAX       256u
#define RELEASE_HEALTHY_DEFAULT 30u /* seconds */
#define RELEASE_HEALTHY_MAX     3600u
#define RELEASE_READY_DEFAULT   300u /* seconds until status says ready */
#define RELEASE_RED_S           60u  /* of probes without a healthy answer: given up */
#define RELEASE_PROBE_MS        1000u
#define RELEASE_CHECK_S         60u /* until the public address answers as the new revision */
#define RELEASE_ID_BYTES        64u

struct release_options {
    const char *target; /* path of the executable */
    const char *project;
    const char *state; /* absolute; made when it is not there */
    const char *services[TARGET_SERVICES_MAX];
    size_t service_count; /* 0: all when the target knows that, else each that it knows */
    const char *image;    /* NULL: built */
    const char *config;   /* NULL: none */
    const char *source;   /* the checkout; NULL: none */
    const char *ca_file;  /* for addresses of https; NULL: the system's */
    const char *promote_from;
    bool builds_locally;
    bool asks_cost;           /* before and after */
    bool verifies;            /* verify_run, floor, read only, at the last service's address */
    const char *token;        /* for that; NULL: what needs one is not exercised */
    unsigned healthy_seconds; /* 0: RELEASE_HEALTHY_DEFAULT */
    unsigned ready_seconds;   /* 0: RELEASE_READY_DEFAULT; also the limit of red ones, when it is
                               * shorter than RELEASE_RED_S */
    /* What goes on, for people: a step that begins or goes on (detail), and a line of the target's
     * log. NULL: nobody. */
    void (*on_progress)(const char *step, const char *service, const char *detail, void *arg);
    void (*on_line)(struct str line, void *arg);
    volatile const int *is_cancelled; /* NULL: never */
    void *arg;
};

enum release_outcome {
    RELEASE_SWITCHED,    /* the revision serves, and was seen to */
    RELEASE_ROLLED_BACK, /* it was begun, and what served before serves */
    RELEASE_FAILED       /* nothing was begun, or the way back failed too: reason says which */
};
const char *release_outcome_name(enum release_outcome outcome);

struct release_step {
    const char *name; /* a verb's, "probe", "check", "verify" */
    struct str service;
    bool is_done;
    int64_t duration_us;
};

struct release_service {
    struct str name;
    struct str image;
    struct str url; /* where it can be probed */
    struct str public_url;
    struct str process_file, log_file, data_dir; /* on this machine, where the target has them */
    bool is_begun;
};

struct release {
    struct arena arena;
    enum release_outcome outcome;
    char revision[RELEASE_ID_BYTES];
    struct str reason; /* empty when switched */
    struct str hint;
    struct release_service services[TARGET_SERVICES_MAX];
    size_t service_count;
    struct release_step steps[RELEASE_STEPS_MAX];
    size_t step_count;
    struct target_answer cost_before, cost_after; /* when asked for; of the first service */
    bool has_costs;
};

/* *ret_release is complete whatever became of it. ERR_USAGE (options), ERR_EXISTS (another
 * deployment of the project is under way), ERR_IO (the state folder), ERR_NO_MEMORY: then nothing
 * was done. */
must_check int release_run(const struct release_options *options, struct release **ret_release,
                           struct error *error);

/* Back to what served before, at once, without a new revision. Errors as above. */
must_check int release_undo(const struct release_options *options, struct release **ret_release,
                            struct error *error);

void release_free(struct release *release); /* NULL is allowed */

/* {"revision","outcome","reason"?,"hint"?,"public_url","services":[{"service","image"?,"public_url",
 * "process_file"?,"log_file"?,"data_dir"?}],"steps":[{"name","service","outcome","duration_s"}]},
 * and with costs {"cost":{"before","after"}}. */
void release_write_json(const struct release *release, struct json_writer *w);

#endif
