/*
 * config_layers: the configuration of the server, for commands that look at what it works with: its
 * file, then the environment; flags are the command's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_CLI_CONFIG_LAYERS_H
#define NETRA_CLI_CONFIG_LAYERS_H

#include "server/config.h"

/* named: the file of --config; NULL: where config_find_file finds one, if any. config was
 * initialised. ERR_USAGE, ERR_NO_MEMORY. */
must_check int read_config_layers(struct config *config, const char *named, struct error *error);

/* Only the folder: data_dir where it is not NULL, else what the layers say. Appended to path, with
 * the buf's NUL behind it. ERR_USAGE, ERR_NO_MEMORY. */
must_check int read_data_dir(const char *data_dir, const char *named, struct buf *path,
                             struct error *error);

#endif
