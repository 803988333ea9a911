/*
 * What we ask, as curl wants it: an address that was looked at, headers that cannot break out of
 * their line, and every option that decides what curl may do on its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "http/client_call.h"

static int no_memory(struct error *error)
{
    return error_set(error, ERR_NO_MEMORY, "no memory for a request");
}

/* ---- the address ---- */

static void free_url(CURLU **url)
{
    curl_url_cleanup(*url);
}

static void free_part(char **part)
{
    curl_free(*part);
}

static bool is_loopback(const char *host)
{
    struct str name = str_from(host);
    struct in_addr v4;
    struct in6_addr v6;
    char text[INET6_ADDRSTRLEN];

    if (name.length > 2 && name.data[0] == '[' && name.length - 2 < sizeof(text)) {
        memcpy(text, name.data + 1, name.length - 2);
        text[name.length - 2] = '\0';
        return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    size_t local = sizeof("localhost") - 1;
    bool ends_local =
        name.length >= local &&
        str_equal_ascii_case(str_slice(name, name.length - local, name.length), STR("localhost"));
    return ends_local && (name.length == local || name.data[name.length - local - 1] == '.');
}

bool http_is_loopback_url(const char *text)
{
    cleanup(free_url) CURLU *url = curl_url();
    cleanup(free_part) char *host = NULL;

    return url && !curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) &&
           !curl_url_get(url, CURLUPART_HOST, &host, 0) && is_loopback(host);
}

/* The address itself stays out of messages: people put keys into addresses. */
static int judge_url(const char *text, bool *ret_is_loopback, struct error *error)
{
    cleanup(free_url) CURLU *url = curl_url();
    cleanup(free_part) char *scheme = NULL;
    cleanup(free_part) char *host = NULL;

    CURLUcode code =
        url ? curl_url_set(url, CURLUPART_URL, text, /* flags */ 0) : CURLUE_OUT_OF_MEMORY;
    code = code ? code : curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    code = code ? code : curl_url_get(url, CURLUPART_HOST, &host, 0);
    if (code == CURLUE_OUT_OF_MEMORY) {
        return no_memory(error);
    }
    if (code == CURLUE_UNSUPPORTED_SCHEME ||
        (!code && strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        return error_set(error, ERR_INVALID, "an address begins with http:// or https://");
    }
    if (code) {
        return error_set(error, ERR_INVALID, "not an http or https address: %s",
                         curl_url_strerror(code));
    }
    *ret_is_loopback = is_loopback(host);
    return OK;
}

static int set_url(struct call *call, struct str url, struct error *error)
{
    cleanup(buf_done) struct buf text = {.data = NULL};
    bool local = false;

    buf_init(&text, CLIENT_URL_BYTES_MAX);
    buf_append(&text, url);
    buf_append_char(&text, '\0');
    if (buf_status(&text) == ERR_LIMIT || url.length == 0 || memchr(url.data, '\0', url.length)) {
        return error_set(error, ERR_INVALID, "not an http or https address: %zu bytes", url.length);
    }
    if (buf_status(&text)) {
        return no_memory(error);
    }
    int code = judge_url(text.data, &local, error);
    if (code) {
        return code;
    }
    int failed = curl_easy_setopt(call->easy, CURLOPT_URL, text.data);
    if (local) {
        /* Whatever the environment says: a proxy elsewhere does not reach our loopback. */
        failed |= curl_easy_setopt(call->easy, CURLOPT_PROXY, "");
    }
    return failed ? no_memory(error) : OK;
}

/* ---- headers ---- */

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.data[i];

        if (c >= 0x80 || (!isalnum(c) && !strchr("!#$%&'*+-.^_`|~", c)) || c == '\0') {
            return false;
        }
    }
    return name.length > 0;
}

