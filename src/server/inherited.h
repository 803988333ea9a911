/*
 * inherited: the listening socket that whoever started this process has opened (systemd's socket
 * units, the local target of `netra deploy`) and keeps when the process ends, so that connections
 * wait in its queue until the next process takes them. As sd_listen_fds(3) says it:
 *
 *     LISTEN_PID=<our pid>   LISTEN_FDS=1   descriptor 3 is the socket
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_INHERITED_H
#define NETRA_SERVER_INHERITED_H

#include "server/config.h"

#define INHERITED_FD          3  /* SD_LISTEN_FDS_START */
#define INHERITED_SOCKETS_MAX 1u /* one address is served */

struct inherited {
    int fd;                                     /* 0: none */
    char listen[CONFIG_ADDRESS_BYTES_MAX + 16]; /* as the key "listen" has it: "[::1]:8421" */
};

/* fd 0 when the variables are absent or meant for another process. ERR_USAGE: more than
 * INHERITED_SOCKETS_MAX, or what descriptor 3 is: not a TCP socket that listens. Changes nothing.
 */
must_check int inherited_find(config_environment_fn *environment, struct inherited *ret_inherited,
                              struct error *error);

/* The variables are gone from the environment: a process that this one starts has no socket of
 * ours. Before any thread is. */
void inherited_forget(void);

#endif
