/*
 * config_role: what the configuration says about a deployment of three processes: which of them
 * this one is, and where each is found. Private to server/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_CONFIG_ROLE_H
#define NETRA_SERVER_CONFIG_ROLE_H

#include "server/config.h"

/* In the order of the key's choices. */
enum config_role {
    CONFIG_ROLE_ALL,
    CONFIG_ROLE_BACKEND,
    CONFIG_ROLE_AUTH,
    CONFIG_ROLE_FRONTEND,
    CONFIG_ROLE_COUNT
};

static inline enum config_role config_role(const struct config *config)
{
    return (enum config_role)config_number(config, CONFIG_ROLE);
}

/* Threads, runs, records: all, backend. */
static inline bool config_has_runs(const struct config *config)
{
    return config_role(config) <= CONFIG_ROLE_BACKEND;
}

/* People and keys: all (accounts mode), auth. */
static inline bool config_keeps_accounts(const struct config *config)
{
    return config_role(config) == CONFIG_ROLE_ALL || config_role(config) == CONFIG_ROLE_AUTH;
}

/* The page: all, frontend. */
static inline bool config_has_page(const struct config *config)
{
    return config_role(config) == CONFIG_ROLE_ALL || config_role(config) == CONFIG_ROLE_FRONTEND;
}

/* Where a service of that role is found; NULL: not said, or no service. */
const char *config_service_url(const struct config *config, enum config_role role);

/* Where people find this process: public_url, or the service.*_url of its role; NULL: not said. */
const char *config_own_url(const struct config *config);

/* A role needs accounts mode and the addresses of those that it asks; addresses have no path; a
 * public_url says the same as the role's own. ERR_USAGE. */
must_check int config_check_role(const struct config *config, struct error *error);

#endif
