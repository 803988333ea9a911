/*
 * What the tests of prose share: facts and names to write about, and one way to have a text judged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_PROSE_SUPPORT_H
#define NETRA_TESTS_PROSE_SUPPORT_H

#include "report/prose.h"

/* Rules over a set of facts of every state and unit; all that exist are offered but
 * {secret.total}. Lives until the program ends. */
const struct prose_rules *prose_sample_rules(void);

struct judged {
    int code;
    struct error error;
    struct buf out;      /* what was shown */
    struct buf template; /* the paragraphs, a line each; empty when refused */
};

/* Feeds text in pieces of step bytes. */
void judge(const struct prose_rules *rules, struct str text, size_t step, struct judged *ret);
void judged_done(struct judged *judged);

#endif
