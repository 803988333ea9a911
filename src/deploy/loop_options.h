/*
 * loop_options: what `netra loop` was told. One table says which options there are, what they may
 * be, and to which commands they are handed on; it makes the command line, its help, the journal's
 * first line and the words of the steps' commands.
 *
 * An option is kept as the text "name=value" (a flag: "name"), as the journal has it. Texts from a
 * journal are checked like those from a command line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_OPTIONS_H
#define NETRA_DEPLOY_LOOP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

#define LOOP_OPTIONS_MAX         64u
#define LOOP_OPTION_BYTES_MAX    4096u
#define LOOP_CYCLES_DEFAULT      5u
#define LOOP_OPTIONS_MEMORY_MAX  ((size_t)1 << 20)
#define LOOP_HEALTHY_SECONDS_MAX 3600
#define LOOP_SAMPLES_MAX         10000
#define LOOP_CYCLES_MAX          100

enum loop_use {
    LOOP_USE_VERIFY = 1,   /* handed on to netra verify */
    LOOP_USE_DIAGNOSE = 2, /* to netra diagnose */
    LOOP_USE_DEPLOY = 4,   /* to netra deploy */
    LOOP_USE_STATUS = 128, /* to netra deploy --status */
    LOOP_IS_FLAG = 8,      /* has no value */
    LOOP_IS_PATH = 16,     /* made absolute, so that a loop can be resumed from anywhere */
    LOOP_IS_LIST = 32,     /* may be given more than once */
    LOOP_IS_PROGRAM = 64,  /* a path when it has a slash, else found by PATH */
};

struct loop_option {
    const char *name;
    const char *value; /* of the help; NULL: a flag */
    const char *what;
    unsigned uses;
    uint64_t least, most; /* of numbers; 0, 0: a text */
};

#define LOOP_OPTION_COUNT 23u
extern const struct loop_option loop_option_table[LOOP_OPTION_COUNT];

struct loop_options {
    struct arena arena;
    struct str texts[LOOP_OPTIONS_MAX];
    size_t count;
};

void loop_options_init(struct loop_options *options);
void loop_options_done(struct loop_options *options);

/* value: NULL for a flag. base: the folder that a path is relative to. ERR_USAGE (given twice, no
 * number, out of range, too long), ERR_LIMIT, ERR_NO_MEMORY. */
must_check int loop_options_add(struct loop_options *options, const struct loop_option *option,
                                const char *value, const char *base, struct error *error);

/* From a journal. ERR_INVALID and those of loop_options_add. */
must_check int loop_options_read(struct loop_options *options, const struct str *texts,
                                 size_t count, struct error *error);

/* Whether they are enough to begin with. ERR_USAGE. */
must_check int loop_options_check(const struct loop_options *options, struct error *error);

/* The option's value, which ends with a NUL; NULL: it was not given. */
const char *loop_options_value(const struct loop_options *options, const char *name);
bool loop_options_has(const struct loop_options *options, const char *name);
uint64_t loop_options_number(const struct loop_options *options, const char *name,
                             uint64_t otherwise);

/* The row of a text "name=value"; NULL: there is none. */
const struct loop_option *loop_options_row(struct str text);

/* Whether each text of some is among those of all: what is said again at a resumption. Returns the
 * first that is not; {NULL, 0}: all are. */
struct str loop_options_missing(const struct loop_options *some, const struct loop_options *all);

#endif
