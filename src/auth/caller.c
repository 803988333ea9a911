/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/caller.h"

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

struct auth_caller auth_local_caller(void)
{
    return (struct auth_caller){.kind = AUTH_KIND_LOCAL,
                                .role = AUTH_ROLE_ADMIN,
                                .may = AUTH_SCOPE_ALL,
                                .user_id = AUTH_LOCAL_USER,
                                .workspace_id = STORE_WORKSPACE_FIRST,
                                .is_operator = true};
}
