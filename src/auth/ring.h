/*
 * ring: records in a row, in the order of entering; the links are in the records. A ring that is
 * empty, and a record that is in none, points to itself.
 *
 *     for (struct ring *at = head.next; at != &head; at = at->next) …
 *
 * Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_RING_H
#define NETRA_AUTH_RING_H

#include <stdbool.h>

struct ring {
    struct ring *next;
    struct ring *previous;
};

static inline void ring_init(struct ring *ring)
{
    ring->next = ring;
    ring->previous = ring;
}

static inline bool ring_is_empty(const struct ring *ring)
{
    return ring->next == ring;
}

static inline void ring_add_last(struct ring *head, struct ring *entry)
{
    entry->previous = head->previous;
    entry->next = head;
    head->previous->next = entry;
    head->previous = entry;
}

/* Also for one that is in no ring. */
static inline void ring_remove(struct ring *entry)
{
    entry->next->previous = entry->previous;
    entry->previous->next = entry->next;
    ring_init(entry);
}

#endif
