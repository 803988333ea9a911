/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/loop_course.h"

#include "base/civil_time.h"

#define NEXT(step)                                                                                 \
    {                                                                                              \
        LOOP_WAY_STEP, (step), LOOP_VERDICT_NONE                                                   \
    }
#define STOP(why)                                                                                  \
    {                                                                                              \
        LOOP_WAY_STOP, LOOP_CHECK, (why)                                                           \
    }
#define CYCLE                                                                                      \
    {                                                                                              \
        LOOP_WAY_CYCLE, LOOP_CHECK, LOOP_VERDICT_NONE                                              \
    }

#define DONE       LOOP_OUTCOME_DONE
#define SKIPPED    LOOP_OUTCOME_SKIPPED
#define GREEN      LOOP_OUTCOME_GREEN
#define ACCEPTED   LOOP_OUTCOME_ACCEPTED
#define INCOMPLETE LOOP_OUTCOME_INCOMPLETE
#define RED        LOOP_OUTCOME_RED
#define FAILED     LOOP_OUTCOME_FAILED
#define REFUSED    LOOP_OUTCOME_REFUSED

/* Left out: LOOP_WAY_NONE. An incomplete diagnosis goes on: the fix hook may know what the recorded
 * facts do not say. */
static const struct loop_transition table[LOOP_STEP_COUNT][LOOP_OUTCOME_COUNT] = {
    [LOOP_CHECK] = {[GREEN] = NEXT(LOOP_DOCUMENT),
                    [INCOMPLETE] = NEXT(LOOP_DOCUMENT),
                    [RED] = NEXT(LOOP_DOCUMENT),
                    [FAILED] = STOP(LOOP_VERDICT_FAILED)},
    [LOOP_DOCUMENT] = {[GREEN] = STOP(LOOP_VERDICT_SUCCESS),
                       [ACCEPTED] = STOP(LOOP_VERDICT_SUCCESS),
                       [INCOMPLETE] = STOP(LOOP_VERDICT_INCOMPLETE),
                       [RED] = NEXT(LOOP_DIAGNOSE),
                       [REFUSED] = STOP(LOOP_VERDICT_REFUSED),
                       [FAILED] = STOP(LOOP_VERDICT_FAILED)},
    [LOOP_DIAGNOSE] = {[DONE] = NEXT(LOOP_FIX),
                       [INCOMPLETE] = NEXT(LOOP_FIX),
                       [FAILED] = STOP(LOOP_VERDICT_FAILED)},
    [LOOP_FIX] = {[DONE] = NEXT(LOOP_COMMIT),
                  [SKIPPED] = NEXT(LOOP_COMMIT),
                  [FAILED] = STOP(LOOP_VERDICT_FAILED)},
    [LOOP_COMMIT] = {[DONE] = NEXT(LOOP_DEPLOY),
                     [SKIPPED] = NEXT(LOOP_DEPLOY),
                     [FAILED] = STOP(LOOP_VERDICT_FAILED)},
    [LOOP_DEPLOY] =
        {[DONE] = NEXT(LOOP_VALIDATE), [RED] = CYCLE, [FAILED] = STOP(LOOP_VERDICT_FAILED)},
    [LOOP_VALIDATE] =
        {[DONE] = NEXT(LOOP_CONFIRM), [RED] = CYCLE, [FAILED] = STOP(LOOP_VERDICT_FAILED)},
    [LOOP_CONFIRM] = {[GREEN] = STOP(LOOP_VERDICT_SUCCESS),
                      [ACCEPTED] = STOP(LOOP_VERDICT_SUCCESS),
                      [INCOMPLETE] = STOP(LOOP_VERDICT_INCOMPLETE),
                      [RED] = CYCLE,
                      [REFUSED] = STOP(LOOP_VERDICT_REFUSED),
                      [FAILED] = STOP(LOOP_VERDICT_FAILED)},
};

struct loop_transition loop_transition_of(enum loop_step step, enum loop_outcome outcome)
{
    return table[step][outcome];
}

