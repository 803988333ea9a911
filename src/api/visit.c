/* SPDX-License-Identifier: Apache-2.0 */
#include "api/visit.h"

#include "api/api_state.h"
#include "base/alloc.h"
#include "base/check.h"

static int add_chunk(struct visits *visits)
{
    struct visit_chunk *chunk = (struct visit_chunk *)alloc_zeroed(1, sizeof(*chunk));

    if (!chunk) {
        return ERR_NO_MEMORY;
    }
    chunk->next = visits->chunks;
    visits->chunks = chunk;
    for (size_t i = 0; i < VISITS_PER_CHUNK; i++) {
        chunk->visits[i].next = visits->free;
        visits->free = &chunk->visits[i];
    }
    return OK;
}

struct visit *visit_new(struct visits *visits, struct exchange *exchange)
{
    if (!visits->free && add_chunk(visits)) {
        return NULL;
    }
    struct visit *visit = visits->free;
    visits->free = visit->next;
    visit->exchange = exchange;
    visit->who = (struct auth_caller){.kind = AUTH_KIND_NOBODY};
    visit->has_trace = false;
    visit->origin = NULL;
    visit->idempotency = NULL;
    visit->may_retry = false;
    visit->must_retry = false;
    visit->waits = 0;
    visit->is_page = false;
    visit->is_held = false;
    visit->has_ended = false;
    visit->is_socket = false;
    visit->next = NULL;
    return visit;
}

static void put_back(struct visits *visits, struct visit *visit)
{
    visit->exchange = NULL;
    alloc_free(visit->origin);
    visit->origin = NULL;
    visit->next = visits->free;
    visits->free = visit;
}

void visit_end(struct visits *visits, struct visit *visit)
{
    check(visit->exchange && !visit->has_ended);
    if (visit->is_held) {
        visit->has_ended = true;
    } else {
        put_back(visits, visit);
    }
}

void visit_hold(struct visit *visit)
{
    check(visit->exchange && !visit->is_held);
    visit->is_held = true;
}

void visit_let_go(struct visits *visits, struct visit *visit)
{
    check(visit->is_held);
    visit->is_held = false;
    if (visit->has_ended) {
        put_back(visits, visit);
    }
}

void visits_free(struct visits *visits)
{
    while (visits->chunks) {
        struct visit_chunk *chunk = visits->chunks;

        visits->chunks = chunk->next;
        for (size_t i = 0; i < VISITS_PER_CHUNK; i++) {
            alloc_free(chunk->visits[i].origin);
        }
        alloc_free(chunk);
    }
    visits->free = NULL;
}

struct visit *visit_of(const struct api *api, http_id id)
{
    return (struct visit *)http_context(api->server, id);
}
