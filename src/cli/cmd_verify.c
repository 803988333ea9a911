/*
 * netra verify: is a deployment what it says it is? What goes on is told on standard error of a
 * terminal; standard output is the result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/civil_time.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/remote.h"
#include "loop/clock.h"
#include "server/url.h"
#include "verify/verification.h"

#define RESULT_BYTES_MAX ((size_t)64 << 20)
#define SHOWN_EVERY_US   (SECOND_US / 10)

enum {
    OPTION_AUTH_URL = REMOTE_OPTION_OWN,
    OPTION_PROFILE,
    OPTION_SAMPLES,
    OPTION_READ_ONLY,
    OPTION_OUT
};

static const struct option options_table[] = {
    REMOTE_OPTIONS,
    {"auth-url", required_argument, NULL, OPTION_AUTH_URL},
    {"profile", required_argument, NULL, OPTION_PROFILE},
    {"samples", required_argument, NULL, OPTION_SAMPLES},
    {"read-only", no_argument, NULL, OPTION_READ_ONLY},
    {"out", required_argument, NULL, OPTION_OUT},
    {NULL, 0, NULL, 0},
};

struct verify_command {
    struct remote remote; /* its address, token and authorities */
    struct verify_options options;
    const char *out;
    struct progress progress;
};

/* What SIGINT and SIGTERM set: the checks stop, and what they made is removed. */
static volatile int is_cancelled;

static void on_signal(int number)
{
    (void)number;
    is_cancelled = 1;
}

static void show(const char *check, const char *what, unsigned done, unsigned of, void *arg)
{
    struct progress *progress = (struct progress *)arg;
    int64_t now_us = clock_now_us();

    if (!progress->is_terminal || now_us - progress->shown_us < SHOWN_EVERY_US) {
        return;
    }
    progress->shown_us = now_us;
    progress->is_shown = true;
    (void)fprintf(stderr, "\r\033[K… %s%s%s", check, what[0] ? ": " : "", what);
    if (of) {
        (void)fprintf(stderr, " %u of %u", done, of);
    }
    (void)fflush(stderr);
}

/* ---- options ---- */

static int take_profile(struct verify_command *command, const char *name)
{
    static const struct {
        const char *name;
        enum verify_profile profile;
    } rows[] = {
        {"floor", VERIFY_FLOOR}, {"strict", VERIFY_STRICT}, {"acceptance", VERIFY_ACCEPTANCE}};

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(name, rows[i].name) == 0) {
            command->options.profile = rows[i].profile;
            return EXIT_DONE;
        }
    }
    return cli_usage(&command_verify, "--profile takes floor, strict or acceptance, not '%s'",
                     name);
}

static int take_samples(struct verify_command *command, const char *text)
{
    char *end;

    errno = 0;
    unsigned long samples = strtoul(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || samples < EVIDENCE_SAMPLES_LEAST ||
        samples > EVIDENCE_SAMPLES_MAX) {
        return cli_usage(&command_verify, "--samples takes %u to %u, not '%s'",
                         EVIDENCE_SAMPLES_LEAST, EVIDENCE_SAMPLES_MAX, text);
    }
    command->options.samples = (unsigned)samples;
    return EXIT_DONE;
}

static int take_option(struct verify_command *command, int option)
{
    switch (option) {
    case OPTION_AUTH_URL:
        command->options.auth_url = optarg;
        return EXIT_DONE;
    case OPTION_PROFILE:
        return take_profile(command, optarg);
    case OPTION_SAMPLES:
        return take_samples(command, optarg);
    case OPTION_READ_ONLY:
        command->options.is_read_only = true;
        return EXIT_DONE;
    case OPTION_OUT:
        command->out = optarg;
        return EXIT_DONE;
    default:
        return remote_take_option(&command->remote, option, optarg)
                   ? EXIT_DONE
                   : cli_usage(&command_verify, "an option is not known, or lacks its value");
    }
}

static int read_options(struct verify_command *command, int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        int status = take_option(command, option);

        if (status) {
            return status;
        }
    }
    return optind == argc ? EXIT_DONE
                          : cli_usage(&command_verify, "'%s' is too much", argv[optind]);
}

