/*
 * The engine: asks the journal what is next, does it, writes it down; again. There is no other
 * state, so resuming is the same as going on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deploy/loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/loop_state.h"

#define SAY_BYTES 1200u

static int no_memory(struct error *error)
{
    return error_set(error, ERR_NO_MEMORY, "out of memory");
}

const char *loop_path(struct deploy_loop *loop, const char *name)
{
    return arena_printf(&loop->arena, "%s/cycle-%u%s%s", loop->folder, loop->cycle,
                        name[0] ? "/" : "", name)
        .data;
}

void loop_word(struct loop_words *words, const char *word)
{
    struct str copy = word ? arena_copy(words->arena, str_from(word)) : (struct str){NULL, 0};

    if (!copy.data) {
        words->status = ERR_NO_MEMORY;
    } else if (words->count == LOOP_JOURNAL_TEXTS_MAX) {
        words->status = ERR_LIMIT;
    } else {
        words->items[words->count++] = copy.data;
    }
}

void loop_word_options(struct loop_words *words, const struct loop_options *options,
                       enum loop_use use)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct loop_option *option = loop_options_row(options->texts[i]);
        const char *value = strchr(options->texts[i].data, '=');

        if (!option || !(option->uses & use)) {
            continue;
        }
        loop_word(words, arena_printf(words->arena, "--%s", option->name).data);
        if (!(option->uses & LOOP_IS_FLAG)) {
            loop_word(words, value ? value + 1 : "");
        }
    }
}

void loop_reason(struct deploy_loop *loop, struct loop_result *result, const char *format, ...)
{
    char text[LOOP_JOURNAL_REASON_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    result->reason = arena_copy(&loop->arena, str_from(text));
}

static void say(const struct deploy_loop *loop, const char *format, ...) printf_like(2, 3);

static void say(const struct deploy_loop *loop, const char *format, ...)
{
    char line[SAY_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    loop->world->say(str_from(line), loop->world->arg);
}

static struct loop_entry entry_now(const struct deploy_loop *loop, enum loop_journal_event event)
{
    return (struct loop_entry){.event = event,
                               .time_us = loop->world->now_us(loop->world->arg),
                               .elapsed_us = loop->world->elapsed_us(loop->world->arg),
                               .cycle = loop->cycle,
                               .step = loop->step,
                               .exit_status = -1};
}

static int interrupted(const struct deploy_loop *loop, struct error *error)
{
    (void)error_set(error, ERR_CANCELLED, "the loop was interrupted in cycle %u at the step %s",
                    loop->cycle, loop_step_name(loop->step));
    error_hint(error, "`netra loop --resume --out %s` goes on.", loop->folder);
    return ERR_CANCELLED;
}

/* ---- one step ---- */

/* What the steps of this cycle left is what it was: a later step reads it. */
static int check_files(struct deploy_loop *loop, struct error *error)
{
    for (int step = 0; step < (int)loop->step; step++) {
        const struct loop_entry *ended =
            loop_journal_ended(loop->journal, loop->cycle, (enum loop_step)step);

        for (size_t i = 0; ended && i < ended->file_count; i++) {
            char digest[DIGEST_TEXT_BYTES];
            struct str path =
                arena_printf(&loop->arena, "%s/%.*s", loop->folder, STR_ARGS(ended->files[i].name));
            int code = path.data ? digest_file(path.data, digest, error) : no_memory(error);

            if (!code && !str_equal(str_from(digest), ended->files[i].sha256)) {
                code =
                    error_set(error, ERR_INVALID,
                              "%s is not what the journal says: its digest is another", path.data);
            }
            if (code) {
                return code == ERR_NOT_FOUND ? ERR_INVALID : code;
            }
        }
    }
    return OK;
}

static int clear_step(struct deploy_loop *loop, const struct loop_step_row *row,
                      struct error *error)
{
    const char *names[ARRAY_LENGTH(row->makes) + 1];
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(row->makes) && row->makes[i]; i++) {
        names[count++] = row->makes[i];
    }
    if (row->output) {
        names[count++] = row->output;
    }
    const char *folder = loop_path(loop, "");
    int code = folder ? loop_files_make_folder(folder, error) : no_memory(error);
    for (size_t i = 0; i < count && !code; i++) {
        const char *path = loop_path(loop, names[i]);

        code = path ? loop_files_remove(path, error) : no_memory(error);
    }
    return code;
}

