/* SPDX-License-Identifier: Apache-2.0 */
#include "usage/synthesize_draw.h"

#include "base/check.h"

#define ONE_Q16       65536
#define LOG2_E_MILLI  1443 /* log2(e) in thousandths */
#define EXPONENT_MAX  20   /* 2^20 times the median is beyond any use */
#define SIGMA_PER_MAX 3000u

uint32_t draw_between(struct random *random, uint32_t low, uint32_t high)
{
    check_cmp(low, <=, high);
    return low + random_below(random, high - low + 1);
}

bool draw_chance(struct random *random, uint32_t permille)
{
    return random_below(random, 1000) < permille;
}

/* Standard normal in 1/65536: the sum of twelve uniforms has variance 1 and mean 6. */
static int64_t draw_normal_q16(struct random *random)
{
    int64_t sum = 0;

    for (int i = 0; i < 6; i++) {
        uint32_t two = random_u32(random);

        sum += (two >> 16) + (two & 0xffff);
    }
    return sum - 6 * ONE_Q16;
}

/* 2^x for x and result in 1/65536, x within ±EXPONENT_MAX; the cubic is right to 1 in 5,000. */
static uint64_t exp2_q16(int64_t x)
{
    int64_t whole = x >= 0 ? x / ONE_Q16 : -((-x + ONE_Q16 - 1) / ONE_Q16);
    uint64_t f = (uint64_t)(x - whole * ONE_Q16);
    uint64_t value = 5179; /* 0.0790 */

    value = 14742 + (value * f >> 16); /* 0.2249 */
    value = 45615 + (value * f >> 16); /* 0.6960 */
    value = ONE_Q16 + (value * f >> 16);
    return whole >= 0 ? value << whole : value >> -whole;
}

uint32_t draw_log_normal(struct random *random, uint32_t median, uint32_t sigma_permille,
                         uint32_t max)
{
    check_cmp(sigma_permille, <=, SIGMA_PER_MAX);
    int64_t x = draw_normal_q16(random) * sigma_permille * LOG2_E_MILLI / 1000000;
    int64_t edge = (int64_t)EXPONENT_MAX * ONE_Q16;
    x = x > edge ? edge : x < -edge ? -edge : x;
    uint64_t value = (uint64_t)((unsigned __int128)exp2_q16(x) * median >> 16);

    return value > max ? max : (uint32_t)value;
}

uint32_t draw_count(struct random *random, uint64_t expected_milli)
{
    uint32_t noise = draw_log_normal(random, 1000, 200, 2000);
    uint64_t milli = expected_milli * noise / 1000;

    return (uint32_t)((milli + random_below(random, 1000)) / 1000);
}

uint64_t draw_name(uint64_t number)
{
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return number ^ number >> 31;
}
