/*
 * netra audit: who did what on a server, and whether the log was tampered with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/decimal.h"
#include "cli/administration.h"
#include "store/store.h"

#define LINES_DEFAULT 50u

static int list(struct administration *call)
{
    char path[REMOTE_PATH_BYTES_MAX];
    struct json_value root;
    uint64_t limit = LINES_DEFAULT;

    if (call->limit && (decimal_parse_u64(str_from(call->limit), &limit) || limit == 0 ||
                        limit > STORE_PAGE_MAX)) {
        return cli_usage(call->command, "--limit takes a number from 1 to %u", STORE_PAGE_MAX);
    }
    (void)snprintf(path, sizeof(path), "/api/audit?limit=%u", (unsigned)limit);
    int code = administration_ask(call, "GET", path, NULL, &root);
    if (code || call->remote.as_json) {
        if (!code) {
            remote_print_answer(&call->remote);
        }
        return code;
    }
    (void)printf("n        time                        action               actor"
                 "                                address           target\n");
    for (struct json_iterator it = json_iterate(json_at(root, "items")); json_next(&it);) {
        remote_print_member(it.value, "n", 8);
        remote_print_member(it.value, "time", 27);
        remote_print_member(it.value, "action", 20);
        remote_print_member(it.value, "actor", 36);
        remote_print_member(it.value, "address", 17);
        remote_print_member(it.value, "target", 0);
        (void)putchar('\n');
    }
    return EXIT_DONE;
}

/* A log that was tampered with is a failure. */
static int check_chain(struct administration *call)
{
    struct json_value root;
    bool is_intact = false;
    int code = administration_ask(call, "GET", "/api/audit/check", NULL, &root);

    if (code) {
        return code;
    }
    (void)json_get_bool(json_at(root, "is_intact"), &is_intact);
    if (call->remote.as_json) {
        remote_print_answer(&call->remote);
        return is_intact ? EXIT_DONE : EXIT_FAILED;
    }
    (void)printf(is_intact ? "intact, lines: " : "broken at line ");
    remote_print_member(root, is_intact ? "lines" : "first_broken", 0);
    (void)printf("\nlast hash: ");
    remote_print_member(root, "last_hash", 0);
    (void)putchar('\n');
    return is_intact ? EXIT_DONE : EXIT_FAILED;
}

static const struct administration_verb verbs[] = {
    {"list", 0, "[--limit N]", list},
    {"check", 0, "", check_chain},
    {NULL, 0, NULL, NULL},
};

static int run(int argc, char **argv)
{
    return administration_run(&command_audit, verbs, argc, argv);
}

const struct command command_audit = {
    .name = "audit",
    .summary = "who did what on a server (admins)",
    .help =
        "usage: netra audit [list] [--limit N]     the newest lines\n"
        "       netra audit check                  the chain of hashes computed anew: exit code 1\n"
        "                                          when a line was changed or is missing\n"
        "\n"
        "Keep the last hash elsewhere: with it one can tell that no lines were cut off the end.\n"
        "\n" REMOTE_HELP,
    .run = run,
};
