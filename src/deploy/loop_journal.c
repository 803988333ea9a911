/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/loop_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/civil_time.h"
#include "deploy/loop_journal_line.h"
#include "json/json_write.h"

#define ENTRIES_FIRST  64u
#define PATH_BYTES_MAX 4096u

static const char *const event_names[] = {
    [LOOP_JOURNAL_OPENED] = "opened",   [LOOP_JOURNAL_RESUMED] = "resumed",
    [LOOP_JOURNAL_BEGAN] = "began",     [LOOP_JOURNAL_ENDED] = "ended",
    [LOOP_JOURNAL_STOPPED] = "stopped",
};

const char *loop_journal_event_name(enum loop_journal_event event)
{
    return event_names[event];
}

int loop_journal_new(struct loop_journal **ret_journal)
{
    struct loop_journal *journal = alloc_zeroed(1, sizeof(*journal));

    if (!journal) {
        return ERR_NO_MEMORY;
    }
    arena_init(&journal->arena, LOOP_JOURNAL_MEMORY_MAX);
    memset(journal->last_hash, '0', sizeof(journal->last_hash) - 1);
    journal->fd = -1;
    *ret_journal = journal;
    return OK;
}

void loop_journal_free(struct loop_journal *journal)
{
    if (journal) {
        if (journal->fd >= 0) {
            (void)close(journal->fd);
        }
        arena_done(&journal->arena);
        alloc_free(journal->entries);
        alloc_free(journal);
    }
}

void loop_journal_free_pointer(struct loop_journal **journal)
{
    loop_journal_free(*journal);
}

int loop_journal_line_hash(const char *before, struct str body, char ret_hash[DIGEST_TEXT_BYTES])
{
    const struct str texts[] = {str_from(before), body};

    return digest_texts(texts, ARRAY_LENGTH(texts), ret_hash);
}

/* Room doubles; a full block has a power of two. */
int loop_journal_keep(struct loop_journal *journal, const struct loop_entry *entry)
{
    size_t count = journal->count;

    if (count == LOOP_JOURNAL_ENTRIES_MAX) {
        return ERR_LIMIT;
    }
    if (count == 0 || (count >= ENTRIES_FIRST && (count & (count - 1)) == 0)) {
        size_t room = count ? 2 * count : ENTRIES_FIRST;
        struct loop_entry *entries =
            alloc_resize(journal->entries, room, sizeof(*journal->entries));

        if (!entries) {
            return ERR_NO_MEMORY;
        }
        journal->entries = entries;
    }
    journal->entries[journal->count++] = *entry;
    return OK;
}

const struct loop_entry *loop_journal_ended(const struct loop_journal *journal, unsigned cycle,
                                            enum loop_step step)
{
    for (size_t i = journal->count; i > 0; i--) {
        const struct loop_entry *entry = &journal->entries[i - 1];

        if (entry->event == LOOP_JOURNAL_ENDED && entry->cycle == cycle && entry->step == step) {
            return entry;
        }
    }
    return NULL;
}

/* ---- printing ---- */

static void put_time(struct json_writer *w, const char *name, int64_t time_us)
{
    char stamp[CIVIL_STAMP_BYTES];

    civil_stamp(time_us, stamp);
    json_key(w, name);
    json_put_text(w, stamp);
}

static void put_texts(struct json_writer *w, const char *name, const struct loop_entry *entry)
{
    json_key(w, name);
    json_begin_array(w);
    for (size_t i = 0; i < entry->text_count; i++) {
        json_put_str(w, entry->texts[i]);
    }
    json_end_array(w);
}

static void put_place(struct json_writer *w, const struct loop_entry *entry)
{
    json_key(w, "cycle");
    json_put_i64(w, entry->cycle);
    if (entry->event != LOOP_JOURNAL_STOPPED) {
        json_key(w, "step");
        json_put_text(w, loop_step_name(entry->step));
    }
}

