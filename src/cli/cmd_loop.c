/*
 * netra loop: check, document, diagnose, fix, commit, deploy, validate, confirm; again until green.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/civil_time.h"
#include "cli/command.h"
#include "cli/loop_folder.h"
#include "cli/read_file.h"
#include "cli/remote.h"
#include "deploy/loop_world.h"

#define STORY_BYTES_MAX ((size_t)64 << 20)

enum { OPTION_RESUME = 1, OPTION_OUT, OPTION_JSON, OPTION_FIRST };

struct loop_call {
    struct loop_options options;
    const char *out;
    bool is_resumed;
    bool as_json;
    char here[PATH_MAX];
    char netra[PATH_MAX];
    char folder[PATH_MAX];
};

static volatile int interrupts;
static volatile int is_interrupted;
static volatile int is_to_end;

/* The first lets the running command end, the second ends it. */
static void on_signal(int number)
{
    (void)number;
    is_interrupted = 1;
    is_to_end = interrupts > 0;
    interrupts = 1;
}

static void print_line(struct str line)
{
    for (size_t i = 0; i < line.length; i++) {
        unsigned char c = (unsigned char)line.data[i];

        (void)fputc(c < 0x20 || c == 0x7f ? '?' : c, stderr);
    }
    (void)fputc('\n', stderr);
}

/* ---- options ---- */

/* The table of deploy/loop_options.h as getopt wants it, behind our own. */
static void make_table(struct option table[LOOP_OPTION_COUNT + 4])
{
    size_t count = 0;

    table[count++] = (struct option){"resume", no_argument, NULL, OPTION_RESUME};
    table[count++] = (struct option){"out", required_argument, NULL, OPTION_OUT};
    table[count++] = (struct option){"json", no_argument, NULL, OPTION_JSON};
    for (size_t i = 0; i < LOOP_OPTION_COUNT; i++) {
        table[count++] = (struct option){
            loop_option_table[i].name, loop_option_table[i].value ? required_argument : no_argument,
            NULL, OPTION_FIRST + (int)i};
    }
    table[count] = (struct option){NULL, 0, NULL, 0};
}

static int take_option(struct loop_call *call, int option, const char *value, struct error *error)
{
    switch (option) {
    case OPTION_RESUME:
        call->is_resumed = true;
        return OK;
    case OPTION_OUT:
        call->out = value;
        return OK;
    case OPTION_JSON:
        call->as_json = true;
        return OK;
    default:
        return loop_options_add(&call->options, &loop_option_table[option - OPTION_FIRST], value,
                                call->here, error);
    }
}

static int take_options(struct loop_call *call, int argc, char **argv)
{
    struct option table[LOOP_OPTION_COUNT + 4];
    struct error error = {0};
    int option;

    make_table(table);
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (option == '?') {
            return cli_usage(&command_loop, "an option is not known");
        }
        if (take_option(call, option, optarg, &error)) {
            return error.code == ERR_USAGE ? cli_usage(&command_loop, "%s", error.message)
                                           : cli_fail(&error);
        }
    }
    if (optind < argc) {
        return cli_usage(&command_loop, "'%s' is too much", argv[optind]);
    }
    return EXIT_DONE;
}

static int find_places(struct loop_call *call, struct error *error)
{
    const char *project = loop_options_value(&call->options, "project");
    ssize_t length = readlink("/proc/self/exe", call->netra, sizeof(call->netra) - 1);

    if (length <= 0) {
        return error_set(error, ERR_IO, "cannot find this program: %m");
    }
    call->netra[length] = '\0';
    if (call->out) {
        return loop_folder_at(call->out, call->here, call->folder, error);
    }
    if (!project) {
        return error_set(error, ERR_USAGE, "%s",
                         call->is_resumed ? "--resume needs --out or --project"
                                          : "--target and --project say what is "
                                            "deployed where");
    }
    return call->is_resumed ? loop_folder_newest(project, call->folder, error)
                            : loop_folder_new(project, call->folder, error);
}

/* ---- the end ---- */

static int exit_of(enum loop_verdict verdict)
{
    return verdict == LOOP_VERDICT_SUCCESS      ? EXIT_DONE
           : verdict == LOOP_VERDICT_INCOMPLETE ? EXIT_INCOMPLETE
                                                : EXIT_FAILED;
}

