/*
 * Two passes: head_find_end() looks only at line ends, so that a head that drips in costs little;
 * head_scan() looks at every byte once the head is whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/head_scan.h"

/* What a request line holds beside its target: the longest method and " HTTP/1.1". */
#define REQUEST_LINE_BYTES_MAX (HTTP_TARGET_BYTES_MAX + 32)
#define LENGTH_DIGITS_MAX      18 /* fits into int64 */

/* '@' has none of these bits. */
enum char_class { CHAR_TOKEN = 1, CHAR_VALUE = 2, CHAR_TARGET = 4, CHAR_HOST = 8 };

/* '@' and the sum of its classes for each byte, up to 'O'. Tokens are RFC 9110's tchar; a target is
 * any printable ASCII but "#", and "\"", "<" and ">", which no client that follows RFC 3986 sends;
 * a host is a name, an IPv4 address or "[…]", and a port. */
static const char classes[256 + 1] = "@@@@@@@@@B@@@@@@" /* 0x00 */
                                     "@@@@@@@@@@@@@@@@" /* 0x10 */
                                     "BGBCGOGGFFGGFOOF" /* 0x20 */
                                     "OOOOOOOOOONFBFBF" /* 0x30 */
                                     "FOOOOOOOOOOOOOOO" /* 0x40 */
                                     "OOOOOOOOOOONFNGO" /* 0x50 */
                                     "GOOOOOOOOOOOOOOO" /* 0x60 */
                                     "OOOOOOOOOOOFGFG@" /* 0x70 */
                                     "BBBBBBBBBBBBBBBB" /* 0x80 */
                                     "BBBBBBBBBBBBBBBB" /* 0x90 */
                                     "BBBBBBBBBBBBBBBB" /* 0xa0 */
                                     "BBBBBBBBBBBBBBBB" /* 0xb0 */
                                     "BBBBBBBBBBBBBBBB" /* 0xc0 */
                                     "BBBBBBBBBBBBBBBB" /* 0xd0 */
                                     "BBBBBBBBBBBBBBBB" /* 0xe0 */
                                     "BBBBBBBBBBBBBBBB" /* 0xf0 */;

static const struct method_name {
    struct str name;
    enum http_method method;
} methods[HTTP_METHOD_COUNT] = {
    {{"GET", 3}, HTTP_GET},         {{"HEAD", 4}, HTTP_HEAD},   {{"POST", 4}, HTTP_POST},
    {{"PUT", 3}, HTTP_PUT},         {{"PATCH", 5}, HTTP_PATCH}, {{"DELETE", 6}, HTTP_DELETE},
    {{"OPTIONS", 7}, HTTP_OPTIONS},
};

static size_t span_of(struct str text, enum char_class class)
{
    size_t length = 0;

    while (length < text.length && (classes[(unsigned char)text.data[length]] & (int)class)) {
        length++;
    }
    return length;
}

/* The same for CHAR_VALUE, eight bytes at once as long as they are in it. */
static size_t span_of_value(struct str text)
{
    size_t length = str_span_printable(text);

    return length + span_of(str_slice(text, length, text.length), CHAR_VALUE);
}

/* Why a byte cannot stand where it stands; otherwise for a printable one. */
static int refuse_byte(char c, enum refusal otherwise)
{
    unsigned char byte = (unsigned char)c;

    if (byte == 0) {
        return -REFUSAL_NUL;
    }
    if (byte == '\r') {
        return -REFUSAL_BARE_CR;
    }
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
        return -REFUSAL_CONTROL;
    }
    return -(int)otherwise;
}

static struct str trim_blanks(struct str text)
{
    while (text.length && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text = str_slice(text, 1, text.length);
    }
    while (text.length &&
           (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t')) {
        text.length--;
    }
    return text;
}

bool head_list_has(struct str list, struct str token)
{
    for (;;) {
        size_t comma = str_find(list, STR(","), 0);
        size_t end = comma < list.length ? comma : list.length;

        if (str_equal_ascii_case(trim_blanks(str_slice(list, 0, end)), token)) {
            return true;
        }
        if (end == list.length) {
            return false;
        }
        list = str_slice(list, end + 1, list.length);
    }
}

static int scan_method(struct str name, struct head *head)
{
    for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
        if (str_equal(name, methods[i].name)) {
            head->method = methods[i].method;
            return 0;
        }
    }
    return -REFUSAL_METHOD;
}

