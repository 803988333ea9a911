/*
 * loop.md and loop.json: the journal, told. Nothing is in them that is not in the journal, but for
 * what the check of its times says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/civil_time.h"
#include "deploy/loop_markdown.h"
#include "deploy/loop_state.h"
#include "json/json_write.h"

#define STORY_BYTES_MAX ((size_t)64 << 20)

/* One pass of a step: what began, and what ended unless it was broken off. */
struct pass {
    const struct loop_entry *began;
    const struct loop_entry *ended;
};

/* The next pass behind *at; false: there is none. */
static bool next_pass(const struct loop_journal *journal, size_t *at, struct pass *ret_pass)
{
    struct pass pass = {NULL, NULL};

    while (*at < journal->count && !pass.began) {
        const struct loop_entry *entry = &journal->entries[(*at)++];

        pass.began = entry->event == LOOP_JOURNAL_BEGAN ? entry : NULL;
    }
    if (!pass.began) {
        return false;
    }
    if (*at < journal->count && journal->entries[*at].event == LOOP_JOURNAL_ENDED) {
        pass.ended = &journal->entries[(*at)++];
    }
    *ret_pass = pass;
    return true;
}

static const struct loop_entry *stopped_entry(const struct loop_journal *journal)
{
    const struct loop_entry *last = &journal->entries[journal->count - 1];

    return last->event == LOOP_JOURNAL_STOPPED ? last : NULL;
}

static size_t resumptions(const struct loop_journal *journal)
{
    size_t count = 0;

    for (size_t i = 0; i < journal->count; i++) {
        count += journal->entries[i].event == LOOP_JOURNAL_RESUMED;
    }
    return count;
}

/* ---- JSON ---- */

static void put_time(struct json_writer *w, const char *name, int64_t time_us)
{
    char stamp[CIVIL_STAMP_BYTES];

    civil_stamp(time_us, stamp);
    json_key(w, name);
    json_put_text(w, stamp);
}

static void put_texts(struct json_writer *w, const char *name, const struct str *texts,
                      size_t count)
{
    json_key(w, name);
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        json_put_str(w, texts[i]);
    }
    json_end_array(w);
}

static void put_ended(struct json_writer *w, const struct loop_entry *ended)
{
    put_time(w, "ended", ended->time_us);
    json_key(w, "duration_ms");
    json_put_i64(w, ended->duration_ms);
    json_key(w, "outcome");
    json_put_text(w, loop_outcome_name(ended->outcome));
    json_key(w, "exit");
    json_put_i64(w, ended->exit_status);
    json_key(w, "reason");
    json_put_str(w, ended->reason);
    loop_entry_write_files(ended, w);
    if (ended->from_us) {
        put_time(w, "evidence_from", ended->from_us);
        put_time(w, "evidence_to", ended->to_us);
    }
}

static void put_passes(struct json_writer *w, const struct loop_journal *journal)
{
    struct pass pass;
    size_t at = 0;

    json_key(w, "steps");
    json_begin_array(w);
    while (next_pass(journal, &at, &pass)) {
        json_begin_object(w);
        json_key(w, "cycle");
        json_put_i64(w, pass.began->cycle);
        json_key(w, "n");
        json_put_i64(w, (int64_t)pass.began->step + 1);
        json_key(w, "step");
        json_put_text(w, loop_step_name(pass.began->step));
        put_time(w, "began", pass.began->time_us);
        put_texts(w, "command", pass.began->texts, pass.began->text_count);
        if (pass.ended) {
            put_ended(w, pass.ended);
        }
        json_end_object(w);
    }
    json_end_array(w);
}

static int write_json(struct deploy_loop *loop, const struct loop_contradictions *times,
                      struct error *error)
{
    const struct loop_journal *journal = loop->journal;
    const struct loop_entry *stopped = stopped_entry(journal);
    cleanup(buf_done) struct buf text = {0};
    struct json_writer w = json_writer_indented(&text, 1);
    struct str path = arena_printf(&loop->arena, "%s/loop.json", loop->folder);

