/*
 * forwarded: who the client is when a proxy speaks for it (RFC 7239 Forwarded, and the older
 * X-Forwarded-For and X-Forwarded-Proto). Each proxy adds the address that it sees at the right:
 *
 *     X-Forwarded-For: 1.2.3.4, 203.0.113.7, 10.0.0.5        from 10.0.0.9, a trusted proxy
 *                      │        │            └ trusted, as are all to its right
 *                      │        └ the first from the right that is not: the client
 *                      └ what that client says of itself: nobody believes it
 *
 * Where both kinds of headers are there, they must agree: a proxy that writes one of them passes
 * the other on as the client sent it. What is malformed, hidden ("unknown", "_name") or at odds
 * leaves the proxy's own address. When all are trusted, the leftmost is the client.
 *
 * Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_FORWARDED_H
#define NETRA_HTTP_FORWARDED_H

#include "http/address.h"
#include "http/server.h"

struct ip_networks {
    struct ip_network *items;
    size_t count;
};

/* ERR_INVALID with the text, ERR_NO_MEMORY. */
must_check int networks_parse(const char *const *texts, size_t count,
                              struct ip_networks *ret_networks, struct error *error);
void networks_done(struct ip_networks *networks);
bool networks_have(const struct ip_networks *networks, const struct ip_address *address);

struct forwarded {
    bool has_client; /* false: the proxy's own address */
    struct ip_address client;
    uint16_t port; /* 0: not said */
    bool says_scheme;
    bool is_secure; /* https */
};

/* For requests of a trusted proxy only. */
void forwarded_read(const struct http_header *headers, size_t count,
                    const struct ip_networks *trusted, struct forwarded *ret_forwarded);

#endif
