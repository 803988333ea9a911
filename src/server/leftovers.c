/*
 * What a process that was killed left behind: datasets that nobody imports any more, records of
 * datasets that nobody knows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "monitor/log.h"
#include "server/server_state.h"

struct search {
    struct store_batch *batch;
    unsigned found;
    unsigned rows;
    char last_id[STORE_ID_BYTES_MAX + 1];
};

static bool fail_if_importing(const struct store_dataset *row, void *arg)
{
    struct search *search = arg;

    search->rows++;
    (void)snprintf(search->last_id, sizeof(search->last_id), "%.*s", STR_ARGS(row->id));
    if (row->status == STORE_DATASET_IMPORTING) {
        struct store_dataset failed = *row;

        failed.status = STORE_DATASET_FAILED;
        failed.reason = STR("The server ended while the file was being read. Upload it again.");
        store_put_dataset(search->batch, &failed);
        search->found++;
    }
    return true;
}

static int fail_imports(struct store *store, struct error *error)
{
    struct search search = {.batch = store_batch_new()};
    int code = search.batch ? OK : ERR_NO_MEMORY;

    do {
        search.rows = 0;
        if (code == OK) {
            code = store_list_datasets(store, str_from(search.last_id), STORE_PAGE_MAX,
                                       fail_if_importing, &search);
        }
    } while (code == OK && search.rows == STORE_PAGE_MAX);
    if (code) {
        store_batch_free(search.batch);
        return error_set(error, code, "cannot read the datasets: %s", error_code_text(code));
    }
    if (search.found == 0) {
        store_batch_free(search.batch);
        return OK;
    }
    log_write(LOG_WARNING, "server", "%u imports were cut by the end of the last process",
              search.found);
    code = store_submit(store, search.batch, /* done */ NULL, NULL);
    return code ? error_set(error, code, "cannot write the datasets: %s", error_code_text(code))
                : OK;
}

static bool note_ready(const struct store_dataset *row, void *arg)
{
    *(bool *)arg = row->status == STORE_DATASET_READY;
    return true;
}

/* Kept also when the store cannot say: a disk that errs once must not cost the records. */
static bool is_wanted(struct str dataset_id, void *arg)
{
    bool is_ready = false;
    int code = store_get_dataset(arg, dataset_id, note_ready, &is_ready);

    return is_ready || (code != OK && code != ERR_NOT_FOUND);
}

int server_tidy_up(struct store *store, struct usage_store *records, struct error *error)
{
    int code = fail_imports(store, error);

    return code ? code : usage_store_sweep(records, is_wanted, store, error);
}
