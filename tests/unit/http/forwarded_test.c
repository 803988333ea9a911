/*
 * Whom a proxy speaks for: a table of headers and what is believed of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "http/forwarded.h"

#define HEADERS_MAX 4

static const char *const proxies[] = {"10.0.0.0/8", " 192.168.1.1 ", "2001:db8:ffff::/48"};

/* "F: " Forwarded, "X: " X-Forwarded-For, "P: " X-Forwarded-Proto; lines end with "\n". */
static const struct {
    const char *headers;
    const char *client; /* NULL: the proxy's own address */
    int scheme;         /* 1: https, 0: http, -1: not said */
} cases[] = {
    {"", NULL, -1},
    {"X: 203.0.113.7\n", "203.0.113.7", -1},
    {"X: 203.0.113.7\nP: https\n", "203.0.113.7", 1},
    {"P: HTTPS\nX: 203.0.113.7\n", "203.0.113.7", 1},
    {"X: 203.0.113.7\nP: http\n", "203.0.113.7", 0},
    {"P: wss\n", NULL, 0},
    /* The client's own words are to the left. */
    {"X: 1.2.3.4, 203.0.113.7\n", "203.0.113.7", -1},
    {"X: 1.2.3.4\nX: 203.0.113.7\n", "203.0.113.7", -1},
    {"P: https, http\nX: 203.0.113.7\n", "203.0.113.7", 0},
    {"P: https\nP: http\nX: 203.0.113.7\n", "203.0.113.7", 0},
    /* Through several that are trusted. */
    {"X: 1.2.3.4, 203.0.113.7, 10.1.1.1,192.168.1.1\n", "203.0.113.7", -1},
    {"X: 10.3.3.3, 10.1.1.1\n", "10.3.3.3", -1},
    {"X: 10.3.3.3\n", "10.3.3.3", -1},
    {"X: 192.168.1.2, 10.1.1.1\n", "192.168.1.2", -1},
    {"X: 2001:db8::9, 2001:db8:ffff::1\n", "[2001:db8::9]", -1},
    {"X: [2001:db8::9]:77\n", "[2001:db8::9]:77", -1},
    {"X: 203.0.113.7:77\n", "203.0.113.7:77", -1},
    {"X: ::ffff:203.0.113.7\n", "203.0.113.7", -1},
    /* What is no address at the place that counts. */
    {"X: nonsense\n", NULL, -1},
    {"X: \n", NULL, -1},
    {"X: 203.0.113.7,\n", NULL, -1},
    {"X: 203.0.113.7, unknown\n", NULL, -1},
    {"X: unknown, 203.0.113.7\n", "203.0.113.7", -1},
    {"X: unknown, 10.1.1.1\n", NULL, -1},
    {"X: 203.0.113.7 5.6.7.8\n", NULL, -1},
    /* RFC 7239. */
    {"F: for=203.0.113.7\n", "203.0.113.7", -1},
    {"F: For=\"203.0.113.7:47011\";proto=https;by=10.0.0.1\n", "203.0.113.7:47011", 1},
    {"F: for=\"[2001:db8:cafe::17]:4711\"\n", "[2001:db8:cafe::17]:4711", -1},
    {"F: for=1.2.3.4, for=203.0.113.7;proto=http\n", "203.0.113.7", 0},
    {"F: for=1.2.3.4;proto=https, for=203.0.113.7\n", "203.0.113.7", -1},
    {"F: for=203.0.113.7;proto=https, for=10.0.0.2;proto=http\n", "203.0.113.7", 1},
    {"F: for=1.2.3.4\nF: for=203.0.113.7 ; proto=https\n", "203.0.113.7", 1},
    {"F: for=203.0.113.7;ext=\"a,b;c\\\"d\"\n", "203.0.113.7", -1},
    {"F: for=\"203\\.0.113.7\"\n", "203.0.113.7", -1},
    {"F: proto=https\n", NULL, 1},
    {"F: for=unknown\n", NULL, -1},
    {"F: for=_hidden, for=10.1.1.1\n", NULL, -1},
    {"F: for=\"_SEVKISEK\"\n", NULL, -1},
    {"F: \n", NULL, -1},
    {"F: for\n", NULL, -1},
    {"F: for=\n", NULL, -1},
    {"F: for=\"203.0.113.7\n", NULL, -1},
    {"F: for=203.0.113.7,\n", NULL, -1},
    {"F: for=203.0.113.7;for=1.2.3.4\n", NULL, -1},
    {"F: for=203.0.113.7 x\n", NULL, -1},
    {"F: for=\"1.2.3.4\nF: for=203.0.113.7\n", NULL, -1}, /* malformed as a whole */
    /* Both: a proxy that writes one passes the other on. */
    {"F: for=203.0.113.7\nX: 203.0.113.7\n", "203.0.113.7", -1},
    {"F: for=1.2.3.4\nX: 203.0.113.7\n", NULL, -1},
    {"F: for=1.2.3.4;proto=https\nX: 203.0.113.7\nP: http\n", NULL, 0},
    {"F: for=203.0.113.7;proto=https\nP: http\n", "203.0.113.7", 0},
    {"F: for=203.0.113.7;proto=https\nP: https\n", "203.0.113.7", 1},
    {"F: for=unknown\nX: 203.0.113.7\n", NULL, -1},
};

