/*
 * Addresses and networks as texts, and the table that counts connections by address.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/error.h"
#include "http/address.h"
#include "http/address_table.h"

static struct ip_address parsed(const char *text)
{
    struct ip_address address = {{0}};

    if (!address_parse(str_from(text), &address)) {
        fail_msg("'%s' is an address", text);
    }
    return address;
}

static void test_address_parses_what_is_one(void **state)
{
    static const char *const bad[] = {
        "",       "1.2.3",   "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ",  "localhost",
        "::1::2", "12345::", "01.2.3.4x", "[::1]",     "1.2.3.4%1", "fe80::1/64"};
    struct ip_address address;

    (void)state;
    struct ip_address v4 = parsed("10.0.0.1");
    struct ip_address mapped = parsed("::ffff:10.0.0.1");
    assert_true(address_is_v4(&v4));
    assert_true(address_equal(&v4, &mapped));
    struct ip_address zoned = parsed("fe80::1%eth0");
    struct ip_address bare = parsed("fe80::1");
    assert_true(address_equal(&zoned, &bare));
    assert_false(address_is_v4(&bare));
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        if (address_parse(str_from(bad[i]), &address)) {
            fail_msg("'%s' is no address", bad[i]);
        }
    }
    assert_false(address_parse((struct str){"1.2.3.4\0x", 9}, &address));
}

static void test_address_nodes_have_ports(void **state)
{
    static const struct {
        const char *text;
        const char *printed; /* NULL: it is none */
    } nodes[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1:80", "192.0.2.1:80"},
        {"[2001:db8::1]", "[2001:db8::1]"},
        {"[2001:db8::1]:4711", "[2001:db8::1]:4711"},
        {"2001:db8::1", "[2001:db8::1]"},
        {"[192.0.2.1]:5", "192.0.2.1:5"},
        {"192.0.2.1:", NULL},
        {"192.0.2.1:0", NULL},
        {"192.0.2.1:65536", NULL},
        {"192.0.2.1:8 0", NULL},
        {"[2001:db8::1", NULL},
        {"[2001:db8::1]80", NULL},
        {"unknown", NULL},
        {"_hidden", NULL},
        {"[]", NULL},
        {":80", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(nodes); i++) {
        struct ip_address address;
        uint16_t port;
        struct peer peer;
        bool is_node = address_parse_node(str_from(nodes[i].text), &address, &port);

        if (is_node != (nodes[i].printed != NULL)) {
            fail_msg("'%s'", nodes[i].text);
        }
        if (is_node) {
            peer_print(&address, /* zone */ 0, port, &peer);
            assert_string_equal(peer.text, nodes[i].printed);
        }
    }
}

static void test_address_networks_hold_their_addresses(void **state)
{
    static const struct {
        const char *network;
        const char *inside;
        const char *outside;
    } networks[] = {
        {"10.0.0.0/8", "10.255.3.4", "11.0.0.0"},
        {"192.0.2.0/25", "192.0.2.127", "192.0.2.128"},
        {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
        {"192.0.2.7/32", "192.0.2.7", "::1"},
        {"0.0.0.0/0", "203.0.113.9", "2001:db8::1"},
        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
        {"::1", "::1", "0.0.0.1"},
    };
    static const char *const bad[] = {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08",
                                      "::/129",     "10.0.0.0/",   "host/8",      "2001:db8::1/32"};
    struct ip_network network;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(networks); i++) {
        assert_int_equal(network_parse(str_from(networks[i].network), &network), OK);
        struct ip_address inside = parsed(networks[i].inside);
        struct ip_address outside = parsed(networks[i].outside);
        assert_true(network_has(&network, &inside));
        assert_false(network_has(&network, &outside));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        assert_int_equal(network_parse(str_from(bad[i]), &network), ERR_INVALID);
    }
}

static void test_address_prints_sockets(void **state)
{
    struct sockaddr_storage storage = {.ss_family = AF_UNIX};
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;
    struct peer peer;

    (void)state;
    peer_of_socket(&storage, &peer);
    assert_string_equal(peer.text, "?");
    assert_str(peer_address(&peer), "?");
    *in6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_port = htons(80), .sin6_scope_id = 4294967295u};
    assert_int_equal(
        inet_pton(AF_INET6, "fe80:1111:2222:3333:4444:5555:6666:7777", &in6->sin6_addr), 1);
    peer_of_socket(&storage, &peer);
    assert_string_equal(peer.text, "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:80");
    assert_str(peer_address(&peer), "fe80:1111:2222:3333:4444:5555:6666:7777%4294967295");
    assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &in6->sin6_addr), 1);
    peer_of_socket(&storage, &peer);
    assert_string_equal(peer.text, "127.0.0.1:80");
    assert_str(peer_address(&peer), "127.0.0.1");
}

/* A model that is a plain array, many random steps. */
static void test_address_table_counts(void **state)
{
    enum { ADDRESSES = 48, CONNECTIONS = 100 };
    struct address_table table;
    struct ip_address addresses[ADDRESSES];
    unsigned counts[ADDRESSES] = {0};
    unsigned open = 0;
    uint64_t random = 1;

    (void)state;
    assert_int_equal(address_table_init(&table, CONNECTIONS), OK);
    for (unsigned i = 0; i < ADDRESSES; i++) {
        char text[40];

        (void)snprintf(text, sizeof(text), i % 2 ? "10.0.%u.1" : "2001:db8:0:%x::1", i);
        addresses[i] = parsed(text);
    }
    for (int step = 0; step < 20000; step++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        unsigned which = (unsigned)(random >> 33) % ADDRESSES;
        bool must_add = (random >> 60) % 2;

        if (must_add && open < CONNECTIONS) {
            assert_int_equal(address_table_add(&table, &addresses[which]), ++counts[which]);
            open++;
        } else if (!must_add && counts[which]) {
            address_table_remove(&table, &addresses[which]);
            counts[which]--;
            open--;
        }
    }
    for (unsigned i = 0; i < ADDRESSES; i++) {
        while (counts[i]) {
            address_table_remove(&table, &addresses[i]);
            counts[i]--;
        }
        assert_int_equal(address_table_add(&table, &addresses[i]), 1);
        address_table_remove(&table, &addresses[i]);
    }
    address_table_done(&table);
}

static void test_address_table_takes_a_64_for_one_client(void **state)
{
    struct address_table table;
    struct ip_address first = parsed("2001:db8:1:2::1");
    struct ip_address second = parsed("2001:db8:1:2:ffff::9");
    struct ip_address other = parsed("2001:db8:1:3::1");
    struct ip_address v4 = parsed("192.0.2.1");
    struct ip_address v4_neighbour = parsed("192.0.2.2");

    (void)state;
    assert_int_equal(address_table_init(&table, 10), OK);
    assert_int_equal(address_table_add(&table, &first), 1);
    assert_int_equal(address_table_add(&table, &second), 2);
    assert_int_equal(address_table_add(&table, &other), 1);
    assert_int_equal(address_table_add(&table, &v4), 1);
    assert_int_equal(address_table_add(&table, &v4_neighbour), 1);
    address_table_remove(&table, &first);
    assert_int_equal(address_table_add(&table, &first), 2);
    address_table_done(&table);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_address_parses_what_is_one),
    cmocka_unit_test(test_address_nodes_have_ports),
    cmocka_unit_test(test_address_networks_hold_their_addresses),
    cmocka_unit_test(test_address_prints_sockets),
    cmocka_unit_test(test_address_table_counts),
    cmocka_unit_test(test_address_table_takes_a_64_for_one_client),
};

UNIT_MAIN(tests)
