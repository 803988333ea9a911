/*
 * people: members of a workspace, for the files that make or erase some. Private to auth/; loop
 * thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_PEOPLE_H
#define NETRA_AUTH_PEOPLE_H

#include "auth/sign_in.h"

/* A person, an admin, and no other one is. */
bool people_is_last_admin(const struct member *member);

/* A new user, whose id becomes the change's user_id (the row's is ignored); false: refused. */
bool people_add_user(struct change *change, const struct store_user *about);

void people_add_member(struct change *change, struct str workspace_id, const char *user_id,
                       enum auth_role role);

/* With the sessions and keys of that workspace, and what an admin had made to let people in. */
void people_take_member(struct change *change, struct member *member);

/* All of somebody, with invitations for their e-mail (but one; NULL: all of them). */
void people_take_user(struct change *change, struct user *user, const struct code *but);

#endif
