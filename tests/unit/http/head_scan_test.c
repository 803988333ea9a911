/*
 * Heads are read strictly: whole, one byte at a time and against an unmapped page the result is the
 * same, and each malformed one is refused for its own reason.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <sys/mman.h>

#include "http/handshake.h"
#include "http/head_scan.h"

#define PAGE 4096u

/* A copy whose last byte lies before a page that may not be read. */
static struct str at_page_end(struct str bytes, char **ret_map)
{
    size_t pages = (bytes.length + PAGE - 1) / PAGE + 1;
    char *map =
        mmap(NULL, (pages + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map + pages * PAGE, PAGE, PROT_NONE), 0);
    char *begin = map + pages * PAGE - bytes.length;
    memcpy(begin, bytes.data, bytes.length);
    *ret_map = map;
    return (struct str){begin, bytes.length};
}

/* The length of the head or the refusal, found with all bytes at once and with one more at a time;
 * both must agree on whether it is refused. */
static int scan(const char *text, struct head *head)
{
    struct str bytes = str_from(text);
    size_t seen = 0;
    int whole = head_find_end(bytes, &seen);
    int grown = 0;

    seen = 0;
    for (size_t length = 1; length <= bytes.length && grown == 0; length++) {
        char *map;
        struct str part = at_page_end(str_slice(bytes, 0, length), &map);

        grown = head_find_end(part, &seen);
        if (grown > 0) {
            grown = head_scan(str_slice(part, 0, (size_t)grown), head) ? -1 : grown;
        }
        (void)munmap(map, ((length + PAGE - 1) / PAGE + 2) * PAGE);
    }
    if (whole <= 0) {
        assert_int_equal(whole < 0, grown < 0);
        return whole;
    }
    int code = head_scan(str_slice(bytes, 0, (size_t)whole), head);
    assert_int_equal(code < 0, grown < 0);
    return code ? code : whole;
}

static void test_head_scan_reads_what_is_fine(void **state)
{
    static struct head head;
    const char *text =
        "POST /a?b=c HTTP/1.1\r\nhost:\tlocalhost:80 \r\nConnection: keep-alive, Close\r\n"
        "Content-Length: 007\r\nX-Empty:\r\nX-Text: caf\xc3\xa9\t1\r\nExpect: "
        "100-Continue\r\n\r\nrest";

    (void)state;
    assert_int_equal(scan(text, &head), strlen(text) - 4);
    assert_int_equal(head.method, HTTP_POST);
    assert_str(head.target, "/a?b=c");
    assert_str(head.host, "localhost:80");
    assert_true(head.has_length && head.length == 7 && !head.is_chunked);
    assert_true(head.wants_close && !head.wants_upgrade && head.expects_continue);
    assert_false(head.is_http_1_0);
    assert_int_equal(head.header_count, 6);
    assert_str(head.headers[3].name, "X-Empty");
    assert_str(head.headers[3].value, "");
    assert_str(head.headers[4].value, "caf\xc3\xa9\t1");
    assert_true(scan("\r\nGET / HTTP/1.0\r\n\r\n", &head) > 0);
    assert_true(head.is_http_1_0 && head.method == HTTP_GET && head.host.data == NULL);
    assert_true(scan("OPTIONS /x HTTP/1.1\r\nHost:\r\nTransfer-Encoding: CHUNKED\r\n\r\n", &head) >
                0);
    assert_true(head.is_chunked && !head.has_length && head.method == HTTP_OPTIONS);
    assert_int_equal(scan("GET / HTTP/1.1\r\nHost: x\r\n", &head), 0);
    assert_int_equal(scan("\r", &head), 0);
    assert_int_equal(scan("GET / HTTP/1.1\r\nHost: x\r\n\r", &head), 0);
}

#define HOST "Host: x\r\n"

