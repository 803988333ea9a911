/*
 * Headers and --map → bindings: which column gives which field. A mapped field is not guessed any
 * more, and a mapped column means only what the maps say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/alloc.h"
#include "usage/importer.h"

#define COLUMNS_FIRST 16

static int grow(void **array, size_t count, size_t *capacity, size_t element_bytes)
{
    size_t wanted = *capacity ? *capacity * 2 : COLUMNS_FIRST;

    if (count < *capacity) {
        return OK;
    }
    void *grown = alloc_resize(*array, wanted, element_bytes);
    if (!grown) {
        return ERR_NO_MEMORY;
    }
    *array = grown;
    *capacity = wanted;
    return OK;
}

int importer_report_column(struct usage_import *import, struct import_column column)
{
    column.column = arena_copy(&import->arena, column.column);
    if (!column.column.data || grow((void **)&import->columns, import->report.column_count,
                                    &import->column_capacity, sizeof(*import->columns))) {
        return ERR_NO_MEMORY;
    }
    import->columns[import->report.column_count++] = column;
    import->report.columns = import->columns;
    return OK;
}

static int report_unused(struct usage_import *import, struct str header)
{
    struct str copy = arena_copy(&import->arena, header);

    if (!copy.data || grow((void **)&import->unused, import->report.unused_count,
                           &import->unused_capacity, sizeof(*import->unused))) {
        return ERR_NO_MEMORY;
    }
    import->unused[import->report.unused_count++] = copy;
    import->report.unused = import->unused;
    return OK;
}

static bool is_the_header(const struct importer_map *map, struct str header)
{
    return str_equal(map->value, header) ||
           (!field_takes_constant(map->field) && field_names_equal(map->value, header));
}

static int refuse_map(const struct importer_map *map, const struct str *headers,
                      size_t header_count, struct error *error)
{
    struct buf seen;

    if (header_count == 0) {
        return error_set(error, ERR_USAGE,
                         "cannot map %.*s: the fields of this format are fixed, only texts can be "
                         "set",
                         STR_ARGS(cell_cut(map->name, IMPORTER_NAME_SHOWN)));
    }
    buf_init(&seen, ERROR_MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < header_count && !buf_status(&seen); i++) {
        struct str name = cell_cut(headers[i], IMPORTER_NAME_SHOWN);

        buf_printf(&seen, "%s%.*s", i ? ", " : "", STR_ARGS(name));
    }
    (void)error_set(error, ERR_USAGE, "cannot map %.*s to '%.*s': no such column among %.*s",
                    STR_ARGS(cell_cut(map->name, IMPORTER_NAME_SHOWN)),
                    STR_ARGS(cell_cut(map->value, IMPORTER_NAME_SHOWN)), STR_ARGS(buf_str(&seen)));
    error_hint(error, "Name one of the columns; only text fields can be set to a constant.");
    buf_done(&seen);
    return ERR_USAGE;
}

static int add_constant(struct usage_import *import, const struct importer_map *map,
                        struct error *error)
{
    enum field_kind kind = field_kind(map->field);

    if ((kind == FIELD_KIND_TIER || kind == FIELD_KIND_STATUS) &&
        !row_knows_word(map->field, map->value)) {
        return error_set(error, ERR_USAGE, "cannot map %s to '%.*s': it can be %s",
                         field_name(map->field),
                         STR_ARGS(cell_cut(map->value, IMPORTER_NAME_SHOWN)),
                         kind == FIELD_KIND_TIER ? "standard, batch, flex or priority"
                                                 : "ok, error or cancelled");
    }
    import->constants[import->reader.constant_count++] =
        (struct row_constant){map->field, cell_cut(map->value, USAGE_NAME_BYTES_MAX)};
    import->reader.constants = import->constants;
    return importer_report_column(import, (struct import_column){
                                              .field = str_from(field_name(map->field)),
                                              .column = map->value,
                                              .is_constant = true,
                                              .is_mapped = true,
                                          });
}

int importer_resolve_maps(struct usage_import *import, const struct str *headers,
                          size_t header_count, struct error *error)
{
    int code = OK;

    for (size_t i = 0; i < import->map_count && !code; i++) {
        struct importer_map *map = &import->maps[i];

        for (size_t k = 0; k < header_count && !map->is_column; k++) {
            map->is_column = is_the_header(map, headers[k]);
        }
        import->mapped_fields |= field_bit(map->field);
        if (!map->is_column) {
            code = field_takes_constant(map->field) ? add_constant(import, map, error)
                                                    : refuse_map(map, headers, header_count, error);
        }
    }
    return code;
}

static const struct spelling *guess(const struct usage_import *import, struct str header,
                                    bool is_path, unsigned *ret_rank)
{
    const struct spelling *spelling =
        is_path ? field_path_spelling(header, ret_rank) : field_spelling(header, ret_rank);

    return spelling && !(import->mapped_fields & field_bit(spelling->field)) ? spelling : NULL;
}

/* A map that does not say the unit leaves it to the header's own spelling. */
static unsigned flags_of_map(const struct importer_map *map, struct str header)
{
    unsigned rank;
    const struct spelling *own = field_spelling(header, &rank);

    return map->flags |
           (own && own->field == map->field && !(map->flags & UNIT_MASK) ? own->flags & UNIT_MASK
                                                                         : 0);
}

int importer_bind(struct usage_import *import, struct str header, bool is_path,
                  struct binding *bindings, size_t capacity, size_t *ret_count)
{
    size_t count = 0;
    int code = OK;

    for (size_t i = 0; i < import->map_count && !code && count < capacity; i++) {
        const struct importer_map *map = &import->maps[i];

        if (map->is_column && is_the_header(map, header)) {
            bindings[count++] = (struct binding){map->field, 0, flags_of_map(map, header)};
            code = importer_report_column(import, (struct import_column){
                                                      .field = str_from(field_name(map->field)),
                                                      .column = header,
                                                      .is_mapped = true,
                                                  });
        }
    }
    if (count == 0 && count < capacity) {
        unsigned rank;
        const struct spelling *spelling = guess(import, header, is_path, &rank);

        if (spelling) {
            bindings[count++] = (struct binding){spelling->field, rank, spelling->flags};
            code =
                importer_report_column(import, (struct import_column){
                                                   .field = str_from(field_name(spelling->field)),
                                                   .column = header,
                                               });
        } else {
            code = report_unused(import, header);
        }
    }
    *ret_count = count;
    return code;
}
