/*
 * oidc_email: whose e-mail it is. Addresses and domains are folded to lower case (ASCII) before
 * anything is compared, and compared whole. What is not plain is refused rather than understood:
 * quoted local parts, comments, addresses with more than one "@", characters beyond ASCII (a
 * look-alike of a listed domain is one), a dot at the end. Pure. Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_OIDC_EMAIL_H
#define NETRA_AUTH_OIDC_EMAIL_H

#include "auth/accounts.h"

#define OIDC_DOMAIN_BYTES_MAX 253u

/* A host name of two labels or more (letters, digits, inner hyphens; at most 63 each). */
bool oidc_domain_fold(struct str domain, char ret_folded[OIDC_DOMAIN_BYTES_MAX + 1]);

/* LOCAL@DOMAIN, the local part as RFC 5321's dot-string has it. */
bool oidc_email_fold(struct str email, char ret_folded[ACCOUNTS_EMAIL_MAX + 1]);

/* What follows the last "@" of a folded e-mail. */
struct str oidc_email_domain(const char *folded);

#endif
