/*
 * One line is built on the stack of who logs, then copied under the lock; a flush writes under the
 * lock, too, so that lines of threads never mix. A reader of standard error that has stopped
 * reading stops us, as it does every program that writes there.
 *
 *     2026-11-23T10:00:00.123456Z warning store: cannot commit: No space left on device
 *     {"time":"2026-11-23T10:00:00.123456Z","level":"warning","room":"store","message":"…"}
 *
 * and on a trace " trace=0af7…319c" behind the text, "trace_id" and "span_id" as members.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "monitor/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/civil_time.h"
#include "base/str.h"
#include "monitor/log_bound.h"
#include "monitor/metrics.h"
#include "monitor/trace.h"

#define CUT_MARK      "…"
#define TAIL_BYTES    112u /* the mark, the trace, the end of the object, the line end, the NUL */
#define WRITE_WAIT_MS 1000 /* for a full pipe that does not block */

struct line {
    size_t length;
    bool is_cut;
    char text[LOG_LINE_BYTES_MAX];
};

static struct {
    pthread_mutex_t lock;
    struct log_options options;
    struct log_bound bound;
    size_t length;
    char buffer[LOG_BUFFER_BYTES_MAX];
} logger = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .options = {.level = LOG_WARNING, .fd = STDERR_FILENO},
};
/* Of options, for log_is_on() without the lock. */
static atomic_int level_now = LOG_WARNING;

static const char *const level_names[LOG_LEVEL_COUNT] = {"error", "warning", "info", "debug"};

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&level_now, memory_order_relaxed);
}

