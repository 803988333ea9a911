/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/civil_time.h"
#include "json/json_write.h"

#define NAME_UNFINISHED "unfinished.json"
#define ARENA_BYTES_MAX ((size_t)1 << 18)

static int path_in(const struct journal *journal, const char *name, const char *end,
                   char ret_path[TARGET_PATH_BYTES_MAX], struct error *error)
{
    int length = snprintf(ret_path, TARGET_PATH_BYTES_MAX, "%s/%s%s", journal->folder, name, end);

    return length < 0 || (size_t)length >= TARGET_PATH_BYTES_MAX
               ? error_set(error, ERR_IO, "the path of the state folder is too long")
               : OK;
}

/* Each folder of the path that is not there. */
static int make_folders(char *path, struct error *error)
{
    for (char *at = path + 1; *at; at++) {
        if (*at != '/') {
            continue;
        }
        *at = '\0';
        int failed = mkdir(path, 0700) && errno != EEXIST;
        *at = '/';
        if (failed) {
            return error_set(error, ERR_IO, "cannot make a folder of %s: %m", path);
        }
    }
    return mkdir(path, 0700) && errno != EEXIST
               ? error_set(error, ERR_IO, "cannot make %s: %m", path)
               : OK;
}

int journal_open(struct journal *journal, const char *state, struct error *error)
{
    char path[TARGET_PATH_BYTES_MAX];

    *journal = (struct journal){.lock_fd = -1, .record_fd = -1};
    int length = snprintf(journal->folder, sizeof(journal->folder), "%s/deploys", state);
    if (state[0] != '/' || length < 0 || (size_t)length >= sizeof(journal->folder)) {
        return error_set(error, ERR_IO, "cannot keep state in %s: no absolute path, or too long",
                         state);
    }
    int code = make_folders(journal->folder, error);
    if (code == OK) {
        code = path_in(journal, "lock", "", path, error);
    }
    if (code) {
        return code;
    }
    journal->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (journal->lock_fd < 0) {
        return error_set(error, ERR_IO, "cannot open %s: %m", path);
    }
    if (flock(journal->lock_fd, LOCK_EX | LOCK_NB)) {
        return errno == EWOULDBLOCK
                   ? error_set(error, ERR_EXISTS, "another deployment of this project is under way")
                   : error_set(error, ERR_IO, "cannot lock %s: %m", path);
    }
    return OK;
}