static int print_story(const struct loop_call *call)
{
    cleanup(buf_done) struct buf text = {0};
    char path[PATH_MAX + sizeof("/loop.json")];
    struct error error = {0};

    buf_init(&text, STORY_BYTES_MAX);
    (void)snprintf(path, sizeof(path), "%s/loop.json", call->folder);
    if (read_file(path, &text, &error)) {
        return cli_fail(&error);
    }
    (void)fwrite(text.data, 1, text.length, stdout);
    return EXIT_DONE;
}

static int print_end(const struct loop_call *call, enum loop_verdict verdict)
{
    if (call->as_json) {
        int code = print_story(call);

        return code ? code : exit_of(verdict);
    }
    (void)printf("%s: %s\n%s/loop.md\n", loop_verdict_name(verdict), loop_verdict_sentence(verdict),
                 call->folder);
    return exit_of(verdict);
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* who reads us may leave: a loop goes on */
}

static int run_loop(struct loop_call *call)
{
    struct loop_machine machine = {.netra = call->netra,
                                   .folder = call->folder,
                                   .is_interrupted = &is_interrupted,
                                   .is_to_end = &is_to_end,
                                   .say = print_line};
    enum loop_verdict verdict = LOOP_VERDICT_NONE;
    struct error error = {0};
    int code = loop_machine_open(&machine, loop_options_value(&call->options, "ca-file"), &error);

    if (code) {
        return cli_fail(&error);
    }
    const struct loop_world world = loop_world_of(&machine);
    const struct loop_run_options options = {
        .netra = call->netra,
        .folder = call->folder,
        .options = call->is_resumed && !call->options.count ? NULL : &call->options,
        .world = &world,
        .is_resumed = call->is_resumed};
    watch_signals();
    (void)fprintf(stderr, "loop: %s\n", call->folder);
    code = deploy_loop_run(&options, &verdict, &error);
    loop_machine_close(&machine);
    return code ? cli_fail(&error) : print_end(call, verdict);
}

static int run(int argc, char **argv)
{
    struct loop_call call = {.out = NULL};
    struct error error = {0};

    loop_options_init(&call.options);
    if (!realpath(".", call.here)) {
        (void)error_set(&error, ERR_IO, "cannot find the current folder: %m");
        return cli_fail(&error);
    }
    int code = take_options(&call, argc, argv);
    if (!code) {
        code = find_places(&call, &error) ? cli_fail(&error) : run_loop(&call);
    }
    loop_options_done(&call.options);
    return code;
}

const struct command command_loop = {
    .name = "loop",
    .summary = "check, diagnose, fix, deploy and check again until a deployment is green",
    .help =
        "usage: netra loop --target T --project P [options]\n"
        "       netra loop --resume (--out DIR | --project P)\n"
        "\n"
        "Eight steps, as often as it needs: 1 run the checks (netra verify), 2 document the\n"
        "evidence, 3 find out why (netra diagnose), 4 fix, 5 commit, 6 deploy (netra deploy),\n"
        "7 wait until the service answers, 8 check again. Ends when everything passes, when the\n"
        "maximum of cycles is reached, or when a cycle brings nothing new.\n"
        "\n"
        "  --target T             local, gcp, or another executable among the targets\n"
        "  --project P            netra-staging; [a-z0-9-]\n"
        "  --url URL              its public address; else what the target says\n"
        "  --max-cycles N         5 unless told\n"
        "  --accept-incomplete    nothing failed, not everything was exercised: is a success\n"
        "  --fix CMD              called with the diagnosis' path before each deployment\n"
        "  --commit CMD           called with it after the fix\n"
        "  --out DIR              journal and evidence; else a new folder in\n"
        "                         $XDG_STATE_HOME/netra/loop/PROJECT\n"
        "  --resume               goes on with a loop that was interrupted or killed\n"
        "  --json                 the whole story, loop.json, on standard output\n"
        "\n"
        "Handed on to netra verify: --profile, --auth-url, --token-file, --ca-file, --samples,\n"
        "--read-only. To netra diagnose: --data-dir, --log-file, --process-file, --config. To\n"
        "netra deploy: --service, --image, --build-local, --config, --state, --targets,\n"
        "--ca-file, --healthy-seconds.\n"
        "\n"
        "The hooks are executables; NETRA_LOOP_DIR, NETRA_LOOP_CYCLE, NETRA_LOOP_CAUSE,\n"
        "NETRA_LOOP_CAUSES and NETRA_LOOP_DIAGNOSIS are in their environment. SIGINT: the running\n"
        "command ends, then the loop stops and can be resumed; a second one ends the command.\n"
        "\n"
        "Exit codes: 0 success, 1 it stopped without (the story says why), 2 wrong usage, 4\n"
        "nothing failed, but not everything was exercised.\n",
    .run = run,
};
