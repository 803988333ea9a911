/*
 * config_read: the text of a file, apart from reading it, for tests and fuzzers. Private to
 * server/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_CONFIG_READ_H
#define NETRA_SERVER_CONFIG_READ_H

#include "server/config.h"

/* path: for messages. ERR_USAGE, ERR_NO_MEMORY. */
must_check int config_read_text(struct config *config, const char *path, struct str text,
                                struct error *error);

#endif
