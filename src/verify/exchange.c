/*
 * One easy handle, reset before each exchange: its connections stay. curl's debug callback counts
 * the bytes and takes the times of sending and of the first byte, because its own counters count a
 * body that goes with the head twice, and have no time for the end of sending.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/exchange.h"

#include <openssl/crypto.h>
#include <stdio.h>

#include "base/alloc.h"
#include "verify/wire.h"

#define TOKEN_BYTES_MAX 8192u
#define LINE_BYTES_MAX  (TOKEN_BYTES_MAX + 64)

struct wire {
    CURL *easy;
    char *token;
    char *ca_file;
    unsigned connect_ms;
    unsigned timeout_ms;
    struct tls_seen tls; /* of the connection that is in use */
};

/* One exchange while it is done. */
struct transfer {
    struct wire *wire;
    struct exchange *exchange;
    struct curl_slist *headers;
    struct buf head;
    struct buf body;
    bool has_head;
};

/* The handle stays, and may speak of its connections later: not to this transfer. */
static void transfer_done(struct transfer *transfer)
{
    curl_easy_reset(transfer->wire->easy);
    curl_slist_free_all(transfer->headers);
    buf_done(&transfer->head);
    buf_done(&transfer->body);
}

/* ---- what curl tells ---- */

static int on_debug(CURL *easy, curl_infotype type, char *data, size_t size, void *arg)
{
    struct transfer *transfer = arg;
    struct exchange *exchange = transfer->exchange;
    int64_t at_us = wire_now_us() - exchange->started_monotonic_us;

    (void)data;
    if (type == CURLINFO_HEADER_OUT || type == CURLINFO_DATA_OUT) {
        exchange->bytes_sent += size;
        exchange->sent_us = at_us;
        if (!transfer->wire->tls.what[0]) {
            tls_look(easy, &transfer->wire->tls);
        }
    } else if (type == CURLINFO_HEADER_IN || type == CURLINFO_DATA_IN) {
        exchange->bytes_received += size;
        exchange->first_byte_us = exchange->first_byte_us ? exchange->first_byte_us : at_us;
    }
    return 0;
}

/* One line each time, with its end. Interim answers are forgotten, trailers not wanted. */
static size_t on_header(char *data, size_t one, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    struct str line = str_trim((struct str){data, one * count});
    long status = 0;

    if (transfer->has_head) {
        return one * count;
    }
    if (str_starts_with(line, STR("HTTP/"))) {
        buf_clear(&transfer->head);
    } else if (line.length) {
        buf_append(&transfer->head, line);
        buf_append_char(&transfer->head, '\n');
    } else {
        (void)curl_easy_getinfo(transfer->wire->easy, CURLINFO_RESPONSE_CODE, &status);
        transfer->has_head = status >= 200;
    }
    return buf_status(&transfer->head) ? CURL_WRITEFUNC_ERROR : one * count;
}

static size_t on_body(char *data, size_t one, size_t count, void *arg)
{
    struct transfer *transfer = arg;

    buf_append(&transfer->body, (struct str){data, one * count});
    return buf_status(&transfer->body) ? CURL_WRITEFUNC_ERROR : one * count;
}

/* ---- asking ---- */

static bool add_line(struct transfer *transfer, const char *line)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);

    transfer->headers = longer ? longer : transfer->headers;
    return longer != NULL;
}

/* An empty value needs curl's own spelling: "Name:" would take the header away. */
static bool add_header(struct transfer *transfer, const char *name, const char *value)
{
    char line[LINE_BYTES_MAX];
    int length = value[0] ? snprintf(line, sizeof(line), "%s: %s", name, value)
                          : snprintf(line, sizeof(line), "%s;", name);
    bool fits = length > 0 && (size_t)length < sizeof(line) && wire_is_line(line);
    bool is_added = fits && add_line(transfer, line);

    OPENSSL_cleanse(line, sizeof(line));
    return is_added;
}

static bool add_bearer(struct transfer *transfer, const char *token)
{
    char value[TOKEN_BYTES_MAX];
    int length = snprintf(value, sizeof(value), "Bearer %s", token);
    bool is_added = length > 0 && (size_t)length < sizeof(value) &&
                    add_header(transfer, "Authorization", value);

    OPENSSL_cleanse(value, sizeof(value));
    return is_added;
}

