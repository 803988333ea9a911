/*
 * config_access: whether what the configuration says about who may reach the server fits together.
 * Private to server/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_CONFIG_ACCESS_H
#define NETRA_SERVER_CONFIG_ACCESS_H

#include "server/config.h"

#define CONFIG_PUBLIC_URL_BYTES_MAX 150u
#define CONFIG_STAGING              "staging" /* the deployment that may take faults from afar */

/* Beyond loopback: accounts mode, and TLS or a public_url of https (a proxy in front); no faults
 * but on staging. Both TLS files or none. public_url: http or https, a name, no path. ERR_USAGE. */
must_check int config_check_access(const struct config *config, struct error *error);

static inline bool config_has_accounts(const struct config *config)
{
    return config_number(config, CONFIG_AUTH_MODE) != 0;
}

#endif
