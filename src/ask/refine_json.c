/*
 * Values of a proposal's JSON by type, the pointer that an error names, and copies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/proposal.h"

#include <stdio.h>

size_t proposal_enter(struct proposal *r, const char *key)
{
    size_t before = r->pointer_length;
    int written = snprintf(r->pointer + before, sizeof(r->pointer) - before, "/%s", key);

    if (written > 0 && (size_t)written < sizeof(r->pointer) - before) {
        r->pointer_length += (size_t)written;
    }
    return before;
}

size_t proposal_enter_index(struct proposal *r, size_t index)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%zu", index);
    return proposal_enter(r, text);
}

void proposal_leave(struct proposal *r, size_t before)
{
    r->pointer_length = before;
    r->pointer[before] = '\0';
}

int proposal_refuse(struct proposal *r, const char *why)
{
    return error_set(r->error, ERR_INVALID, "proposal refused at '%s': %s", r->pointer, why);
}

struct str proposal_keep(struct proposal *r, struct str text)
{
    struct str copy = arena_copy(r->arena, text);

    r->no_memory |= copy.data == NULL;
    return copy;
}

bool proposal_is_silent(struct json_value value)
{
    return json_is(value, JSON_MISSING) || json_is(value, JSON_NULL);
}

int proposal_refuse_member(struct proposal *r, const char *key, const char *why)
{
    size_t before = proposal_enter(r, key);
    int status = proposal_refuse(r, why);

    proposal_leave(r, before);
    return status;
}

/* An object with none but these members. */
int proposal_expect_object(struct proposal *r, struct json_value value, const char *const *names,
                           size_t count)
{
    if (!json_is(value, JSON_OBJECT)) {
        return proposal_refuse(r, "must be an object");
    }
    for (struct json_iterator it = json_iterate(value); json_next(&it);) {
        bool known = false;

        for (size_t i = 0; i < count; i++) {
            known |= str_equal(it.key, str_from(names[i]));
        }
        if (!known) {
            return proposal_refuse(r, "has a member that is not known");
        }
    }
    return OK;
}

int proposal_expect_list(struct proposal *r, struct json_value value, size_t count_max)
{
    if (!json_is(value, JSON_ARRAY)) {
        return proposal_refuse(r, "must be a list");
    }
    return json_count(value) <= count_max ? OK : proposal_refuse(r, "is too long a list");
}

/* Empty when silent. */
int proposal_read_text(struct proposal *r, struct json_value object, const char *key,
                       struct str *ret_text)
{
    struct json_value value = json_at(object, key);

    *ret_text = (struct str){NULL, 0};
    if (proposal_is_silent(value)) {
        return OK;
    }
    return json_get_str(value, ret_text) ? OK : proposal_refuse_member(r, key, "must be text");
}

/* What it was before when silent. */
int proposal_read_bool(struct proposal *r, struct json_value object, const char *key, bool *ret)
{
    struct json_value value = json_at(object, key);

    return proposal_is_silent(value) || json_get_bool(value, ret)
               ? OK
               : proposal_refuse_member(r, key, "must be true or false");
}

/* 0 when silent. */
int proposal_read_count(struct proposal *r, struct json_value object, const char *key, int64_t *ret)
{
    struct json_value value = json_at(object, key);

    *ret = 0;
    if (proposal_is_silent(value)) {
        return OK;
    }
    return json_get_i64(value, ret) && *ret >= 0
               ? OK
               : proposal_refuse_member(r, key, "must be a whole number, not below 0");
}

/* A number to the nine digits of a quantity. */
bool proposal_get_number(struct json_value value, int128 *ret_number)
{
    double number;
    bool fits = false;

    if (json_get_double(value, &number)) {
        *ret_number = decimal_from_double(number, QUANTITY_SCALE, &fits).digits;
    }
    return fits;
}

int proposal_read_scope(struct proposal *r, struct json_value object, struct str *ret_scope)
{
    int status = proposal_read_text(r, object, "scope", ret_scope);

    if (!status && ret_scope->length == 0) {
        *ret_scope = STR("*");
    }
    if (!status && !proposal_find_scope(r, *ret_scope, ret_scope)) {
        return proposal_refuse_member(r, "scope",
                                      "is a name that neither the records nor the prompt have");
    }
    return status;
}
