/*
 * route_live: what api.c must know of the routes that stay open. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_ROUTE_LIVE_H
#define NETRA_API_ROUTE_LIVE_H

struct api;

/* Forgets the clients of runs that the runner will not accept any more: at the end, when neither
 * runner nor store calls back. */
void live_free_pending(struct api *api);

#endif