static int scan_version(struct str text, struct head *head)
{
    if (str_equal(text, STR("HTTP/1.1")) || str_equal(text, STR("HTTP/1.0"))) {
        head->is_http_1_0 = text.data[7] == '0';
        return 0;
    }
    if (text.length == 8 && str_starts_with(text, STR("HTTP/")) && text.data[6] == '.' &&
        text.data[5] >= '0' && text.data[5] <= '9' && text.data[7] >= '0' && text.data[7] <= '9') {
        return -REFUSAL_VERSION;
    }
    return -REFUSAL_REQUEST_LINE;
}

/* line: without its CR LF. The method is judged last: what is not HTTP at all is not a method that
 * we lack. */
static int scan_request_line(struct str line, struct head *head)
{
    size_t method = span_of(line, CHAR_TOKEN);

    if (method == line.length || method == 0 || line.data[method] != ' ') {
        return refuse_byte(method < line.length ? line.data[method] : ' ', REFUSAL_REQUEST_LINE);
    }
    struct str rest = str_slice(line, method + 1, line.length);
    size_t target = span_of(rest, CHAR_TARGET);
    if (target > HTTP_TARGET_BYTES_MAX) {
        return -REFUSAL_TARGET_LENGTH;
    }
    if (target == rest.length) {
        return -REFUSAL_REQUEST_LINE; /* HTTP/0.9 */
    }
    if (target == 0 || rest.data[target] != ' ') {
        return refuse_byte(rest.data[target], target ? REFUSAL_TARGET : REFUSAL_REQUEST_LINE);
    }
    head->target = str_slice(rest, 0, target);
    struct str version = str_slice(rest, target + 1, rest.length);
    size_t printable = span_of_value(version);
    if (printable < version.length) {
        return refuse_byte(version.data[printable], REFUSAL_REQUEST_LINE);
    }
    int code = scan_version(version, head);
    return code ? code : scan_method(str_slice(line, 0, method), head);
}

/* ---- headers that frame the message ---- */

static int note_host(struct head *head, struct str value)
{
    if (head->host.data) {
        return -REFUSAL_HOST_TWICE;
    }
    /* The handler compares it with what it knows. */
    if (span_of(value, CHAR_HOST) < value.length) {
        return -REFUSAL_HOST;
    }
    head->host = (struct str){value.data, value.length};
    return 0;
}

static int note_length(struct head *head, struct str value)
{
    if (head->has_length) {
        return -REFUSAL_LENGTH_TWICE;
    }
    if (value.length == 0 || value.length > LENGTH_DIGITS_MAX) {
        return -REFUSAL_LENGTH;
    }
    head->length = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return -REFUSAL_LENGTH;
        }
        head->length = head->length * 10 + (uint64_t)(value.data[i] - '0');
    }
    head->has_length = true;
    return 0;
}

static int note_coding(struct head *head, struct str value)
{
    if (head->is_chunked || !str_equal_ascii_case(value, STR("chunked"))) {
        return -REFUSAL_CODING;
    }
    head->is_chunked = true;
    return 0;
}

static int note_connection(struct head *head, struct str value)
{
    head->wants_close = head->wants_close || head_list_has(value, STR("close"));
    head->wants_upgrade = head->wants_upgrade || head_list_has(value, STR("upgrade"));
    return 0;
}

static int note_expectation(struct head *head, struct str value)
{
    if (!str_equal_ascii_case(value, STR("100-continue"))) {
        return -REFUSAL_EXPECTATION;
    }
    head->expects_continue = true;
    return 0;
}

static const struct known_header {
    struct str name;
    int (*note)(struct head *head, struct str value);
} known_headers[] = {
    {{"Host", 4}, note_host},
    {{"Content-Length", 14}, note_length},
    {{"Transfer-Encoding", 17}, note_coding},
    {{"Connection", 10}, note_connection},
    {{"Expect", 6}, note_expectation},
};
static const uint64_t known_names = HTTP_NAME_BIT(4, 'h') | HTTP_NAME_BIT(14, 'c') |
                                    HTTP_NAME_BIT(17, 't') | HTTP_NAME_BIT(10, 'c') |
                                    HTTP_NAME_BIT(6, 'e');

static int note_header(struct head *head, struct str name, struct str value)
{
    uint64_t bit = http_name_bit(name);

    head->names |= bit;
    if (!(bit & known_names)) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(known_headers); i++) {
        if (name.length == known_headers[i].name.length &&
            str_equal_ascii_case(name, known_headers[i].name)) {
            return known_headers[i].note(head, value);
        }
    }
    return 0;
}

