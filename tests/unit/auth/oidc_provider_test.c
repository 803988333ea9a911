/*
 * The file of providers: what it gives, where a mistake is, and that secrets are taken from files
 * that nobody else may read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/oidc_provider.h"
#include "base/alloc.h"

static const char *environment(const char *name)
{
    return strcmp(name, "NETRA_OIDC_CORP-1_SECRET") == 0   ? "wrong variable"
           : strcmp(name, "NETRA_OIDC_CORP_1_SECRET") == 0 ? "of-the-environment"
                                                           : NULL;
}

static void test_a_file_gives_its_providers(void **state)
{
    static const char text[] =
        "{\"providers\":[{\"id\":\"google\",\"preset\":\"google\",\"client_id\":\"g\","
        "\"allowed_domains\":[\"Example.org\"]},{\"id\":\"corp-1\",\"name\":\"Exämple Corp\","
        "\"issuer\":\"https://id.example.org/a\",\"client_id\":\"c\",\"role\":\"analyst\","
        "\"workspace\":\"w\",\"scopes\":\"email openid\",\"allowed_domains\":[\"a.org\",\"b.org\"]"
        "}]}";
    struct oidc_provider_list list;
    struct error error = {0};

    (void)state;
    assert_int_equal(oidc_provider_list_parse(str_from(text), environment, &list, &error), OK);
    assert_int_equal(list.count, 2);
    assert_str(list.rows[0].name, "Google");
    assert_str(list.rows[0].issuer, "https://accounts.google.com");
    assert_str(list.rows[0].scopes, "openid email profile");
    assert_str(list.rows[0].workspace, "default");
    assert_str(list.rows[0].domains[0], "example.org");
    assert_int_equal(list.rows[0].role, AUTH_ROLE_VIEWER);
    assert_int_equal(list.rows[0].client_secret.length, 0);
    assert_str(oidc_provider_hosted_domain(&list.rows[0]), "example.org");
    assert_str(list.rows[1].name, "Exämple Corp");
    assert_str(list.rows[1].client_secret, "of-the-environment");
    assert_int_equal(list.rows[1].role, AUTH_ROLE_ANALYST);
    assert_int_equal(list.rows[1].domain_count, 2);
    assert_str(oidc_provider_hosted_domain(&list.rows[1]), "");
    oidc_provider_list_done(&list);
}

static void test_domains_are_compared_whole(void **state)
{
    static const struct oidc_provider provider = {.domains = {STR("example.org")},
                                                  .domain_count = 1};
    static const char *const others[] = {"example.org.evil.com",
                                         "evilexample.org",
                                         "sub.example.org",
                                         "example.or",
                                         "xample.org",
                                         "org",
                                         "",
                                         "example.org."};

    (void)state;
    assert_true(oidc_provider_allows(&provider, STR("example.org")));
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        assert_false(oidc_provider_allows(&provider, str_from(others[i])));
    }
}

/* An entry with one member replaced. */
#define ENTRY(members) "{\"providers\":[{" members "}]}"
#define GOOD                                                                                       \
    "\"id\":\"a\",\"issuer\":\"https://"                                                           \
    "a.org\",\"client_id\":\"c\",\"allowed_domains\":[\"a.org\"]"

