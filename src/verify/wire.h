/*
 * wire: what exchanges and sockets share of curl. Private to verify/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_WIRE_H
#define NETRA_VERIFY_WIRE_H

#include <curl/curl.h>

#include "verify/exchange.h"

int64_t wire_now_us(void);  /* monotonic */
int64_t wire_wall_us(void); /* since 1970, UTC */

/* Address, protocols, authorities, proxies, certificates: not 0: no memory. */
must_check int wire_set_usual(CURL *easy, const char *url, const char *ca_file,
                              unsigned connect_ms);

/* A code of ours, and the text, for a result of curl's. */
int wire_failure(CURLcode failed, struct exchange *exchange);

/* Addresses, phases, TLS and certificate of the connection that was used last. */
void wire_describe(CURL *easy, struct exchange *exchange);

#endif
