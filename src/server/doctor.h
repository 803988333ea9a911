/*
 * doctor: an installation looked at without changing it: program and libraries, machine,
 * configuration, data folder, both databases, back-ups. Every line says what was found, and what to
 * do about it when something is to be done.
 *
 *     doctor_machine.c         libraries, clock, certificates, prices, limits, port
 *     doctor_configuration.c   as a start would read it: values, secrets, their files
 *     doctor_data.c            the folder: owner, rights, who uses it, room
 *     doctor_databases.c       schema, pages, references, audit log, datasets and their records
 *     doctor_backups.c         the newest back-up of a folder
 *
 * Reading takes as long as reading both files once. It can run beside a server. Blocking; one
 * thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_DOCTOR_H
#define NETRA_SERVER_DOCTOR_H

#include "server/config.h"

#define DOCTOR_TEXT_BYTES_MAX  320
#define DOCTOR_BACKUP_HOURS    48 /* an older back-up is a warning */
#define DOCTOR_BACKUPS_MAX     10000u
#define DOCTOR_PRICE_DAYS      180
#define DOCTOR_WAL_BYTES_LARGE ((uint64_t)512 << 20)
#define DOCTOR_MEMORY_LEAST    ((uint64_t)256 << 20)
#define DOCTOR_INODES_LOW      1000u

enum doctor_state {
    DOCTOR_OK,
    DOCTOR_WARNING, /* works, but not for long, or not as well as it could */
    DOCTOR_PROBLEM, /* does not work, or loses something */
    DOCTOR_UNKNOWN, /* could not be found out: the text says what that needs */
    DOCTOR_STATES
};

struct doctor_finding {
    enum doctor_state state;
    const char *check; /* "netra.db" */
    char text[DOCTOR_TEXT_BYTES_MAX];
    char advice[DOCTOR_TEXT_BYTES_MAX]; /* empty: nothing is to be done */
};

typedef void (*doctor_fn)(const struct doctor_finding *finding, void *arg);

struct doctor_request {
    struct config *config; /* the layers as they could be read; its data_dir may be filled in */
    const struct error *unread; /* why the layers could not be read; NULL: they could */
    config_environment_fn *environment;
    const char *backups; /* folder with back-ups; NULL: none is looked at */
    doctor_fn tell;
    void *arg;
};

/* "ok", "warning", "problem", "unknown". */
const char *doctor_state_name(enum doctor_state state);

/* Tells every finding, in the order of looking; counts[state] is how many there were. */
void doctor_run(const struct doctor_request *request, unsigned counts[DOCTOR_STATES]);

#endif
