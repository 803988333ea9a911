/*
 * netra deploy: a revision goes to a target, is seen to work, and serves; or what served before
 * does. What goes on is told on standard error; standard output is the result.
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

#include "cli/command.h"
#include "cli/deploy_status.h"
#include "cli/remote.h"
#include "deploy/release.h"

#define JSON_BYTES_MAX   ((size_t)4 << 20)
#define ANSWER_BYTES_MAX 128
#define UP_FROM_PROGRAM  3 /* build/release/src/netra → the checkout */

enum {
    OPTION_TARGET = 1,
    OPTION_PROJECT,
    OPTION_SERVICE,
    OPTION_BUILD_LOCAL,
    OPTION_IMAGE,
    OPTION_CONFIG,
    OPTION_STATE,
    OPTION_TARGETS,
    OPTION_HEALTHY_SECONDS,
    OPTION_READY_SECONDS,
    OPTION_PROMOTE_FROM,
    OPTION_CA_FILE,
    OPTION_YES,
    OPTION_ROLLBACK,
    OPTION_COST,
    OPTION_VERIFY,
    OPTION_STATUS,
    OPTION_JSON,
};

static const struct option options_table[] = {
    {"target", required_argument, NULL, OPTION_TARGET},
    {"project", required_argument, NULL, OPTION_PROJECT},
    {"service", required_argument, NULL, OPTION_SERVICE},
    {"build-local", no_argument, NULL, OPTION_BUILD_LOCAL},
    {"image", required_argument, NULL, OPTION_IMAGE},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"state", required_argument, NULL, OPTION_STATE},
    {"targets", required_argument, NULL, OPTION_TARGETS},
    {"healthy-seconds", required_argument, NULL, OPTION_HEALTHY_SECONDS},
    {"ready-seconds", required_argument, NULL, OPTION_READY_SECONDS},
    {"promote-from", required_argument, NULL, OPTION_PROMOTE_FROM},
    {"ca-file", required_argument, NULL, OPTION_CA_FILE},
    {"yes", no_argument, NULL, OPTION_YES},
    {"rollback", no_argument, NULL, OPTION_ROLLBACK},
    {"cost", no_argument, NULL, OPTION_COST},
    {"verify", no_argument, NULL, OPTION_VERIFY},
    {"status", no_argument, NULL, OPTION_STATUS},
    {"json", no_argument, NULL, OPTION_JSON},
    {NULL, 0, NULL, 0},
};

struct deploy_command {
    struct release_options options;
    const char *target;
    const char *targets;
    const char *state;
    bool is_sure;
    bool goes_back;
    bool only_looks;
    bool as_json;
    char target_path[TARGET_PATH_BYTES_MAX];
    char state_path[TARGET_PATH_BYTES_MAX];
    char config_path[PATH_MAX];
    char image_path[PATH_MAX];
    char source_path[PATH_MAX];
};

/* What SIGINT and SIGTERM set; the steps look at it. */
static volatile int is_cancelled;

static void on_signal(int number)
{
    (void)number;
    is_cancelled = 1;
}

/* ---- options ---- */

static int take_seconds(const char *option, const char *text, unsigned *ret_seconds)
{
    char *end;

    errno = 0;
    unsigned long seconds = strtoul(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || seconds < 1 ||
        seconds > RELEASE_HEALTHY_MAX) {
        return cli_usage(&command_deploy, "%s takes 1 to %u, not '%s'", option, RELEASE_HEALTHY_MAX,
                         text);
    }
    *ret_seconds = (unsigned)seconds;
    return EXIT_DONE;
}

static int take_service(struct deploy_command *command, const char *name)
{
    if (command->options.service_count == TARGET_SERVICES_MAX) {
        return cli_usage(&command_deploy, "at most %u services", TARGET_SERVICES_MAX);
    }
    command->options.services[command->options.service_count++] = name;
    return EXIT_DONE;
}

/* Where the value of an option goes; NULL: it takes none. */
static const char **place_of(struct deploy_command *command, int option)
{
    switch (option) {
    case OPTION_TARGET:
        return &command->target;
    case OPTION_PROJECT:
        return &command->options.project;
    case OPTION_IMAGE:
        return &command->options.image;
    case OPTION_CONFIG:
        return &command->options.config;
    case OPTION_STATE:
        return &command->state;
    case OPTION_TARGETS:
        return &command->targets;
    case OPTION_PROMOTE_FROM:
        return &command->options.promote_from;
    case OPTION_CA_FILE:
        return &command->options.ca_file;
    default:
        return NULL;
    }
}

