/*
 * synthesize: usage records of a team that does not exist, with an answer key. For demonstrations,
 * and to check the analyses: what is wrong with the team's spending was put there on purpose, and
 * the key says exactly where and how much.
 *
 * The records are JSON Lines, one flat object a line with the record's own field names and disjoint
 * token buckets, sorted by time. Every record says source "netra-synthetic": it can never pass for
 * traffic. Eight features on five models, sessions whose context grows, users, a weekday and hour
 * rhythm, failures and retries; about 56,000 records for 28 days at scale 1000.
 *
 * The same options give the same bytes on every machine: all draws are integer arithmetic on
 * base/random.h streams; no function of the C math library is used. Which feature has which defect,
 * since when and how much, is drawn from the seed.
 *
 * What is injected; no feature has two of (a), (b) and (c):
 *
 * (a) A bad deploy: from deploy.time_us on, every new prompt of one feature is longer by a factor
 * (but at most SYNTHESIZE_INPUT_MAX tokens: all prompts are cut there), its calls fail more often
 * and take longer. A retry repeats the prompt that failed.
 *
 * (b) Duplicates: one or two features send a call that succeeded again, 1 to 90 s after it was
 * finished and less than 5 minutes after it started: same model, session, user, prompt_hash, input
 * total and output; other request_id. The buckets of a duplicate may differ from its original's,
 * because the provider's own cache answers the second one. Calls that are no duplicates never have
 * the same feature and prompt_hash, with two exceptions: a retry, whose predecessor has status
 * "error", and repeats, where another user asks the same in another session a day or more later.
 *
 * (c) Unused caching: one or two features on a model with explicit caching never ask for it. The
 * other features on such models cache for five minutes, and what they record is what the definition
 * below gives for 300 s. Features on models with automatic caching record reads of at least 1,024
 * tokens in steps of 128 (of the longest prefix touched within an idle life that differs from call
 * to call between 5 and 10 minutes), and writes cost nothing.
 *
 * (d) Batch candidates: features that are not streamed, have neither user nor session and run at
 * night.
 *
 * Prefix blocks are SYNTHESIZE_BLOCK_TOKENS tokens; a prompt has floor(input / block) of them, in
 * hash_ids as runs [[start, length], …]. Ids are local to cache_scope, which is one feature on one
 * model: the system prompt is the same blocks for all of its sessions, then come the session's own.
 *
 * The definition of the caching figures of (c), for a time to live T, per cache scope, in the order
 * of time (times are distinct):
 *   - a call with status "error" is not cached and touches nothing; what it billed stays uncached;
 *   - so is and does a call whose input is below the model's minimum (sonnet 1,024, haiku 4,096);
 *   - hit blocks = the longest prefix of the call's blocks of which each was touched at most T
 *     before the call's time; read = min(block tokens * hit blocks, input); all other input is
 *     written; then the call touches all its blocks.
 * A cancelled call counts like one that succeeded. Failed calls carry no hash_ids.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_SYNTHESIZE_H
#define NETRA_USAGE_SYNTHESIZE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "json/json_write.h"

#define SYNTHESIZE_SOURCE           "netra-synthetic"

#define SYNTHESIZE_DAYS_MAX         366u
#define SYNTHESIZE_DAYS_DEFAULT     28u
#define SYNTHESIZE_SCALE_MIN        10u /* about 20 records a day */
#define SYNTHESIZE_SCALE_MAX        10000u
#define SYNTHESIZE_SCALE_DEFAULT    1000u   /* about 2,000 records a day */
#define SYNTHESIZE_DAYS_SCALE_MAX   366000u /* of days * scale: 730,000 records, 420 MB */
#define SYNTHESIZE_START_US_DEFAULT INT64_C(1785715200000000) /* 2026-08-03, a Monday */
#define SYNTHESIZE_BYTES_MAX        ((size_t)1 << 30) /* enough for whatever options allow */

#define SYNTHESIZE_INPUT_MAX        120000u /* no prompt reaches a long-context price */
#define SYNTHESIZE_BLOCK_TOKENS     64u
#define SYNTHESIZE_FEATURES         8u
#define SYNTHESIZE_MODELS           5u
#define SYNTHESIZE_DEFECTS_MAX      2u  /* features with (b), with (c), and of (d) */
#define SYNTHESIZE_ID_BYTES         24u /* "req_0123456789abcdef" and its NUL */

struct synthesize_options {
    uint64_t seed;
    uint32_t days;    /* 1 to SYNTHESIZE_DAYS_MAX */
    uint32_t scale;   /* per mille of the default amount of traffic */
    int64_t start_us; /* whole seconds count; 1970 to 9990 */
};

