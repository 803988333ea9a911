/*
 * oidc_state: sign-ins under way, from the redirect to the provider until the browser is back. Each
 * is found by its state, once, and only by the browser that has its cookie; both are known by their
 * hashes. The oldest goes when there are too many. Pure but for randomness. Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_OIDC_STATE_H
#define NETRA_AUTH_OIDC_STATE_H

#include "auth/caller.h"
#include "auth/secret.h"

#define OIDC_NEXT_BYTES_MAX 1024u

struct oidc_sign_in {
    struct secret_hash state;
    struct secret_hash browser;
    size_t provider;                       /* its index */
    char nonce[AUTH_SECRET_TEXT_BYTES];    /* comes back in the ID token */
    char verifier[AUTH_SECRET_TEXT_BYTES]; /* PKCE: only who began can exchange the code */
    char next[OIDC_NEXT_BYTES_MAX + 1];
    bool is_link;
    struct auth_caller caller; /* is_link: to whose account */
    int64_t expires_us;
};

struct oidc_states {
    struct oidc_sign_in **rows; /* the oldest first */
    size_t count;
    size_t count_max;
};

must_check int oidc_states_init(struct oidc_states *states, size_t count_max);
void oidc_states_done(struct oidc_states *states);

/* A new sign-in, entered; the texts that the browser carries go to state and browser. ERR_LIMIT
 * (next is too long), ERR_IO (no randomness), ERR_NO_MEMORY. The result is borrowed until the next
 * call. */
must_check int oidc_states_add(struct oidc_states *states, struct str next, int64_t expires_us,
                               int64_t now_us, char state[AUTH_SECRET_TEXT_BYTES],
                               char browser[AUTH_SECRET_TEXT_BYTES],
                               struct oidc_sign_in **ret_sign_in);

/* Takes the sign-in out; the caller frees it with oidc_sign_in_free. NULL: there is none of that
 * state (any more), or, with *ret_is_foreign, it is another browser's: it is used up all the same.
 * O(n), n ≤ OIDC_STATES_MAX: some 100 µs at most. */
must_check struct oidc_sign_in *oidc_states_take(struct oidc_states *states, struct str state,
                                                 struct str browser, int64_t now_us,
                                                 bool *ret_is_foreign);
void oidc_sign_in_free(struct oidc_sign_in *sign_in);

#endif