/* The token goes to the auth service, too. */
static int check_auth_url(const struct verify_command *command, struct error *error)
{
    const char *url = command->options.auth_url;
    bool is_seen = false;
    const char *fault = url ? url_fault(str_from(url), &is_seen) : NULL;

    if (!fault && is_seen) {
        fault = "is http, but not on this machine: the token would be seen";
    }
    return fault ? error_set(error, ERR_USAGE, "the address of the auth service %s", fault) : OK;
}

/* ---- the result ---- */

static int exit_of(enum summary_outcome summary)
{
    switch (summary) {
    case SUMMARY_GREEN:
        return EXIT_DONE;
    case SUMMARY_INCOMPLETE:
        return EXIT_INCOMPLETE;
    default:
        return EXIT_FAILED;
    }
}

static int print(const struct verify_command *command, const struct evidence *evidence,
                 struct error *error)
{
    cleanup(buf_done) struct buf text;
    bool uses_colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");

    buf_init(&text, RESULT_BYTES_MAX);
    int code = command->remote.as_json ? evidence_write_json(evidence, &text)
                                       : evidence_print(evidence, uses_colour, &text);
    if (code) {
        return error_set(error, code, "the result cannot be printed: %s", error_code_text(code));
    }
    bool is_written = fwrite(text.data, 1, text.length, stdout) == text.length;
    if (command->remote.as_json && is_written) {
        is_written = putchar('\n') != EOF;
    }
    if (!is_written || fflush(stdout)) {
        return error_set(error, ERR_IO, "cannot write the result");
    }
    return OK;
}

static int finish(const struct verify_command *command, const struct evidence *evidence,
                  struct error *error)
{
    int code = print(command, evidence, error);

    if (code == OK && command->out) {
        code = evidence_write(evidence, command->out, error);
        if (code == OK) {
            (void)fprintf(command->remote.as_json ? stderr : stdout, "evidence: %s\n",
                          command->out);
        }
    }
    return code ? cli_fail(error) : exit_of(evidence->summary);
}

static void free_evidence(struct evidence **evidence)
{
    evidence_free(*evidence);
}

static int verify(struct verify_command *command)
{
    cleanup(free_evidence) struct evidence *evidence = NULL;
    struct error error = {0};
    int code = remote_open(&command->remote, &error);

    code = code ? code : check_auth_url(command, &error);
    if (code) {
        return cli_fail(&error);
    }
    const struct sigaction stop = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* who reads us may leave: what was made is removed first */
    progress_start(&command->progress);
    command->options.url = command->remote.url;
    command->options.token = command->remote.token.length ? command->remote.token.data : NULL;
    command->options.ca_file = command->remote.ca_file;
    command->options.on_progress = show;
    command->options.arg = &command->progress;
    command->options.is_cancelled = &is_cancelled;
    code = verify_run(&command->options, &evidence, &error);
    progress_end(&command->progress);
    return code ? cli_fail(&error) : finish(command, evidence, &error);
}

static int run(int argc, char **argv)
{
    struct verify_command command = {0};
    int status = read_options(&command, argc, argv);

    if (status == EXIT_DONE) {
        status = verify(&command);
        remote_close(&command.remote);
    }
    return status;
}

const struct command command_verify = {
    .name = "verify",
    .summary = "a deployment looked at from outside: is it what it says? with evidence",
    .help =
        "usage: netra verify [options]\n"
        "\n"
        "Looks at a running deployment from outside: the six critical checks (message flow,\n"
        "features, endpoints, performance, error handling, basic), authentication and isolation.\n"
        "What it makes (a temporary workspace, person, dataset, threads) it removes at the end.\n"
        "\n" REMOTE_HELP
        "  --auth-url URL     the auth service, where discovery does not name it rightly\n"
        "  --profile NAME     floor (default): the targets of the starting report, p95;\n"
        "                     strict: Netra's own, p99, on 100,000 synthetic records;\n"
        "                     acceptance: floor, and the prompts that must be answered well\n"
        "  --samples N        of each latency, 50 to 10000 (default 100)\n"
        "  --read-only        nothing is made, changed or broken: for production\n"
        "  --out DIR          evidence.json, samples.csv, report.md and junit.xml go there\n"
        "\n"
        "In accounts mode the token is best an API key of an operator with all scopes; error\n"
        "handling needs faults.allowed. What could not be exercised is named, never passed.\n"
        "\n"
        "Exit codes: 0 green, 1 something failed or cannot be reached, 2 wrong usage, 4 nothing\n"
        "failed, but not everything could be exercised.\n",
    .run = run,
};
