/*
 * One curl handle per wire: it keeps its connection between requests, as a client of an API would.
 * A request that wants a new connection says so to curl; nothing is shared.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/exchange.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "verify/wire.h"

#define AUTHORIZATION_BYTES_MAX 8192u

struct wire {
    CURL *easy;
    char *ca_file; /* NULL: the system's */
    char *token;   /* NULL: none; wiped */
    unsigned connect_ms;
    unsigned timeout_ms;
};

/* What arrives during one exchange. */
struct arriving {
    struct buf head;
    struct buf body;
};

int64_t wire_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t wire_wall_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void forget(char **secret)
{
    if (*secret) {
        OPENSSL_cleanse(*secret, strlen(*secret));
        alloc_free(*secret);
        *secret = NULL;
    }
}

int wire_new(const struct wire_options *options, struct wire **ret_wire, struct error *error)
{
    struct wire *wire = alloc_zeroed(1, sizeof(*wire));

    if (!wire) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    wire->easy = curl_easy_init();
    wire->connect_ms = options->connect_ms ? options->connect_ms : EXCHANGE_CONNECT_MS;
    wire->timeout_ms = options->timeout_ms ? options->timeout_ms : EXCHANGE_TIMEOUT_MS;
    wire->ca_file = options->ca_file ? alloc_text(options->ca_file) : NULL;
    if (!wire->easy || (options->ca_file && !wire->ca_file) ||
        wire_set_token(wire, options->token)) {
        wire_free(wire);
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    *ret_wire = wire;
    return OK;
}

void wire_free(struct wire *wire)
{
    if (!wire) {
        return;
    }
    curl_easy_cleanup(wire->easy);
    forget(&wire->token);
    alloc_free(wire->ca_file);
    alloc_free(wire);
}

int wire_set_token(struct wire *wire, const char *token)
{
    char *copy = token ? alloc_text(token) : NULL;

    if (token && !copy) {
        return ERR_NO_MEMORY;
    }
    forget(&wire->token);
    wire->token = copy;
    return OK;
}

/* ---- the request ---- */

static void free_headers(struct curl_slist **headers)
{
    curl_slist_free_all(*headers);
}

static bool add_line(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);

    *headers = longer ? longer : *headers;
    return longer != NULL;
}

static bool add_header(struct curl_slist **headers, const char *name, const char *value)
{
    char line[AUTHORIZATION_BYTES_MAX];
    /* An empty value has a semicolon in curl's language. */
    int length = snprintf(line, sizeof(line), value[0] ? "%s: %s" : "%s;", name, value);
    bool is_added = length > 0 && (size_t)length < sizeof(line) && add_line(headers, line);

    OPENSSL_cleanse(line, sizeof(line));
    return is_added;
}

static bool names(const struct exchange_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_equal_ascii_case(str_from(request->headers[i].name), str_from(name))) {
            return true;
        }
    }
    return false;
}

static bool make_headers(const struct wire *wire, const struct exchange_request *request,
                         struct curl_slist **headers)
{
    char bearer[AUTHORIZATION_BYTES_MAX];
    bool is_made = add_line(headers, "Expect:"); /* curl would wait for a 100 */

    for (size_t i = 0; is_made && i < request->header_count; i++) {
        is_made = add_header(headers, request->headers[i].name, request->headers[i].value);
    }
    if (is_made && request->body.data && !names(request, "content-type")) {
        is_made = add_line(headers, "Content-Type: application/json");
    }
    if (is_made && wire->token && !request->is_anonymous && !names(request, "authorization")) {
        (void)snprintf(bearer, sizeof(bearer), "Bearer %s", wire->token);
        is_made = add_header(headers, "Authorization", bearer);
        OPENSSL_cleanse(bearer, sizeof(bearer));
    }
    return is_made;
}

int wire_set_usual(CURL *easy, const char *url, const char *ca_file, unsigned connect_ms)
{
    int failed = curl_easy_setopt(easy, CURLOPT_URL, url);

    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    failed |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    failed |= curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
    if (ca_file) {
        failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    }
    return failed;
}

static size_t take_head(char *data, size_t one, size_t length, void *arg)
{
    struct arriving *arriving = (struct arriving *)arg;
    struct str line = {data, one * length};

    /* The head of an interim answer is not that of the answer. */
    if (str_starts_with(line, STR("HTTP/"))) {
        buf_clear(&arriving->head);
    }
    buf_append(&arriving->head, line);
    return buf_status(&arriving->head) ? 0 : line.length; /* 0 ends the transfer */
}

