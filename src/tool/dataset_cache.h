/*
 * dataset_cache: datasets of the usage_store in memory, ready for analysis, shared by the runs and
 * tool calls that ask for them. Opening happens on a worker; who asks meanwhile waits for the same
 * opening. What nobody uses stays until room is needed (least recently used goes first).
 *
 * "Now" is part of what is cached: a dataset whose last record is old has its last record as "now"
 * whoever asks; for a fresh one the caller's now_us decides (round it, or nothing is ever shared).
 *
 * Loop thread. The dataset itself is only read, so workers may use it while the lease is held.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TOOL_DATASET_CACHE_H
#define NETRA_TOOL_DATASET_CACHE_H

#include "loop/loop.h"
#include "store/usage_store.h"
#include "tool/dataset.h"

#define DATASET_CACHE_OPEN_MAX 64u /* held or cached at once */

struct dataset_cache_options {
    struct loop *loop;
    struct usage_store *store;
    const char *prices_path; /* NULL: the built-in book */
    size_t bytes_max;        /* of datasets that nobody uses */
};

struct dataset_cache;
struct dataset_lease;

/* Called on the loop, never before dataset_cache_get has returned. lease is the receiver's; NULL
 * when code is not OK. */
typedef void (*dataset_ready_fn)(int code, const struct error *error, struct dataset_lease *lease,
                                 void *arg);

must_check int dataset_cache_new(const struct dataset_cache_options *options,
                                 struct dataset_cache **ret_cache, struct error *error);

/* Shutdown: openings end soon and who waits for them gets ERR_CANCELLED, as does who asks from now
 * on. Leases that are held stay valid. */
void dataset_cache_stop(struct dataset_cache *cache);
bool dataset_cache_is_opening(const struct dataset_cache *cache);

/* When no lease is held, no answer is outstanding and nothing is being opened. NULL is allowed. */
void dataset_cache_free(struct dataset_cache *cache);

/* description: of store_dataset. Texts are copied. ready gets OK, ERR_NOT_FOUND (also when the
 * dataset is forgotten meanwhile), ERR_INVALID (damaged), ERR_LIMIT, ERR_NO_MEMORY, ERR_CANCELLED
 * (the cache is stopped). Itself ERR_NO_MEMORY, ERR_LIMIT (DATASET_CACHE_OPEN_MAX are in use),
 * ERR_CANCELLED: then ready is not called. */
must_check int dataset_cache_get(struct dataset_cache *cache, struct str dataset_id,
                                 struct str description, int64_t now_us, dataset_ready_fn ready,
                                 void *arg);

const struct dataset *dataset_lease_dataset(const struct dataset_lease *lease);
void dataset_lease_release(struct dataset_lease *lease); /* NULL is allowed */

/* The dataset was deleted: it goes when its last lease does. Who waits for it gets
 * ERR_NOT_FOUND. */
void dataset_cache_forget(struct dataset_cache *cache, struct str dataset_id);

/* For the memory gauge and the page. */
size_t dataset_cache_bytes(const struct dataset_cache *cache);

#endif
