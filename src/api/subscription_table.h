/*
 * subscription_table: which socket listens to which run, found from both sides in O(1): by run, for
 * what is published, and by socket, for what happens to a client. It sends nothing.
 *
 *     topics    [run_id]  → topic    → subscription ⇄ subscription …
 *     listeners [http_id] → listener → subscription ⇄ subscription …
 *
 * Sending may end a socket, and http then calls back in the middle of a walk. So a subscription
 * that is dropped between _enter and _leave is only unlinked and marked: it keeps its forward
 * pointers, which lead the walk on to what is still there, and is freed by the outermost _leave.
 *
 * Private to api/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_SUBSCRIPTION_TABLE_H
#define NETRA_API_SUBSCRIPTION_TABLE_H

#include "api/subscribers.h"

#define SUBSCRIPTION_BUCKETS 4096u /* of each side; they never grow: 64 KiB for both */

struct subscription {
    struct subscription *topic_next;
    struct subscription *listener_next;
    struct topic *topic;       /* NULL when dead */
    struct listener *listener; /* NULL when dead */
    uint64_t last;             /* number of the last event that was sent or that the client has */
    bool is_live;              /* its log was read to the end: what is published next comes next */
    bool is_reading;           /* catch_up is at work on it, further up the stack */
    bool is_dead;

    /* private */
    struct subscription *topic_previous;
    struct subscription *listener_previous;
    struct subscription *next_dead;
};

struct topic {
    struct topic *next; /* in its bucket */
    struct subscription *first;
    bool has_ended; /* the run's last event was published */
    size_t run_id_length;
    char run_id[STORE_ID_BYTES_MAX];
    char workspace_id[STORE_ID_BYTES_MAX + 1]; /* of the run: where its log is read */
};

struct listener {
    struct listener *next; /* in its bucket */
    struct subscription *first;
    http_id id;
    enum subscriber_kind kind;
    unsigned count;
};

struct subscription_table {
    struct topic *topics[SUBSCRIPTION_BUCKETS];
    struct listener *listeners[SUBSCRIPTION_BUCKETS];
    struct subscription *dead;
    unsigned depth; /* of _enter */
};

/* NULL: nobody listens. */
struct topic *subscription_table_topic(struct subscription_table *table, struct str run_id);
struct listener *subscription_table_listener(struct subscription_table *table, http_id id);

/* A subscription of the socket to the run, in place of the one that it may have. ERR_LIMIT
 * (SUBSCRIBERS_PER_SOCKET_MAX), ERR_NO_MEMORY: nothing has changed. run_id has 1 to
 * STORE_ID_BYTES_MAX bytes. Between _enter and _leave. */
must_check int subscription_table_add(struct subscription_table *table, enum subscriber_kind kind,
                                      http_id id, struct str workspace_id, struct str run_id,
                                      struct subscription **ret_subscription);

/* Does nothing to a dead one. A topic or listener without subscriptions is freed at once. Between
 * _enter and _leave. */
void subscription_table_drop(struct subscription_table *table, struct subscription *subscription);

void subscription_table_enter(struct subscription_table *table);
void subscription_table_leave(struct subscription_table *table);

/* Drops all. */
void subscription_table_clear(struct subscription_table *table);

#endif
