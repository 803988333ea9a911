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

/* The row of the group that this row belongs to, or itself. */
static int find_kept(struct id_map *kept, const struct usage_table *table, size_t row,
                     int64_t window_us, size_t *ret_kept)
{
    struct key key = key_of(table, row);
    uint64_t hash = XXH3_64bits(&key, sizeof(key));
    uint32_t earlier;
    int is_new;
    int code = id_map_put(kept, hash, (uint32_t)row, &earlier, &is_new);

    *ret_kept = row;
    if (code || is_new) {
        return code;
    }
    struct key other = key_of(table, earlier);
    if (memcmp(&key, &other, sizeof(key)) == 0 &&
        table->time_us[row] - table->time_us[earlier] <= window_us) {
        *ret_kept = earlier;
    } else {
        id_map_replace(kept, hash, (uint32_t)row);
    }
    return OK;
}

int duplicates_find(struct duplicates *duplicates, const struct usage_table *table,
                    int64_t window_us)
{
    struct id_map kept;
    int code = OK;

    *duplicates = (struct duplicates){0};
    duplicates->is_duplicate = alloc_zeroed(table->count ? table->count : 1, 1);
    if (!duplicates->is_duplicate) {
        return ERR_NO_MEMORY;
    }
    if (!(table->any_present & USAGE_HAS_PROMPT_HASH)) {
        return OK;
    }
    id_map_init(&kept, USAGE_ROWS_MAX);
    code = id_map_reserve(&kept, table->count);
    for (size_t row = 0; row < table->count && !code; row++) {
        size_t first;

        if (!usage_has(table, row, USAGE_HAS_PROMPT_HASH | USAGE_HAS_TIME)) {
            continue;
        }
        duplicates->examined++;
        if (usage_status_of(table, row) != USAGE_OK) {
            continue; /* a failure answers nothing and is no answer */
        }
        code = find_kept(&kept, table, row, window_us, &first);
        if (!code && first != row) {
            duplicates->is_duplicate[row] = 1;
            duplicates->count++;
        }
    }
    id_map_done(&kept);
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
