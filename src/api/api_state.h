/*
 * api_state: what the files of api/ share. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_API_STATE_H
#define NETRA_API_API_STATE_H

#include "api/route.h"

struct api {
    struct api_options options;
    struct http_server *server;
    struct runner *runner;
    struct price_book *book;
    struct subscribers *subscribers;
    struct json_parser *parser; /* of request bodies */
    struct buf scratch;         /* the answer under construction; loop thread, one at a time */
    struct json_writer writer;
    unsigned jobs; /* uploads and tool calls on workers: api_free waits for none, so it must be 0 */
};

#endif
