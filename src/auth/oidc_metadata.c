/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/oidc_metadata.h"

#include "json/json_read.h"

#define ARENA_BYTES_MAX 8192u

/* The list has the text. A list that is absent stands for by_default. */
static bool has(struct json_value root, const char *member, struct str text, bool by_default)
{
    struct json_value list = json_at(root, member);
    struct str one;

    if (json_is(list, JSON_MISSING) || json_is(list, JSON_NULL)) {
        return by_default;
    }
    for (struct json_iterator it = json_iterate(list); json_next(&it);) {
        if (json_get_str(it.value, &one) && str_equal(one, text)) {
            return true;
        }
    }
    return false;
}

static int refuse(struct error *error, const char *member, const char *why)
{
    return error_set(error, ERR_INVALID, "the provider's %s %s", member, why);
}

static int read_url(struct json_value root, const char *member, bool is_required,
                    struct arena *arena, struct str *ret, struct error *error)
{
    struct json_value value = json_at(root, member);
    struct str url;

    if (json_is(value, JSON_MISSING) && !is_required) {
        return OK;
    }
    if (!json_get_str(value, &url) || !oidc_is_safe_url(url)) {
        return refuse(error, member, "is no address of https");
    }
    *ret = arena_copy(arena, url);
    return ret->data ? OK : error_set(error, ERR_NO_MEMORY, "out of memory");
}

static int read_client_auth(struct json_value root, bool has_secret, struct oidc_metadata *metadata,
                            struct error *error)
{
    static const char *const member = "token_endpoint_auth_methods_supported";

    if (!has_secret) {
        metadata->client_auth = OIDC_CLIENT_PUBLIC;
    } else if (has(root, member, STR("client_secret_basic"), /* by_default */ true)) {
        metadata->client_auth = OIDC_CLIENT_SECRET_BASIC;
    } else if (has(root, member, STR("client_secret_post"), false)) {
        metadata->client_auth = OIDC_CLIENT_SECRET_POST;
    } else {
        return refuse(error, member, "has neither client_secret_basic nor client_secret_post");
    }
    return OK;
}

static int read_all(struct json_value root, const struct oidc_provider *provider,
                    struct oidc_metadata *metadata, struct error *error)
{
    struct arena *arena = &metadata->arena;
    struct str issuer;

    if (!json_get_str(json_at(root, "issuer"), &issuer) || !str_equal(issuer, provider->issuer)) {
        return refuse(error, "issuer", "is not the configured one");
    }
    int code = read_url(root, "authorization_endpoint", true, arena,
                        &metadata->authorization_endpoint, error);
    code = code ? code
                : read_url(root, "token_endpoint", true, arena, &metadata->token_endpoint, error);
    code = code ? code
                : read_url(root, "userinfo_endpoint", false, arena, &metadata->userinfo_endpoint,
                           error);
    code = code ? code : read_url(root, "jwks_uri", true, arena, &metadata->jwks_uri, error);
    code =
        code ? code : read_client_auth(root, provider->client_secret.length > 0, metadata, error);
    if (code) {
        return code;
    }
    if (!has(root, "response_types_supported", STR("code"), /* by_default */ true)) {
        return refuse(error, "response_types_supported", "has no code");
    }
    if (!has(root, "code_challenge_methods_supported", STR("S256"), true)) {
        return refuse(error, "code_challenge_methods_supported", "has no S256");
    }
    const char *algorithms = "id_token_signing_alg_values_supported";
    metadata->algorithms = (has(root, algorithms, STR("RS256"), true) ? OIDC_RS256 : 0u) |
                           (has(root, algorithms, STR("ES256"), false) ? OIDC_ES256 : 0u);
    if (!metadata->algorithms) {
        return refuse(error, algorithms, "has neither RS256 nor ES256");
    }
    (void)json_get_bool(json_at(root, "authorization_response_iss_parameter_supported"),
                        &metadata->says_iss);
    return OK;
}

int oidc_metadata_read(struct json_parser *parser, struct str text,
                       const struct oidc_provider *provider, struct oidc_metadata *ret_metadata,
                       struct error *error)
{
    struct oidc_metadata metadata = {.says_iss = false};
    struct json_value root;
    int code = json_parse(parser, text, &root, error);

    if (code) {
        return code;
    }
    arena_init(&metadata.arena, ARENA_BYTES_MAX);
    code = read_all(root, provider, &metadata, error);
    if (code) {
        oidc_metadata_done(&metadata);
        return code;
    }
    *ret_metadata = metadata;
    return OK;
}

void oidc_metadata_done(struct oidc_metadata *metadata)
{
    arena_done(&metadata->arena);
    *metadata = (struct oidc_metadata){.says_iss = false};
}
