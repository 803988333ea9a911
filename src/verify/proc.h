/*
 * proc: what Linux tells about a process of this machine. Everything may have changed a moment
 * later; nothing is changed by it. Private to verify/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_PROC_H
#define NETRA_VERIFY_PROC_H

#include "verify/look.h"

#define PROC_PATH_BYTES  128u
#define PROC_NAME_BYTES  64u
#define PROC_STATE_BYTES 32u

/* Words of a line of /proc, at most max of them: pieces of line, which ends with a NUL. */
size_t proc_words(const char *line, struct str *ret_words, size_t max);

/* Its program's name, without control characters; false: there is no such process. */
bool proc_program(pid_t pid, char ret_name[PROC_NAME_BYTES]);

/* "alive (sleeping)", "stopped", "ended" (nobody has asked for its end yet). */
bool proc_state(pid_t pid, char ret_state[PROC_STATE_BYTES]);

/* When it was started, wall clock; 0: unknown. Exact to some 10 ms. */
int64_t proc_started_us(pid_t pid);

/* "port 8421, port 9000"; false: it listens nowhere, or may not be looked at. */
bool proc_listens_on(pid_t pid, char *ret_text, size_t capacity);

#endif
