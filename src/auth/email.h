/*
 * email: what is taken for an e-mail address: one @, printable ASCII, a domain of letters, digits
 * and hyphens with a dot in it (or localhost). Quoted local parts, addresses in brackets and
 * letters beyond ASCII are refused: there are none that look like others (a domain of other
 * scripts is written as punycode). Case does not count: all is made lower case, also the local
 * part, as all big providers do.
 *
 * Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_EMAIL_H
#define NETRA_AUTH_EMAIL_H

#include <stdbool.h>

#include "auth/accounts.h"

#define EMAIL_DOMAIN_MAX 253u

/* ret_email: lower case, with a NUL; untouched when it is none. */
bool email_read(struct str text, char ret_email[ACCOUNTS_EMAIL_MAX + 1]);

/* The same for a domain alone. */
bool email_read_domain(struct str text, char ret_domain[EMAIL_DOMAIN_MAX + 1]);

/* What follows the @ of what email_read gave. */
struct str email_domain(const char *email);

#endif
