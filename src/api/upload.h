/*
 * upload: the pipe from a request's body to a stored dataset. The loop fills one buffer while a
 * worker imports from the other; when the worker is done they change places. Whoever fills faster
 * than the worker imports is asked to pause.
 *
 *     loop:   upload_write ─► filling ─┐ swap        resume() when there is room again
 *     worker:               feeding ◄──┘ ─► dataset_intake_feed … _finish, _describe
 *
 * So an upload takes two buffers and the imported records, whatever the size of the file. Private
 * to api/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_UPLOAD_H
#define NETRA_API_UPLOAD_H

#include "loop/loop.h"
#include "tool/dataset_intake.h"

#define UPLOAD_BUFFER_BYTES    ((size_t)1 << 20)  /* full enough: the sender is asked to pause */
#define UPLOAD_PIECE_BYTES_MAX ((size_t)64 << 10) /* may come after that; http's promise */

struct upload;
typedef void (*upload_fn)(struct upload *upload, void *arg);

/* Texts are copied. */
struct upload_options {
    struct loop *loop;
    struct usage_store *records;
    struct str dataset_id;
    struct str name;
    const struct import_map *maps;
    size_t map_count;
    upload_fn resume;   /* there is room again after upload_write said false */
    upload_fn finished; /* the outcome is known: once, last; may free the upload. Not before
                         * upload_admit, but for uploads that are abandoned or fail */
    void *arg;
};

/* ERR_USAGE (a map that cannot be), ERR_NO_MEMORY. */
must_check int upload_new(const struct upload_options *options, struct upload **ret_upload,
                          struct error *error);

/* The dataset's id is this upload's, or why it is not. Once, any time: nothing is stored before,
 * and with a reason nothing at all: finished follows with it, perhaps at once. */
void upload_admit(struct upload *upload, const struct error *refusal);

/* When no worker is at it: after finished, or before the first write. NULL is allowed. */
void upload_free(struct upload *upload);

/* A piece of at most UPLOAD_PIECE_BYTES_MAX. False: write nothing more until resume. After a
 * failure pieces are counted and thrown away. */
bool upload_write(struct upload *upload, struct str piece);

/* No more pieces come. finished follows, perhaps at once. */
void upload_end(struct upload *upload);

/* The sender is gone before the end: nothing is stored, and finished follows with ERR_CANCELLED,
 * perhaps at once. After _end it does nothing: what is complete is kept. */
void upload_abandon(struct upload *upload);

/* Instead of write and end: generated records. */
void upload_synthesize(struct upload *upload, uint64_t seed);

/* Any time. bytes as they came in, also those that wait for the worker. */
struct dataset_intake_counts upload_counts(const struct upload *upload);

/* In and after finished: OK or why nothing was stored; the dataset's description, borrowed. */
const struct error *upload_error(const struct upload *upload);
struct str upload_description(const struct upload *upload);

#endif
