/*
 * gate: who may pass, asked with the head of a request, before its body is read:
 *
 *     the address's bucket ─► is it there ─► Origin ─► Host, who is it (auth/) ─► the user's
 *     buckets ─► may they (the route's scope) ─► faults that were put in
 *
 * What is refused is answered here. Private to api/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_GATE_H
#define NETRA_API_GATE_H

#include "api/limit.h"
#include "api/visit.h"

#define GATE_WAITS_MAX 3u /* for the auth service, of one request: its keys, then its word */

enum gate_result {
    GATE_REFUSED, /* it has been answered */
    GATE_OPEN,
    GATE_LATER /* the auth service is being asked: to be called again, with the same visit */
};

/* Fills visit->who. route NULL: what has none (files of the page, paths that are not there): only
 * the server's name is compared. */
enum gate_result gate_pass(struct api *api, const struct http_request *request,
                           const struct route *route, struct visit *visit);

/* The caller has what the column says: a scope, ROUTE_OPERATOR … */
bool gate_may(const struct auth_caller *who, unsigned scope);

/* "scope:run", "operator"; as a problem's needs. */
const char *gate_needs(unsigned scope);

/* A key or a service token: it has a bucket of its own. */
bool gate_is_of_key(const struct auth_caller *who);

/* Takes a token, and counts when there is none. *ret_text says whose it was. */
bool gate_take(struct api *api, enum api_limit limit, struct str key, struct limit_state *ret_state,
               const char **ret_text);

/* Faults may be put into answers of this route: not where one looks whether the server is well, nor
 * where faults are taken out. */
bool gate_takes_faults(const struct route *route);

#endif
