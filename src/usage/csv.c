/*
 * The tokenizer. Two ways through a piece:
 *
 *   fast   from a record's start, marks (delimiter, quote, line end) are walked 64 bytes at a time;
 *          without a quote the record is split in place
 *   slow   a record that has a quote, or that is cut by the end of a piece: a byte automaton finds
 *          its end, then it is split as a whole
 *
 * Both give the same cells; the tests feed every input both ways.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usage/csv.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/alloc.h"
#include "base/error.h"

#define BLOCK_BYTES 64u

int csv_init(struct csv *csv, char delimiter, size_t record_bytes_max)
{
    *csv = (struct csv){.delimiter = delimiter, .line = 1, .record_bytes_max = record_bytes_max};
    buf_init(&csv->open, record_bytes_max + 1); /* and its line feed */
    buf_init(&csv->unfolded, record_bytes_max);
    csv->cells = alloc_zeroed(CSV_CELLS_MAX, sizeof(*csv->cells));
    return csv->cells ? OK : ERR_NO_MEMORY;
}

void csv_done(struct csv *csv)
{
    buf_done(&csv->open);
    buf_done(&csv->unfolded);
    alloc_free(csv->cells);
    csv->cells = NULL;
}

/* One bit for each of the 64 bytes at p that is a delimiter, a quote or a line feed. */
static uint64_t marks_of(const char *p, char delimiter)
{
    uint64_t marks = 0;
#ifdef __SSE2__
    const __m128i comma = _mm_set1_epi8(delimiter);
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i feed = _mm_set1_epi8('\n');

    for (unsigned i = 0; i < BLOCK_BYTES; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i hit =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, comma), _mm_cmpeq_epi8(bytes, quote)),
                         _mm_cmpeq_epi8(bytes, feed));
        marks |= (uint64_t)(unsigned)_mm_movemask_epi8(hit) << i;
    }
#else
    for (unsigned i = 0; i < BLOCK_BYTES; i++) {
        marks |= (uint64_t)(p[i] == delimiter || p[i] == '"' || p[i] == '\n') << i;
    }
#endif
    return marks;
}

static uint64_t marks_of_tail(const char *p, size_t length, char delimiter)
{
    char block[BLOCK_BYTES];

    memset(block, 'x' == delimiter ? 'y' : 'x', sizeof(block));
    memcpy(block, p, length);
    return marks_of(block, delimiter);
}

static void add_cell(struct csv *csv, size_t *count, struct str cell)
{
    if (*count < CSV_CELLS_MAX) {
        csv->cells[*count] = cell;
    }
    (*count)++;
}

static int emit(struct csv *csv, struct csv_record *record, uint64_t lines, csv_record_fn fn,
                void *arg)
{
    bool is_empty = record->cell_count == 1 && csv->cells[0].length == 0 && !record->is_too_long;

    record->cells = csv->cells;
    record->line = csv->line;
    csv->line += lines;
    return is_empty ? OK : fn(record, arg);
}

/* Unfolds the doubled quotes of a quoted cell; text is what follows the opening quote. Returns the
 * index behind the closing quote, or the length of text. What stands between a closing quote and
 * the delimiter is kept as it is. */
static size_t read_quoted(struct csv *csv, struct str text, struct str *ret_cell)
{
    size_t begin = csv->unfolded.length;
    size_t i = 0;

    for (;;) {
        const char *quote = memchr(text.data + i, '"', text.length - i);
        size_t at = quote ? (size_t)(quote - text.data) : text.length;

        buf_append(&csv->unfolded, str_slice(text, i, at));
        if (at + 1 >= text.length || text.data[at + 1] != '"') {
            i = at < text.length ? at + 1 : at;
            break;
        }
        buf_append_char(&csv->unfolded, '"');
        i = at + 2;
    }
    for (; i < text.length && text.data[i] != csv->delimiter; i++) {
        csv->has_stray |= text.data[i] != ' ';
        buf_append_char(&csv->unfolded, text.data[i]);
    }
    *ret_cell = (struct str){csv->unfolded.data ? csv->unfolded.data + begin : "",
                             csv->unfolded.length - begin};
    return i;
}

static struct str without_return(struct str text)
{
    if (text.length && text.data[text.length - 1] == '\r') {
        text.length--;
    }
    return text;
}

/* Splits one whole record without its line end. */
static int split(struct csv *csv, struct str text, struct csv_record *record)
{
    size_t i = 0;

    csv->has_stray = false;
    buf_clear(&csv->unfolded);
    if (buf_reserve(&csv->unfolded, text.length)) { /* so that cells in it do not move */
        return buf_status(&csv->unfolded);
    }
    for (;;) {
        struct str rest = str_slice(text, i, text.length);
        struct str cell;
        size_t used;

        if (rest.length && rest.data[0] == '"') {
            used = 1 + read_quoted(csv, str_slice(rest, 1, rest.length), &cell);
        } else {
            const char *end = rest.length ? memchr(rest.data, csv->delimiter, rest.length) : NULL;

            used = end ? (size_t)(end - rest.data) : rest.length;
            cell = str_slice(rest, 0, used);
        }
        add_cell(csv, &record->cell_count, cell);
        i += used;
        if (i >= text.length) {
            return OK;
        }
        i++; /* the delimiter */
    }
}