static size_t read_headers(struct str text, struct http_header headers[static HEADERS_MAX])
{
    size_t count = 0;

    while (text.length) {
        size_t end = str_find(text, STR("\n"), 0);
        struct str line = str_slice(text, 0, end);

        assert_true(count < HEADERS_MAX);
        headers[count].name = line.data[0] == 'F'   ? STR("FORWARDED")
                              : line.data[0] == 'X' ? STR("x-forwarded-for")
                                                    : STR("X-Forwarded-Proto");
        headers[count++].value = str_trim(str_slice(line, 2, line.length));
        text = str_slice(text, end + 1, text.length);
    }
    return count;
}

static void test_forwarded_is_believed_as_far_as_it_can_be(void **state)
{
    struct ip_networks trusted;
    struct error error;

    (void)state;
    assert_int_equal(networks_parse(proxies, ARRAY_LENGTH(proxies), &trusted, &error), OK);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct http_header headers[HEADERS_MAX];
        struct forwarded told;
        struct peer peer = {.text = ""};
        size_t count = read_headers(str_from(cases[i].headers), headers);

        forwarded_read(headers, count, &trusted, &told);
        if (told.has_client) {
            peer_print(&told.client, /* zone */ 0, told.port, &peer);
        }
        if (strcmp(peer.text, cases[i].client ? cases[i].client : "") != 0) {
            fail_msg("'%s' is of '%s'", cases[i].headers, peer.text);
        }
        int scheme = told.says_scheme ? told.is_secure : -1;
        if (scheme != cases[i].scheme) {
            fail_msg("'%s' has scheme %d", cases[i].headers, scheme);
        }
    }
    networks_done(&trusted);
}

static void test_forwarded_proxies_must_be_addresses(void **state)
{
    static const char *const bad[] = {"10.0.0.0/8", "proxy.example"};
    struct ip_networks trusted;
    struct error error;

    (void)state;
    assert_int_equal(networks_parse(bad, 2, &trusted, &error), ERR_INVALID);
    assert_non_null(strstr(error.message, "proxy.example"));
    (void)alloc_fail_from(1);
    assert_int_equal(networks_parse(bad, 1, &trusted, &error), ERR_NO_MEMORY);
    (void)alloc_fail_from(0);
    assert_int_equal(networks_parse(NULL, 0, &trusted, &error), OK);
    assert_false(networks_have(&trusted, &(struct ip_address){{0}}));
    networks_done(&trusted);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_forwarded_is_believed_as_far_as_it_can_be),
    cmocka_unit_test(test_forwarded_proxies_must_be_addresses),
};

UNIT_MAIN(tests)
