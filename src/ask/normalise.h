/*
 * normalise: a prompt as the lexicon wants to see it. Repaired UTF-8, compatibility forms unified
 * (NFKD), case folded, Latin and Arabic accents dropped, digits of other scripts as ASCII,
 * invisible characters removed, look-alike letters of mixed-script words replaced. Every byte
 * remembers where in the original it came from, so names are always cut out of what the user wrote.
 *
 * The lexicon is put through the same function when it is compiled, so both sides agree.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ASK_NORMALISE_H
#define NETRA_ASK_NORMALISE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct normal_text {
    char *data; /* length bytes and a NUL */
    size_t length;
    uint32_t *origin; /* of each byte, and one more for the end: offset in the original */
    struct str original;
};

/* O(length). original is borrowed and shorter than 4 GiB / 8. ERR_NO_MEMORY. */
must_check int normalise_text(struct str original, struct arena *arena,
                              struct normal_text *ret_text);

/* The original's bytes behind [begin,end) of the normalised text, invisible ones included. */
struct str normalise_original(const struct normal_text *text, size_t begin, size_t end);

#endif
