/*
 * Bytes of a journal into entries. The hash of a line is checked before its JSON is read: what was
 * changed is reported as changed, whatever it says now.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/civil_time.h"
#include "deploy/loop_journal_line.h"
#include "json/json_read.h"

#define STATUS_MAX 255
/* Sums of two and some slack stay within int64. */
#define ELAPSED_MAX (INT64_MAX / 4)

struct reading {
    struct loop_journal *journal;
    struct json_parser *parser;
    struct error *error;
};

static int invalid(struct reading *reading, const char *what)
{
    return error_set(reading->error, ERR_INVALID, "line %zu of the journal: %s",
                     reading->journal->count + 1, what);
}

static int no_memory(struct reading *reading)
{
    return error_set(reading->error, ERR_NO_MEMORY, "out of memory");
}

static int take_text(struct reading *reading, struct json_value value, const char *what,
                     struct str *ret_text)
{
    struct str text = {0};

    if (!json_get_str(value, &text) || text.length > LOOP_JOURNAL_LINE_BYTES_MAX) {
        return invalid(reading, what);
    }
    struct str copy = arena_copy(&reading->journal->arena, text);
    if (!copy.data) {
        return no_memory(reading);
    }
    *ret_text = copy;
    return OK;
}

static int take_texts(struct reading *reading, struct json_value list, struct loop_entry *entry)
{
    size_t count = json_count(list);

    if (!json_is(list, JSON_ARRAY) || count == 0 || count > LOOP_JOURNAL_TEXTS_MAX) {
        return invalid(reading, "its options or command are no list of texts");
    }
    struct str *texts = arena_alloc(&reading->journal->arena, count, sizeof(*texts));
    if (!texts) {
        return no_memory(reading);
    }
    for (struct json_iterator it = json_iterate(list); json_next(&it);) {
        int code = take_text(reading, it.value, "its options or command are no list of texts",
                             &texts[entry->text_count]);

        if (code) {
            return code;
        }
        entry->text_count++;
    }
    entry->texts = texts;
    return OK;
}

static int take_files(struct reading *reading, struct json_value list, struct loop_entry *entry)
{
    if (!json_is(list, JSON_ARRAY) || json_count(list) > LOOP_JOURNAL_FILES_MAX) {
        return invalid(reading, "its files are no list");
    }
    for (struct json_iterator it = json_iterate(list); json_next(&it);) {
        struct loop_journal_file *file = &entry->files[entry->file_count];
        int code = take_text(reading, json_at(it.value, "name"), "a file has no name", &file->name);

        code = code ? code
                    : take_text(reading, json_at(it.value, "sha256"), "a file has no digest",
                                &file->sha256);
        if (code) {
            return code;
        }
        if (!digest_is_text(file->sha256)) {
            return invalid(reading, "a file has no digest");
        }
        entry->file_count++;
    }
    return OK;
}

static bool take_time(struct json_value value, int64_t *ret_time_us)
{
    struct str text;

    return json_get_str(value, &text) && civil_parse(text, ret_time_us) == OK;
}

/* Left out is 0; anything but a time is an error. */
static bool take_time_or_none(struct json_value value, int64_t *ret_time_us)
{
    return json_is(value, JSON_MISSING) || take_time(value, ret_time_us);
}

static bool take_place(struct json_value root, bool has_step, struct loop_entry *entry)
{
    struct str step;
    uint64_t cycle;

    if (!json_get_u64(json_at(root, "cycle"), &cycle) || cycle == 0 ||
        cycle > LOOP_JOURNAL_ENTRIES_MAX) {
        return false;
    }
    entry->cycle = (unsigned)cycle;
    return !has_step ||
           (json_get_str(json_at(root, "step"), &step) && loop_step_from(step, &entry->step));
}

static int read_ended(struct reading *reading, struct json_value root, struct loop_entry *entry)
{
    struct str outcome;
    int64_t status;

    if (!take_place(root, /* has_step */ true, entry) ||
        !json_get_str(json_at(root, "outcome"), &outcome) ||
        !loop_outcome_from(outcome, &entry->outcome) ||
        !json_get_i64(json_at(root, "exit"), &status) || status < -1 || status > STATUS_MAX ||
        !json_get_i64(json_at(root, "duration_ms"), &entry->duration_ms) ||
        entry->duration_ms < 0 || entry->duration_ms > ELAPSED_MAX / 1000 ||
        !take_time_or_none(json_at(root, "from"), &entry->from_us) ||
        !take_time_or_none(json_at(root, "to"), &entry->to_us)) {
        return invalid(reading, "it does not say which step ended and how");
    }
    entry->exit_status = (int)status;
    int code = take_text(reading, json_at(root, "reason"), "it has no reason", &entry->reason);
    code =
        code ? code : take_text(reading, json_at(root, "facts"), "it has no facts", &entry->facts);
    return code ? code : take_files(reading, json_at(root, "files"), entry);
}

static int read_opened(struct reading *reading, struct json_value root, struct loop_entry *entry)
{
    uint64_t format;

    if (!json_get_u64(json_at(root, "netra_journal"), &format) || format != LOOP_JOURNAL_FORMAT) {
        return invalid(reading, "it is not of a format that this version reads");
    }
    return take_texts(reading, json_at(root, "options"), entry);
}

