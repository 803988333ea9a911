/*
 * address_table: how many connections are open from each address. An IPv6 address stands for its
 * /64, which is what one client is given; an IPv4 address for itself.
 *
 * Open addressing with linear probing in twice as many rows as there can be connections, so that it
 * never grows and is never full; the hash is seeded, since clients choose their addresses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_ADDRESS_TABLE_H
#define NETRA_HTTP_ADDRESS_TABLE_H

#include "base/error.h"
#include "http/address.h"

struct address_row;

struct address_table {
    struct address_row *rows; /* NULL: nothing is counted */
    size_t row_count;         /* a power of two */
    uint64_t seed;
};

/* ERR_NO_MEMORY, ERR_IO (no random bytes). */
must_check int address_table_init(struct address_table *table, size_t connections_max);
void address_table_done(struct address_table *table);

/* One more; how many there are now. */
unsigned address_table_add(struct address_table *table, const struct ip_address *address);
/* One less of what was added. */
void address_table_remove(struct address_table *table, const struct ip_address *address);

#endif
