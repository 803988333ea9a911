/*
 * introspection: what POST /auth/validate says of a credential (RFC 7662), as another service of
 * the deployment reads it:
 *
 *     {"active":false}
 *     {"active":true,"sub","ws","role","scope":"read run","kind":"session","id","exp"?}
 *
 * Pure. Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_INTROSPECTION_H
#define NETRA_AUTH_INTROSPECTION_H

#include "auth/caller.h"
#include "base/error.h"

#define INTROSPECTION_BYTES_MAX 8192u

struct introspection {
    bool is_active;
    struct auth_caller caller; /* when it is active */
    int64_t expires_us;        /* 0: never */
};

/* ERR_INVALID (no such answer: anything missing, of another type, or a word that is not ours),
 * ERR_LIMIT, ERR_NO_MEMORY. */
must_check int introspection_read(struct str text, struct introspection *ret, struct error *error);

#endif