void loop_entry_write_files(const struct loop_entry *entry, struct json_writer *w)
{
    json_key(w, "files");
    json_begin_array(w);
    for (size_t i = 0; i < entry->file_count; i++) {
        json_begin_object(w);
        json_key(w, "name");
        json_put_str(w, entry->files[i].name);
        json_key(w, "sha256");
        json_put_str(w, entry->files[i].sha256);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_ended(struct json_writer *w, const struct loop_entry *entry)
{
    json_key(w, "outcome");
    json_put_text(w, loop_outcome_name(entry->outcome));
    json_key(w, "exit");
    json_put_i64(w, entry->exit_status);
    json_key(w, "duration_ms");
    json_put_i64(w, entry->duration_ms);
    json_key(w, "reason");
    json_put_str(w, entry->reason);
    loop_entry_write_files(entry, w);
    json_key(w, "facts");
    json_put_str(w, entry->facts);
    if (entry->from_us || entry->to_us) {
        put_time(w, "from", entry->from_us);
        put_time(w, "to", entry->to_us);
    }
}

static void put_event(struct json_writer *w, const struct loop_entry *entry)
{
    if (entry->event != LOOP_JOURNAL_OPENED && entry->event != LOOP_JOURNAL_RESUMED) {
        put_place(w, entry);
    }
    switch (entry->event) {
    case LOOP_JOURNAL_OPENED:
        json_key(w, "netra_journal");
        json_put_i64(w, LOOP_JOURNAL_FORMAT);
        put_texts(w, "options", entry);
        break;
    case LOOP_JOURNAL_BEGAN:
        put_texts(w, "command", entry);
        break;
    case LOOP_JOURNAL_ENDED:
        put_ended(w, entry);
        break;
    case LOOP_JOURNAL_STOPPED:
        json_key(w, "verdict");
        json_put_text(w, loop_verdict_name(entry->verdict));
        json_key(w, "reason");
        json_put_str(w, entry->reason);
        break;
    case LOOP_JOURNAL_RESUMED:
    case LOOP_JOURNAL_EVENT_COUNT:
        break;
    }
}

/* The object is written whole and its end replaced by the hash and an end: the hash is over what is
 * in front of it, byte by byte. */
int loop_journal_print(const struct loop_entry *entry, const char *before, struct buf *line,
                       char ret_hash[DIGEST_TEXT_BYTES])
{
    struct json_writer w = json_writer_on(line);
    size_t start = line->length;

    json_begin_object(&w);
    json_key(&w, "n");
    json_put_i64(&w, (int64_t)entry->n);
    put_time(&w, "time", entry->time_us);
    json_key(&w, "elapsed_us");
    json_put_i64(&w, entry->elapsed_us);
    json_key(&w, "event");
    json_put_text(&w, loop_journal_event_name(entry->event));
    put_event(&w, entry);
    json_end_object(&w);
    if (buf_status(line)) {
        return buf_status(line);
    }
    line->data[--line->length] = '\0';
    struct str body = str_slice(buf_str(line), start, line->length);
    if (loop_journal_line_hash(before, body, ret_hash)) {
        return ERR_NO_MEMORY;
    }
    buf_printf(line, LOOP_JOURNAL_HASH_NAME "%s\"}\n", ret_hash);
    return buf_status(line);
}

/* ---- the file ---- */

static int no_memory(struct error *error)
{
    return error_set(error, ERR_NO_MEMORY, "out of memory");
}

/* A new name is on the disk only when its folder is. */
static int sync_folder_of(const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_BYTES_MAX] = ".";

    if (slash) {
        size_t length = slash == path ? 1 : (size_t)(slash - path);

        if (length >= sizeof(folder)) {
            return error_set(error, ERR_LIMIT, "the name of the journal's folder is too long");
        }
        memcpy(folder, path, length);
        folder[length] = '\0';
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = fd < 0 || fsync(fd)
                   ? error_set(error, ERR_IO, "cannot bring %s to the disk: %m", folder)
                   : OK;
    if (fd >= 0) {
        (void)close(fd);
    }
    return code;
}

int loop_journal_create(struct loop_journal *journal, const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        return error_set(error, errno == EEXIST ? ERR_EXISTS : ERR_IO, "cannot make %s: %m", path);
    }
    journal->fd = fd;
    return sync_folder_of(path, error);
}

static int read_all(int fd, struct buf *text)
{
    ssize_t got = 1;

    while (got > 0 && buf_reserve(text, LOOP_JOURNAL_LINE_BYTES_MAX) == OK) {
        got = read(fd, text->data + text->length, LOOP_JOURNAL_LINE_BYTES_MAX);
        text->length += got > 0 ? (size_t)got : 0;
    }
    return buf_status(text) ? buf_status(text) : got < 0 ? ERR_IO : OK;
}

int loop_journal_open(struct loop_journal *journal, const char *path, struct error *error)
{
    cleanup(buf_done) struct buf text = {0};
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        return error_set(error, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open %s: %m",
                         path);
    }
    journal->fd = fd;
    buf_init(&text, LOOP_JOURNAL_BYTES_MAX + LOOP_JOURNAL_LINE_BYTES_MAX);
    int code = read_all(fd, &text);
    if (code) {
        return error_set(error, code, "cannot read %s: %s", path,
                         code == ERR_IO ? strerror(errno) : error_code_text(code));
    }
    code = loop_journal_parse(journal, buf_str(&text), error);
    if (!code && journal->torn_bytes &&
        (ftruncate(fd, (off_t)journal->sound_bytes) || fdatasync(fd))) {
        code = error_set(error, ERR_IO, "cannot cut off the torn end of %s: %m", path);
    }
    return code;
}

