/*
 * A usage_store that holds texts: loading one imports it. Tests can hold loading up, make it fail
 * and count it. Every function of the real one is here, so that the linker takes none of those.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_FAKE_USAGE_STORE_H
#define NETRA_TESTS_FAKE_USAGE_STORE_H

#include "unit.h"

#include <sched.h>

#include "store/usage_store.h"
#include "usage/import.h"

struct usage_store {
    struct str text;        /* what every known id holds */
    const char *unknown_id; /* ERR_NOT_FOUND; may be NULL */
    atomic_bool is_held_up; /* loading waits until this is false or it is cancelled */
    atomic_int loads;
    int put_code; /* what putting gives */
    size_t puts;
    size_t put_rows;
};

int usage_store_put(struct usage_store *store, struct str dataset_id,
                    const struct usage_table *table, struct error *error)
{
    assert_str(dataset_id, "d1");
    if (store->put_code) {
        return error_set(error, store->put_code, "the disk is full");
    }
    store->puts++;
    store->put_rows = table->count;
    return OK;
}

int usage_store_load(struct usage_store *store, struct str dataset_id, struct usage_table *table,
                     const atomic_bool *is_cancelled, struct error *error)
{
    struct import_options options = {.source = STR("usage.jsonl")};
    struct usage_import *import;

    atomic_fetch_add(&store->loads, 1);
    while (atomic_load(&store->is_held_up) && !atomic_load(is_cancelled)) {
        (void)sched_yield();
    }
    if (atomic_load(is_cancelled)) {
        return error_set(error, ERR_CANCELLED, "cancelled");
    }
    if (str_equal(dataset_id, str_from(store->unknown_id))) {
        return error_set(error, ERR_NOT_FOUND, "there is no dataset");
    }
    int code = usage_import_begin(&options, table, &import, error);
    if (code) {
        return code;
    }
    code = usage_import_feed(import, store->text, error);
    code = code ? code : usage_import_finish(import, error);
    usage_import_free(import);
    return code;
}

int usage_store_open(const char *data_dir, struct usage_store **ret_store, struct error *error)
{
    (void)ret_store;
    return error_set(error, ERR_UNSUPPORTED, "%s: the fake is not opened", data_dir);
}

void usage_store_close(struct usage_store *store)
{
    (void)store;
}

int usage_store_delete(struct usage_store *store, struct str dataset_id, struct error *error)
{
    (void)store;
    (void)dataset_id;
    return error_set(error, ERR_UNSUPPORTED, "the fake deletes nothing");
}

int usage_store_sweep(struct usage_store *store, usage_store_keep_fn keep, void *arg,
                      struct error *error)
{
    (void)store;
    (void)keep;
    (void)arg;
    return error_set(error, ERR_UNSUPPORTED, "the fake sweeps nothing");
}

#endif
