/*
 * hosts: the names that this server is known by, compared with Host (against DNS rebinding) and
 * Origin (against pages of others). Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_HOSTS_H
#define NETRA_AUTH_HOSTS_H

#include "auth/auth.h"

struct hosts {
    char *names[AUTH_HOSTS_MAX];
    size_t lengths[AUTH_HOSTS_MAX];
    size_t count;
};

/* "localhost:8421", "[::1]:8421", "netra.example.org": as a client writes it, without the port
 * where it is the scheme's own. ERR_INVALID (empty, or one too many), ERR_NO_MEMORY. */
must_check int hosts_add(struct hosts *hosts, const char *name);
void hosts_done(struct hosts *hosts);

/* The value of a Host header is one of ours; an empty one is not. */
bool hosts_has_host(const struct hosts *hosts, struct str host);

/* The value of an Origin header is a page of ours; "null" and an empty one are not. */
bool hosts_has_origin(const struct hosts *hosts, struct str origin);

#endif
