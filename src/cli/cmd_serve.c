/*
 * netra serve: flags over environment over file, then the server until it is told to stop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "cli/command.h"
#include "cli/config_layers.h"
#include "server/inherited.h"
#include "server/server.h"

#define PRINT_BYTES_MAX ((size_t)4 << 20)

enum {
    OPTION_CONFIG = 1,
    OPTION_SET,
    OPTION_PRINT_CONFIG,
    OPTION_PRINT_SAMPLE,
    OPTION_PRINT_DOCS,
    OPTION_PRINT_ROUTES,
    OPTION_KEY, /* OPTION_KEY + a config_key: the value of that key */
};

static const struct option options_table[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"set", required_argument, NULL, OPTION_SET},
    {"listen", required_argument, NULL, OPTION_KEY + CONFIG_LISTEN},
    {"data-dir", required_argument, NULL, OPTION_KEY + CONFIG_DATA_DIR},
    {"role", required_argument, NULL, OPTION_KEY + CONFIG_ROLE},
    {"token-file", required_argument, NULL, OPTION_KEY + CONFIG_TOKEN_FILE},
    {"print-config", no_argument, NULL, OPTION_PRINT_CONFIG},
    {"print-sample-config", no_argument, NULL, OPTION_PRINT_SAMPLE},
    {"print-config-docs", no_argument, NULL, OPTION_PRINT_DOCS},
    {"print-routes", no_argument, NULL, OPTION_PRINT_ROUTES},
    {NULL, 0, NULL, 0},
};

/* What to do instead of serving, and the file that --config names. */
struct choice {
    int print; /* OPTION_PRINT_…; 0: serve */
    const char *config_path;
    struct inherited inherited;
};

static int take_set(struct config *config, const char *text, struct error *error)
{
    struct str all = str_from(text);
    size_t equals = str_find(all, STR("="), 0);

    if (equals == SIZE_MAX) {
        return error_set(error, ERR_USAGE, "--set takes KEY=VALUE, not '%s'", text);
    }
    return config_set(config, str_trim(str_slice(all, 0, equals)),
                      str_trim(str_slice(all, equals + 1, all.length)), CONFIG_FLAG, error);
}

/* The file and the choice of what to do come first, flags over them last: two passes. */
static int read_choice(int argc, char **argv, struct choice *choice)
{
    int option;

    while ((option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        if (option == '?') {
            return cli_usage(&command_serve, "an option is not known");
        }
        if (option == OPTION_CONFIG) {
            choice->config_path = optarg;
        } else if (option >= OPTION_PRINT_CONFIG && option <= OPTION_PRINT_ROUTES) {
            choice->print = option;
        }
    }
    return optind == argc ? EXIT_DONE : cli_usage(&command_serve, "'%s' is too much", argv[optind]);
}

static int take_flags(struct config *config, int argc, char **argv, struct error *error)
{
    int option;
    int code = OK;

    optind = 1;
    while (code == OK && (option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        if (option == OPTION_SET) {
            code = take_set(config, optarg, error);
        } else if (option >= OPTION_KEY) {
            code = config_set(config, str_from(config_rows[option - OPTION_KEY].key),
                              str_from(optarg), CONFIG_FLAG, error);
        }
    }
    return code;
}

/* Where an inherited socket listens overrides every layer, so that the rules are those of what is
 * served. */
static int take_inherited(struct config *config, struct choice *choice, struct error *error)
{
    int code = inherited_find(getenv, &choice->inherited, error);

    inherited_forget();
    return code || !choice->inherited.fd
               ? code
               : config_set(config, str_from(config_rows[CONFIG_LISTEN].key),
                            str_from(choice->inherited.listen), CONFIG_FLAG, error);
}

static int read_config(struct config *config, struct choice *choice, int argc, char **argv,
                       struct error *error)
{
    int code = read_config_layers(config, choice->config_path, error);

    if (code == OK) {
        code = take_flags(config, argc, argv, error);
    }
    if (code == OK && !choice->print) {
        code = take_inherited(config, choice, error);
    }
    return code ? code : config_finish(config, getenv, error);
}

static int print(int what, const struct config *config)
{
    cleanup(buf_done) struct buf text;

    buf_init(&text, PRINT_BYTES_MAX);
    switch (what) {
    case OPTION_PRINT_CONFIG:
        config_print(config, &text);
        break;
    case OPTION_PRINT_SAMPLE:
        config_print_sample(&text);
        break;
    case OPTION_PRINT_DOCS:
        config_print_docs(&text);
        break;
    default:
        api_write_routes(&text);
        break;
    }
    if (buf_status(&text)) {
        (void)fputs("netra: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    (void)fwrite(text.data, 1, text.length, stdout);
    return EXIT_DONE;
}

static void forget(struct buf *secret)
{
    if (secret->data) {
        OPENSSL_cleanse(secret->data, secret->capacity);
    }
    buf_done(secret);
}

static int serve(const struct config *config, int inherited_fd)
{
    cleanup(forget) struct buf token;
    struct error error = {0};

    buf_init(&token, CONFIG_TOKEN_BYTES_MAX);
    if (config_read_token(config, getenv, &token, &error) ||
        server_run(config, token.length ? token.data : NULL, inherited_fd, &error)) {
        return cli_fail(&error);
    }
    return EXIT_DONE;
}

static int run(int argc, char **argv)
{
    cleanup(config_done) struct config config;
    struct choice choice = {0};
    struct error error = {0};

    if (config_init(&config, &error)) {
        return cli_fail(&error);
    }
    int code = read_choice(argc, argv, &choice);
    if (code) {
        return code;
    }
    /* What does not depend on this machine is printed whatever its configuration says. */
    if (choice.print > OPTION_PRINT_CONFIG) {
        return print(choice.print, &config);
    }
    if (read_config(&config, &choice, argc, argv, &error)) {
        return cli_fail(&error);
    }
    return choice.print ? print(choice.print, &config) : serve(&config, choice.inherited.fd);
}

#define KEY(id, kind, name, fallback, least, most, unit, what)                                     \
    "  " name " = " fallback " (" unit ")\n      " what "\n"

const struct command command_serve = {
    .name = "serve",
    .summary = "the server: page, API and events for this machine",
    .help =
        "usage: netra serve [--config FILE] [--listen ADDR:PORT] [--data-dir DIR]\n"
        "                   [--role ROLE] [--token-file FILE] [--set KEY=VALUE]…\n"
        "\n"
        "Prints \"listening: URL\" and \"sign in: URL\", a link that works once. SIGTERM or "
        "SIGINT\n"
        "ends it in order, a second one at once.\n"
        "\n"
        "  --config FILE          read this file instead of ~/.config/netra/netra.conf\n"
        "  --listen ADDR:PORT     port 0: any free one\n"
        "  --data-dir DIR         where everything is kept\n"
        "  --role ROLE            all\n"
        "  --token-file FILE      the bearer token of API clients; NETRA_TOKEN holds it as well\n"
        "  --set KEY=VALUE        any key\n"
        "  --print-config         what is in force and where it is from\n"
        "  --print-sample-config  a file to start from\n"
        "  --print-config-docs    docs/configuration.md\n"
        "  --print-routes         the routes, as docs/protocol.md has them\n"
        "\n"
        "Keys: default < file < environment (NETRA_LOG_LEVEL for log.level) < flags\n"
        "\n"
#include "server/config.def"
    ,
    .run = run,
};

#undef KEY
