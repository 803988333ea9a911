/*
 * An upload on its way into the store: digested, imported, then put. The table lives until the
 * intake is freed, for the counts that are asked for meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tool/dataset_intake.h"

#include "base/alloc.h"
#include "tool/content_digest.h"
#include "tool/dataset.h"
#include "tool/dataset_description.h"

struct dataset_intake {
    struct arena arena; /* name and maps */
    struct str name;
    struct import_map *maps;
    size_t map_count;
    struct content_digest digest;
    struct usage_table table;
    struct usage_import *import;
    size_t rows_looked_at; /* for the times */
    int64_t from_us;
    int64_t to_us;
    bool is_timed;
};

static int no_memory(struct error *error)
{
    return error_set(error, ERR_NO_MEMORY, "cannot import the upload: out of memory");
}

static int copy_texts(struct dataset_intake *intake, struct str name, const struct import_map *maps,
                      size_t map_count)
{
    intake->name = arena_copy(&intake->arena, name);
    intake->maps = arena_alloc(&intake->arena, map_count + 1, sizeof(*intake->maps));
    if (!intake->name.data || !intake->maps) {
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < map_count; i++) {
        struct import_map map = {arena_copy(&intake->arena, maps[i].field),
                                 arena_copy(&intake->arena, maps[i].value)};

        if (!map.field.data || !map.value.data) {
            return ERR_NO_MEMORY;
        }
        intake->maps[intake->map_count++] = map;
    }
    return OK;
}

int dataset_intake_new(struct str name, const struct import_map *maps, size_t map_count,
                       struct dataset_intake **ret_intake, struct error *error)
{
    struct dataset_intake *intake = alloc_zeroed(1, sizeof(*intake));

    if (!intake) {
        return no_memory(error);
    }
    arena_init(&intake->arena, DATASET_DESCRIPTION_BYTES_MAX);
    usage_table_init(&intake->table);
    int code = copy_texts(intake, name, maps, map_count);
    code = code ? code : content_digest_init(&intake->digest);
    if (code) {
        code = no_memory(error);
    } else {
        struct import_options options = {
            .maps = intake->maps, .map_count = map_count, .source = intake->name};

        code = usage_import_begin(&options, &intake->table, &intake->import, error);
    }
    if (code) {
        dataset_intake_free(intake);
        return code;
    }
    *ret_intake = intake;
    return OK;
}

void dataset_intake_free(struct dataset_intake *intake)
{
    if (!intake) {
        return;
    }
    usage_import_free(intake->import);
    usage_table_done(&intake->table);
    content_digest_done(&intake->digest);
    arena_done(&intake->arena);
    alloc_free(intake);
}

/* Each row once: a row's time does not change any more. */
static void follow_times(struct dataset_intake *intake)
{
    const struct usage_table *table = &intake->table;

    for (; intake->rows_looked_at < table->count; intake->rows_looked_at++) {
        int64_t time_us = table->time_us[intake->rows_looked_at];

        if (!usage_has(table, intake->rows_looked_at, USAGE_HAS_TIME)) {
            continue;
        }
        intake->from_us = intake->is_timed && intake->from_us < time_us ? intake->from_us : time_us;
        intake->to_us = intake->is_timed && intake->to_us > time_us ? intake->to_us : time_us;
        intake->is_timed = true;
    }
}

int dataset_intake_feed(struct dataset_intake *intake, struct str bytes, struct error *error)
{
    content_digest_add(&intake->digest, bytes);
    int code = usage_import_feed(intake->import, bytes, error);
    follow_times(intake);
    return code;
}

int dataset_intake_finish(struct dataset_intake *intake, struct usage_store *store,
                          struct str dataset_id, struct error *error)
{
    int code = usage_import_finish(intake->import, error);

    follow_times(intake);
    return code ? code : usage_store_put(store, dataset_id, &intake->table, error);
}

struct dataset_intake_counts dataset_intake_counts(const struct dataset_intake *intake)
{
    const struct import_report *report = usage_import_report(intake->import);
    bool is_absolute = intake->is_timed && intake->to_us >= DATASET_RELATIVE_TIME_US;

    return (struct dataset_intake_counts){.bytes = report->bytes_in,
                                          .records = intake->table.count,
                                          .rejected = report->rows_rejected,
                                          .from_us = is_absolute ? intake->from_us : 0,
                                          .to_us = is_absolute ? intake->to_us : 0};
}

void dataset_intake_describe(const struct dataset_intake *intake, struct buf *out)
{
    char digest[CONTENT_DIGEST_BYTES];
    struct dataset_description description = {
        .name = intake->name,
        .maps = intake->maps,
        .map_count = intake->map_count,
        .report = usage_import_report(intake->import),
    };

    content_digest_print(&intake->digest, digest);
    description.digest = str_from(digest);
    dataset_description_write(&description, out);
}
