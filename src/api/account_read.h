/*
 * account_read: bodies of the routes of administration: a name, an e-mail, a role. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_ACCOUNT_READ_H
#define NETRA_API_ACCOUNT_READ_H

#include "api/account_answer.h"
#include "api/body.h"

enum account_body_member { ACCOUNT_BODY_NAME = 1, ACCOUNT_BODY_EMAIL = 2, ACCOUNT_BODY_ROLE = 4 };

/* Texts are borrowed from the parser. */
struct account_body {
    struct str name;
    struct str email;
    enum auth_role role;
};

/* Reads the members that are asked for (enum account_body_member, added up); each must be there.
 * False when it has been answered. */
bool account_read_body(const struct call *call, unsigned members, struct account_body *ret_body);

/* "role": viewer, analyst or admin; a fault when it is absent or another. */
bool account_read_role(struct json_value root, enum auth_role *ret_role, struct body_fault *fault);

/* Keeps an id for the reply; one that is none is left out. */
void account_keep_id(struct account_answer *answer, struct str id);

#endif
