/*
 * What comes back: the head in one piece, the body as it comes, and what the end means.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>

#include "base/check.h"
#include "http/client_call.h"

#define CURL_TOO_LARGE 100 /* CURLE_TOO_LARGE, which 7.88 does not have yet */

struct str http_answer_header(const struct http_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (str_equal_ascii_case(answer->headers[i].name, str_from(name))) {
            return answer->headers[i].value;
        }
    }
    return (struct str){NULL, 0};
}

/* Cancelled, or given up: curl may still have something for it. */
static bool is_over(const struct call *call)
{
    return call->id == 0 || call->fault != CALL_FINE;
}

/* What curl is told after a callback: go on, or not. */
static size_t taken(const struct call *call, size_t length)
{
    return is_over(call) ? CURL_WRITEFUNC_ERROR : length;
}

static size_t refuse(struct call *call, enum call_fault fault)
{
    client_doom(call, fault);
    return CURL_WRITEFUNC_ERROR;
}

/* ---- the head ---- */

int client_head_split(struct str head, struct http_header *headers, size_t *ret_count)
{
    size_t count = 0;

    for (size_t begin = 0; begin < head.length;) {
        size_t end = str_find(head, STR("\n"), begin);
        struct str line = str_slice(head, begin, end < head.length ? end : head.length);
        size_t colon = str_find(line, STR(":"), 0);
        struct str name = str_trim(str_slice(line, 0, colon < line.length ? colon : 0));

        if (begin > 0 && name.length && line.data[0] != ' ' && line.data[0] != '\t') {
            if (count == CLIENT_ANSWER_HEADERS_MAX) {
                return ERR_LIMIT;
            }
            headers[count].name = name;
            headers[count].value = str_trim(str_slice(line, colon + 1, line.length));
            count++;
        }
        begin += line.length + 1;
    }
    *ret_count = count;
    return OK;
}

