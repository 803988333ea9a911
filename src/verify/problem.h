/*
 * problem: an answer that refuses, as docs/protocol.md has it (RFC 9457). Private to verify/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_PROBLEM_H
#define NETRA_VERIFY_PROBLEM_H

#include "verify/inquiry.h"

#define PROBLEM_WRONG_BYTES 200u

struct problem_rule {
    int status; /* 0: any of 400, 404, 405, 409, 413, 415, 422 */
    const char *code;
    const char *recovery;
    bool has_login_url;   /* and WWW-Authenticate */
    bool has_retry_after; /* whole seconds */
    bool has_trace_id;    /* 32 hexadecimal digits */
    bool has_pointer;     /* errors with one that names the member */
};
extern const struct problem_rule problem_auth_failed, problem_rate_limited, problem_unavailable,
    problem_invalid_request, problem_internal_error, problem_forbidden;

/* True, or false with what is wrong. */
bool problem_fits(const struct answer *answer, const struct problem_rule *rule,
                  char ret_wrong[PROBLEM_WRONG_BYTES]);

#endif
