/*
 * Text of a model on its way to who listens. Text is all that is published before it is durable: a
 * reader is to see it as it is written. Three things must stay true nevertheless.
 *
 * No number is ever given to two events. Before the first piece is sent the store knows how far
 * numbers may be used up (seq_leased in the run's row, TEXT_LEASE more than were given; renewed at
 * half). What waits for the lease is gathered and becomes one event. If the process dies, the next
 * one fills the numbers behind the log's end up to the lease with "netra.skipped". When a text has
 * ended, the lease is given back in the batch that holds its end, so that this is rare.
 *
 * Nobody waits for a disk. The message is begun (START, with the lease) when the question is asked:
 * that is durable long before a model says its first word. A message without a word stays open for
 * the next text: of another attempt, a repair, or Netra's own summary.
 *
 * Everybody hears the same order. A piece is published early only if all that is before it was
 * published; when it is durable it is published again, for those who read the log meanwhile.
 *
 * A message that was begun ends, and what a log has is never changed. A run that is done again
 * (ADR 0010) is compared with its log by keys; events of text are none of them: how an answer was
 * cut into pieces, and the attempts that broke off, are nothing that could be made again. So the
 * log's texts are read into a list, each with the number of keys before it, and a text that the run
 * begins again is the last one of that list between the question's place and here; earlier ones of
 * that question were withdrawn. The points at which a process may have died:
 *
 *     asked                      the question is asked again; nothing to do
 *     asked, START               the same; or the answer is known and had no text to show: the
 * message is still open, and the next text is its asked, START, CONTENT …    the answer is not
 * known, and clients may have seen more than the log has: the message is closed (END, withdrawn),
 * the question is asked again, and what comes then is a new message asked, START … END,        an
 * attempt that broke off. The same as the first withdrawn asked, START … answered    rows of the
 * calls, the rest of the text, its end and "answered" are one batch. The run is given the answer of
 * the log and tells all of it at once: START has the id of the log, as much of the text as the log
 * has is left out, END and withdrawn are written if the log has them not … the report the report's
 * message has the id of the text that was finished; nothing of text is made again
 *
 * While the log is ahead of the run (keys are left) nothing is written. A text that the log has not
 * got then is one that was refused before or after its first words, by how it was cut into pieces;
 * nobody hears of it this time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/runner_state.h"
#include "base/alloc.h"

#define TEXT_BYTES_MAX ((size_t)1 << 20) /* many times a model's text */

/* ---- events ---- */

static struct str id_of(const struct live_text *text)
{
    return str_from(text->message_id);
}

static void log_start(struct live_run *live, int64_t time_us)
{
    cleanup(buf_done) struct buf json;

    buf_init(&json, RUN_EVENT_BYTES_MAX);
    run_events_text_started(&live->names, time_us, id_of(&live->text), &json);
    live_log_json(live, &json, time_us);
}

static void log_end(struct live_run *live, struct str message_id, int64_t time_us)
{
    cleanup(buf_done) struct buf json;

    buf_init(&json, RUN_EVENT_BYTES_MAX);
    run_events_text_finished(&live->names, time_us, message_id, &json);
    live_log_json(live, &json, time_us);
}

static void log_withdrawn(struct live_run *live, struct str message_id, struct str why,
                          int64_t time_us)
{
    cleanup(buf_done) struct buf json;

    buf_init(&json, RUN_EVENT_BYTES_MAX);
    run_events_text_withdrawn(&live->names, time_us, message_id, why, &json);
    live_log_json(live, &json, time_us);
}

/* ---- numbers ---- */

static void lease(struct live_run *live)
{
    live->row.seq_leased = live->next_seq - 1 + TEXT_LEASE;
    live_log_row(live);
}

static void renew_lease(struct live_run *live)
{
    if (live->row.seq_leased && live->next_seq + TEXT_LEASE / 2 > live->row.seq_leased) {
        lease(live);
    }
}

/* In the batch with the last events of the text: once that is durable nothing was sent that is not.
 */
static void give_lease_back(struct live_run *live)
{
    if (live->row.seq_leased) {
        live->row.seq_leased = 0;
        live->text.lease = 0;
        live_log_row(live);
    }
}

/* ---- pieces ---- */

/* The longest beginning of at most bytes_max that ends with a character. */
static struct str whole_characters(struct str text, size_t bytes_max)
{
    size_t length = text.length;

    if (length > bytes_max) {
        length = bytes_max;
        while (length && ((unsigned char)text.data[length] & 0xc0) == 0x80) {
            length--;
        }
        length = length ? length : bytes_max; /* no UTF-8 */
    }
    return str_slice(text, 0, length);
}

