/*
 * loop_folder: where loops are kept: $XDG_STATE_HOME/netra/loop/PROJECT/TIME, or a folder that was
 * named.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_CLI_LOOP_FOLDER_H
#define NETRA_CLI_LOOP_FOLDER_H

#include <limits.h>

#include "base/error.h"

/* A path as it was named, absolute. ERR_USAGE: too long. */
must_check int loop_folder_at(const char *path, const char *here, char ret_folder[PATH_MAX],
                              struct error *error);

/* A new name, by the time of day; nothing is made. ERR_USAGE: there is no HOME. */
must_check int loop_folder_new(const char *project, char ret_folder[PATH_MAX], struct error *error);

/* The last one that was begun. ERR_USAGE: there is none. */
must_check int loop_folder_newest(const char *project, char ret_folder[PATH_MAX],
                                  struct error *error);

#endif
