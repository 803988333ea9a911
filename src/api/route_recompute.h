/*
 * route_recompute: the handler of POST /api/reports/{id}/recompute; its row is in route_reports.c.
 * Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_ROUTE_RECOMPUTE_H
#define NETRA_API_ROUTE_RECOMPUTE_H

#include "api/route.h"

void route_recompute(const struct call *call);

#endif
