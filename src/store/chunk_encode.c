/*
 * Writing chunks: a table's columns → sections. Each array of numbers is kept as offsets from its
 * smallest, in as few bytes as the largest needs: times of one chunk take 4 or 5 bytes instead of
 * 8, constant columns none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/chunk.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/check.h"
#include "store/chunk_columns.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they lie");

/* What is known about one dict while its texts are handed out to chunks. */
struct texts {
    uint32_t *seen;  /* by id: the last chunk that uses it, from 1 */
    uint32_t *local; /* by id: its index in that chunk's dictionary */
    uint32_t next;   /* the first id that no chunk has listed */
};

struct chunk_encoder {
    struct usage_table *table;
    size_t row; /* the next chunk's first */
    uint32_t chunk;
    struct texts texts[CHUNK_DICTIONARIES];
    uint32_t *used;         /* ids of one dictionary, room for the largest dict */
    uint64_t *keys;         /* by row: its key in by_request; NULL when there are none */
    uint64_t *chunk_keys;   /* those of the chunk's rows that have one */
    struct block_run *runs; /* of the chunk's rows, joined */
    size_t runs_capacity;
};

/* An array of numbers as it lies in memory. */
struct numbers {
    const void *data;
    size_t count;
    size_t stride;
    unsigned bytes;      /* of one: 1, 2, 4 or 8 */
    uint64_t turn;       /* CHUNK_SIGN for signed ones */
    const uint32_t *map; /* applied to each; NULL: none */
};

#define BLOCK_NUMBERS 4096u /* widened at a time: 32 KiB */

/* A loop for each width, so that the compiler knows it. */
#define WIDEN(type)                                                                                \
    for (size_t i = 0; i < count; i++) {                                                           \
        type number;                                                                               \
        memcpy(&number, data + i * numbers->stride, sizeof(number));                               \
        to[i] = number;                                                                            \
    }
#define NARROW(type)                                                                               \
    for (size_t i = 0; i < count; i++) {                                                           \
        type number = (type)(numbers[i] - base);                                                   \
        memcpy(to + i * sizeof(number), &number, sizeof(number));                                  \
    }

/* The next at most BLOCK_NUMBERS from begin on, as they will be kept; how many. */
static size_t widen(const struct numbers *numbers, size_t begin, uint64_t *to)
{
    const char *data = (const char *)numbers->data + begin * numbers->stride;
    size_t count = numbers->count - begin;

    count = count < BLOCK_NUMBERS ? count : BLOCK_NUMBERS;
    switch (numbers->bytes) {
    case 1:
        WIDEN(uint8_t)
        break;
    case 2:
        WIDEN(uint16_t)
        break;
    case 4:
        WIDEN(uint32_t)
        break;
    default:
        WIDEN(uint64_t)
        break;
    }
    for (size_t i = 0; i < count; i++) {
        to[i] = numbers->map ? numbers->map[to[i]] : to[i] ^ numbers->turn;
    }
    return count;
}

static void narrow(const uint64_t *numbers, size_t count, uint64_t base, unsigned width, char *to)
{
    switch (width) {
    case 1:
        NARROW(uint8_t)
        break;
    case 2:
        NARROW(uint16_t)
        break;
    case 4:
        NARROW(uint32_t)
        break;
    default:
        NARROW(uint64_t)
        break;
    }
}

static unsigned width_of(uint64_t largest)
{
    if (largest == 0) {
        return 0;
    }
    if (largest <= UINT8_MAX) {
        return 1;
    }
    if (largest <= UINT16_MAX) {
        return 2;
    }
    return largest <= UINT32_MAX ? 4 : 8;
}

static void put(struct buf *out, const void *number, size_t bytes)
{
    buf_append(out, (struct str){number, bytes});
}

