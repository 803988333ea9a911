/*
 * page: the files of the web page, which are built into the program. Paths of the page's own router
 * ("/threads/…") give its index. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_PAGE_H
#define NETRA_API_PAGE_H

#include "api/route.h"

/* The file that a GET or HEAD of a path without a route gets; NULL: none. */
const struct http_file *page_find(const struct http_files *page,
                                  const struct http_request *request);

/* 200 or 304 with the headers that confine the page to this server. */
void page_reply(struct api *api, const struct http_request *request, const struct http_file *file);

#endif
