/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/percentile.h"

#include <string.h>

#include "base/check.h"

void percentile_sort(uint32_t *values, size_t count, uint32_t *scratch)
{
    uint32_t *from = values;
    uint32_t *to = scratch;

    for (unsigned shift = 0; shift < 32; shift += 8) {
        size_t starts[256] = {0};
        size_t sum = 0;

        for (size_t i = 0; i < count; i++) {
            starts[from[i] >> shift & 255]++;
        }
        for (size_t digit = 0; digit < 256; digit++) {
            size_t of_digit = starts[digit];

            starts[digit] = sum;
            sum += of_digit;
        }
        for (size_t i = 0; i < count; i++) {
            to[starts[from[i] >> shift & 255]++] = from[i];
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    /* four passes: the result is back in values */
}

struct decimal percentile_of_sorted(const uint32_t *sorted, size_t count, unsigned per_mille)
{
    check(count > 0 && per_mille <= 1000);
    /* rank = (count - 1) × p, kept in thousandths so that it is exact */
    uint64_t rank_milli = (uint64_t)(count - 1) * per_mille;
    size_t below = (size_t)(rank_milli / 1000);
    uint64_t fraction = rank_milli % 1000;
    uint64_t low = sorted[below];
    uint64_t high = sorted[below + 1 < count ? below + 1 : below];

    int128 milli = (int128)low * 1000 + (int128)(high - low) * (int128)fraction;

    return decimal_of(milli, PERCENTILE_SCALE);
}
