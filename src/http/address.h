/*
 * address: IP addresses and networks. There is one kind: an IPv4 address a.b.c.d is held as the
 * IPv6 address ::ffff:a.b.c.d, which is also what a socket that serves both kinds tells.
 *
 *     "10.0.0.0/8"  →  base ::ffff:10.0.0.0, 96 + 8 bits
 *
 * Pure: no names are looked up, nothing is allocated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_ADDRESS_H
#define NETRA_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/attributes.h"
#include "base/str.h"

#define ADDRESS_BYTES      16u
#define ADDRESS_TEXT_BYTES 58u /* 45 of an IPv6 address, "%" and 10 digits of a zone, the NUL */
#define PEER_TEXT_BYTES    68u /* with "[", "]:", a port */

struct ip_address {
    unsigned char bytes[ADDRESS_BYTES];
};

struct ip_network {
    struct ip_address base;
    unsigned bits; /* of 128 that are compared */
};

/* Who is at the other end, as texts. */
struct peer {
    struct ip_address address;
    char text[PEER_TEXT_BYTES]; /* "127.0.0.1:53211", "[::1]:443", "[fe80::1%2]:80"; "?" */
    unsigned char address_at;   /* where the address begins in text */
    unsigned char address_length;
};

bool address_is_v4(const struct ip_address *address);
bool address_equal(const struct ip_address *a, const struct ip_address *b);

/* "127.0.0.1", "2001:db8::1", "fe80::1%2" (the zone is left out). False: it is none. */
must_check bool address_parse(struct str text, struct ip_address *ret_address);

/* What a proxy writes for a node: an address, or "10.0.0.1:80", "[::1]", "[::1]:80"; port 0: none
 * was given. False: malformed, "unknown" or a made-up name. */
must_check bool address_parse_node(struct str text, struct ip_address *ret_address,
                                   uint16_t *ret_port);

/* "10.0.0.0/8", "::1", "2001:db8::/32". Bits beyond the prefix must be 0: ERR_INVALID, since who
 * writes 10.1.2.3/8 means something else. */
must_check int network_parse(struct str text, struct ip_network *ret_network);
bool network_has(const struct ip_network *network, const struct ip_address *address);

/* port 0: the text is the address alone. */
void peer_print(const struct ip_address *address, uint32_t zone, uint16_t port,
                struct peer *ret_peer);

/* Neither IPv4 nor IPv6: "?". */
void peer_of_socket(const struct sockaddr_storage *socket_address, struct peer *ret_peer);

static inline struct str peer_address(const struct peer *peer)
{
    return (struct str){peer->text + peer->address_at, peer->address_length};
}

#endif
