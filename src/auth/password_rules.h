/*
 * password_rules: what a password may be, and which bytes of it are hashed.
 *
 * Text is prepared as RFC 8265 has it (OpaqueString): Unicode, NFC, spaces of other scripts become
 * U+0020, nothing else changes; so it does not matter on which keyboard an é was typed. NFC and not
 * NFKC: a full-width letter stays one. Control characters are refused. Length is counted in bytes
 * of what comes out. There are no rules of composition (NIST SP 800-63B): length counts, and what
 * everybody tries first is refused.
 *
 * Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_PASSWORD_RULES_H
#define NETRA_AUTH_PASSWORD_RULES_H

#include "auth/accounts.h"

struct password {
    char text[ACCOUNTS_PASSWORD_MAX + 1]; /* to be wiped */
    size_t length;
};
void password_wipe(struct password *password);

/* ERR_INVALID: not UTF-8, control characters, empty or too long: nobody has such a password. */
must_check int password_prepare(struct str text, struct password *ret_password);

/* The same for one that is to be set. ERR_INVALID with the reason: too short, the e-mail (or what
 * is before the @), or among those that everybody tries first. */
must_check int password_prepare_new(struct str text, struct str email,
                                    struct password *ret_password, struct error *error);

#endif
