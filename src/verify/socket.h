/*
 * socket: a WebSocket to a deployment, blocking, with the time at which each frame came. Connection
 * and TLS are libcurl's (CURLOPT_CONNECT_ONLY), frames are wslay's.
 *
 * One thread at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_SOCKET_H
#define NETRA_VERIFY_SOCKET_H

#include "verify/exchange.h"

#define SOCKET_MESSAGE_BYTES_MAX (512u * 1024) /* Netra's largest is 256 KiB */
#define SOCKET_PROTOCOL          "ag-ui.v1+json"

struct ws_client;

struct ws_client_options {
    const char *url;     /* http(s):// or ws(s)://, absolute */
    const char *token;   /* bearer; NULL: none (a ticket is in the address then) */
    const char *origin;  /* NULL: no Origin header */
    const char *ca_file; /* NULL: the system's */
    unsigned timeout_ms; /* of the handshake; 0: EXCHANGE_TIMEOUT_MS */
};

struct ws_frame_seen {
    struct str text; /* until the next ws_client_next */
    int64_t at_us;   /* monotonic, when its last byte was read */
    bool is_close;   /* text is then the reason, close_code set */
    unsigned close_code;
};

/* The handshake; *ret_handshake says all that is known of it (status 101, or a refusal with its
 * body in the arena), also on failure. ERR_IO, ERR_TIMEOUT, ERR_DENIED (an answer other than 101),
 * ERR_INVALID (a 101 that is none: wrong accept key or sub-protocol), ERR_NO_MEMORY. */
must_check int ws_client_open(const struct ws_client_options *options, struct arena *arena,
                              struct exchange *ret_handshake, struct ws_client **ret_socket,
                              struct error *error);
void ws_client_close(struct ws_client *socket); /* says 1000, waits at most 200 ms; NULL allowed */

/* ERR_IO, ERR_TIMEOUT, ERR_NO_MEMORY. */
must_check int ws_client_send(struct ws_client *socket, struct str text, struct error *error);

/* The next message, or the close frame. Pings are answered meanwhile. ERR_TIMEOUT after
 * timeout_ms, ERR_IO (the connection broke), ERR_LIMIT (a message over the maximum), ERR_INVALID (a
 * frame that breaks the protocol). */
must_check int ws_client_next(struct ws_client *socket, unsigned timeout_ms,
                              struct ws_frame_seen *ret_frame, struct error *error);

uint64_t ws_client_bytes_sent(const struct ws_client *socket);
uint64_t ws_client_bytes_received(const struct ws_client *socket);

#endif
