/* SPDX-License-Identifier: Apache-2.0 */
#include "http/address_table.h"

#include <sys/random.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/check.h"

#define V6_CLIENT_BYTES 8u /* a /64 */

struct address_row {
    struct ip_address address;
    unsigned connections; /* 0: the row is free */
};

int address_table_init(struct address_table *table, size_t connections_max)
{
    uint64_t seed;
    size_t rows = 2;

    while (rows < 2 * connections_max) {
        rows *= 2;
    }
    if (getrandom(&seed, sizeof(seed), /* flags */ 0) != (ssize_t)sizeof(seed)) {
        return ERR_IO;
    }
    struct address_row *memory = alloc_zeroed(rows, sizeof(*memory));
    if (!memory) {
        return ERR_NO_MEMORY;
    }
    *table = (struct address_table){.rows = memory, .row_count = rows, .seed = seed};
    return OK;
}

void address_table_done(struct address_table *table)
{
    alloc_free(table->rows);
    *table = (struct address_table){.rows = NULL};
}

static struct ip_address client_of(const struct ip_address *address)
{
    struct ip_address client = *address;

    if (!address_is_v4(address)) {
        memset(client.bytes + V6_CLIENT_BYTES, 0, ADDRESS_BYTES - V6_CLIENT_BYTES);
    }
    return client;
}

static size_t home_of(const struct address_table *table, const struct ip_address *client)
{
    return (size_t)XXH3_64bits_withSeed(client->bytes, ADDRESS_BYTES, table->seed) &
           (table->row_count - 1);
}

/* The row of the address, or the free one where it belongs. */
static size_t find(const struct address_table *table, const struct ip_address *client)
{
    size_t at = home_of(table, client);

    while (table->rows[at].connections && !address_equal(&table->rows[at].address, client)) {
        at = (at + 1) & (table->row_count - 1);
    }
    return at;
}

unsigned address_table_add(struct address_table *table, const struct ip_address *address)
{
    struct ip_address client = client_of(address);
    struct address_row *row = &table->rows[find(table, &client)];

    row->address = client;
    return ++row->connections;
}

/* Moves what stands behind a hole into it when it could not be found otherwise. */
static void close_hole(struct address_table *table, size_t hole)
{
    size_t mask = table->row_count - 1;

    for (size_t at = (hole + 1) & mask; table->rows[at].connections; at = (at + 1) & mask) {
        size_t home = home_of(table, &table->rows[at].address);

        if (((at - home) & mask) >= ((at - hole) & mask)) {
            table->rows[hole] = table->rows[at];
            table->rows[at].connections = 0;
            hole = at;
        }
    }
}

void address_table_remove(struct address_table *table, const struct ip_address *address)
{
    struct ip_address client = client_of(address);
    size_t at = find(table, &client);

    check(table->rows[at].connections > 0);
    if (--table->rows[at].connections == 0) {
        close_hole(table, at);
    }
}
