/*
 * prompts: what models are told, word for word: the files of prompts/, carried in the program. A
 * file begins with its version; whoever changes its text raises that, because reports name it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_PROMPTS_H
#define NETRA_AGENT_PROMPTS_H

#include "base/str.h"

struct prompt_file {
    const char *name; /* "write" */
    struct str id;    /* "write@1" */
    struct str text;  /* behind the line with the version */
};

/* In the order of a run: interpret, plan, write, repair. */
const struct prompt_file *prompt_files(size_t *ret_count);

/* A bug (check) when there is none of that name. */
const struct prompt_file *prompt_find(const char *name);

#endif
