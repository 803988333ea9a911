/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config_layers.h"

#include <stdlib.h>

int read_config_layers(struct config *config, const char *named, struct error *error)
{
    cleanup(buf_done) struct buf path;
    int code = OK;

    buf_init(&path, CONFIG_VALUE_BYTES_MAX);
    if (!named) {
        config_find_file(getenv, &path);
        named = path.length ? path.data : NULL;
    }
    if (named) {
        code = config_read_file(config, named, error);
    }
    return code ? code : config_read_environment(config, getenv, error);
}

int read_data_dir(const char *data_dir, const char *named, struct buf *path, struct error *error)
{
    cleanup(config_done) struct config config;
    int code = config_init(&config, error);

    if (data_dir) {
        buf_append(path, str_from(data_dir));
        return buf_status(path);
    }
    code = code ? code : read_config_layers(&config, named, error);
    code = code ? code : config_find_data_dir(&config, getenv, error);
    if (!code) {
        buf_append(path, str_from(config_text(&config, CONFIG_DATA_DIR)));
        code = buf_status(path);
    }
    return code;
}
