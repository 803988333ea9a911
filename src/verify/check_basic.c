/*
 * GET /health says "healthy", and what that rests on. Whether what it says is of now is for
 * `endpoints` to judge.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "verify/checks.h"

static size_t count_ill(struct json_value health)
{
    size_t count = 0;

    for (struct json_iterator it = json_iterate(json_at(health, "checks")); json_next(&it);) {
        count += !answer_is(it.value, "status", "healthy");
    }
    return count;
}

void check_basic(struct inquiry *inquiry)
{
    cleanup(answer_done) struct answer answer = {0};
    char status[INQUIRY_ID_BYTES] = "";
    char said[INQUIRY_OBSERVED_BYTES] = "";

    (void)ask(inquiry, &(struct question){.path = "/health"}, &answer);
    answer_say(&answer, said);
    (void)found(inquiry, "answer", answer.what.status == 200, "HTTP 200", "%s", said);
    (void)ANSWER_TEXT(answer.root, "status", status);
    (void)found(inquiry, "healthy",
                answer.what.status == 200 && answer_is(answer.root, "status", "healthy"),
                "\"status\":\"healthy\"", "\"%s\"", status);
    struct json_value checks = json_at(answer.root, "checks");
    (void)found(inquiry, "checks", json_count(checks) > 0 && count_ill(answer.root) == 0,
                "a list of checks, each healthy", "%zu checks, %zu not healthy", json_count(checks),
                count_ill(answer.root));
}