static int begin_step(struct deploy_loop *loop, const struct loop_words *words,
                      int64_t *ret_elapsed_us, struct error *error)
{
    struct loop_entry began = entry_now(loop, LOOP_JOURNAL_BEGAN);
    struct str *texts = arena_alloc(&loop->arena, words->count + 1, sizeof(*texts));

    if (!texts) {
        return no_memory(error);
    }
    for (size_t i = 0; i < words->count; i++) {
        texts[i] = str_from(words->items[i]);
    }
    began.texts = texts;
    began.text_count = words->count;
    *ret_elapsed_us = began.elapsed_us;
    return loop_journal_append(loop->journal, &began, error);
}

static int add_file(struct deploy_loop *loop, struct loop_entry *ended, const char *name,
                    struct error *error)
{
    const char *path = loop_path(loop, name);
    char digest[DIGEST_TEXT_BYTES];

    int code = path ? digest_file(path, digest, error) : no_memory(error);
    if (code) {
        return code == ERR_NOT_FOUND ? OK : code;
    }
    struct loop_journal_file *file = &ended->files[ended->file_count++];
    file->name = arena_printf(&loop->arena, "cycle-%u/%s", loop->cycle, name);
    file->sha256 = arena_copy(&loop->arena, str_from(digest));
    return file->name.data && file->sha256.data ? OK : no_memory(error);
}

static int end_step(struct deploy_loop *loop, const struct loop_result *result, int64_t began_us,
                    struct error *error)
{
    struct loop_entry ended = entry_now(loop, LOOP_JOURNAL_ENDED);
    int code = OK;

    for (size_t i = 0; i < result->file_count && !code; i++) {
        code = add_file(loop, &ended, result->files[i], error);
    }
    if (code) {
        return code;
    }
    ended.outcome = result->outcome;
    ended.exit_status = result->exit_status;
    ended.duration_ms = (ended.elapsed_us - began_us) / 1000;
    ended.reason = result->reason;
    ended.facts = str_from(result->facts);
    ended.from_us = result->from_us;
    ended.to_us = result->to_us;
    say(loop, "  %-9s %-10s %7.1f s  %.*s", loop_step_name(loop->step),
        loop_outcome_name(result->outcome), (double)ended.duration_ms / 1000,
        STR_ARGS(result->reason));
    return loop_journal_append(loop->journal, &ended, error);
}

static int run_command(struct deploy_loop *loop, const struct loop_step_row *row,
                       const struct loop_words *words, struct buf *out, struct loop_end *end,
                       struct error *error)
{
    bool is_hook = loop->step == LOOP_FIX || loop->step == LOOP_COMMIT;
    struct loop_command command = {.words = words->items};
    const char *path = loop_path(loop, row->output);

    if (!path) {
        return no_memory(error);
    }
    if (is_hook) {
        command.environment = loop_hook_environment(loop, error);
        if (!command.environment) {
            return error->code;
        }
    }
    int code = loop->world->run(&command, loop->folder, out, end, loop->world->arg, error);
    if (!code) {
        code = loop_files_write(path, buf_str(out), error);
    }
    return code;
}

static int do_step(struct deploy_loop *loop, struct error *error)
{
    const struct loop_step_row *row = &loop_step_rows[loop->step];
    struct loop_words words = {.arena = &loop->arena};
    struct loop_result result = {.exit_status = -1, .reason = STR("")};
    struct loop_end end = {.exit_status = -1, .is_ended = true};
    cleanup(buf_done) struct buf out = {0};
    int64_t began_us = 0;

    buf_init(&out, LOOP_OUT_BYTES_MAX);
    int code = check_files(loop, error);
    code = code ? code : clear_step(loop, row, error);
    code = code ? code : row->plan(loop, &words, error);
    if (!code && words.status) {
        code = error_set(error, words.status, "cannot build a command: %s",
                         error_code_text(words.status));
    }
    code = code ? code : begin_step(loop, &words, &began_us, error);
    if (!code && words.is_command) {
        code = run_command(loop, row, &words, &out, &end, error);
        result.exit_status = end.exit_status;
    }
    if (!code && !end.is_ended) {
        code = interrupted(loop, error);
    }
    code = code ? code
                : row->judge(loop, words.is_command ? &end : NULL, buf_str(&out), &result, error);
    return code ? code : end_step(loop, &result, began_us, error);
}

