/*
 * Ids are what splitmix64 makes of two counters that many threads step by one addition each; the
 * seed sets both, so that two processes do not meet. Ended spans are copied into a ring under a
 * mutex: some 600 bytes each as a rule, a few thousand a second at most.
 *
 *     queue.spans   [ . . . oldest … newest . . . ]   first, count; full: the new one is dropped
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "monitor/trace.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "monitor/metrics.h"

#define GOLDEN        0x9e3779b97f4a7c15u
#define PARENT_LENGTH (TRACE_PARENT_BYTES - 1)
#define VERSION_AT    0
#define TRACE_ID_AT   3
#define SPAN_ID_AT    36
#define FLAGS_AT      53
#define FLAG_SAMPLED  1u

static _Atomic uint64_t id_counters[2];
static atomic_bool is_on_here;
static atomic_bool follows_parents;
static _Atomic uint64_t sampled_below; /* of 2^56: the share of new traces */

static struct {
    pthread_mutex_t lock;
    unsigned first;
    unsigned count;
    struct trace_span spans[TRACE_QUEUE_MAX]; /* pages that no span reached are not there */
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};
static _Atomic uint64_t dropped;

static _Thread_local struct trace_context current;
static _Thread_local bool has_current;

/* ---- ids ---- */

static uint64_t next_random(unsigned which)
{
    uint64_t z = atomic_fetch_add_explicit(&id_counters[which], GOLDEN, memory_order_relaxed);

    z += GOLDEN;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool is_zero(const unsigned char *bytes, size_t length)
{
    unsigned char any = 0;

    for (size_t i = 0; i < length; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

bool trace_is_set(const struct trace_context *context)
{
    return !is_zero(context->trace_id, sizeof(context->trace_id));
}

static void new_span_id(unsigned char span_id[8])
{
    do {
        uint64_t drawn = next_random(1);

        memcpy(span_id, &drawn, sizeof(drawn));
    } while (is_zero(span_id, 8));
}

static void new_trace_id(unsigned char trace_id[16])
{
    do {
        uint64_t drawn[2] = {next_random(0), next_random(1)};

        memcpy(trace_id, drawn, sizeof(drawn));
    } while (is_zero(trace_id, 16));
}

/* By the seven last bytes of the trace's id, as the W3C wants randomness to be used: every service
 * with the same share comes to the same end. */
static bool draws_lot(const unsigned char trace_id[16])
{
    uint64_t number = 0;

    for (size_t i = 9; i < 16; i++) {
        number = number << 8 | trace_id[i];
    }
    return number < atomic_load_explicit(&sampled_below, memory_order_relaxed);
}

void trace_start(bool is_on, double ratio, bool follows_parent, const unsigned char seed[16])
{
    double share = ratio < 0 ? 0 : ratio > 1 ? 1 : ratio;
    uint64_t counters[2];

    memcpy(counters, seed, sizeof(counters));
    atomic_store(&id_counters[0], counters[0]);
    atomic_store(&id_counters[1], counters[1]);
    atomic_store(&sampled_below, is_on ? (uint64_t)(share * 0x1p56) : 0);
    atomic_store(&follows_parents, follows_parent);
    (void)pthread_mutex_lock(&queue.lock);
    queue.count = 0;
    (void)pthread_mutex_unlock(&queue.lock);
    atomic_store(&is_on_here, is_on);
}

bool trace_is_on(void)
{
    return atomic_load_explicit(&is_on_here, memory_order_relaxed);
}

/* ---- traceparent ---- */

/* -1: no digit. Capitals are none: the W3C refuses them. */
static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *text, unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int high = digit_of(text[2 * i]);
        int low = digit_of(text[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static void write_hex(const unsigned char *bytes, size_t count, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
}

/* A later version has these fields at these places, too, and may go on behind them. */
static bool has_form(struct str text, unsigned char version)
{
    if (version == 0xff || (version == 0 && text.length != PARENT_LENGTH)) {
        return false;
    }
    return text.data[TRACE_ID_AT - 1] == '-' && text.data[SPAN_ID_AT - 1] == '-' &&
           text.data[FLAGS_AT - 1] == '-' &&
           (text.length == PARENT_LENGTH || text.data[PARENT_LENGTH] == '-');
}

bool trace_read_parent(struct str text, struct trace_context *ret_context)
{
    struct trace_context read;
    unsigned char version;
    unsigned char flags;

    if (text.length < PARENT_LENGTH || !read_hex(text.data + VERSION_AT, &version, 1) ||
        !has_form(text, version) || !read_hex(text.data + TRACE_ID_AT, read.trace_id, 16) ||
        !read_hex(text.data + SPAN_ID_AT, read.span_id, 8) ||
        !read_hex(text.data + FLAGS_AT, &flags, 1) || is_zero(read.trace_id, 16) ||
        is_zero(read.span_id, 8)) {
        return false;
    }
    read.is_sampled = (flags & FLAG_SAMPLED) != 0;
    *ret_context = read;
    return true;
}

void trace_write_parent(const struct trace_context *context, char ret_text[TRACE_PARENT_BYTES])
{
    ret_text[0] = '0';
    ret_text[1] = '0';
    ret_text[2] = '-';
    write_hex(context->trace_id, 16, ret_text + TRACE_ID_AT);
    ret_text[SPAN_ID_AT - 1] = '-';
    write_hex(context->span_id, 8, ret_text + SPAN_ID_AT);
    memcpy(ret_text + FLAGS_AT - 1, context->is_sampled ? "-01" : "-00", sizeof("-00"));
}

void trace_id_text(const struct trace_context *context, char ret_text[TRACE_ID_TEXT_BYTES])
{
    write_hex(context->trace_id, 16, ret_text);
    ret_text[TRACE_ID_TEXT_BYTES - 1] = '\0';
}

void trace_span_id_text(const struct trace_context *context,
                        char ret_text[TRACE_SPAN_ID_TEXT_BYTES])
{
    write_hex(context->span_id, 8, ret_text);
    ret_text[TRACE_SPAN_ID_TEXT_BYTES - 1] = '\0';
}

struct trace_context trace_of_request(struct str traceparent, unsigned char ret_parent_id[8])
{
    struct trace_context context;

    if (trace_read_parent(traceparent, &context)) {
        memcpy(ret_parent_id, context.span_id, 8);
        if (!atomic_load_explicit(&follows_parents, memory_order_relaxed)) {
            context.is_sampled = draws_lot(context.trace_id);
        }
    } else {
        memset(ret_parent_id, 0, 8);
        new_trace_id(context.trace_id);
        context.is_sampled = draws_lot(context.trace_id);
    }
    new_span_id(context.span_id);
    return context;
}

struct trace_context trace_child(const struct trace_context *context)
{
    struct trace_context child = *context;

    new_span_id(child.span_id);
    return child;
}

/* ---- spans ---- */

/* At most so many bytes with the NUL; cut between characters. What is no UTF-8 becomes '?'. */
static void copy_text(char *out, size_t bytes, struct str text)
{
    size_t length = text.length < bytes ? text.length : bytes - 1;

    while (length < text.length && length > 0 && (text.data[length] & 0xc0) == 0x80) {
        length--;
    }
    if (length) {
        memcpy(out, text.data, length);
    }
    out[length] = '\0';
    if (!str_is_utf8((struct str){out, length})) {
        for (size_t i = 0; i < length; i++) {
            out[i] = (signed char)out[i] < 0 ? '?' : out[i];
        }
    }
}

void trace_span_init(struct trace_span *span, const struct trace_context *parent,
                     enum trace_kind kind, const char *name, int64_t start_us)
{
    struct trace_context own = trace_child(parent);

    trace_span_init_own(span, &own, parent->span_id, kind, name, start_us);
}

void trace_span_init_own(struct trace_span *span, const struct trace_context *own,
                         const unsigned char parent_id[8], enum trace_kind kind, const char *name,
                         int64_t start_us)
{
    span->context = *own;
    memcpy(span->parent_id, parent_id, sizeof(span->parent_id));
    span->kind = kind;
    copy_text(span->name, sizeof(span->name), str_from(name));
    span->start_us = start_us;
    span->end_us = start_us;
    span->is_error = false;
    span->message[0] = '\0';
    span->attribute_count = 0;
}

/* One more attribute, or the one of that key; NULL when there are too many. */
static struct trace_attribute *attribute_for(struct trace_span *span, const char *key)
{
    for (unsigned i = 0; i < span->attribute_count; i++) {
        if (strcmp(span->attributes[i].key, key) == 0) {
            return &span->attributes[i];
        }
    }
    if (span->attribute_count == TRACE_ATTRIBUTES_MAX) {
        return NULL;
    }
    struct trace_attribute *attribute = &span->attributes[span->attribute_count++];
    attribute->key = key;
    return attribute;
}

void trace_span_text(struct trace_span *span, const char *key, struct str value)
{
    struct trace_attribute *attribute = attribute_for(span, key);

    if (attribute) {
        attribute->is_number = false;
        copy_text(attribute->text, sizeof(attribute->text), value);
    }
}

void trace_span_number(struct trace_span *span, const char *key, int64_t value)
{
    struct trace_attribute *attribute = attribute_for(span, key);

    if (attribute) {
        attribute->is_number = true;
        attribute->number = value;
        attribute->text[0] = '\0';
    }
}

void trace_span_fail(struct trace_span *span, struct str message)
{
    span->is_error = true;
    copy_text(span->message, sizeof(span->message), message);
}

/* Without the attributes that are not set: most spans have few. */
static void copy_span(struct trace_span *to, const struct trace_span *from)
{
    memcpy(to, from, offsetof(struct trace_span, attributes));
    memcpy(to->attributes, from->attributes, from->attribute_count * sizeof(from->attributes[0]));
}

void trace_span_end(struct trace_span *span, int64_t end_us)
{
    span->end_us = end_us > span->start_us ? end_us : span->start_us;
    if (!span->context.is_sampled || !trace_is_on()) {
        return;
    }
    (void)pthread_mutex_lock(&queue.lock);
    bool is_full = queue.count == TRACE_QUEUE_MAX;
    if (!is_full) {
        copy_span(&queue.spans[(queue.first + queue.count++) % TRACE_QUEUE_MAX], span);
    }
    (void)pthread_mutex_unlock(&queue.lock);
    if (is_full) {
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
        metric_add(METRIC_TRACE_SPANS, metric_label(METRIC_TRACE_SPANS, STR("dropped")), 1);
    }
}

unsigned trace_take(struct trace_span *spans, unsigned max)
{
    (void)pthread_mutex_lock(&queue.lock);
    unsigned taken = queue.count < max ? queue.count : max;
    for (unsigned i = 0; i < taken; i++) {
        copy_span(&spans[i], &queue.spans[(queue.first + i) % TRACE_QUEUE_MAX]);
    }
    queue.first = (queue.first + taken) % TRACE_QUEUE_MAX;
    queue.count -= taken;
    (void)pthread_mutex_unlock(&queue.lock);
    return taken;
}

unsigned trace_waiting(void)
{
    (void)pthread_mutex_lock(&queue.lock);
    unsigned waiting = queue.count;
    (void)pthread_mutex_unlock(&queue.lock);
    return waiting;
}

uint64_t trace_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

/* ---- the thread's own ---- */

void trace_set_current(const struct trace_context *context)
{
    has_current = context && trace_is_set(context);
    if (has_current) {
        current = *context;
    }
}

const struct trace_context *trace_current(void)
{
    return has_current ? &current : NULL;
}
