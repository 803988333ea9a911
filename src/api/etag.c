/* SPDX-License-Identifier: Apache-2.0 */
#include "api/etag.h"

#include <stdint.h>
#include <xxhash.h>

static char *put_hex(char *at, uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4) {
        *at++ = "0123456789abcdef"[value >> shift & 15];
    }
    return at;
}

void etag_of(struct str body, char ret_etag[ETAG_TEXT_BYTES])
{
    XXH128_hash_t hash = XXH3_128bits(body.data, body.length);

    char *at = ret_etag;

    *at++ = 'W';
    *at++ = '/';
    *at++ = '"';
    at = put_hex(put_hex(at, hash.high64), hash.low64);
    *at++ = '"';
    *at = '\0';
}

/* Without its weakness: the quoted part. */
static struct str opaque(struct str tag)
{
    return str_starts_with(tag, STR("W/")) ? str_slice(tag, 2, tag.length) : tag;
}

/* The next tag of a list, quotes and all, and what follows it. Commas may stand within a tag. False
 * at the end and where the list is malformed. */
static bool next_tag(struct str *list, struct str *ret_tag)
{
    size_t at = 0;

    while (at < list->length &&
           (list->data[at] == ' ' || list->data[at] == '\t' || list->data[at] == ',')) {
        at++;
    }
    struct str rest = opaque(str_slice(*list, at, list->length));
    if (rest.length == 0 || rest.data[0] != '"') {
        return false;
    }
    size_t end = str_find(rest, STR("\""), 1);
    if (end == SIZE_MAX) {
        return false;
    }
    *ret_tag = str_slice(rest, 0, end + 1);
    *list = str_slice(rest, end + 1, rest.length);
    return true;
}

bool etag_is_among(struct str if_none_match, struct str etag)
{
    struct str wanted = opaque(etag);
    struct str tag;

    if (str_equal(str_trim(if_none_match), STR("*"))) {
        return true;
    }
    while (next_tag(&if_none_match, &tag)) {
        if (str_equal(tag, wanted)) {
            return true;
        }
    }
    return false;
}
