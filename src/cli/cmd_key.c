/*
 * netra key: API keys of a server.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "auth/caller.h"
#include "base/civil_time.h"
#include "base/decimal.h"
#include "cli/administration.h"
#include "loop/clock.h"
#include "store/store.h"

#define KEY_DAYS_MAX   3650u
#define TIME_BYTES_MAX 64u

static void print_scopes(struct json_value list)
{
    bool is_first = true;

    for (struct json_iterator it = json_iterate(list); json_next(&it); is_first = false) {
        struct str scope = {0};

        (void)json_get_str(it.value, &scope);
        (void)printf("%s", is_first ? "" : ",");
        remote_print_text(scope, 0);
    }
}

static void print_key(struct json_value key)
{
    remote_print_member(key, "id", 36);
    remote_print_member(key, "user_id", 36);
    remote_print_member(key, "name", 24);
    remote_print_member(key, "expires_at", 27);
    print_scopes(json_at(key, "scopes"));
}

static int list(struct administration *call)
{
    return administration_list(call, "/api/keys",
                               "id                                   user"
                               "                                 name                     expires"
                               "                     scopes",
                               print_key);
}

/* "read,run" as a JSON list; false when told. */
static bool put_scopes(struct administration *call, struct json_writer *w)
{
    struct str rest = str_from(call->scopes);

    json_key(w, "scopes");
    json_begin_array(w);
    for (bool is_last = false; !is_last;) {
        size_t comma = str_find(rest, STR(","), 0);

        is_last = comma == SIZE_MAX;
        struct str one = str_trim(str_slice(rest, 0, is_last ? rest.length : comma));
        if (auth_scope_from(one) == 0) {
            (void)cli_usage(call->command, "--scopes takes read, run, data, admin, by commas");
            return false;
        }
        json_put_str(w, one);
        rest = str_slice(rest, is_last ? rest.length : comma + 1, rest.length);
    }
    json_end_array(w);
    return true;
}

static bool put_end(struct administration *call, struct json_writer *w)
{
    cleanup(buf_done) struct buf text;
    uint64_t days;

    buf_init(&text, TIME_BYTES_MAX);
    if (!call->days) {
        return true;
    }
    if (decimal_parse_u64(str_from(call->days), &days) || days == 0 || days > KEY_DAYS_MAX) {
        (void)cli_usage(call->command, "--days takes a number from 1 to %u", KEY_DAYS_MAX);
        return false;
    }
    civil_print(clock_now_us() + (int64_t)days * DAY_US, &text);
    json_key(w, "expires_at");
    json_put_str(w, buf_str(&text));
    return true;
}

static int create(struct administration *call)
{
    cleanup(buf_done) struct buf body;
    struct json_value root;

    struct json_writer w = administration_body(&body);
    if (!call->scopes) {
        return cli_usage(call->command, "which scopes? --scopes read,run");
    }
    if (call->user && !store_is_id(str_from(call->user))) {
        return cli_usage(call->command, "'%s' is no id", call->user);
    }
    administration_put(&w, "name", call->words[1]);
    if (call->user) {
        administration_put(&w, "user_id", call->user);
    }
    if (!put_scopes(call, &w) || !put_end(call, &w)) {
        return EXIT_USAGE;
    }
    json_end_object(&w);
    int code = administration_ask(call, "POST", "/api/keys", &body, &root);
    if (code == EXIT_DONE && call->remote.as_json) {
        remote_print_answer(&call->remote);
    } else if (code == EXIT_DONE) {
        remote_print_member(root, "key", 0);
        (void)putchar('\n');
        (void)fputs("It is shown this once. Revoke it with: netra key revoke ", stderr);
        struct str id = {0};
        (void)json_get_str(json_at(root, "id"), &id);
        (void)fprintf(stderr, "%.*s\n", STR_ARGS(store_is_id(id) ? id : STR("ID")));
    }
    return code;
}

static int revoke_key(struct administration *call)
{
    char path[REMOTE_PATH_BYTES_MAX];

    return administration_path(call, "/api/keys/", call->words[1], "", path)
               ? administration_do(call, "DELETE", path, NULL, "revoked")
               : EXIT_USAGE;
}

static const struct administration_verb verbs[] = {
    {"list", 0, "", list},
    {"create", 1, "NAME --scopes SCOPES [--days N] [--user ID]", create},
    {"revoke", 1, "ID", revoke_key},
    {NULL, 0, NULL, NULL},
};

static int run(int argc, char **argv)
{
    return administration_run(&command_key, verbs, argc, argv);
}

const struct command command_key = {
    .name = "key",
    .summary = "API keys of a server",
    .help =
        "usage: netra key [list]\n"
        "       netra key create NAME --scopes SCOPES [--days N] [--user ID]\n"
        "       netra key revoke ID\n"
        "\n"
        "create prints the key alone on standard output, this once. SCOPES: read, run, data,\n"
        "admin, by commas; never more than one has oneself. --user: a service account's (admins).\n"
        "\n" REMOTE_HELP,
    .run = run,
};
