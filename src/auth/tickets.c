/*
 * A used ticket stays until its time is over, so that who brings it again is told apart from who
 * makes one up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/tickets.h"

#include "base/alloc.h"
#include "base/check.h"

struct ticket {
    struct hash_link link;
    struct ring of_all;
    struct secret_hash hash;
    struct auth_caller caller;
    uint64_t expires_ms;
    bool is_used;
};

int tickets_init(struct tickets *tickets)
{
    ring_init(&tickets->by_age);
    return hash_index_init(&tickets->by_hash);
}

static void drop(struct tickets *tickets, struct ticket *ticket)
{
    hash_index_remove(&tickets->by_hash, &ticket->link);
    ring_remove(&ticket->of_all);
    alloc_free(ticket);
}

static struct ticket *oldest(const struct tickets *tickets)
{
    return ring_is_empty(&tickets->by_age) ? NULL
                                           : RECORD_OF(tickets->by_age.next, struct ticket, of_all);
}

void tickets_done(struct tickets *tickets)
{
    if (!tickets->by_hash.buckets) {
        return;
    }
    for (struct ticket *ticket; (ticket = oldest(tickets));) {
        drop(tickets, ticket);
    }
    hash_index_done(&tickets->by_hash);
}

/* What is over, and the oldest of a user who has too many. O(n), n ≤ AUTH_TICKETS_MAX, and n is
 * what was made in the last 30 s. */
static void make_room(struct tickets *tickets, const struct auth_caller *caller, uint64_t now_ms)
{
    struct ticket *first_of_user = NULL;
    unsigned of_user = 0;

    for (struct ticket *ticket = oldest(tickets); ticket && ticket->expires_ms <= now_ms;
         ticket = oldest(tickets)) {
        drop(tickets, ticket);
    }
    for (struct ring *at = tickets->by_age.next; at != &tickets->by_age; at = at->next) {
        struct ticket *ticket = RECORD_OF(at, struct ticket, of_all);

        check(ticket);
        if (strcmp(ticket->caller.user_id, caller->user_id) == 0) {
            first_of_user = of_user ? first_of_user : ticket;
            of_user++;
        }
    }
    if (of_user >= AUTH_TICKETS_USER_MAX) {
        drop(tickets, first_of_user);
    }
    if (tickets->by_hash.count >= AUTH_TICKETS_MAX) {
        drop(tickets, oldest(tickets));
    }
}

int tickets_add(struct tickets *tickets, const struct auth_caller *caller, uint64_t now_ms,
                char text[AUTH_SECRET_TEXT_BYTES])
{
    struct ticket *ticket = alloc_zeroed(1, sizeof(*ticket));

    if (!ticket) {
        return ERR_NO_MEMORY;
    }
    int code = secret_make(text, &ticket->hash);
    if (code) {
        alloc_free(ticket);
        return code;
    }
    make_room(tickets, caller, now_ms);
    ticket->caller = *caller;
    ticket->expires_ms = now_ms + AUTH_TICKET_MS;
    hash_index_add(&tickets->by_hash, &ticket->link, hash_of_secret(ticket->hash.bytes));
    ring_add_last(&tickets->by_age, &ticket->of_all);
    return OK;
}

enum ticket_state tickets_take(struct tickets *tickets, struct str text, uint64_t now_ms,
                               struct auth_caller *ret_caller)
{
    struct secret_hash hash = secret_hash_of(text);

    for (struct hash_link *at = hash_index_first(&tickets->by_hash, hash_of_secret(hash.bytes)); at;
         at = hash_index_next(at)) {
        struct ticket *ticket = RECORD_OF(at, struct ticket, link);

        if (secret_equal(&ticket->hash, &hash)) {
            bool was_used = ticket->is_used;

            *ret_caller = ticket->caller;
            ticket->is_used = true;
            if (now_ms >= ticket->expires_ms) {
                return TICKET_EXPIRED;
            }
            return was_used ? TICKET_USED : TICKET_GOOD;
        }
    }
    return TICKET_UNKNOWN;
}