static int write_line(struct loop_journal *journal, struct str line, struct error *error)
{
    off_t at = (off_t)journal->sound_bytes;
    size_t done = 0;

    while (done < line.length) {
        ssize_t put = pwrite(journal->fd, line.data + done, line.length - done, at + (off_t)done);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            break;
        }
        done += (size_t)put;
    }
    if (done < line.length || fdatasync(journal->fd)) {
        (void)error_set(error, ERR_IO, "cannot write the journal: %m");
        if (ftruncate(journal->fd, at)) {
            error_hint(error, "Its last line is torn; resuming cuts it off.");
        }
        return ERR_IO;
    }
    journal->sound_bytes += line.length;
    return OK;
}

/* Everything of *entry that points elsewhere. */
static int copy_texts(struct arena *arena, struct loop_entry *entry)
{
    struct str *texts = arena_alloc(arena, entry->text_count + 1, sizeof(*texts));
    bool is_good = texts != NULL;

    for (size_t i = 0; i < entry->text_count && is_good; i++) {
        texts[i] = arena_copy(arena, entry->texts[i]);
        is_good = texts[i].data != NULL;
    }
    entry->texts = texts;
    for (size_t i = 0; i < entry->file_count && is_good; i++) {
        entry->files[i].name = arena_copy(arena, entry->files[i].name);
        entry->files[i].sha256 = arena_copy(arena, entry->files[i].sha256);
        is_good = entry->files[i].name.data && entry->files[i].sha256.data;
    }
    entry->reason = arena_copy(arena, entry->reason);
    entry->facts = arena_copy(arena, entry->facts);
    return is_good && entry->reason.data && entry->facts.data ? OK : ERR_NO_MEMORY;
}

int loop_journal_append(struct loop_journal *journal, const struct loop_entry *entry,
                        struct error *error)
{
    cleanup(buf_done) struct buf line = {0};
    struct loop_entry kept = *entry;
    char hash[DIGEST_TEXT_BYTES];

    kept.n = journal->count + 1;
    buf_init(&line, LOOP_JOURNAL_LINE_BYTES_MAX);
    int code = copy_texts(&journal->arena, &kept);
    code = code ? code : loop_journal_print(&kept, journal->last_hash, &line, hash);
    code = code ? code : loop_journal_keep(journal, &kept);
    if (code) {
        return code == ERR_NO_MEMORY
                   ? no_memory(error)
                   : error_set(error, code, "cannot write the journal: %s", error_code_text(code));
    }
    code = write_line(journal, buf_str(&line), error);
    if (code) {
        journal->count--;
        return code;
    }
    memcpy(journal->last_hash, hash, sizeof(hash));
    return OK;
}
