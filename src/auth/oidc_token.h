/*
 * oidc_token: an ID token, checked as OpenID Connect Core 3.1.3.7 and RFC 8725 have it: RS256 or
 * ES256 as the provider said (never "none", never a shared secret), a key of its set that is for
 * that algorithm, then who made it, for whom, when, and for which sign-in.
 *
 * Headers and claims with a name twice are refused: two readers could take different ones. Pure.
 * Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_OIDC_TOKEN_H
#define NETRA_AUTH_OIDC_TOKEN_H

#include "auth/oidc_metadata.h"

#define OIDC_SUBJECT_BYTES_MAX 255u
#define OIDC_TOKEN_AGE_MAX_S   600 /* iat: it is made when the code is exchanged */
#define OIDC_KEYS_MAX          64u
#define OIDC_RSA_BITS_MIN      2048u

/* Why not; the names are for the audit log. */
enum oidc_flaw {
    OIDC_FINE,
    OIDC_FLAW_MALFORMED,
    OIDC_FLAW_ALGORITHM,
    OIDC_FLAW_KEY, /* none of the set fits: it may be a new one */
    OIDC_FLAW_SIGNATURE,
    OIDC_FLAW_ISSUER,
    OIDC_FLAW_AUDIENCE,
    OIDC_FLAW_EXPIRED,
    OIDC_FLAW_ISSUED_AT,
    OIDC_FLAW_NONCE,
    OIDC_FLAW_AT_HASH,
    OIDC_FLAW_SUBJECT,
    OIDC_FLAW_HOSTED_DOMAIN,
    OIDC_FLAW_EMAIL, /* none, or none that is plain */
    OIDC_FLAW_UNVERIFIED,
    OIDC_FLAW_DOMAIN,
    OIDC_FLAW_NO_MEMORY
};
const char *oidc_flaw_name(enum oidc_flaw flaw); /* "signature" */

struct oidc_token_rules {
    const struct oidc_provider *provider;
    unsigned algorithms;     /* enum oidc_algorithm */
    struct str nonce;        /* of this sign-in */
    struct str access_token; /* what at_hash is of; empty: there is none */
    int64_t now_s;
};

/* What a token, or userinfo, says of a person. Texts are the provider's, not folded yet. */
struct oidc_claims {
    struct str subject;
    struct str email; /* empty: not said */
    bool is_email_verified;
    struct str name;
    struct str hosted_domain; /* Google's "hd" */
};

/* keys: the text of the provider's JWK set. The texts are copied into arena. */
enum oidc_flaw oidc_token_check(struct str token, struct str keys,
                                const struct oidc_token_rules *rules, struct arena *arena,
                                struct oidc_claims *ret_claims);

/* Userinfo where the token names no e-mail: its "sub" must be the token's (Core 5.3.2). Fills
 * e-mail and name. */
enum oidc_flaw oidc_userinfo_read(struct str text, struct arena *arena, struct oidc_claims *claims);

/* The person may come in: e-mail plain, verified, its domain listed, and "hd" where that is asked
 * for. ret_email: folded. */
enum oidc_flaw oidc_claims_judge(const struct oidc_claims *claims,
                                 const struct oidc_provider *provider,
                                 char ret_email[ACCOUNTS_EMAIL_MAX + 1]);

#endif
