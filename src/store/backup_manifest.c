/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backup_manifest.h"

#include <stdio.h>

#include "base/civil_time.h"
#include "json/json_read.h"
#include "json/json_write.h"

#define INDENT           2
#define FORMAT_SHOWN_MAX 40
#define SCHEMA_MAX       10000
#define ROWS_MAX         (INT64_C(1) << 56)

const char *const backup_file_names[BACKUP_FILES] = {"netra.db", "usage.db"};

/* ---- writing ---- */

static void write_file(struct json_writer *w, const char *name, const struct backup_file *file)
{
    json_begin_object(w);
    json_key(w, "name");
    json_put_text(w, name);
    json_key(w, "schema");
    json_put_i64(w, file->schema);
    json_key(w, "bytes");
    json_put_i64(w, (int64_t)file->bytes);
    json_key(w, "sha256");
    json_put_text(w, file->sha256);
    json_key(w, "tables");
    json_begin_object(w);
    for (unsigned i = 0; i < file->tables.count; i++) {
        json_key(w, file->tables.tables[i].name);
        json_put_i64(w, file->tables.tables[i].rows);
    }
    json_end_object(w);
    json_end_object(w);
}

void backup_manifest_write(const struct backup_manifest *manifest, struct buf *out)
{
    struct json_writer w = json_writer_indented(out, INDENT);
    char created_at[CIVIL_STAMP_BYTES];

    civil_stamp(manifest->created_us, created_at);
    json_begin_object(&w);
    json_key(&w, "format");
    json_put_text(&w, BACKUP_FORMAT);
    json_key(&w, "netra");
    json_put_text(&w, manifest->netra);
    json_key(&w, "created_at");
    json_put_text(&w, created_at);
    json_key(&w, "datasets_without_records");
    json_put_i64(&w, (int64_t)manifest->datasets_without_records);
    json_key(&w, "files");
    json_begin_array(&w);
    for (unsigned i = 0; i < BACKUP_FILES; i++) {
        write_file(&w, backup_file_names[i], &manifest->files[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
    buf_append_char(out, '\n');
}

/* ---- reading ---- */

static int refuse(struct error *error, const char *what)
{
    return error_set(error, ERR_INVALID, BACKUP_MANIFEST_NAME " is no manifest of a back-up: %s",
                     what);
}

static bool read_sha256(struct json_value value, char ret_text[BACKUP_SHA256_TEXT_BYTES])
{
    struct str text;

    if (!json_get_str(value, &text) || text.length != BACKUP_SHA256_TEXT_BYTES - 1) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    memcpy(ret_text, text.data, text.length);
    ret_text[text.length] = '\0';
    return true;
}

static bool read_tables(struct json_value value, struct table_list *ret_list)
{
    struct json_iterator it = json_iterate(value);

    ret_list->count = 0;
    if (!json_is(value, JSON_OBJECT)) {
        return false;
    }
    while (json_next(&it)) {
        struct table_rows *table = &ret_list->tables[ret_list->count];

        if (ret_list->count == INSPECTION_TABLES_MAX || !inspection_is_table_name(it.key) ||
            !json_get_i64(it.value, &table->rows) || table->rows < 0 || table->rows > ROWS_MAX) {
            return false;
        }
        memcpy(table->name, it.key.data, it.key.length);
        table->name[it.key.length] = '\0';
        if (inspection_rows_of(ret_list, table->name) >= 0) {
            return false; /* named twice */
        }
        ret_list->count++;
    }
    return ret_list->count > 0;
}

static bool read_one_file(struct json_value value, struct backup_file *ret_file)
{
    int64_t schema = 0;

    if (!json_get_u64(json_at(value, "bytes"), &ret_file->bytes) ||
        ret_file->bytes > BACKUP_FILE_BYTES_MAX ||
        !json_get_i64(json_at(value, "schema"), &schema) || schema < 1 || schema > SCHEMA_MAX) {
        return false;
    }
    ret_file->schema = (int)schema;
    return read_sha256(json_at(value, "sha256"), ret_file->sha256) &&
           read_tables(json_at(value, "tables"), &ret_file->tables);
}

/* Each of the two, once, in their order. */
static int read_files(struct json_value list, struct backup_manifest *manifest, struct error *error)
{
    struct json_iterator it = json_iterate(list);
    unsigned count = 0;

    if (!json_is(list, JSON_ARRAY)) {
        return refuse(error, "it names no files");
    }
    while (json_next(&it)) {
        struct str name = {0};

        if (count == BACKUP_FILES || !json_get_str(json_at(it.value, "name"), &name) ||
            !str_equal(name, str_from(backup_file_names[count]))) {
            return refuse(error, "it names other files than netra.db and usage.db");
        }
        if (!read_one_file(it.value, &manifest->files[count])) {
            return refuse(error, "what it says of a file cannot be");
        }
        count++;
    }
    return count == BACKUP_FILES ? OK : refuse(error, "a file is missing");
}

/* What goes into messages and on terminals. */
static bool is_plain(struct str text, size_t bytes_max)
{
    bool is_plain = text.length > 0 && text.length <= bytes_max;

    for (size_t i = 0; i < text.length && is_plain; i++) {
        is_plain = text.data[i] > ' ' && text.data[i] < 0x7f;
    }
    return is_plain;
}

static int read_head(struct json_value root, struct backup_manifest *manifest, struct error *error)
{
    struct str text = {0};

    if (!json_get_str(json_at(root, "format"), &text)) {
        return refuse(error, "it has no format");
    }
    if (!str_equal(text, STR(BACKUP_FORMAT))) {
        bool is_shown = is_plain(text, FORMAT_SHOWN_MAX);

        (void)error_set(error, ERR_UNSUPPORTED,
                        "the back-up has the format \"%.*s\", and this program knows \"%s\"",
                        is_shown ? (int)text.length : 1, is_shown ? text.data : "?", BACKUP_FORMAT);
        error_hint(error, "Restore it with the version of netra that made it.");
        return ERR_UNSUPPORTED;
    }
    if (!json_get_str(json_at(root, "netra"), &text) || !is_plain(text, BACKUP_VERSION_BYTES_MAX)) {
        return refuse(error, "it does not say which version made it");
    }
    (void)snprintf(manifest->netra, sizeof(manifest->netra), "%.*s", STR_ARGS(text));
    if (!json_get_str(json_at(root, "created_at"), &text) ||
        civil_parse(text, &manifest->created_us)) {
        return refuse(error, "it does not say when it was made");
    }
    if (!json_get_u64(json_at(root, "datasets_without_records"),
                      &manifest->datasets_without_records) ||
        manifest->datasets_without_records > (uint64_t)ROWS_MAX) {
        return refuse(error, "it does not say whether datasets lack their records");
    }
    return OK;
}

int backup_manifest_read(struct str text, struct backup_manifest *ret_manifest, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct backup_manifest manifest = {0};
    struct json_value root;
    int code = json_parser_new(BACKUP_MANIFEST_BYTES_MAX, &parser);

    if (code) {
        return error_set(error, code, "cannot read " BACKUP_MANIFEST_NAME ": %s",
                         error_code_text(code));
    }
    code = json_parse(parser, text, &root, error);
    code = code ? code : read_head(root, &manifest, error);
    code = code ? code : read_files(json_at(root, "files"), &manifest, error);
    if (!code) {
        *ret_manifest = manifest;
    }
    return code;
}
