/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include "base/check.h"

#define PCG_MULTIPLIER 6364136223846793005u

void random_init(struct random *random, uint64_t seed, uint64_t stream)
{
    random->state = 0;
    random->stream = stream << 1 | 1;
    (void)random_u32(random);
    random->state += seed;
    (void)random_u32(random);
}

uint32_t random_u32(struct random *random)
{
    uint64_t old = random->state;
    uint32_t mixed = (uint32_t)(((old >> 18) ^ old) >> 27);
    uint32_t turn = (uint32_t)(old >> 59);

    random->state = old * PCG_MULTIPLIER + random->stream;
    return mixed >> turn | mixed << (-turn & 31);
}

uint32_t random_below(struct random *random, uint32_t bound)
{
    check(bound > 0);
    uint32_t floor = -bound % bound; /* below it the modulo would favour small numbers */

    for (;;) {
        uint32_t drawn = random_u32(random);

        if (drawn >= floor) {
            return drawn % bound;
        }
    }
}

double random_unit(struct random *random)
{
    uint64_t high = random_u32(random) >> 5;
    uint64_t low = random_u32(random) >> 6;

    return (double)(high << 26 | low) * 0x1p-53;
}
