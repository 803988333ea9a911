/*
 * tls: TLS 1.2 and 1.3 (OpenSSL) without a socket: sealed bytes in, plain bytes out, and the other
 * way round. Both lie in buffers that all connections of a server share, so that an idle one holds
 * nothing but OpenSSL's state (measured in docs/operations.md).
 *
 *     socket ─► sealed ─► tls_take ─► plain ─► conn          valid until the next call
 *                             └─► tls_out ─► socket          what must be written: handshake,
 * alerts conn ─► plain ─► tls_seal ─► tls_out ─► socket
 *
 * The rule that keeps connections apart: after each call the caller empties tls_out, whatever it
 * returned; a call that finds another connection's bytes there ends the program.
 *
 * Certificates are read again when their files change; connections keep the one they began with.
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_TLS_H
#define NETRA_HTTP_TLS_H

#include "http/server.h"

#define TLS_RECORD_BYTES_MAX 16704u /* 16384 of data, what seals it, its head */
#define TLS_PLAIN_BYTES      65536u
/* At one time: with what OpenSSL holds of a record that is not whole yet, its plain form fits. */
#define TLS_TAKE_BYTES_MAX (TLS_PLAIN_BYTES - TLS_RECORD_BYTES_MAX)
#define TLS_SEAL_BYTES     65536u /* that tls_seal takes at one time, about */
#define TLS_OUT_BYTES_MAX  262144u

struct tls_server;
struct tls;

enum tls_state {
    TLS_HANDSHAKE,
    TLS_OPEN,
    TLS_ENDED,  /* the client said that it sends no more; it may still be written to */
    TLS_FAILED, /* nothing can be read or sealed any more */
};

/* ERR_IO: a file cannot be read; ERR_INVALID: it is no certificate, no key, or they do not fit;
 * ERR_NO_MEMORY. The texts of options are copied. */
must_check int tls_server_new(struct loop *loop, const struct http_tls_options *options,
                              struct tls_server **ret_server, struct error *error);

/* Connections may outlive it no longer than until closed(arg), which is called when it is freed. */
void tls_server_close(struct tls_server *server, loop_fn closed, void *arg);

must_check int tls_server_reload(struct tls_server *server, struct error *error);

/* Seconds since 1970. */
int64_t tls_server_ends(const struct tls_server *server);

/* NULL: no memory. */
must_check struct tls *tls_new(struct tls_server *server);
void tls_free(struct tls *tls); /* NULL is allowed */

enum tls_state tls_state(const struct tls *tls);

/* Bytes of the client were taken. */
bool tls_has_begun(const struct tls *tls);

/* At most TLS_TAKE_BYTES_MAX bytes; all are taken. What came out of them is plain also when the
 * state is TLS_ENDED or TLS_FAILED afterwards. */
enum tls_state tls_take(struct tls *tls, struct str sealed, struct str *ret_plain);

/* Seals bytes of the parts from byte `from` on, in as few records as possible, until they are
 * TLS_SEAL_BYTES or a record more; returns how many, or ERR_IO: the connection is of no use any
 * more. Only in TLS_OPEN and TLS_ENDED. */
must_check int tls_seal(struct tls *tls, const uv_buf_t *parts, unsigned count, size_t from);

/* Says that no more comes, once; nothing where the handshake was not finished. */
void tls_end(struct tls *tls);

/* What is to be written before anything else; the caller clears it. */
struct buf *tls_out(struct tls *tls);

#endif