static void close_fd(int *fd)
{
    if (*fd > 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

void journal_close(struct journal *journal)
{
    close_fd(&journal->record_fd);
    close_fd(&journal->lock_fd);
}

/* ---- the record ---- */

int journal_record(struct journal *journal, const char *revision, struct error *error)
{
    char path[TARGET_PATH_BYTES_MAX];
    int code = path_in(journal, revision, ".jsonl", path, error);

    if (code) {
        return code;
    }
    close_fd(&journal->record_fd);
    journal->record_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return journal->record_fd < 0 ? error_set(error, ERR_IO, "cannot open %s: %m", path) : OK;
}

static int write_all(int fd, struct str text)
{
    for (size_t done = 0; done < text.length;) {
        ssize_t length = write(fd, text.data + done, text.length - done);

        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length <= 0) {
            return ERR_IO;
        }
        done += (size_t)length;
    }
    return OK;
}

static struct json_writer begin_line(struct buf *line, const char *step, const char *service)
{
    struct json_writer w = json_writer_on(line);
    char stamp[CIVIL_STAMP_BYTES];
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    civil_stamp((int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000, stamp);
    json_begin_object(&w);
    json_key(&w, "at");
    json_put_text(&w, stamp);
    json_key(&w, "step");
    json_put_text(&w, step);
    json_key(&w, "service");
    json_put_text(&w, service);
    return w;
}

static int end_line(struct journal *journal, struct json_writer *w, int64_t duration_us,
                    const char *outcome, const char *why)
{
    json_key(w, "duration_s");
    json_put_decimal(w, decimal_of(duration_us / 1000, 3));
    json_key(w, "outcome");
    json_put_text(w, outcome);
    if (why && why[0]) {
        json_key(w, "why");
        json_put_text(w, why);
    }
    json_end_object(w);
    buf_append_char(w->out, '\n');
    return buf_status(w->out) ? ERR_IO : write_all(journal->record_fd, buf_str(w->out));
}

int journal_note_step(struct journal *journal, const char *step, const char *service,
                      int64_t duration_us, const char *outcome, const char *why)
{
    cleanup(buf_done) struct buf line;

    buf_init(&line, JOURNAL_LINE_BYTES_MAX);
    if (journal->record_fd < 0) {
        return OK;
    }
    struct json_writer w = begin_line(&line, step, service);
    return end_line(journal, &w, duration_us, outcome, why);
}

static int put_environment(struct json_writer *w, const struct target_call *call)
{
    cleanup(arena_done) struct arena arena;
    struct str variables[TARGET_VARIABLES];

    arena_init(&arena, ARENA_BYTES_MAX);
    if (target_variables(call, &arena, variables)) {
        return ERR_NO_MEMORY;
    }
    json_key(w, "environment");
    json_begin_object(w);
    for (size_t i = 0; i < TARGET_VARIABLES; i++) {
        size_t equals = str_find(variables[i], STR("="), 0);

        json_key_str(w, str_slice(variables[i], 0, equals));
        json_put_str(w, str_slice(variables[i], equals + 1, variables[i].length));
    }
    json_end_object(w);
    return OK;
}

int journal_note(struct journal *journal, const struct target_call *call,
                 const struct child_end *end, const char *outcome, const char *why)
{
    cleanup(buf_done) struct buf line;

    buf_init(&line, JOURNAL_LINE_BYTES_MAX);
    if (journal->record_fd < 0) {
        return OK;
    }
    struct json_writer w = begin_line(&line, target_verb_name(call->verb), call->service);
    if (put_environment(&w, call)) {
        return ERR_NO_MEMORY;
    }
    json_key(&w, end->signal ? "signal" : "exit_status");
    json_put_i64(&w, end->signal ? end->signal : end->exit_status);
    return end_line(journal, &w, end->duration_us, outcome, why);
}

/* ---- what is unfinished ---- */

static int read_text(const char *path, struct buf *text, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return errno == ENOENT ? ERR_NOT_FOUND
                               : error_set(error, ERR_IO, "cannot open %s: %m", path);
    }
    ssize_t length = buf_reserve(text, JOURNAL_UNFINISHED_BYTES_MAX)
                         ? -1
                         : read(fd, text->data, JOURNAL_UNFINISHED_BYTES_MAX);
    (void)close(fd);
    if (length < 0) {
        return error_set(error, ERR_IO, "cannot read %s: %m", path);
    }
    text->length = (size_t)length;
    text->data[length] = '\0';
    return OK;
}

static int read_services(struct json_value root, struct arena *arena, struct unfinished *unfinished)
{
    struct json_iterator it = json_iterate(json_at(root, "services"));
    struct str text;

    while (json_next(&it)) {
        if (unfinished->service_count == TARGET_SERVICES_MAX || !json_get_str(it.value, &text) ||
            !target_is_id(text)) {
            return ERR_INVALID;
        }
        struct str copy = arena_copy(arena, text);
        if (!copy.data) {
            return ERR_NO_MEMORY;
        }
        unfinished->services[unfinished->service_count++] = copy;
    }
    return OK;
}

int journal_read_unfinished(const struct journal *journal, struct arena *arena,
                            struct unfinished *ret_unfinished, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    cleanup(buf_done) struct buf text;
    struct unfinished found = {.service_count = 0};
    char path[TARGET_PATH_BYTES_MAX];
    struct json_value root;
    struct str revision;

    buf_init(&text, JOURNAL_UNFINISHED_BYTES_MAX);
    int code = path_in(journal, NAME_UNFINISHED, "", path, error);
    if (code == OK) {
        code = read_text(path, &text, error);
    }
    if (code == ERR_NOT_FOUND) {
        *ret_unfinished = found;
        return OK;
    }
    if (code == OK && json_parser_new(JOURNAL_UNFINISHED_BYTES_MAX, &parser)) {
        code = error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    if (code) {
        return code;
    }
    if (json_parse(parser, buf_str(&text), &root, error) ||
        !json_get_str(json_at(root, "revision"), &revision) || !target_is_id(revision) ||
        (code = read_services(root, arena, &found))) {
        return error_set(error, code ? code : ERR_INVALID, "cannot read %s: %s", path,
                         error_code_text(code ? code : ERR_INVALID));
    }
    (void)snprintf(found.revision, sizeof(found.revision), "%.*s", STR_ARGS(revision));
    *ret_unfinished = found;
    return OK;
}

/* The new file under another name, on the disk, then in its place. */
static int replace_file(const char *path, struct str text, struct error *error)
{
    char new_path[TARGET_PATH_BYTES_MAX + 8];

    (void)snprintf(new_path, sizeof(new_path), "%s.new", path);
    int fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_written = fd >= 0 && write_all(fd, text) == OK && fsync(fd) == 0;
    if (fd >= 0) {
        is_written = close(fd) == 0 && is_written;
    }
    return is_written && rename(new_path, path) == 0
               ? OK
               : error_set(error, ERR_IO, "cannot write %s: %m", path);
}

int journal_begin(const struct journal *journal, const char *revision, const struct str *services,
                  size_t count, struct error *error)
{
    cleanup(buf_done) struct buf text;
    char path[TARGET_PATH_BYTES_MAX];

    buf_init(&text, JOURNAL_UNFINISHED_BYTES_MAX);
    struct json_writer w = json_writer_on(&text);
    json_begin_object(&w);
    json_key(&w, "revision");
    json_put_text(&w, revision);
    json_key(&w, "services");
    json_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        json_put_str(&w, services[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
    buf_append_char(&text, '\n');
    if (buf_status(&text)) {
        return error_set(error, buf_status(&text), "out of memory");
    }
    int code = path_in(journal, NAME_UNFINISHED, "", path, error);
    return code ? code : replace_file(path, buf_str(&text), error);
}

int journal_finish(const struct journal *journal, struct error *error)
{
    char path[TARGET_PATH_BYTES_MAX];
    int code = path_in(journal, NAME_UNFINISHED, "", path, error);

    if (code == OK && unlink(path) && errno != ENOENT) {
        code = error_set(error, ERR_IO, "cannot delete %s: %m", path);
    }
    return code;
}
