/*
 * The five error handlers. What happens by itself is provoked by itself (nobody's request, a thing
 * that is not there, a body that is wrong); the rest is put in as a fault, where the deployment
 * lets an operator do that. Each time: is the error the one that the protocol names, with what a
 * client needs to recover, and does the same request succeed afterwards?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/decimal.h"
#include "verify/checks.h"
#include "verify/problem.h"

#define FAULT_TRIES   3u /* somebody else's request may meet it first */
#define AUDIT_POLLS   20u
#define AUDIT_POLL_MS 100u
#define FAULTS_NEEDED "faults.allowed and an operator's token"
#define LIST          "/api/threads?limit=1"
#define NO_SUCH_RUN   "/api/runs/netra-verify-no-such-run"
#define GOOD_PROMPT   "{\"prompt\":\"Where does our money go?\"}"

struct handler {
    const char *id;
    const char *fault;
    int argument;
    unsigned times; /* the server tries a handler that failed once more before it gives up */
    const struct problem_rule *rule;
    bool has_body; /* POST /api/parse; else a GET of a list */
};

static const struct problem_rule wrong_member = {
    .code = "INVALID_REQUEST", .recovery = "return_error", .has_pointer = true};

static const struct handler handlers[] = {
    {"auth_failed", "auth_expired", 0, 1, &problem_auth_failed, false},
    {"rate_limited", "rate_limited", 1, 1, &problem_rate_limited, false},
    {"service_unavailable", "unavailable", 1, 1, &problem_unavailable, false},
    {"invalid_request", "invalid_request", 0, 1, &wrong_member, true},
    {"internal_error", "internal_error", 0, 2, &problem_internal_error, false},
};

static const char *token_of(const struct inquiry *inquiry)
{
    return inquiry->work.token[0] ? inquiry->work.token : inquiry->options->token;
}

static void judge(struct inquiry *inquiry, const char *id, const char *part,
                  const struct answer *answer, const struct problem_rule *rule)
{
    char name[INQUIRY_ID_BYTES];
    char expected[INQUIRY_OBSERVED_BYTES];
    char wrong[PROBLEM_WRONG_BYTES] = "";
    bool fits = problem_fits(answer, rule, wrong);

    (void)snprintf(name, sizeof(name), "%s.%s", id, part);
    (void)snprintf(expected, sizeof(expected), "%s, recovery %s%s%s%s%s", rule->code,
                   rule->recovery, rule->has_login_url ? ", login_url, WWW-Authenticate" : "",
                   rule->has_retry_after ? ", Retry-After" : "",
                   rule->has_trace_id ? ", trace_id" : "", rule->has_pointer ? ", pointer" : "");
    (void)found(inquiry, name, fits, expected, fits ? "HTTP %d, as named%s" : "HTTP %d: %s",
                answer->what.status, fits ? "" : wrong);
}

/* ---- what happens by itself ---- */

static void provoke(struct inquiry *inquiry, const char *id, const char *part,
                    const struct question *question, const struct problem_rule *rule)
{
    cleanup(answer_done) struct answer answer = {0};

    (void)ask(inquiry, question, &answer);
    judge(inquiry, id, part, &answer, rule);
}

static void provoke_all(struct inquiry *inquiry)
{
    const char *token = token_of(inquiry);

    provoke(inquiry, "auth_failed", "nobody", &(struct question){.path = LIST},
            &problem_auth_failed);
    if (!inquiry->has_token) {
        not_exercised(inquiry, "invalid_request.absent", "a token that the deployment takes");
        return;
    }
    provoke(inquiry, "invalid_request", "absent",
            &(struct question){.path = NO_SUCH_RUN, .token = token}, &problem_invalid_request);
    provoke(inquiry, "invalid_request", "query",
            &(struct question){.path = "/api/threads?limit=many", .token = token},
            &problem_invalid_request);
    if (inquiry->options->is_read_only || !inquiry->may_run) {
        not_exercised(inquiry, "invalid_request.body",
                      inquiry->options->is_read_only ? "a writing run"
                                                     : "a token with the scope run");
        return;
    }
    provoke(inquiry, "invalid_request", "body",
            &(struct question){
                .method = "POST", .path = "/api/parse", .token = token, .json = "{\"prompt\":5}"},
            &wrong_member);
}

/* ---- what is put in ---- */

static struct question request_of(const struct inquiry *inquiry, const struct handler *handler)
{
    return (struct question){.method = handler->has_body ? "POST" : "GET",
                             .path = handler->has_body ? "/api/parse" : LIST,
                             .token = token_of(inquiry),
                             .json = handler->has_body ? GOOD_PROMPT : NULL,
                             .takes_refusal = true};
}

/* The answer to the first request that met the fault, or the last that did not. */
static void meet(struct inquiry *inquiry, const struct handler *handler, struct answer *ret_answer)
{
    struct question question = request_of(inquiry, handler);

    for (unsigned i = 0; i < FAULT_TRIES; i++) {
        answer_done(ret_answer);
        *ret_answer = (struct answer){0};
        if (fault_put_in(inquiry, handler->fault, handler->times, handler->argument)) {
            (void)ask(inquiry, &question, ret_answer);
        }
        if (ret_answer->what.status != 200) {
            return;
        }
    }
}

