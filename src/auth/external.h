/*
 * external: what oidc needs of accounts: signing in somebody whom an identity provider has proved,
 * and linking that identity to an account. Who may come in at all (domain, verified e-mail) was
 * judged before. Private to auth/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_EXTERNAL_H
#define NETRA_AUTH_EXTERNAL_H

#include "auth/accounts.h"

struct external_identity {
    struct str provider;     /* id in the configuration */
    struct str subject;      /* at most EXTERNAL_SUBJECT_MAX bytes */
    struct str email;        /* verified by the provider */
    struct str name;         /* may be empty: the e-mail's local part */
    struct str workspace_id; /* of a first sign-in without an invitation */
    enum auth_role role;     /* there */
    struct str next;         /* given back in the grant */
};

#define EXTERNAL_SUBJECT_MAX 255u
#define EXTERNAL_NEXT_MAX    1024u

/* A session with a cookie. A known identity signs its user in; a new one makes an account: a member
 * of identity->workspace_id, or of where invitations for that e-mail lead (which are used up).
 * ERR_DENIED (disabled, or a member of nothing), ERR_EXISTS (the e-mail has an account: who is
 * signed in to it must link), ERR_NOT_FOUND (no such workspace), ERR_LIMIT, ERR_INVALID (an e-mail
 * that is none). Success is audited ("login.ok", "user.created"); what is refused by the caller. */
must_check int accounts_external_sign_in(struct auth *auth,
                                         const struct external_identity *identity,
                                         const struct account_origin *origin, account_done_fn done,
                                         void *arg, struct error *error);

/* The caller's account is linked to it, and a session with a cookie begins. ERR_EXISTS: it is
 * another account's, or the caller has another identity of that provider. Audited as
 * "identity.linked". */
must_check int accounts_external_link(struct auth *auth, const struct auth_caller *caller,
                                      const struct external_identity *identity,
                                      const struct account_origin *origin, account_done_fn done,
                                      void *arg, struct error *error);

/* ERR_NOT_FOUND; ERR_EXISTS: it is the only way in. Audited as "identity.unlinked". */
must_check int accounts_external_unlink(struct auth *auth, const struct auth_caller *caller,
                                        struct str provider, const struct account_origin *origin,
                                        account_done_fn done, void *arg, struct error *error);

/* Of the options: the loop and the public address ("" before auth_set_url). */
struct loop *auth_loop(const struct auth *auth);
const char *auth_url(const struct auth *auth);

#endif
