/*
 * The hash is not seeded: run ids may be chosen by clients, but only by signed-in ones, for runs
 * that are stored, and a bucket never holds more topics than there are subscriptions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/subscription_table.h"

#include "base/alloc.h"
#include "base/check.h"

static struct str topic_run_id(const struct topic *topic)
{
    return (struct str){topic->run_id, topic->run_id_length};
}

/* Where the topic is linked, or the end of its bucket. FNV-1a. */
static struct topic **topic_link(struct subscription_table *table, struct str run_id)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < run_id.length; i++) {
        hash = (hash ^ (unsigned char)run_id.data[i]) * 16777619u;
    }
    struct topic **link = &table->topics[(hash ^ (hash >> 16)) % SUBSCRIPTION_BUCKETS];
    while (*link && !str_equal(topic_run_id(*link), run_id)) {
        link = &(*link)->next;
    }
    return link;
}

static struct listener **listener_link(struct subscription_table *table, http_id id)
{
    uint64_t spread = id * UINT64_C(0x9e3779b97f4a7c15); /* slot and generation: spread both */
    struct listener **link = &table->listeners[(spread >> 32) % SUBSCRIPTION_BUCKETS];

    while (*link && (*link)->id != id) {
        link = &(*link)->next;
    }
    return link;
}

struct topic *subscription_table_topic(struct subscription_table *table, struct str run_id)
{
    return *topic_link(table, run_id);
}

struct listener *subscription_table_listener(struct subscription_table *table, http_id id)
{
    return *listener_link(table, id);
}

static struct topic *topic_get(struct subscription_table *table, struct str workspace_id,
                               struct str run_id)
{
    struct topic **link = topic_link(table, run_id);

    if (!*link) {
        *link = alloc_zeroed(1, sizeof(**link));
        if (*link) {
            memcpy((*link)->run_id, run_id.data, run_id.length);
            (*link)->run_id_length = run_id.length;
            memcpy((*link)->workspace_id, workspace_id.data, workspace_id.length);
        }
    }
    return *link;
}

static struct listener *listener_get(struct subscription_table *table, enum subscriber_kind kind,
                                     http_id id)
{
    struct listener **link = listener_link(table, id);

    if (!*link) {
        *link = alloc_zeroed(1, sizeof(**link));
        if (*link) {
            (*link)->id = id;
            (*link)->kind = kind;
        }
    }
    return *link;
}

static void topic_drop_if_empty(struct subscription_table *table, struct topic *topic)
{
    if (topic && !topic->first) {
        *topic_link(table, topic_run_id(topic)) = topic->next;
        alloc_free(topic);
    }
}

static void listener_drop_if_empty(struct subscription_table *table, struct listener *listener)
{
    if (listener && !listener->first) {
        *listener_link(table, listener->id) = listener->next;
        alloc_free(listener);
    }
}

static void link_up(struct subscription *subscription, struct topic *topic,
                    struct listener *listener)
{
    subscription->topic = topic;
    subscription->topic_next = topic->first;
    if (topic->first) {
        topic->first->topic_previous = subscription;
    }
    topic->first = subscription;

    subscription->listener = listener;
    subscription->listener_next = listener->first;
    if (listener->first) {
        listener->first->listener_previous = subscription;
    }
    listener->first = subscription;
    listener->count++;
}

/* The subscription's own forward pointers stay. */
static void unlink_from_topic(struct subscription *subscription)
{
    struct subscription *next = subscription->topic_next;
    struct subscription *previous = subscription->topic_previous;

    if (previous) {
        previous->topic_next = next;
    } else {
        subscription->topic->first = next;
    }
    if (next) {
        next->topic_previous = previous;
    }
}

static void unlink_from_listener(struct subscription *subscription)
{
    struct subscription *next = subscription->listener_next;
    struct subscription *previous = subscription->listener_previous;

    if (previous) {
        previous->listener_next = next;
    } else {
        subscription->listener->first = next;
    }
    if (next) {
        next->listener_previous = previous;
    }
    subscription->listener->count--;
}

/* At most SUBSCRIBERS_PER_SOCKET_MAX to look at. */
static struct subscription *find_former(const struct topic *topic, const struct listener *listener)
{
    for (struct subscription *s = listener->first; s; s = s->listener_next) {
        if (s->topic == topic) {
            return s;
        }
    }
    return NULL;
}

int subscription_table_add(struct subscription_table *table, enum subscriber_kind kind, http_id id,
                           struct str workspace_id, struct str run_id,
                           struct subscription **ret_subscription)
{
    check(table->depth > 0 && run_id.length > 0 && run_id.length <= STORE_ID_BYTES_MAX &&
          workspace_id.length <= STORE_ID_BYTES_MAX);
    struct topic *topic = topic_get(table, workspace_id, run_id);
    struct listener *listener = topic ? listener_get(table, kind, id) : NULL;
    struct subscription *former = listener ? find_former(topic, listener) : NULL;
    int code = ERR_NO_MEMORY;

    if (listener && !former && listener->count >= SUBSCRIBERS_PER_SOCKET_MAX) {
        code = ERR_LIMIT;
    } else if (listener) {
        struct subscription *subscription = alloc_zeroed(1, sizeof(*subscription));

        if (subscription) {
            link_up(subscription, topic, listener);
            if (former) {
                subscription_table_drop(table, former);
            }
            *ret_subscription = subscription;
            return OK;
        }
    }
    listener_drop_if_empty(table, listener);
    topic_drop_if_empty(table, topic);
    return code;
}

void subscription_table_drop(struct subscription_table *table, struct subscription *subscription)
{
    check(table->depth > 0);
    if (subscription->is_dead) {
        return;
    }
    unlink_from_topic(subscription);
    unlink_from_listener(subscription);
    topic_drop_if_empty(table, subscription->topic);
    listener_drop_if_empty(table, subscription->listener);
    subscription->topic = NULL;
    subscription->listener = NULL;
    subscription->is_dead = true;
    subscription->next_dead = table->dead;
    table->dead = subscription;
}

void subscription_table_enter(struct subscription_table *table)
{
    table->depth++;
}

void subscription_table_leave(struct subscription_table *table)
{
    check(table->depth > 0);
    if (--table->depth > 0) {
        return;
    }
    while (table->dead) {
        struct subscription *subscription = table->dead;

        table->dead = subscription->next_dead;
        alloc_free(subscription);
    }
}

void subscription_table_clear(struct subscription_table *table)
{
    subscription_table_enter(table);
    for (size_t i = 0; i < SUBSCRIPTION_BUCKETS; i++) {
        while (table->topics[i]) { /* goes with its last subscription */
            subscription_table_drop(table, table->topics[i]->first);
        }
    }
    subscription_table_leave(table);
}