static void log_piece(struct live_run *live, struct str piece)
{
    cleanup(buf_done) struct buf json;
    int64_t now_us = clock_now_us();

    buf_init(&json, RUN_EVENT_BYTES_MAX);
    run_events_text(&live->names, now_us, id_of(&live->text), piece, &json);
    struct note *note = buf_status(&json) ? NULL : note_new(buf_str(&json), now_us);
    if (!note) {
        live_lose(live, buf_status(&json) ? buf_status(&json) : ERR_NO_MEMORY);
        return;
    }
    note->may_be_early = true;
    live_log(live, note);
    renew_lease(live);
}

/* Without a lease a piece waits as long as the batch before it is under way anyway. */
void live_text_flush(struct live_run *live, bool must)
{
    struct buf *waiting = &live->text.waiting;
    struct str left = buf_str(waiting);

    if (buf_status(waiting)) {
        live_lose(live, buf_status(waiting));
        return;
    }
    if (!left.length || (!must && live->is_storing && !live_is_leased(live))) {
        return;
    }
    while (left.length && live->phase != LIVE_GONE) {
        struct str piece = whole_characters(left, RUN_DELTA_BYTES_MAX);

        log_piece(live, piece);
        left = str_slice(left, piece.length, left.length);
    }
    buf_clear(waiting);
}

/* ---- what the run tells ---- */

/* The message that the log ends with and that has no end; NULL: there is none. */
static struct logged_text *open_logged(struct live_text *text)
{
    struct logged_text *last = text->logged_count ? &text->logged[text->logged_count - 1] : NULL;

    return last && !last->is_used && !last->is_ended ? last : NULL;
}

/* The text of the log that the run begins again; NULL: there is none. One that was begun for an
 * earlier question and is open had no words of that. */
static struct logged_text *find_logged(struct live_text *text, size_t made)
{
    for (size_t i = text->logged_count; i > 0; i--) {
        struct logged_text *logged = &text->logged[i - 1];

        if (logged->keys >= text->asked_keys && logged->keys <= made && !logged->is_used) {
            return logged;
        }
    }
    struct logged_text *last = open_logged(text);
    return last && last->keys <= made ? last : NULL;
}

/* A message of its own, and numbers for what will be sent of it. */
static void open_message(struct live_run *live, int64_t time_us)
{
    struct live_text *text = &live->text;
    char id[UUID_BYTES];

    if (uuid_v7(id, NULL)) {
        live_lose(live, ERR_IO);
        return;
    }
    (void)snprintf(text->message_id, sizeof(text->message_id), "%s", id);
    log_start(live, time_us);
    lease(live);
}

static void begin(struct live_run *live, int64_t time_us)
{
    struct live_text *text = &live->text;
    bool is_announced = text->is_open;
    struct logged_text *logged = is_announced ? NULL : find_logged(text, live->replay.made);

    buf_clear(&text->told);
    text->skip = 0;
    text->has_end = false;
    text->has_withdrawn = false;
    text->is_finished = false;
    text->is_open = true;
    if (logged) {
        logged->is_used = true;
        memcpy(text->message_id, logged->message_id, sizeof(text->message_id));
        text->skip = logged->bytes;
        text->has_end = logged->is_ended;
        text->has_withdrawn = logged->is_withdrawn;
    } else if (live_is_replaying(live)) {
        text->is_open = false;
    } else if (!is_announced) {
        open_message(live, time_us);
    }
}

static void take_piece(struct live_run *live, struct str piece)
{
    struct live_text *text = &live->text;
    size_t skip = text->skip < piece.length ? text->skip : piece.length;

    buf_append(&text->told, piece);
    text->skip -= skip;
    piece = str_slice(piece, skip, piece.length);
    if (buf_status(&text->told)) {
        live_lose(live, buf_status(&text->told));
    } else if (text->is_open && piece.length && !text->has_end && !live_is_replaying(live)) {
        buf_append(&text->waiting, piece);
        live_text_flush(live, /* must */ false);
    }
}

static void end(struct live_run *live, int64_t time_us)
{
    if (!live->text.has_end && !live_is_replaying(live)) {
        log_end(live, id_of(&live->text), time_us);
    }
    live->text.is_open = false;
}

static void finish(struct live_run *live, int64_t time_us)
{
    live_text_flush(live, /* must */ true);
    end(live, time_us);
    give_lease_back(live);
    live->text.is_finished = true;
}

