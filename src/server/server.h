/*
 * server: one process that serves everything: puts the rooms together, listens, and takes itself
 * apart in order when it is told to stop.
 *
 *     loop → log, metrics → store, records → what a crash left is tidied up → cache, auth, runner,
 *     api → http listens → runs that were open go on → "listening: …", "sign in: …"
 *
 *     SIGTERM, SIGINT: no new connection, WebSockets get 1012, answers under way end, runs under
 * way have drain_timeout_s, the rest stays open in the store → exit code 0. A second signal cuts.
 *     With an inherited socket others will serve what waits in it: for SERVER_LINGER_MS requests on
 *     idle connections are answered as ever, runs begin, and /health stays what it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_SERVER_H
#define NETRA_SERVER_SERVER_H

#include "server/config.h"

/* Serves until a signal ends it. Prints the two addresses to standard output and the log to
 * standard error. token: NULL when no bearer is accepted; borrowed. inherited_fd: a socket that
 * listens already and is the server's from now on (inherited.h), 0: none. ERR_IO (a store, the
 * address), ERR_UNSUPPORTED (data of a newer version), ERR_NO_MEMORY and what the parts say. */
must_check int server_run(const struct config *config, const char *token, int inherited_fd,
                          struct error *error);

#endif
