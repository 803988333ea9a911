/*
 * What a provider says of itself: the issuer exactly, addresses that a secret may go to, an
 * algorithm and a way to say who we are that both know.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "auth/oidc_metadata.h"
#include "json/json_read.h"

static const struct oidc_provider secretive = {.issuer = STR("https://id.example.org"),
                                               .client_secret = STR("s")};
static const struct oidc_provider public_client = {.issuer = STR("https://id.example.org")};

#define ISS "{\"issuer\":\"https://id.example.org\","
#define PLACE                                                                                      \
    "\"authorization_endpoint\":\"https://id.example.org/a\",\"token_endpoint\":\"https://"        \
    "id.example.org/t\",\"jwks_uri\":\"https://keys.example.net/k\""

static int read_text(const char *text, const struct oidc_provider *provider,
                     struct oidc_metadata *ret)
{
    struct json_parser *parser = NULL;
    struct error error = {0};

    assert_int_equal(json_parser_new(OIDC_ANSWER_BYTES_MAX, &parser), OK);
    int code = oidc_metadata_read(parser, str_from(text), provider, ret, &error);
    json_parser_free(parser);
    return code;
}

static void test_little_is_enough(void **state)
{
    struct oidc_metadata metadata;

    (void)state;
    assert_int_equal(read_text(ISS PLACE "}", &secretive, &metadata), OK);
    assert_str(metadata.token_endpoint, "https://id.example.org/t");
    assert_str(metadata.jwks_uri, "https://keys.example.net/k");
    assert_int_equal(metadata.userinfo_endpoint.length, 0);
    assert_int_equal(metadata.algorithms, OIDC_RS256);
    assert_int_equal(metadata.client_auth, OIDC_CLIENT_SECRET_BASIC);
    assert_false(metadata.says_iss);
    oidc_metadata_done(&metadata);
    assert_int_equal(read_text(ISS PLACE "}", &public_client, &metadata), OK);
    assert_int_equal(metadata.client_auth, OIDC_CLIENT_PUBLIC);
    oidc_metadata_done(&metadata);
}

static void test_what_is_offered_is_chosen_from(void **state)
{
    struct oidc_metadata metadata;

    (void)state;
    assert_int_equal(read_text(ISS PLACE
                               ",\"id_token_signing_alg_values_supported\":[\"none\",\"HS256\","
                               "\"ES256\"],\"token_endpoint_auth_methods_supported\":[\"client_"
                               "secret_post\"],\"authorization_response_iss_parameter_supported\":"
                               "true,\"userinfo_endpoint\":\"https://id.example.org/u\"}",
                               &secretive, &metadata),
                     OK);
    assert_int_equal(metadata.algorithms, OIDC_ES256);
    assert_int_equal(metadata.client_auth, OIDC_CLIENT_SECRET_POST);
    assert_true(metadata.says_iss);
    assert_str(metadata.userinfo_endpoint, "https://id.example.org/u");
    oidc_metadata_done(&metadata);
}

static void test_what_cannot_be_trusted_is_refused(void **state)
{
    static const char *const texts[] = {
        "[]",
        "{}",
        "{" PLACE "}",
        "{\"issuer\":\"https://id.example.org/\"," PLACE "}",
        "{\"issuer\":\"https://evil.example.org\"," PLACE "}",
        "{\"issuer\":[\"https://id.example.org\"]," PLACE "}",
        ISS "\"authorization_endpoint\":\"https://id.example.org/a\"}",
        ISS PLACE ",\"userinfo_endpoint\":\"http://id.example.org/u\"}",
        ISS PLACE ",\"userinfo_endpoint\":7}",
        ISS PLACE ",\"id_token_signing_alg_values_supported\":[\"none\"]}",
        ISS PLACE ",\"id_token_signing_alg_values_supported\":[]}",
        ISS PLACE ",\"code_challenge_methods_supported\":[\"plain\"]}",
        ISS PLACE ",\"response_types_supported\":[\"id_token\"]}",
        ISS PLACE ",\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"]}",
        ISS "\"authorization_endpoint\":\"javascript:alert(1)\",\"token_endpoint\":\"https://"
            "a.org\",\"jwks_uri\":\"https://a.org\"}",
    };
    struct oidc_metadata metadata = {.algorithms = 77};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (read_text(texts[i], &secretive, &metadata) != ERR_INVALID) {
            fail_msg("taken: %s", texts[i]);
        }
        assert_int_equal(metadata.algorithms, 77);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_little_is_enough),
    cmocka_unit_test(test_what_is_offered_is_chosen_from),
    cmocka_unit_test(test_what_cannot_be_trusted_is_refused),
};

UNIT_MAIN(tests)
