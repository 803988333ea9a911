/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/record_options.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/civil_time.h"
#include "cli/progress.h"
#include "loop/clock.h"

void record_options_init(struct record_options *options)
{
    *options = (struct record_options){0};
    options->dataset.paths = options->paths;
    options->dataset.maps = options->maps;
    options->dataset.now_us = clock_now_us();
}

static int take_map(struct record_options *options, const char *value, struct error *error)
{
    struct import_map map;

    if (dataset_map_parse(str_from(value), &map)) {
        return error_set(error, ERR_USAGE, "--map takes FIELD=COLUMN, not '%s'", value);
    }
    if (options->dataset.map_count == IMPORT_MAPS_MAX) {
        return error_set(error, ERR_USAGE, "more than %u --map", IMPORT_MAPS_MAX);
    }
    options->maps[options->dataset.map_count++] = map;
    return OK;
}

int record_options_take(struct record_options *options, int option, const char *value,
                        struct error *error)
{
    switch (option) {
    case OPTION_DATA:
        if (options->dataset.path_count == DATASET_INPUTS_MAX) {
            return error_set(error, ERR_USAGE, "more than %u --data", DATASET_INPUTS_MAX);
        }
        options->paths[options->dataset.path_count++] = value;
        return OK;
    case OPTION_MAP:
        return take_map(options, value, error);
    case OPTION_PRICES:
        options->dataset.prices_path = value;
        return OK;
    case OPTION_AS_OF:
        if (civil_parse(str_from(value), &options->dataset.as_of_us)) {
            return error_set(error, ERR_USAGE,
                             "--as-of takes a time such as 2026-11-22T12:00:00Z, not '%s'", value);
        }
        options->dataset.has_as_of = true;
        return OK;
    default:
        return ERR_NOT_FOUND;
    }
}

static void tell_input(const struct dataset_input *input)
{
    const struct import_report *report = input->report;

    if (input->code) {
        (void)fprintf(stderr, "netra: %s: %s\n", input->path, input->error.message);
        if (input->error.hint[0]) {
            (void)fprintf(stderr, "  %s\n", input->error.hint);
        }
    }
    if (report && report->rows_rejected) {
        (void)fprintf(stderr,
                      "netra: %s: %" PRIu64 " of %" PRIu64 " rows left out; row %" PRIu64 ": %s\n",
                      input->path, report->rows_rejected, report->rows_read, report->rejects[0].row,
                      report->rejects[0].reason);
    }
}

void record_options_tell_notes(const struct dataset *dataset)
{
    for (size_t i = 0; i < dataset->input_count; i++) {
        const struct dataset_input *input = &dataset->inputs[i];
        const struct import_report *report = input->report;

        for (size_t n = 0; report && n < report->note_count; n++) {
            (void)fprintf(stderr, "netra: %s: %.*s\n", input->path, STR_ARGS(report->notes[n]));
        }
    }
}

int record_options_open(const struct record_options *options, struct dataset **ret_dataset,
                        struct error *error)
{
    struct dataset_options dataset_options = options->dataset;
    struct progress progress;

    progress_start(&progress);
    dataset_options.progress = progress_show;
    dataset_options.progress_arg = &progress;
    int code = dataset_open(&dataset_options, ret_dataset, error);
    progress_end(&progress);
    for (size_t i = 0; !code && i < (*ret_dataset)->input_count; i++) {
        tell_input(&(*ret_dataset)->inputs[i]);
    }
    return code;
}

int record_options_unreadable(const struct dataset *dataset, struct error *error)
{
    for (size_t i = 0; i < dataset->input_count; i++) {
        int code = dataset->inputs[i].code;

        if (code && code != ERR_NO_RECORDS && dataset->table.count == 0) {
            return error_set(error, code, "no records could be read");
        }
    }
    return OK;
}
