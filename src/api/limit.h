/*
 * limit: buckets of tokens, so that nobody takes more than a share: of an address, a user, a key;
 * of costly requests, and of tries at secrets. Time comes from outside and never goes back.
 *
 *     a bucket holds `burst` tokens and gets one every `interval_ns`; a request takes one
 *
 * A bucket is one number: when it will be full again (the virtual scheduling form of the leaky
 * bucket, GCRA). A bucket that is full needs no memory, so a table forgets nothing that matters
 * when it drops one. Tables are bounded: LIMIT_ENTRIES in sets of LIMIT_WAYS; in a set without a
 * free place the bucket that is nearest to full is dropped, never the emptiest, and which keys
 * share a set depends on a random seed: nobody can fill a table so that a bucket of their choice is
 * forgotten.
 *
 *     set of 8:  [hash, full_ns] [hash, full_ns] …      128 bytes: two cache lines for a request
 *
 * Private to api/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_LIMIT_H
#define NETRA_API_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "base/str.h"

#define LIMIT_ENTRIES      16384u
#define LIMIT_WAYS         8u
#define LIMIT_HEADER_BYTES 64u

struct limits;

/* A table for each rule that limits something, 256 KiB each. ERR_NO_MEMORY. */
must_check int limits_new(const struct api_limit_rule rules[API_LIMIT_COUNT], uint64_t seed,
                          struct limits **ret_limits);
void limits_free(struct limits *limits); /* NULL is allowed */

/* What a bucket says. Without a rule: is_limited false, all else 0. */
struct limit_state {
    const char *name; /* "address" */
    bool is_limited;  /* there is a rule */
    uint64_t limit;   /* tokens that a full bucket has */
    uint64_t remaining;
    uint64_t window_s; /* in which an empty bucket becomes full; 0: it is a number at once */
    uint64_t wait_s;   /* until there is a token again; 0: there is one */
};

/* Takes a token of the bucket of key. False: it is empty, and stays as it was. */
bool limits_take(struct limits *limits, enum api_limit limit, struct str key, int64_t now_ns,
                 struct limit_state *ret_state);

/* The same without taking; never false. */
struct limit_state limits_look(const struct limits *limits, enum api_limit limit, struct str key,
                               int64_t now_ns);

/* The values of the headers RateLimit and RateLimit-Policy: "\"user\";r=0;t=3",
 * "\"user\";q=250;w=5" (draft-ietf-httpapi-ratelimit-headers). */
void limit_write_headers(const struct limit_state *state, char ret_limit[LIMIT_HEADER_BYTES],
                         char ret_policy[LIMIT_HEADER_BYTES]);

/* Whose bucket an address is: an IPv4 address itself (also when it is mapped into IPv6), of an IPv6
 * address its /64, since that is what one customer gets. Text that is no address is a key of its
 * own. The result is in scratch, or borrowed from address. */
#define LIMIT_ADDRESS_BYTES 48u
struct str limit_address_key(struct str address, char scratch[LIMIT_ADDRESS_BYTES]);

#endif