static int read_event(struct reading *reading, struct json_value root, struct loop_entry *entry)
{
    struct str verdict;

    switch (entry->event) {
    case LOOP_JOURNAL_OPENED:
        return read_opened(reading, root, entry);
    case LOOP_JOURNAL_BEGAN:
        return take_place(root, /* has_step */ true, entry)
                   ? take_texts(reading, json_at(root, "command"), entry)
                   : invalid(reading, "it does not say which step began");
    case LOOP_JOURNAL_ENDED:
        return read_ended(reading, root, entry);
    case LOOP_JOURNAL_STOPPED:
        if (!take_place(root, /* has_step */ false, entry) ||
            !json_get_str(json_at(root, "verdict"), &verdict) ||
            !loop_verdict_from(verdict, &entry->verdict) || entry->verdict == LOOP_VERDICT_NONE) {
            return invalid(reading, "it does not say why the loop stopped");
        }
        return take_text(reading, json_at(root, "reason"), "it has no reason", &entry->reason);
    case LOOP_JOURNAL_RESUMED:
    case LOOP_JOURNAL_EVENT_COUNT:
        break;
    }
    return OK;
}

static bool event_from(struct str name, enum loop_journal_event *ret_event)
{
    for (int i = 0; i < LOOP_JOURNAL_EVENT_COUNT; i++) {
        if (str_equal(name, str_from(loop_journal_event_name((enum loop_journal_event)i)))) {
            *ret_event = (enum loop_journal_event)i;
            return true;
        }
    }
    return false;
}

static int read_entry(struct reading *reading, struct str line, struct loop_entry *entry)
{
    struct error inner = {0};
    struct json_value root;
    struct str event;

    int code = json_parse(reading->parser, line, &root, &inner);
    if (code) {
        return code == ERR_NO_MEMORY ? no_memory(reading) : invalid(reading, inner.message);
    }
    if (!json_get_u64(json_at(root, "n"), &entry->n) || entry->n != reading->journal->count + 1 ||
        !take_time(json_at(root, "time"), &entry->time_us) ||
        !json_get_i64(json_at(root, "elapsed_us"), &entry->elapsed_us) || entry->elapsed_us < 0 ||
        entry->elapsed_us > ELAPSED_MAX || !json_get_str(json_at(root, "event"), &event) ||
        !event_from(event, &entry->event)) {
        return invalid(reading, "it has no number, time or event, or not the next number");
    }
    if ((entry->event == LOOP_JOURNAL_OPENED) != (entry->n == 1)) {
        return invalid(reading, "the first line, and only that, says that the loop was opened");
    }
    return read_event(reading, root, entry);
}

/* line: without its end. */
static int read_line(struct reading *reading, struct str line)
{
    struct loop_journal *journal = reading->journal;
    char hash[DIGEST_TEXT_BYTES];

    if (journal->count == LOOP_JOURNAL_ENTRIES_MAX || line.length > LOOP_JOURNAL_LINE_BYTES_MAX) {
        return error_set(reading->error, ERR_LIMIT,
                         "line %zu of the journal: a journal has at most %u lines of %zu bytes",
                         journal->count + 1, LOOP_JOURNAL_ENTRIES_MAX, LOOP_JOURNAL_LINE_BYTES_MAX);
    }
    if (line.length < LOOP_JOURNAL_HASH_MEMBER_BYTES ||
        !str_equal(str_slice(line, line.length - 2, line.length), STR("\"}"))) {
        return invalid(reading, "it does not end with its hash");
    }
    struct str body = str_slice(line, 0, line.length - LOOP_JOURNAL_HASH_MEMBER_BYTES);
    struct str digits = str_slice(line, line.length - DIGEST_TEXT_BYTES - 1, line.length - 2);
    if (loop_journal_line_hash(journal->last_hash, body, hash)) {
        return no_memory(reading);
    }
    struct str name = str_slice(line, body.length, line.length - DIGEST_TEXT_BYTES - 1);
    if (!str_equal(name, STR(LOOP_JOURNAL_HASH_NAME)) || !str_equal(digits, str_from(hash))) {
        return invalid(reading, "it was changed, or a line before it is missing: its hash is not "
                                "that of the line before and this one");
    }
    struct loop_entry entry = {.exit_status = -1};
    int code = read_entry(reading, line, &entry);
    code = code ? code : loop_journal_keep(journal, &entry);
    if (code) {
        return code == ERR_NO_MEMORY ? no_memory(reading) : code;
    }
    memcpy(journal->last_hash, hash, sizeof(hash));
    return OK;
}

int loop_journal_parse(struct loop_journal *journal, struct str text, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct reading reading = {.journal = journal, .error = error};
    size_t begin = 0;
    size_t end;

    if (json_parser_new(LOOP_JOURNAL_LINE_BYTES_MAX, &parser)) {
        return no_memory(&reading);
    }
    reading.parser = parser;
    while ((end = str_find(text, STR("\n"), begin)) != SIZE_MAX) {
        int code = read_line(&reading, str_slice(text, begin, end));

        if (code) {
            return code;
        }
        begin = end + 1;
    }
    journal->sound_bytes = begin;
    journal->torn_bytes = text.length - begin;
    return OK;
}
