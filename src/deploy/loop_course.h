/*
 * loop_course: where a loop stands, and where it goes from there, computed from its journal alone.
 *
 *     check ─▶ document ─▶ diagnose ─▶ fix ─▶ commit ─▶ deploy ─▶ validate ─▶ confirm
 *       ▲          │ green: success                         │ red       │ red      │ red
 *       └──────────┼───────── the next cycle, unless ◀──────┴───────────┴──────────┘
 *                  ▼          the maximum or nothing new             green: success
 *
 * The table of transitions is the whole truth about it (loop_course.c): step and outcome give the
 * next step, the next cycle or a verdict; what is not in it cannot happen, and a journal in which
 * it did is refused. Everything here is pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_COURSE_H
#define NETRA_DEPLOY_LOOP_COURSE_H

#include "deploy/loop_journal.h"

#define LOOP_CONTRADICTIONS_MAX 16u
#define LOOP_CLOCK_SLACK_US     INT64_C(1000000) /* as evidence has it: a clock that is disciplined */

enum loop_way {
    LOOP_WAY_NONE, /* this step cannot end so */
    LOOP_WAY_STEP, /* the next step of the cycle */
    LOOP_WAY_CYCLE,
    LOOP_WAY_STOP
};

struct loop_transition {
    enum loop_way way;
    enum loop_step next;       /* of STEP */
    enum loop_verdict verdict; /* of STOP */
};

struct loop_transition loop_transition_of(enum loop_step step, enum loop_outcome outcome);

/* What is to be done next. */
struct loop_position {
    unsigned cycle;
    enum loop_step step;
    enum loop_verdict verdict; /* not NONE: nothing, this is to be written as STOPPED */
    bool is_stopped;           /* STOPPED was written */
    bool has_begun;            /* the step began and did not end: it is done again */
};

/* ERR_INVALID, with the line: the journal's order is none that the table allows. max_cycles: 1 to
 * LOOP_CYCLES_MAX. */
must_check int loop_position_of(const struct loop_journal *journal, unsigned max_cycles,
                                struct loop_position *ret_position, struct error *error);

/* Whether a cycle ended as the one before it did: the same steps ended with the same outcomes, and
 * what each of them found out (facts: the failed findings, the causes, what the hooks said, the
 * image) is the same. False for the first. */
bool loop_is_nothing_new(const struct loop_journal *journal, unsigned cycle);

/* Whether the recorded times can be true. Wall and elapsed time go forwards; a step takes as long
 * as it says; evidence was made while its step went on, thus what validates a deployment was made
 * after it. Sentences, into the arena; at most LOOP_CONTRADICTIONS_MAX. ERR_NO_MEMORY. */
struct loop_contradictions {
    struct str items[LOOP_CONTRADICTIONS_MAX];
    size_t count;
    size_t lines, spans; /* how many were compared: a check of nothing proves nothing */
};
must_check int loop_check_times(const struct loop_journal *journal, struct arena *arena,
                                struct loop_contradictions *ret_contradictions);

#endif
