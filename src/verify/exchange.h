/*
 * exchange: one HTTP request to a deployment and what can be said of it afterwards: when each phase
 * ended, how many bytes went each way, who the peer was, which TLS was spoken. Blocking, over
 * libcurl; a wire keeps connections and may be used by one thread at a time.
 *
 * Only http and https; redirects are not followed; certificates are checked; no cookies but those
 * of the request's own headers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_EXCHANGE_H
#define NETRA_VERIFY_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#define EXCHANGE_URL_BYTES_MAX  4096u
#define EXCHANGE_HEADERS_MAX    16u    /* of a request */
#define EXCHANGE_HEAD_BYTES_MAX 65536u /* of an answer; more: ERR_LIMIT */
#define EXCHANGE_BODY_BYTES_MAX ((size_t)64 << 20)
#define EXCHANGE_ADDRESS_BYTES  64u /* "[2001:db8::1]:443" */
#define EXCHANGE_TLS_BYTES      96u /* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
#define EXCHANGE_CONNECT_MS     5000u
#define EXCHANGE_TIMEOUT_MS     30000u

struct wire;

struct wire_options {
    const char *ca_file; /* NULL: the system's authorities */
    const char *token;   /* sent as a bearer unless a request says otherwise; NULL: none */
    unsigned connect_ms; /* 0: EXCHANGE_CONNECT_MS */
    unsigned timeout_ms; /* 0: EXCHANGE_TIMEOUT_MS */
};

struct exchange_header {
    const char *name;
    const char *value;
};

struct exchange_request {
    const char *method; /* "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD" */
    const char *url;    /* absolute */
    const struct exchange_header *headers;
    size_t header_count;
    struct str body;     /* data NULL: none. Content-Type is application/json unless a header
                          * says otherwise */
    bool is_anonymous;   /* the wire's token is not sent */
    bool is_fresh;       /* on a new connection, closed afterwards */
    unsigned timeout_ms; /* 0: the wire's */
};

/* Times are microseconds since the beginning of this exchange; 0 where a phase did not happen (a
 * connection that was kept has no name, connect and TLS). */
struct exchange {
    int code;           /* of error.def: OK when an answer came, whatever its status.
                         * ERR_IO, ERR_TIMEOUT, ERR_LIMIT, ERR_NO_MEMORY */
    char failure[192];  /* empty, or why there is no answer: no bytes of the server's */
    int curl_code;      /* CURLE_…: what diagnosis reads a failure from */
    long os_errno;      /* ECONNREFUSED …, 0 */
    int status;         /* 0: none */
    int64_t started_us; /* wall clock, UTC, since 1970 */
    int64_t started_monotonic_us;
    int64_t name_us, connect_us, tls_us, sent_us, first_byte_us, total_us;
    uint64_t bytes_sent; /* head and body, as counted by the client */
    uint64_t bytes_received;
    bool is_new_connection;
    char peer[EXCHANGE_ADDRESS_BYTES]; /* as the socket says, empty when there was none */
    char local[EXCHANGE_ADDRESS_BYTES];
    char tls[EXCHANGE_TLS_BYTES];   /* empty: none */
    int64_t certificate_expires_us; /* of the server's own; 0: unknown or no TLS */
    struct str head;                /* "Name: value" lines of the answer; into the arena given */
    struct str body;                /* decoded (gzip) */
};

/* ERR_NO_MEMORY. */
must_check int wire_new(const struct wire_options *options, struct wire **ret_wire,
                        struct error *error);
void wire_free(struct wire *wire); /* NULL is allowed */

/* Another bearer from now on; NULL: none. Copied. ERR_NO_MEMORY. */
must_check int wire_set_token(struct wire *wire, const char *token);

/* Does it and waits. Always fills *ret_exchange; what failed is in its code. head and body live in
 * the arena. Returns ret_exchange->code. */
int wire_exchange(struct wire *wire, const struct exchange_request *request, struct arena *arena,
                  struct exchange *ret_exchange);

/* A header of the answer, whatever its case; empty when there is none. */
struct str exchange_header_of(const struct exchange *exchange, const char *name);

#endif