/* ---- the whole ---- */

/* The reason of the step that decided; what a cycle that brings nothing new had instead. */
static struct str reason_of(const struct deploy_loop *loop, enum loop_verdict verdict)
{
    for (size_t i = loop->journal->count; i > 0; i--) {
        const struct loop_entry *entry = &loop->journal->entries[i - 1];

        if (entry->event == LOOP_JOURNAL_ENDED) {
            return entry->reason;
        }
    }
    return str_from(loop_verdict_sentence(verdict));
}

/* A verdict stands only on times that can be true. */
static int stop(struct deploy_loop *loop, enum loop_verdict verdict, struct error *error)
{
    struct loop_contradictions found = {.count = 0};
    struct loop_entry stopped = entry_now(loop, LOOP_JOURNAL_STOPPED);

    if (loop_check_times(loop->journal, &loop->arena, &found)) {
        return no_memory(error);
    }
    stopped.verdict = found.count ? LOOP_VERDICT_REFUSED : verdict;
    stopped.reason = found.count ? found.items[0] : reason_of(loop, verdict);
    return loop_journal_append(loop->journal, &stopped, error);
}

static bool is_interrupted(const struct deploy_loop *loop)
{
    return loop->world->is_interrupted && *loop->world->is_interrupted;
}

static int go_on(struct deploy_loop *loop, enum loop_verdict *ret_verdict, struct error *error)
{
    unsigned told = 0;

    for (;;) {
        struct loop_position at;
        int code = loop_position_of(loop->journal, loop->max_cycles, &at, error);

        if (code) {
            return code;
        }
        arena_done(&loop->arena);
        loop->cycle = at.cycle;
        loop->step = at.step;
        if (at.is_stopped) {
            *ret_verdict = at.verdict;
            return OK;
        }
        if (at.verdict) {
            code = stop(loop, at.verdict, error);
        } else if (is_interrupted(loop)) {
            code = interrupted(loop, error);
        } else {
            if (told != at.cycle) {
                say(loop, "cycle %u of at most %u", at.cycle, loop->max_cycles);
                told = at.cycle;
            }
            code = do_step(loop, error);
        }
        if (code) {
            return code;
        }
    }
}

static int open_new(struct deploy_loop *loop, const struct loop_run_options *run, const char *path,
                    struct error *error)
{
    struct loop_entry opened = entry_now(loop, LOOP_JOURNAL_OPENED);
    int code = loop_options_read(&loop->options, run->options->texts, run->options->count, error);

    code = code ? code : loop_journal_create(loop->journal, path, error);
    if (code) {
        return code;
    }
    opened.texts = run->options->texts;
    opened.text_count = run->options->count;
    return loop_journal_append(loop->journal, &opened, error);
}

/* The command of the step that had begun, when the loop was killed: it may have outlived it. */
static int end_left_over(struct deploy_loop *loop, struct error *error)
{
    const struct loop_entry *last = &loop->journal->entries[loop->journal->count - 1];
    const char *words[LOOP_JOURNAL_TEXTS_MAX + 1] = {NULL};

    for (size_t i = 0; last->event == LOOP_JOURNAL_BEGAN && i < last->text_count; i++) {
        words[i] = last->texts[i].data;
    }
    const struct loop_command command = {.words = words};
    return words[0] ? loop->world->end_left_over(&command, loop->folder, loop->world->arg, error)
                    : OK;
}

static int resume(struct deploy_loop *loop, const struct loop_run_options *run, const char *path,
                  struct error *error)
{
    struct loop_position at;
    int code = loop_journal_open(loop->journal, path, error);

