/*
 * Writing, reading and copying descriptions. What is read may have been damaged on the disk, so
 * every member is looked at; what import_report.c promises holds for the import's part.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tool/dataset_description.h"

#include "tool/content_digest.h"

int dataset_map_parse(struct str text, struct import_map *ret_map)
{
    size_t equals = str_find(text, STR("="), 0);

    if (equals == SIZE_MAX || equals == 0) {
        return ERR_USAGE;
    }
    *ret_map =
        (struct import_map){str_slice(text, 0, equals), str_slice(text, equals + 1, text.length)};
    return OK;
}

void dataset_description_write(const struct dataset_description *description, struct buf *out)
{
    struct json_writer w = json_writer_on(out);
    struct buf text;

    buf_init(&text, DATASET_DESCRIPTION_BYTES_MAX);
    json_begin_object(&w);
    json_key(&w, "name");
    json_put_str(&w, description->name);
    json_key(&w, "digest");
    json_put_str(&w, description->digest);
    json_key(&w, "maps");
    json_begin_array(&w);
    for (size_t i = 0; i < description->map_count; i++) {
        buf_append(&text, description->maps[i].field);
        buf_append_char(&text, '=');
        buf_append(&text, description->maps[i].value);
        json_put_str(&w, buf_str(&text));
        if (buf_status(&text) && buf_status(out) == OK) {
            out->status = buf_status(&text);
        }
        buf_clear(&text);
    }
    json_end_array(&w);
    json_key(&w, "import");
    import_report_write(description->report, &w);
    json_end_object(&w);
    buf_done(&text);
}

/* ---- reading ---- */

static int damaged(const char *member, struct error *error)
{
    return error_set(error, ERR_INVALID,
                     "cannot read the description of the dataset: its %s is not as written",
                     member);
}

static int no_memory(struct error *error)
{
    return error_set(error, ERR_NO_MEMORY,
                     "cannot read the description of the dataset: out of memory");
}

static int read_maps(struct json_value array, struct dataset_description *description,
                     struct arena *arena, struct error *error)
{
    size_t count = json_count(array);

    if (!json_is(array, JSON_ARRAY) || count > IMPORT_MAPS_MAX) {
        return damaged("maps", error);
    }
    struct import_map *maps = arena_alloc(arena, count + 1, sizeof(*maps));
    if (!maps) {
        return no_memory(error);
    }
    for (struct json_iterator it = json_iterate(array); json_next(&it);) {
        struct str text;

        if (!json_get_str(it.value, &text)) {
            return damaged("maps", error);
        }
        text = arena_copy(arena, text);
        if (!text.data) {
            return no_memory(error);
        }
        if (dataset_map_parse(text, &maps[description->map_count])) {
            return damaged("maps", error);
        }
        description->map_count++;
    }
    description->maps = maps;
    return OK;
}

static int read_members(struct json_value root, struct arena *arena,
                        struct dataset_description *description, struct error *error)
{
    struct import_report *report = arena_alloc(arena, 1, sizeof(*report));

    if (!report) {
        return no_memory(error);
    }
    description->report = report;
    if (!json_get_str(json_at(root, "name"), &description->name)) {
        return damaged("name", error);
    }
    if (!json_get_str(json_at(root, "digest"), &description->digest) ||
        description->digest.length >= CONTENT_DIGEST_BYTES) {
        return damaged("digest", error);
    }
    description->name = arena_copy(arena, description->name);
    description->digest = arena_copy(arena, description->digest);
    if (!description->name.data || !description->digest.data) {
        return no_memory(error);
    }
    int code = read_maps(json_at(root, "maps"), description, arena, error);
    return code ? code : import_report_read(json_at(root, "import"), arena, report, error);
}

int dataset_description_read(struct str json, struct arena *arena,
                             struct dataset_description *ret_description, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct dataset_description description = {0};
    struct json_value root;

    if (json_parser_new(DATASET_DESCRIPTION_BYTES_MAX, &parser)) {
        return no_memory(error);
    }
    int code = json_parse(parser, json, &root, error);
    if (code == ERR_LIMIT) {
        return damaged("length", error);
    }
    code = code ? code : read_members(root, arena, &description, error);
    if (!code) {
        *ret_description = description;
    }
    return code;
}

/* ---- copying ---- */

int dataset_description_copy(const struct dataset_description *description, struct arena *arena,
                             struct dataset_description *ret_description)
{
    struct import_map *maps = arena_alloc(arena, description->map_count + 1, sizeof(*maps));
    struct import_report *report = arena_alloc(arena, 1, sizeof(*report));
    struct dataset_description copy = {
        .name = arena_copy(arena, description->name),
        .digest = arena_copy(arena, description->digest),
        .maps = maps,
        .map_count = description->map_count,
        .report = report,
    };

    if (!maps || !report || !copy.name.data || !copy.digest.data) {
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < description->map_count; i++) {
        maps[i].field = arena_copy(arena, description->maps[i].field);
        maps[i].value = arena_copy(arena, description->maps[i].value);
        if (!maps[i].field.data || !maps[i].value.data) {
            return ERR_NO_MEMORY;
        }
    }
    int code = import_report_copy(description->report, arena, report);
    if (!code) {
        *ret_description = copy;
    }
    return code;
}