static void pack(struct buf *out, const struct numbers *numbers)
{
    uint64_t block[BLOCK_NUMBERS];
    uint64_t base = UINT64_MAX;
    uint64_t largest = 0;

    for (size_t at = 0; at < numbers->count; at += BLOCK_NUMBERS) {
        size_t count = widen(numbers, at, block);

        for (size_t i = 0; i < count; i++) {
            base = block[i] < base ? block[i] : base;
            largest = block[i] > largest ? block[i] : largest;
        }
    }
    base = numbers->count ? base : 0;
    unsigned width = width_of(largest - base);
    buf_append_char(out, (char)width);
    put(out, &base, sizeof(base));
    if (width == 0 || buf_reserve(out, numbers->count * width)) {
        return;
    }
    for (size_t at = 0; at < numbers->count; at += BLOCK_NUMBERS) {
        size_t count = widen(numbers, at, block);

        narrow(block, count, base, width, out->data + out->length);
        out->length += count * width;
    }
    out->data[out->length] = '\0';
}

/* The head of a section whose length is not known yet; returns where it ends. */
static size_t begin_section(struct buf *out, uint32_t kind, uint32_t index)
{
    uint64_t unknown = 0;

    put(out, &kind, sizeof(kind));
    put(out, &index, sizeof(index));
    put(out, &unknown, sizeof(unknown));
    return out->length;
}

static void end_section(struct buf *out, size_t begin)
{
    uint64_t bytes = out->length - begin;

    if (!buf_status(out)) {
        memcpy(out->data + begin - sizeof(bytes), &bytes, sizeof(bytes));
    }
}

/* ---- texts ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static void use_id(struct chunk_encoder *encoder, struct texts *texts, uint32_t id, size_t *count)
{
    if (texts->seen[id] != encoder->chunk) {
        texts->seen[id] = encoder->chunk;
        encoder->used[(*count)++] = id;
    }
}

/* The ids that the chunk's dictionary lists, ascending, in encoder->used. */
static size_t gather_ids(struct chunk_encoder *encoder, unsigned dictionary, size_t rows)
{
    struct texts *texts = &encoder->texts[dictionary];
    const struct usage_table *table = encoder->table;
    const struct dict *dict = chunk_dict(encoder->table, dictionary);
    bool is_name = dictionary < USAGE_NAME_COUNT;
    const uint16_t *names = is_name ? table->names[dictionary] : NULL;
    const uint32_t *ids = is_name ? NULL : table->ids[dictionary - USAGE_NAME_COUNT];
    bool is_last = encoder->row + rows == table->count;
    size_t count = 0;
    uint32_t end = 1; /* the empty text, which every dict begins with */

    for (size_t row = encoder->row; row < encoder->row + rows; row++) {
        uint32_t id = names ? names[row] : ids ? ids[row] : 0;

        use_id(encoder, texts, id, &count);
        end = id >= end ? id + 1 : end;
    }
    for (end = is_last ? dict->count : end; texts->next < end; texts->next++) {
        use_id(encoder, texts, texts->next, &count);
    }
    qsort(encoder->used, count, sizeof(*encoder->used), by_number);
    for (size_t i = 0; i < count; i++) {
        texts->local[encoder->used[i]] = (uint32_t)i;
    }
    return count;
}

static void write_dictionary(struct chunk_encoder *encoder, unsigned dictionary, size_t rows,
                             struct buf *out)
{
    const struct dict *dict = chunk_dict(encoder->table, dictionary);
    uint32_t count = (uint32_t)gather_ids(encoder, dictionary, rows);
    size_t section = begin_section(out, CHUNK_DICTIONARY, dictionary);
    struct buf lengths;

    put(out, &count, sizeof(count));
    buf_init(&lengths, (size_t)count * sizeof(uint64_t));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t length = dict_text(dict, encoder->used[i]).length;

        put(&lengths, &length, sizeof(length));
    }
    if (buf_status(&lengths)) {
        out->status = buf_status(&lengths);
    } else {
        pack(out, &(struct numbers){buf_str(&lengths).data, count, 8, 8, 0, NULL});
    }
    buf_done(&lengths);
    for (uint32_t i = 0; i < count; i++) {
        buf_append(out, dict_text(dict, encoder->used[i]));
    }
    end_section(out, section);
}

/* ---- the rest ---- */

static void write_column(struct chunk_encoder *encoder, unsigned index, size_t rows,
                         struct buf *out)
{
    const struct chunk_column *column = &chunk_columns[index];
    const char *data = *chunk_column_at(encoder->table, column);

