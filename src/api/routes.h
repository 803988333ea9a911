/*
 * routes: every route there is. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_ROUTES_H
#define NETRA_API_ROUTES_H

#include "api/route.h"

#define ROUTE_TABLES 25u

extern const struct route_table *const route_tables[ROUTE_TABLES];

/* The table as a page for people. */
void api_write_docs_page(struct buf *out);

#endif
