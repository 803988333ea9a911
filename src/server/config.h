/*
 * config: what the operator chose. One table (config.def) says which keys there are; each layer
 * overrides those before it:
 *
 *     default < file (netra.conf) < environment (NETRA_<KEY>) < flags
 *
 *     config_init → config_read_file → config_read_environment → config_set (flags)
 *                 → config_finish (what follows from several keys) → config_text, config_number
 *
 * A file has one "key = value" a line; blank lines and lines that begin with # are skipped. A key
 * that is not known, one that is set twice, and a value that cannot be are errors that name the
 * place. The variable of "log.level" is NETRA_LOG_LEVEL. Secrets are no keys: a token comes from
 * NETRA_TOKEN or a file of its own, and is never printed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_CONFIG_H
#define NETRA_SERVER_CONFIG_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define CONFIG_FILE_BYTES_MAX    65536u
#define CONFIG_VALUE_BYTES_MAX   4096u
#define CONFIG_TOKEN_BYTES_MAX   4096u
#define CONFIG_ADDRESS_BYTES_MAX 64u

enum config_key {
#define KEY(id, kind, name, fallback, least, most, unit, what) CONFIG_##id,
#include "server/config.def"
#undef KEY
    CONFIG_COUNT
};

enum config_kind { CONFIG_TEXT, CONFIG_ADDRESS, CONFIG_CHOICE, CONFIG_NUMBER, CONFIG_BYTES };

enum config_source { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_FLAG };

struct config_row {
    const char *key;
    const char *fallback;
    const char *unit; /* or the choices: "text|json" */
    const char *what;
    uint64_t least;
    uint64_t most;
    enum config_kind kind;
};

extern const struct config_row config_rows[CONFIG_COUNT];

struct config_value {
    char *text;      /* as it was given; never NULL after config_init */
    uint64_t number; /* of numbers and bytes; of a choice its index */
    enum config_source source;
    unsigned line; /* of the file */
};

struct config {
    struct config_value values[CONFIG_COUNT];
};

/* getenv, or a test's own. */
typedef char *config_environment_fn(const char *name);

/* Defaults. ERR_NO_MEMORY. */
must_check int config_init(struct config *config, struct error *error);
void config_done(struct config *config);

/* ERR_USAGE: the message names file and line; ERR_NO_MEMORY. */
must_check int config_read_file(struct config *config, const char *path, struct error *error);
must_check int config_read_environment(struct config *config, config_environment_fn *environment,
                                       struct error *error);

/* One value of a flag. ERR_USAGE, ERR_NO_MEMORY. */
must_check int config_set(struct config *config, struct str key, struct str value,
                          enum config_source source, struct error *error);

/* Fills in the data directory's default, and refuses what cannot be together: an address beyond
 * loopback without accounts and TLS (config_access.h), a role without the addresses that it needs
 * (config_role.h). ERR_USAGE, ERR_NO_MEMORY. */
must_check int config_finish(struct config *config, config_environment_fn *environment,
                             struct error *error);

/* The data directory's default, where no layer names one: $XDG_DATA_HOME/netra, or
 * ~/.local/share/netra. ERR_USAGE (no HOME), ERR_NO_MEMORY. */
must_check int config_find_data_dir(struct config *config, config_environment_fn *environment,
                                    struct error *error);

/* Where netra.conf is looked for when no --config names one: NETRA_CONFIG, or
 * $XDG_CONFIG_HOME/netra/netra.conf, ~/.config/netra/netra.conf. Empty when there is none
 * (one that NETRA_CONFIG names is taken to be there). */
void config_find_file(config_environment_fn *environment, struct buf *path);

static inline const char *config_text(const struct config *config, enum config_key key)
{
    return config->values[key].text;
}

/* NULL when it is empty. */
static inline const char *config_text_or_null(const struct config *config, enum config_key key)
{
    return config->values[key].text[0] ? config->values[key].text : NULL;
}

static inline uint64_t config_number(const struct config *config, enum config_key key)
{
    return config->values[key].number;
}

/* Of a "listen" that was accepted; "localhost" is 127.0.0.1. */
struct config_address {
    char address[CONFIG_ADDRESS_BYTES_MAX]; /* without brackets */
    uint16_t port;
    bool is_ipv6;
    bool is_loopback;
};
struct config_address config_listen(const struct config *config);

/* The bearer: of --token-file, else NETRA_TOKEN, else a token_file of another layer; empty when
 * there is none. ERR_USAGE (cannot be read, too short). */
must_check int config_read_token(const struct config *config, config_environment_fn *environment,
                                 struct buf *token, struct error *error);

/* The value in force of every key and where it is from; every key explained, as a file to start
 * from; the same as a page of the documents. */
void config_print(const struct config *config, struct buf *out);
void config_print_sample(struct buf *out);
void config_print_docs(struct buf *out);

/* "NETRA_LOG_LEVEL". */
void config_print_variable(enum config_key key, struct buf *out);

#endif
