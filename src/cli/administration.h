/*
 * administration: what `netra user`, `key`, `workspace` and `audit` have in common: a table of
 * verbs, each with its words, answered by a running server.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_CLI_ADMINISTRATION_H
#define NETRA_CLI_ADMINISTRATION_H

#include "cli/command.h"
#include "cli/remote.h"
#include "json/json_write.h"

#define ADMINISTRATION_BODY_BYTES_MAX 65536u
#define ADMINISTRATION_WORDS_MAX      3

/* A command line taken apart: words[0] is the verb. Options that a command does not have are NULL.
 */
struct administration {
    const struct command *command;
    struct remote remote;
    const char *words[ADMINISTRATION_WORDS_MAX];
    int word_count;
    const char *role;
    const char *scopes;
    const char *days;
    const char *user;
    const char *limit;
};

struct administration_verb {
    const char *name;
    int words;         /* behind it */
    const char *usage; /* "EMAIL --role ROLE" */
    /* Exit code. */
    int (*run)(struct administration *call);
};

/* Reads the options, finds the verb, opens the remote and runs it. verbs ends with a NULL name. */
int administration_run(const struct command *command, const struct administration_verb *verbs,
                       int argc, char **argv);

/* Asks, and on failure prints why: the exit code, EXIT_DONE with *ret_root. */
int administration_ask(struct administration *call, const char *method, const char *path,
                       const struct buf *body, struct json_value *ret_root);

/* The same where nothing is shown but done, a sentence, unless --json. */
int administration_do(struct administration *call, const char *method, const char *path,
                      const struct buf *body, const char *done);

/* Every row of a paged list: row(item), behind a line of heading. */
int administration_list(struct administration *call, const char *path, const char *heading,
                        void (*row)(struct json_value item));

/* "/api/users/ID/reset-link"; false when id is none (told). before and behind are ours. */
bool administration_path(const struct administration *call, const char *before, const char *id,
                         const char *behind, char ret_path[REMOTE_PATH_BYTES_MAX]);

/* {"name": value, …} under construction. */
struct json_writer administration_body(struct buf *body);
void administration_put(struct json_writer *w, const char *name, const char *value);

/* --role is there and one of the three; else told. */
bool administration_has_role(const struct administration *call);

#endif
