/*
 * Files that the configuration is read from: netra.conf and the token.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/config_read.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/auth.h"
#include "monitor/log.h"

static void close_file(FILE **file)
{
    if (*file) {
        (void)fclose(*file);
    }
}

static int read_small(const char *path, struct buf *text, struct error *error)
{
    cleanup(close_file) FILE *file = fopen(path, "re");
    char piece[4096];
    size_t got;

    if (!file) {
        return error_set(error, ERR_USAGE, "cannot read %s: %m", path);
    }
    while ((got = fread(piece, 1, sizeof(piece), file)) > 0) {
        buf_append(text, (struct str){piece, got});
    }
    if (ferror(file)) {
        return error_set(error, ERR_USAGE, "cannot read %s: %m", path);
    }
    if (buf_status(text) == ERR_LIMIT) {
        return error_set(error, ERR_USAGE, "cannot read %s: longer than %zu bytes", path,
                         text->limit);
    }
    return buf_status(text) ? error_set(error, ERR_NO_MEMORY, "out of memory") : OK;
}

int config_read_file(struct config *config, const char *path, struct error *error)
{
    cleanup(buf_done) struct buf text;

    buf_init(&text, CONFIG_FILE_BYTES_MAX);
    int code = read_small(path, &text, error);
    return code ? code : config_read_text(config, path, buf_str(&text), error);
}

void config_find_file(config_environment_fn *environment, struct buf *path)
{
    const char *named = environment("NETRA_CONFIG");
    const char *home = environment("HOME");
    const char *config_home = environment("XDG_CONFIG_HOME");

    if (named && named[0]) {
        buf_append(path, str_from(named));
        return;
    }
    if (config_home && config_home[0] == '/') {
        buf_printf(path, "%s/netra/netra.conf", config_home);
    } else if (home && home[0] == '/') {
        buf_printf(path, "%s/.config/netra/netra.conf", home);
    }
    if (buf_status(path) || (path->length && access(path->data, F_OK) && errno == ENOENT)) {
        buf_clear(path);
    }
}

/* Others that may read the file have the token. */
static void warn_of_rights(const char *path)
{
    struct stat about;

    if (stat(path, &about) == 0 && about.st_mode & (S_IRWXG | S_IRWXO)) {
        log_write(LOG_WARNING, "server", "others may use the token file %s: chmod 600 it", path);
    }
}

int config_read_token(const struct config *config, config_environment_fn *environment,
                      struct buf *token, struct error *error)
{
    cleanup(buf_done) struct buf text;
    const char *given = environment("NETRA_TOKEN");
    const char *variable = given && given[0] ? given : NULL;
    const char *path = config_text_or_null(config, CONFIG_TOKEN_FILE);
    const char *from = "NETRA_TOKEN";

    buf_init(&text, CONFIG_TOKEN_BYTES_MAX);
    if (path && (config->values[CONFIG_TOKEN_FILE].source == CONFIG_FLAG || !variable)) {
        int code = read_small(path, &text, error);

        if (code) {
            return code;
        }
        warn_of_rights(path);
        from = path;
    } else if (variable) {
        buf_append(&text, str_from(variable));
    } else {
        return OK;
    }
    struct str trimmed = str_trim(buf_str(&text));
    if (trimmed.length < AUTH_TOKEN_BYTES_MIN || memchr(trimmed.data, '\0', trimmed.length)) {
        (void)error_set(error, ERR_USAGE, "the token of %s is shorter than %u characters", from,
                        AUTH_TOKEN_BYTES_MIN);
        error_hint(error, "Make one: openssl rand -hex 32.");
        return ERR_USAGE;
    }
    buf_append(token, trimmed);
    return buf_status(token) ? error_set(error, ERR_NO_MEMORY, "out of memory") : OK;
}
