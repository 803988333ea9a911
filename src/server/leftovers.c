/*
 * What a process that was killed left behind, in every workspace: datasets that nobody imports any
 * more, records of datasets that nobody knows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/dict.h"
#include "monitor/log.h"
#include "server/server_state.h"

#define DATASETS_MAX         10000000u
#define DATASETS_BYTES_LIMIT ((size_t)DATASETS_MAX * STORE_ID_BYTES_MAX)

struct search {
    struct store *store;
    struct dict ready; /* ids whose records are wanted */
    unsigned failed;
    unsigned rows;
    int code;
    char last_id[STORE_ID_BYTES_MAX + 1];
};

static int fail_import(struct search *search, const struct store_dataset *row)
{
    struct store_batch *batch = store_batch_new(row->workspace_id);
    struct store_dataset failed = *row;

    if (!batch) {
        return ERR_NO_MEMORY;
    }
    failed.status = STORE_DATASET_FAILED;
    failed.reason = STR("The server ended while the file was being read. Upload it again.");
    store_put_dataset(batch, &failed);
    search->failed++;
    return store_submit(search->store, batch, /* done */ NULL, NULL);
}

static bool look_at(const struct store_dataset *row, void *arg)
{
    struct search *search = arg;
    uint32_t number;

    search->rows++;
    (void)snprintf(search->last_id, sizeof(search->last_id), "%.*s", STR_ARGS(row->id));
    if (row->status == STORE_DATASET_IMPORTING) {
        search->code = fail_import(search, row);
    } else if (row->status == STORE_DATASET_READY) {
        search->code = dict_put(&search->ready, row->id, &number);
    }
    return search->code == OK;
}

static int look_at_all(struct search *search, struct error *error)
{
    int code;

    do {
        search->rows = 0;
        code = store_list_all_datasets(search->store, str_from(search->last_id), STORE_PAGE_MAX,
                                       look_at, search);
        code = code ? code : search->code;
    } while (code == OK && search->rows == STORE_PAGE_MAX);
    if (search->failed) {
        log_write(LOG_WARNING, "server", "%u imports were cut by the end of the last process",
                  search->failed);
    }
    return code ? error_set(error, code, "cannot tidy up the datasets: %s", error_code_text(code))
                : OK;
}

static bool is_wanted(struct str dataset_id, void *arg)
{
    const struct search *search = arg;

    return dict_find(&search->ready, dataset_id) != DICT_NOT_FOUND;
}

int server_tidy_up(struct store *store, struct usage_store *records, struct error *error)
{
    struct search search = {.store = store};

    dict_init(&search.ready, DATASETS_MAX, DATASETS_BYTES_LIMIT);
    int code = look_at_all(&search, error);
    if (code == OK) {
        code = usage_store_sweep(records, is_wanted, &search, error);
    }
    dict_done(&search.ready);
    return code;
}
