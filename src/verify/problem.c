/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/problem.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/decimal.h"

#define TRACE_ID_BYTES 32u

const struct problem_rule problem_auth_failed = {
    .status = 401, .code = "AUTH_FAILED", .recovery = "redirect_to_login", .has_login_url = true};
const struct problem_rule problem_rate_limited = {.status = 429,
                                                  .code = "RATE_LIMITED",
                                                  .recovery = "exponential_backoff",
                                                  .has_retry_after = true};
const struct problem_rule problem_unavailable = {
    .status = 503, .code = "SERVICE_UNAVAILABLE", .recovery = "failover", .has_retry_after = true};
const struct problem_rule problem_invalid_request = {.code = "INVALID_REQUEST",
                                                     .recovery = "return_error"};
const struct problem_rule problem_internal_error = {
    .status = 500, .code = "INTERNAL_ERROR", .recovery = "log_and_retry", .has_trace_id = true};
const struct problem_rule problem_forbidden = {
    .status = 403, .code = "FORBIDDEN", .recovery = "return_error"};

static bool wrong(char ret_wrong[PROBLEM_WRONG_BYTES], const char *format, ...) printf_like(2, 3);

static bool wrong(char ret_wrong[PROBLEM_WRONG_BYTES], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(ret_wrong, PROBLEM_WRONG_BYTES, format, args);
    va_end(args);
    return false;
}

static bool is_status(int status, const struct problem_rule *rule)
{
    static const int invalid[] = {400, 404, 405, 409, 413, 415, 422};

    for (size_t i = 0; rule->status == 0 && i < ARRAY_LENGTH(invalid); i++) {
        if (status == invalid[i]) {
            return true;
        }
    }
    return rule->status != 0 && status == rule->status;
}

static bool is_trace_id(struct json_value value)
{
    struct str text = {0};

    if (!json_get_str(value, &text) || text.length != TRACE_ID_BYTES) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (!isxdigit((unsigned char)text.data[i])) {
            return false;
        }
    }
    return true;
}

static bool has_pointer(struct json_value problem)
{
    struct json_iterator it = json_iterate(json_at(problem, "errors"));
    struct str pointer = {0};

    return json_next(&it) && json_get_str(json_at(it.value, "pointer"), &pointer) &&
           str_starts_with(pointer, STR("/"));
}

/* What goes with the code. */
static bool has_company(const struct answer *answer, const struct problem_rule *rule,
                        char ret_wrong[PROBLEM_WRONG_BYTES])
{
    struct str text = {0};
    uint64_t seconds = 0;

    if (rule->has_login_url &&
        (!json_get_str(json_at(answer->root, "login_url"), &text) || text.length == 0)) {
        return wrong(ret_wrong, "no login_url");
    }
    if (rule->has_login_url &&
        !str_starts_with(exchange_header_of(&answer->what, "www-authenticate"), STR("Bearer"))) {
        return wrong(ret_wrong, "no WWW-Authenticate: Bearer");
    }
    if (rule->has_retry_after &&
        (decimal_parse_u64(exchange_header_of(&answer->what, "retry-after"), &seconds) ||
         seconds == 0)) {
        return wrong(ret_wrong, "no Retry-After in whole seconds");
    }
    if (rule->has_trace_id && !is_trace_id(json_at(answer->root, "trace_id"))) {
        return wrong(ret_wrong, "no trace_id");
    }
    return !rule->has_pointer || has_pointer(answer->root) ||
           wrong(ret_wrong, "no errors with a pointer");
}

bool problem_fits(const struct answer *answer, const struct problem_rule *rule,
                  char ret_wrong[PROBLEM_WRONG_BYTES])
{
    struct str code = {0};
    struct str recovery = {0};

    ret_wrong[0] = '\0';
    if (answer->what.code) {
        return wrong(ret_wrong, "no answer: %.150s", answer->what.failure);
    }
    if (!is_status(answer->what.status, rule)) {
        return wrong(ret_wrong, "HTTP %d", answer->what.status);
    }
    if (!str_starts_with(exchange_header_of(&answer->what, "content-type"),
                         STR("application/problem+json"))) {
        return wrong(ret_wrong, "HTTP %d without application/problem+json", answer->what.status);
    }
    (void)json_get_str(json_at(answer->root, "code"), &code);
    (void)json_get_str(json_at(answer->root, "recovery"), &recovery);
    if (!str_equal(code, str_from(rule->code)) || !str_equal(recovery, str_from(rule->recovery)) ||
        answer_number(answer->root, "status") != answer->what.status) {
        return wrong(ret_wrong, "HTTP %d with code %.*s, recovery %.*s", answer->what.status,
                     STR_ARGS(code), STR_ARGS(recovery));
    }
    return has_company(answer, rule, ret_wrong);
}