static const struct bad_head {
    const char *text;
    enum refusal why;
} bad_heads[] = {
    {"GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", REFUSAL_BARE_CR},
    {"GET / HTTP/1.1\r\r\n" HOST "\r\n", REFUSAL_BARE_CR},
    {"GET /\rb HTTP/1.1\r\n" HOST "\r\n", REFUSAL_BARE_CR},
    {"GET / HTTP/1.1\n" HOST "\r\n", REFUSAL_BARE_LF},
    {"GET / HTTP/1.1\r\n" HOST "A: b\nC: d\r\n\r\n", REFUSAL_BARE_LF},
    {"GET / HTTP/1.1\r\n" HOST "\n", REFUSAL_BARE_LF},
    {"\nGET / HTTP/1.1\r\n" HOST "\r\n", REFUSAL_BARE_LF},
    {"\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", REFUSAL_BLANK_LINES},
    {"GET / HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n", REFUSAL_CONTROL},
    {"GET / HTTP/1.1\r\n" HOST "A: \x7f\r\n\r\n", REFUSAL_CONTROL},
    {"\x16\x03\x01", REFUSAL_CONTROL},
    {"GET / HTTP/1.1\r\nA: \x01\r\nHo", REFUSAL_CONTROL}, /* before its end */
    {"GET /\r\n", REFUSAL_REQUEST_LINE},
    {"GET / \r\n", REFUSAL_REQUEST_LINE},
    {"GET  / HTTP/1.1\r\n", REFUSAL_REQUEST_LINE},
    {" GET / HTTP/1.1\r\n", REFUSAL_REQUEST_LINE},
    {"GET\t/ HTTP/1.1\r\n", REFUSAL_REQUEST_LINE},
    {"GET / HTTP/1.1 \r\n", REFUSAL_REQUEST_LINE},
    {"GET / http/1.1\r\n", REFUSAL_REQUEST_LINE},
    {"GET / HTTP/1.10\r\n", REFUSAL_REQUEST_LINE},
    {"GET / HTTP/2.0\r\n", REFUSAL_VERSION},
    {"GET / HTTP/0.9\r\n", REFUSAL_VERSION},
    {"G@T / HTTP/1.1\r\n", REFUSAL_REQUEST_LINE},
    {"BREW / HTTP/1.1\r\n", REFUSAL_METHOD},
    {"get / HTTP/1.1\r\n", REFUSAL_METHOD},
    {"CONNECT x:80 HTTP/1.1\r\n", REFUSAL_METHOD},
    {"TRACE / HTTP/1.1\r\n", REFUSAL_METHOD},
    {"GET /a#b HTTP/1.1\r\n", REFUSAL_TARGET},
    {"GET /caf\xc3\xa9 HTTP/1.1\r\n", REFUSAL_TARGET},
    {"GET / HTTP/1.1\r\n" HOST " folded\r\n\r\n", REFUSAL_FOLDED},
    {"GET / HTTP/1.1\r\n\tA: b\r\n" HOST "\r\n", REFUSAL_FOLDED},
    {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", REFUSAL_SPACE_BEFORE_COLON},
    {"GET / HTTP/1.1\r\n" HOST "A\t: x\r\n\r\n", REFUSAL_SPACE_BEFORE_COLON},
    {"GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n", REFUSAL_HEADER_NAME},
    {"GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", REFUSAL_HEADER_NAME},
    {"GET / HTTP/1.1\r\n" HOST "A(b): x\r\n\r\n", REFUSAL_HEADER_NAME},
    {"GET / HTTP/1.1\r\nA: b\r\n\r\n", REFUSAL_HOST_MISSING},
    {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", REFUSAL_HOST_TWICE},
    {"GET / HTTP/1.0\r\n" HOST HOST "\r\n", REFUSAL_HOST_TWICE},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", REFUSAL_HOST},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", REFUSAL_HOST},
    {"GET / HTTP/1.1\r\nHost: u@b\r\n\r\n", REFUSAL_HOST},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: +7\r\n\r\n", REFUSAL_LENGTH},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: -7\r\n\r\n", REFUSAL_LENGTH},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 7 7\r\n\r\n", REFUSAL_LENGTH},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 7, 7\r\n\r\n", REFUSAL_LENGTH},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 0x7\r\n\r\n", REFUSAL_LENGTH},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", REFUSAL_LENGTH},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551621\r\n\r\n", REFUSAL_LENGTH},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 7\r\ncontent-length: 7\r\n\r\n",
     REFUSAL_LENGTH_TWICE},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n",
     REFUSAL_LENGTH_AND_CODING},
    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
     REFUSAL_LENGTH_AND_CODING},
    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n\r\n", REFUSAL_CODING},
    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", REFUSAL_CODING},
    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", REFUSAL_CODING},
    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", REFUSAL_CODING},
    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     REFUSAL_CODING},
    {"GET / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", REFUSAL_CODING},
    {"GET / HTTP/1.1\r\n" HOST "Expect: miracles\r\n\r\n", REFUSAL_EXPECTATION},
};

static void test_head_scan_refuses_what_is_malformed(void **state)
{
    static struct head head;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bad_heads); i++) {
        int code = scan(bad_heads[i].text, &head);

        if (code != -(int)bad_heads[i].why) {
            fail_msg("%s\nwas refused as %d, not as: %s", bad_heads[i].text, code,
                     refusal_detail(bad_heads[i].why));
        }
    }
    struct str nul = STR("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n");
    size_t seen = 0;
    assert_int_equal(head_find_end(nul, &seen), nul.length);
    assert_int_equal(head_scan(nul, &head), -REFUSAL_NUL);
}