static void test_mistakes_are_named_by_their_pointer(void **state)
{
    static const struct {
        const char *text;
        const char *begin;
    } rows[] = {
        {"[]", "/providers: "},
        {"{\"providers\":{}}", "/providers: "},
        {"{\"providers\":[1]}", "/providers/0: "},
        {ENTRY(""), "/providers/0/id: "},
        {ENTRY("\"id\":\"A\""), "/providers/0/id: "},
        {ENTRY("\"id\":7"), "/providers/0/id: "},
        {ENTRY("\"id\":\"a\",\"allowed_domain\":[]"), "/providers/0/allowed_domain: "},
        {ENTRY("\"id\":\"a\",\"client_id\":\"c\""), "/providers/0/issuer: "},
        {ENTRY("\"id\":\"a\",\"issuer\":\"http://a.org\""), "/providers/0/issuer: "},
        {ENTRY("\"id\":\"a\",\"issuer\":\"https://a.org/?x\""), "/providers/0/issuer: "},
        {ENTRY("\"id\":\"a\",\"issuer\":\"https://u@a.org\""), "/providers/0/issuer: "},
        {ENTRY("\"id\":\"a\",\"issuer\":\"https://a.org\""), "/providers/0/client_id: "},
        {ENTRY("\"id\":\"a\",\"issuer\":\"https://a.org\",\"client_id\":\"c\""),
         "/providers/0/allowed_domains: "},
        {ENTRY("\"id\":\"a\",\"issuer\":\"https://a.org\",\"client_id\":\"c\","
               "\"allowed_domains\":[]"),
         "/providers/0/allowed_domains: "},
        {ENTRY("\"id\":\"a\",\"issuer\":\"https://a.org\",\"client_id\":\"c\","
               "\"allowed_domains\":[\"a.org\",\"*.b.org\"]"),
         "/providers/0/allowed_domains/1: "},
        {ENTRY(GOOD ",\"role\":\"owner\""), "/providers/0/role: "},
        {ENTRY(GOOD ",\"preset\":\"other\""), "/providers/0/preset: "},
        {ENTRY(GOOD ",\"scopes\":\"openid-ish email\""), "/providers/0/scopes: "},
        {ENTRY(GOOD ",\"name\":\"\""), "/providers/0/name: "},
        {ENTRY(GOOD ",\"client_secret_file\":\"/nowhere/at/all\""),
         "/providers/0/client_secret_file: "},
        {ENTRY(GOOD "},{" GOOD), "/providers/1/id: "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct oidc_provider_list list;
        struct error error = {0};
        int code = oidc_provider_list_parse(str_from(rows[i].text), environment, &list, &error);

        if (code != ERR_INVALID ||
            strncmp(error.message, rows[i].begin, strlen(rows[i].begin)) != 0) {
            fail_msg("%s: %d '%s'", rows[i].text, code, error.message);
        }
    }
}

static void test_secret_files_are_for_their_owner_only(void **state)
{
    char path[] = "/tmp/netra-oidc-XXXXXX";
    char text[512];
    struct oidc_provider_list list;
    struct error error = {0};
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a-secret\n", 9), 9);
    (void)close(fd);
    (void)snprintf(text, sizeof(text), ENTRY(GOOD ",\"client_secret_file\":\"%s\""), path);
    assert_int_equal(oidc_provider_list_parse(str_from(text), environment, &list, &error), OK);
    assert_str(list.rows[0].client_secret, "a-secret");
    oidc_provider_list_done(&list);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(oidc_provider_list_parse(str_from(text), environment, &list, &error),
                     ERR_INVALID);
    assert_non_null(strstr(error.message, "others may use"));
    assert_null(strstr(error.message, "a-secret"));
    (void)unlink(path);
}

static void test_addresses_that_may_be_gone_to(void **state)
{
    static const struct {
        const char *url;
        bool is_safe;
    } rows[] = {
        {"https://a.org", true},
        {"https://a.org:8443/path?query=1", true},
        {"http://127.0.0.1:1/x", true},
        {"http://localhost:1/x", true},
        {"http://[::1]:1/x", true},
        {"http://a.org", false},
        {"http://127.0.0.1.evil.com", false},
        {"http://localhost.evil.com", false},
        {"http://127.0.0.1@evil.com/", false},
        {"https://user:pw@a.org", false},
        {"https://a.org/@x", true},
        {"https://a.org/#x", false},
        {"https://a.org/ x", false},
        {"https://a.org/\r\nSet-Cookie: a", false},
        {"https://", false},
        {"https:///x", false},
        {"javascript:alert(1)", false},
        {"//evil.com", false},
        {"https:\\\\a.org", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (oidc_is_safe_url(str_from(rows[i].url)) != rows[i].is_safe) {
            fail_msg("%s", rows[i].url);
        }
    }
}

static void test_out_of_memory_is_said(void **state)
{
    struct oidc_provider_list list;
    struct error error = {0};
    int code = ERR_NO_MEMORY;
    uint64_t nth = 1;

    (void)state;
    for (; code == ERR_NO_MEMORY && nth < 100; nth++) {
        (void)alloc_fail_from(nth);
        code = oidc_provider_list_parse(STR(ENTRY(GOOD)), environment, &list, &error);
        (void)alloc_fail_from(0);
    }
    assert_int_equal(code, OK);
    assert_true(nth > 2);
    oidc_provider_list_done(&list);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_file_gives_its_providers),
    cmocka_unit_test(test_domains_are_compared_whole),
    cmocka_unit_test(test_mistakes_are_named_by_their_pointer),
    cmocka_unit_test(test_secret_files_are_for_their_owner_only),
    cmocka_unit_test(test_addresses_that_may_be_gone_to),
    cmocka_unit_test(test_out_of_memory_is_said),
};

UNIT_MAIN(tests)
