/*
 * tls_watch: what a TLS connection of curl's turned out to be: version, cipher, and until when the
 * server's certificate is valid, also of a handshake that failed because of it. Private to verify/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_TLS_WATCH_H
#define NETRA_VERIFY_TLS_WATCH_H

#include <curl/curl.h>
#include <openssl/asn1.h>

#include "verify/exchange.h"

/* Lives as long as the easy handle that it is told to watch: a connection that is kept may speak
 * again. */
struct tls_seen {
    char what[EXCHANGE_TLS_BYTES]; /* "TLSv1.3 TLS_AES_256_GCM_SHA384", empty: nothing yet */
    int64_t certificate_expires_us;
};

/* Fills seen at each handshake from now on; after each curl_easy_reset again. 0, or a CURLE_…
 * that means that there is no memory. */
must_check int tls_watch(CURL *easy, struct tls_seen *seen);

/* Of the connection that the handle has at this moment, within its callbacks: for one that was
 * kept, and made no handshake. */
void tls_look(CURL *easy, struct tls_seen *seen);

/* Of a certificate's validity, in microseconds since 1970; 0: none. */
int64_t tls_time_us(const ASN1_TIME *time);

#endif
