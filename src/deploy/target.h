/*
 * target: where a deployment runs. A target is an executable, deploy/targets/NAME, that is called
 * with one verb at a time and answers with one JSON object as the last line of its standard output;
 * what it says on standard error is its log. deploy/README.md has the verbs, their environment and
 * their answers; what is here calls them, with a time-out, and reads what was answered.
 *
 * A target is a program that somebody else may have written: its answer is data. Texts are bounded
 * and without control characters, addresses are http:// or https://, ids are ids, or the answer is
 * refused as a whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_TARGET_H
#define NETRA_DEPLOY_TARGET_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "deploy/child.h"
#include "json/json_read.h"

#define TARGET_PATH_BYTES_MAX   4096u
#define TARGET_TEXT_BYTES_MAX   2000u /* of a text in an answer; a longer one is cut */
#define TARGET_URL_BYTES_MAX    1000u
#define TARGET_ANSWER_BYTES_MAX ((size_t)1 << 20)
#define TARGET_SERVICES_MAX     8u
#define TARGET_COSTS_MAX        64u
#define TARGET_TIMEOUT_S        900u /* of one verb */
#define TARGET_EXIT_NOT_YET     75   /* EX_TEMPFAIL */

enum target_verb {
    TARGET_DESCRIBE,
    TARGET_BUILD,
    TARGET_PUSH,
    TARGET_RELEASE,
    TARGET_STATUS,
    TARGET_SWITCH,
    TARGET_ROLLBACK,
    TARGET_RETIRE,
    TARGET_PROMOTE,
    TARGET_COST,
    TARGET_LOGS,
    TARGET_VERB_COUNT
};
const char *target_verb_name(enum target_verb verb);

/* What a verb is told, beside our own environment. NULL: empty. */
struct target_call {
    const char *path; /* of the executable */
    enum target_verb verb;
    const char *project;
    const char *service;
    const char *revision;
    const char *image;
    const char *state; /* absolute */
    const char *config;
    const char *source;
    const char *from;
    bool builds_locally;
    unsigned timeout_s; /* 0: TARGET_TIMEOUT_S */
    void (*on_line)(struct str line, void *arg);
    volatile const int *is_cancelled;
    void *arg;
};

enum target_result { TARGET_DONE, TARGET_NOT_YET, TARGET_FAILED };

struct target_cost {
    struct str what;
    struct str unit;
    struct str source; /* of the price, and of what day */
    struct str source_date;
    double quantity;
    double usd_per_unit;
    bool has_quantity;
    bool has_price;
};

/* Texts live in the arena; empty where the answer has none, or null. */
struct target_answer {
    enum target_result result;
    struct str error_code; /* of FAILED: "quota", "image_missing" … */
    struct str error_message;
    struct str error_hint;
    struct str image, digest;
    struct str revision, serving, previous;
    struct str url, public_url;
    struct str reason;
    struct str process_file, log_file, data_dir;
    struct str lost_since; /* of rollback: what was written since then is not served any more */
    bool is_ready;
    bool can_promote;
    struct str services[TARGET_SERVICES_MAX];
    size_t service_count;
    struct target_cost costs[TARGET_COSTS_MAX];
    size_t cost_count;
    double usd_per_month;
    bool has_sum;
};

/* "local" → the path of an executable in folder. ERR_USAGE: no name, ERR_NOT_FOUND, ERR_DENIED (not
 * executable). */
must_check int target_find(const char *folder, const char *name,
                           char ret_path[TARGET_PATH_BYTES_MAX], struct error *error);

/* [a-z0-9-]{1,63}: revisions, projects and services. */
bool target_is_id(struct str text);

/* What a verb's standard output and exit status say. ERR_INVALID: no object on the last line, a
 * member of the wrong type, or done without what the verb must answer. ERR_LIMIT, ERR_NO_MEMORY. */
must_check int target_read_answer(enum target_verb verb, struct str out, int exit_status,
                                  struct arena *arena, struct target_answer *ret_answer,
                                  struct error *error);

/* The variables NETRA_DEPLOY_…, one "NAME=value" each; those that are empty, too. */
#define TARGET_VARIABLES 9u
must_check int target_variables(const struct target_call *call, struct arena *arena,
                                struct str ret_variables[TARGET_VARIABLES]);

/* Calls the verb and waits. ret_end: of its process. A verb that failed is OK here, the answer
 * says so, and with an error of its own also where the target gave none ("failed"). ERR_IO (cannot
 * be started), ERR_TIMEOUT, ERR_CANCELLED, and those of target_read_answer. */
must_check int target_run(const struct target_call *call, struct arena *arena,
                          struct target_answer *ret_answer, struct child_end *ret_end,
                          struct error *error);

#endif
