/*
 * idempotency: requests that are sent twice. The answer of a request that changes something is kept
 * under its Idempotency-Key, durable before it is sent, and given again to the same request:
 *
 *     on_request ─► kept? the same request: its answer again; another: 422
 *                   under way? 409
 *                   else ─► handler ─► answer: copied, stored ─► sent
 *
 * A key is its user's, in one workspace. What tells requests apart is SHA-256 of method, path,
 * query and body. Answers that say "try again" (429, 5xx) and those over
 * IDEMPOTENCY_BODY_BYTES_MAX are sent without being kept; if the store refuses to keep one, it is
 * sent all the same: it has happened.
 *
 * The id of what a request makes is derived from its key (call_new_id), so that a repetition finds
 * what was made, also when the process died between making it and keeping the answer.
 *
 * Kept for streams, uploads, what is under /auth and answers that hold secrets: nothing. Private to
 * api/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_IDEMPOTENCY_H
#define NETRA_API_IDEMPOTENCY_H

#include "api/route.h"
#include "loop/uuid.h"

#define IDEMPOTENCY_KEY_BYTES_MAX  255u
#define IDEMPOTENCY_BODY_BYTES_MAX 65536u /* of an answer; a longer one is not kept */
#define IDEMPOTENCY_HOURS          24
#define IDEMPOTENCY_STALE_MS       600000u /* no answer came and the client has left: forgotten */
#define IDEMPOTENCY_SWEEP_MS       600000u /* what has ended leaves the store that often */

struct idempotency;

/* 1 to IDEMPOTENCY_KEY_BYTES_MAX visible ASCII characters. */
bool idempotency_is_key(struct str text);

/* True: the handler is to go on. False: it has been answered. */
bool idempotency_begin(const struct call *call);

/* The answer of a request that came with a key: true when it is kept, and sent when that is
 * durable; false: the caller sends it. */
bool idempotency_take(struct api *api, http_id id, const struct http_reply *reply);

/* The request came with a key. */
bool idempotency_has_key(const struct call *call);

/* The id of what the call makes, one for each `what` ("thread"): derived from the key, or new.
 * ERR_IO (no randomness). */
must_check int call_new_id(const struct call *call, const char *what, char ret_id[UUID_BYTES],
                           struct error *error);

/* By the api's timer: forgets what is stale, sweeps the store. */
void idempotency_tick(struct api *api, uint64_t now_ms);

void idempotency_free_all(struct api *api);

/* Pure: the parts above that tests look at. */
void idempotency_fingerprint(const struct http_request *request, unsigned char ret[32]);
void idempotency_derive_id(struct str workspace, struct str owner, struct str key, const char *what,
                           char ret_id[UUID_BYTES]);

#endif
