/*
 * work: an answer that takes a worker: a tool's call, a prompt's interpretation. Waits for the
 * dataset if there is one, runs fn on a worker, answers on the loop. A client that has left
 * meanwhile changes nothing.
 *
 *     work_new → fill args → work_start → [dataset] → fn on a worker → 200 with out, or a problem
 *
 * Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_WORK_H
#define NETRA_API_WORK_H

#include "api/route.h"
#include "tool/tool.h"

#define WORK_MAX              16u /* at once; more: 503 */
#define WORK_RESULT_BYTES_MAX ((size_t)64 << 20)

struct work;

/* On a worker. dataset may be NULL. Writes JSON into out. */
typedef int (*work_fn)(struct work *work, const struct dataset *dataset, struct buf *out,
                       struct error *error);
/* On the loop, before the answer. May be NULL. */
typedef void (*work_done_fn)(struct work *work, int code);

struct work {
    struct loop_job job;
    struct api *api;
    http_id id;
    struct auth_caller who;
    work_fn fn;
    work_done_fn done;
    const struct tool *tool;
    int64_t now_us;   /* for fresh records; 0: the clock, rounded */
    struct buf input; /* what fn works on: arguments, a prompt */
    struct buf out;
    struct dataset_lease *lease;
    struct error error;
    int code;
};

/* NULL when it has been answered with 503. */
struct work *work_new(const struct call *call, work_fn fn, size_t input_bytes_max);

/* Takes the work. dataset_id empty: without records. Its failures are answered. */
void work_start(struct work *work, struct str dataset_id);

/* Answers nothing. NULL is allowed. */
void work_free(struct work *work);

#endif
