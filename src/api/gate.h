/*
 * gate: who may pass, asked with the head of a request, before its body is read:
 *
 *     Host ─► who is it (auth/) ─► may they (the route's scope)
 *
 * What is refused is answered here. Private to api/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_GATE_H
#define NETRA_API_GATE_H

#include "api/visit.h"

/* Fills visit->who. False when it has been answered. route NULL: what has none (files of the page,
 * paths that are not there): only the server's name is compared. */
bool gate_pass(struct api *api, const struct http_request *request, const struct route *route,
               struct visit *visit);

/* The caller has what the column says: a scope, ROUTE_OPERATOR … */
bool gate_may(const struct auth_caller *who, unsigned scope);

/* "scope:run", "operator"; as a problem's needs. */
const char *gate_needs(unsigned scope);

#endif
