/*
 * loop_leftover: a command that outlived the loop that started it. It is known again by what the
 * kernel says of it: its words are the last ones of its command line, and the loop's folder is in
 * its environment. So it is found whenever the loop was killed, also before it could have written
 * down a process id; and what the command itself started (a server, say) has other words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_LEFTOVER_H
#define NETRA_DEPLOY_LOOP_LEFTOVER_H

#include "base/error.h"

#define LOOP_LEFTOVER_VARIABLE "NETRA_LOOP_DIR="
#define LOOP_LEFTOVER_TERM_MS  6000 /* from SIGTERM to SIGKILL: netra deploy rolls back in it */
#define LOOP_LEFTOVER_KILL_MS  5000

/* Ends its process group and waits for its end. words ends with NULL. Returns how many there were;
 * ERR_IO (one does not end), ERR_NO_MEMORY. */
must_check int loop_leftover_end(const char *const *words, const char *folder, struct error *error);

#endif
