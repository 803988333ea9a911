/*
 * limits: who may how much, from the configuration: 0 is a default that depends on the mode. Local
 * mode serves one user on this machine, who is not limited unless the configuration says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_LIMITS_H
#define NETRA_SERVER_LIMITS_H

#include "api/api.h"
#include "server/config.h"

struct api_limits server_limits(const struct config *config);

#endif
