/*
 * Why an answer refuses: what stands in the answer says most of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/facts.h"
#include "verify/rules.h"

#define DIFFERENCE_S_LEAST 30.0 /* what access tokens forgive */
#define SLOW_MS            100.0
#define OWN_PART           0.5 /* less of the time than this is the server's own */

static bool is_far_off(const struct observation *const *seen)
{
    double seconds = 0;

    return fact_number(seen[0]->value, &seconds) &&
           (seconds >= DIFFERENCE_S_LEAST || seconds <= -DIFFERENCE_S_LEAST);
}

static bool is_slow(const struct observation *const *seen)
{
    double ms = 0;

    return fact_number(seen[0]->value, &ms) && ms > SLOW_MS;
}

static bool is_own_time_small(const struct observation *const *seen)
{
    double outside_ms = 0;
    double own_ms = 0;

    return fact_number(seen[0]->value, &outside_ms) && fact_number(seen[1]->value, &own_ms) &&
           own_ms < outside_ms * OWN_PART;
}

static bool is_used_up(const struct observation *const *seen)
{
    struct str stars[2];
    double used = 0;
    double limit = 0;

    return fact_matches("* of *", seen[0]->value, stars) && fact_number(stars[0], &used) &&
           fact_number(stars[1], &limit) && used >= limit * 0.9;
}

/* A list that is not empty says so by not being "none". */
static bool is_any(const struct observation *const *seen)
{
    return !str_equal(seen[0]->value, STR("none"));
}

static bool is_some(const struct observation *const *seen)
{
    double number = 0;

    return fact_number(seen[0]->value, &number) && number > 0;
}

/* A service of three has only its own part: what is not found there is no refusal. */
static bool is_refusal(const struct observation *const *seen)
{
    return !str_starts_with(seen[0]->value, STR("answered 404"));
}

