/*
 * An answer that refuses fits its rule only with all that goes with it: each part that is missing
 * or another is found, and named.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "verify/problem.h"

#define TRACE "0123456789abcdef0123456789abcdef"
#define KIND  "Content-Type: application/problem+json\r\n"

struct row {
    const struct problem_rule *rule;
    int status;
    const char *head;
    const char *body;
    const char *wrong; /* NULL: it fits */
};

static const struct problem_rule with_pointer = {
    .code = "INVALID_REQUEST", .recovery = "return_error", .has_pointer = true};

static void assert_row(const struct row *row)
{
    struct answer answer = {
        .what = {.status = row->status, .head = str_from(row->head), .body = str_from(row->body)}};
    struct error error = {0};
    char wrong[PROBLEM_WRONG_BYTES];

    assert_int_equal(json_parser_new(4096, &answer.parser), OK);
    assert_int_equal(json_parse(answer.parser, answer.what.body, &answer.root, &error), OK);
    bool fits = problem_fits(&answer, row->rule, wrong);
    if (row->wrong) {
        assert_false(fits);
        assert_non_null(strstr(wrong, row->wrong));
    } else {
        assert_string_equal(wrong, "");
        assert_true(fits);
    }
    answer_done(&answer);
}

static void test_each_part_of_a_refusal_is_looked_at(void **state)
{
    static const char limited[] =
        "{\"status\":429,\"code\":\"RATE_LIMITED\",\"recovery\":\"exponential_backoff\"}";
    static const char failed[] =
        "{\"status\":401,\"code\":\"AUTH_FAILED\",\"recovery\":\"redirect_to_login\","
        "\"login_url\":\"/\"}";
    static const char bug[] = "{\"status\":500,\"code\":\"INTERNAL_ERROR\",\"recovery\":"
                              "\"log_and_retry\",\"trace_id\":\"" TRACE "\"}";
    static const char pointed[] =
        "{\"status\":422,\"code\":\"INVALID_REQUEST\",\"recovery\":\"return_error\","
        "\"errors\":[{\"pointer\":\"/prompt\"}]}";
    static const struct row rows[] = {
        {&problem_rate_limited, 429, KIND "Retry-After: 1\r\n", limited, NULL},
        {&problem_rate_limited, 429, KIND, limited, "Retry-After"},
        {&problem_rate_limited, 429, KIND "Retry-After: soon\r\n", limited, "Retry-After"},
        {&problem_rate_limited, 429, KIND "Retry-After: 0\r\n", limited, "Retry-After"},
        {&problem_rate_limited, 503, KIND "Retry-After: 1\r\n", limited, "HTTP 503"},
        {&problem_rate_limited, 429, "Content-Type: text/html\r\n", limited, "problem+json"},
        {&problem_rate_limited, 429, KIND, "{\"status\":429,\"code\":\"INTERNAL_ERROR\"}",
         "INTERNAL_ERROR"},
        {&problem_rate_limited, 429, KIND,
         "{\"status\":400,\"code\":\"RATE_LIMITED\",\"recovery\":\"exponential_backoff\"}",
         "RATE_LIMITED"},
        {&problem_auth_failed, 401, KIND "WWW-Authenticate: Bearer realm=\"x\"\r\n", failed, NULL},
        {&problem_auth_failed, 401, KIND, failed, "WWW-Authenticate"},
        {&problem_auth_failed, 401, KIND "WWW-Authenticate: Bearer\r\n",
         "{\"status\":401,\"code\":\"AUTH_FAILED\",\"recovery\":\"redirect_to_login\"}",
         "login_url"},
        {&problem_internal_error, 500, KIND, bug, NULL},
        {&problem_internal_error, 500, KIND,
         "{\"status\":500,\"code\":\"INTERNAL_ERROR\",\"recovery\":\"log_and_retry\","
         "\"trace_id\":\"none\"}",
         "trace_id"},
        {&with_pointer, 422, KIND, pointed, NULL},
        {&with_pointer, 200, KIND, pointed, "HTTP 200"},
        {&with_pointer, 422, KIND,
         "{\"status\":422,\"code\":\"INVALID_REQUEST\",\"recovery\":\"return_error\"}", "pointer"},
        {&problem_unavailable, 200, "", "{}", "HTTP 200"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_row(&rows[i]);
    }
}

static void test_no_answer_is_no_refusal(void **state)
{
    struct answer answer = {.what = {.code = ERR_IO, .failure = "cannot connect"}};
    char wrong[PROBLEM_WRONG_BYTES];

    (void)state;
    assert_false(problem_fits(&answer, &problem_unavailable, wrong));
    assert_non_null(strstr(wrong, "cannot connect"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_part_of_a_refusal_is_looked_at),
        cmocka_unit_test(test_no_answer_is_no_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
