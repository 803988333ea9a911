/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/base64url.h"

void base64url_encode(const unsigned char *bytes, size_t count, char *text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0;
    unsigned held = 0;
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        bits = (bits << 8 | bytes[i]) & 0xffff;
        for (held += 8; held >= 6; held -= 6) {
            text[length++] = alphabet[bits >> (held - 6) & 63];
        }
    }
    if (held) {
        text[length++] = alphabet[bits << (6 - held) & 63];
    }
    text[length] = '\0';
}

/* 0 to 63, or 64 for what is none. */
static unsigned value_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (unsigned)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0') + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : 64;
}

bool base64url_decode(struct str text, unsigned char *bytes, size_t *ret_count)
{
    unsigned bits = 0;
    unsigned held = 0;
    size_t count = 0;

    if (text.length % 4 == 1) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        unsigned value = value_of(text.data[i]);

        if (value == 64) {
            return false;
        }
        bits = (bits << 6 | value) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[count++] = (unsigned char)(bits >> held & 0xff);
        }
    }
    if (bits & ((1u << held) - 1)) {
        return false;
    }
    *ret_count = count;
    return true;
}