static size_t take_body(char *data, size_t one, size_t length, void *arg)
{
    struct arriving *arriving = (struct arriving *)arg;

    buf_append(&arriving->body, (struct str){data, one * length});
    return buf_status(&arriving->body) ? 0 : one * length;
}

static int set_request(const struct wire *wire, const struct exchange_request *request,
                       struct curl_slist *headers, struct arriving *arriving)
{
    CURL *easy = wire->easy;
    unsigned timeout_ms = request->timeout_ms ? request->timeout_ms : wire->timeout_ms;
    int failed = wire_set_usual(easy, request->url, wire->ca_file, wire->connect_ms);

    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    failed |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "netra-verify/" NETRA_VERSION);
    failed |= curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    failed |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    failed |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, arriving);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, arriving);
    failed |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->is_fresh ? 1L : 0L);
    failed |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, request->is_fresh ? 1L : 0L);
    if (request->body.data) {
        failed |=
            curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
        failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data);
    }
    if (strcmp(request->method, "HEAD") == 0) {
        failed |= curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else {
        failed |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    return failed;
}

/* ---- what is known afterwards ---- */

static int64_t info_time(CURL *easy, CURLINFO which)
{
    curl_off_t value = 0;

    (void)curl_easy_getinfo(easy, which, &value);
    return (int64_t)value;
}

static long info_long(CURL *easy, CURLINFO which)
{
    long value = 0;

    (void)curl_easy_getinfo(easy, which, &value);
    return value;
}

static void print_address(CURL *easy, CURLINFO host_of, CURLINFO port_of,
                          char out[EXCHANGE_ADDRESS_BYTES])
{
    char *host = NULL;

    (void)curl_easy_getinfo(easy, host_of, &host);
    if (host && host[0]) {
        (void)snprintf(out, EXCHANGE_ADDRESS_BYTES, strchr(host, ':') ? "[%s]:%ld" : "%s:%ld", host,
                       info_long(easy, port_of));
    }
}

/* "Expire date:Nov 23 10:00:00 2027 GMT" of the first certificate of the chain. */
static int64_t certificate_expiry(CURL *easy)
{
    struct curl_certinfo *chain = NULL;

    (void)curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain);
    if (!chain || chain->num_of_certs < 1) {
        return 0;
    }
    for (struct curl_slist *line = chain->certinfo[0]; line; line = line->next) {
        if (strncmp(line->data, "Expire date:", 12) == 0) {
            time_t expires = curl_getdate(line->data + 12, NULL);

            return expires > 0 ? (int64_t)expires * 1000000 : 0;
        }
    }
    return 0;
}

void wire_describe(CURL *easy, struct exchange *exchange)
{
    struct curl_tlssessioninfo *session = NULL;

    exchange->os_errno = info_long(easy, CURLINFO_OS_ERRNO);
    exchange->is_new_connection = info_long(easy, CURLINFO_NUM_CONNECTS) > 0;
    print_address(easy, CURLINFO_PRIMARY_IP, CURLINFO_PRIMARY_PORT, exchange->peer);
    print_address(easy, CURLINFO_LOCAL_IP, CURLINFO_LOCAL_PORT, exchange->local);
    if (exchange->is_new_connection) {
        exchange->name_us = info_time(easy, CURLINFO_NAMELOOKUP_TIME_T);
        exchange->connect_us = info_time(easy, CURLINFO_CONNECT_TIME_T);
        exchange->tls_us = info_time(easy, CURLINFO_APPCONNECT_TIME_T);
    }
    exchange->sent_us = info_time(easy, CURLINFO_PRETRANSFER_TIME_T);
    (void)curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session);
    if (session && session->backend == CURLSSLBACKEND_OPENSSL && session->internals) {
        const SSL *ssl = (const SSL *)session->internals;

        (void)snprintf(exchange->tls, sizeof(exchange->tls), "%s %s", SSL_get_version(ssl),
                       SSL_get_cipher(ssl));
    }
    exchange->certificate_expires_us = certificate_expiry(easy);
}

