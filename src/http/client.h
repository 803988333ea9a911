/*
 * client: requests that Netra itself makes, over libcurl's multi interface on the loop. Any number
 * of answers may be on their way at once; each arrives in pieces as it comes.
 *
 *     http_client_start → on_head → on_piece, on_piece, … → on_done
 *
 * Only http and https; certificates are checked against the system's authorities; redirects are not
 * followed (a key must not travel to an address that nobody configured); no cookies, no netrc.
 * Proxies of the environment (https_proxy, no_proxy) are used, except for loopback addresses.
 *
 * An exchange is named by an id with a generation, never by a pointer. Callbacks run from events of
 * the loop, never from within http_client_start, and none runs after http_client_cancel or after
 * on_done. Loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_CLIENT_H
#define NETRA_HTTP_CLIENT_H

#include "http/server.h"

#define HTTP_CLIENT_CALLS_MAX      1024u  /* on their way at once; more: ERR_LIMIT */
#define HTTP_CLIENT_HEADERS_MAX    16u    /* of a request */
#define HTTP_CLIENT_HEAD_BYTES_MAX 65536u /* of an answer; more: ERR_LIMIT */

struct http_client;

typedef uint64_t http_call_id; /* 0 is none */

/* Texts and the body are copied. A time-out of 0 is none (to connect: 300 s). */
struct http_call {
    enum http_method method; /* HTTP_GET or HTTP_POST */
    struct str url;
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    uint64_t connect_timeout_ms;    /* name, connection and TLS */
    uint64_t first_byte_timeout_ms; /* from the start to the first byte of the answer's body */
    uint64_t idle_timeout_ms;       /* between two pieces of the body */
    uint64_t total_timeout_ms;      /* from the start to the end */
    size_t answer_bytes_max;        /* of the body, decoded; more: ERR_LIMIT */
};

/* The head of an answer, borrowed for the call of on_head. */
struct http_answer {
    int status;
    const struct http_header *headers;
    size_t header_count;
};

/* All three are needed. Any of them may start, cancel and free. */
struct http_call_listener {
    void (*on_head)(const struct http_answer *answer, void *arg);
    void (*on_piece)(struct str piece, void *arg);
    /* OK: the whole body was given. ERR_IO (no connection, a certificate, a broken stream),
     * ERR_TIMEOUT (error->message says which), ERR_LIMIT, ERR_NO_MEMORY. The message names neither
     * headers nor keys; error is never NULL. */
    void (*on_done)(int code, const struct error *error, void *arg);
};

/* ca_file: instead of the system's authorities; NULL: those. ERR_NO_MEMORY, ERR_IO. */
must_check int http_client_new(struct loop *loop, const char *ca_file,
                               struct http_client **ret_client, struct error *error);

/* Cancels what is under way; loop_free finishes it. NULL is allowed. */
void http_client_free(struct http_client *client);

/* The listener is copied. ERR_INVALID (not an http or https address, a header that would break out
 * of its line or that says how long the body is, a GET with a body, another method), ERR_LIMIT,
 * ERR_NO_MEMORY: then no callback runs. */
must_check int http_client_start(struct http_client *client, const struct http_call *call,
                                 const struct http_call_listener *listener, void *arg,
                                 http_call_id *ret_id, struct error *error);

/* Nothing happens when it has ended already. */
void http_client_cancel(struct http_client *client, http_call_id id);

/* Exchanges on their way. */
unsigned http_client_count(const struct http_client *client);

/* Its host is this machine (127.0.0.0/8, ::1, localhost), whatever the scheme; false for what is no
 * address. */
bool http_is_loopback_url(const char *url);

/* The value of a header, whatever its case; empty when there is none. */
struct str http_answer_header(const struct http_answer *answer, const char *name);

#endif