static bool *flag_of(struct deploy_command *command, int option)
{
    switch (option) {
    case OPTION_BUILD_LOCAL:
        return &command->options.builds_locally;
    case OPTION_YES:
        return &command->is_sure;
    case OPTION_ROLLBACK:
        return &command->goes_back;
    case OPTION_COST:
        return &command->options.asks_cost;
    case OPTION_VERIFY:
        return &command->options.verifies;
    case OPTION_STATUS:
        return &command->only_looks;
    default:
        return &command->as_json;
    }
}

static int take_options(struct deploy_command *command, int argc, char **argv)
{
    int option;
    int code = EXIT_DONE;

    while (!code && (option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        const char **place = place_of(command, option);

        if (option == '?') {
            code = cli_usage(&command_deploy, "an option is not known");
        } else if (option == OPTION_SERVICE) {
            code = take_service(command, optarg);
        } else if (option == OPTION_HEALTHY_SECONDS) {
            code = take_seconds("--healthy-seconds", optarg, &command->options.healthy_seconds);
        } else if (option == OPTION_READY_SECONDS) {
            code = take_seconds("--ready-seconds", optarg, &command->options.ready_seconds);
        } else if (place) {
            *place = optarg;
        } else {
            *flag_of(command, option) = true;
        }
    }
    return code;
}

static int check_options(const struct deploy_command *command, int argc, char **argv)
{
    const struct release_options *options = &command->options;

    if (optind < argc) {
        return cli_usage(&command_deploy, "'%s' is too much", argv[optind]);
    }
    if (!command->target || !options->project) {
        return cli_usage(&command_deploy, "--target and --project are needed");
    }
    if (!!options->image + !!options->promote_from + options->builds_locally > 1) {
        return cli_usage(&command_deploy,
                         "--image, --promote-from and --build-local do not go together");
    }
    if (command->only_looks && (command->goes_back || options->image || options->promote_from)) {
        return cli_usage(&command_deploy, "--status changes nothing");
    }
    if (command->goes_back && (options->image || options->promote_from)) {
        return cli_usage(&command_deploy, "--rollback brings nothing new");
    }
    return EXIT_DONE;
}

/* ---- places ---- */

static bool is_folder_of_targets(const char *path)
{
    return access(path, X_OK) == 0;
}

/* The folder of this program, times "..": "/checkout/build/release/src/netra" → "/checkout". */
static bool above_program(int levels, char ret_path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);

    if (length <= 0) {
        return false;
    }
    ret_path[length] = '\0';
    for (int i = 0; i <= levels; i++) {
        char *slash = strrchr(ret_path, '/');

        if (!slash) {
            return false;
        }
        *slash = '\0';
    }
    return true;
}

/* The checkout: where we are, or that which this program was built in. */
static void find_source(struct deploy_command *command)
{
    char *path = command->source_path;

    bool is_here = access("deploy/targets", X_OK) == 0 && access("Makefile", R_OK) == 0;
    if (is_here ? !realpath(".", path) : !above_program(UP_FROM_PROGRAM, path)) {
        return;
    }
    char makefile[PATH_MAX + sizeof("/Makefile")];
    (void)snprintf(makefile, sizeof(makefile), "%s/Makefile", path);
    if (access(makefile, R_OK) == 0) {
        command->options.source = path;
    }
}

static int find_target(struct deploy_command *command, struct error *error)
{
    static const struct {
        int levels; /* above this program's folder */
        const char *below;
    } places[] = {{UP_FROM_PROGRAM, "deploy/targets"}, {1, "share/netra/targets"}};
    char folder[PATH_MAX + sizeof("/share/netra/targets")];
    char base[PATH_MAX];

    if (command->targets) {
        return target_find(command->targets, command->target, command->target_path, error);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        if (above_program(places[i].levels, base)) {
            (void)snprintf(folder, sizeof(folder), "%s/%s", base, places[i].below);
            if (is_folder_of_targets(folder)) {
                return target_find(folder, command->target, command->target_path, error);
            }
        }
    }
    return target_find("deploy/targets", command->target, command->target_path, error);
}