static inline struct synthesize_options synthesize_options_default(uint64_t seed)
{
    return (struct synthesize_options){.seed = seed,
                                       .days = SYNTHESIZE_DAYS_DEFAULT,
                                       .scale = SYNTHESIZE_SCALE_DEFAULT,
                                       .start_us = SYNTHESIZE_START_US_DEFAULT};
}

/* Sums over calls, buckets disjoint as in the records. */
struct synthesize_tokens {
    uint64_t calls;
    uint64_t input_uncached;
    uint64_t cache_read;
    uint64_t cache_write_5m;
    uint64_t cache_write_1h;
    uint64_t output; /* includes reasoning */
    uint64_t reasoning;
};

/* One side of the bad deploy. */
struct synthesize_side {
    struct synthesize_tokens tokens; /* of all calls of the feature */
    uint64_t errors;
    uint64_t succeeded;       /* calls that are no error: the two sums below are over them */
    uint64_t succeeded_input; /* all input buckets */
    uint64_t succeeded_latency_ms;
};

struct synthesize_deploy {
    const char *feature;
    int64_t time_us;
    uint32_t prompt_permille;       /* 1600: prompts are 1.6 times as long from time_us on */
    uint32_t latency_permille;      /* on top of what longer prompts cost */
    uint32_t error_permille_before; /* drawn chance that a first attempt fails; what came of it */
    uint32_t error_permille_after;  /* is in the two sides below */
    struct synthesize_side before;  /* as the records came out */
    struct synthesize_side after;
};

/* A call that has the same prompt as an earlier one. */
struct synthesize_echo {
    char request_id[SYNTHESIZE_ID_BYTES];
    char original_id[SYNTHESIZE_ID_BYTES]; /* the call that it repeats */
    uint8_t feature;                       /* index into features */
    uint8_t model;                         /* index into models */
    struct synthesize_tokens tokens;       /* its own, calls = 1 */
};

struct synthesize_unused {
    const char *feature;
    const char *model;
    uint32_t minimum_tokens;           /* that the model caches */
    uint32_t system_tokens;            /* the prefix that all sessions share */
    struct synthesize_tokens recorded; /* whole feature */
    struct synthesize_tokens ttl_300;  /* the same calls, cached for five minutes */
    struct synthesize_tokens ttl_3600; /* for an hour: writes are cache_write_1h */
};

/* The answers. Texts are static; arrays live in the arena. */
struct synthesize_key {
    struct arena arena; /* private */
    struct synthesize_options options;
    int64_t from_us; /* first and last record */
    int64_t to_us;
    const char *features[SYNTHESIZE_FEATURES];
    const char *models[SYNTHESIZE_MODELS];
    const char *providers[SYNTHESIZE_MODELS];
    struct synthesize_tokens total;
    struct synthesize_tokens by_feature_model[SYNTHESIZE_FEATURES][SYNTHESIZE_MODELS];
    uint64_t errors;
    uint64_t retries; /* calls that follow a failed one with the same prompt: no duplicates */

    struct synthesize_deploy deploy;

    uint32_t duplicate_feature_count;
    const char *duplicate_features[SYNTHESIZE_DEFECTS_MAX];
    const struct synthesize_echo *duplicates; /* in the order of time */
    size_t duplicate_count;
    struct synthesize_tokens duplicates_by_feature_model[SYNTHESIZE_FEATURES][SYNTHESIZE_MODELS];

    const struct synthesize_echo *repeats; /* same prompt, no duplicates */
    size_t repeat_count;

    uint32_t unused_count;
    struct synthesize_unused unused[SYNTHESIZE_DEFECTS_MAX];

    uint32_t batch_count;
    const char *batch_features[SYNTHESIZE_DEFECTS_MAX];
};

/* Fills *ret_jsonl (initialised and empty; its limit is kept) and *ret_key, which the caller gives
 * to synthesize_key_done. ERR_USAGE for options out of range, ERR_NO_MEMORY, ERR_LIMIT when the
 * records do not fit into the buf; on failure both are untouched. About 0.3 s and 60 MB for the
 * default options. */
must_check int usage_synthesize(const struct synthesize_options *options, struct buf *ret_jsonl,
                                struct synthesize_key *ret_key, struct error *error);

void synthesize_key_done(struct synthesize_key *key);

/* The key as one JSON object, tokens only. Dollars belong to the caller, who has the price book: it
 * writes them beside this object. Failure is the writer's buf's. */
void synthesize_key_write_json(const struct synthesize_key *key, struct json_writer *w);

#endif