static bool has_header(const struct exchange_request *request, struct str name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_equal_ascii_case(str_from(request->headers[i].name), name)) {
            return true;
        }
    }
    return false;
}

static bool add_headers(struct transfer *transfer, const struct exchange_request *request)
{
    const char *token = transfer->wire->token;
    bool is_set = add_line(transfer, "Expect:"); /* no waiting for a 100 */

    for (size_t i = 0; i < request->header_count; i++) {
        is_set =
            is_set && add_header(transfer, request->headers[i].name, request->headers[i].value);
    }
    if (!has_header(request, STR("Content-Type"))) {
        is_set = is_set && add_line(transfer, request->body.data ? "Content-Type: application/json"
                                                                 : "Content-Type:");
    }
    if (token && !request->is_anonymous && !has_header(request, STR("Authorization"))) {
        is_set = is_set && add_bearer(transfer, token);
    }
    return is_set;
}

/* POST, PUT and PATCH say that they are empty when they are; the others send no length then. */
static int set_method(CURL *easy, const struct exchange_request *request)
{
    const char *method = request->method;
    bool has_length = request->body.data || strcmp(method, "POST") == 0 ||
                      strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
    int failed = 0;

    if (has_length) {
        failed |=
            curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
        failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                                   request->body.data ? request->body.data : "");
    }
    if (strcmp(method, "HEAD") == 0) {
        return failed | curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    return failed | curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static int set_callbacks(CURL *easy, struct transfer *transfer)
{
    int failed = curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);

    failed |= curl_easy_setopt(easy, CURLOPT_DEBUGDATA, transfer);
    failed |= curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L); /* to the callback, not to stderr */
    failed |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    failed |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    return failed;
}

static unsigned timeout_of(const struct wire *wire, const struct exchange_request *request)
{
    return request->timeout_ms ? request->timeout_ms : wire->timeout_ms;
}

static int set_request(struct transfer *transfer, const struct exchange_request *request)
{
    struct wire *wire = transfer->wire;
    CURL *easy = wire->easy;
    long fresh = request->is_fresh;

    curl_easy_reset(easy);
    int failed = wire_set_up(easy, wire->ca_file, wire->connect_ms, &wire->tls);
    failed |= set_callbacks(easy, transfer);
    failed |= curl_easy_setopt(easy, CURLOPT_URL, request->url);
    failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "netra-verify/" NETRA_VERSION);
    failed |= curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_of(wire, request));
    failed |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, fresh);
    failed |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, fresh);
    failed |= set_method(easy, request);
    return failed || curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static int fail(struct exchange *exchange, int code, const char *text)
{
    (void)snprintf(exchange->failure, sizeof(exchange->failure), "%s", text);
    exchange->code = code;
    return code;
}

/* ---- the answer ---- */

static int take_answer(struct transfer *transfer, struct arena *arena)
{
    struct exchange *exchange = transfer->exchange;

    exchange->head = arena_copy(arena, buf_str(&transfer->head));
    exchange->body = arena_copy(arena, buf_str(&transfer->body));
    if (!exchange->head.data || !exchange->body.data) {
        exchange->head = exchange->body = STR("");
        return fail(exchange, ERR_NO_MEMORY, "no memory for the answer");
    }
    return exchange->code;
}

/* curl calls a line of a head over 100 kB "out of memory"; so it is a limit once bytes came. */
static int end_transfer(struct transfer *transfer, CURLcode result, unsigned timeout_ms)
{
    struct exchange *exchange = transfer->exchange;
    int code = wire_read_out(transfer->wire->easy, result, &transfer->wire->tls, exchange);
    int head = buf_status(&transfer->head);
    int body = buf_status(&transfer->body);
    long status = 0;

    if (code == OK) { /* what broke off is no answer */
        (void)curl_easy_getinfo(transfer->wire->easy, CURLINFO_RESPONSE_CODE, &status);
        exchange->status = (int)status;
    }
    if (head == ERR_LIMIT ||
        (result == CURLE_OUT_OF_MEMORY && exchange->bytes_received && !transfer->has_head)) {
        return fail(exchange, ERR_LIMIT, "the head of the answer is too long");
    }
    if (body == ERR_LIMIT) {
        return fail(exchange, ERR_LIMIT, "the body of the answer is too long");
    }
    if (head || body) {
        return fail(exchange, ERR_NO_MEMORY, "no memory for the answer");
    }
    if (code == ERR_TIMEOUT) {
        (void)snprintf(exchange->failure, sizeof(exchange->failure), "%s within %u ms",
                       exchange->sent_us ? "no whole answer" : "no connection",
                       exchange->sent_us ? timeout_ms : transfer->wire->connect_ms);
    }
    if (code == OK && !transfer->has_head) { /* fine to curl, when the connection is closed */
        exchange->status = 0;
        return fail(exchange, ERR_IO, "the answer broke off within its head");
    }
    return code;
}

