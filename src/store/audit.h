/*
 * audit: the chain of hashes of the audit log. The hash of a line is SHA-256 over
 *
 *     hash of the line before    32 bytes; zeroes for the first
 *     n, time_us                 8 bytes each, the most significant first
 *     workspace_id, actor_id, credential_id, action, target, address, detail
 *                                each: its length in 8 bytes, then its bytes
 *
 * so that no two different logs are hashed from the same bytes. The chain shows that a line was
 * changed, taken out, put in or moved; it cannot show that somebody with the file wrote the whole
 * log anew: for that its last hash has to be kept elsewhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_AUDIT_H
#define NETRA_STORE_AUDIT_H

#include <sqlite3.h>

#include "store/accounts.h"

/* ERR_NO_MEMORY. */
must_check int audit_hash(const unsigned char before[STORE_HASH_BYTES],
                          const struct store_audit *line, unsigned char ret_hash[STORE_HASH_BYTES]);

/* The first line that is not what was written, or is missing, of a connection that has audit_hash
 * (audit_register); 0: there is none. ret_lines: how many there are. A file without the log has no
 * lines. SQLite's result. */
must_check int audit_find_break(sqlite3 *db, int64_t *ret_lines, int64_t *ret_broken);

/* Gives a connection the SQL function audit_hash(before, n, time_us, …), which the writer uses.
 * SQLite's result. */
must_check int audit_register(sqlite3 *db);

#endif
