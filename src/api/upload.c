/*
 * pump() is the only place that decides what comes next; every event (a piece, the end, a worker
 * that is done) ends with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/upload.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/check.h"
#include "store/store.h"
#include "tool/dataset_description.h"
#include "usage/synthesize.h"

struct upload {
    struct upload_options options; /* without its texts */
    char dataset_id[STORE_ID_BYTES_MAX];
    struct str id; /* in dataset_id */
    struct loop_job job;
    uint64_t bytes;
    struct buf filling;                  /* loop */
    struct dataset_intake_counts counts; /* as of the last time that no worker was at it */
    bool is_working;                     /* the worker has what is below the line */
    bool is_paused;
    bool has_end;
    bool is_abandoned;
    bool is_admitted;
    bool is_synthetic; /* the records are generated */
    bool is_over;      /* finished was called */
    uint64_t seed;
    struct error refusal; /* why it was not admitted */

    struct dataset_intake *intake; /* NULL once it is stored */
    struct buf feeding;
    struct buf description;
    struct error error;
};

int upload_new(const struct upload_options *options, struct upload **ret_upload,
               struct error *error)
{
    struct upload *upload = alloc_zeroed(1, sizeof(*upload));
    int code;

    check_cmp(options->dataset_id.length, <=, STORE_ID_BYTES_MAX);
    if (!upload) {
        return error_set(error, ERR_NO_MEMORY, "no memory for an upload");
    }
    upload->options = *options;
    memcpy(upload->dataset_id, options->dataset_id.data, options->dataset_id.length);
    upload->id = (struct str){upload->dataset_id, options->dataset_id.length};
    buf_init(&upload->filling, UPLOAD_BUFFER_BYTES + UPLOAD_PIECE_BYTES_MAX);
    buf_init(&upload->feeding, UPLOAD_BUFFER_BYTES + UPLOAD_PIECE_BYTES_MAX);
    buf_init(&upload->description, DATASET_DESCRIPTION_BYTES_MAX);
    code = dataset_intake_new(options->name, options->maps, options->map_count, &upload->intake,
                              error);
    if (code) {
        upload_free(upload);
        return code;
    }
    *ret_upload = upload;
    return OK;
}

void upload_free(struct upload *upload)
{
    if (!upload) {
        return;
    }
    check(!upload->is_working);
    dataset_intake_free(upload->intake);
    buf_done(&upload->filling);
    buf_done(&upload->feeding);
    buf_done(&upload->description);
    alloc_free(upload);
}

/* ---- on a worker ---- */

static void feed(void *arg)
{
    struct upload *upload = arg;

    upload->error.code =
        dataset_intake_feed(upload->intake, buf_str(&upload->feeding), &upload->error);
}

static void finish(void *arg)
{
    struct upload *upload = arg;
    int code =
        dataset_intake_finish(upload->intake, upload->options.records, upload->id, &upload->error);

    if (!code) {
        dataset_intake_describe(upload->intake, &upload->description);
        code = buf_status(&upload->description);
        if (code) {
            (void)error_set(&upload->error, code, "cannot describe the import: %s",
                            error_code_text(code));
        }
    }
    upload->error.code = code;
}

/* The records go through the same import as a file's, so that they are described the same way. */
static void synthesize(void *arg)
{
    struct upload *upload = arg;
    struct synthesize_options options = synthesize_options_default(upload->seed);
    cleanup(buf_done) struct buf records;
    struct synthesize_key key;

    buf_init(&records, SYNTHESIZE_BYTES_MAX);
    int code = usage_synthesize(&options, &records, &key, &upload->error);
    if (!code) {
        synthesize_key_done(&key);
        code = dataset_intake_feed(upload->intake, buf_str(&records), &upload->error);
    }
    upload->error.code = code;
    if (!code) {
        finish(upload);
    }
}

/* ---- on the loop ---- */

static void pump(struct upload *upload);

static void worked(void *arg)
{
    struct upload *upload = arg;

    upload->is_working = false;
    upload->counts = dataset_intake_counts(upload->intake);
    buf_clear(&upload->feeding);
    if (upload->job.work != feed) { /* that was the last job */
        dataset_intake_free(upload->intake);
        upload->intake = NULL;
    }
    pump(upload);
}

