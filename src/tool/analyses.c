/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/analyses.h"

void analyses_init(struct analyses *analyses, const struct dataset *dataset)
{
    *analyses = (struct analyses){.dataset = dataset};
}

void analyses_done(struct analyses *analyses)
{
    duplicates_done(&analyses->duplicates);
    cache_sim_done(&analyses->cache);
    analyses_init(analyses, NULL);
}

int analyses_duplicates(struct analyses *analyses, int64_t window_us,
                        const struct duplicates **ret_duplicates)
{
    if (analyses->window_us != window_us) {
        duplicates_done(&analyses->duplicates);
        analyses->window_us = 0;
        int code = duplicates_find(&analyses->duplicates, &analyses->dataset->table, window_us);
        if (code) {
            return code;
        }
        analyses->window_us = window_us;
    }
    *ret_duplicates = &analyses->duplicates;
    return OK;
}

static bool can_serve(const struct cache_sim *sim, const struct cache_sim_options *asked)
{
    const struct cache_sim_options *had = &sim->options;

    if (had->ttl_count < asked->ttl_count || had->honour_minimum != asked->honour_minimum ||
        had->price.ignore_context_tiers != asked->price.ignore_context_tiers ||
        (had->split_by_model != asked->split_by_model && sim->mixed_scopes > 0)) {
        return false;
    }
    for (unsigned k = 0; k < asked->ttl_count; k++) {
        if (had->ttl_us[k] != asked->ttl_us[k]) {
            return false;
        }
    }
    return true;
}

int analyses_cache(struct analyses *analyses, const struct cache_sim_options *options,
                   const struct cache_sim **ret_sim)
{
    if (!analyses->has_cache || !can_serve(&analyses->cache, options)) {
        cache_sim_done(&analyses->cache);
        analyses->has_cache = false;
        int code = cache_sim_run(&analyses->cache, &analyses->dataset->table,
                                 &analyses->dataset->card, options, /* skip */ NULL);
        if (code) {
            return code;
        }
        analyses->has_cache = true;
    }
    *ret_sim = &analyses->cache;
    return OK;
}
