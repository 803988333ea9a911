/*
 * oidc_metadata: what a provider says about itself (OpenID Connect Discovery 1.0, RFC 8414). Only
 * what is used is read; what is used is checked: the issuer exactly, addresses as oidc_is_safe_url
 * has it, an algorithm that we take. Pure. Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_OIDC_METADATA_H
#define NETRA_AUTH_OIDC_METADATA_H

#include "auth/oidc_provider.h"

struct json_parser; /* json_read.h and jansson.h share names: who needs one must not see the other
                     */

enum oidc_algorithm { OIDC_RS256 = 1, OIDC_ES256 = 2 };
enum oidc_client_auth { OIDC_CLIENT_SECRET_BASIC, OIDC_CLIENT_SECRET_POST, OIDC_CLIENT_PUBLIC };

struct oidc_metadata {
    struct str authorization_endpoint;
    struct str token_endpoint;
    struct str userinfo_endpoint; /* empty: none */
    struct str jwks_uri;
    unsigned algorithms; /* enum oidc_algorithm of ID tokens, added up; never 0 */
    enum oidc_client_auth client_auth;
    bool says_iss;      /* RFC 9207: an answer without "iss" is not its own */
    struct arena arena; /* private: owns the texts */
};

/* has_secret: of the provider's entry; without one the client is public, whatever is offered.
 * ERR_INVALID: the message says what is wrong; ERR_NO_MEMORY. Untouched then. */
must_check int oidc_metadata_read(struct json_parser *parser, struct str text,
                                  const struct oidc_provider *provider,
                                  struct oidc_metadata *ret_metadata, struct error *error);
void oidc_metadata_done(struct oidc_metadata *metadata);

#endif
