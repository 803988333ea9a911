/*
 * Cleaning is by words: a secret is told by what stands before it, or by how it begins. What is
 * masked too often is a lesser evil than what is masked too seldom.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/facts.h"

#include <stdlib.h>

#define MASK         "[hidden]"
#define NUMBER_BYTES 40u

static bool begins(struct str text, size_t at, const char *word)
{
    size_t length = strlen(word);

    return text.length - at >= length &&
           str_equal_ascii_case(str_slice(text, at, at + length), (struct str){word, length});
}

/* How many bytes at a place announce that a secret follows; 0: none. */
static size_t announces_secret(struct str text, size_t at)
{
    static const char *const words[] = {
        "bearer ",   "basic ",  "code=",    "setup=",     "invite=",       "reset=",
        "token=",    "ticket=", "secret=",  "password=",  "key=",          "netra_token=",
        "password:", "secret:", "cookie: ", "netra_key_", "netra_session",
    };

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (begins(text, at, words[i])) {
            return strlen(words[i]);
        }
    }
    return 0;
}

static bool ends_secret(char c)
{
    return c == ' ' || c == '"' || c == '\'' || c == '&' || c == ',' || c == ';' || c == '\n';
}

static size_t skip_secret(struct str text, size_t at)
{
    while (at < text.length && text.data[at] == ' ') {
        at++;
    }
    while (at < text.length && !ends_secret(text.data[at])) {
        at++;
    }
    return at;
}

/* Bytes of the character at a place, as it may be kept; 0: it is to be a "?". */
static size_t kept_bytes(struct str text, size_t at)
{
    unsigned char lead = (unsigned char)text.data[at];
    size_t want = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    bool is_whole = want <= text.length - at && str_is_utf8(str_slice(text, at, at + want));
    bool is_control = lead < 0x20 || lead == 0x7f ||
                      (lead == 0xc2 && is_whole && (unsigned char)text.data[at + 1] < 0xa0);

    return is_whole && !is_control ? want : 0;
}

const char *fact_clean(struct str text, char out[FACT_TEXT_BYTES])
{
    size_t length = 0;

    for (size_t at = 0; at < text.length && length < FACT_TEXT_BYTES - sizeof(MASK) - 8;) {
        size_t announced = announces_secret(text, at);
        size_t bytes = announced ? announced : kept_bytes(text, at);

        if (bytes == 0) {
            out[length++] = '?';
            at++;
            continue;
        }
        if (bytes > FACT_TEXT_BYTES - sizeof(MASK) - length) {
            break;
        }
        memcpy(out + length, text.data + at, bytes);
        length += bytes;
        at += bytes;
        if (announced) {
            memcpy(out + length, MASK, sizeof(MASK) - 1);
            length += sizeof(MASK) - 1;
            at = skip_secret(text, at);
        }
    }
    check_cmp(length, <, FACT_TEXT_BYTES);
    out[length] = '\0';
    return out;
}

/* Greedy to the left: each star takes as little as it can. */
bool fact_matches(const char *pattern, struct str text, struct str ret_stars[2])
{
    size_t star_at = SIZE_MAX; /* of pattern: behind the last star */
    size_t begin = 0;          /* of text: where that star's text begins */
    size_t end = 0;            /* and ends */
    size_t star = 0;
    size_t p = 0;
    size_t t = 0;

    ret_stars[0] = ret_stars[1] = (struct str){"", 0};
    for (;;) {
        if (pattern[p] == '*') {
            star++;
            star_at = ++p;
            begin = end = t;
        } else if (t < text.length && pattern[p] == text.data[t]) {
            p++;
            t++;
            continue;
        } else if (t == text.length && pattern[p] == '\0') {
            return true;
        } else if (star_at == SIZE_MAX || end == text.length) {
            return false;
        } else {
            t = ++end;
            p = star_at;
        }
        if (star <= 2) {
            ret_stars[star - 1] = str_slice(text, begin, end);
        }
    }
}

bool fact_number(struct str text, double *ret_number)
{
    char digits[NUMBER_BYTES];
    size_t at = 0;
    char *end;

    while (at < text.length && (text.data[at] < '0' || text.data[at] > '9')) {
        at++;
    }
    if (at == text.length) {
        return false;
    }
    bool is_negative = at > 0 && text.data[at - 1] == '-';
    size_t length = text.length - at < sizeof(digits) - 1 ? text.length - at : sizeof(digits) - 1;
    memcpy(digits, text.data + at, length);
    digits[length] = '\0';
    double value = strtod(digits, &end);
    *ret_number = is_negative ? -value : value;
    return end != digits;
}
