/*
 * netra diagnose: looks, concludes, prints. What is looked at by file is on this machine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/remote.h"
#include "server/url.h"
#include "verify/diagnosis.h"

#define PRINT_BYTES_MAX ((size_t)8 << 20)

enum {
    OPTION_EVIDENCE = REMOTE_OPTION_OWN,
    OPTION_DATA_DIR,
    OPTION_LOG_FILE,
    OPTION_CONFIG,
    OPTION_PROCESS_FILE,
};

static const struct option options_table[] = {
    REMOTE_OPTIONS,
    {"evidence", required_argument, NULL, OPTION_EVIDENCE},
    {"data-dir", required_argument, NULL, OPTION_DATA_DIR},
    {"log-file", required_argument, NULL, OPTION_LOG_FILE},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"process-file", required_argument, NULL, OPTION_PROCESS_FILE},
    {NULL, 0, NULL, 0},
};

struct diagnosing {
    struct diagnose_options options;
    struct remote remote;
    const char *evidence_dir;
    struct evidence *evidence;
    struct diagnoses *found;
};

static void close_diagnosing(struct diagnosing *diagnosing)
{
    diagnoses_free(diagnosing->found);
    evidence_free(diagnosing->evidence);
    remote_close(&diagnosing->remote);
}

static bool take_option(struct diagnosing *diagnosing, int option, const char *value)
{
    switch (option) {
    case OPTION_EVIDENCE:
        diagnosing->evidence_dir = value;
        return true;
    case OPTION_DATA_DIR:
        diagnosing->options.data_dir = value;
        return true;
    case OPTION_LOG_FILE:
        diagnosing->options.log_file = value;
        return true;
    case OPTION_CONFIG:
        diagnosing->options.config_file = value;
        return true;
    case OPTION_PROCESS_FILE:
        diagnosing->options.process_file = value;
        return true;
    default:
        return remote_take_option(&diagnosing->remote, option, value);
    }
}

/* Without a token any address may be asked; with one only where nobody sees it. */
static int take_address(struct diagnosing *diagnosing, struct error *error)
{
    struct remote *remote = &diagnosing->remote;
    bool is_seen = false;

    diagnosing->options.ca_file = remote->ca_file;
    if (!remote->url) {
        return OK;
    }
    diagnosing->options.url = remote->url;
    if (!remote->token_file && !url_fault(str_from(remote->url), &is_seen) && is_seen) {
        return OK;
    }
    int code = remote_open(remote, error);
    if (code == OK && remote->token.length) {
        diagnosing->options.token = remote->token.data;
    }
    return code;
}

static int look(struct diagnosing *diagnosing, struct error *error)
{
    int code = take_address(diagnosing, error);

    if (code == OK && diagnosing->evidence_dir) {
        code = evidence_read(diagnosing->evidence_dir, &diagnosing->evidence, error);
        diagnosing->options.evidence = diagnosing->evidence;
    }
    return code ? code : diagnose(&diagnosing->options, &diagnosing->found, error);
}

static int print(const struct diagnosing *diagnosing)
{
    cleanup(buf_done) struct buf text;
    int code;

    buf_init(&text, PRINT_BYTES_MAX);
    code = diagnosing->remote.as_json
               ? diagnoses_write_json(diagnosing->found, &text)
               : diagnoses_write_text(diagnosing->found, isatty(STDOUT_FILENO) == 1, &text);
    if (code) {
        (void)fprintf(stderr, "netra: cannot print the diagnosis: %s\n", error_code_text(code));
        return EXIT_FAILED;
    }
    (void)fwrite(text.data, 1, text.length, stdout);
    for (size_t i = 0; i < diagnosing->found->count; i++) {
        if (!diagnosing->found->items[i].cause) {
            return EXIT_INCOMPLETE;
        }
    }
    return EXIT_DONE;
}

static int run(int argc, char **argv)
{
    cleanup(close_diagnosing) struct diagnosing diagnosing = {.found = NULL};
    const struct diagnose_options *options = &diagnosing.options;
    struct error error = {0};
    int option;

    while ((option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        if (!take_option(&diagnosing, option, optarg)) {
            return cli_usage(&command_diagnose, "an option is not known");
        }
    }
    if (optind < argc) {
        return cli_usage(&command_diagnose, "'%s' is too much", argv[optind]);
    }
    if (!diagnosing.remote.url && !diagnosing.evidence_dir && !options->process_file &&
        !options->log_file && !options->data_dir) {
        return cli_usage(&command_diagnose, "there is nothing to look at: --url or --evidence");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    return look(&diagnosing, &error) ? cli_fail(&error) : print(&diagnosing);
}

const struct command command_diagnose = {
    .name = "diagnose",
    .summary = "why a deployment does not do what it should: whys from recorded facts to a cause",
    .help = "usage: netra diagnose (--url URL | --evidence DIR) [--process-file F] [--log-file F]\n"
            "                      [--data-dir DIR] [--config F] [--json]\n"
            "\n"
            "Looks at a deployment without changing it, and goes from each symptom by at most "
            "five whys to a\n"
            "cause. Every because names the observations that it is concluded from; where they "
            "end, the cause\n"
            "is unknown, and what would have to be recorded is named.\n"
            "\n"
            "  --url URL          the deployment; a token is used to look whether it is taken\n"
            "  --token-file FILE  an API key or access token; else NETRA_TOKEN\n"
            "  --ca-file FILE     authorities for the certificate, instead of the system's\n"
            "  --evidence DIR     what `netra verify --out DIR` has written\n"
            "  --process-file F   the server's process, as `netra deploy` writes it\n"
            "  --log-file F       the end of its log\n"
            "  --data-dir DIR     its data folder\n"
            "  --config F         its configuration file\n"
            "  --json             the diagnoses and all observations as JSON\n"
            "\n"
            "Exit codes: 0 nothing is wrong, or every chain ends at a cause; 4 something is "
            "unknown; 1, 2 as always.\n",
    .run = run,
};
