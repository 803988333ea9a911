/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/caller.h"

static const char *const role_names[] = {"none", "viewer", "analyst", "admin"};

static const struct {
    enum auth_scope scope;
    const char *name;
} scope_names[] = {
    {AUTH_SCOPE_READ, "read"},
    {AUTH_SCOPE_RUN, "run"},
    {AUTH_SCOPE_DATA, "data"},
    {AUTH_SCOPE_ADMIN, "admin"},
};

unsigned auth_role_scopes(enum auth_role role)
{
    switch (role) {
    case AUTH_ROLE_VIEWER:
        return AUTH_SCOPE_READ;
    case AUTH_ROLE_ANALYST:
        return AUTH_SCOPE_READ | AUTH_SCOPE_RUN | AUTH_SCOPE_DATA;
    case AUTH_ROLE_ADMIN:
        return AUTH_SCOPE_ALL;
    case AUTH_ROLE_NONE:
        break;
    }
    return 0;
}

const char *auth_role_name(enum auth_role role)
{
    return role_names[role <= AUTH_ROLE_ADMIN ? role : AUTH_ROLE_NONE];
}

enum auth_role auth_role_from(struct str name)
{
    for (unsigned role = AUTH_ROLE_VIEWER; role <= AUTH_ROLE_ADMIN; role++) {
        if (str_equal(name, str_from(role_names[role]))) {
            return (enum auth_role)role;
        }
    }
    return AUTH_ROLE_NONE;
}

const char *auth_scope_name(enum auth_scope scope)
{
    for (size_t i = 0; i < ARRAY_LENGTH(scope_names); i++) {
        if (scope_names[i].scope == scope) {
            return scope_names[i].name;
        }
    }
    return "";
}

unsigned auth_scope_from(struct str name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(scope_names); i++) {
        if (str_equal(name, str_from(scope_names[i].name))) {
            return scope_names[i].scope;
        }
    }
    return 0;
}

bool auth_scopes_from(struct str words, unsigned *ret_scopes)
{
    unsigned scopes = 0;

    for (size_t begin = 0; begin < words.length;) {
        size_t end = str_find(words, STR(" "), begin);
        struct str word = str_slice(words, begin, end == SIZE_MAX ? words.length : end);
        unsigned scope = auth_scope_from(word);

        if (!scope) {
            return false;
        }
        scopes |= scope;
        begin += word.length + 1;
    }
    *ret_scopes = scopes;
    return true;
}

void auth_caller_limit(struct auth_caller *caller)
{
    caller->may &= auth_role_scopes(caller->role);
    caller->is_operator = (caller->may & AUTH_SCOPE_ADMIN) && caller->role == AUTH_ROLE_ADMIN &&
                          strcmp(caller->workspace_id, STORE_WORKSPACE_FIRST) == 0;
}

struct auth_caller auth_local_caller(void)
{
    return (struct auth_caller){.kind = AUTH_KIND_LOCAL,
                                .role = AUTH_ROLE_ADMIN,
                                .may = AUTH_SCOPE_ALL,
                                .user_id = AUTH_LOCAL_USER,
                                .workspace_id = STORE_WORKSPACE_FIRST,
                                .is_operator = true};
}
