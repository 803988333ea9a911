/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/loop_options.h"

#include "base/attributes.h"
#include "base/decimal.h"

#define VERIFY   LOOP_USE_VERIFY
#define DIAGNOSE LOOP_USE_DIAGNOSE
#define DEPLOY   LOOP_USE_DEPLOY
#define STATUS   LOOP_USE_STATUS
#define FLAG     LOOP_IS_FLAG
#define PATH     LOOP_IS_PATH
#define LIST     LOOP_IS_LIST
#define PROGRAM  LOOP_IS_PROGRAM
#define ID_MAX   63u

const struct loop_option loop_option_table[LOOP_OPTION_COUNT] = {
    {"target", "T", "where it runs: local, gcp, or a target of your own", DEPLOY | STATUS, 0, 0},
    {"project", "P", "the deployment: netra-staging", DEPLOY | STATUS, 0, 0},
    {"url", "URL", "its public address; else what the target says", 0, 0, 0},
    {"max-cycles", "N", "at most so many cycles, 5 unless told", 0, 1, LOOP_CYCLES_MAX},
    {"accept-incomplete", NULL, "green although not everything could be exercised", FLAG, 0, 0},
    {"fix", "CMD", "called with the diagnosis before each deployment", PROGRAM, 0, 0},
    {"commit", "CMD", "called with the diagnosis after the fix", PROGRAM, 0, 0},
    {"profile", "P", "floor, strict or acceptance", VERIFY, 0, 0},
    {"auth-url", "URL", "the auth service's address, where it is not discovered", VERIFY, 0, 0},
    {"token-file", "F", "a token or key in a file", VERIFY | PATH, 0, 0},
    {"ca-file", "F", "authorities to trust in place of the system's", VERIFY | DEPLOY | PATH, 0, 0},
    {"samples", "N", "of each latency", VERIFY, 1, LOOP_SAMPLES_MAX},
    {"read-only", NULL, "make, change and break nothing", VERIFY | FLAG, 0, 0},
    {"data-dir", "D", "the server's folder on this machine", DIAGNOSE | PATH, 0, 0},
    {"log-file", "F", "the server's log on this machine", DIAGNOSE | PATH, 0, 0},
    {"process-file", "F", "what the target wrote of the process", DIAGNOSE | PATH, 0, 0},
    {"config", "F", "a netra.conf for the service", DIAGNOSE | DEPLOY | STATUS | PATH, 0, 0},
    {"service", "S", "all, backend, auth or frontend; may be given again", DEPLOY | STATUS | LIST,
     0, 0},
    {"image", "I", "what is released, in place of a build", DEPLOY, 0, 0},
    {"build-local", NULL, "build on this machine", DEPLOY | FLAG, 0, 0},
    {"state", "DIR", "what the deployments of the project remember", DEPLOY | STATUS | PATH, 0, 0},
    {"targets", "DIR", "where targets are", DEPLOY | STATUS | PATH, 0, 0},
    {"healthy-seconds", "N", "of consecutive healthy answers", DEPLOY, 1, LOOP_HEALTHY_SECONDS_MAX},
};

void loop_options_init(struct loop_options *options)
{
    *options = (struct loop_options){.count = 0};
    arena_init(&options->arena, LOOP_OPTIONS_MEMORY_MAX);
}

void loop_options_done(struct loop_options *options)
{
    arena_done(&options->arena);
    *options = (struct loop_options){.count = 0};
}

/* What follows "name="; an empty text for a flag; NULL: not this option. */
static const char *value_of(struct str text, const char *name)
{
    size_t length = strlen(name);

    if (!str_starts_with(text, str_from(name))) {
        return NULL;
    }
    return text.length == length ? "" : text.data[length] == '=' ? text.data + length + 1 : NULL;
}

const char *loop_options_value(const struct loop_options *options, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < options->count && !value; i++) {
        value = value_of(options->texts[i], name);
    }
    return value;
}

bool loop_options_has(const struct loop_options *options, const char *name)
{
    return loop_options_value(options, name) != NULL;
}

uint64_t loop_options_number(const struct loop_options *options, const char *name,
                             uint64_t otherwise)
{
    const char *value = loop_options_value(options, name);
    uint64_t number;

    return value && decimal_parse_u64(str_from(value), &number) == OK ? number : otherwise;
}

