/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/throttle.h"

#include "auth/accounts.h"
#include "base/alloc.h"
#include "base/civil_time.h"

#define SWEEP_MAX 500u

struct entry {
    struct hash_link link;
    struct ring of_all;
    struct secret_hash who;
    unsigned failures; /* with tries that are under way */
    int64_t last_us;
    uint64_t locked_until_ms;
    bool is_stored;
};

static struct entry *find(const struct throttle *throttle, const struct secret_hash *who)
{
    for (struct hash_link *at = hash_index_first(&throttle->entries, hash_of_secret(who->bytes));
         at; at = hash_index_next(at)) {
        struct entry *entry = RECORD_OF(at, struct entry, link);

        if (secret_equal(&entry->who, who)) {
            return entry;
        }
    }
    return NULL;
}

static void drop(struct throttle *throttle, struct entry *entry)
{
    hash_index_remove(&throttle->entries, &entry->link);
    ring_remove(&entry->of_all);
    alloc_free(entry);
}

static struct entry *add(struct throttle *throttle, const struct secret_hash *who)
{
    struct entry *entry = alloc_zeroed(1, sizeof(*entry));

    if (entry) {
        entry->who = *who;
        hash_index_add(&throttle->entries, &entry->link, hash_of_secret(who->bytes));
        ring_add_last(&throttle->by_age, &entry->of_all);
    }
    return entry;
}

/* After so many failures. */
static uint64_t lock_ms(const struct throttle *throttle, unsigned failures)
{
    if (failures < throttle->failures_max) {
        return 0;
    }
    unsigned doublings = failures - throttle->failures_max;
    uint64_t seconds = doublings > 5 ? ACCOUNTS_LOCK_S_MAX : (uint64_t)THROTTLE_LOCK_S << doublings;

    return (seconds < ACCOUNTS_LOCK_S_MAX ? seconds : ACCOUNTS_LOCK_S_MAX) * 1000;
}

struct load {
    struct throttle *throttle;
    int64_t now_us;
    uint64_t now_ms;
    bool has_failed;
};

static bool load_one(const struct store_throttle *row, void *arg)
{
    struct load *load = arg;
    struct secret_hash who;

    memcpy(who.bytes, row->hash, sizeof(who.bytes));
    struct entry *entry = add(load->throttle, &who);
    if (!entry) {
        load->has_failed = true;
        return false;
    }
    uint64_t lock = lock_ms(load->throttle, row->failures);
    /* of a clock that was set back: the whole wait */
    uint64_t since =
        load->now_us > row->last_us ? (uint64_t)(load->now_us - row->last_us) / 1000 : 0;

    entry->failures = row->failures;
    entry->last_us = row->last_us;
    entry->is_stored = true;
    entry->locked_until_ms = since < lock ? load->now_ms + lock - since : 0;
    return true;
}

int throttle_init(struct throttle *throttle, unsigned failures_max, struct store *store,
                  int64_t now_us, uint64_t now_ms)
{
    *throttle = (struct throttle){.failures_max = failures_max ? failures_max : 1};
    struct load load = {.throttle = throttle, .now_us = now_us, .now_ms = now_ms};

    ring_init(&throttle->by_age);
    int code = hash_index_init(&throttle->entries);
    if (code == OK) {
        code = store_list_throttles(store, load_one, &load);
    }
    return code == OK && load.has_failed ? ERR_NO_MEMORY : code;
}

void throttle_done(struct throttle *throttle)
{
    if (!throttle->entries.buckets) {
        return;
    }
    while (!ring_is_empty(&throttle->by_age)) {
        drop(throttle, RECORD_OF(throttle->by_age.next, struct entry, of_all));
    }
    hash_index_done(&throttle->entries);
}

unsigned throttle_try(struct throttle *throttle, const struct secret_hash *who, int64_t now_us,
                      uint64_t now_ms)
{
    struct entry *entry = find(throttle, who);

    if (entry && now_ms < entry->locked_until_ms) {
        return (unsigned)((entry->locked_until_ms - now_ms + 999) / 1000);
    }
    if (!entry) {
        entry = add(throttle, who);
    }
    if (!entry) {
        return THROTTLE_LOCK_S; /* no memory to count: rather not */
    }
    entry->failures++;
    entry->last_us = now_us;
    entry->locked_until_ms = now_ms + lock_ms(throttle, entry->failures);
    ring_remove(&entry->of_all);
    ring_add_last(&throttle->by_age, &entry->of_all);
    return 0;
}

static void forget(struct throttle *throttle, struct entry *entry, struct store_batch *batch)
{
    if (entry->is_stored) {
        store_delete_throttle(batch, entry->who.bytes);
    }
    drop(throttle, entry);
}

void throttle_failed(struct throttle *throttle, const struct secret_hash *who,
                     struct store_batch *batch)
{
    struct entry *entry = find(throttle, who);

    if (!entry) {
        return; /* forgiven meanwhile */
    }
    struct store_throttle row = {.failures = entry->failures, .last_us = entry->last_us};
    memcpy(row.hash, who->bytes, sizeof(row.hash));
    store_put_throttle(batch, &row);
    entry->is_stored = true;
    while (throttle->entries.count > THROTTLE_ENTRIES_MAX) {
        forget(throttle, RECORD_OF(throttle->by_age.next, struct entry, of_all), batch);
    }
}

void throttle_undo(struct throttle *throttle, const struct secret_hash *who)
{
    struct entry *entry = find(throttle, who);

    if (!entry || !entry->failures) {
        return;
    }
    entry->failures--;
    if (!lock_ms(throttle, entry->failures)) {
        entry->locked_until_ms = 0;
    }
    if (!entry->failures && !entry->is_stored) { /* else it would push out one that failed */
        drop(throttle, entry);
    }
}

void throttle_forgive(struct throttle *throttle, const struct secret_hash *who,
                      struct store_batch *batch)
{
    struct entry *entry = find(throttle, who);

    if (entry) {
        forget(throttle, entry, batch);
    }
}

bool throttle_sweep(struct throttle *throttle, int64_t now_us, struct store_batch *batch)
{
    unsigned count = 0;

    for (struct ring *at = throttle->by_age.next; at != &throttle->by_age && count < SWEEP_MAX;) {
        struct entry *entry = RECORD_OF(at, struct entry, of_all);

        at = at->next;
        if (now_us - entry->last_us > THROTTLE_FORGET_US) {
            forget(throttle, entry, batch);
            count++;
        }
    }
    return count > 0;
}
