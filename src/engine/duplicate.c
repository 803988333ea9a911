/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duplicate.h"

#include <xxhash.h>

#include "base/alloc.h"
#include "base/id_map.h"

/* What must be equal, hashed to 64 bits. A collision (1 in 10^13 for a million calls) would need
 * the same window as well; it is checked field by field anyway. */
struct key {
    uint64_t prompt_hash;
    uint64_t input;
    uint16_t model;
    uint16_t feature;
    uint32_t zero;
};

static struct key key_of(const struct usage_table *table, size_t row)
{
    struct usage_tokens tokens = usage_tokens_of(table, row);

    return (struct key){
        .prompt_hash = table->prompt_hash[row],
        .input = usage_input_total(&tokens),
        .model = table->names[USAGE_MODEL][row],
        .feature = table->names[USAGE_FEATURE][row],
    };
}

/* The rows that began a group, by key. Rows come in the order of time, and a group begins at most a
 * window before its last duplicate: two maps, of this window's length of time and of the one
 * before, hold all that can still be found. They stay small, which is what makes this fast: one map
 * of a million rows would miss the processor's caches at every look. */
struct recent {
    struct id_map now;
    struct id_map before;
    int64_t begin_us; /* now holds rows from here on, for one window */
    int64_t window_us;
};

static void recent_init(struct recent *recent, int64_t window_us)
{
    *recent = (struct recent){.begin_us = INT64_MIN, .window_us = window_us};
    id_map_init(&recent->now, USAGE_ROWS_MAX);
    id_map_init(&recent->before, USAGE_ROWS_MAX);
}

static void recent_done(struct recent *recent)
{
    id_map_done(&recent->now);
    id_map_done(&recent->before);
}

/* Forgets what no row from time_us on can be a duplicate of. */
static void recent_advance(struct recent *recent, int64_t time_us)
{
    int64_t past_us;

    if (__builtin_sub_overflow(time_us, recent->begin_us, &past_us)) {
        past_us = INT64_MAX;
    }
    if (past_us >= 0 && past_us < recent->window_us) {
        return;
    }
    id_map_done(&recent->before);
    if (past_us >= 0 && past_us - recent->window_us < recent->window_us) {
        struct id_map emptied = recent->before;

        recent->before = recent->now;
        recent->now = emptied;
        recent->begin_us += recent->window_us;
    } else {
        id_map_done(&recent->now);
        recent->begin_us = time_us;
    }
}

static int recent_put(struct recent *recent, uint64_t hash, size_t row)
{
    uint32_t earlier;
    int is_new;
    int code = id_map_put(&recent->now, hash, (uint32_t)row, &earlier, &is_new);

    if (!code && !is_new) {
        id_map_replace(&recent->now, hash, (uint32_t)row);
    }
    return code;
}

static bool is_repeat(const struct usage_table *table, const struct key *key, size_t row,
                      size_t earlier, int64_t window_us)
{
    struct key other = key_of(table, earlier);

    return memcmp(key, &other, sizeof(other)) == 0 &&
           table->time_us[row] - table->time_us[earlier] <= window_us;
}

/* The row of the group that this row belongs to, or itself. */
static int find_kept(struct recent *recent, const struct usage_table *table, size_t row,
                     size_t *ret_kept)
{
    struct key key = key_of(table, row);
    uint64_t hash = XXH3_64bits(&key, sizeof(key));
    uint32_t earlier;

    *ret_kept = row;
    recent_advance(recent, table->time_us[row]);
    if ((id_map_find(&recent->now, hash, &earlier) ||
         id_map_find(&recent->before, hash, &earlier)) &&
        is_repeat(table, &key, row, earlier, recent->window_us)) {
        *ret_kept = earlier;
        return OK;
    }
    return recent_put(recent, hash, row);
}

int duplicates_find(struct duplicates *duplicates, const struct usage_table *table,
                    int64_t window_us)
{
    struct recent recent;
    int code = OK;

    *duplicates = (struct duplicates){0};
    duplicates->is_duplicate = alloc_zeroed(table->count ? table->count : 1, 1);
    if (!duplicates->is_duplicate) {
        return ERR_NO_MEMORY;
    }
    if (!(table->any_present & USAGE_HAS_PROMPT_HASH)) {
        return OK;
    }
    recent_init(&recent, window_us);
    for (size_t row = 0; row < table->count && !code; row++) {
        size_t first;

        if (!usage_has(table, row, USAGE_HAS_PROMPT_HASH | USAGE_HAS_TIME)) {
            continue;
        }
        duplicates->examined++;
        if (usage_status_of(table, row) != USAGE_OK) {
            continue; /* a failure answers nothing and is no answer */
        }
        code = find_kept(&recent, table, row, &first);
        if (!code && first != row) {
            duplicates->is_duplicate[row] = 1;
            duplicates->count++;
        }
    }
    recent_done(&recent);
    if (code) {
        duplicates_done(duplicates);
    }
    return code;
}

void duplicates_done(struct duplicates *duplicates)
{
    alloc_free(duplicates->is_duplicate);
    *duplicates = (struct duplicates){0};
}
