/*
 * sessions: refresh tokens that were replaced, for a while, so that one that comes again is known
 * for what it is. Private to auth/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_SESSIONS_H
#define NETRA_AUTH_SESSIONS_H

#include "auth/auth_state.h"

/* The oldest of AUTH_SPENT_MAX goes. */
void sessions_spend(struct auth *auth, const struct secret_hash *hash, const char *session_id);

/* The session whose refresh token this was before; NULL. */
struct session *sessions_of_spent(const struct auth *auth, const struct secret_hash *hash);

#endif
