/*
 * Names of a proposal: a model or a feature is taken only when the records, the price book, our own
 * interpretation or the prompt itself has it, and then as they write it. No text of a proposal gets
 * any further.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/lexicon.h"
#include "ask/proposal.h"

#define MODEL_PREFIX    "model:"
#define PROVIDER_PREFIX "provider:"
#define PROMPT_PREFIX   "prompt:"
#define NAME_BYTES_MAX  128 /* a longer piece of the prompt is no name */
#define NAME_WORDS_MAX  4u

static bool find_listed(const struct str *names, size_t count, struct str name,
                        struct str *ret_name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(names[i], name)) {
            *ret_name = names[i];
            return true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (str_equal_ascii_case(names[i], name)) {
            *ret_name = names[i];
            return true;
        }
    }
    return false;
}

/* Chinese and Japanese have no spaces to stand between. */
static bool stands_alone(struct str text, size_t begin, size_t end)
{
    bool opens =
        begin == 0 || lexicon_is_dense(text, begin) || !lexicon_is_word_byte(text.data[begin - 1]);
    bool closes =
        end == text.length || lexicon_is_dense(text, end) || !lexicon_is_word_byte(text.data[end]);

    return opens && closes;
}

/* A few words without the marks of a sentence: what is taken is shown as what was understood. */
static bool is_one_name(struct str name)
{
    size_t spaces = 0;

    for (size_t i = 0; i < name.length; i++) {
        bool ends = i + 1 == name.length || name.data[i + 1] == ' ';

        if ((unsigned char)name.data[i] < 0x20 || strchr("<>{}`\"!?;", name.data[i]) ||
            (ends && strchr(",.:", name.data[i]))) {
            return false;
        }
        spaces += name.data[i] == ' ';
    }
    return spaces < NAME_WORDS_MAX;
}

/* Whether the prompt has the name as words of its own, letters' case and accents aside. */
static bool find_in_prompt(struct proposal *r, struct str name, struct str *ret_name)
{
    const struct normal_text *prompt = &r->said->text;
    struct str text = {prompt->data, prompt->length};
    struct normal_text folded;

    if (name.length > NAME_BYTES_MAX || !is_one_name(name)) {
        return false;
    }
    if (normalise_text(name, r->scratch, &folded)) {
        r->no_memory = true;
        return false;
    }
    struct str needle = str_trim((struct str){folded.data, folded.length});
    for (size_t at = 0; needle.length; at++) {
        at = str_find(text, needle, at);
        if (at == SIZE_MAX) {
            return false;
        }
        if (stands_alone(text, at, at + needle.length)) {
            *ret_name = normalise_original(prompt, at, at + needle.length);
            return true;
        }
    }
    return false;
}

bool proposal_find_model(struct proposal *r, struct str name, struct str *ret_name)
{
    return name.length > 0 &&
           (find_listed(r->ours->models, r->ours->model_count, name, ret_name) ||
            find_listed(r->said->models, r->said->model_count, name, ret_name) ||
            find_listed(r->vocabulary->models, r->vocabulary->model_count, name, ret_name) ||
            find_in_prompt(r, name, ret_name));
}

bool proposal_find_feature(struct proposal *r, struct str name, struct str *ret_name)
{
    return name.length > 0 &&
           (find_listed(r->ours->features, r->ours->feature_count, name, ret_name) ||
            find_listed(r->vocabulary->features, r->vocabulary->feature_count, name, ret_name) ||
            find_in_prompt(r, name, ret_name));
}

static bool is_scope_of_ours(const struct proposal *r, struct str scope)
{
    for (size_t i = 0; i < r->ours->constraint_count; i++) {
        if (str_equal(r->ours->constraints[i].scope, scope)) {
            return true;
        }
    }
    for (size_t i = 0; i < r->ours->growth_count; i++) {
        if (str_equal(r->ours->growth[i].scope, scope)) {
            return true;
        }
    }
    return false;
}

static bool is_provider_said(const struct parse *p, struct str name)
{
    for (uint32_t i = 0; i < p->token_count; i++) {
        if (p->tokens[i].kind == TOKEN_PROVIDER &&
            str_equal(name, str_from(ask_provider_name(p->tokens[i].arg)))) {
            return true;
        }
    }
    return false;
}

static bool has_prefix(struct str scope, const char *prefix, struct str *ret_name)
{
    size_t length = strlen(prefix);

    if (!str_starts_with(scope, str_from(prefix))) {
        return false;
    }
    *ret_name = str_slice(scope, length, scope.length);
    return true;
}

/* "model:" and the name as it is written here. */
static bool join(struct proposal *r, const char *prefix, struct str name, struct str *ret_scope)
{
    *ret_scope = arena_printf(r->arena, "%s%.*s", prefix, STR_ARGS(name));
    r->no_memory |= ret_scope->data == NULL;
    return ret_scope->data != NULL;
}

bool proposal_find_scope(struct proposal *r, struct str scope, struct str *ret_scope)
{
    struct str name;

    if (str_equal(scope, STR("*"))) {
        *ret_scope = scope;
        return true;
    }
    if (is_scope_of_ours(r, scope)) {
        *ret_scope = scope;
        return !find_listed(r->ours->features, r->ours->feature_count, scope, &name) ||
               proposal_add_name(r, r->out->features, &r->out->feature_count, name) == OK;
    }
    if (has_prefix(scope, MODEL_PREFIX, &name)) {
        return proposal_find_model(r, name, &name) && join(r, MODEL_PREFIX, name, ret_scope);
    }
    if (has_prefix(scope, PROVIDER_PREFIX, &name)) {
        *ret_scope = scope;
        return is_provider_said(r->said, name);
    }
    if (has_prefix(scope, PROMPT_PREFIX, &name)) {
        return find_in_prompt(r, name, &name) && join(r, PROMPT_PREFIX, name, ret_scope);
    }
    if (!proposal_find_feature(r, scope, &name)) {
        return false;
    }
    *ret_scope = name;
    return proposal_add_name(r, r->out->features, &r->out->feature_count, name) == OK;
}

int proposal_add_name(struct proposal *r, struct str *names, size_t *count, struct str name)
{
    for (size_t i = 0; i < *count; i++) {
        if (str_equal(names[i], name)) {
            return OK;
        }
    }
    if (*count == ASK_ENTITIES_MAX) {
        return error_set(r->error, ERR_LIMIT, "proposal refused at '%s': more than %u names",
                         r->pointer, ASK_ENTITIES_MAX);
    }
    names[*count] = proposal_keep(r, name);
    *count += 1;
    return OK;
}