static int check_value(const struct loop_options *options, const struct loop_option *option,
                       const char *value, struct error *error)
{
    uint64_t number;

    if (!(option->uses & LOOP_IS_LIST) && loop_options_has(options, option->name)) {
        return error_set(error, ERR_USAGE, "--%s is given twice", option->name);
    }
    if ((option->uses & LOOP_IS_FLAG) != 0) {
        return value ? error_set(error, ERR_USAGE, "--%s takes no value", option->name) : OK;
    }
    if (!value || !value[0] || strlen(value) > LOOP_OPTION_BYTES_MAX) {
        return error_set(error, ERR_USAGE, "--%s takes a text of 1 to %u bytes", option->name,
                         LOOP_OPTION_BYTES_MAX);
    }
    for (const char *c = value; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == '\x7f') {
            return error_set(error, ERR_USAGE, "--%s has a control character", option->name);
        }
    }
    if (option->most && (decimal_parse_u64(str_from(value), &number) || number < option->least ||
                         number > option->most)) {
        return error_set(error, ERR_USAGE, "--%s takes a number from %llu to %llu, not '%s'",
                         option->name, (unsigned long long)option->least,
                         (unsigned long long)option->most, value);
    }
    return OK;
}

int loop_options_add(struct loop_options *options, const struct loop_option *option,
                     const char *value, const char *base, struct error *error)
{
    int code = check_value(options, option, value, error);
    bool is_relative =
        value && value[0] != '/' &&
        ((option->uses & LOOP_IS_PATH) || ((option->uses & LOOP_IS_PROGRAM) && strchr(value, '/')));

    if (code) {
        return code;
    }
    if (options->count == LOOP_OPTIONS_MAX) {
        return error_set(error, ERR_LIMIT, "there are more than %u options", LOOP_OPTIONS_MAX);
    }
    struct str text = !value ? arena_copy(&options->arena, str_from(option->name))
                      : is_relative
                          ? arena_printf(&options->arena, "%s=%s/%s", option->name, base, value)
                          : arena_printf(&options->arena, "%s=%s", option->name, value);
    if (!text.data) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    options->texts[options->count++] = text;
    return OK;
}

const struct loop_option *loop_options_row(struct str text)
{
    for (size_t i = 0; i < LOOP_OPTION_COUNT; i++) {
        if (value_of(text, loop_option_table[i].name)) {
            return &loop_option_table[i];
        }
    }
    return NULL;
}

int loop_options_read(struct loop_options *options, const struct str *texts, size_t count,
                      struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct loop_option *option = loop_options_row(texts[i]);
        const char *equals = memchr(texts[i].data, '=', texts[i].length);

        if (!option || memchr(texts[i].data, '\0', texts[i].length)) {
            return error_set(error, ERR_INVALID, "the journal has an option that is not known");
        }
        int code =
            loop_options_add(options, option, equals ? equals + 1 : NULL, /* base */ "", error);
        if (code) {
            return code == ERR_USAGE
                       ? error_set(error, ERR_INVALID, "the journal's options: %s", error->message)
                       : code;
        }
    }
    return OK;
}

static bool is_id(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return length > 0 && length <= ID_MAX && text[length] == '\0';
}

/* http or https, and no credentials in it: the journal is kept, and read by others. */
static int check_address(const char *name, const char *url, struct error *error)
{
    bool is_known = url && (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0);

    if (url && (!is_known || strchr(url, '@'))) {
        return error_set(error, ERR_USAGE, "--%s takes an http or https address without a password",
                         name);
    }
    return OK;
}

int loop_options_check(const struct loop_options *options, struct error *error)
{
    const char *target = loop_options_value(options, "target");
    const char *project = loop_options_value(options, "project");

    if (!target || !project) {
        return error_set(error, ERR_USAGE, "--target and --project say what is deployed where");
    }
    if (!is_id(target) || !is_id(project)) {
        return error_set(error, ERR_USAGE, "a target and a project are 1 to %u of a-z, 0-9 and '-'",
                         ID_MAX);
    }
    int code = check_address("url", loop_options_value(options, "url"), error);
    return code ? code : check_address("auth-url", loop_options_value(options, "auth-url"), error);
}

struct str loop_options_missing(const struct loop_options *some, const struct loop_options *all)
{
    for (size_t i = 0; i < some->count; i++) {
        size_t k = 0;

        while (k < all->count && !str_equal(some->texts[i], all->texts[k])) {
            k++;
        }
        if (k == all->count) {
            return some->texts[i];
        }
    }
    return (struct str){NULL, 0};
}
