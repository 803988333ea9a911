/*
 * Token conventions → disjoint buckets.
 *
 *   inclusive   input counts everything, cache counts are parts of it (OpenAI, OTel, Gemini, codex)
 *   exclusive   input is what is left beside the cache counts (Anthropic's own answers)
 *   disjoint    the uncached part has a column of its own (DeepSeek's hit and miss)
 *
 * The spelling decides first. Then the numbers are checked: more cached than input tokens cannot be
 * inclusive. Reasoning is part of the output but where the source counts it beside it (Gemini), or
 * where there is more of it than output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "usage/row.h"

#define CACHE_FIELDS                                                                               \
    (field_bit(FIELD_CACHE_READ) | field_bit(FIELD_CACHE_WRITE) |                                  \
     field_bit(FIELD_CACHE_WRITE_5M) | field_bit(FIELD_CACHE_WRITE_1H))

/* The count of a field, 0 when it is absent. */
static int count_of(const struct row *row, enum field field, uint64_t *ret_count,
                    struct error *error)
{
    *ret_count = 0;
    if (!row_has(row, field)) {
        return OK;
    }
    int code = cell_count(&row->cells[field], ret_count);
    if (code == ERR_LIMIT || (!code && *ret_count > USAGE_TOKENS_MAX)) {
        return row_refuse(row, field, "above the limit of 4294967295 tokens", error);
    }
    return code ? row_refuse(row, field, "not a count of tokens", error) : OK;
}

struct counts {
    uint64_t input;
    uint64_t uncached;
    uint64_t read;
    uint64_t write;
    uint64_t write_5m;
    uint64_t write_1h;
    uint64_t output;
    uint64_t reasoning;
    uint64_t total;
};

static int read_counts(const struct row *row, struct counts *c, struct error *error)
{
    const struct {
        enum field field;
        uint64_t *value;
    } all[] = {
        {FIELD_INPUT, &c->input},
        {FIELD_INPUT_UNCACHED, &c->uncached},
        {FIELD_CACHE_READ, &c->read},
        {FIELD_CACHE_WRITE, &c->write},
        {FIELD_CACHE_WRITE_5M, &c->write_5m},
        {FIELD_CACHE_WRITE_1H, &c->write_1h},
        {FIELD_OUTPUT, &c->output},
        {FIELD_REASONING, &c->reasoning},
        {FIELD_TOTAL, &c->total},
    };
    int code = OK;

    for (size_t i = 0; i < ARRAY_LENGTH(all) && !code; i++) {
        code = count_of(row, all[i].field, all[i].value, error);
    }
    return code;
}

static bool spelling_is_exclusive(const struct row *row)
{
    unsigned cache = 0;

    if (!(row->flags[FIELD_INPUT] & SAYS_UNCACHED)) {
        return false;
    }
    for (int field = FIELD_CACHE_READ; field <= FIELD_CACHE_WRITE_1H; field++) {
        cache |= row_has(row, (enum field)field) ? row->flags[field] : 0;
    }
    return cache & BESIDE_INPUT;
}

/* What an input count leaves uncached, by the convention that the row shows. */
static uint64_t uncached_of(struct row_reader *reader, const struct row *row, uint64_t input,
                            uint64_t cached)
{
    if (cached && spelling_is_exclusive(row)) {
        reader->exclusive_rows++;
        return input;
    }
    if (cached > input) {
        reader->exclusive_rows++;
        reader->proven_rows++;
        return input;
    }
    reader->inclusive_rows++;
    return input - cached;
}

static void put_input(struct row_reader *reader, const struct row *row, const struct counts *c,
                      struct usage_record *record)
{
    uint64_t split = c->write_5m + c->write_1h;

    record->cache_read = c->read;
    record->cache_write_1h = c->write_1h;
    record->cache_write_5m = c->write_5m + (c->write > split ? c->write - split : 0);
    uint64_t cached = c->read + record->cache_write_5m + record->cache_write_1h;

    if (row->has & CACHE_FIELDS) {
        record->present |= USAGE_HAS_CACHE;
    }
    if (row_has(row, FIELD_INPUT_UNCACHED)) {
        record->present |= USAGE_HAS_INPUT;
        record->input_uncached = c->uncached;
        reader->disjoint_rows++;
    } else if (row_has(row, FIELD_INPUT)) {
        record->present |= USAGE_HAS_INPUT;
        record->input_uncached = uncached_of(reader, row, c->input, cached);
    } else if (row_has(row, FIELD_TOTAL) && row_has(row, FIELD_OUTPUT) &&
               c->total >= record->output + cached) {
        record->present |= USAGE_HAS_INPUT;
        record->input_uncached = c->total - record->output - cached;
        reader->inclusive_rows++;
    } else if (row->has & CACHE_FIELDS) {
        record->present |= USAGE_HAS_INPUT; /* the part of it that is known */
    }
}

static void put_output(struct row_reader *reader, const struct row *row, const struct counts *c,
                       struct usage_record *record)
{
    record->output = c->output;
    record->reasoning = c->reasoning;
    if (row_has(row, FIELD_REASONING)) {
        record->present |= USAGE_HAS_REASONING;
    }
    if (row_has(row, FIELD_OUTPUT)) {
        record->present |= USAGE_HAS_OUTPUT;
        if (row->flags[FIELD_OUTPUT] & WITHOUT_REASONING) {
            record->output += c->reasoning;
        } else if (c->reasoning > c->output) {
            record->output += c->reasoning;
            reader->outside_rows++;
        }
    } else if (row_has(row, FIELD_TOTAL) && row_has(row, FIELD_INPUT) && c->total >= c->input) {
        record->present |= USAGE_HAS_OUTPUT;
        record->output = c->total - c->input;
    } else if (row_has(row, FIELD_REASONING)) {
        record->present |= USAGE_HAS_OUTPUT;
        record->output = c->reasoning;
    }
}

int row_read_tokens(struct row_reader *reader, const struct row *row, struct usage_record *record,
                    struct error *error)
{
    struct counts counts = {0};
    int code = read_counts(row, &counts, error);

    if (code) {
        return code;
    }
    put_output(reader, row, &counts, record);
    put_input(reader, row, &counts, record);
    if (!(record->present & (USAGE_HAS_INPUT | USAGE_HAS_OUTPUT))) {
        return error_set(error, ERR_INVALID,
                         "total_tokens is %" PRIu64 ", but neither input nor output is known",
                         counts.total);
    }
    return OK;
}
