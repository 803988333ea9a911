/*
 * deploy_status: `netra deploy --status`: what serves now, as the target says. Changes nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_CLI_DEPLOY_STATUS_H
#define NETRA_CLI_DEPLOY_STATUS_H

#include <stdbool.h>

#include "deploy/release.h"

/* Asks for each service of the options (none: "all") and prints the answers. Returns the exit code:
 * 0 every one is ready, 1 one is not, or could not be asked for. */
int deploy_status(const struct release_options *options, bool as_json);

#endif