static const struct rule items[] = {
    /* ---- not Netra ---- */
    {"",
     {{"probe", "who answers", "not Netra: *"}},
     NULL,
     "what answers GET /health is not Netra: {b1}",
     "not_netra",
     NULL},
    {"not_netra",
     {{"probe", "GET /health", "answered 502*"}},
     NULL,
     "a proxy {v1}: it does not reach the server behind it",
     NULL,
     "proxy_upstream_down"},
    {"not_netra",
     {{"probe", "GET /health", "answered 504*"}},
     NULL,
     "a proxy {v1}: the server behind it does not answer in time",
     NULL,
     "proxy_upstream_down"},
    {"not_netra",
     {{"probe", "GET /health", "answered *"}},
     NULL,
     "the answer is {v1}, which none of Netra's is",
     "other_program",
     "other_program"},
    {"other_program",
     {{"port", "listener of *", "process *"}, {"port", "program of *", "*"}},
     NULL,
     "{v1} listens on {a1} and runs {v2}",
     NULL,
     "other_program"},

    /* ---- refusals of Netra ---- */
    {"", {{"probe", "GET *", "answered 4*"}}, is_refusal, "{s1} is {v1}", "refusing", NULL},
    {"", {{"probe", "GET *", "answered 500*"}}, NULL, "{s1} is {v1}", "refusing", NULL},
    {"", {{"probe", "GET *", "answered 503: *"}}, NULL, "{s1} is {v1}", "refusing", NULL},
    {"refusing|socket_refused",
     {{"probe", "GET *", "answered 400: *speaks TLS*"}},
     NULL,
     "the port speaks TLS, says its answer: {v1}",
     NULL,
     "tls_port"},
    {"refusing|socket_refused",
     {{"probe", "GET *", "answered 403: *not known by this name*"}},
     NULL,
     "it refuses the name that it was asked by: {v1}",
     NULL,
     "host_refused"},
    {"refusing|socket_refused",
     {{"probe", "GET *", "answered 401: *"}},
     NULL,
     "it does not take the token: {v1}",
     NULL,
     "token_refused"},
    {"refusing|socket_refused",
     {{"probe", "GET *", "answered 403: *"}},
     NULL,
     "it takes the token, and not for this: {v1}",
     NULL,
     "permission_lacking"},
    {"refusing|socket_refused",
     {{"probe", "GET *", "answered 503: too many connections*"}},
     NULL,
     "as many connections are open as may be: {v1}",
     "connections",
     "connections_used_up"},
    {"refusing|socket_refused",
     {{"probe", "GET *", "answered 429: too many connections*"}},
     NULL,
     "as many connections are open as may be: {v1}",
     "connections",
     "connections_used_up"},
    {"connections",
     {{"config", "key http.connections_max", "*"}},
     NULL,
     "the configuration allows {v1}",
     NULL,
     "connections_used_up"},
    {"connections",
     {{"port", "connections of *", "*"}},
     NULL,
     "{v1} connections to {a1} are open",
     NULL,
     "connections_used_up"},
    {"refusing|socket_refused",
     {{"probe", "GET *", "answered 503: *file descriptor*"}},
     NULL,
     "it has no file descriptor left: {v1}",
     "files",
     "files_used_up"},
    {"files",
     {{"process", "files of *", "* of *"}},
     is_used_up,
     "{a1} has {v1} file descriptors in use",
     NULL,
     "files_used_up"},
    {"files",
     {{"port", "files of *", "* of *"}},
     is_used_up,
     "{a1} has {v1} file descriptors in use",
     NULL,
     "files_used_up"},
    {"files",
     {{"health", "faults armed", "*no_files*"}},
     NULL,
     "the fault no_files is armed: {v1}",
     NULL,
     "fault_armed"},
    {"refusing|socket_refused",
     {{"probe", "GET *", "answered 429: *"}},
     NULL,
     "more was asked than it answers: {v1}",
     NULL,
     "rate_limited"},
    {"refusing|socket_refused",
     {{"probe", "GET *", "answered 503: *out of memory*"}},
     NULL,
     "it gets no more memory: {v1}",
     "no_memory",
     "memory_limit_too_small"},
    {"refusing|socket_refused",
     {{"probe", "GET *", "answered 503: *data directory cannot be read or written*"}},
     NULL,
     "it cannot use its data folder: {v1}",
     "store_refused",
     NULL},
    {"refusing|socket_refused",
     {{"probe", "GET *", "answered 500*"}, {"log", "line * error", "internal error: *"}},
     NULL,
     "the server wrote: \"{v2}\"",
     NULL,
     "internal_error"},
    {"refusing|socket_refused",
     {{"health", "faults armed", "*"}},
     is_any,
     "faults are armed: {v1}",
     NULL,
     "fault_armed"},

    /* ---- what an answer tells beside its body ---- */
    {"",
     {{"clock", "difference", "*"}},
     is_far_off,
     "the server's clock differs from this machine's by {v1}",
     "clock",
     NULL},
    {"clock",
     {{"health", "faults armed", "*clock_jump*"}},
     NULL,
     "the fault clock_jump is armed",
     NULL,
     "fault_armed"},
    {"clock",
     {{"probe", "date of GET /health", "*"}},
     NULL,
     "its answer was dated {v1}",
     NULL,
     "clock_differs"},
    {"",
     {{"revision", "compared", "differs: *"}},
     NULL,
     "the released revision does not serve: {b1}",
     "revision",
     NULL},
    {"revision",
     {{"revision", "of the server", "*"}, {"revision", "of the process file", "*"}},
     NULL,
     "the server says that it is {v1}, and {v2} was released",
     NULL,
     "wrong_revision"},
    {"",
     {{"probe", "WebSocket /ws", "answered *"}},
     is_refusal,
     "the WebSocket is not opened: {v1}",
     "socket_refused",
     NULL},
    {"socket_refused",
     {{"probe", "WebSocket /ws", "answered 101*"}},
     NULL,
     "the answer is {v1}",
     NULL,
     "upgrade_stripped"},
    {"socket_refused",
     {{"probe", "WebSocket /ws", "answered 200*"}},
     NULL,
     "the answer is {v1}: the request came without its Upgrade",
     NULL,
     "upgrade_stripped"},
    {"socket_refused",
     {{"probe", "WebSocket /ws", "answered 4*"},
      {"probe", "who answers", "Netra *"},
      {"probe", "GET /api/threads", "answered 200"}},
     NULL,
     "the same token is taken by GET /api/threads, and /ws is {v1}",
     NULL,
     "upgrade_stripped"},
    {"socket_refused",
     {{"probe", "WebSocket /ws", "answered 5*"},
      {"probe", "who answers", "Netra *"},
      {"probe", "GET /api/threads", "answered 200"}},
     NULL,
     "the same token is taken by GET /api/threads, and /ws is {v1}",
     NULL,
     "upgrade_stripped"},
    {"",
     {{"probe", "time of GET /health", "median *"}},
     is_slow,
     "GET /health takes long: {v1}",
     "slow",
     NULL},
    {"slow",
     {{"probe", "time of GET /health", "median *"}, {"metric", "own time of GET /health", "*"}},
     is_own_time_small,
     "the server itself has it done in {v2} on average, of {v1}",
     NULL,
     "way_slow"},
    {"slow",
     {{"health", "check loop", "degraded: *"}},
     NULL,
     "the server says that it is late: {b1}",
     NULL,
     "loop_late"},
    {"slow|check_failed",
     {{"metric", "netra_runs_waiting", "*"}},
     is_some,
     "{v1} runs wait for a place",
     NULL,
     "runs_wait"},
};

const struct rules rules_of_answers = {items, ARRAY_LENGTH(items)};
