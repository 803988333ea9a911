/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/oidc_email.h"

#include "auth/email.h"

_Static_assert(OIDC_DOMAIN_BYTES_MAX >= EMAIL_DOMAIN_MAX, "a domain fits");

bool oidc_domain_fold(struct str domain, char ret_folded[OIDC_DOMAIN_BYTES_MAX + 1])
{
    return email_read_domain(domain, ret_folded);
}

/* Nobody's e-mail of a provider is at localhost. */
bool oidc_email_fold(struct str email, char ret_folded[ACCOUNTS_EMAIL_MAX + 1])
{
    char read[ACCOUNTS_EMAIL_MAX + 1];

    if (!email_read(email, read) || !strchr(strchr(read, '@'), '.')) {
        return false;
    }
    memcpy(ret_folded, read, email.length + 1);
    return true;
}

struct str oidc_email_domain(const char *folded)
{
    const char *at = strrchr(folded, '@');

    return at ? str_from(at + 1) : STR("");
}