    buf_init(&text, STORY_BYTES_MAX);
    json_begin_object(&w);
    json_key(&w, "netra_loop");
    json_put_i64(&w, 1);
    json_key(&w, "verdict");
    json_put_text(&w, loop_verdict_name(stopped ? stopped->verdict : LOOP_VERDICT_NONE));
    json_key(&w, "reason");
    json_put_str(&w, stopped ? stopped->reason : STR(""));
    json_key(&w, "cycles");
    json_put_i64(&w, loop->cycle);
    json_key(&w, "resumed");
    json_put_i64(&w, (int64_t)resumptions(journal));
    put_time(&w, "began", journal->entries[0].time_us);
    put_time(&w, "ended", journal->entries[journal->count - 1].time_us);
    put_texts(&w, "options", journal->entries[0].texts, journal->entries[0].text_count);
    put_passes(&w, journal);
    json_key(&w, "times");
    json_begin_object(&w);
    json_key(&w, "compared");
    json_put_i64(&w, (int64_t)(times->lines + times->spans));
    put_texts(&w, "contradictions", times->items, times->count);
    json_end_object(&w);
    json_key(&w, "journal");
    json_begin_object(&w);
    json_key(&w, "lines");
    json_put_i64(&w, (int64_t)journal->count);
    json_key(&w, "last_hash");
    json_put_text(&w, journal->last_hash);
    json_end_object(&w);
    json_end_object(&w);
    buf_append_char(&text, '\n');
    if (!path.data || buf_status(&text)) {
        return error_set(error, ERR_NO_MEMORY, "cannot write loop.json: out of memory");
    }
    return loop_files_write(path.data, buf_str(&text), error);
}

/* ---- Markdown ---- */

static void tell_head(struct deploy_loop *loop, struct buf *out)
{
    const struct loop_journal *journal = loop->journal;
    const struct loop_entry *stopped = stopped_entry(journal);
    const struct loop_entry *last = &journal->entries[journal->count - 1];
    char from[CIVIL_STAMP_BYTES];
    char to[CIVIL_STAMP_BYTES];

    civil_stamp(journal->entries[0].time_us, from);
    civil_stamp(last->time_us, to);
    buf_append(out, STR("# Test-deploy loop: "));
    loop_markdown_text(out, str_from(loop_options_value(&loop->options, "project")));
    buf_append(out, STR(" on "));
    loop_markdown_text(out, str_from(loop_options_value(&loop->options, "target")));
    buf_printf(out, "\n\n**%s**: %s",
               loop_verdict_name(stopped ? stopped->verdict : LOOP_VERDICT_NONE),
               loop_verdict_sentence(stopped ? stopped->verdict : LOOP_VERDICT_NONE));
    if (stopped) {
        buf_append(out, STR(" ("));
        loop_markdown_text(out, stopped->reason);
        buf_append_char(out, ')');
    }
    buf_printf(out, ".\n\n| | |\n|---|---|\n| began | %s |\n| ended | %s |\n", from, to);
    buf_printf(out, "| cycles | %u of at most %u |\n| resumed | %zu times |\n\n", loop->cycle,
               loop->max_cycles, resumptions(journal));
}

static void tell_files(struct buf *out, const struct loop_entry *ended)
{
    for (size_t i = 0; i < ended->file_count; i++) {
        struct str name = ended->files[i].name;
        size_t slash = str_find(name, STR("/"), 0);

        buf_append(out, i ? STR(", [") : STR("["));
        loop_markdown_text(out, slash == SIZE_MAX ? name : str_slice(name, slash + 1, name.length));
        buf_printf(out, "](%.*s) ", STR_ARGS(name));
        loop_markdown_code(out, str_slice(ended->files[i].sha256, 0, 12));
    }
}

