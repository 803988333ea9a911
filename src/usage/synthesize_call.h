/*
 * synthesize_call: one call of the invented team while it is being made, and the steps that make
 * the list of them:
 *
 *     plan (seed) → calls_make: sessions of each feature → calls_sort: by time, times distinct
 *       → cache_record: what the provider's cache answered → write: a line each → key: the sums
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_SYNTHESIZE_CALL_H
#define NETRA_USAGE_SYNTHESIZE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usage/synthesize.h"
#include "usage/synthesize_plan.h"
#include "usage/usage_table.h"

enum call_error { CALL_ERROR_NONE, CALL_RATE_LIMIT, CALL_OVERLOADED, CALL_TIMEOUT, CALL_SERVER };

enum call_stop { CALL_STOP_NONE, CALL_STOP_END, CALL_STOP_LENGTH };

/* What a call is to an earlier one with the same prompt. */
enum call_role { CALL_FIRST, CALL_RETRY, CALL_DUPLICATE, CALL_REPEAT };

#define CALL_NO_USER    UINT32_MAX
#define CALL_NO_QUALITY 255

struct call {
    int64_t time_ms;
    uint64_t prompt;   /* number of the prompt; its hash is made from it */
    uint32_t serial;   /* number of the call, from 0 in the order of making; names request_id */
    uint32_t original; /* serial of the call that a retry, duplicate or repeat goes back to */
    uint32_t session;
    uint32_t user;
    uint32_t input;
    uint32_t output;
    uint32_t reasoning;
    uint32_t system_start; /* blocks of the shared prefix … */
    uint32_t system_blocks;
    uint32_t own_start; /* … and of the session */
    uint32_t own_blocks;
    uint32_t cache_read; /* of input */
    uint32_t cache_write;
    uint32_t latency_ms;
    uint32_t ttft_ms;    /* 0: not streamed */
    uint32_t prefill_ms; /* part of both that a cached prompt saves */
    uint32_t idle_ms;    /* how long the automatic cache kept blocks for this call */
    uint8_t feature;
    uint8_t model;
    uint8_t status;  /* enum usage_status */
    uint8_t error;   /* enum call_error */
    uint8_t stop;    /* enum call_stop */
    uint8_t role;    /* enum call_role */
    uint8_t quality; /* in hundredths or CALL_NO_QUALITY */
    bool is_billed;  /* a failed call may bill its input */
};

struct call_list {
    struct call *items;
    size_t count;
    size_t capacity;
    uint32_t block_count[SYNTHESIZE_FEATURES][SYNTHESIZE_MODELS]; /* ids given in each scope */
};

void call_list_done(struct call_list *list);

/* All calls of the plan, feature by feature. ERR_NO_MEMORY. */
must_check int calls_make(const struct synthesize_plan *plan, struct call_list *list);

/* By time; equal times are pulled apart by a millisecond. */
void calls_sort(struct call_list *list);

/* Fills cache_read and cache_write of the sorted list as the provider would have recorded them, and
 * takes the time that reads saved off the latencies. ERR_NO_MEMORY. */
must_check int cache_record(const struct synthesize_plan *plan, struct call_list *list);

/* The tokens of one feature's calls on a model, had they been cached with that time to live: the
 * definition in synthesize.h, one block at a time. ERR_NO_MEMORY. */
must_check int cache_tokens(const struct call_list *list, uint32_t feature, uint32_t model,
                            int64_t ttl_ms, bool is_hour_price,
                            struct synthesize_tokens *ret_tokens);

/* The tokens of one call as its record says them, calls = 1. */
struct synthesize_tokens call_tokens(const struct call *call);
void tokens_add(struct synthesize_tokens *sum, const struct synthesize_tokens *more);

/* The request id: the same seed and serial, the same text. Fills SYNTHESIZE_ID_BYTES. */
void call_request_id(uint64_t seed, uint32_t serial, char *ret_text);

/* One line a call. Failure is the buf's. */
void calls_write(const struct synthesize_plan *plan, const struct call_list *list, struct buf *out);

/* The key of the finished list; memory from key->arena. ERR_NO_MEMORY. */
must_check int synthesize_key_fill(const struct synthesize_plan *plan, const struct call_list *list,
                                   struct synthesize_key *key);

#endif