/* All or nothing of a piece, so that a cut line never ends in half an escape. */
static void put(struct line *line, const char *text, size_t length)
{
    if (line->is_cut || length > sizeof(line->text) - TAIL_BYTES - line->length) {
        line->is_cut = true;
        return;
    }
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* Bytes of the well-formed character at the beginning of text; 0 when there is none. */
static size_t character_bytes(const char *text, size_t length)
{
    unsigned char lead = (unsigned char)text[0];
    size_t want = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    return want <= length && str_is_utf8((struct str){text, want}) ? want : 0;
}

/* C0 and C1 controls and DEL: what a terminal might obey. */
static bool is_control(const char *text, size_t bytes)
{
    unsigned char c = (unsigned char)text[0];

    return (bytes == 1 && (c < 0x20 || c == 0x7f)) ||
           (bytes == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0);
}

static void put_escaped(struct line *line, const char *text, bool is_json)
{
    size_t length = strlen(text);
    char escape[8];

    for (size_t i = 0; i < length;) {
        size_t bytes = character_bytes(text + i, length - i);
        unsigned char c = (unsigned char)text[i];

        if (bytes == 0) {
            (void)snprintf(escape, sizeof(escape), is_json ? "\\ufffd" : "\\x%02x", c);
            put_text(line, escape);
            i++;
            continue;
        }
        if (is_control(text + i, bytes)) {
            unsigned code = bytes == 1 ? c : (unsigned char)text[i + 1];

            (void)snprintf(escape, sizeof(escape), is_json ? "\\u%04x" : "\\x%02x", code);
            put_text(line, escape);
        } else if (c == '\\' || (is_json && c == '"')) {
            put(line, (char[]){'\\', (char)c}, 2);
        } else {
            put(line, text + i, bytes);
        }
        i += bytes;
    }
}

static void put_time(struct line *line, int64_t now_us)
{
    char text[CIVIL_STAMP_BYTES];

    civil_stamp(now_us, text);
    put_text(line, text);
}

/* Always fits: TAIL_BYTES are kept for it. */
static void end_line(struct line *line, bool is_json, const struct trace_context *context)
{
    char trace_id[TRACE_ID_TEXT_BYTES] = "";
    char span_id[TRACE_SPAN_ID_TEXT_BYTES] = "";
    const char *format = !is_json  ? (context ? "%s trace=%s%.0s\n" : "%s%.0s%.0s\n")
                         : context ? "%s\",\"trace_id\":\"%s\",\"span_id\":\"%s\"}\n"
                                   : "%s\"%.0s%.0s}\n";

    if (context) {
        trace_id_text(context, trace_id);
        trace_span_id_text(context, span_id);
    }
    int length = snprintf(line->text + line->length, TAIL_BYTES, format,
                          line->is_cut ? CUT_MARK : "", trace_id, span_id);
    line->length += (size_t)length;
}

static void build(struct line *line, const struct log_options *options, enum log_level level,
                  const char *room, const char *message, const struct trace_context *context)
{
    line->length = 0;
    line->is_cut = false;
    if (options->is_json) {
        put_text(line, "{");
        if (options->now_us) {
            put_text(line, "\"time\":\"");
            put_time(line, options->now_us());
            put_text(line, "\",");
        }
        put_text(line, "\"level\":\"");
        put_text(line, level_names[level]);
        put_text(line, "\",\"room\":\"");
        put_escaped(line, room, true);
        put_text(line, "\",\"message\":\"");
    } else {
        if (options->now_us) {
            put_time(line, options->now_us());
            put_text(line, " ");
        }
        put_text(line, level_names[level]);
        put_text(line, " ");
        put_escaped(line, room, false);
        put_text(line, ": ");
    }
    put_escaped(line, message, options->is_json);
    end_line(line, options->is_json, context);
}

/* What cannot be written within a second is lost: a log must not stop the program for ever. */
static void write_all(int fd, const char *text, size_t length)
{
    while (length) {
        ssize_t written = write(fd, text, length);

        if (written >= 0) {
            text += written;
            length -= (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};

            if (poll(&wait, 1, WRITE_WAIT_MS) <= 0) {
                return;
            }
        } else if (errno != EINTR) {
            return;
        }
    }
}

static void flush_locked(void)
{
    write_all(logger.options.fd, logger.buffer, logger.length);
    logger.length = 0;
}

void log_start(const struct log_options *options)
{
    (void)pthread_mutex_lock(&logger.lock);
    flush_locked();
    logger.options = *options;
    atomic_store_explicit(&level_now, options->level, memory_order_relaxed);
    (void)pthread_mutex_unlock(&logger.lock);
}

static int64_t elapsed_us(void)
{
    struct timespec now;

    if (logger.options.elapsed_us) {
        return logger.options.elapsed_us();
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

static void append_locked(enum log_level level, const char *room, const char *message,
                          const struct trace_context *context)
{
    struct line line;

    metric_add(METRIC_LOG_LINES, metric_label(METRIC_LOG_LINES, str_from(level_names[level])), 1);
    build(&line, &logger.options, level, room, message, context);
    if (line.length > sizeof(logger.buffer) - logger.length) {
        flush_locked();
    }
    memcpy(logger.buffer + logger.length, line.text, line.length);
    logger.length += line.length;
}

/* One line for all that was left out of a kind; its own seconds begin anew. */
static void tell_left_out_locked(struct log_kind *kind)
{
    char message[LOG_KIND_BYTES_SHOWN + 64];

    (void)snprintf(message, sizeof(message), "… %u more like: %s", kind->left_out, kind->shown);
    kind->left_out = 0;
    append_locked(kind->level, kind->room, message, /* context */ NULL);
}

/* The line's kind, or NULL: it is left out. Kinds stay where they are. */
static struct log_kind *admit(enum log_level level, const char *room, const char *format)
{
    bool may;

    (void)pthread_mutex_lock(&logger.lock);
    struct log_kind *kind = log_bound_admit(&logger.bound, level, room, format,
                                            logger.options.lines_per_s[level], elapsed_us(), &may);
    if (may && kind->left_out) {
        tell_left_out_locked(kind);
    }
    (void)pthread_mutex_unlock(&logger.lock);
    if (!may) {
        metric_add(METRIC_LOG_LINES_LEFT_OUT,
                   metric_label(METRIC_LOG_LINES_LEFT_OUT, str_from(level_names[level])), 1);
    }
    return may ? kind : NULL;
}

void log_write(enum log_level level, const char *room, const char *format, ...)
{
    char message[LOG_LINE_BYTES_MAX];
    struct log_kind *kind = log_is_on(level) ? admit(level, room, format) : NULL;
    va_list args;

    if (!kind) {
        return;
    }
    va_start(args, format);
    int length = vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (length < 0) {
        return;
    }
    (void)pthread_mutex_lock(&logger.lock);
    (void)snprintf(kind->shown, sizeof(kind->shown), "%.*s", (int)sizeof(kind->shown) - 1, message);
    append_locked(level, room, message, trace_current());
    if (level <= LOG_WARNING) {
        flush_locked();
    }
    (void)pthread_mutex_unlock(&logger.lock);
}

void log_flush(void)
{
    struct log_kind *kind;

    (void)pthread_mutex_lock(&logger.lock);
    while ((kind = log_bound_next_left(&logger.bound, elapsed_us())) != NULL) {
        tell_left_out_locked(kind);
    }
    flush_locked();
    (void)pthread_mutex_unlock(&logger.lock);
}
