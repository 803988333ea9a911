/*
 * deadline: time-outs of many connections on one timer. Each kind of time-out has one duration, so
 * that a list in order of setting is in order of time: setting and clearing cost O(1), and the
 * timer is started only when the earliest of all moves forward.
 *
 *     kind   first ──────────────────────► last
 *     HEAD   [at 4100] [at 4120] [at 5000]        setting again moves to the end
 *     IDLE   [at 9000] …
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_DEADLINE_H
#define NETRA_HTTP_DEADLINE_H

#include "loop/loop.h"

enum deadline_kind {
    DEADLINE_NOW,   /* the next turn of the loop */
    DEADLINE_HEAD,  /* the rest of a head */
    DEADLINE_BODY,  /* the next byte of a body */
    DEADLINE_IDLE,  /* the next request */
    DEADLINE_WRITE, /* the client takes a byte */
    DEADLINE_PING,  /* the next ping */
    DEADLINE_END,   /* the client's end after ours */
    DEADLINE_KINDS,
};

/* Embedded in what it is about. Zeroed: not set. */
struct deadline {
    enum deadline_kind kind;
    bool is_set;
    uint32_t turn;
    uint64_t at_ms;
    struct deadline *previous;
    struct deadline *next;
    void *owner;
};

typedef void (*deadline_fn)(struct deadline *deadline);

struct deadlines {
    struct loop *loop;
    struct loop_timer timer;
    uint64_t timer_at_ms; /* UINT64_MAX: it does not run */
    uint32_t turn;        /* so that what is set while firing waits for the next turn */
    deadline_fn fn;
    struct {
        struct deadline *first;
        struct deadline *last;
        uint64_t duration_ms;
    } kinds[DEADLINE_KINDS];
};

/* fn is called once for each deadline that has passed; it is not set any more then. */
void deadlines_init(struct deadlines *deadlines, struct loop *loop, deadline_fn fn);

/* closed(arg): the memory may go. */
void deadlines_close(struct deadlines *deadlines, loop_fn closed, void *arg);

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind);
void deadline_clear(struct deadlines *deadlines, struct deadline *deadline);

#endif
