/*
 * caller: who a request comes from, and what they may do. Made by auth_check (auth.h), copied by
 * whoever needs it later: it holds no pointers.
 *
 * A credential belongs to one user and, at a time, to one workspace: that is the only workspace
 * that its requests see.
 *
 *     role       viewer < analyst < admin, of a user in a workspace
 *     scopes     what a role includes; a key has a selection of them
 *     may        scopes of the credential that the user's role includes as of now
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_CALLER_H
#define NETRA_AUTH_CALLER_H

#include "base/str.h"
#include "loop/uuid.h"
#include "store/store.h"

#define AUTH_LOCAL_USER "local" /* the one user of local mode; its workspace is the first */

enum auth_scope {
    AUTH_SCOPE_READ = 1,  /* look at everything of the workspace but people */
    AUTH_SCOPE_RUN = 2,   /* ask questions, cancel them, call tools, share */
    AUTH_SCOPE_DATA = 4,  /* upload and delete records, delete conversations */
    AUTH_SCOPE_ADMIN = 8, /* people, keys of others, audit log, faults */
    AUTH_SCOPE_ALL = 15
};

enum auth_role { AUTH_ROLE_NONE, AUTH_ROLE_VIEWER, AUTH_ROLE_ANALYST, AUTH_ROLE_ADMIN };

enum auth_kind {
    AUTH_KIND_NOBODY,  /* a public route, nothing presented */
    AUTH_KIND_LOCAL,   /* local mode: bearer, cookie or ticket */
    AUTH_KIND_COOKIE,  /* session of a browser */
    AUTH_KIND_TOKEN,   /* access token of a session */
    AUTH_KIND_SERVICE, /* service token: of a key, or of a session but not the session itself */
    AUTH_KIND_KEY      /* API key */
};

struct auth_caller {
    enum auth_kind kind;
    enum auth_role role;
    unsigned may; /* enum auth_scope, added up */
    char user_id[UUID_BYTES];
    char credential_id[UUID_BYTES]; /* session or key; empty in local mode */
    char workspace_id[STORE_ID_BYTES_MAX + 1];
    bool is_operator; /* an admin of the first workspace: workspaces, signing keys */
};

/* Who everybody is in local mode. */
struct auth_caller auth_local_caller(void);

/* viewer: READ; analyst: READ, RUN, DATA; admin: all. */
unsigned auth_role_scopes(enum auth_role role);

/* Takes away what the role does not include, and says whether that is an operator: an admin of the
 * first workspace, with a credential that may what admins may. */
void auth_caller_limit(struct auth_caller *caller);

/* "viewer" …; ROLE_NONE for other text. */
const char *auth_role_name(enum auth_role role);
enum auth_role auth_role_from(struct str name);

/* "read", "run", "data", "admin" for one scope; 0 for other text. */
const char *auth_scope_name(enum auth_scope scope);
unsigned auth_scope_from(struct str name);

/* "read run" → both; false for a word that is no scope. */
bool auth_scopes_from(struct str words, unsigned *ret_scopes);

#endif
