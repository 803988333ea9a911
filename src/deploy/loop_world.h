/*
 * loop_world: the real world of a loop: this machine's clocks, processes, and HTTP.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_WORLD_H
#define NETRA_DEPLOY_LOOP_WORLD_H

#include "deploy/loop.h"
#include "verify/exchange.h"

struct loop_machine {
    const char *netra;                  /* this program's path */
    const char *folder;                 /* the loop's */
    volatile const int *is_interrupted; /* NULL: never */
    volatile const int *is_to_end;      /* the running command, too; NULL: never */
    void (*say)(struct str line);
    struct wire *wire; /* private */
};

/* ca_file: NULL for the system's. ERR_NO_MEMORY. */
must_check int loop_machine_open(struct loop_machine *machine, const char *ca_file,
                                 struct error *error);
void loop_machine_close(struct loop_machine *machine);

struct loop_world loop_world_of(struct loop_machine *machine);

#endif
