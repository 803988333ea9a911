/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdint.h>

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

#define EIGHT UINT64_C(0x0101010101010101) /* times a byte: that byte eight times */

/* Eight bytes at once, the letters A to Z as a to z (what is above 0x7f stays as it is). */
static uint64_t lower_eight(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    uint64_t low = word & EIGHT * 0x7f;
    uint64_t from_a = low + EIGHT * (0x80 - 'A');
    uint64_t above_z = low + EIGHT * (0x7f - 'Z');
    uint64_t is_upper = ~word & (from_a ^ above_z) & EIGHT * 0x80;
    return word | is_upper >> 2; /* 0x20 where it is */
}

bool str_equal_ascii_case(struct str a, struct str b)
{
    size_t at = 0;

    if (a.length != b.length) {
        return false;
    }
    for (; a.length - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        if (lower_eight(a.data + at) != lower_eight(b.data + at)) {
            return false;
        }
    }
    for (; at < a.length; at++) {
        if (a.data[at] != b.data[at] && lower(a.data[at]) != lower(b.data[at])) {
            return false;
        }
    }
    return true;
}

int str_compare(struct str a, struct str b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;

    return order ? order : (a.length > b.length) - (a.length < b.length);
}

size_t str_find(struct str s, struct str needle, size_t from)
{
    if (from > s.length || needle.length > s.length - from) {
        return SIZE_MAX;
    }
    if (needle.length == 0) {
        return from;
    }
    size_t end = s.length - needle.length + 1; /* of where it may begin */
    while (from < end) {
        const char *found = memchr(s.data + from, needle.data[0], end - from);

        if (!found) {
            break;
        }
        from = (size_t)(found - s.data);
        if (memcmp(found, needle.data, needle.length) == 0) {
            return from;
        }
        from++;
    }
    return SIZE_MAX;
}

size_t str_span_printable(struct str s)
{
    size_t at = 0;

    for (; s.length - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, s.data + at, sizeof(word));
        uint64_t delete = word ^ EIGHT * 0x7f; /* 0 where it is one */
        uint64_t is_low = (word - EIGHT * 0x20) & ~word;
        uint64_t is_delete = (delete - EIGHT) & ~delete;
        if ((is_low | is_delete) & EIGHT * 0x80) {
            break;
        }
    }
    return at;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

struct str str_trim(struct str s)
{
    size_t begin = 0;
    size_t end = s.length;

    while (begin < end && is_blank(s.data[begin])) {
        begin++;
    }
    while (end > begin && is_blank(s.data[end - 1])) {
        end--;
    }
    return end > begin ? str_slice(s, begin, end) : (struct str){"", 0};
}

/* Length of the well-formed sequence at p (RFC 3629, table 3-7 of Unicode), 0 when there is none.
 */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    size_t length;

    if (p[0] < 0x80) {
        return 1;
    }
    if (p[0] < 0xc2 || p[0] > 0xf4) {
        return 0;
    }
    length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (left < length) {
        return 0;
    }
    if (p[0] == 0xe0) {
        low = 0xa0;
    } else if (p[0] == 0xed) {
        high = 0x9f;
    } else if (p[0] == 0xf0) {
        low = 0x90;
    } else if (p[0] == 0xf4) {
        high = 0x8f;
    }
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

bool str_is_utf8(struct str s)
{
    for (size_t i = 0; i < s.length;) {
        size_t length = utf8_sequence((const unsigned char *)s.data + i, s.length - i);

        if (length == 0) {
            return false;
        }
        i += length;
    }
    return true;
}
