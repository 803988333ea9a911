/*
 * oidc_provider: the file of identity providers (oidc.h shows one). Read whole and strictly: a
 * member that nobody knows is a mistake (a misspelt "allowed_domains" must not open a door), and
 * messages begin with the JSON pointer of what is wrong. Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_OIDC_PROVIDER_H
#define NETRA_AUTH_OIDC_PROVIDER_H

#include "auth/oidc.h"
#include "base/arena.h"

#define OIDC_ID_BYTES_MAX     32u
#define OIDC_TEXT_BYTES_MAX   512u
#define OIDC_SECRET_BYTES_MAX 1024u

struct oidc_provider {
    struct str id;     /* a-z 0-9 _ - */
    struct str name;   /* for people; the id where none is given */
    struct str issuer; /* exactly as the provider says it */
    struct str client_id;
    struct str client_secret; /* empty: a public client, PKCE alone */
    struct str scopes;        /* "openid email profile" */
    struct str workspace;
    enum auth_role role;
    bool is_google;
    struct str domains[OIDC_DOMAINS_MAX]; /* folded */
    size_t domain_count;                  /* at least 1 */
};

struct oidc_provider_list {
    struct oidc_provider rows[OIDC_PROVIDERS_MAX];
    size_t count;
    struct arena arena; /* private: owns the texts */
};

/* getenv NULL: secrets are not looked for. ERR_INVALID, ERR_IO (a secret's file), ERR_NO_MEMORY. */
must_check int oidc_provider_list_parse(struct str text, const char *(*getenv)(const char *name),
                                        struct oidc_provider_list *ret_list, struct error *error);
/* Of a zeroed list, too. */
void oidc_provider_list_done(struct oidc_provider_list *list);

/* An address that a browser or a secret may be sent to: https, or http on this machine; no user
 * name, no fragment, nothing but visible ASCII. */
bool oidc_is_safe_url(struct str url);

/* The domain is on the provider's list. */
bool oidc_provider_allows(const struct oidc_provider *provider, struct str folded_domain);

/* The one domain that Google is asked for by "hd" (and must confirm); empty: none. */
struct str oidc_provider_hosted_domain(const struct oidc_provider *provider);

#endif
