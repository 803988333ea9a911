/*
 * What a model may give a tool: arguments are shown, and come back in titles, sentences and facts
 * of the report. So a name must be one that the records, the price book or the question have, and a
 * number that stands for what the user wants must be the user's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_state.h"

#define MODEL_SCOPE    "model:"
#define WORD_BYTES_MAX 16u /* of a word that only the tool knows: "feature", "openai" */

static bool is_in(const struct str *names, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(names[i], name)) {
            return true;
        }
    }
    return false;
}

static bool is_name(const struct run *run, struct str text)
{
    const struct interpretation *ask = run->interpretation;
    struct str model = str_starts_with(text, STR(MODEL_SCOPE))
                           ? str_slice(text, strlen(MODEL_SCOPE), text.length)
                           : text;

    return model_knows_name(run, model) || is_in(ask->models, ask->model_count, model) ||
           is_in(ask->features, ask->feature_count, text);
}

static bool is_word(struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        if ((text.data[i] < 'a' || text.data[i] > 'z') && text.data[i] != '_') {
            return false;
        }
    }
    return text.length > 0 && text.length <= WORD_BYTES_MAX;
}

/* "by" and "provider" take words of the tool's own; whatever else is a text is a name. */
static bool may_say(const struct run *run, const struct tool_arg *arg, struct str text)
{
    bool takes_words = strcmp(arg->name, "by") == 0 || strcmp(arg->name, "provider") == 0;

    return is_name(run, text) || (takes_words && is_word(text));
}

static bool is_same_size(struct decimal a, struct decimal b)
{
    struct decimal negative = decimal_of(-b.digits, b.scale);

    return decimal_compare(a, b) == 0 || decimal_compare(a, negative) == 0;
}

static bool says_number(const struct interpretation *ask, struct decimal number)
{
    for (size_t i = 0; i < ask->constraint_count; i++) {
        if (ask->constraints[i].has_value && is_same_size(number, ask->constraints[i].value)) {
            return true;
        }
    }
    for (size_t i = 0; i < ask->growth_count; i++) {
        if (is_same_size(number, ask->growth[i].value)) {
            return true;
        }
    }
    return false;
}

static int judge_arg(const struct run *run, const struct tool_arg *arg,
                     const struct tool_value *value, struct error *error)
{
    bool is_known = true;

    if (arg->type == TOOL_NUMBER && !says_number(run->interpretation, value->number)) {
        return error_set(error, ERR_INVALID, "/%s must be a number that the question says",
                         arg->name);
    }
    if (arg->type == TOOL_STRING) {
        is_known = may_say(run, arg, value->text);
    }
    for (size_t i = 0; arg->type == TOOL_STRING_LIST && i < value->count; i++) {
        is_known = is_known && may_say(run, arg, value->texts[i]);
    }
    return is_known ? OK
                    : error_set(error, ERR_INVALID,
                                "/%s must be a name that the records, the price book or the "
                                "question have",
                                arg->name);
}

int model_judge_args(const struct run *run, const struct tool_args *args, struct error *error)
{
    int code = OK;

    for (size_t i = 0; i < args->tool->arg_count && !code; i++) {
        if (args->values[i].is_set) {
            code = judge_arg(run, &args->tool->args[i], &args->values[i], error);
        }
    }
    return code;
}
