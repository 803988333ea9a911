/*
 * journal_line: what reading and writing a journal share. For journal.c and journal_read.c only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_JOURNAL_LINE_H
#define NETRA_DEPLOY_JOURNAL_LINE_H

#include "deploy/journal.h"

#define JOURNAL_HASH_NAME ",\"hash\":\""
/* The name, 64 digits, a quote and the end of the object. */
#define JOURNAL_HASH_MEMBER_BYTES (sizeof(JOURNAL_HASH_NAME) - 1 + DIGEST_TEXT_BYTES - 1 + 2)

/* Of a line's bytes up to its hash, in the chain behind before. ERR_NO_MEMORY. */
must_check int journal_line_hash(const char *before, struct str body,
                                 char ret_hash[DIGEST_TEXT_BYTES]);

/* Puts an entry, whose texts live as long as the journal, behind the others. ERR_LIMIT,
 * ERR_NO_MEMORY. */
must_check int journal_keep(struct journal *journal, const struct journal_entry *entry);

#endif
