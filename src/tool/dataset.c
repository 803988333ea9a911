/*
 * Reading files into a dataset, or taking over records that were read before. A file is read in
 * pieces, digested and fed to the importer, so its size is bounded by nothing but time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tool/dataset.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/check.h"

#define READ_BYTES     (size_t)(1u << 20)
#define TEXT_BYTES_MAX DATASET_DESCRIPTION_BYTES_MAX
#define AS_OF_STALE_US (2 * DAY_US) /* older records move "now" to their end */

/* An open file with the running digest of what was read from it. */
struct source {
    int fd;
    uint64_t size; /* 0: not known */
    uint64_t done;
    struct content_digest digest;
    char *piece; /* READ_BYTES */
};

static void source_done(struct source *source)
{
    if (source->fd > STDIN_FILENO) {
        (void)close(source->fd);
    }
    content_digest_done(&source->digest);
    alloc_free(source->piece);
}

static int source_open(const char *path, struct source *source, struct error *error)
{
    struct stat info;

    *source = (struct source){.fd = STDIN_FILENO};
    if (strcmp(path, "-") != 0) {
        source->fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (source->fd < 0 || fstat(source->fd, &info)) {
        return error_set(error, ERR_IO, "cannot open %s: %m", path);
    }
    if (S_ISDIR(info.st_mode)) {
        error_set(error, ERR_IO, "cannot read %s: it is a folder", path);
        error_hint(error, "Name its files, one --data each.");
        return ERR_IO;
    }
    source->size = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    source->piece = alloc_zeroed(READ_BYTES, 1);
    if (!source->piece || content_digest_init(&source->digest)) {
        return error_set(error, ERR_NO_MEMORY, "cannot read %s: out of memory", path);
    }
    return OK;
}

/* The next piece; empty at the end. */
static int source_read(struct source *source, const char *path, struct str *ret_piece,
                       struct error *error)
{
    ssize_t got;

    do {
        got = read(source->fd, source->piece, READ_BYTES);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return error_set(error, ERR_IO, "cannot read %s: %m", path);
    }
    *ret_piece = (struct str){source->piece, (size_t)got};
    content_digest_add(&source->digest, *ret_piece);
    source->done += (uint64_t)got;
    return OK;
}

/* A wrong map would be wrong for each input, and half of the records because memory ran out would
 * look like all of them. */
static bool is_fatal(int code)
{
    return code == ERR_USAGE || code == ERR_NO_MEMORY;
}

/* Reads one input into the dataset's table; a failure of the input is kept in input, not
 * returned. */
static int read_input(const struct dataset_options *options, const char *path,
                      struct dataset *dataset, struct dataset_input *input, struct error *error)
{
    cleanup(source_done) struct source source;
    struct import_options import_options = {
        .maps = options->maps, .map_count = options->map_count, .source = str_from(path)};
    struct str piece = {NULL, 1};

    input->path = arena_copy(&dataset->arena, str_from(path)).data;
    if (!input->path) {
        source = (struct source){.fd = -1};
        return error_set(error, ERR_NO_MEMORY, "cannot read %s: out of memory", path);
    }
    input->code = source_open(path, &source, &input->error);
    if (input->code) {
        return is_fatal(input->code) ? error_set(error, input->code, "%s", input->error.message)
                                     : OK;
    }
    int code = usage_import_begin(&import_options, &dataset->table, &input->import, error);
    if (code) {
        return code;
    }
    input->report = usage_import_report(input->import);
    while (!input->code && piece.length) {
        input->code = source_read(&source, path, &piece, &input->error);
        if (!input->code && piece.length) {
            input->code = usage_import_feed(input->import, piece, &input->error);
            if (options->progress) {
                options->progress(path, source.done, source.size, options->progress_arg);
            }
        }
    }
    if (!input->code) {
        input->code = usage_import_finish(input->import, &input->error);
    }
    content_digest_print(&source.digest, input->digest);
    return is_fatal(input->code) ? error_set(error, input->code, "%s", input->error.message) : OK;
}

int dataset_read_book(const char *path, struct price_book **ret_book,
                      char digest[CONTENT_DIGEST_BYTES], struct error *error)
{
    cleanup(source_done) struct source source = {.fd = -1};
    cleanup(buf_done) struct buf text;
    struct str piece = {NULL, 1};

    buf_init(&text, PRICE_BOOK_BYTES_MAX);
    digest[0] = '\0';
    if (!path) {
        return price_book_builtin(ret_book, error);
    }
    int code = source_open(path, &source, error);
    while (!code && piece.length) {
        code = source_read(&source, path, &piece, error);
        buf_append(&text, code ? STR("") : piece);
        if (!code && buf_status(&text)) {
            code = error_set(error, buf_status(&text), "cannot read prices from %s: %s", path,
                             error_code_text(buf_status(&text)));
        }
    }
    if (code) {
        return code;
    }
    content_digest_print(&source.digest, digest);
    return price_book_parse(buf_str(&text), str_from(path), ret_book, error);
}

static void find_span(struct dataset *dataset)
{
    const struct usage_table *table = &dataset->table;

    for (size_t row = 0; row < table->count; row++) {
        if (usage_has(table, row, USAGE_HAS_TIME)) {
            if (dataset->timed++ == 0) {
                dataset->from_us = table->time_us[row];
            }
            dataset->to_us = table->time_us[row];
        }
    }
}

/* Whether the last record is "now", at now_us, when nobody says otherwise. */
static bool is_stale(const struct dataset *dataset, int64_t now_us)
{
    return dataset->timed && !dataset->is_relative_time && now_us - dataset->to_us > AS_OF_STALE_US;
}

static void choose_as_of(struct dataset *dataset, const struct dataset_options *options)
{
    dataset->is_relative_time = dataset->timed && dataset->to_us < DATASET_RELATIVE_TIME_US;
    dataset->as_of_us = options->has_as_of ? options->as_of_us : options->now_us;
    if (!options->has_as_of && is_stale(dataset, options->now_us)) {
        dataset->as_of_us = dataset->to_us;
        dataset->as_of_is_last_record = true;
    }
}

bool dataset_is_of(const struct dataset *dataset, int64_t now_us)
{
    return dataset->as_of_is_last_record ? is_stale(dataset, now_us) : dataset->as_of_us == now_us;
}

/* Sorting, prices and costs: what is derived from records and book once. */
static int prepare(struct dataset *dataset, const struct dataset_options *options,
                   struct error *error)
{
    struct usage_table *table = &dataset->table;
    int code = usage_table_sort(table);

    if (!code) {
        find_span(dataset);
        choose_as_of(dataset, options);
        /* today's prices on past traffic: the newest row of the book */
        code = rate_card_init(&dataset->card, table, dataset->book, INT64_MAX);
    }
    if (!code) {
        dataset->cost = alloc_zeroed(table->count ? table->count : 1, sizeof(*dataset->cost));
        code = dataset->cost ? OK : ERR_NO_MEMORY;
    }
    if (code) {
        return error_set(error, code, "cannot prepare %zu records: %s", table->count,
                         error_code_text(code));
    }
    cost_replay(table, &dataset->card, &dataset->price_options, 0, table->count, dataset->cost,
                &dataset->sums);
    return OK;
}

static int no_memory(struct error *error)
{
    return error_set(error, ERR_NO_MEMORY, "cannot open the records: out of memory");
}

/* A dataset without records, with room for inputs and with its prices; on failure what there is of
 * it is the caller's too. */
static int begin(const struct dataset_options *options, size_t input_count,
                 struct dataset **ret_dataset, struct error *error)
{
    struct dataset *dataset = alloc_zeroed(1, sizeof(*dataset));

    *ret_dataset = dataset;
    if (!dataset) {
        return no_memory(error);
    }
    arena_init(&dataset->arena, TEXT_BYTES_MAX);
    usage_table_init(&dataset->table);
    dataset->inputs = alloc_zeroed(input_count + 1, sizeof(*dataset->inputs));
    if (!dataset->inputs) {
        return no_memory(error);
    }
    if (options->prices_path) {
        dataset->prices_path = arena_copy(&dataset->arena, str_from(options->prices_path)).data;
        if (!dataset->prices_path) {
            return no_memory(error);
        }
    }
    return dataset_read_book(options->prices_path, &dataset->book, dataset->book_digest, error);
}

int dataset_open(const struct dataset_options *options, struct dataset **ret_dataset,
                 struct error *error)
{
    cleanup(dataset_close_pointer) struct dataset *dataset = NULL;

    if (options->path_count > DATASET_INPUTS_MAX) {
        return error_set(error, ERR_LIMIT, "%zu inputs: the limit is %u", options->path_count,
                         DATASET_INPUTS_MAX);
    }
    int code = begin(options, options->path_count, &dataset, error);
    if (code) {
        return code;
    }
    dataset->maps = options->maps;
    dataset->map_count = options->map_count;
    for (size_t i = 0; i < options->path_count && !code; i++) {
        dataset->input_count++;
        code = read_input(options, options->paths[i], dataset, &dataset->inputs[i], error);
    }
    if (!code) {
        code = prepare(dataset, options, error);
    }
    if (!code) {
        *ret_dataset = TAKE(dataset);
    }
    return code;
}

/* The description as the dataset's one input. */
static int adopt_input(struct dataset *dataset, const struct dataset_description *description,
                       struct error *error)
{
    struct dataset_input *input = &dataset->inputs[0];
    struct dataset_description own;

    check_cmp(description->digest.length, <, sizeof(input->digest));
    if (dataset_description_copy(description, &dataset->arena, &own)) {
        return no_memory(error);
    }
    dataset->maps = own.maps;
    dataset->map_count = own.map_count;
    input->path = own.name.data;
    memcpy(input->digest, own.digest.data, own.digest.length);
    input->report = own.report;
    dataset->input_count = 1;
    return OK;
}

int dataset_adopt(const struct dataset_options *options, struct usage_table *table,
                  const struct dataset_description *description, struct dataset **ret_dataset,
                  struct error *error)
{
    cleanup(dataset_close_pointer) struct dataset *dataset = NULL;
    int code = begin(options, /* input_count */ 1, &dataset, error);

    if (code) {
        usage_table_done(table);
        return code;
    }
    dataset->table = *table;
    usage_table_init(table);
    code = adopt_input(dataset, description, error);
    if (!code) {
        code = prepare(dataset, options, error);
    }
    if (!code) {
        *ret_dataset = TAKE(dataset);
    }
    return code;
}

void dataset_close(struct dataset *dataset)
{
    if (!dataset) {
        return;
    }
    for (size_t i = 0; i < dataset->input_count; i++) {
        usage_import_free(dataset->inputs[i].import);
    }
    alloc_free(dataset->inputs);
    usage_table_done(&dataset->table);
    rate_card_done(&dataset->card);
    price_book_free(dataset->book);
    alloc_free(dataset->cost);
    arena_done(&dataset->arena);
    alloc_free(dataset);
}

void dataset_close_pointer(struct dataset **dataset)
{
    dataset_close(*dataset);
}

uint64_t dataset_rejected(const struct dataset *dataset)
{
    uint64_t rejected = 0;

    for (size_t i = 0; i < dataset->input_count; i++) {
        const struct import_report *report = dataset->inputs[i].report;

        rejected += report ? report->rows_rejected : 0;
    }
    return rejected;
}

size_t dataset_bytes(const struct dataset *dataset)
{
    size_t rows = dataset->table.count;

    return sizeof(*dataset) + usage_table_bytes(&dataset->table) + dataset->arena.used_bytes +
           rows * (sizeof(*dataset->cost) + sizeof(*dataset->card.slot_of)) +
           dataset->card.capacity * sizeof(*dataset->card.slots);
}
