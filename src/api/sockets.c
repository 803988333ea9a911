/* SPDX-License-Identifier: Apache-2.0 */
#include "api/sockets.h"

#include "api/api_state.h"
#include "base/alloc.h"
#include "base/check.h"

/* FNV-1a: ids are random, and made by us. */
static size_t bucket_of(struct str user_id)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < user_id.length; i++) {
        hash = (hash ^ (unsigned char)user_id.data[i]) * 16777619u;
    }
    return hash % SOCKETS_BUCKETS;
}

static struct socket_owner *find(const struct sockets *sockets, struct str user_id)
{
    struct socket_owner *owner = sockets->owners[bucket_of(user_id)];

    while (owner && !str_equal(str_from(owner->user_id), user_id)) {
        owner = owner->next;
    }
    return owner;
}

static struct socket_owner *find_or_add(struct sockets *sockets, struct str user_id)
{
    struct socket_owner *owner = find(sockets, user_id);

    if (owner) {
        return owner;
    }
    owner = (struct socket_owner *)alloc_zeroed(1, sizeof(*owner));
    if (owner) {
        struct socket_owner **bucket = &sockets->owners[bucket_of(user_id)];

        check_cmp(user_id.length, <, sizeof(owner->user_id));
        memcpy(owner->user_id, user_id.data, user_id.length);
        owner->next = *bucket;
        *bucket = owner;
    }
    return owner;
}

static void drop(struct sockets *sockets, struct socket_owner *owner)
{
    struct socket_owner **link = &sockets->owners[bucket_of(str_from(owner->user_id))];

    while (*link != owner) {
        link = &(*link)->next;
    }
    *link = owner->next;
    alloc_free(owner);
}

unsigned sockets_of(const struct sockets *sockets, struct str user_id)
{
    const struct socket_owner *owner = find(sockets, user_id);

    return owner ? owner->count : 0;
}

int sockets_open(struct sockets *sockets, struct visit *visit, http_id id, bool is_websocket,
                 unsigned max)
{
    struct str user_id = str_from(visit->who.user_id);

    check(!visit->is_socket);
    if (max && sockets_of(sockets, user_id) >= max) {
        return ERR_LIMIT;
    }
    struct socket_owner *owner = find_or_add(sockets, user_id);
    if (!owner) {
        return ERR_NO_MEMORY;
    }
    owner->count++;
    sockets->count++;
    visit->is_socket = true;
    visit->is_websocket = is_websocket;
    visit->id = id;
    visit->socket_previous = NULL;
    visit->socket_next = sockets->first;
    if (sockets->first) {
        sockets->first->socket_previous = visit;
    }
    sockets->first = visit;
    return OK;
}

void sockets_close(struct sockets *sockets, struct visit *visit)
{
    struct socket_owner *owner;

    if (!visit->is_socket) {
        return;
    }
    owner = find(sockets, str_from(visit->who.user_id));
    check(owner && owner->count > 0);
    if (--owner->count == 0) {
        drop(sockets, owner);
    }
    sockets->count--;
    visit->is_socket = false;
    if (visit->socket_next) {
        visit->socket_next->socket_previous = visit->socket_previous;
    }
    if (visit->socket_previous) {
        visit->socket_previous->socket_next = visit->socket_next;
    } else {
        sockets->first = visit->socket_next;
    }
}

/* A stream that is ended is gone at once, a WebSocket later: no other one goes with it. */
void sockets_check(struct api *api)
{
    struct visit *next = NULL;

    for (struct visit *visit = api->sockets.first; visit; visit = next) {
        http_id id = visit->id;

        next = visit->socket_next;
        if (auth_still(api->options.auth, &visit->who, AUTH_SCOPE_READ)) {
            continue;
        }
        if (visit->is_websocket) {
            ws_close(api->server, id, SOCKETS_CODE_POLICY,
                     "the credential of this socket is not valid any more");
        } else {
            subscribers_remove(api->subscribers, id);
            (void)http_stream_end(api->server, id);
        }
    }
}

void sockets_done(struct sockets *sockets)
{
    for (size_t i = 0; i < SOCKETS_BUCKETS; i++) {
        while (sockets->owners[i]) {
            struct socket_owner *owner = sockets->owners[i];

            sockets->owners[i] = owner->next;
            alloc_free(owner);
        }
    }
    *sockets = (struct sockets){0};
}
