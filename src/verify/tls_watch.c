/*
 * curl gives the TLS session only while a transfer is running, and nothing of a certificate that it
 * refused. OpenSSL's own callbacks, set on the context that curl makes, see both.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/tls_watch.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/civil_time.h"

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static int seen_index = -1;

static void make_index(void)
{
    seen_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static struct tls_seen *seen_of(const SSL *ssl)
{
    return ssl ? SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), seen_index) : NULL;
}

int64_t tls_time_us(const ASN1_TIME *time)
{
    struct tm when = {0};

    if (ASN1_TIME_to_tm(time, &when) != 1) {
        return 0;
    }
    struct civil_time civil = {.year = when.tm_year + 1900,
                               .month = when.tm_mon + 1,
                               .day = when.tm_mday,
                               .hour = when.tm_hour,
                               .minute = when.tm_min,
                               .second = when.tm_sec};
    return civil_to_us(&civil);
}

static int64_t expires_us(const X509 *certificate)
{
    return certificate ? tls_time_us(X509_get0_notAfter(certificate)) : 0;
}

static void write_down(const SSL *ssl, struct tls_seen *seen)
{
    (void)snprintf(seen->what, sizeof(seen->what), "%s %s", SSL_get_version(ssl),
                   SSL_get_cipher(ssl));
    seen->certificate_expires_us = expires_us(SSL_get0_peer_certificate(ssl));
}

static void on_state(const SSL *ssl, int where, int value)
{
    struct tls_seen *seen = seen_of(ssl);

    (void)value;
    if (seen && (where & SSL_CB_HANDSHAKE_DONE)) {
        write_down(ssl, seen);
    }
}

/* Decides nothing: the answer is OpenSSL's own. */
static int on_verify(int is_fine, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_seen *seen = seen_of(ssl);

    if (seen) {
        seen->certificate_expires_us = expires_us(X509_STORE_CTX_get0_cert(store));
    }
    return is_fine;
}

static CURLcode on_context(CURL *easy, void *context, void *arg)
{
    (void)easy;
    (void)pthread_once(&index_once, make_index);
    if (seen_index < 0 || SSL_CTX_set_ex_data(context, seen_index, arg) != 1) {
        return CURLE_OUT_OF_MEMORY;
    }
    SSL_CTX_set_info_callback(context, on_state);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verify);
    return CURLE_OK;
}

int tls_watch(CURL *easy, struct tls_seen *seen)
{
    int failed = curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context);

    return failed | curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, seen);
}

void tls_look(CURL *easy, struct tls_seen *seen)
{
    const struct curl_tlssessioninfo *session = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK && session &&
        session->backend == CURLSSLBACKEND_OPENSSL && session->internals) {
        write_down(session->internals, seen);
    }
}
