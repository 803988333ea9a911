/*
 * Honest evidence with times that a test knows: a run of ten seconds, a check of messages with
 * three exchanges, one of performance with a hundred samples, one that was not exercised.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_EVIDENCE_FIXTURE_H
#define NETRA_TESTS_EVIDENCE_FIXTURE_H

#include "unit.h"

#include <math.h>

#include "verify/evidence.h"

#define WALL_US      INT64_C(1790000000000000)
#define MONOTONIC_US INT64_C(5000000000)
#define SECOND       INT64_C(1000000)

/* A step of the fixture; its result when it fails. */
#define HONEST_TRY(call)                                                                           \
    do {                                                                                           \
        int honest_code_ = (call);                                                                 \
        if (honest_code_) {                                                                        \
            return honest_code_;                                                                   \
        }                                                                                          \
    } while (0)

/* At so many microseconds of the run, for so long. */
static inline struct exchange honest_exchange(int64_t at_us, int64_t total_us)
{
    struct exchange exchange = {.status = 200,
                                .started_us = WALL_US + at_us,
                                .started_monotonic_us = MONOTONIC_US + at_us,
                                .name_us = 20,
                                .connect_us = 150,
                                .sent_us = 200,
                                .first_byte_us = total_us - 30,
                                .total_us = total_us,
                                .bytes_sent = 120,
                                .bytes_received = 900,
                                .is_new_connection = true};

    (void)snprintf(exchange.peer, sizeof(exchange.peer), "127.0.0.1:8421");
    (void)snprintf(exchange.local, sizeof(exchange.local), "127.0.0.1:40000");
    return exchange;
}

static inline void honest_end(struct evidence *evidence, struct check *check, int64_t at_us,
                              int64_t duration_us)
{
    evidence_end_check(evidence, check);
    check->started_us = WALL_US + at_us;
    check->started_monotonic_us = MONOTONIC_US + at_us;
    check->duration_us = duration_us;
}

static inline int honest_messages(struct evidence *evidence)
{
    struct exchange_request request = {.method = "GET",
                                       .url = "http://me:pass@127.0.0.1:8421/health?token=s3cret"};
    struct exchange seen[] = {honest_exchange(1 * SECOND, 900), honest_exchange(2 * SECOND, 1100),
                              honest_exchange(3 * SECOND, SECOND / 2)};
    struct check *check;

    HONEST_TRY(evidence_begin_check(evidence, "message_flow", "Messages, end to end", &check));
    seen[1].is_new_connection = false; /* kept: no name, no connection */
    seen[1].name_us = seen[1].connect_us = 0;
    HONEST_TRY(evidence_keep_exchange(evidence, check, &request, &seen[0]));
    HONEST_TRY(evidence_keep_exchange(evidence, check, &request, &seen[1]));
    HONEST_TRY(evidence_keep_socket(evidence, check, "ws://127.0.0.1:8421/ws?ticket=s3cret",
                                    &seen[2], 400, 5000));
    HONEST_TRY(evidence_find(evidence, check, "health", OUTCOME_PASSED, "200", "%d", 200));
    HONEST_TRY(evidence_find(evidence, check, "answer", OUTCOME_PASSED, "a text", "%s", "hello"));
    honest_end(evidence, check, 1 * SECOND, 3 * SECOND);
    return OK;
}

static inline int honest_performance(struct evidence *evidence)
{
    struct exchange_request request = {.method = "GET", .url = "http://127.0.0.1:8421/health"};
    struct sample_set *set;
    struct check *check;

    HONEST_TRY(evidence_begin_check(evidence, "performance", "Latencies", &check));
    HONEST_TRY(evidence_sample_set(evidence, "api", 10, &set));
    for (int i = 0; i < 100; i++) {
        int64_t at_us = 5 * SECOND + i * 10000;
        struct exchange seen = honest_exchange(at_us, 2000 + (i * 37) % 100 * 13);

        HONEST_TRY(evidence_keep_exchange(evidence, check, &request, &seen));
        HONEST_TRY(evidence_sample(evidence, set, (double)seen.total_us + 0.125));
        set->at_us[i] = MONOTONIC_US + at_us + seen.total_us;
    }
    HONEST_TRY(evidence_target(evidence, check, set, 50, "p95"));
    honest_end(evidence, check, 5 * SECOND, 2 * SECOND);
    return OK;
}

static inline int honest_fill(struct evidence *evidence)
{
    struct check *check;

    evidence->started_us = WALL_US;
    evidence->started_monotonic_us = MONOTONIC_US;
    evidence->finished_us = WALL_US + 10 * SECOND;
    evidence->finished_monotonic_us = MONOTONIC_US + 10 * SECOND;
    evidence->url = STR("http://127.0.0.1:8421");
    evidence->profile = STR("floor");
    evidence->client_version = evidence->server_version = STR("1.2.3");
    evidence->client = (struct side){
        .is_known = true, .needs = STR(""), .cpu_us = 123456, .peak_rss_bytes = 45678901};
    evidence->server.needs = STR("an operator's token");
    HONEST_TRY(honest_messages(evidence));
    HONEST_TRY(honest_performance(evidence));
    HONEST_TRY(evidence_begin_check(evidence, "isolation", "Isolation", &check));
    HONEST_TRY(evidence_not_exercised(evidence, check, "other_workspace", "accounts mode"));
    honest_end(evidence, check, 8 * SECOND, 12);
    return evidence_observe(evidence, "health", "GET /health", "status %d", 200);
}

static inline struct evidence *honest_evidence(void)
{
    struct evidence *evidence = NULL;

    assert_int_equal(evidence_new(&evidence), OK);
    assert_int_equal(honest_fill(evidence), OK);
    return evidence;
}

#endif