    if (!code && loop->journal->count == 0) {
        code = error_set(error, ERR_INVALID, "%s has no whole line: no loop was begun", path);
        error_hint(error, "Remove the folder, and begin it anew.");
    }
    if (code) {
        return code;
    }
    const struct loop_entry *opened = &loop->journal->entries[0];
    code = loop_options_read(&loop->options, opened->texts, opened->text_count, error);
    code = code ? code : loop_options_check(&loop->options, error);
    if (!code && run->options) {
        struct str other = loop_options_missing(run->options, &loop->options);

        if (other.data) {
            (void)error_set(error, ERR_USAGE, "the loop was begun without --%.*s", STR_ARGS(other));
            error_hint(error, "A loop is resumed with the options that it was begun with; "
                              "--resume and --out are enough.");
            return ERR_USAGE;
        }
    }
    loop->max_cycles =
        (unsigned)loop_options_number(&loop->options, "max-cycles", LOOP_CYCLES_DEFAULT);
    code = code ? code : loop_position_of(loop->journal, loop->max_cycles, &at, error);
    if (code || at.is_stopped) {
        return code;
    }
    code = end_left_over(loop, error);
    if (!code) {
        struct loop_entry resumed = entry_now(loop, LOOP_JOURNAL_RESUMED);

        say(loop, "going on in cycle %u at the step %s", at.cycle, loop_step_name(at.step));
        code = loop_journal_append(loop->journal, &resumed, error);
    }
    return code;
}

/* Which of the two it must be, and says so when it is the other. */
static int check_folder(const struct loop_run_options *run, const char *path, struct error *error)
{
    struct stat info;
    bool is_there = stat(path, &info) == 0;

    if (is_there == run->is_resumed) {
        return OK;
    }
    if (is_there) {
        (void)error_set(error, ERR_USAGE, "there is a loop in %s already", run->folder);
        error_hint(error, "`netra loop --resume --out %s` goes on with it.", run->folder);
    } else {
        (void)error_set(error, ERR_USAGE, "there is no loop in %s to be resumed", run->folder);
    }
    return ERR_USAGE;
}

static void close_loop(struct deploy_loop *loop)
{
    loop_journal_free(loop->journal);
    loop_options_done(&loop->options);
    arena_done(&loop->arena);
    if (loop->lock_fd >= 0) {
        (void)close(loop->lock_fd);
    }
}

/* The story is told of whatever there is, also of a loop that was interrupted or failed. */
static int finish(struct deploy_loop *loop, int code, struct error *error)
{
    struct error other = {0};
    bool is_sound = loop->journal->count && code != ERR_INVALID && code != ERR_USAGE;
    int told = is_sound ? loop_tell_story(loop, &other) : OK;

    if (!code && told) {
        *error = other;
        return told;
    }
    return code;
}

int deploy_loop_run(const struct loop_run_options *options, enum loop_verdict *ret_verdict,
                    struct error *error)
{
    cleanup(close_loop) struct deploy_loop loop = {.netra = options->netra,
                                                   .folder = options->folder,
                                                   .world = options->world,
                                                   .lock_fd = -1,
                                                   .cycle = 1};
    char lock[LOOP_PATH_BYTES_MAX];
    char journal[LOOP_PATH_BYTES_MAX];

    loop_options_init(&loop.options);
    arena_init(&loop.arena, LOOP_STEP_MEMORY_MAX);
    if (strlen(options->folder) > LOOP_PATH_BYTES_MAX - 200) {
        return error_set(error, ERR_USAGE, "the folder's name is too long");
    }
    (void)snprintf(lock, sizeof(lock), "%s/lock", options->folder);
    (void)snprintf(journal, sizeof(journal), "%s/journal.jsonl", options->folder);
    int code = check_folder(options, journal, error);
    if (!code && !options->is_resumed) {
        code = loop_options_check(options->options, error);
    }
    code = code ? code : loop_files_make_folder(options->folder, error);
    code = code ? code : loop_files_lock(lock, &loop.lock_fd, error);
    if (!code && loop_journal_new(&loop.journal)) {
        code = no_memory(error);
    }
    if (code) {
        return code;
    }
    code = options->is_resumed ? resume(&loop, options, journal, error)
                               : open_new(&loop, options, journal, error);
    loop.max_cycles =
        (unsigned)loop_options_number(&loop.options, "max-cycles", LOOP_CYCLES_DEFAULT);
    code = code ? code : go_on(&loop, ret_verdict, error);
    return finish(&loop, code, error);
}
