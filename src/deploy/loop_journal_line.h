/*
 * loop_journal_line: what reading and writing a journal share. For journal.c and
 * loop_journal_read.c only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_JOURNAL_LINE_H
#define NETRA_DEPLOY_LOOP_JOURNAL_LINE_H

#include "deploy/loop_journal.h"

#define LOOP_JOURNAL_HASH_NAME ",\"hash\":\""
/* The name, 64 digits, a quote and the end of the object. */
#define LOOP_JOURNAL_HASH_MEMBER_BYTES                                                             \
    (sizeof(LOOP_JOURNAL_HASH_NAME) - 1 + DIGEST_TEXT_BYTES - 1 + 2)

/* Of a line's bytes up to its hash, in the chain behind before. ERR_NO_MEMORY. */
must_check int loop_journal_line_hash(const char *before, struct str body,
                                      char ret_hash[DIGEST_TEXT_BYTES]);

/* Puts an entry, whose texts live as long as the journal, behind the others. ERR_LIMIT,
 * ERR_NO_MEMORY. */
must_check int loop_journal_keep(struct loop_journal *journal, const struct loop_entry *entry);

#endif
