/*
 * The command table, help and version.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static const struct command *const commands[] = {
    &command_ask,       &command_serve,    &command_tool,   &command_parse,     &command_prices,
    &command_recompute, &command_user,     &command_key,    &command_workspace, &command_audit,
    &command_deploy,    &command_loop,     &command_backup, &command_restore,   &command_verify,
    &command_doctor,    &command_diagnose,
};

static const char overview[] =
    "netra: what should we change about our LLM calls, and what will it save?\n"
    "\n"
    "  netra ask \"How can we reduce costs by 20 %?\" --data usage.jsonl\n"
    "  netra serve                                    the same with a page, an API and events\n"
    "\n"
    "Commands (netra help COMMAND tells more):\n";

static void print_overview(FILE *out)
{
    (void)fputs(overview, out);
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        (void)fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    }
    (void)fputs(
        "  version    the version\n"
        "  help       this, or a command's options\n"
        "\n"
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no usable record (a guidance report "
        "is given).\n",
        out);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(name, commands[i]->name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static int unknown_command(const char *name)
{
    (void)fprintf(stderr, "netra: there is no command '%s'\n`netra help` lists the commands.\n",
                  name);
    return EXIT_USAGE;
}

static int help(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stdout);
        return EXIT_DONE;
    }
    const struct command *command = find_command(argv[1]);
    if (!command) {
        return unknown_command(argv[1]);
    }
    (void)fputs(command->help, stdout);
    return EXIT_DONE;
}

static int is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Standard output is where results go: one that cannot be written is a failure, not a success. */
static int finish(int code)
{
    if (fflush(stdout) || ferror(stdout)) {
        perror("netra: cannot write to standard output");
        return EXIT_FAILED;
    }
    return code;
}

int cli_main(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
        return finish(help(argc - 1, argv + 1));
    }
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0) {
        (void)printf("netra %s\n", NETRA_VERSION);
        return finish(EXIT_DONE);
    }
    const struct command *command = find_command(argv[1]);
    if (!command) {
        return unknown_command(argv[1]);
    }
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (is_help(argv[i])) {
            (void)fputs(command->help, stdout);
            return finish(EXIT_DONE);
        }
    }
    return finish(command->run(argc - 1, argv + 1));
}

int cli_fail(const struct error *error)
{
    (void)fprintf(stderr, "netra: %s\n", error->message);
    if (error->hint[0]) {
        (void)fprintf(stderr, "%s\n", error->hint);
    }
    return error->code == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED;
}

int cli_usage(const struct command *command, const char *format, ...)
{
    va_list args;

    (void)fputs("netra: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "\n`netra help %s` tells how it is used.\n", command->name);
    return EXIT_USAGE;
}
