/* SPDX-License-Identifier: Apache-2.0 */
#include "api/work.h"
#include "api/callers.h"

#include "api/api_state.h"
#include "base/alloc.h"
#include "base/check.h"
#include "base/civil_time.h"
#include "loop/clock.h"

/* "Now" of fresh records moves in steps of it, so that calls share a dataset. */
#define NOW_STEP_US HOUR_US

struct work *work_new(const struct call *call, work_fn fn, size_t input_bytes_max)
{
    struct work *work = NULL;

    if (call->api->works == WORK_MAX) {
        problem_reply(call->api, call->id, PROBLEM_SERVICE_UNAVAILABLE, NULL,
                      "%u analyses are being computed already", WORK_MAX);
        return NULL;
    }
    work = (struct work *)alloc_zeroed(1, sizeof(*work));
    if (!work) {
        problem_reply(call->api, call->id, PROBLEM_SERVICE_UNAVAILABLE, NULL, "out of memory");
        return NULL;
    }
    work->api = call->api;
    work->id = call->id;
    work->who = *call->who;
    work->fn = fn;
    buf_init(&work->input, input_bytes_max);
    buf_init(&work->out, WORK_RESULT_BYTES_MAX);
    work->api->works++;
    work->api->jobs++;
    return work;
}

void work_free(struct work *work)
{
    if (work) {
        check_cmp(work->api->jobs, >, 0);
        work->api->works--;
        work->api->jobs--;
        dataset_lease_release(work->lease);
        buf_done(&work->input);
        buf_done(&work->out);
        alloc_free(work);
    }
}

/* Answers and ends. */
static void finish(struct work *work)
{
    if (work->done) {
        work->done(work, work->code);
    }
    if (work->code) {
        work->error.code = work->code;
        problem_reply_error(work->api, work->id, &work->error);
    } else {
        reply_body(work->api, work->id, 200, "application/json", buf_str(&work->out));
    }
    work_free(work);
}

/* Worker. */
static void on_work(void *arg)
{
    struct work *work = (struct work *)arg;
    const struct dataset *dataset = work->lease ? dataset_lease_dataset(work->lease) : NULL;

    work->code = work->fn(work, dataset, &work->out, &work->error);
    if (!work->code && buf_status(&work->out)) {
        work->code = error_set(&work->error, buf_status(&work->out), "cannot write the result: %s",
                               error_code_text(buf_status(&work->out)));
    }
}

static void on_worked(void *arg)
{
    finish((struct work *)arg);
}

static void submit(struct work *work)
{
    work->job = (struct loop_job){.work = on_work, .done = on_worked, .arg = work};
    loop_work(work->api->options.loop, &work->job);
}

static void on_dataset(int code, const struct error *error, struct dataset_lease *lease, void *arg)
{
    struct work *work = (struct work *)arg;

    work->lease = lease;
    work->code = code;
    if (code) {
        work->error = error ? *error : (struct error){0};
        finish(work);
    } else {
        submit(work);
    }
}

static bool ask_for_dataset(const struct store_dataset *row, void *arg)
{
    struct work *work = (struct work *)arg;
    int64_t now_us = work->now_us ? work->now_us : civil_floor(clock_now_us(), NOW_STEP_US);

    if (row->status != STORE_DATASET_READY) {
        work->code = error_set(&work->error, ERR_NOT_FOUND, "the dataset is not ready");
        return false;
    }
    work->code = dataset_cache_get(work->api->options.datasets, row->id, row->description, now_us,
                                   on_dataset, work);
    if (work->code) {
        (void)error_set(&work->error, work->code, "cannot open the dataset: %s",
                        error_code_text(work->code));
    }
    return false;
}

void work_start(struct work *work, struct str dataset_id)
{
    if (dataset_id.length == 0) {
        submit(work);
        return;
    }
    int code = store_get_dataset(work->api->options.store, caller_workspace(&work->who), dataset_id,
                                 ask_for_dataset, work);
    if (code) {
        work->code = error_set(&work->error, code,
                               code == ERR_NOT_FOUND ? "there is no such dataset"
                                                     : "cannot read the dataset");
    }
    if (work->code == ERR_NOT_FOUND) {
        problem_reply(work->api, work->id, PROBLEM_NOT_FOUND, "/dataset", "%s",
                      work->error.message);
        work_free(work);
    } else if (work->code) {
        finish(work);
    }
}
