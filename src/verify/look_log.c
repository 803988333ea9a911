/*
 * The end of a log, as facts: only lines that a diagnosis may need, and only of the process that is
 * looked at. A start that failed is told by the lines without a time at the very end: what has a
 * time behind them is a later, better start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>

#include "base/civil_time.h"
#include "verify/facts.h"
#include "verify/look.h"

#define SUBJECT_BYTES  64u
#define ALIKE_BYTES    48u
#define START_SLACK_US SECOND_US /* a log may be a moment ahead of the note of the start */

struct kept_line {
    unsigned number; /* from the beginning of what was read */
    const char *kind;
    struct str message;
};

struct log_tail {
    struct kept_line lines[LOOK_LOG_LINES_MAX]; /* the last of them, in a ring */
    size_t count;
};

/* Of lines that begin alike only the last is kept: a failure that is repeated is one fact. */
static bool is_like(const struct kept_line *line, const char *kind, struct str message)
{
    size_t length = message.length < ALIKE_BYTES ? message.length : ALIKE_BYTES;

    return line->kind && strcmp(line->kind, kind) == 0 &&
           str_starts_with(line->message, str_slice(message, 0, length));
}

static void forget_alike(struct log_tail *tail, const char *kind, struct str message)
{
    size_t count = tail->count < LOOK_LOG_LINES_MAX ? tail->count : LOOK_LOG_LINES_MAX;

    for (size_t i = 0; i < count; i++) {
        if (is_like(&tail->lines[i], kind, message)) {
            tail->lines[i].kind = NULL;
        }
    }
}

static void keep(struct log_tail *tail, unsigned number, const char *kind, struct str message)
{
    forget_alike(tail, kind, message);
    tail->lines[tail->count++ % LOOK_LOG_LINES_MAX] =
        (struct kept_line){.number = number, .kind = kind, .message = message};
}

/* A server that has logged what it does was started: earlier messages of failed starts are of
 * others. */
static void forget_starts(struct log_tail *tail)
{
    size_t count = tail->count < LOOK_LOG_LINES_MAX ? tail->count : LOOK_LOG_LINES_MAX;

    for (size_t i = 0; i < count; i++) {
        if (tail->lines[i].kind && strcmp(tail->lines[i].kind, "start") == 0) {
            tail->lines[i].kind = NULL;
        }
    }
}

static void take_line(struct looking *looking, struct log_tail *tail, unsigned number,
                      struct str text)
{
    struct log_line line;

    log_line_read(looking->parser, text, &line);
    if (line.at_us && looking->started_us && line.at_us < looking->started_us - START_SLACK_US) {
        return;
    }
    if (line.level.length ? line.at_us && str_equal(line.level, STR("info"))
                          : str_starts_with(line.message, STR("listening: "))) {
        forget_starts(tail);
    }
    const char *kind = log_line_kind(&line);
    if (kind) {
        /* Of JSON the text is the parser's. */
        keep(tail, number, kind, arena_copy(looking->arena, line.message));
    }
}

static void note_tail(struct looking *looking, const struct log_tail *tail)
{
    size_t first = tail->count > LOOK_LOG_LINES_MAX ? tail->count - LOOK_LOG_LINES_MAX : 0;
    char subject[SUBJECT_BYTES];

    for (size_t i = first; i < tail->count; i++) {
        const struct kept_line *line = &tail->lines[i % LOOK_LOG_LINES_MAX];

        if (!line->kind) {
            continue;
        }
        (void)snprintf(subject, sizeof(subject), "line %u %s", line->number, line->kind);
        look_note(looking, "log", subject, "%.*s", STR_ARGS(line->message));
    }
}

void look_at_log(struct looking *looking)
{
    struct log_tail tail = {.count = 0};
    struct str rest;
    bool is_cut;
    unsigned number = 0;

    if (!look_read_end(looking, looking->options->log_file, LOOK_LOG_BYTES_MAX, &rest, &is_cut)) {
        look_note(looking, "log", "file", "cannot be read: %s", strerror(errno));
        return;
    }
    look_note(looking, "log", "file", "%zu bytes%s were read", rest.length,
              is_cut ? " of its end" : "");
    while (rest.length) {
        size_t end = str_find(rest, STR("\n"), 0);
        struct str line = str_slice(rest, 0, end == SIZE_MAX ? rest.length : end);

        rest = str_slice(rest, end == SIZE_MAX ? rest.length : end + 1, rest.length);
        take_line(looking, &tail, ++number, line);
    }
    note_tail(looking, &tail);
}
