/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/log_bound.h"

#include <stddef.h>

#include "base/civil_time.h"

/* The addresses of formats are compared: O(n), n ≤ 128, some ten nanoseconds. */
static struct log_kind *find(struct log_bound *bound, enum log_level level, const char *room,
                             const char *format)
{
    for (unsigned i = 0; i < bound->count; i++) {
        if (bound->kinds[i].format == format && bound->kinds[i].level == level) {
            return &bound->kinds[i];
        }
    }
    if (bound->count == LOG_KINDS_MAX) {
        return &bound->kinds[LOG_KINDS_MAX - 1];
    }
    struct log_kind *kind = &bound->kinds[bound->count++];
    *kind = (struct log_kind){.format = format, .room = room, .level = level};
    return kind;
}

static bool is_over(const struct log_kind *kind, int64_t elapsed_us)
{
    return elapsed_us - kind->second_began_us >= SECOND_US;
}

struct log_kind *log_bound_admit(struct log_bound *bound, enum log_level level, const char *room,
                                 const char *format, unsigned per_s, int64_t elapsed_us,
                                 bool *ret_may)
{
    struct log_kind *kind = find(bound, level, room, format);

    if (kind->count == 0 || is_over(kind, elapsed_us)) {
        kind->second_began_us = elapsed_us;
        kind->count = 0;
    }
    *ret_may = per_s == 0 || kind->count < per_s;
    kind->count++;
    kind->left_out += !*ret_may;
    return kind;
}

struct log_kind *log_bound_next_left(struct log_bound *bound, int64_t elapsed_us)
{
    for (unsigned i = 0; i < bound->count; i++) {
        if (bound->kinds[i].left_out && is_over(&bound->kinds[i], elapsed_us)) {
            return &bound->kinds[i];
        }
    }
    return NULL;
}
