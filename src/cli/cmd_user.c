/*
 * netra user: the people and services of a workspace.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "cli/administration.h"

static void print_user(struct json_value user)
{
    remote_print_member(user, "id", 36);
    remote_print_member(user, "role", 8);
    remote_print_member(user, "kind", 8);
    remote_print_member(user, "name", 24);
    remote_print_member(user, "email", 0);
}

static int list(struct administration *call)
{
    return administration_list(call, "/api/users",
                               "id                                   role     kind     name"
                               "                     e-mail",
                               print_user);
}

/* What is shown of an answer: a link, once, and how long it lasts. */
static int show_link(struct administration *call, const char *path, const struct buf *body,
                     const char *what)
{
    struct json_value root;
    bool is_mailed = false;
    int code = administration_ask(call, "POST", path, body, &root);

    if (code || call->remote.as_json) {
        if (!code) {
            remote_print_answer(&call->remote);
        }
        return code;
    }
    (void)json_get_bool(json_at(root, "is_mailed"), &is_mailed);
    (void)printf("%s, valid until ", what);
    remote_print_member(root, "expires_at", 0);
    (void)printf("%s:\n", is_mailed ? ", mailed" : "");
    remote_print_member(root, "url", 0);
    (void)putchar('\n');
    return EXIT_DONE;
}

static int invite(struct administration *call)
{
    cleanup(buf_done) struct buf body;

    struct json_writer w = administration_body(&body);
    if (!administration_has_role(call)) {
        return EXIT_USAGE;
    }
    administration_put(&w, "email", call->words[1]);
    administration_put(&w, "role", call->role);
    json_end_object(&w);
    return show_link(call, "/api/invites", &body, "an invitation");
}

static int reset_link(struct administration *call)
{
    cleanup(buf_done) struct buf body;
    char path[REMOTE_PATH_BYTES_MAX];

    struct json_writer w = administration_body(&body);
    json_end_object(&w);
    return administration_path(call, "/api/users/", call->words[1], "/reset-link", path)
               ? show_link(call, path, &body, "a link for a new password")
               : EXIT_USAGE;
}

static int set_role(struct administration *call)
{
    cleanup(buf_done) struct buf body;
    char path[REMOTE_PATH_BYTES_MAX];

    struct json_writer w = administration_body(&body);
    call->role = call->words[2];
    if (!administration_has_role(call) ||
        !administration_path(call, "/api/users/", call->words[1], "", path)) {
        return EXIT_USAGE;
    }
    administration_put(&w, "role", call->role);
    json_end_object(&w);
    return administration_do(call, "PATCH", path, &body, "changed");
}

static int remove_user(struct administration *call)
{
    char path[REMOTE_PATH_BYTES_MAX];

    return administration_path(call, "/api/users/", call->words[1], "", path)
               ? administration_do(call, "DELETE", path, NULL, "removed from this workspace")
               : EXIT_USAGE;
}

static int add_service(struct administration *call)
{
    cleanup(buf_done) struct buf body;
    struct json_value root;

    struct json_writer w = administration_body(&body);
    if (!administration_has_role(call)) {
        return EXIT_USAGE;
    }
    administration_put(&w, "name", call->words[1]);
    administration_put(&w, "role", call->role);
    json_end_object(&w);
    int code = administration_ask(call, "POST", "/api/users", &body, &root);
    if (code == EXIT_DONE && call->remote.as_json) {
        remote_print_answer(&call->remote);
    } else if (code == EXIT_DONE) {
        print_user(root);
        (void)printf("\nGive it a key: netra key create NAME --user ID --scopes read\n");
    }
    return code;
}

static const struct administration_verb verbs[] = {
    {"list", 0, "", list},
    {"invite", 1, "EMAIL --role ROLE", invite},
    {"reset-link", 1, "ID", reset_link},
    {"role", 2, "ID ROLE", set_role},
    {"remove", 1, "ID", remove_user},
    {"add-service", 1, "NAME --role ROLE", add_service},
    {NULL, 0, NULL, NULL},
};

static int run(int argc, char **argv)
{
    return administration_run(&command_user, verbs, argc, argv);
}

const struct command command_user = {
    .name = "user",
    .summary = "people and services of a server's workspace (admins)",
    .help = "usage: netra user [list]\n"
            "       netra user invite EMAIL --role ROLE       a link to join, mailed if mail is "
            "set up\n"
            "       netra user reset-link ID                  a link for a new password\n"
            "       netra user role ID ROLE                   viewer, analyst or admin\n"
            "       netra user remove ID                      out of this workspace\n"
            "       netra user add-service NAME --role ROLE   a user without a password, for keys\n"
            "\n"
            "Asks a running server in accounts mode. ROLE is viewer, analyst or admin.\n"
            "\n" REMOTE_HELP,
    .run = run,
};