static size_t end_head(struct call *call, size_t length)
{
    long status = 0;
    size_t count = 0;

    check(curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
    if (status < 200) {
        return length; /* an interim answer: the real one follows */
    }
    if (client_head_split(buf_str(&call->head), call->client->headers, &count)) {
        return refuse(call, CALL_TOO_MANY_HEADERS);
    }
    struct http_answer answer = {
        .status = (int)status, .headers = call->client->headers, .header_count = count};
    call->has_head = true;
    call->listener.on_head(&answer, call->arg);
    buf_done(&call->head);
    return taken(call, length);
}

/* One line each time, with its end. After the head: trailers, which nobody wants. */
size_t call_on_header(char *data, size_t size, size_t count, void *arg)
{
    struct call *call = arg;
    struct str line = {data, size * count};

    if (is_over(call)) {
        return CURL_WRITEFUNC_ERROR;
    }
    call->head_bytes += line.length;
    if (call->head_bytes > HTTP_CLIENT_HEAD_BYTES_MAX) {
        return refuse(call, CALL_HEAD_TOO_LONG);
    }
    if (call->has_head) {
        return line.length;
    }
    if (str_trim(line).length == 0) {
        return end_head(call, line.length);
    }
    if (str_starts_with(line, STR("HTTP/"))) {
        buf_clear(&call->head);
    }
    buf_append(&call->head, line);
    return buf_status(&call->head) ? refuse(call, CALL_WITHOUT_MEMORY) : line.length;
}

/* ---- the body ---- */

static void move_deadline(struct call *call)
{
    uint64_t at;

    if (!call->idle_timeout_ms ||
        __builtin_add_overflow(client_now_ms(), call->idle_timeout_ms, &at)) {
        at = UINT64_MAX;
    }
    call->wait_until_ms = at;
    client_watch(call->client, call);
}

size_t call_on_body(char *data, size_t size, size_t count, void *arg)
{
    struct call *call = arg;
    struct str piece = {data, size * count};

    if (is_over(call)) {
        return CURL_WRITEFUNC_ERROR;
    }
    if (!call->has_head) {
        return refuse(call, CALL_WITHOUT_HEAD);
    }
    if (piece.length > call->answer_bytes_max - call->answer_bytes) {
        return refuse(call, CALL_BODY_TOO_LONG);
    }
    call->answer_bytes += piece.length;
    call->has_body = true;
    move_deadline(call);
    if (piece.length) {
        call->listener.on_piece(piece, call->arg);
    }
    return taken(call, piece.length);
}

/* ---- the end ---- */

static int fault_result(const struct call *call, struct error *error)
{
    switch (call->fault) {
    case CALL_HEAD_TOO_LONG:
        return error_set(error, ERR_LIMIT, "the head of the answer is longer than %u bytes",
                         HTTP_CLIENT_HEAD_BYTES_MAX);
    case CALL_TOO_MANY_HEADERS:
        return error_set(error, ERR_LIMIT, "the answer has more than %u headers",
                         CLIENT_ANSWER_HEADERS_MAX);
    case CALL_BODY_TOO_LONG:
        return error_set(error, ERR_LIMIT, "the answer is longer than %zu bytes",
                         call->answer_bytes_max);
    case CALL_WITHOUT_HEAD:
        return error_set(error, ERR_IO, "the answer has no head");
    case CALL_UNWATCHED:
        return error_set(error, ERR_IO, "cannot watch a socket");
    case CALL_FINE: /* not asked */
    case CALL_WITHOUT_MEMORY:
        break;
    }
    return error_set(error, ERR_NO_MEMORY, "no memory for the answer");
}

/* curl's own words, which may quote what a server sent: printable, and as part of a sentence. */
static void copy_reason(const struct call *call, CURLcode result, char *reason, size_t size)
{
    struct str text = str_from(call->curl_error[0] ? call->curl_error : curl_easy_strerror(result));

    text = str_trim(text);
    size_t length = text.length < size ? text.length : size - 1;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text.data[i];

        reason[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    reason[length] = '\0';
    if (length > 1 && isupper((unsigned char)reason[0]) && islower((unsigned char)reason[1])) {
        reason[0] = (char)tolower((unsigned char)reason[0]);
    }
}

/* Where it has no memory curl also speaks of names that it cannot resolve. And a line of a head
 * beyond its own bound (100 kB) is "out of memory" to curl before 8.6. OK: it is neither. */
static int memory_result(const struct call *call, CURLcode result, struct error *error)
{
    bool is_memory = result == CURLE_OUT_OF_MEMORY;
    long sent = 0;

    if (client_failed_allocations() != call->failed_allocations) {
        return error_set(error, ERR_NO_MEMORY, "no memory for a request");
    }
    (void)curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &sent);
    if ((is_memory && sent > 0 && !call->has_head) || (int)result == CURL_TOO_LARGE) {
        return error_set(error, ERR_LIMIT, "the head of the answer is longer than %u bytes",
                         HTTP_CLIENT_HEAD_BYTES_MAX);
    }
    return is_memory ? error_set(error, ERR_NO_MEMORY, "no memory for a request") : OK;
}

int call_result(struct call *call, CURLcode result, struct error *error)
{
    char reason[CURL_ERROR_SIZE];

    if (call->fault != CALL_FINE) {
        return fault_result(call, error);
    }
    if (result == CURLE_OK && call->has_head) {
        return OK;
    }
    int code = memory_result(call, result, error);
    if (code) {
        return code;
    }
    if (result == CURLE_OPERATION_TIMEDOUT) {
        /* the one time-out that is curl's */
        return error_set(error, ERR_TIMEOUT, "no connection after %llu ms",
                         (unsigned long long)call->connect_timeout_ms);
    }
    if (result == CURLE_OK) {
        return error_set(error, ERR_IO, "the answer has no head");
    }
    copy_reason(call, result, reason, sizeof(reason));
    return error_set(error, ERR_IO, call->has_head ? "the answer broke off: %s" : "no answer: %s",
                     reason);
}
