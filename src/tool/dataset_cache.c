/*
 * The cache as a short list of entries, each opened by one job. A lease is made at once by who asks
 * and counts as a use of its entry from then on, so nothing that somebody waits for can go; its
 * answer always comes as a message of the loop, whether the dataset was there or had to be opened.
 *
 *     get ──► lease ──► entry is ready ───────────────► message ──► ready(lease)
 *                └────► entry is being opened: waits ──────▲
 *
 * An opening whose "now" turns out not to suit who joined it sends them on to another one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tool/dataset_cache.h"

#include "base/alloc.h"
#include "base/check.h"
#include "tool/dataset_description.h"

struct dataset_lease {
    struct dataset_cache *cache;
    struct entry *entry; /* NULL when there is only an error to tell */
    int64_t now_us;
    dataset_ready_fn ready;
    void *arg;
    struct error error; /* its code is OK with an entry */
    struct loop_message message;
    struct dataset_lease *next; /* in entry->waiters */
};

struct entry {
    struct dataset_cache *cache;
    struct entry *next; /* in cache->entries */
    struct arena arena; /* id and description */
    struct str id;
    struct str description;
    int64_t now_us;
    size_t leases; /* that point here, waiting ones too */
    struct dataset_lease *waiters;
    uint64_t used_at;  /* by cache->uses: the least recently used has the lowest */
    bool is_forgotten; /* nobody gets it any more */
    int cancel_code;   /* what waiters of a cancelled opening are told */
    struct loop_job job;
    atomic_bool is_cancelled;
    bool is_opening; /* the job owns the rest */
    struct error error;
    struct dataset *dataset;
    size_t bytes;
};

struct dataset_cache {
    struct loop *loop;
    struct usage_store *store;
    char *prices_path; /* NULL: the built-in book */
    size_t bytes_max;
    struct entry *entries;
    size_t entry_count;
    uint64_t uses;
    bool is_stopped;
};

int dataset_cache_new(const struct dataset_cache_options *options, struct dataset_cache **ret_cache,
                      struct error *error)
{
    struct dataset_cache *cache = alloc_zeroed(1, sizeof(*cache));

    if (cache && options->prices_path) {
        cache->prices_path = alloc_text(options->prices_path);
    }
    if (!cache || (options->prices_path && !cache->prices_path)) {
        alloc_free(cache);
        return error_set(error, ERR_NO_MEMORY, "cannot make the cache of datasets: out of memory");
    }
    cache->loop = options->loop;
    cache->store = options->store;
    cache->bytes_max = options->bytes_max;
    *ret_cache = cache;
    return OK;
}

/* ---- entries ---- */

static void entry_free(struct entry *entry)
{
    dataset_close(entry->dataset);
    arena_done(&entry->arena);
    alloc_free(entry);
}

static void entry_remove(struct entry *entry)
{
    struct entry **link = &entry->cache->entries;

    check(entry->leases == 0 && !entry->is_opening);
    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
    entry->cache->entry_count--;
    entry_free(entry);
}

static bool is_idle(const struct entry *entry)
{
    return entry->leases == 0 && !entry->is_opening;
}

static struct entry *least_recently_used(const struct dataset_cache *cache)
{
    struct entry *found = NULL;

    for (struct entry *entry = cache->entries; entry; entry = entry->next) {
        if (is_idle(entry) && (!found || entry->used_at < found->used_at)) {
            found = entry;
        }
    }
    return found;
}

/* Keeps what nobody uses below bytes_max. */
static void trim(struct dataset_cache *cache)
{
    size_t idle_bytes = 0;

    for (const struct entry *entry = cache->entries; entry; entry = entry->next) {
        idle_bytes += is_idle(entry) ? entry->bytes : 0;
    }
    while (idle_bytes > cache->bytes_max) {
        struct entry *oldest = least_recently_used(cache);

        idle_bytes -= oldest->bytes;
        entry_remove(oldest);
    }
}

/* After a lease is gone or an opening has ended. */
static void settle(struct entry *entry)
{
    if (!is_idle(entry)) {
        return;
    }
    if (entry->is_forgotten) {
        entry_remove(entry);
    } else {
        entry->used_at = ++entry->cache->uses;
        trim(entry->cache);
    }
}