    if (!data) {
        return;
    }
    struct numbers numbers = {
        .data = data + encoder->row * column->element_bytes,
        .count = rows,
        .stride = column->element_bytes,
        .bytes = column->element_bytes,
        .turn = column->values == CHUNK_SIGNED ? CHUNK_SIGN : 0,
        .map = column->values == CHUNK_TEXTS ? encoder->texts[column->dictionary].local : NULL,
    };
    size_t section = begin_section(out, CHUNK_COLUMN, index);
    pack(out, &numbers);
    end_section(out, section);
}

/* Rows of the next chunk, as many as its runs allow, and those runs' number. */
static size_t measure(const struct chunk_encoder *encoder, size_t *ret_runs)
{
    const struct usage_table *table = encoder->table;
    size_t rows = table->count - encoder->row;
    size_t runs = 0;
    size_t row = 0;

    rows = rows < CHUNK_ROWS_MAX ? rows : CHUNK_ROWS_MAX;
    for (; table->run_count && row < rows; row++) {
        size_t more = table->run_count[encoder->row + row];

        if (row && runs + more > CHUNK_RUNS_MAX) {
            rows = row;
            break;
        }
        runs += more;
    }
    *ret_runs = runs;
    return rows;
}

static int gather_runs(struct chunk_encoder *encoder, size_t rows, size_t runs)
{
    const struct usage_table *table = encoder->table;
    size_t at = 0;

    if (runs > encoder->runs_capacity) {
        struct block_run *grown = alloc_resize(encoder->runs, runs, sizeof(*grown));

        if (!grown) {
            return ERR_NO_MEMORY;
        }
        encoder->runs = grown;
        encoder->runs_capacity = runs;
    }
    for (size_t row = encoder->row; runs && row < encoder->row + rows; row++) {
        size_t count = table->run_count[row];

        if (count) {
            memcpy(encoder->runs + at, table->runs + table->run_begin[row],
                   count * sizeof(*encoder->runs));
        }
        at += count;
    }
    return OK;
}

static void write_runs(const struct chunk_encoder *encoder, size_t runs, struct buf *out)
{
    for (uint32_t part = 0; part < 2 && runs; part++) {
        size_t section = begin_section(out, CHUNK_RUNS, part);
        const uint32_t *first = part ? &encoder->runs[0].length : &encoder->runs[0].start;

        pack(out, &(struct numbers){first, runs, sizeof(struct block_run), 4, 0, NULL});
        end_section(out, section);
    }
}

static void write_requests(struct chunk_encoder *encoder, size_t rows, struct buf *out)
{
    size_t count = 0;

    if (!encoder->keys) {
        return;
    }
    for (size_t row = encoder->row; row < encoder->row + rows; row++) {
        if (usage_has(encoder->table, row, USAGE_HAS_REQUEST_ID)) {
            encoder->chunk_keys[count++] = encoder->keys[row];
        }
    }
    size_t section = begin_section(out, CHUNK_REQUESTS, 0);
    pack(out, &(struct numbers){encoder->chunk_keys, count, 8, 8, 0, NULL});
    end_section(out, section);
}

static void write_head(const struct chunk_encoder *encoder, size_t rows, size_t runs,
                       struct buf *out)
{
    bool is_last = encoder->row + rows == encoder->table->count;
    uint32_t version = CHUNK_VERSION;
    uint64_t sum = 0; /* known at the end */
    uint32_t row_count = (uint32_t)rows;
    uint32_t run_count = (uint32_t)runs;
    uint64_t merged = is_last ? encoder->table->merged_count : 0;

    buf_append(out, STR("NTuc"));
    put(out, &version, sizeof(version));
    put(out, &sum, sizeof(sum));
    put(out, &row_count, sizeof(row_count));
    put(out, &run_count, sizeof(run_count));
    put(out, &merged, sizeof(merged));
}

