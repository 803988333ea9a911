/*
 * handshake: whether a request asks for a WebSocket (RFC 6455, 4.2), and what the answer must say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_HANDSHAKE_H
#define NETRA_HTTP_HANDSHAKE_H

#include "http/head_scan.h"

#define WS_ACCEPT_BYTES 29 /* base64 of SHA-1, with a NUL */

/* 1: a well-formed handshake, *ret_key is its key; 0: an ordinary request; or a negative refusal.
 */
int handshake_check(const struct head *head, struct str *ret_key);

/* Sec-WebSocket-Accept for a key that handshake_check has let pass. */
void handshake_accept(struct str key, char accept[static WS_ACCEPT_BYTES]);

#endif