static void cancel(struct entry *entry, int code)
{
    if (entry->is_opening) {
        entry->cancel_code = entry->cancel_code ? entry->cancel_code : code;
        atomic_store(&entry->is_cancelled, true);
    }
}

/* ---- answers ---- */

static void answer(void *arg)
{
    struct dataset_lease *lease = arg;

    if (lease->error.code == OK) {
        lease->ready(OK, NULL, lease, lease->arg);
        return;
    }
    struct error error = lease->error;
    dataset_ready_fn ready = lease->ready;
    void *ready_arg = lease->arg;

    alloc_free(lease);
    ready(error.code, &error, NULL, ready_arg);
}

static void post_answer(struct dataset_lease *lease)
{
    lease->message = (struct loop_message){.fn = answer, .arg = lease};
    loop_post(lease->cache->loop, &lease->message);
}

static void hold(struct dataset_lease *lease, struct entry *entry)
{
    lease->entry = entry;
    entry->leases++;
}

/* ---- opening ---- */

static int load(struct entry *entry, struct arena *arena, struct error *error)
{
    struct dataset_options options = {.prices_path = entry->cache->prices_path,
                                      .now_us = entry->now_us};
    struct dataset_description description;
    cleanup(usage_table_done) struct usage_table table;

    usage_table_init(&table);
    int code = dataset_description_read(entry->description, arena, &description, error);
    if (!code) {
        code =
            usage_store_load(entry->cache->store, entry->id, &table, &entry->is_cancelled, error);
    }
    if (!code) {
        code = dataset_adopt(&options, &table, &description, &entry->dataset, error);
    }
    return code;
}

/* On a worker. */
static void open_entry(void *arg)
{
    struct entry *entry = arg;
    struct arena arena;

    arena_init(&arena, DATASET_DESCRIPTION_BYTES_MAX);
    int code = load(entry, &arena, &entry->error);
    arena_done(&arena);
    entry->error.code = code;
    entry->bytes = code ? 0 : dataset_bytes(entry->dataset);
}

static int request(struct dataset_cache *cache, struct dataset_lease *lease, struct str id,
                   struct str description);

/* Back on the loop. Answers are messages, so nobody calls in here meanwhile. */
static void entry_opened(void *arg)
{
    struct entry *entry = arg;
    struct dataset_lease *waiter = entry->waiters;

    entry->is_opening = false;
    entry->waiters = NULL;
    if (entry->cancel_code) {
        (void)error_set(&entry->error, entry->cancel_code, "cannot open the dataset: %s",
                        entry->cancel_code == ERR_NOT_FOUND ? "it was deleted"
                                                            : error_code_text(entry->cancel_code));
    }
    entry->is_forgotten |= entry->error.code != OK;
    entry->leases++; /* while room is made for others, this one stays */
    while (waiter) {
        struct dataset_lease *next = waiter->next;

        if (entry->error.code) {
            waiter->error = entry->error;
        }
        if (waiter->error.code || !dataset_is_of(entry->dataset, waiter->now_us)) {
            entry->leases--;
            waiter->entry = NULL;
        }
        if (!waiter->error.code && !waiter->entry) {
            int code = request(entry->cache, waiter, entry->id, entry->description);

            if (code) {
                (void)error_set(&waiter->error, code, "cannot open the dataset: %s",
                                error_code_text(code));
                post_answer(waiter);
            }
        } else {
            post_answer(waiter);
        }
        waiter = next;
    }
    entry->leases--;
    settle(entry);
}

/* Room for one more entry; of the same dataset at another "now" only what is used stays. */
static int make_room(struct dataset_cache *cache, struct str id)
{
    for (struct entry *entry = cache->entries; entry;) {
        struct entry *next = entry->next;

        if (is_idle(entry) && str_equal(entry->id, id)) {
            entry_remove(entry);
        }
        entry = next;
    }
    if (cache->entry_count == DATASET_CACHE_OPEN_MAX) {
        struct entry *oldest = least_recently_used(cache);

        if (!oldest) {
            return ERR_LIMIT;
        }
        entry_remove(oldest);
    }
    return OK;
}

