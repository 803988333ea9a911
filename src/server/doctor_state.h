/*
 * doctor_state: what the files of doctor share. Private to server/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_DOCTOR_STATE_H
#define NETRA_SERVER_DOCTOR_STATE_H

#include <stdbool.h>

#include "server/doctor.h"

struct doctor {
    const struct doctor_request *request;
    const struct config *config;
    const char *data_dir; /* NULL: it is not known */
    bool has_folder;
    bool is_used;      /* by a server, or it could not be found out */
    int holder;        /* its process; 0: not known */
    int64_t newest_us; /* of what is stored; 0: nothing */
    unsigned *counts;
};

/* advice may be NULL. */
void doctor_say(struct doctor *doctor, enum doctor_state state, const char *check,
                const char *advice, const char *format, ...) printf_like(5, 6);

/* An error of another room: its message, its hint as advice. */
void doctor_say_error(struct doctor *doctor, enum doctor_state state, const char *check,
                      const struct error *error);

/* A small file of the system ("/proc/self/cgroup"); false: it cannot be read. */
bool doctor_read_text(const char *path, char *text, size_t size);

void doctor_look_at_program(struct doctor *doctor);
void doctor_look_at_configuration(struct doctor *doctor);
void doctor_look_at_folder(struct doctor *doctor);
void doctor_look_at_databases(struct doctor *doctor);
void doctor_look_at_machine(struct doctor *doctor);
void doctor_look_at_backups(struct doctor *doctor);

#endif
