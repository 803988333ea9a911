/*
 * page: the files of the web page, which are built into the program. Paths of the page's own router
 * ("/threads/…") give its index. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_PAGE_H
#define NETRA_API_PAGE_H

#include "api/route.h"

#define PAGE_POLICY_BYTES 1024u

/* The file that a GET or HEAD of a path without a route gets; NULL: none. */
const struct http_file *page_find(const struct http_files *page,
                                  const struct http_request *request);

/* Where people find the page: here, or where another process serves it. Without "/" at its end. */
const char *page_url(const struct api *api);

/* The Content-Security-Policy of the page. connects: whom it may ask beside us; NULL: nobody. */
void page_print_policy(const char *connects, char ret_policy[PAGE_POLICY_BYTES]);

/* 200 or 304 with the headers that confine the page to this server. */
void page_reply(struct api *api, const struct http_request *request, const struct http_file *file);

#endif