static int find_state(struct deploy_command *command, struct error *error)
{
    const char *home = getenv("HOME");
    const char *state_home = getenv("XDG_STATE_HOME");
    char here[PATH_MAX];
    int length;

    if (command->state && command->state[0] == '/') {
        length = snprintf(command->state_path, sizeof(command->state_path), "%s", command->state);
    } else if (command->state && realpath(".", here)) {
        length = snprintf(command->state_path, sizeof(command->state_path), "%s/%s", here,
                          command->state);
    } else if (state_home && state_home[0] == '/') {
        length = snprintf(command->state_path, sizeof(command->state_path), "%s/netra/deploy/%s",
                          state_home, command->options.project);
    } else if (home && home[0] == '/') {
        length = snprintf(command->state_path, sizeof(command->state_path),
                          "%s/.local/state/netra/deploy/%s", home, command->options.project);
    } else {
        return error_set(error, ERR_USAGE, "there is no HOME to keep state in: say --state DIR");
    }
    if (length < 0 || (size_t)length >= sizeof(command->state_path)) {
        return error_set(error, ERR_USAGE, "the path of the state folder is too long");
    }
    command->options.state = command->state_path;
    return OK;
}

/* Relative paths are ours, not the target's. An image that is no file is a reference. */
static int find_files(struct deploy_command *command, struct error *error)
{
    struct release_options *options = &command->options;

    if (options->config) {
        if (!realpath(options->config, command->config_path)) {
            return error_set(error, ERR_USAGE, "cannot read %s: %m", options->config);
        }
        options->config = command->config_path;
    }
    if (options->image && access(options->image, F_OK) == 0 &&
        realpath(options->image, command->image_path)) {
        options->image = command->image_path;
    }
    find_source(command);
    int code = find_target(command, error);
    options->target = command->target_path;
    return code ? code : find_state(command, error);
}

/* ---- what people see ---- */

static void on_progress(const char *step, const char *service, const char *detail, void *arg)
{
    const struct deploy_command *command = arg;

    (void)fprintf(stderr, "%s: %s%s%s%s%s\n", command->options.project, step, service ? " " : "",
                  service ? service : "", detail && detail[0] ? ": " : "", detail ? detail : "");
}

static void on_line(struct str line, void *arg)
{
    (void)arg;
    (void)fputs("  | ", stderr);
    for (size_t i = 0; i < line.length; i++) {
        unsigned char c = (unsigned char)line.data[i];

        (void)fputc(c < 0x20 || c == 0x7f ? '?' : c, stderr);
    }
    (void)fputc('\n', stderr);
}

static bool is_confirmed(const struct deploy_command *command)
{
    char answer[ANSWER_BYTES_MAX];
    const char *project = command->options.project;

    if (!command->options.promote_from || command->is_sure) {
        return true;
    }
    if (!isatty(STDIN_FILENO)) {
        (void)fprintf(stderr,
                      "netra: a promotion to %s is to be confirmed: on a terminal, or --yes\n",
                      project);
        return false;
    }
    (void)fprintf(stderr, "What serves in %s will serve in %s. Type %s to go on: ",
                  command->options.promote_from, project, project);
    (void)fflush(stderr);
    if (!fgets(answer, sizeof(answer), stdin) ||
        !str_equal(str_trim(str_from(answer)), str_from(project))) {
        (void)fputs("netra: not confirmed, nothing was done\n", stderr);
        return false;
    }
    return true;
}

static void print_number(bool is_known, double number)
{
    if (is_known) {
        (void)printf("%14.6g  ", number);
    } else {
        (void)printf("%14s  ", "not known");
    }
}

static void print_cost(const char *when, const struct target_answer *cost)
{
    (void)printf("Cost %s, a month:\n", when);
    for (size_t i = 0; i < cost->cost_count; i++) {
        const struct target_cost *line = &cost->costs[i];

        print_number(line->has_quantity, line->quantity);
        remote_print_text(line->unit, 16);
        (void)fputs(" at USD ", stdout);
        print_number(line->has_price, line->usd_per_unit);
        remote_print_text(line->what, 0);
        (void)fputs(" (", stdout);
        remote_print_text(line->source, 0);
        (void)fputs(line->source_date.length ? ", " : "", stdout);
        remote_print_text(line->source_date, 0);
        (void)fputs(")\n", stdout);
    }
    (void)fputs("USD ", stdout);
    print_number(cost->has_sum, cost->usd_per_month);
    (void)fputs("in all\n", stdout);
}

static void print_result(const struct deploy_command *command, const struct release *release)
{
    const char *project = command->options.project;

    if (release->has_costs) {
        print_cost("before", &release->cost_before);
        print_cost("after", &release->cost_after);
    }
    if (release->outcome == RELEASE_SWITCHED || (command->goes_back && !release->reason.length)) {
        (void)printf("%s: %s serves", project,
                     release->revision[0] ? release->revision : "nothing");
        for (size_t i = 0; i < release->service_count; i++) {
            (void)printf(" %.*s", STR_ARGS(release->services[i].public_url));
        }
        (void)fputc('\n', stdout);
        return;
    }
    (void)printf("%s: %s %s: %.*s\n", project, release->revision,
                 release->outcome == RELEASE_ROLLED_BACK ? "was rolled back" : "failed",
                 STR_ARGS(release->reason));
    if (release->hint.length) {
        (void)printf("%.*s\n", STR_ARGS(release->hint));
    }
}