static enum csv_state next_state(const struct csv *csv, enum csv_state state, char c)
{
    switch (state) {
    case CSV_QUOTED:
        return c == '"' ? CSV_QUOTE_IN_QUOTED : CSV_QUOTED;
    case CSV_QUOTE_IN_QUOTED:
        if (c == '"') {
            return CSV_QUOTED;
        }
        return c == csv->delimiter ? CSV_CELL_START : CSV_UNQUOTED;
    case CSV_CELL_START:
        if (c == '"') {
            return CSV_QUOTED;
        }
        break;
    case CSV_UNQUOTED:
        break;
    }
    return c == csv->delimiter ? CSV_CELL_START : CSV_UNQUOTED;
}

/* Bytes that the open record may still grow by. */
static size_t room_for(const struct csv *csv)
{
    size_t most = csv->lines_open && csv->record_bytes_max > CSV_QUOTED_BYTES_MAX
                      ? CSV_QUOTED_BYTES_MAX
                      : csv->record_bytes_max;

    return csv->open.length < most ? most - csv->open.length : 0;
}

enum scan {
    SCAN_END,  /* the record's line feed was found */
    SCAN_MORE, /* it is not in this text */
    SCAN_OVER, /* the record is longer than it may be */
};

/* Looks for the line feed that ends the record; *ret_at is its index, or where the scan stopped.
 * State and the count of lines go on from the last call. */
static enum scan find_end(struct csv *csv, struct str text, size_t *ret_at)
{
    enum csv_state state = csv->state;
    enum scan scan = SCAN_MORE;
    size_t room = room_for(csv);
    size_t i = 0;

    for (; i < text.length; i++) {
        char c = text.data[i];

        if (c == '\n') {
            csv->lines_open++;
            if (state != CSV_QUOTED) {
                scan = SCAN_END;
                break;
            }
            room = room_for(csv);
        } else {
            state = next_state(csv, state, c);
        }
        if (i >= room) {
            scan = SCAN_OVER;
            break;
        }
    }
    csv->state = state;
    *ret_at = i;
    return scan;
}

static void begin_record(struct csv *csv)
{
    csv->state = CSV_CELL_START;
    csv->lines_open = 0;
    csv->is_skipping = false;
}

/* A quote in the first line of text is not closed where it should be: that line alone is lost, what
 * follows is read as records of its own. Text is in a caller's piece, which goes on behind
 * *ret_used, or it is all of csv->open. */
static int cut_after_first_line(struct csv *csv, struct str text, csv_record_fn fn, void *arg,
                                size_t *ret_used)
{
    struct csv_record record = {.is_unclosed = true};
    const char *feed = memchr(text.data, '\n', text.length);
    size_t used = feed ? (size_t)(feed - text.data) + 1 : text.length;

    begin_record(csv);
    int code = emit(csv, &record, 1, fn, arg);
    if (ret_used) {
        *ret_used = used;
        return code;
    }
    cleanup(buf_done) struct buf taken = csv->open; /* text is in it */
    buf_init(&csv->open, taken.limit);
    return code ? code : csv_feed(csv, str_slice(text, used, text.length), fn, arg);
}

/* One whole record, with its line feed unless it is the last; ret_used is NULL when text is all of
 * csv->open. */
static int emit_slow(struct csv *csv, struct str text, bool is_last, csv_record_fn fn, void *arg,
                     size_t *ret_used)
{
    struct csv_record record = {.is_last_open = is_last};
    bool is_unclosed = csv->state == CSV_QUOTED;
    uint64_t lines = csv->lines_open;
    struct str content = is_last ? text : str_slice(text, 0, text.length - 1);
    int code = split(csv, without_return(content), &record);

    if (code) {
        return code;
    }
    if (lines > 1 && (is_unclosed || csv->has_stray)) {
        return cut_after_first_line(csv, text, fn, arg, ret_used);
    }
    record.is_unclosed = is_unclosed;
    begin_record(csv);
    code = emit(csv, &record, lines, fn, arg);
    buf_clear(&csv->open);
    return code;
}

/* Passes over the rest of a record that is too long. */
static int skip(struct csv *csv, struct str text, csv_record_fn fn, void *arg, size_t *ret_used)
{
    struct csv_record record = {.is_too_long = true};
    const char *feed = memchr(text.data, '\n', text.length);

    *ret_used = feed ? (size_t)(feed - text.data) + 1 : text.length;
    if (!feed) {
        return OK;
    }
    begin_record(csv);
    return emit(csv, &record, 1, fn, arg);
}

