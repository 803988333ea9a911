/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/oidc_state.h"

#include "base/alloc.h"

int oidc_states_init(struct oidc_states *states, size_t count_max)
{
    struct oidc_sign_in **rows = alloc_zeroed(count_max, sizeof(struct oidc_sign_in *));

    if (!rows) {
        return ERR_NO_MEMORY;
    }
    *states = (struct oidc_states){.rows = rows, .count_max = count_max};
    return OK;
}

void oidc_states_done(struct oidc_states *states)
{
    for (size_t i = 0; i < states->count; i++) {
        oidc_sign_in_free(states->rows[i]);
    }
    alloc_free(states->rows);
    *states = (struct oidc_states){.count = 0};
}

void oidc_sign_in_free(struct oidc_sign_in *sign_in)
{
    if (sign_in) {
        explicit_bzero(sign_in, sizeof(*sign_in));
        alloc_free(sign_in);
    }
}

static struct oidc_sign_in *take_at(struct oidc_states *states, size_t index)
{
    struct oidc_sign_in *sign_in = states->rows[index];

    states->count--;
    memmove((void *)&states->rows[index], (void *)&states->rows[index + 1],
            (states->count - index) * sizeof(struct oidc_sign_in *));
    return sign_in;
}

static void free_sign_in(struct oidc_sign_in **sign_in)
{
    oidc_sign_in_free(*sign_in);
}

int oidc_states_add(struct oidc_states *states, struct str next, int64_t expires_us, int64_t now_us,
                    char state[AUTH_SECRET_TEXT_BYTES], char browser[AUTH_SECRET_TEXT_BYTES],
                    struct oidc_sign_in **ret_sign_in)
{
    cleanup(free_sign_in) struct oidc_sign_in *made = NULL;
    struct secret_hash unused;

    if (next.length > OIDC_NEXT_BYTES_MAX) {
        return ERR_LIMIT;
    }
    made = alloc_zeroed(1, sizeof(*made));
    if (!made) {
        return ERR_NO_MEMORY;
    }
    if (secret_make(state, &made->state) || secret_make(browser, &made->browser) ||
        secret_make(made->nonce, &unused) || secret_make(made->verifier, &unused)) {
        return ERR_IO;
    }
    if (next.length) {
        memcpy(made->next, next.data, next.length);
    }
    made->expires_us = expires_us;
    while (states->count &&
           (states->rows[0]->expires_us <= now_us || states->count == states->count_max)) {
        oidc_sign_in_free(take_at(states, 0));
    }
    *ret_sign_in = made;
    states->rows[states->count++] = TAKE(made);
    return OK;
}

struct oidc_sign_in *oidc_states_take(struct oidc_states *states, struct str state,
                                      struct str browser, int64_t now_us, bool *ret_is_foreign)
{
    struct secret_hash given = secret_hash_of(state);
    struct secret_hash cookie = secret_hash_of(browser);
    size_t at = 0;

    *ret_is_foreign = false;
    while (at < states->count && !secret_equal(&states->rows[at]->state, &given)) {
        at++;
    }
    if (at == states->count) {
        return NULL;
    }
    cleanup(free_sign_in) struct oidc_sign_in *found = take_at(states, at);
    if (found->expires_us <= now_us) {
        return NULL;
    }
    if (!secret_equal(&found->browser, &cookie)) {
        *ret_is_foreign = true;
        return NULL;
    }
    return TAKE(found);
}
