/*
 * late: an answer that waits for the store or the runner, and for nobody's worker. Kept in a list
 * of the api, because at the end neither calls back any more. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_LATE_H
#define NETRA_API_LATE_H

#include "api/route.h"
#include "loop/uuid.h"

struct late {
    struct late *next; /* in api->late */
    struct api *api;
    http_id id; /* whom to answer */
    struct auth_caller who;
    char made_id[UUID_BYTES];                       /* what was made; empty: nothing */
    char deleted_thread_id[STORE_ID_BYTES_MAX + 1]; /* empty: none */
};

/* NULL when it has been answered with 503. */
struct late *late_new(const struct call *call);

/* The same for a struct of size bytes that begins with a struct late; zeroed. */
struct late *late_new_sized(const struct call *call, size_t size);

/* The thread is being deleted: it can still be seen in the store, but nothing may be put into it.
 */
bool late_deletes_thread(const struct api *api, struct str workspace_id, struct str thread_id);

/* Takes it out of the list. NULL is allowed. */
void late_free(struct late *late);

/* All that are left, when the api ends. */
void late_free_all(struct api *api);

#endif
