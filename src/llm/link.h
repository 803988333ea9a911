/*
 * link: one provider of a chain, with what is known of it: where it is, what it is sent beside the
 * body, its breaker, its counts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LLM_LINK_H
#define NETRA_LLM_LINK_H

#include "llm/breaker.h"
#include "llm/llm.h"

#define LLM_ADDRESS_BYTES_MAX 8192u
#define LLM_KEY_BYTES_MAX     8192u                      /* of a header's value */
#define LLM_LINK_HEADERS_MAX  (LLM_WIRE_HEADERS_MAX + 2) /* type, key */

struct llm_link {
    struct llm_provider provider; /* texts in the arena */
    struct str address;           /* with the wire's path */
    struct http_header headers[LLM_LINK_HEADERS_MAX];
    size_t header_count;
    struct str secret; /* the value of the header that carries the key; empty: none */
    struct breaker breaker;
    uint64_t attempts;
    uint64_t answered;
    char last_failure[LLM_FAILURE_BYTES];
};

/* The address with the wire's path. */
void llm_link_write_address(const struct llm_provider *provider, struct buf *out);

/* The headers in the order in which they are sent; the key's is the last, its value goes to secret
 * (borrowed by the header: it must not change any more). Returns their number. */
size_t llm_link_headers(const struct llm_provider *provider, struct str key,
                        struct http_header ret_headers[LLM_LINK_HEADERS_MAX], struct buf *secret);

/* Copies everything into the arena. ERR_NO_MEMORY, ERR_LIMIT (an address or a key that is too
 * long). */
must_check int llm_link_init(struct llm_link *link, const struct llm_provider *provider,
                             const struct llm_limits *limits, struct arena *arena,
                             struct error *error);

/* Overwrites the key. */
void llm_link_wipe(struct llm_link *link);

#endif
