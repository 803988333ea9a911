/*
 * synthesize_plan: who the team is (a table of features and models) and what was drawn for it from
 * the seed: which feature has which defect, since when, how much.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_SYNTHESIZE_PLAN_H
#define NETRA_USAGE_SYNTHESIZE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "usage/synthesize.h"

/* Streams of the seed. Each feature has SYNTHESIZE_STREAMS_EACH of its own behind the first. */
#define SYNTHESIZE_STREAM_PLAN     1u
#define SYNTHESIZE_STREAM_FEATURES 16u
#define SYNTHESIZE_STREAMS_EACH    4u

enum model_cache { MODEL_CACHE_AUTOMATIC, MODEL_CACHE_EXPLICIT };

struct model_profile {
    const char *name;
    const char *provider;
    enum model_cache cache;
    uint32_t cache_minimum; /* tokens */
    bool reasons;
    uint32_t first_ms;   /* to the first token of an empty prompt */
    uint32_t prefill_us; /* per uncached input token */
    uint32_t decode_us;  /* per output token */
};

enum rhythm { RHYTHM_OFFICE, RHYTHM_CONSUMER, RHYTHM_NIGHT, RHYTHM_COUNT };

struct range {
    uint32_t low;
    uint32_t high;
};

/* Log-normal: median in tokens (or seconds), sigma of the logarithm in thousandths. */
struct spread {
    uint32_t median;
    uint32_t sigma;
};

struct feature_profile {
    const char *name;
    const char *agent; /* NULL: none */
    uint8_t models[2]; /* a session picks one */
    uint32_t second_model_permille;
    enum rhythm rhythm;
    uint32_t sessions_per_day; /* on a working day */
    uint32_t weekend_permille; /* of it on Saturday and Sunday */
    struct range turns;
    struct range system_blocks;
    struct spread first_tokens; /* of the first turn, behind the system prompt */
    struct spread turn_tokens;  /* that each later turn adds, besides the answer before it */
    struct spread output_tokens;
    uint32_t max_output;
    struct spread gap_s;        /* from an answer to the next turn, within five minutes mostly */
    uint32_t long_gap_permille; /* of gaps that are 5 to 55 minutes instead */
    uint32_t users;             /* 0: no user */
    uint32_t error_permille;
    uint32_t quality_permille;       /* of calls that somebody scored */
    struct range duplicate_permille; /* of calls, if the feature sends duplicates; high 0: never */
    bool is_streamed;
    bool has_blocks;
    bool may_deploy; /* the bad deploy may hit it */
};

enum feature_cache {
    FEATURE_CACHE_NONE,      /* prompts too short for the automatic cache */
    FEATURE_CACHE_AUTOMATIC, /* whatever the provider does */
    FEATURE_CACHE_USED,      /* explicit, five minutes */
    FEATURE_CACHE_UNUSED     /* defect (c) */
};

struct feature_plan {
    struct feature_profile profile; /* with what the seed changed in it */
    enum feature_cache cache;
    uint32_t volume_permille;
    uint32_t system_blocks;
    uint32_t duplicate_permille; /* 0: no defect (b) */
    bool is_deployed;            /* defect (a) */
};

struct synthesize_plan {
    struct synthesize_options options;
    int64_t start_ms;
    int64_t end_ms;           /* exclusive */
    uint32_t growth_permille; /* of traffic from the first to the last day */
    struct feature_plan features[SYNTHESIZE_FEATURES];
    uint32_t deploy_feature;
    int64_t deploy_ms;
    uint32_t deploy_prompt_permille;
    uint32_t deploy_latency_permille;
    uint32_t deploy_error_permille;
    uint32_t repeat_feature; /* whose prompts other users repeat */
};

extern const struct model_profile synthesize_models[SYNTHESIZE_MODELS];

/* Hour of the day → share of a day's sessions in thousandths; each row sums to 1,000. */
extern const uint16_t synthesize_rhythms[RHYTHM_COUNT][24];

/* Options are valid. */
void synthesize_plan_draw(const struct synthesize_options *options, struct synthesize_plan *plan);

#endif
