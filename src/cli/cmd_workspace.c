/*
 * netra workspace: the workspaces of a server that one is in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "cli/administration.h"
#include "store/store.h"

static void print_workspace(struct json_value workspace)
{
    remote_print_member(workspace, "id", 36);
    remote_print_member(workspace, "role", 8);
    remote_print_member(workspace, "name", 0);
}

static int list(struct administration *call)
{
    return administration_list(call, "/api/workspaces",
                               "id                                   role     name",
                               print_workspace);
}

static int send_name(struct administration *call, const char *method, const char *path)
{
    cleanup(buf_done) struct buf body;
    struct json_value root;

    struct json_writer w = administration_body(&body);
    administration_put(&w, "name", call->words[1]);
    json_end_object(&w);
    int code = administration_ask(call, method, path, &body, &root);
    if (code == EXIT_DONE && call->remote.as_json) {
        remote_print_answer(&call->remote);
    } else if (code == EXIT_DONE) {
        print_workspace(root);
        (void)putchar('\n');
    }
    return code;
}

static int create(struct administration *call)
{
    return send_name(call, "POST", "/api/workspaces");
}

/* The one that the token is in. */
static int rename_present(struct administration *call)
{
    char path[REMOTE_PATH_BYTES_MAX];
    struct json_value root;
    struct str id = {0};
    int code = administration_ask(call, "GET", "/auth/me", NULL, &root);

    if (code) {
        return code;
    }
    if (!json_get_str(json_at(json_at(root, "workspace"), "id"), &id) || !store_is_id(id)) {
        struct error error = {0};

        (void)error_set(&error, ERR_IO, "the server does not say in which workspace the token is");
        return cli_fail(&error);
    }
    (void)snprintf(path, sizeof(path), "/api/workspaces/%.*s", STR_ARGS(id));
    return send_name(call, "PATCH", path);
}

static int delete_with_all(struct administration *call)
{
    char path[REMOTE_PATH_BYTES_MAX];

    return administration_path(call, "/api/workspaces/", call->words[1], "", path)
               ? administration_do(call, "DELETE", path, NULL, "deleted with all that was in it")
               : EXIT_USAGE;
}

static const struct administration_verb verbs[] = {
    {"list", 0, "", list},
    {"create", 1, "NAME", create},
    {"rename", 1, "NAME", rename_present},
    {"delete", 1, "ID", delete_with_all},
    {NULL, 0, NULL, NULL},
};

static int run(int argc, char **argv)
{
    return administration_run(&command_workspace, verbs, argc, argv);
}

const struct command command_workspace = {
    .name = "workspace",
    .summary = "workspaces of a server",
    .help = "usage: netra workspace [list]             those that one is in\n"
            "       netra workspace create NAME        a new one (operators)\n"
            "       netra workspace rename NAME        the one that the token is in (admins)\n"
            "       netra workspace delete ID          with everything in it (operators)\n"
            "\n" REMOTE_HELP,
    .run = run,
};
