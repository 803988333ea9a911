/*
 * XXH3 of 128 bits: not against forgery, but enough to tell two exports apart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tool/content_digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

#include "base/error.h"

int content_digest_init(struct content_digest *digest)
{
    XXH3_state_t *state = XXH3_createState();

    digest->state = state;
    if (!state) {
        return ERR_NO_MEMORY;
    }
    (void)XXH3_128bits_reset(state);
    return OK;
}

void content_digest_done(struct content_digest *digest)
{
    (void)XXH3_freeState(digest->state);
    digest->state = NULL;
}

void content_digest_add(struct content_digest *digest, struct str bytes)
{
    (void)XXH3_128bits_update(digest->state, bytes.length ? bytes.data : "", bytes.length);
}

void content_digest_print(const struct content_digest *digest, char text[CONTENT_DIGEST_BYTES])
{
    XXH128_hash_t hash = XXH3_128bits_digest(digest->state);

    (void)snprintf(text, CONTENT_DIGEST_BYTES, "xxh3-128:%016" PRIx64 "%016" PRIx64,
                   (uint64_t)hash.high64, (uint64_t)hash.low64);
}
