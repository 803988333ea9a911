/*
 * The table's values in force, layer over layer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/config.h"

#include "base/alloc.h"
#include "server/config_access.h"
#include "server/config_read.h"
#include "server/config_role.h"
#include "server/config_value.h"

const struct config_row config_rows[CONFIG_COUNT] = {
#define KEY(id, how, name, otherwise, from, to, values, why)                                       \
    [CONFIG_##id] = {.key = (name),                                                                \
                     .fallback = (otherwise),                                                      \
                     .unit = (values),                                                             \
                     .what = (why),                                                                \
                     .least = (from),                                                              \
                     .most = (to),                                                                 \
                     .kind = CONFIG_##how},
#include "server/config.def"
#undef KEY
};

/* Replaces a value that was parsed. */
static int store_value(struct config_value *value, struct str text, uint64_t number,
                       enum config_source source, unsigned line)
{
    char *copy = alloc_zeroed(text.length + 1, 1);

    if (!copy) {
        return ERR_NO_MEMORY;
    }
    if (text.length) {
        memcpy(copy, text.data, text.length);
    }
    alloc_free(value->text);
    *value = (struct config_value){.text = copy, .number = number, .source = source, .line = line};
    return OK;
}

int config_init(struct config *config, struct error *error)
{
    *config = (struct config){0};
    for (unsigned i = 0; i < CONFIG_COUNT; i++) {
        struct str text = str_from(config_rows[i].fallback);
        uint64_t number;
        int code = config_value_parse(&config_rows[i], text, &number, error);

        if (code || store_value(&config->values[i], text, number, CONFIG_DEFAULT, 0)) {
            config_done(config);
            return code ? code : error_set(error, ERR_NO_MEMORY, "out of memory");
        }
    }
    return OK;
}

void config_done(struct config *config)
{
    for (unsigned i = 0; i < CONFIG_COUNT; i++) {
        alloc_free(config->values[i].text);
    }
    *config = (struct config){0};
}

static int find_key(struct str name)
{
    for (int i = 0; i < CONFIG_COUNT; i++) {
        if (str_equal(name, str_from(config_rows[i].key))) {
            return i;
        }
    }
    return -1;
}

static int set_at(struct config *config, struct str name, struct str text,
                  enum config_source source, unsigned line, struct error *error)
{
    int key = find_key(name);
    uint64_t number;

    if (key < 0) {
        (void)error_set(error, ERR_USAGE, "there is no key '%.*s'", STR_ARGS(name));
        error_hint(error, "`netra serve --print-sample-config` explains every key.");
        return ERR_USAGE;
    }
    struct config_value *value = &config->values[key];
    if (source == CONFIG_FILE && value->source == CONFIG_FILE) {
        return error_set(error, ERR_USAGE, "%s is set twice, first in line %u",
                         config_rows[key].key, value->line);
    }
    int code = config_value_parse(&config_rows[key], text, &number, error);
    if (code) {
        return code;
    }
    code = store_value(value, text, number, source, line);
    return code ? error_set(error, code, "out of memory") : OK;
}

int config_set(struct config *config, struct str key, struct str value, enum config_source source,
               struct error *error)
{
    return set_at(config, key, value, source, /* line */ 0, error);
}

/* What was wrong with a line, in front of which comes where. */
static int fail_at(struct error *error, int code, const char *path, unsigned line)
{
    struct error inner = *error;

    (void)error_set(error, code, "%s:%u: %s", path, line, inner.message);
    error_hint(error, "%s", inner.hint);
    return code;
}

static int read_line(struct config *config, struct str line, unsigned number, struct error *error)
{
    size_t equals = str_find(line, STR("="), 0);

    if (line.length == 0 || line.data[0] == '#') {
        return OK;
    }
    if (equals == SIZE_MAX) {
        return error_set(error, ERR_USAGE, "'%.*s' is not KEY = VALUE",
                         (int)(line.length < 60 ? line.length : 60), line.data);
    }
    return set_at(config, str_trim(str_slice(line, 0, equals)),
                  str_trim(str_slice(line, equals + 1, line.length)), CONFIG_FILE, number, error);
}

int config_read_text(struct config *config, const char *path, struct str text, struct error *error)
{
    unsigned number = 1;

    for (size_t begin = 0; begin < text.length; number++) {
        size_t end = str_find(text, STR("\n"), begin);

        if (end == SIZE_MAX) {
            end = text.length;
        }
        int code = read_line(config, str_trim(str_slice(text, begin, end)), number, error);
        if (code) {
            return fail_at(error, code, path, number);
        }
        begin = end + 1;
    }
    return OK;
}

void config_print_variable(enum config_key key, struct buf *out)
{
    buf_append(out, STR("NETRA_"));
    for (const char *c = config_rows[key].key; *c; c++) {
        buf_append_char(out, *c == '.'                ? '_'
                             : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A')
                                                      : *c);
    }
}

int config_read_environment(struct config *config, config_environment_fn *environment,
                            struct error *error)
{
    for (unsigned i = 0; i < CONFIG_COUNT; i++) {
        cleanup(buf_done) struct buf name;

        buf_init(&name, CONFIG_VALUE_BYTES_MAX);
        config_print_variable((enum config_key)i, &name);
        if (buf_status(&name)) {
            return error_set(error, ERR_NO_MEMORY, "out of memory");
        }
        const char *value = environment(name.data);
        int code = !value ? OK
                          : set_at(config, str_from(config_rows[i].key), str_from(value),
                                   CONFIG_ENVIRONMENT, 0, error);
        if (code) {
            struct error inner = *error;

            (void)error_set(error, code, "%s: %s", name.data, inner.message);
            return code;
        }
    }
    return OK;
}

struct config_address config_listen(const struct config *config)
{
    struct config_address address = {0};

    (void)config_address_parse(str_from(config_text(config, CONFIG_LISTEN)), &address);
    return address;
}

static int fill_data_dir(struct config *config, config_environment_fn *environment,
                         struct error *error)
{
    cleanup(buf_done) struct buf path;
    const char *home = environment("HOME");
    const char *data_home = environment("XDG_DATA_HOME");

    buf_init(&path, CONFIG_VALUE_BYTES_MAX);
    if (data_home && data_home[0] == '/') {
        buf_printf(&path, "%s/netra", data_home);
    } else if (home && home[0] == '/') {
        buf_printf(&path, "%s/.local/share/netra", home);
    } else {
        (void)error_set(error, ERR_USAGE, "there is no data_dir, and no HOME to put one in");
        error_hint(error, "Say --data-dir DIR.");
        return ERR_USAGE;
    }
    if (config_role(config) != CONFIG_ROLE_ALL) { /* three on one machine have a folder each */
        buf_printf(&path, "-%s", config_text(config, CONFIG_ROLE));
    }
    if (buf_status(&path) ||
        store_value(&config->values[CONFIG_DATA_DIR], buf_str(&path), 0, CONFIG_DEFAULT, 0)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    return OK;
}

int config_find_data_dir(struct config *config, config_environment_fn *environment,
                         struct error *error)
{
    return config_text(config, CONFIG_DATA_DIR)[0] ? OK : fill_data_dir(config, environment, error);
}

int config_finish(struct config *config, config_environment_fn *environment, struct error *error)
{
    int code = config_check_access(config, error);

    if (code == OK) {
        code = config_check_role(config, error);
    }
    if (code) {
        return code;
    }
    return config_find_data_dir(config, environment, error);
}