static int start_opening(struct dataset_cache *cache, struct str id, struct str description,
                         int64_t now_us, struct entry **ret_entry)
{
    struct entry *entry = alloc_zeroed(1, sizeof(*entry));

    if (!entry) {
        return ERR_NO_MEMORY;
    }
    arena_init(&entry->arena, 2 * DATASET_DESCRIPTION_BYTES_MAX);
    entry->cache = cache;
    entry->id = arena_copy(&entry->arena, id);
    entry->description = arena_copy(&entry->arena, description);
    int code =
        entry->id.data && entry->description.data ? make_room(cache, entry->id) : ERR_NO_MEMORY;
    if (code) {
        entry_free(entry);
        return code;
    }
    entry->now_us = now_us;
    entry->is_opening = true;
    atomic_init(&entry->is_cancelled, false);
    entry->next = cache->entries;
    cache->entries = entry;
    cache->entry_count++;
    entry->job = (struct loop_job){.work = open_entry, .done = entry_opened, .arg = entry};
    loop_work(cache->loop, &entry->job);
    *ret_entry = entry;
    return OK;
}

static struct entry *find(const struct dataset_cache *cache, struct str id, int64_t now_us)
{
    for (struct entry *entry = cache->entries; entry; entry = entry->next) {
        if (!entry->is_forgotten && str_equal(entry->id, id) &&
            (entry->is_opening || dataset_is_of(entry->dataset, now_us))) {
            return entry;
        }
    }
    return NULL;
}

/* Lets the lease wait for an entry that suits it. On failure the lease is still the caller's. */
static int request(struct dataset_cache *cache, struct dataset_lease *lease, struct str id,
                   struct str description)
{
    struct entry *entry = find(cache, id, lease->now_us);

    if (cache->is_stopped) {
        return ERR_CANCELLED;
    }
    if (!entry) {
        int code = start_opening(cache, id, description, lease->now_us, &entry);

        if (code) {
            return code;
        }
    }
    hold(lease, entry);
    if (entry->is_opening) {
        struct dataset_lease **end = &entry->waiters;

        while (*end) {
            end = &(*end)->next;
        }
        lease->next = NULL;
        *end = lease;
    } else {
        post_answer(lease);
    }
    return OK;
}

int dataset_cache_get(struct dataset_cache *cache, struct str dataset_id, struct str description,
                      int64_t now_us, dataset_ready_fn ready, void *arg)
{
    struct dataset_lease *lease = alloc_zeroed(1, sizeof(*lease));

    if (!lease) {
        return ERR_NO_MEMORY;
    }
    lease->cache = cache;
    lease->now_us = now_us;
    lease->ready = ready;
    lease->arg = arg;
    int code = request(cache, lease, dataset_id, description);
    if (code) {
        alloc_free(lease);
    }
    return code;
}

const struct dataset *dataset_lease_dataset(const struct dataset_lease *lease)
{
    return lease->entry->dataset;
}

void dataset_lease_release(struct dataset_lease *lease)
{
    if (!lease) {
        return;
    }
    struct entry *entry = lease->entry;

    alloc_free(lease);
    check(entry->leases > 0);
    entry->leases--;
    settle(entry);
}

/* ---- the end of datasets, and of the cache ---- */

void dataset_cache_forget(struct dataset_cache *cache, struct str dataset_id)
{
    for (struct entry *entry = cache->entries; entry;) {
        struct entry *next = entry->next;

        if (str_equal(entry->id, dataset_id)) {
            entry->is_forgotten = true;
            cancel(entry, ERR_NOT_FOUND);
            if (is_idle(entry)) {
                entry_remove(entry);
            }
        }
        entry = next;
    }
}

void dataset_cache_stop(struct dataset_cache *cache)
{
    cache->is_stopped = true;
    for (struct entry *entry = cache->entries; entry; entry = entry->next) {
        cancel(entry, ERR_CANCELLED);
    }
}

bool dataset_cache_is_opening(const struct dataset_cache *cache)
{
    for (const struct entry *entry = cache->entries; entry; entry = entry->next) {
        if (entry->is_opening) {
            return true;
        }
    }
    return false;
}

size_t dataset_cache_bytes(const struct dataset_cache *cache)
{
    size_t bytes = 0;

    for (const struct entry *entry = cache->entries; entry; entry = entry->next) {
        bytes += entry->is_opening ? 0 : entry->bytes;
    }
    return bytes;
}

void dataset_cache_free(struct dataset_cache *cache)
{
    if (!cache) {
        return;
    }
    while (cache->entries) {
        entry_remove(cache->entries);
    }
    alloc_free(cache->prices_path);
    alloc_free(cache);
}