int wire_exchange(struct wire *wire, const struct exchange_request *request, struct arena *arena,
                  struct exchange *ret_exchange)
{
    cleanup(transfer_done) struct transfer transfer = {.wire = wire, .exchange = ret_exchange};

    *ret_exchange = (struct exchange){.head = {"", 0},
                                      .body = {"", 0},
                                      .started_us = wire_wall_us(),
                                      .started_monotonic_us = wire_now_us()};
    buf_init(&transfer.head, EXCHANGE_HEAD_BYTES_MAX);
    buf_init(&transfer.body, EXCHANGE_BODY_BYTES_MAX);
    wire->tls = (struct tls_seen){{0}, 0};
    if (strlen(request->url) > EXCHANGE_URL_BYTES_MAX || !wire_is_line(request->url)) {
        return fail(ret_exchange, ERR_IO, "the address is none");
    }
    if (request->header_count > EXCHANGE_HEADERS_MAX || !add_headers(&transfer, request) ||
        set_request(&transfer, request)) {
        return fail(ret_exchange, ERR_NO_MEMORY, "no memory for the request");
    }
    CURLcode result = curl_easy_perform(wire->easy);
    ret_exchange->total_us = wire_now_us() - ret_exchange->started_monotonic_us;
    int code = end_transfer(&transfer, result, timeout_of(wire, request));
    return code ? code : take_answer(&transfer, arena);
}

/* ---- the wire ---- */

static void wipe_token(struct wire *wire)
{
    if (wire->token) {
        OPENSSL_cleanse(wire->token, strlen(wire->token));
    }
    alloc_free(wire->token);
    wire->token = NULL;
}

int wire_set_token(struct wire *wire, const char *token)
{
    char *copy = token ? alloc_text(token) : NULL;

    if (token && !copy) {
        return ERR_NO_MEMORY;
    }
    wipe_token(wire);
    wire->token = copy;
    return OK;
}

void wire_free(struct wire *wire)
{
    if (wire) {
        curl_easy_cleanup(wire->easy);
        wipe_token(wire);
        alloc_free(wire->ca_file);
        alloc_free(wire);
    }
}

int wire_new(const struct wire_options *options, struct wire **ret_wire, struct error *error)
{
    struct wire *wire = alloc_zeroed(1, sizeof(*wire));

    if (!wire) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    wire->easy = curl_easy_init();
    wire->ca_file = options->ca_file ? alloc_text(options->ca_file) : NULL;
    wire->connect_ms = options->connect_ms ? options->connect_ms : EXCHANGE_CONNECT_MS;
    wire->timeout_ms = options->timeout_ms ? options->timeout_ms : EXCHANGE_TIMEOUT_MS;
    if (!wire->easy || (options->ca_file && !wire->ca_file) ||
        wire_set_token(wire, options->token)) {
        wire_free(wire);
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    *ret_wire = wire;
    return OK;
}

struct str exchange_header_of(const struct exchange *exchange, const char *name)
{
    struct str rest = exchange->head;
    struct str wanted = str_from(name);

    while (rest.length) {
        size_t end = str_find(rest, STR("\n"), 0);
        struct str line = str_slice(rest, 0, end < rest.length ? end : rest.length);

        if (line.length > wanted.length && line.data[wanted.length] == ':' &&
            str_equal_ascii_case(str_slice(line, 0, wanted.length), wanted)) {
            return str_trim(str_slice(line, wanted.length + 1, line.length));
        }
        rest = str_slice(rest, end < rest.length ? end + 1 : rest.length, rest.length);
    }
    return STR("");
}
