/*
 * A head is refused or read the same whole and byte by byte, what is read lies within the bytes,
 * and target, parameters, cookies and handshake of any head can be looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/check.h"
#include "http/handshake.h"
#include "http/head_scan.h"
#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct str part, struct str whole)
{
    check(part.length == 0 ||
          (part.data >= whole.data && part.data + part.length <= whole.data + whole.length));
}

static void check_head(const struct head *head, struct str bytes)
{
    check(head->header_count <= HTTP_HEADERS_MAX);
    check(head->target.length > 0 && head->target.length <= HTTP_TARGET_BYTES_MAX);
    check(!(head->is_chunked && head->has_length));
    check(head->host.data || head->is_http_1_0);
    check_within(head->target, bytes);
    for (size_t i = 0; i < head->header_count; i++) {
        check_within(head->headers[i].name, bytes);
        check_within(head->headers[i].value, bytes);
        check(head->headers[i].name.length > 0);
        check(!memchr(head->headers[i].name.data, '\n', head->headers[i].name.length));
    }
}

static void look_at(const struct head *head)
{
    static char path[HTTP_TARGET_BYTES_MAX];
    struct http_request request = {.headers = head->headers, .header_count = head->header_count};
    struct target target;
    struct str key;
    struct buf value;
    char accept[WS_ACCEPT_BYTES];

    if (target_parse(head->target, head->host, path, &target)) {
        return;
    }
    check(target.path.length > 0 && target.path.data[0] == '/' && str_is_utf8(target.path));
    check(!memchr(target.path.data, 0, target.path.length));
    request.query = target.query;
    buf_init(&value, HTTP_TARGET_BYTES_MAX);
    for (size_t nth = 0; nth < 3; nth++) {
        buf_clear(&value);
        if (http_query(&request, "a", nth, &value)) {
            check(buf_status(&value) == OK || buf_status(&value) == ERR_INVALID);
            check(buf_status(&value) == OK || value.length == 0);
            check(str_is_utf8(buf_str(&value)));
        } else {
            check(value.length == 0);
        }
    }
    buf_done(&value);
    (void)http_cookie(&request, "a");
    if (handshake_check(head, &key) == 1) {
        handshake_accept(key, accept);
        check(strlen(accept) == WS_ACCEPT_BYTES - 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct head head;
    struct str bytes = {(const char *)data, size};
    size_t seen = 0;
    int whole = head_find_end(bytes, &seen);
    int grown = 0;
    size_t at = 0;

    seen = 0;
    while (at < size && grown == 0) {
        grown = head_find_end(str_slice(bytes, 0, ++at), &seen);
    }
    if (whole > 0) {
        int code = head_scan(str_slice(bytes, 0, (size_t)whole), &head);

        /* Byte by byte a bad request line is refused before the end; nothing else differs. */
        check(grown == whole || (code < 0 && grown < 0));
        if (code == 0) {
            check_head(&head, str_slice(bytes, 0, (size_t)whole));
            look_at(&head);
        }
    } else {
        check((whole < 0) == (grown < 0));
    }
    return 0;
}