int chunk_encode(struct chunk_encoder *encoder, struct buf *out)
{
    size_t runs;
    size_t rows = measure(encoder, &runs);

    check(chunk_encoder_has_more(encoder));
    if (runs > CHUNK_RUNS_MAX) {
        return ERR_LIMIT; /* of one row */
    }
    if (gather_runs(encoder, rows, runs)) {
        return ERR_NO_MEMORY;
    }
    encoder->chunk++;
    buf_clear(out);
    write_head(encoder, rows, runs, out);
    for (unsigned i = 0; i < CHUNK_DICTIONARIES; i++) {
        write_dictionary(encoder, i, rows, out);
    }
    for (unsigned i = 0; i < CHUNK_COLUMN_COUNT; i++) {
        write_column(encoder, i, rows, out);
    }
    write_runs(encoder, runs, out);
    write_requests(encoder, rows, out);
    if (buf_status(out)) {
        return buf_status(out);
    }
    if (out->length > CHUNK_BYTES_MAX) {
        return ERR_LIMIT;
    }
    uint64_t sum = XXH3_64bits(out->data + CHUNK_SUM_FROM, out->length - CHUNK_SUM_FROM);
    memcpy(out->data + CHUNK_SUM_OFFSET, &sum, sizeof(sum));
    encoder->row += rows;
    return OK;
}

/* ---- the encoder ---- */

bool chunk_encoder_has_more(const struct chunk_encoder *encoder)
{
    return encoder->row < encoder->table->count;
}

/* by_request turned round: each row that says it has a request id is the value of one key. */
static int gather_keys(struct chunk_encoder *encoder)
{
    const struct usage_table *table = encoder->table;
    const struct id_map *map = &table->by_request;
    size_t with_id = 0;

    for (size_t row = 0; row < table->count; row++) {
        with_id += usage_has(table, row, USAGE_HAS_REQUEST_ID);
    }
    check_cmp(with_id, ==, map->count); /* else it was sorted, and its keys are gone */
    if (!with_id) {
        return OK;
    }
    encoder->keys = alloc_zeroed(table->count, sizeof(*encoder->keys));
    encoder->chunk_keys = alloc_zeroed(CHUNK_ROWS_MAX, sizeof(*encoder->chunk_keys));
    if (!encoder->keys || !encoder->chunk_keys) {
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < map->slot_count; i++) {
        if (map->values[i]) {
            encoder->keys[map->values[i] - 1] = map->keys[i];
        }
    }
    return OK;
}

static int prepare(struct chunk_encoder *encoder)
{
    size_t largest = 1;

    for (unsigned i = 0; i < CHUNK_DICTIONARIES; i++) {
        size_t count = chunk_dict(encoder->table, i)->count;
        struct texts *texts = &encoder->texts[i];

        largest = count > largest ? count : largest;
        texts->seen = alloc_zeroed(count + 1, sizeof(*texts->seen));
        texts->local = alloc_zeroed(count + 1, sizeof(*texts->local));
        if (!texts->seen || !texts->local) {
            return ERR_NO_MEMORY;
        }
    }
    encoder->used = alloc_zeroed(largest, sizeof(*encoder->used));
    return encoder->used ? gather_keys(encoder) : ERR_NO_MEMORY;
}

int chunk_encoder_new(const struct usage_table *table, struct chunk_encoder **ret_encoder)
{
    struct chunk_encoder *encoder = alloc_zeroed(1, sizeof(*encoder));

    if (!encoder) {
        return ERR_NO_MEMORY;
    }
    encoder->table = (struct usage_table *)table; /* only read: the accessors are shared */
    int code = prepare(encoder);
    if (code) {
        chunk_encoder_free(encoder);
        return code;
    }
    *ret_encoder = encoder;
    return OK;
}

void chunk_encoder_free(struct chunk_encoder *encoder)
{
    if (!encoder) {
        return;
    }
    for (unsigned i = 0; i < CHUNK_DICTIONARIES; i++) {
        alloc_free(encoder->texts[i].seen);
        alloc_free(encoder->texts[i].local);
    }
    alloc_free(encoder->used);
    alloc_free(encoder->keys);
    alloc_free(encoder->chunk_keys);
    alloc_free(encoder->runs);
    alloc_free(encoder);
}