/* As long as the error said, then the same request: it must succeed. */
static void recover(struct inquiry *inquiry, const struct handler *handler,
                    const struct answer *refused)
{
    cleanup(answer_done) struct answer answer = {0};
    struct question question = request_of(inquiry, handler);
    char id[INQUIRY_ID_BYTES] = "";
    char said[INQUIRY_OBSERVED_BYTES] = "";
    uint64_t wait_s = 0;

    if (decimal_parse_u64(exchange_header_of(&refused->what, "retry-after"), &wait_s) == OK &&
        wait_s <= INQUIRY_POLITE_WAIT_S) {
        inquiry_pause_ms(inquiry, (unsigned)wait_s * 1000);
    }
    (void)ask(inquiry, &question, &answer);
    answer_say(&answer, said);
    (void)snprintf(id, sizeof(id), "%s.recovery", handler->id);
    (void)found(inquiry, id, answer.what.status == 200, "the same request succeeds afterwards",
                "%s after %" PRIu64 " s", said, wait_s);
}

static void exercise(struct inquiry *inquiry, const struct handler *handler)
{
    cleanup(answer_done) struct answer answer = {0};
    char id[INQUIRY_ID_BYTES] = "";
    int64_t before = fault_hit_count(inquiry, handler->fault);

    meet(inquiry, handler, &answer);
    judge(inquiry, handler->id, "put_in", &answer, handler->rule);
    recover(inquiry, handler, &answer);
    int64_t after = fault_hit_count(inquiry, handler->fault);
    (void)snprintf(id, sizeof(id), "%s.counted", handler->id);
    (void)found(inquiry, id, before >= 0 && after > before, "the server counts the fault",
                "%" PRId64 " more", after - before);
}

/* The number of the latest line of the audit log; -1: it cannot be read. */
static int64_t latest_line(struct inquiry *inquiry)
{
    cleanup(answer_done) struct answer answer = {0};
    int64_t latest = -1;

    (void)ask(inquiry,
              &(struct question){.service = SERVICE_AUTH,
                                 .path = "/api/audit?limit=1",
                                 .token = inquiry->options->token},
              &answer);
    for (struct json_iterator it = json_iterate(json_at(answer.root, "items")); json_next(&it);) {
        latest = answer_number(it.value, "n");
    }
    return latest;
}

/* Lines about faults that were put in since then; *ret_status is what the log answered. */
static size_t count_lines(struct inquiry *inquiry, int64_t latest_before, int *ret_status)
{
    cleanup(answer_done) struct answer answer = {0};
    size_t lines = 0;

    (void)ask(inquiry,
              &(struct question){.service = SERVICE_AUTH,
                                 .path = "/api/audit?limit=100",
                                 .token = inquiry->options->token},
              &answer);
    for (struct json_iterator it = json_iterate(json_at(answer.root, "items")); json_next(&it);) {
        lines += answer_is(it.value, "action", "fault.armed") &&
                 answer_number(it.value, "n") > latest_before;
    }
    *ret_status = answer.what.status;
    return lines;
}

/* Who puts faults in stands in the audit log, which is written a moment later. */
static void judge_audit(struct inquiry *inquiry, int64_t latest_before)
{
    size_t lines = 0;
    int status = 0;

    for (unsigned i = 0; i < AUDIT_POLLS && lines < ARRAY_LENGTH(handlers); i++) {
        inquiry_pause_ms(inquiry, AUDIT_POLL_MS);
        lines = count_lines(inquiry, latest_before, &status);
    }
    (void)found(inquiry, "audit", latest_before >= 0 && lines >= ARRAY_LENGTH(handlers),
                "a line of the audit log for each fault", "HTTP %d, %zu lines", status, lines);
}

void check_error_handling(struct inquiry *inquiry)
{
    bool may_put_in = inquiry->allows_faults && !inquiry->options->is_read_only;

    provoke_all(inquiry);
    /* Where people and data are apart, the backend's lines are not in the log that can be read. */
    bool has_audit = may_put_in && inquiry->mode == MODE_ACCOUNTS && !deployment_is_apart(inquiry);
    int64_t latest_before = has_audit ? latest_line(inquiry) : 0;
    for (size_t i = 0; i < ARRAY_LENGTH(handlers); i++) {
        if (may_put_in) {
            exercise(inquiry, &handlers[i]);
        } else {
            char id[INQUIRY_ID_BYTES] = "";

            (void)snprintf(id, sizeof(id), "%s.put_in", handlers[i].id);
            not_exercised(inquiry, id,
                          inquiry->options->is_read_only ? "a writing run" : FAULTS_NEEDED);
        }
    }
    if (may_put_in) {
        faults_take_out(inquiry);
        if (has_audit) {
            judge_audit(inquiry, latest_before);
        }
    }
}
