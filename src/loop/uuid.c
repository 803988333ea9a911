/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/uuid.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

#include "loop/clock.h"

int uuid_v7(char *ret_text, struct error *error)
{
    uint64_t ms = (uint64_t)clock_now_us() / 1000;
    uint8_t random[10];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return error_set(error, ERR_IO, "the system gives no random bytes");
    }
    /* 48 bits of time, version 7, 12 random bits, variant 10, 62 random bits */
    (void)snprintf(ret_text, UUID_BYTES, "%08x-%04x-7%03x-%04x-%02x%02x%02x%02x%02x%02x",
                   (unsigned)(ms >> 16), (unsigned)(ms & 0xffff),
                   (unsigned)(random[0] << 8 | random[1]) & 0xfff,
                   ((unsigned)(random[2] << 8 | random[3]) & 0x3fff) | 0x8000, random[4], random[5],
                   random[6], random[7], random[8], random[9]);
    return OK;
}