static int print_json(const struct release *release)
{
    cleanup(buf_done) struct buf text;

    buf_init(&text, JSON_BYTES_MAX);
    struct json_writer w = json_writer_on(&text);
    release_write_json(release, &w);
    if (buf_status(&text)) {
        (void)fputs("netra: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    (void)printf("%s\n", text.data);
    return EXIT_DONE;
}

/* ---- the command ---- */

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* who reads us may leave: a deployment goes on */
}

static int deploy(struct deploy_command *command)
{
    struct release *release = NULL;
    struct error error = {0};

    watch_signals();
    int code = command->goes_back ? release_undo(&command->options, &release, &error)
                                  : release_run(&command->options, &release, &error);
    if (code) {
        return cli_fail(&error);
    }
    bool is_good = release->outcome == RELEASE_SWITCHED ||
                   (command->goes_back && release->outcome == RELEASE_ROLLED_BACK);
    int printed = EXIT_DONE;
    if (command->as_json) {
        printed = print_json(release);
    } else {
        print_result(command, release);
    }
    release_free(release);
    return is_good ? printed : EXIT_FAILED;
}

static int run(int argc, char **argv)
{
    struct deploy_command command = {
        .options = {.on_progress = on_progress, .on_line = on_line, .is_cancelled = &is_cancelled}};
    struct error error = {0};

    command.options.arg = &command;
    command.options.token = getenv("NETRA_TOKEN");
    if (command.options.token && !command.options.token[0]) {
        command.options.token = NULL;
    }
    int code = take_options(&command, argc, argv);
    if (!code) {
        code = check_options(&command, argc, argv);
    }
    if (code) {
        return code;
    }
    if (find_files(&command, &error)) {
        return cli_fail(&error);
    }
    if (command.only_looks) {
        return deploy_status(&command.options, command.as_json);
    }
    return is_confirmed(&command) ? deploy(&command) : EXIT_USAGE;
}

const struct command command_deploy = {
    .name = "deploy",
    .summary = "a revision is brought to a target, watched, switched to, or rolled back",
    .help =
        "usage: netra deploy --target TARGET --project PROJECT [--service SERVICE]…\n"
        "                    [--build-local | --image IMAGE | --promote-from PROJECT [--yes]]\n"
        "       netra deploy --target TARGET --project PROJECT --rollback\n"
        "\n"
        "Builds, pushes, releases beside what serves, waits until the revision is ready, asks\n"
        "its /health once a second until it was healthy for 30 s without a break, switches, and\n"
        "checks the public address. Whatever fails, and SIGINT: back to what served before.\n"
        "\n"
        "  --target TARGET        local, gcp, or another executable among the targets\n"
        "  --project PROJECT      netra-staging; [a-z0-9-]\n"
        "  --service SERVICE      all, or backend, auth, frontend; may be given several times;\n"
        "                         default: all where the target knows it\n"
        "  --build-local          the image is built on this machine\n"
        "  --image IMAGE          nothing is built: a netra binary (local), a reference (gcp)\n"
        "  --promote-from PROJECT what serves there; asks for the project's name\n"
        "  --yes                  … does not ask\n"
        "  --config FILE          netra.conf of the revision\n"
        "  --healthy-seconds N    instead of 30\n"
        "  --ready-seconds N      how long a revision may take to be ready, instead of 300; "
        "shorter\n"
        "                         than 60: also how long it may be unhealthy\n"
        "  --ca-file FILE         authorities for the addresses, instead of the system's\n"
        "  --status               only looks: what serves, and where; changes nothing\n"
        "  --rollback             back to what served before, now\n"
        "  --verify               after the switch also a read-only verification (netra verify), "
        "with\n"
        "                         NETRA_TOKEN where it is set\n"
        "  --cost                 also say what it costs a month, before and after\n"
        "  --state DIR            instead of $XDG_STATE_HOME/netra/deploy/PROJECT\n"
        "  --targets DIR          where the targets are\n"
        "  --json                 {revision, outcome, reason, public_url, services, steps}\n"
        "\n"
        "Exit codes: 0 the revision serves (--rollback: the one before), 1 it does not, 2 wrong "
        "usage.\n",
    .run = run,
};