static bool is_value(struct str value)
{
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* What curl writes itself, to fit the body. */
static bool is_framing(struct str name)
{
    return str_equal_ascii_case(name, STR("Content-Length")) ||
           str_equal_ascii_case(name, STR("Transfer-Encoding"));
}

static bool append_line(struct call *call, const char *line)
{
    struct curl_slist *longer = curl_slist_append(call->headers, line);

    if (longer) {
        call->headers = longer;
    }
    return longer != NULL;
}

/* For curl "name:" means that the header is not sent; one without a value is "name;". */
static int add_header(struct call *call, const struct http_header *header, struct error *error)
{
    cleanup(buf_done) struct buf line = {.data = NULL};
    struct str value = str_trim(header->value);

    if (!is_name(header->name) || is_framing(header->name)) {
        return error_set(error, ERR_INVALID, "not the name of a header that may be sent");
    }
    if (!is_value(value)) {
        return error_set(error, ERR_INVALID, "a control character in the header '%.*s'",
                         STR_ARGS(header->name));
    }
    buf_init(&line, CLIENT_HEADER_BYTES_MAX);
    buf_append(&line, header->name);
    buf_append(&line, value.length ? STR(": ") : STR(";"));
    buf_append(&line, value);
    if (buf_status(&line) == ERR_LIMIT) {
        return error_set(error, ERR_LIMIT, "the header '%.*s' is longer than %u bytes",
                         STR_ARGS(header->name), CLIENT_HEADER_BYTES_MAX);
    }
    bool is_added = !buf_status(&line) && append_line(call, line.data);
    return is_added ? OK : no_memory(error);
}

/* Not sent: Expect, which costs a round trip, and curl's guess at the type of a form. */
static int set_headers(struct call *call, const struct http_call *wanted, struct error *error)
{
    if (wanted->header_count > HTTP_CLIENT_HEADERS_MAX) {
        return error_set(error, ERR_LIMIT, "more than %u headers", HTTP_CLIENT_HEADERS_MAX);
    }
    for (size_t i = 0; i < wanted->header_count; i++) {
        int code = add_header(call, &wanted->headers[i], error);
        if (code) {
            return code;
        }
    }
    if (!append_line(call, "Expect:") || !append_line(call, "Content-Type:") ||
        curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers)) {
        return no_memory(error);
    }
    return OK;
}

/* ---- the rest ---- */

static int set_body(struct call *call, const struct http_call *wanted, struct error *error)
{
    int failed = 0;

    if (wanted->method == HTTP_GET && wanted->body.length == 0) {
        failed |= curl_easy_setopt(call->easy, CURLOPT_HTTPGET, 1L);
    } else if (wanted->method == HTTP_POST) {
        const char *data = wanted->body.data ? wanted->body.data : "";

        failed |= curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
        failed |= curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                   (curl_off_t)wanted->body.length);
        failed |= curl_easy_setopt(call->easy, CURLOPT_COPYPOSTFIELDS, data);
    } else {
        return error_set(error, ERR_INVALID, "only GET without a body, and POST");
    }
    return failed ? no_memory(error) : OK;
}

/* Closed when another program is started. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int set_options(struct call *call, const struct http_call *wanted)
{
    CURL *easy = call->easy;
    uint64_t connect_ms =
        wanted->connect_timeout_ms < INT32_MAX ? wanted->connect_timeout_ms : INT32_MAX;
    int failed = 0;

    failed |= curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    failed |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_error);
    failed |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, call_on_header);
    failed |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, call_on_body);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    failed |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    failed |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "netra/" NETRA_VERSION);

    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    failed |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    failed |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    failed |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    failed |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    failed |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Without it, ending an exchange waits on this thread for a name server that does not answer.
     * The thread that asks then frees what it holds when the answer comes. */
    failed |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    if (call->client->ca_file) {
        failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, call->client->ca_file);
        failed |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    return failed;
}

int call_prepare(struct call *call, const struct http_call *wanted, struct error *error)
{
    call->answer_bytes_max = wanted->answer_bytes_max;
    call->failed_allocations = client_failed_allocations();
    call->easy = curl_easy_init();
    if (!call->easy || set_options(call, wanted)) {
        return no_memory(error);
    }
    int code = set_url(call, wanted->url, error);
    code = code ? code : set_headers(call, wanted, error);
    return code ? code : set_body(call, wanted, error);
}
