/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/administration.h"

#include <stdio.h>
#include <string.h>

#include "auth/caller.h"
#include "store/store.h"

enum {
    OPTION_ROLE = REMOTE_OPTION_OWN,
    OPTION_SCOPES,
    OPTION_DAYS,
    OPTION_USER,
    OPTION_LIMIT,
};

static const struct option options_table[] = {
    REMOTE_OPTIONS,
    {"role", required_argument, NULL, OPTION_ROLE},
    {"scopes", required_argument, NULL, OPTION_SCOPES},
    {"days", required_argument, NULL, OPTION_DAYS},
    {"user", required_argument, NULL, OPTION_USER},
    {"limit", required_argument, NULL, OPTION_LIMIT},
    {NULL, 0, NULL, 0},
};

/* ---- the command line ---- */

static int read_options(struct administration *call, int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        switch (option) {
        case OPTION_ROLE:
            call->role = optarg;
            break;
        case OPTION_SCOPES:
            call->scopes = optarg;
            break;
        case OPTION_DAYS:
            call->days = optarg;
            break;
        case OPTION_USER:
            call->user = optarg;
            break;
        case OPTION_LIMIT:
            call->limit = optarg;
            break;
        default:
            if (!remote_take_option(&call->remote, option, optarg)) {
                return cli_usage(call->command, "an option is not known");
            }
            break;
        }
    }
    for (; optind < argc; optind++) {
        if (call->word_count == ADMINISTRATION_WORDS_MAX) {
            return cli_usage(call->command, "'%s' is too much", argv[optind]);
        }
        call->words[call->word_count++] = argv[optind];
    }
    return EXIT_DONE;
}

static const struct administration_verb *find_verb(const struct administration *call,
                                                   const struct administration_verb *verbs)
{
    const char *name = call->word_count ? call->words[0] : "list";

    for (; verbs->name; verbs++) {
        if (strcmp(verbs->name, name) == 0) {
            return verbs;
        }
    }
    (void)cli_usage(call->command, "'%s' is nothing that %s does", name, call->command->name);
    return NULL;
}

int administration_run(const struct command *command, const struct administration_verb *verbs,
                       int argc, char **argv)
{
    struct administration call = {.command = command};
    struct error error = {0};
    int code = read_options(&call, argc, argv);

    if (code) {
        return code;
    }
    const struct administration_verb *verb = find_verb(&call, verbs);
    if (!verb) {
        return EXIT_USAGE;
    }
    int words = call.word_count ? call.word_count - 1 : 0;
    if (words != verb->words) {
        return cli_usage(command, "usage: netra %s %s %s", command->name, verb->name, verb->usage);
    }
    code = remote_open(&call.remote, &error) ? cli_fail(&error) : verb->run(&call);
    remote_close(&call.remote);
    return code;
}

bool administration_has_role(const struct administration *call)
{
    if (!call->role || auth_role_from(str_from(call->role)) == AUTH_ROLE_NONE) {
        (void)cli_usage(call->command, "--role must be viewer, analyst or admin");
        return false;
    }
    return true;
}

bool administration_path(const struct administration *call, const char *before, const char *id,
                         const char *behind, char ret_path[REMOTE_PATH_BYTES_MAX])
{
    if (!store_is_id(str_from(id))) {
        (void)cli_usage(call->command, "'%s' is no id", id);
        return false;
    }
    (void)snprintf(ret_path, REMOTE_PATH_BYTES_MAX, "%s%s%s", before, id, behind);
    return true;
}

/* ---- bodies ---- */

struct json_writer administration_body(struct buf *body)
{
    buf_init(body, ADMINISTRATION_BODY_BYTES_MAX);
    struct json_writer w = json_writer_on(body);

    json_begin_object(&w);
    return w;
}

void administration_put(struct json_writer *w, const char *name, const char *value)
{
    json_key(w, name);
    json_put_text(w, value);
}

/* ---- asking ---- */

int administration_ask(struct administration *call, const char *method, const char *path,
                       const struct buf *body, struct json_value *ret_root)
{
    struct error error = {0};

    if (body && buf_status(body)) {
        return cli_usage(call->command, "the words are too long");
    }
    return remote_call(&call->remote, method, path, body, ret_root, &error) ? cli_fail(&error)
                                                                            : EXIT_DONE;
}

int administration_do(struct administration *call, const char *method, const char *path,
                      const struct buf *body, const char *done)
{
    struct json_value root;
    int code = administration_ask(call, method, path, body, &root);

    if (code == EXIT_DONE && call->remote.as_json) {
        remote_print_answer(&call->remote);
    } else if (code == EXIT_DONE) {
        (void)printf("%s\n", done);
    }
    return code;
}

int administration_list(struct administration *call, const char *path, const char *heading,
                        void (*row)(struct json_value item))
{
    char next[STORE_ID_BYTES_MAX + 1] = "";
    char target[REMOTE_PATH_BYTES_MAX];

    for (bool is_first = true; is_first || next[0]; is_first = false) {
        struct json_value root;
        struct str after = {0};

        (void)snprintf(target, sizeof(target), "%s?limit=%u%s%s", path, STORE_PAGE_MAX,
                       next[0] ? "&after=" : "", next);
        int code = administration_ask(call, "GET", target, NULL, &root);
        if (code) {
            return code;
        }
        if (call->remote.as_json) {
            remote_print_answer(&call->remote);
        } else if (is_first) {
            (void)printf("%s\n", heading);
        }
        for (struct json_iterator it = json_iterate(json_at(root, "items"));
             !call->remote.as_json && json_next(&it);) {
            row(it.value);
            (void)putchar('\n');
        }
        /* A page that names itself as the next one would be read for ever. */
        bool goes_on = json_get_str(json_at(root, "next"), &after) && store_is_id(after) &&
                       !str_equal(after, str_from(next));
        (void)snprintf(next, sizeof(next), "%.*s", STR_ARGS(goes_on ? after : STR("")));
    }
    return EXIT_DONE;
}