static void submit(struct upload *upload, loop_fn work)
{
    upload->is_working = true;
    upload->job = (struct loop_job){.work = work, .done = worked, .arg = upload};
    loop_work(upload->options.loop, &upload->job);
}

static void swap_buffers(struct upload *upload)
{
    struct buf filled = upload->filling;

    upload->filling = upload->feeding;
    upload->feeding = filled;
}

static void refuse_empty(struct upload *upload)
{
    (void)error_set(&upload->error, ERR_NO_RECORDS, "the upload holds no bytes");
    error_hint(&upload->error, "Send the file's bytes as the body of the request, for example with "
                               "curl --data-binary @usage.csv.");
}

/* What has gone wrong on the loop's side; no worker is at it. */
static void note_failure(struct upload *upload)
{
    int code = buf_status(&upload->filling);

    if (upload->error.code) {
        return;
    }
    if (upload->refusal.code) {
        upload->error = upload->refusal;
    } else if (upload->is_abandoned) {
        (void)error_set(&upload->error, ERR_CANCELLED,
                        "the upload was broken off after %" PRIu64 " bytes", upload->bytes);
    } else if (code) {
        (void)error_set(&upload->error, code, "cannot keep the upload: %s", error_code_text(code));
    } else if (upload->has_end && upload->bytes == 0) {
        refuse_empty(upload);
    }
}

/* May call back with the next piece at once. */
static void resume_if_paused(struct upload *upload)
{
    if (upload->is_paused) {
        upload->is_paused = false;
        upload->options.resume(upload, upload->options.arg);
    }
}

/* finished may have freed the upload. */
static void set_over(struct upload *upload)
{
    upload->is_over = true;
    dataset_intake_free(upload->intake);
    upload->intake = NULL;
    buf_done(&upload->filling);
    buf_done(&upload->feeding);
    resume_if_paused(upload); /* the rest of the body is thrown away */
    upload->options.finished(upload, upload->options.arg);
}

static void pump(struct upload *upload)
{
    if (upload->is_working || upload->is_over) {
        return;
    }
    note_failure(upload);
    if (upload->error.code || !upload->intake) {
        set_over(upload);
    } else if (upload->filling.length) {
        swap_buffers(upload);
        submit(upload, feed);
        resume_if_paused(upload);
    } else if (upload->is_admitted && upload->is_synthetic) {
        submit(upload, synthesize);
    } else if (upload->is_admitted && upload->has_end) {
        submit(upload, finish);
    }
}

bool upload_write(struct upload *upload, struct str piece)
{
    check(!upload->has_end);
    upload->bytes += piece.length;
    if (upload->is_over) {
        return true;
    }
    buf_append(&upload->filling, piece);
    if (!upload->is_working) {
        pump(upload); /* the worker takes it all */
        return true;
    }
    upload->is_paused = upload->filling.length >= UPLOAD_BUFFER_BYTES;
    return !upload->is_paused;
}

void upload_end(struct upload *upload)
{
    upload->has_end = true;
    pump(upload);
}

void upload_abandon(struct upload *upload)
{
    if (!upload->has_end) {
        upload->is_abandoned = true;
        pump(upload);
    }
}

void upload_synthesize(struct upload *upload, uint64_t seed)
{
    upload->seed = seed;
    upload->is_synthetic = true;
    pump(upload);
}

void upload_admit(struct upload *upload, const struct error *refusal)
{
    check(!upload->is_admitted);
    upload->is_admitted = true;
    upload->refusal = *refusal;
    pump(upload);
}

struct dataset_intake_counts upload_counts(const struct upload *upload)
{
    struct dataset_intake_counts counts = upload->counts;

    counts.bytes = upload->bytes > counts.bytes ? upload->bytes : counts.bytes;
    return counts;
}

const struct error *upload_error(const struct upload *upload)
{
    return &upload->error;
}

struct str upload_description(const struct upload *upload)
{
    return buf_str(&upload->description);
}