static void test_head_scan_keeps_its_limits(void **state)
{
    static struct head head;
    struct buf text;
    size_t seen = 0;

    (void)state;
    buf_init(&text, 1 << 20);
    for (unsigned count = HTTP_HEADERS_MAX; count <= HTTP_HEADERS_MAX + 1; count++) {
        buf_clear(&text);
        buf_append(&text, STR("GET / HTTP/1.1\r\nHost: x\r\n"));
        for (unsigned i = 1; i < count; i++) {
            buf_append(&text, STR("A: b\r\n"));
        }
        buf_append(&text, STR("\r\n"));
        assert_int_equal(head_scan(buf_str(&text), &head),
                         count > HTTP_HEADERS_MAX ? -REFUSAL_HEADER_COUNT : 0);
    }
    for (unsigned length = HTTP_TARGET_BYTES_MAX; length <= HTTP_TARGET_BYTES_MAX + 1; length++) {
        buf_clear(&text);
        buf_append(&text, STR("GET /"));
        while (text.length < 4 + length) {
            buf_append_char(&text, 'a');
        }
        buf_append(&text, STR(" HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_int_equal(head_scan(buf_str(&text), &head),
                         length > HTTP_TARGET_BYTES_MAX ? -REFUSAL_TARGET_LENGTH : 0);
    }
    /* A target and a head that never end. */
    buf_clear(&text);
    buf_append(&text, STR("GET /"));
    while (text.length < HTTP_TARGET_BYTES_MAX + 100) {
        buf_append_char(&text, 'a');
    }
    assert_int_equal(head_find_end(buf_str(&text), &seen), -REFUSAL_TARGET_LENGTH);
    seen = 0;
    buf_clear(&text);
    buf_append(&text, STR("GET / HTTP/1.1\r\n"));
    while (text.length <= HTTP_HEAD_BYTES_MAX) {
        buf_append(&text, STR("A: bbbbbbbbbb\r\n"));
    }
    assert_int_equal(head_find_end(buf_str(&text), &seen), -REFUSAL_HEAD_LENGTH);
    seen = 0;
    buf_append(&text, STR("\r\n"));
    assert_int_equal(head_find_end(buf_str(&text), &seen), -REFUSAL_HEAD_LENGTH);
    buf_done(&text);
}

static int shake(const char *text, struct str *ret_key)
{
    static struct head head;

    assert_true(scan(text, &head) > 0);
    return handshake_check(&head, ret_key);
}

#define KEY  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define ASKS "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"

static void test_handshake_is_strict(void **state)
{
    char accept[WS_ACCEPT_BYTES];
    struct str key;

    (void)state;
    assert_int_equal(
        shake("GET / HTTP/1.1\r\n" HOST ASKS KEY "Sec-WebSocket-Version: 13\r\n\r\n", &key), 1);
    handshake_accept(key, accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); /* RFC 6455, 1.3 */
    assert_int_equal(
        shake("GET / HTTP/1.1\r\n" HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n", &key), 0);
    assert_int_equal(shake("GET / HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n" KEY "\r\n", &key), 0);
    assert_int_equal(shake("GET / HTTP/1.1\r\n" HOST ASKS KEY "\r\n", &key), -REFUSAL_WS_VERSION);
    assert_int_equal(
        shake("GET / HTTP/1.1\r\n" HOST ASKS KEY "Sec-WebSocket-Version: 8\r\n\r\n", &key),
        -REFUSAL_WS_VERSION);
    const char *bad[] = {
        "POST / HTTP/1.1\r\n" HOST ASKS KEY "Sec-WebSocket-Version: 13\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST ASKS "Sec-WebSocket-Version: 13\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST ASKS KEY KEY "Sec-WebSocket-Version: 13\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST ASKS "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        "dGhlIHNhbXBsZSBub25jZQ\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST ASKS "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        "dGhlIHNhbXBsZSBub25j!Q==\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST ASKS KEY "Sec-WebSocket-Version: 13\r\nContent-Length: 1\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        assert_int_equal(shake(bad[i], &key), -REFUSAL_WS_HANDSHAKE);
    }
}

static void test_refusals_are_problems(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    refusal_write(REFUSAL_CONNECTIONS, &out);
    assert_str(buf_str(&out),
               "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
               "\"detail\":\"too many connections\",\"code\":\"SERVICE_UNAVAILABLE\","
               "\"recovery\":\"failover\"}");
    for (int i = 1; i < REFUSAL_COUNT; i++) {
        assert_string_not_equal(status_phrase(refusal_status((enum refusal)i)), "Status");
    }
    buf_done(&out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_head_scan_reads_what_is_fine),
    cmocka_unit_test(test_head_scan_refuses_what_is_malformed),
    cmocka_unit_test(test_head_scan_keeps_its_limits),
    cmocka_unit_test(test_handshake_is_strict),
    cmocka_unit_test(test_refusals_are_problems),
};

UNIT_MAIN(tests)