/* line: without its CR LF. */
static int scan_header(struct str line, struct head *head)
{
    if (line.data[0] == ' ' || line.data[0] == '\t') {
        return -REFUSAL_FOLDED;
    }
    size_t name = span_of(line, CHAR_TOKEN);
    if (name == line.length) {
        return -REFUSAL_HEADER_NAME;
    }
    if (name == 0 || line.data[name] != ':') {
        bool is_blank = line.data[name] == ' ' || line.data[name] == '\t';
        return refuse_byte(line.data[name],
                           is_blank ? REFUSAL_SPACE_BEFORE_COLON : REFUSAL_HEADER_NAME);
    }
    struct str value = str_slice(line, name + 1, line.length);
    size_t printable = span_of_value(value);
    if (printable < value.length) {
        return refuse_byte(value.data[printable], REFUSAL_CONTROL);
    }
    if (head->header_count == HTTP_HEADERS_MAX) {
        return -REFUSAL_HEADER_COUNT;
    }
    struct http_header *header = &head->headers[head->header_count++];
    header->name = str_slice(line, 0, name);
    header->value = trim_blanks(value);
    return note_header(head, header->name, header->value);
}

/* What no single header shows. */
static int judge_framing(const struct head *head)
{
    if (!head->host.data && !head->is_http_1_0) {
        return -REFUSAL_HOST_MISSING;
    }
    if (head->is_chunked && head->has_length) {
        return -REFUSAL_LENGTH_AND_CODING;
    }
    return head->is_chunked && head->is_http_1_0 ? -REFUSAL_CODING : 0;
}

static size_t skip_blank_line(struct str bytes)
{
    return str_starts_with(bytes, STR("\r\n")) ? 2 : 0;
}

int head_scan(struct str bytes, struct head *ret_head)
{
    struct str rest = str_slice(bytes, skip_blank_line(bytes), bytes.length);
    bool is_first = true;

    /* The array of headers is left as it is: header_count says how much of it counts. */
    memset(ret_head, 0, offsetof(struct head, headers));
    for (;;) {
        const char *lf = rest.length ? memchr(rest.data, '\n', rest.length) : NULL;

        if (!lf || lf == rest.data || lf[-1] != '\r') {
            return -REFUSAL_BARE_LF;
        }
        struct str line = str_slice(rest, 0, (size_t)(lf - rest.data) - 1);
        if (line.length == 0) {
            return is_first ? -REFUSAL_BLANK_LINES : judge_framing(ret_head);
        }
        int code = is_first ? scan_request_line(line, ret_head) : scan_header(line, ret_head);
        if (code) {
            return code;
        }
        is_first = false;
        rest = str_slice(rest, line.length + 2, rest.length);
    }
}

/* The bytes of a head that has no end yet: printable, in lines that end with CR LF. */
static int judge_bytes(struct str rest)
{
    for (;;) {
        size_t fine = span_of_value(rest);

        rest = str_slice(rest, fine, rest.length);
        if (rest.length == 0 || str_equal(rest, STR("\r"))) {
            return 0;
        }
        if (!str_starts_with(rest, STR("\r\n"))) {
            return refuse_byte(rest.data[0], REFUSAL_CONTROL);
        }
        rest = str_slice(rest, 2, rest.length);
    }
}

/* A head without its end: refused when no more bytes can mend it. fresh: where the line began that
 * was open before, begin: the request line, line: the line that is open now. */
static int judge_unfinished(struct str bytes, size_t fresh, size_t begin, size_t line)
{
    int code = judge_bytes(str_slice(bytes, fresh, bytes.length));

    if (code) {
        return code;
    }
    if (line == begin) {
        return bytes.length - line > REQUEST_LINE_BYTES_MAX ? -REFUSAL_TARGET_LENGTH : 0;
    }
    if (bytes.length > HTTP_HEAD_BYTES_MAX) {
        return -REFUSAL_HEAD_LENGTH;
    }
    if (fresh == begin) {
        struct str rest = str_slice(bytes, begin, bytes.length);
        size_t end = str_find(rest, STR("\r\n"), 0);
        struct head head;

        return scan_request_line(str_slice(rest, 0, end), &head);
    }
    return 0;
}

int head_find_end(struct str bytes, size_t *seen)
{
    size_t begin = skip_blank_line(bytes);
    size_t fresh = *seen > begin ? *seen : begin;
    size_t line = fresh;

    while (line < bytes.length) {
        const char *lf = memchr(bytes.data + line, '\n', bytes.length - line);

        if (!lf) {
            break;
        }
        size_t at = (size_t)(lf - bytes.data);
        if (at == line || lf[-1] != '\r') {
            return -REFUSAL_BARE_LF;
        }
        if (at == line + 1) {
            if (line == begin) {
                return -REFUSAL_BLANK_LINES;
            }
            return at + 1 > HTTP_HEAD_BYTES_MAX ? -REFUSAL_HEAD_LENGTH : (int)at + 1;
        }
        line = at + 1;
    }
    *seen = line;
    return judge_unfinished(bytes, fresh, begin, line);
}