int wire_failure(CURLcode failed, struct exchange *exchange)
{
    exchange->curl_code = (int)failed;
    if (failed == CURLE_OK) {
        return OK;
    }
    (void)snprintf(exchange->failure, sizeof(exchange->failure), "%s", curl_easy_strerror(failed));
    switch (failed) {
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return ERR_NO_MEMORY;
    default:
        return ERR_IO;
    }
}

/* curl says only that a write failed: the buffers know why. */
static int arrival_code(const struct arriving *arriving, int code, struct exchange *exchange)
{
    int status = buf_status(&arriving->head);

    status = status ? status : buf_status(&arriving->body);
    if (status == 0) {
        return code;
    }
    (void)snprintf(exchange->failure, sizeof(exchange->failure), "%s",
                   status == ERR_LIMIT ? "the answer is larger than is read" : "out of memory");
    return status;
}

static int keep_answer(const struct arriving *arriving, struct arena *arena,
                       struct exchange *exchange)
{
    exchange->head = arena_copy(arena, buf_str(&arriving->head));
    exchange->body = arena_copy(arena, buf_str(&arriving->body));
    if (exchange->head.data && exchange->body.data) {
        return OK;
    }
    exchange->head = exchange->body = (struct str){"", 0};
    (void)snprintf(exchange->failure, sizeof(exchange->failure), "out of memory");
    return ERR_NO_MEMORY;
}

static void count(CURL *easy, struct exchange *exchange)
{
    exchange->status = (int)info_long(easy, CURLINFO_RESPONSE_CODE);
    exchange->first_byte_us = info_time(easy, CURLINFO_STARTTRANSFER_TIME_T);
    exchange->total_us = info_time(easy, CURLINFO_TOTAL_TIME_T);
    exchange->bytes_sent = (uint64_t)info_long(easy, CURLINFO_REQUEST_SIZE) +
                           (uint64_t)info_time(easy, CURLINFO_SIZE_UPLOAD_T);
    exchange->bytes_received = (uint64_t)info_long(easy, CURLINFO_HEADER_SIZE) +
                               (uint64_t)info_time(easy, CURLINFO_SIZE_DOWNLOAD_T);
}

static int perform(struct wire *wire, const struct exchange_request *request, struct arena *arena,
                   struct arriving *arriving, struct exchange *exchange)
{
    cleanup(free_headers) struct curl_slist *headers = NULL;

    if (!make_headers(wire, request, &headers) || set_request(wire, request, headers, arriving)) {
        (void)snprintf(exchange->failure, sizeof(exchange->failure), "out of memory");
        return ERR_NO_MEMORY;
    }
    exchange->started_us = wire_wall_us();
    exchange->started_monotonic_us = wire_now_us();
    int code = wire_failure(curl_easy_perform(wire->easy), exchange);
    count(wire->easy, exchange);
    wire_describe(wire->easy, exchange);
    code = arrival_code(arriving, code, exchange);
    return code ? code : keep_answer(arriving, arena, exchange);
}

int wire_exchange(struct wire *wire, const struct exchange_request *request, struct arena *arena,
                  struct exchange *ret_exchange)
{
    struct arriving arriving;

    buf_init(&arriving.head, EXCHANGE_HEAD_BYTES_MAX);
    buf_init(&arriving.body, EXCHANGE_BODY_BYTES_MAX);
    *ret_exchange = (struct exchange){.head = {"", 0}, .body = {"", 0}};
    ret_exchange->code = perform(wire, request, arena, &arriving, ret_exchange);
    if (ret_exchange->code) {
        ret_exchange->status = 0;
    }
    curl_easy_reset(wire->easy); /* the connection stays */
    buf_done(&arriving.head);
    buf_done(&arriving.body);
    return ret_exchange->code;
}

struct str exchange_header_of(const struct exchange *exchange, const char *name)
{
    struct str rest = exchange->head;
    struct str wanted = str_from(name);

    while (rest.length) {
        size_t end = str_find(rest, STR("\n"), 0);
        struct str line = str_slice(rest, 0, end == SIZE_MAX ? rest.length : end);

        rest = str_slice(rest, end == SIZE_MAX ? rest.length : end + 1, rest.length);
        if (line.length > wanted.length && line.data[wanted.length] == ':' &&
            str_equal_ascii_case(str_slice(line, 0, wanted.length), wanted)) {
            return str_trim(str_slice(line, wanted.length + 1, line.length));
        }
    }
    return (struct str){"", 0};
}
