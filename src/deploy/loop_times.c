/*
 * Whether the times of a journal can be true. The report that this loop comes from validated a
 * deployment before it deployed it; here such a journal is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/civil_time.h"
#include "deploy/loop_course.h"

struct times {
    const struct loop_journal *journal;
    struct arena *arena;
    struct loop_contradictions *found;
    int code;
};

static void contradict(struct times *times, struct str sentence)
{
    if (!sentence.data) {
        times->code = ERR_NO_MEMORY;
    } else if (times->found->count < LOOP_CONTRADICTIONS_MAX) {
        times->found->items[times->found->count++] = sentence;
    }
}

static const char *stamp(int64_t time_us, char text[CIVIL_STAMP_BYTES])
{
    civil_stamp(time_us, text);
    return text;
}

/* Two lines that follow each other. Elapsed time begins anew after a boot, which only a resumed
 * loop can have seen. */
static void check_lines(struct times *times, const struct loop_entry *before,
                        const struct loop_entry *now)
{
    char text[CIVIL_STAMP_BYTES];
    char other[CIVIL_STAMP_BYTES];

    times->found->lines++;
    if (now->time_us < before->time_us) {
        contradict(times,
                   arena_printf(times->arena,
                                "line %llu (%s) comes after line %llu, which is from %s",
                                (unsigned long long)now->n, stamp(now->time_us, text),
                                (unsigned long long)before->n, stamp(before->time_us, other)));
    }
    if (now->event == LOOP_JOURNAL_RESUMED) {
        return;
    }
    int64_t elapsed = now->elapsed_us - before->elapsed_us;
    int64_t wall = now->time_us - before->time_us;
    if (elapsed < 0) {
        contradict(times, arena_printf(times->arena, "elapsed time went backwards at line %llu",
                                       (unsigned long long)now->n));
    } else if (wall > elapsed + LOOP_CLOCK_SLACK_US || wall < elapsed - LOOP_CLOCK_SLACK_US) {
        contradict(times,
                   arena_printf(times->arena,
                                "between lines %llu and %llu the clock went on by %lld ms, and "
                                "%lld ms elapsed",
                                (unsigned long long)before->n, (unsigned long long)now->n,
                                (long long)(wall / 1000), (long long)(elapsed / 1000)));
    }
}

/* A step and the evidence that it made. */
static void check_step(struct times *times, const struct loop_entry *began,
                       const struct loop_entry *ended)
{
    const char *step = loop_step_name(ended->step);
    int64_t span_ms = (ended->elapsed_us - began->elapsed_us) / 1000;
    char text[CIVIL_STAMP_BYTES];
    char other[CIVIL_STAMP_BYTES];

    times->found->spans++;
    if (ended->duration_ms > span_ms + 1 ||
        ended->duration_ms + LOOP_CLOCK_SLACK_US / 1000 < span_ms) {
        contradict(times,
                   arena_printf(times->arena,
                                "%s of cycle %u says that it took %lld ms; its lines are %lld ms "
                                "apart",
                                step, ended->cycle, (long long)ended->duration_ms,
                                (long long)span_ms));
    }
    if (ended->from_us == 0 && ended->to_us == 0) {
        return;
    }
    times->found->spans++;
    if (ended->to_us < ended->from_us) {
        contradict(times, arena_printf(times->arena,
                                       "the evidence of %s of cycle %u ended before it began", step,
                                       ended->cycle));
    }
    if (ended->from_us < began->time_us - LOOP_CLOCK_SLACK_US) {
        contradict(times, arena_printf(times->arena,
                                       "the evidence of %s of cycle %u is from %s, before the step "
                                       "began at %s",
                                       step, ended->cycle, stamp(ended->from_us, text),
                                       stamp(began->time_us, other)));
    }
    if (ended->to_us > ended->time_us + LOOP_CLOCK_SLACK_US) {
        contradict(times, arena_printf(times->arena,
                                       "the evidence of %s of cycle %u goes to %s, after the step "
                                       "ended at %s",
                                       step, ended->cycle, stamp(ended->to_us, text),
                                       stamp(ended->time_us, other)));
    }
}

/* What is said to show that a deployment works was made after the deployment. */
static void check_after_deploy(struct times *times, const struct loop_entry *ended)
{
    const struct loop_entry *deployed =
        loop_journal_ended(times->journal, ended->cycle, LOOP_DEPLOY);
    char text[CIVIL_STAMP_BYTES];
    char other[CIVIL_STAMP_BYTES];

    if ((ended->step != LOOP_VALIDATE && ended->step != LOOP_CONFIRM) || ended->from_us == 0) {
        return;
    }
    times->found->spans++;
    if (!deployed || ended->from_us < deployed->time_us) {
        contradict(times, arena_printf(times->arena,
                                       "%s of cycle %u looked at %s, before the deployment was "
                                       "done at %s",
                                       loop_step_name(ended->step), ended->cycle,
                                       stamp(ended->from_us, text),
                                       deployed ? stamp(deployed->time_us, other) : "no time"));
    }
}

int loop_check_times(const struct loop_journal *journal, struct arena *arena,
                     struct loop_contradictions *ret_contradictions)
{
    struct loop_contradictions found = {.count = 0};
    struct times times = {.journal = journal, .arena = arena, .found = &found};
    const struct loop_entry *began = NULL;

    for (size_t i = 0; i < journal->count && !times.code; i++) {
        const struct loop_entry *entry = &journal->entries[i];

        if (i > 0) {
            check_lines(&times, entry - 1, entry);
        }
        if (entry->event == LOOP_JOURNAL_BEGAN) {
            began = entry;
        } else if (entry->event == LOOP_JOURNAL_ENDED && began && began->step == entry->step &&
                   began->cycle == entry->cycle) {
            check_step(&times, began, entry);
            check_after_deploy(&times, entry);
        }
    }
    if (!times.code) {
        *ret_contradictions = found;
    }
    return times.code;
}
