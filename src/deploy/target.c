/*
 * Calling a verb: where it is, and what it is told. What it answers is read in target_answer.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deploy/target.h"

#include <stdio.h>
#include <unistd.h>

#include "base/check.h"

#define PREFIX          "NETRA_DEPLOY_"
#define ENVIRONMENT_MAX 4096u /* variables of ours that are handed on */
#define MILLISECONDS    1000u
#define ID_BYTES_MAX    63u

static const char *const verb_names[TARGET_VERB_COUNT] = {
    [TARGET_DESCRIBE] = "describe", [TARGET_BUILD] = "build",   [TARGET_PUSH] = "push",
    [TARGET_RELEASE] = "release",   [TARGET_STATUS] = "status", [TARGET_SWITCH] = "switch",
    [TARGET_ROLLBACK] = "rollback", [TARGET_RETIRE] = "retire", [TARGET_PROMOTE] = "promote",
    [TARGET_COST] = "cost",         [TARGET_LOGS] = "logs",
};

const char *target_verb_name(enum target_verb verb)
{
    check(verb < TARGET_VERB_COUNT);
    return verb_names[verb];
}

bool target_is_id(struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return text.length > 0 && text.length <= ID_BYTES_MAX;
}

int target_find(const char *folder, const char *name, char ret_path[TARGET_PATH_BYTES_MAX],
                struct error *error)
{
    if (!target_is_id(str_from(name))) {
        return error_set(error, ERR_USAGE, "'%s' is no target", name);
    }
    int length = snprintf(ret_path, TARGET_PATH_BYTES_MAX, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= TARGET_PATH_BYTES_MAX) {
        return error_set(error, ERR_USAGE, "the path of the target %s is too long", name);
    }
    if (access(ret_path, F_OK)) {
        (void)error_set(error, ERR_NOT_FOUND, "there is no target %s in %s", name, folder);
        error_hint(error, "Say where targets are: --targets DIR.");
        return ERR_NOT_FOUND;
    }
    return access(ret_path, X_OK) ? error_set(error, ERR_DENIED, "%s cannot be run: %m", ret_path)
                                  : OK;
}

int target_variables(const struct target_call *call, struct arena *arena,
                     struct str ret_variables[TARGET_VARIABLES])
{
    const char *const table[TARGET_VARIABLES][2] = {
        {"PROJECT", call->project},
        {"SERVICE", call->service},
        {"REVISION", call->revision},
        {"IMAGE", call->image},
        {"STATE", call->state},
        {"CONFIG", call->config},
        {"SOURCE", call->source},
        {"FROM", call->from},
        {"BUILD_LOCAL", call->builds_locally ? "1" : NULL},
    };

    for (size_t i = 0; i < TARGET_VARIABLES; i++) {
        ret_variables[i] =
            arena_printf(arena, PREFIX "%s=%s", table[i][0], table[i][1] ? table[i][1] : "");
        if (!ret_variables[i].data) {
            return ERR_NO_MEMORY;
        }
    }
    return OK;
}

/* Ours without what another deployment may have left in it, and the verb's. */
static int make_environment(const struct target_call *call, struct arena *arena,
                            const char ***ret_environment, struct error *error)
{
    struct str variables[TARGET_VARIABLES];
    size_t count = 0;

    const char **all = arena_alloc(arena, ENVIRONMENT_MAX + TARGET_VARIABLES + 1, sizeof(*all));
    if (!all || target_variables(call, arena, variables)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    for (char **one = environ; one && *one; one++) {
        if (str_starts_with(str_from(*one), STR(PREFIX))) {
            continue;
        }
        if (count == ENVIRONMENT_MAX) {
            return error_set(error, ERR_LIMIT, "the environment has more than %u variables",
                             ENVIRONMENT_MAX);
        }
        all[count++] = *one;
    }
    for (size_t i = 0; i < TARGET_VARIABLES; i++) {
        all[count++] = variables[i].data;
    }
    *ret_environment = all;
    return OK;
}

static int judge_end(const struct target_call *call, const struct child_end *end,
                     struct error *error)
{
    const char *verb = target_verb_name(call->verb);

    if (end->is_cancelled) {
        return error_set(error, ERR_CANCELLED, "%s was cancelled", verb);
    }
    if (end->is_timed_out) {
        return error_set(error, ERR_TIMEOUT, "%s did not end within %u s", verb,
                         call->timeout_s ? call->timeout_s : TARGET_TIMEOUT_S);
    }
    if (end->out_bytes > TARGET_ANSWER_BYTES_MAX) {
        return error_set(error, ERR_LIMIT, "%s wrote more than %zu bytes", verb,
                         TARGET_ANSWER_BYTES_MAX);
    }
    return OK;
}

int target_run(const struct target_call *call, struct arena *arena,
               struct target_answer *ret_answer, struct child_end *ret_end, struct error *error)
{
    cleanup(buf_done) struct buf out;
    const char *arguments[] = {call->path, target_verb_name(call->verb), NULL};
    unsigned timeout_s = call->timeout_s ? call->timeout_s : TARGET_TIMEOUT_S;
    struct child_options options = {.arguments = arguments,
                                    .timeout_ms = timeout_s * MILLISECONDS,
                                    .on_line = call->on_line,
                                    .is_cancelled = call->is_cancelled,
                                    .arg = call->arg};
    const char **environment = NULL;

    buf_init(&out, TARGET_ANSWER_BYTES_MAX);
    int code = make_environment(call, arena, &environment, error);
    if (code == OK) {
        options.environment = (char *const *)(uintptr_t)environment;
        code = child_run(&options, &out, ret_end, error);
    }
    if (code == OK) {
        code = judge_end(call, ret_end, error);
    }
    return code ? code
                : target_read_answer(call->verb, buf_str(&out), ret_end->exit_status, arena,
                                     ret_answer, error);
}
