/*
 * dataset: what a question is asked about: records from files or from the store, a price book, and
 * what every analysis needs from the two (which price applies to which record, what each record
 * costs). Read once, then only read: tools may share one dataset between threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TOOL_DATASET_H
#define NETRA_TOOL_DATASET_H

#include "base/arena.h"
#include "base/civil_time.h"
#include "engine/cost.h"
#include "tool/content_digest.h"
#include "tool/dataset_description.h"
#include "usage/import.h"

#define DATASET_INPUTS_MAX 256u

/* Traces whose clock starts at 0 end in the first year of Unix time, when nobody called a model. */
#define DATASET_RELATIVE_TIME_US (365 * DAY_US)

/* Called now and then while a file is read; total is 0 when it is not known (a pipe). */
typedef void (*dataset_progress_fn)(const char *path, uint64_t done, uint64_t total, void *arg);

/* Options are copied but for the texts of paths and maps, which must outlive the dataset. */
struct dataset_options {
    const char *const *paths; /* "-" is standard input */
    size_t path_count;
    const struct import_map *maps;
    size_t map_count;
    const char *prices_path; /* NULL: the built-in book */
    bool has_as_of;
    int64_t as_of_us;             /* when has_as_of */
    int64_t now_us;               /* the clock, for the default of as_of */
    dataset_progress_fn progress; /* may be NULL */
    void *progress_arg;
};

struct dataset_input {
    const char *path;                  /* in the dataset's arena */
    char digest[CONTENT_DIGEST_BYTES]; /* of the bytes as read */
    int code;                          /* OK, or why the input could not be read to its end */
    struct error error;
    const struct import_report *report; /* NULL when the file could not be opened */
    struct usage_import *import;        /* private: what report belongs to, if it was read here */
};

struct dataset {
    struct arena arena;       /* texts that the dataset owns */
    struct usage_table table; /* sorted by time */
    struct dataset_input *inputs;
    size_t input_count;
    struct price_book *book;
    const struct import_map *maps; /* as given; borrowed from the options, or adopted */
    size_t map_count;
    const char *prices_path;                /* NULL: built in */
    char book_digest[CONTENT_DIGEST_BYTES]; /* of the price file; "" when built in */
    struct rate_card card;
    struct price_options price_options;
    int64_t *cost; /* column of cost_replay */
    struct cost_sums sums;
    int64_t from_us; /* first and last record with a time */
    int64_t to_us;
    uint64_t timed;            /* records with a time */
    bool is_relative_time;     /* times count from a start that the records do not say */
    int64_t as_of_us;          /* "now" for this dataset */
    bool as_of_is_last_record; /* because the records are old and nobody said otherwise */
};

/* Reads everything that can be read. Inputs that fail keep their error and do not fail the whole;
 * the caller looks at inputs[] and table.count. Fails itself on a price file that cannot be read,
 * on a wrong map, on memory. */
must_check int dataset_open(const struct dataset_options *options, struct dataset **ret_dataset,
                            struct error *error);

/* The dataset of records that were imported before: reports about it say the same, fact for fact,
 * as about the file that they came from. The table is as the import left it, not sorted; its
 * contents are taken over, also on failure, and it is left empty. The description is copied. Of the
 * options prices_path, as_of and now_us count. Errors as above. */
must_check int dataset_adopt(const struct dataset_options *options, struct usage_table *table,
                             const struct dataset_description *description,
                             struct dataset **ret_dataset, struct error *error);

void dataset_close(struct dataset *dataset);
void dataset_close_pointer(struct dataset **dataset);

/* Whether opening it at now_us would give the same dataset: the same "now", chosen in the same way.
 * For one that was opened without as_of. */
bool dataset_is_of(const struct dataset *dataset, int64_t now_us);

/* Memory that it holds, the price book left out. */
size_t dataset_bytes(const struct dataset *dataset);

/* A price book from a file, or the built-in one for NULL. */
must_check int dataset_read_book(const char *path, struct price_book **ret_book,
                                 char digest[CONTENT_DIGEST_BYTES], struct error *error);

/* Sums over inputs: rows that were rejected, rows that were the same request again. */
uint64_t dataset_rejected(const struct dataset *dataset);

#endif
