/* SPDX-License-Identifier: Apache-2.0 */
#include "http/deadline.h"

#include "base/check.h"

static void start_timer(struct deadlines *deadlines, uint64_t at_ms)
{
    uint64_t now = loop_now_ms(deadlines->loop);

    if (at_ms < deadlines->timer_at_ms) {
        deadlines->timer_at_ms = at_ms;
        loop_timer_start(&deadlines->timer, at_ms > now ? at_ms - now : 0, /* repeat_ms */ 0);
    }
}

static void sweep(void *arg)
{
    struct deadlines *deadlines = arg;
    uint64_t now = loop_now_ms(deadlines->loop);
    uint32_t turn = ++deadlines->turn;

    deadlines->timer_at_ms = UINT64_MAX;
    for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++) {
        struct deadline *first;

        while ((first = deadlines->kinds[kind].first) && first->at_ms <= now &&
               first->turn != turn) {
            deadline_clear(deadlines, first);
            deadlines->fn(first);
        }
    }
    for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++) {
        if (deadlines->kinds[kind].first) {
            start_timer(deadlines, deadlines->kinds[kind].first->at_ms);
        }
    }
}

void deadlines_init(struct deadlines *deadlines, struct loop *loop, deadline_fn fn)
{
    deadlines->loop = loop;
    deadlines->fn = fn;
    deadlines->timer_at_ms = UINT64_MAX;
    loop_timer_init(loop, &deadlines->timer, sweep, deadlines);
}

void deadlines_close(struct deadlines *deadlines, loop_fn closed, void *arg)
{
    deadlines->timer.arg = arg;
    loop_timer_close(&deadlines->timer, closed);
}

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind)
{
    check(deadline->owner);
    deadline_clear(deadlines, deadline);
    struct deadline *last = deadlines->kinds[kind].last;
    deadline->kind = kind;
    deadline->is_set = true;
    deadline->turn = deadlines->turn;
    deadline->at_ms = loop_now_ms(deadlines->loop) + deadlines->kinds[kind].duration_ms;
    deadline->previous = last;
    deadline->next = NULL;
    if (last) {
        last->next = deadline;
    } else {
        deadlines->kinds[kind].first = deadline;
    }
    deadlines->kinds[kind].last = deadline;
    start_timer(deadlines, deadline->at_ms);
}

void deadline_clear(struct deadlines *deadlines, struct deadline *deadline)
{
    if (!deadline->is_set) {
        return;
    }
    if (deadline->previous) {
        deadline->previous->next = deadline->next;
    } else {
        deadlines->kinds[deadline->kind].first = deadline->next;
    }
    if (deadline->next) {
        deadline->next->previous = deadline->previous;
    } else {
        deadlines->kinds[deadline->kind].last = deadline->previous;
    }
    deadline->previous = NULL;
    deadline->next = NULL;
    deadline->is_set = false;
}