static int keep(struct csv *csv, struct str text)
{
    buf_append(&csv->open, text);
    return buf_status(&csv->open);
}

static int give_up(struct csv *csv, csv_record_fn fn, void *arg)
{
    if (csv->lines_open) {
        return cut_after_first_line(csv, buf_str(&csv->open), fn, arg, /* ret_used */ NULL);
    }
    buf_clear(&csv->open);
    begin_record(csv);
    csv->is_skipping = true;
    return OK;
}

/* The record at the start of text, or its next part, with the automaton. */
static int feed_slow(struct csv *csv, struct str text, csv_record_fn fn, void *arg,
                     size_t *ret_used)
{
    size_t at;

    if (csv->is_skipping) {
        return skip(csv, text, fn, arg, ret_used);
    }
    enum scan scan = find_end(csv, text, &at);
    *ret_used = scan == SCAN_MORE ? at : at + 1;
    if (scan == SCAN_END && csv->open.length == 0) {
        return emit_slow(csv, str_slice(text, 0, *ret_used), /* is_last */ false, fn, arg,
                         ret_used);
    }
    int code = keep(csv, str_slice(text, 0, *ret_used));
    if (code || scan == SCAN_MORE) {
        return code;
    }
    return scan == SCAN_OVER ? give_up(csv, fn, arg)
                             : emit_slow(csv, buf_str(&csv->open), /* is_last */ false, fn, arg,
                                         /* ret_used */ NULL);
}

/* Records without quotes from the start of text. Stops before the first record that has a quote or
 * is not complete; *ret_used says where. */
static int feed_fast(struct csv *csv, struct str text, csv_record_fn fn, void *arg,
                     size_t *ret_used)
{
    struct csv_record record = {0};
    size_t cell = 0; /* where the open cell begins */

    *ret_used = 0;
    for (size_t block = 0; block < text.length; block += BLOCK_BYTES) {
        size_t left = text.length - block;
        uint64_t marks = left >= BLOCK_BYTES
                             ? marks_of(text.data + block, csv->delimiter)
                             : marks_of_tail(text.data + block, left, csv->delimiter);

        for (; marks; marks &= marks - 1) {
            size_t at = block + (size_t)__builtin_ctzll(marks);
            char c = text.data[at];

            if (c == '"') {
                return OK;
            }
            struct str found = str_slice(text, cell, at);
            cell = at + 1;
            if (c != '\n') {
                add_cell(csv, &record.cell_count, found);
                continue;
            }
            add_cell(csv, &record.cell_count, without_return(found));
            if (at - *ret_used > csv->record_bytes_max) {
                return OK; /* the slow way reports it */
            }
            *ret_used = at + 1;
            int code = emit(csv, &record, 1, fn, arg);
            if (code) {
                return code;
            }
            record = (struct csv_record){0};
        }
    }
    return OK;
}

int csv_feed(struct csv *csv, struct str text, csv_record_fn fn, void *arg)
{
    int code = OK;

    while (text.length && !code) {
        size_t used = 0;

        if (csv->open.length == 0 && !csv->is_skipping && csv->state == CSV_CELL_START) {
            code = feed_fast(csv, text, fn, arg, &used);
            text = str_slice(text, used, text.length);
        }
        if (!code && text.length) {
            code = feed_slow(csv, text, fn, arg, &used);
            text = str_slice(text, used, text.length);
        }
    }
    return code;
}

int csv_finish(struct csv *csv, csv_record_fn fn, void *arg)
{
    int code = OK;

    if (csv->is_skipping) {
        struct csv_record record = {.is_too_long = true, .is_last_open = true};

        begin_record(csv);
        return emit(csv, &record, 1, fn, arg);
    }
    while (csv->open.length && !code) { /* an open quote gives its other lines back */
        csv->lines_open++;
        code = emit_slow(csv, buf_str(&csv->open), /* is_last */ true, fn, arg,
                         /* ret_used */ NULL);
    }
    return code;
}

char csv_guess_delimiter(struct str head)
{
    static const char candidates[] = {',', ';', '\t'};
    size_t counts[sizeof(candidates)] = {0};
    bool is_quoted = false;
    size_t best = 0;

    for (size_t i = 0; i < head.length && (is_quoted || head.data[i] != '\n'); i++) {
        const char *found = memchr(candidates, head.data[i], sizeof(candidates));

        is_quoted ^= head.data[i] == '"';
        if (found && !is_quoted) {
            counts[found - candidates]++;
        }
    }
    for (size_t i = 1; i < sizeof(candidates); i++) {
        if (counts[i] > counts[best]) {
            best = i;
        }
    }
    return candidates[best];
}