/* Text that waits is not sent any more. */
static void withdraw(struct live_run *live, struct str why, int64_t time_us)
{
    buf_clear(&live->text.waiting);
    end(live, time_us);
    if (!live->text.has_withdrawn && !live_is_replaying(live)) {
        log_withdrawn(live, id_of(&live->text), why, time_us);
    }
    give_lease_back(live);
}

void live_text_take(struct live_run *live, struct note *note)
{
    if (live->phase != LIVE_GONE && !live->differs) {
        if (note->text_kind == RUN_TEXT_STARTED) {
            begin(live, note->time_us);
        } else if (note->text_kind == RUN_TEXT) {
            take_piece(live, note->json);
        } else if (live->text.is_open && note->text_kind == RUN_TEXT_FINISHED) {
            finish(live, note->time_us);
        } else if (live->text.is_open) {
            withdraw(live, note->json, note->time_us);
        }
    }
    alloc_free(note);
}

/* ---- what is open ---- */

/* The one that the log ends with, of an answer that is not known: what was finished was used. */
static void close_logged(struct live_run *live, const char *why)
{
    struct live_text *text = &live->text;
    int64_t now_us = clock_now_us();

    if (text->logged_count) {
        struct logged_text *last = &text->logged[text->logged_count - 1];

        if (!last->is_used && !last->is_ended) {
            log_end(live, str_from(last->message_id), now_us);
        }
        if (!last->is_used && !last->is_withdrawn) {
            log_withdrawn(live, str_from(last->message_id), str_from(why), now_us);
        }
        last->is_used = true;
    }
}

void live_text_close(struct live_run *live, const char *why)
{
    if (live->text.is_open) {
        withdraw(live, str_from(why), clock_now_us());
    } else if (live->text.is_finished) { /* there will be no report that it is part of */
        live->text.is_finished = false;
        log_withdrawn(live, id_of(&live->text), str_from(why), clock_now_us());
    } else {
        close_logged(live, why);
    }
}

void live_text_init(struct live_run *live)
{
    buf_init(&live->text.told, TEXT_BYTES_MAX);
    buf_init(&live->text.waiting, TEXT_BYTES_MAX);
}

void live_text_asked(struct live_run *live)
{
    live->text.asked_keys = live->replay.made;
}

void live_text_asked_again(struct live_run *live)
{
    close_logged(live, "the server was started again while it came");
    live->text.logged_count = 0;
}

void live_text_announce(struct live_run *live)
{
    if (!live->text.is_open) {
        live->text.is_open = true;
        live->text.has_end = false;
        live->text.has_withdrawn = false;
        open_message(live, clock_now_us());
    } else {
        lease(live);
    }
}

const char *live_text_take_open(struct live_run *live)
{
    struct logged_text *logged = open_logged(&live->text);

    if (live->text.is_open) {
        live->text.is_open = false;
        give_lease_back(live);
        return live->text.message_id;
    }
    if (logged && !live->text.is_finished) {
        logged->is_used = true;
        return logged->message_id;
    }
    return NULL;
}

/* ---- the log of a run that is done again ---- */

static bool begin_logged(struct live_run *live, struct str message_id)
{
    struct live_text *text = &live->text;
    size_t keys = live->replay.count;
    struct logged_text *last = text->logged_count ? &text->logged[text->logged_count - 1] : NULL;

    if (!last || last->keys != keys) { /* else that one was withdrawn */
        if (text->logged_count == LIVE_TEXTS_MAX) {
            return false;
        }
        last = &text->logged[text->logged_count++];
    }
    *last = (struct logged_text){.keys = keys};
    (void)snprintf(last->message_id, sizeof(last->message_id), "%.*s", STR_ARGS(message_id));
    return true;
}

bool live_text_read(struct live_run *live, struct str type, struct json_value event, int *ret_code)
{
    struct live_text *text = &live->text;
    struct str value = STR("");

    if (str_equal(type, STR("TEXT_MESSAGE_START"))) {
        (void)json_get_str(json_at(event, "messageId"), &value);
        *ret_code = begin_logged(live, value) ? OK : ERR_LIMIT;
        return true;
    }
    struct logged_text *last = text->logged_count ? &text->logged[text->logged_count - 1] : NULL;
    if (last && str_equal(type, STR("TEXT_MESSAGE_CONTENT"))) {
        (void)json_get_str(json_at(event, "delta"), &value);
        last->bytes += value.length;
        return true;
    }
    if (last && str_equal(type, STR("TEXT_MESSAGE_END"))) {
        last->is_ended = true;
        return true;
    }
    if (last && json_get_str(json_at(event, "name"), &value) &&
        str_equal(value, STR("netra.text_withdrawn"))) {
        last->is_withdrawn = true;
        return true;
    }
    return false;
}
