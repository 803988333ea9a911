/*
 * wire: what an exchange and a WebSocket have in common: how curl is set up, and what can be read
 * from its handle afterwards. Private to verify/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_WIRE_H
#define NETRA_VERIFY_WIRE_H

#include <curl/curl.h>

#include "verify/exchange.h"
#include "verify/tls_watch.h"

int64_t wire_now_us(void);  /* monotonic */
int64_t wire_wall_us(void); /* since 1970, UTC */

/* Nothing of the machine's netrc, cookies or redirects; proxies of the environment, but not to this
 * machine; HTTP/1.1, whose bytes can be counted. 0: all is set. */
must_check int wire_set_up(CURL *easy, const char *ca_file, unsigned connect_ms,
                           struct tls_seen *seen);

/* After curl has ended with that result: the phases up to TLS, both ends of the connection, what
 * TLS was seen, and of a failure its code, number and text. Returns exchange->code. */
int wire_read_out(CURL *easy, CURLcode result, const struct tls_seen *seen,
                  struct exchange *exchange);

/* No control characters: cannot begin another line of a head. */
bool wire_is_line(const char *text);

#endif
