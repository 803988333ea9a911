/*
 * Journals for tests: lines that follow each other by a second, and a folder that is gone
 * afterwards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_LOOP_FIXTURE_H
#define NETRA_TESTS_LOOP_FIXTURE_H

#include "unit.h"

#include "base/alloc.h"
#include "base/civil_time.h"
#include "deploy/loop_course.h"
#include "deploy/loop_journal_line.h"

#define FIXTURE_TIME_US INT64_C(1795428000000000) /* 2026-11-23T10:00:00Z */
#define FIXTURE_FACTS_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define FIXTURE_FACTS_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static inline struct loop_entry fixture_entry(const struct loop_journal *journal,
                                              enum loop_journal_event event)
{
    int64_t later_us = (int64_t)journal->count * SECOND_US;

    return (struct loop_entry){.event = event,
                               .n = journal->count + 1,
                               .time_us = FIXTURE_TIME_US + later_us,
                               .elapsed_us = SECOND_US + later_us,
                               .exit_status = -1};
}

/* Without a file: as if it had been read. */
static inline void fixture_keep(struct loop_journal *journal, const struct loop_entry *entry)
{
    assert_int_equal(loop_journal_keep(journal, entry), OK);
}

static inline struct loop_journal *fixture_journal(void)
{
    static const struct str options[] = {{"target=local", 12}, {"project=demo", 12}};
    struct loop_journal *journal = NULL;

    assert_int_equal(loop_journal_new(&journal), OK);
    struct loop_entry opened = fixture_entry(journal, LOOP_JOURNAL_OPENED);
    opened.texts = options;
    opened.text_count = ARRAY_LENGTH(options);
    fixture_keep(journal, &opened);
    return journal;
}

static inline struct loop_entry fixture_began(const struct loop_journal *journal, unsigned cycle,
                                              enum loop_step step)
{
    static const struct str command[] = {{"netra", 5}, {"verify", 6}};
    struct loop_entry began = fixture_entry(journal, LOOP_JOURNAL_BEGAN);

    began.cycle = cycle;
    began.step = step;
    began.texts = command;
    began.text_count = ARRAY_LENGTH(command);
    return began;
}

/* A step that took its second. */
static inline void fixture_step(struct loop_journal *journal, unsigned cycle, enum loop_step step,
                                enum loop_outcome outcome, const char *facts)
{
    struct loop_entry began = fixture_began(journal, cycle, step);
    fixture_keep(journal, &began);
    struct loop_entry ended = fixture_entry(journal, LOOP_JOURNAL_ENDED);

    ended.cycle = cycle;
    ended.step = step;
    ended.outcome = outcome;
    ended.exit_status = 0;
    ended.duration_ms = 1000;
    ended.reason = STR("a reason");
    ended.facts = str_from(facts);
    fixture_keep(journal, &ended);
}

#endif