static void tell_pass(struct buf *out, const struct pass *pass)
{
    const struct loop_entry *ended = pass->ended;
    char began[CIVIL_STAMP_BYTES];

    civil_stamp(pass->began->time_us, began);
    buf_printf(out, "| %d | %s | %s | ", (int)pass->began->step + 1,
               loop_step_title(pass->began->step), began);
    if (!ended) {
        buf_append(out, STR("| broken off | done again after the resumption | |\n"));
        return;
    }
    buf_printf(out, "%lld.%03lld | **%s** | ", (long long)(ended->duration_ms / 1000),
               (long long)(ended->duration_ms % 1000), loop_outcome_name(ended->outcome));
    loop_markdown_text(out, ended->reason);
    buf_append(out, STR(" | "));
    tell_files(out, ended);
    buf_append(out, STR(" |\n"));
}

static void tell_commands(struct buf *out, const struct loop_journal *journal)
{
    struct pass pass;
    size_t at = 0;

    buf_append(out, STR("\n## Commands\n\n| cycle | step | command | exit |\n|---|---|---|---|\n"));
    while (next_pass(journal, &at, &pass)) {
        buf_printf(out, "| %u | %s |", pass.began->cycle, loop_step_name(pass.began->step));
        for (size_t i = 0; i < pass.began->text_count; i++) {
            buf_append_char(out, ' ');
            loop_markdown_code(out, pass.began->texts[i]);
        }
        buf_append(out, STR(" | "));
        if (pass.ended && pass.ended->exit_status >= 0) {
            buf_printf(out, "%d", pass.ended->exit_status);
        }
        buf_append(out, STR(" |\n"));
    }
}

static void tell_times(struct buf *out, const struct loop_contradictions *times,
                       const struct loop_journal *journal)
{
    buf_printf(out,
               "\n## The order of times\n\n%zu pairs of lines and %zu spans of the journal were "
               "compared: each line is later than the one before, each step took as long as its "
               "lines are apart, evidence was made while its step went on, and what validates a "
               "deployment was made after it. ",
               times->lines, times->spans);
    if (times->count == 0) {
        buf_append(out, STR("Nothing contradicts itself.\n"));
    } else {
        buf_append(out, STR("**These contradict each other:**\n\n"));
    }
    for (size_t i = 0; i < times->count; i++) {
        buf_append(out, STR("* "));
        loop_markdown_text(out, times->items[i]);
        buf_append_char(out, '\n');
    }
    buf_printf(out, "\nThe journal has %zu lines; the hash of the last is `%s`.\n", journal->count,
               journal->last_hash);
}

static int write_markdown(struct deploy_loop *loop, const struct loop_contradictions *times,
                          struct error *error)
{
    cleanup(buf_done) struct buf text = {0};
    struct str path = arena_printf(&loop->arena, "%s/loop.md", loop->folder);
    struct pass pass;
    unsigned cycle = 0;
    size_t at = 0;

    buf_init(&text, STORY_BYTES_MAX);
    tell_head(loop, &text);
    while (next_pass(loop->journal, &at, &pass)) {
        if (pass.began->cycle != cycle) {
            cycle = pass.began->cycle;
            buf_printf(&text,
                       "\n## Cycle %u\n\n| | step | began | s | outcome | why | evidence |\n"
                       "|---|---|---|---|---|---|---|\n",
                       cycle);
        }
        tell_pass(&text, &pass);
    }
    tell_commands(&text, loop->journal);
    tell_times(&text, times, loop->journal);
    if (!path.data || buf_status(&text)) {
        return error_set(error, ERR_NO_MEMORY, "cannot write loop.md: out of memory");
    }
    return loop_files_write(path.data, buf_str(&text), error);
}

int loop_tell_story(struct deploy_loop *loop, struct error *error)
{
    struct loop_contradictions times = {.count = 0};

    if (loop_check_times(loop->journal, &loop->arena, &times)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    int code = write_json(loop, &times, error);
    return code ? code : write_markdown(loop, &times, error);
}
