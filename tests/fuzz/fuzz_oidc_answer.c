/*
 * Any bytes as what a provider answers, in two parts at the first line break: a token (or
 * metadata, or userinfo) and a key set. Nobody comes in with bytes that nobody signed: the keys are
 * public, so that a token that passes is a forgery.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/oidc_token.h"
#include "base/check.h"
#include "json/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct oidc_provider provider = {.issuer = STR("https://id.example.org"),
                                              .client_id = STR("netra"),
                                              .client_secret = STR("s"),
                                              .domains = {STR("example.org")},
                                              .domain_count = 1};

static void as_metadata(struct str text)
{
    struct json_parser *parser = NULL;
    struct oidc_metadata metadata;
    struct error error = {0};

    check(json_parser_new(OIDC_ANSWER_BYTES_MAX, &parser) == OK);
    if (oidc_metadata_read(parser, text, &provider, &metadata, &error) == OK) {
        check(oidc_is_safe_url(metadata.authorization_endpoint));
        check(oidc_is_safe_url(metadata.token_endpoint) && oidc_is_safe_url(metadata.jwks_uri));
        check(metadata.algorithms && !(metadata.algorithms & ~(OIDC_RS256 | OIDC_ES256)));
        oidc_metadata_done(&metadata);
    } else {
        check(error.message[0]);
    }
    json_parser_free(parser);
}

static void as_token(struct str token, struct str keys)
{
    struct oidc_token_rules rules = {.provider = &provider,
                                     .algorithms = OIDC_RS256 | OIDC_ES256,
                                     .nonce = STR("a nonce that no input of ours has"),
                                     .now_s = 1000000};
    struct oidc_claims claims = {.subject = STR("s-1")};
    struct arena arena;
    char email[ACCOUNTS_EMAIL_MAX + 1];

    arena_init(&arena, (size_t)1 << 20);
    check(oidc_token_check(token, keys, &rules, &arena, &claims) != OIDC_FINE);
    if (oidc_userinfo_read(token, &arena, &claims) == OIDC_FINE &&
        oidc_claims_judge(&claims, &provider, email) == OIDC_FINE) {
        check(str_ends_with(str_from(email), STR("@example.org")));
    }
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    size_t end = str_find(text, STR("\n"), 0);
    size_t cut = end == SIZE_MAX ? size : end;

    as_metadata(str_slice(text, 0, cut));
    as_token(str_slice(text, 0, cut), str_slice(text, end == SIZE_MAX ? size : end + 1, size));
    return 0;
}
