/* SPDX-License-Identifier: Apache-2.0 */
#include "usage/blocks.h"

#include <xxhash.h>

#include "base/alloc.h"

#define RUNS_FIRST 256

void blocks_init(struct blocks *blocks)
{
    *blocks = (struct blocks){0};
    id_map_init(&blocks->numbers, BLOCKS_DISTINCT_MAX);
}

void blocks_done(struct blocks *blocks)
{
    alloc_free(blocks->runs);
    id_map_done(&blocks->numbers);
    blocks_init(blocks);
}

void blocks_clear(struct blocks *blocks)
{
    blocks->run_count = 0;
    blocks->block_count = 0;
}

static int grow(struct blocks *blocks)
{
    size_t capacity = blocks->capacity ? blocks->capacity * 2 : RUNS_FIRST;

    if (blocks->run_count == BLOCKS_RUNS_MAX) {
        return ERR_LIMIT;
    }
    struct block_run *runs = alloc_resize(blocks->runs, capacity, sizeof(*runs));
    if (!runs) {
        return ERR_NO_MEMORY;
    }
    blocks->runs = runs;
    blocks->capacity = capacity;
    return OK;
}

int blocks_append(struct blocks *blocks, uint64_t start, uint64_t length)
{
    uint64_t end;

    if (length == 0) {
        return OK;
    }
    if (__builtin_add_overflow(start, length, &end) || end > (uint64_t)UINT32_MAX + 1) {
        return ERR_LIMIT;
    }
    if (blocks->run_count) {
        struct block_run *last = &blocks->runs[blocks->run_count - 1];

        if ((uint64_t)last->start + last->length == start && length <= UINT32_MAX - last->length) {
            last->length += (uint32_t)length;
            blocks->block_count += length;
            return OK;
        }
    }
    if (length > UINT32_MAX) {
        return ERR_LIMIT;
    }
    if (blocks->run_count == blocks->capacity) {
        int code = grow(blocks);
        if (code) {
            return code;
        }
    }
    blocks->runs[blocks->run_count++] = (struct block_run){(uint32_t)start, (uint32_t)length};
    blocks->block_count += length;
    return OK;
}

static int append_hash(struct blocks *blocks, uint64_t hash)
{
    uint32_t number;
    int is_new;
    int code =
        id_map_put(&blocks->numbers, hash, (uint32_t)blocks->numbers.count, &number, &is_new);

    return code ? code : blocks_append(blocks, number, 1);
}

static int append_id(struct blocks *blocks, uint64_t id)
{
    if (blocks->ids == BLOCKS_UNDECIDED) {
        blocks->ids = id <= UINT32_MAX ? BLOCKS_GIVEN : BLOCKS_NUMBERED;
    }
    return blocks->ids == BLOCKS_GIVEN ? blocks_append(blocks, id, 1) : append_hash(blocks, id);
}

static int append_text_id(struct blocks *blocks, struct str text)
{
    uint64_t id;

    if (text.length == 0) {
        return ERR_INVALID;
    }
    if (blocks->ids != BLOCKS_NUMBERED && decimal_parse_u64(text, &id) == OK) {
        return append_id(blocks, id);
    }
    if (blocks->ids == BLOCKS_GIVEN) {
        return ERR_INVALID; /* numbers so far: this one cannot be told from them */
    }
    blocks->ids = BLOCKS_NUMBERED;
    if (decimal_parse_u64(text, &id) == OK) {
        return append_hash(blocks, id);
    }
    return append_hash(blocks, XXH3_64bits(text.data, text.length));
}

/* [start, length]; only for ids that are kept as given. */
static int append_pair(struct blocks *blocks, struct json_value pair)
{
    struct json_iterator it = json_iterate(pair);
    uint64_t start;
    uint64_t length;

    if (!json_next(&it) || !json_get_u64(it.value, &start) || !json_next(&it) ||
        !json_get_u64(it.value, &length) || length == 0 || json_next(&it) ||
        blocks->ids == BLOCKS_NUMBERED) {
        return ERR_INVALID;
    }
    blocks->ids = BLOCKS_GIVEN;
    return blocks_append(blocks, start, length);
}

static int append_json(struct blocks *blocks, struct json_value value)
{
    struct str text;
    uint64_t id;
    int64_t negative;

    if (json_get_u64(value, &id)) {
        return append_id(blocks, id);
    }
    if (json_is(value, JSON_ARRAY)) {
        return append_pair(blocks, value);
    }
    if (json_get_str(value, &text)) {
        return append_text_id(blocks, text);
    }
    if (json_get_i64(value, &negative) && blocks->ids != BLOCKS_GIVEN) {
        blocks->ids = BLOCKS_NUMBERED; /* a hash that was printed with a sign */
        return append_hash(blocks, (uint64_t)negative);
    }
    return ERR_INVALID;
}

int blocks_read_json(struct blocks *blocks, struct json_value list)
{
    int code = json_is(list, JSON_ARRAY) ? OK : ERR_INVALID;

    blocks_clear(blocks);
    for (struct json_iterator it = json_iterate(list); !code && json_next(&it);) {
        code = append_json(blocks, it.value);
    }
    return code;
}

static bool is_between_ids(char c)
{
    return c == ' ' || c == ',' || c == ';' || c == '\t' || c == '[' || c == ']' || c == '"' ||
           c == '\'' || c == '|';
}

static int read_text(struct blocks *blocks, struct str text)
{
    size_t i = 0;
    int code = OK;

    blocks_clear(blocks);
    while (!code) {
        while (i < text.length && is_between_ids(text.data[i])) {
            i++;
        }
        size_t begin = i;
        while (i < text.length && !is_between_ids(text.data[i])) {
            i++;
        }
        if (begin == i) {
            break;
        }
        code = append_text_id(blocks, str_slice(text, begin, i));
    }
    return code;
}

int blocks_read(struct blocks *blocks, const struct cell *cell)
{
    struct str text = cell->text;

    if (cell_is_json(cell) && !json_get_str(cell->json, &text)) {
        return blocks_read_json(blocks, cell->json);
    }
    return read_text(blocks, text);
}
