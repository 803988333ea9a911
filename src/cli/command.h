/*
 * command: the command table of `netra`. One cmd_<name>.c per command; a new one is declared here
 * and listed in cli.c. A command gets its own arguments (argv[0] is its name) and returns the
 * process's exit code.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_CLI_COMMAND_H
#define NETRA_CLI_COMMAND_H

#include "base/error.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NO_RECORDS = 3, /* a guidance report was given */
    EXIT_INCOMPLETE = 4  /* nothing failed, but not everything could be looked at */
};

struct command {
    const char *name;
    const char *summary; /* one line, for `netra help` */
    const char *help;    /* usage and options, for `netra help NAME` and --help */
    int (*run)(int argc, char **argv);
};

extern const struct command command_ask;
extern const struct command command_audit;
extern const struct command command_deploy;
extern const struct command command_diagnose;
extern const struct command command_backup;
extern const struct command command_doctor;
extern const struct command command_key;
extern const struct command command_loop;
extern const struct command command_parse;
extern const struct command command_prices;
extern const struct command command_recompute;
extern const struct command command_restore;
extern const struct command command_serve;
extern const struct command command_tool;
extern const struct command command_user;
extern const struct command command_verify;
extern const struct command command_workspace;

/* Runs what argv asks for. */
int cli_main(int argc, char **argv);

/* Prints "netra: message" and the hint to standard error; returns the exit code of error's code. */
int cli_fail(const struct error *error);

/* The same for a wrong use of a command, with a pointer to its help. */
int cli_usage(const struct command *command, const char *format, ...) printf_like(2, 3);

#endif