bool loop_is_nothing_new(const struct loop_journal *journal, unsigned cycle)
{
    size_t compared = 0;

    for (int step = 0; step < LOOP_STEP_COUNT && cycle > 1; step++) {
        const struct loop_entry *now = loop_journal_ended(journal, cycle, (enum loop_step)step);
        const struct loop_entry *before =
            loop_journal_ended(journal, cycle - 1, (enum loop_step)step);

        if (!now && !before) {
            continue;
        }
        if (!now || !before || now->outcome != before->outcome ||
            !str_equal(now->facts, before->facts)) {
            return false;
        }
        compared++;
    }
    return compared > 0;
}

/* ---- where it stands ---- */

struct walk {
    const struct loop_journal *journal;
    unsigned max_cycles;
    struct loop_position at;
    struct error *error;
};

static int out_of_order(struct walk *walk, const struct loop_entry *entry, const char *what)
{
    return error_set(walk->error, ERR_INVALID, "line %llu of the journal is out of order: %s",
                     (unsigned long long)entry->n, what);
}

static int take_ended(struct walk *walk, const struct loop_entry *entry)
{
    struct loop_position *at = &walk->at;
    struct loop_transition way = table[entry->step][entry->outcome];

    if (!at->has_begun || entry->cycle != at->cycle || entry->step != at->step) {
        return out_of_order(walk, entry, "it ends a step that had not begun");
    }
    at->has_begun = false;
    switch (way.way) {
    case LOOP_WAY_NONE:
        return out_of_order(walk, entry, "this step cannot end so");
    case LOOP_WAY_STEP:
        at->step = way.next;
        break;
    case LOOP_WAY_STOP:
        at->verdict = way.verdict;
        break;
    case LOOP_WAY_CYCLE:
        if (loop_is_nothing_new(walk->journal, at->cycle)) {
            at->verdict = LOOP_VERDICT_NOTHING_NEW;
        } else if (at->cycle >= walk->max_cycles) {
            at->verdict = LOOP_VERDICT_MAXIMUM;
        } else {
            at->cycle++;
            at->step = LOOP_CHECK;
        }
        break;
    }
    return OK;
}

/* is_resumed: the line before says so; only then may a step begin a second time. */
static int take_entry(struct walk *walk, const struct loop_entry *entry, bool is_resumed)
{
    struct loop_position *at = &walk->at;

    if (at->is_stopped) {
        return out_of_order(walk, entry, "the loop had stopped");
    }
    switch (entry->event) {
    case LOOP_JOURNAL_BEGAN:
        if (at->verdict || entry->cycle != at->cycle || entry->step != at->step ||
            (at->has_begun && !is_resumed)) {
            return out_of_order(walk, entry, "another step was next");
        }
        at->has_begun = true;
        return OK;
    case LOOP_JOURNAL_ENDED:
        return is_resumed ? out_of_order(walk, entry, "it ends a step that was broken off")
                          : take_ended(walk, entry);
    case LOOP_JOURNAL_STOPPED:
        if (at->verdict == LOOP_VERDICT_NONE || entry->cycle != at->cycle) {
            return out_of_order(walk, entry, "there was no reason to stop");
        }
        /* What the order of times said is not in the table: it may only make it worse. */
        if (entry->verdict != at->verdict && entry->verdict != LOOP_VERDICT_REFUSED) {
            return out_of_order(walk, entry, "it stopped for another reason than its steps give");
        }
        at->verdict = entry->verdict;
        at->is_stopped = true;
        return OK;
    case LOOP_JOURNAL_OPENED:
    case LOOP_JOURNAL_RESUMED:
    case LOOP_JOURNAL_EVENT_COUNT:
        break;
    }
    return OK;
}

int loop_position_of(const struct loop_journal *journal, unsigned max_cycles,
                     struct loop_position *ret_position, struct error *error)
{
    struct walk walk = {
        .journal = journal, .max_cycles = max_cycles, .at = {.cycle = 1}, .error = error};

    if (journal->count == 0) {
        return error_set(error, ERR_INVALID, "the journal is empty");
    }
    for (size_t i = 0; i < journal->count; i++) {
        bool is_resumed = i > 0 && journal->entries[i - 1].event == LOOP_JOURNAL_RESUMED;
        int code = take_entry(&walk, &journal->entries[i], is_resumed);

        if (code) {
            return code;
        }
    }
    *ret_position = walk.at;
    return OK;
}
