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
