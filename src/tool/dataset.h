/*
 * dataset: what a question is asked about: records from files, a price book, and what every
 * analysis needs from the two (which price applies to which record, what each record costs). Read
 * once, then only read: tools may share one dataset between threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TOOL_DATASET_H
#define NETRA_TOOL_DATASET_H

#include "engine/cost.h"
#include "usage/import.h"

#define DATASET_INPUTS_MAX 256u

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
    char *path;
    char digest[48]; /* "xxh3-128:" and 32 hex digits, of the bytes as read */
    int code;        /* OK, or why the input could not be read to its end */
    struct error error;
    struct usage_import *import; /* its report; NULL when the file could not be opened */
};

struct dataset {
    struct usage_table table; /* sorted by time */
    struct dataset_input *inputs;
    size_t input_count;
    struct price_book *book;
    const struct import_map *maps; /* as given; borrowed from the options */
    size_t map_count;
    char *prices_path;    /* NULL: built in */
    char book_digest[48]; /* of the price file; "" when built in */
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
void dataset_close(struct dataset *dataset);
void dataset_close_pointer(struct dataset **dataset);

/* A price book from a file, or the built-in one for NULL; digest has room for 48 bytes. */
must_check int dataset_read_book(const char *path, struct price_book **ret_book, char *digest,
                                 struct error *error);

/* Sums over inputs: rows that were rejected, rows that were the same request again. */
uint64_t dataset_rejected(const struct dataset *dataset);

#endif
