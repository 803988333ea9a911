/*
 * page: the web page, built into the program by tools/embed_page.py from build/web (`make web`).
 * Where it was not built, one file that says so.
 *
 * "/" is the page's document. Addresses that the page itself understands ("/threads/{id}") are
 * answered with it, too. Everything below "/assets/" is immutable.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_PAGE_H
#define NETRA_SERVER_PAGE_H

#include "http/static.h"

extern const struct http_files server_page;

#endif
