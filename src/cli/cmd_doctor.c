/*
 * netra doctor: an installation looked at without changing it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/config_layers.h"
#include "cli/upkeep_options.h"
#include "server/doctor.h"
#include "json/json_write.h"

#define JSON_BYTES_MAX ((size_t)4 << 20)

static void print_line(const struct doctor_finding *finding, void *arg)
{
    (void)arg;
    (void)printf("%-8s %-14s %s\n", doctor_state_name(finding->state), finding->check,
                 finding->text);
    if (finding->advice[0]) {
        (void)printf("%-8s %-14s → %s\n", "", "", finding->advice);
    }
}

static void write_finding(const struct doctor_finding *finding, void *arg)
{
    struct json_writer *w = (struct json_writer *)arg;

    json_begin_object(w);
    json_key(w, "check");
    json_put_text(w, finding->check);
    json_key(w, "status");
    json_put_text(w, doctor_state_name(finding->state));
    json_key(w, "text");
    json_put_text(w, finding->text);
    if (finding->advice[0]) {
        json_key(w, "advice");
        json_put_text(w, finding->advice);
    }
    json_end_object(w);
}

static int exit_code_of(const unsigned counts[DOCTOR_STATES])
{
    return counts[DOCTOR_PROBLEM]   ? EXIT_FAILED
           : counts[DOCTOR_UNKNOWN] ? EXIT_INCOMPLETE
                                    : EXIT_DONE;
}

static int run_as_json(const struct doctor_request *wanted)
{
    struct doctor_request request = *wanted;
    cleanup(buf_done) struct buf out;
    unsigned counts[DOCTOR_STATES] = {0};

    buf_init(&out, JSON_BYTES_MAX);
    struct json_writer w = json_writer_indented(&out, 2);
    json_begin_object(&w);
    json_key(&w, "checks");
    json_begin_array(&w);
    request.tell = write_finding;
    request.arg = &w;
    doctor_run(&request, counts);
    json_end_array(&w);
    for (int state = 0; state < DOCTOR_STATES; state++) {
        json_key(&w, doctor_state_name((enum doctor_state)state));
        json_put_i64(&w, counts[state]);
    }
    json_end_object(&w);
    if (buf_status(&out)) {
        (void)fputs("netra: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    (void)fwrite(out.data, 1, out.length, stdout);
    (void)putchar('\n');
    return exit_code_of(counts);
}

static int run_as_text(struct doctor_request *request)
{
    unsigned counts[DOCTOR_STATES] = {0};

    request->tell = print_line;
    doctor_run(request, counts);
    (void)printf("%u ok, %u warnings, %u problems, %u unknown\n", counts[DOCTOR_OK],
                 counts[DOCTOR_WARNING], counts[DOCTOR_PROBLEM], counts[DOCTOR_UNKNOWN]);
    return exit_code_of(counts);
}

/* A flag is over the layers, also over those that could not be read. */
static int take_data_dir(struct config *config, const char *data_dir, struct error *error)
{
    return data_dir ? config_set(config, STR("data_dir"), str_from(data_dir), CONFIG_FLAG, error)
                    : OK;
}

static int run(int argc, char **argv)
{
    cleanup(config_done) struct config config;
    struct upkeep_options choice;
    struct error unread = {0};
    struct error error = {0};

    int code = upkeep_read_options(&command_doctor, UPKEEP_BACKUPS, argc, argv, &choice);

    if (config_init(&config, &error)) {
        return cli_fail(&error);
    }
    if (code) {
        return code;
    }
    bool is_read = read_config_layers(&config, choice.config, &unread) == OK;
    if (take_data_dir(&config, choice.data_dir, &error)) {
        return cli_fail(&error);
    }
    struct doctor_request request = {.config = &config,
                                     .unread = is_read ? NULL : &unread,
                                     .environment = getenv,
                                     .backups = choice.backups};
    return choice.as_json ? run_as_json(&request) : run_as_text(&request);
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "an installation looked at: what is wrong, what to do",
    .help =
        "usage: netra doctor [--data-dir DIR] [--config FILE] [--backups DIR] [--json]\n"
        "\n"
        "Looks at program, configuration, data folder, both databases and machine, also while a\n"
        "server works, and changes nothing. Run it as the user that runs the server, with its\n"
        "environment.\n"
        "\n"
        "  --data-dir DIR   else the folder of the server's configuration\n"
        "  --config FILE    read this file instead of ~/.config/netra/netra.conf\n"
        "  --backups DIR    a folder with back-ups: how old is the newest\n"
        "  --json           {\"checks\": [{check, status, text, advice?}], ok, warning, …}\n"
        "\n"
        "Exit codes: 0 nothing is wrong, 1 a problem, 2 wrong usage, 4 no problem, but something\n"
        "is unknown.\n",
    .run = run,
};
