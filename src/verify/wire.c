/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/wire.h"

#include <ctype.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_us(clockid_t clock)
{
    struct timespec now = {0};

    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t wire_wall_us(void)
{
    return read_us(CLOCK_REALTIME);
}

int64_t wire_now_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int wire_set_up(CURL *easy, const char *ca_file, unsigned connect_ms, struct tls_seen *seen)
{
    int failed = 0;

    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    failed |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    failed |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "localhost,127.0.0.0/8,::1");
    failed |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    failed |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    /* each new connection shakes hands in full: what is measured does not depend on the one before
     */
    failed |= curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    failed |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* without it the end of a handle waits for a name server that does not answer */
    failed |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    if (ca_file) {
        failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
        failed |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    return failed | tls_watch(easy, seen);
}

bool wire_is_line(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

/* ---- why there is no answer ---- */

static const struct {
    CURLcode result;
    const char *text;
} failures[] = {
    {CURLE_URL_MALFORMAT, "the address is none"},
    {CURLE_COULDNT_RESOLVE_PROXY, "the name of the proxy is not known"},
    {CURLE_COULDNT_RESOLVE_HOST, "the name of the host is not known"},
    {CURLE_WEIRD_SERVER_REPLY, "what answers does not speak HTTP"},
    {CURLE_UNSUPPORTED_PROTOCOL, "the address is not http or https, or its answer is not HTTP"},
    {CURLE_PARTIAL_FILE, "the answer broke off before its end"},
    {CURLE_GOT_NOTHING, "the connection was closed without an answer"},
    {CURLE_SEND_ERROR, "the connection broke while the request was sent"},
    {CURLE_RECV_ERROR, "the connection broke while the answer was read"},
    {CURLE_SSL_CONNECT_ERROR, "no TLS: the handshake failed"},
    {CURLE_SSL_CACERT_BADFILE, "the file of authorities cannot be used"},
    {CURLE_BAD_CONTENT_ENCODING, "the body is not encoded as its head says"},
    {CURLE_OUT_OF_MEMORY, "out of memory"},
};

static void say(struct exchange *exchange, const char *text, const char *detail)
{
    (void)snprintf(exchange->failure, sizeof(exchange->failure), "%s%s%s", text, detail ? ": " : "",
                   detail ? detail : "");
    if (isupper((unsigned char)exchange->failure[0])) {
        exchange->failure[0] = (char)tolower((unsigned char)exchange->failure[0]);
    }
}

/* OpenSSL's word for it; a name that does not fit is curl's own finding. */
static const char *certificate_fault(CURL *easy)
{
    long result = X509_V_OK;

    (void)curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
    return result == X509_V_OK ? "it is for another name" : X509_verify_cert_error_string(result);
}

static void say_failure(CURL *easy, CURLcode result, struct exchange *exchange)
{
    if (result == CURLE_COULDNT_CONNECT) {
        const char *why = exchange->os_errno ? strerrordesc_np((int)exchange->os_errno) : NULL;

        say(exchange, "no connection", why);
        return;
    }
    if (result == CURLE_PEER_FAILED_VERIFICATION) {
        say(exchange, "the certificate is refused", certificate_fault(easy));
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(failures); i++) {
        if (failures[i].result == result) {
            say(exchange, failures[i].text, /* detail */ NULL);
            return;
        }
    }
    say(exchange, curl_easy_strerror(result), /* detail */ NULL);
}

/* ---- reading out ---- */

static void copy_address(CURL *easy, CURLINFO ip_info, CURLINFO port_info, char *out, size_t size)
{
    const char *ip = NULL;
    long port = 0;

    (void)curl_easy_getinfo(easy, ip_info, &ip);
    (void)curl_easy_getinfo(easy, port_info, &port);
    if (ip && ip[0]) {
        bool is_v6 = strchr(ip, ':') != NULL;

        (void)snprintf(out, size, "%s%s%s:%ld", is_v6 ? "[" : "", ip, is_v6 ? "]" : "", port);
    }
}

static int64_t phase_us(CURL *easy, CURLINFO info)
{
    curl_off_t us = 0;

    (void)curl_easy_getinfo(easy, info, &us);
    return (int64_t)us;
}

static int code_of(CURLcode result)
{
    switch (result) {
    case CURLE_OK:
        return OK;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return ERR_NO_MEMORY;
    default:
        return ERR_IO;
    }
}

int wire_read_out(CURL *easy, CURLcode result, const struct tls_seen *seen,
                  struct exchange *exchange)
{
    long connects = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    exchange->is_new_connection = connects > 0;
    if (connects > 0 || result) {
        exchange->name_us = phase_us(easy, CURLINFO_NAMELOOKUP_TIME_T);
        exchange->connect_us = phase_us(easy, CURLINFO_CONNECT_TIME_T);
        exchange->tls_us = phase_us(easy, CURLINFO_APPCONNECT_TIME_T);
    }
    copy_address(easy, CURLINFO_PRIMARY_IP, CURLINFO_PRIMARY_PORT, exchange->peer,
                 sizeof(exchange->peer));
    copy_address(easy, CURLINFO_LOCAL_IP, CURLINFO_LOCAL_PORT, exchange->local,
                 sizeof(exchange->local));
    memcpy(exchange->tls, seen->what, sizeof(exchange->tls));
    exchange->certificate_expires_us = seen->certificate_expires_us;
    exchange->curl_code = (int)result;
    exchange->code = code_of(result);
    if (result) {
        (void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &exchange->os_errno);
        say_failure(easy, result, exchange);
    }
    return exchange->code;
}
