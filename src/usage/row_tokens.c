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

#define COUNTS_FIRST FIELD_INPUT
#define COUNTS       (FIELD_TOTAL - FIELD_INPUT + 1)

/* The counts of a row by field; 0 where the row has none. */
struct counts {
    uint64_t of[COUNTS];
};

static uint64_t count_in(const struct counts *counts, enum field field)
{
    return counts->of[field - COUNTS_FIRST];
}

static int read_count(const struct row *row, enum field field, uint64_t *ret_count,
                      struct error *error)
{
    int code = cell_count(&row->cells[field], ret_count);

    if (code == ERR_LIMIT || (!code && *ret_count > USAGE_TOKENS_MAX)) {
        return row_refuse(row, field, "above the limit of 4294967295 tokens", error);
    }
    return code ? row_refuse(row, field, "not a count of tokens", error) : OK;
}

static int read_counts(const struct row *row, struct counts *counts, struct error *error)
{
    int code = OK;

    for (uint64_t left = row->has & field_token_bits(); left && !code; left &= left - 1) {
        enum field field = (enum field)__builtin_ctzll(left);

        code = read_count(row, field, &counts->of[field - COUNTS_FIRST], error);
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
    uint64_t split = count_in(c, FIELD_CACHE_WRITE_5M) + count_in(c, FIELD_CACHE_WRITE_1H);

    record->cache_read = count_in(c, FIELD_CACHE_READ);
    record->cache_write_1h = count_in(c, FIELD_CACHE_WRITE_1H);
    record->cache_write_5m =
        count_in(c, FIELD_CACHE_WRITE_5M) +
        (count_in(c, FIELD_CACHE_WRITE) > split ? count_in(c, FIELD_CACHE_WRITE) - split : 0);
    uint64_t cached =
        count_in(c, FIELD_CACHE_READ) + record->cache_write_5m + record->cache_write_1h;

    if (row->has & CACHE_FIELDS) {
        record->present |= USAGE_HAS_CACHE;
    }
    if (row_has(row, FIELD_INPUT_UNCACHED)) {
        record->present |= USAGE_HAS_INPUT;
        record->input_uncached = count_in(c, FIELD_INPUT_UNCACHED);
        reader->disjoint_rows++;
    } else if (row_has(row, FIELD_INPUT)) {
        record->present |= USAGE_HAS_INPUT;
        record->input_uncached = uncached_of(reader, row, count_in(c, FIELD_INPUT), cached);
    } else if (row_has(row, FIELD_TOTAL) && row_has(row, FIELD_OUTPUT) &&
               count_in(c, FIELD_TOTAL) >= record->output + cached) {
        record->present |= USAGE_HAS_INPUT;
        record->input_uncached = count_in(c, FIELD_TOTAL) - record->output - cached;
        reader->inclusive_rows++;
    } else if (row->has & CACHE_FIELDS) {
        record->present |= USAGE_HAS_INPUT; /* the part of it that is known */
    }
}

static void put_output(struct row_reader *reader, const struct row *row, const struct counts *c,
                       struct usage_record *record)
{
    record->output = count_in(c, FIELD_OUTPUT);
    record->reasoning = count_in(c, FIELD_REASONING);
    if (row_has(row, FIELD_REASONING)) {
        record->present |= USAGE_HAS_REASONING;
    }
    if (row_has(row, FIELD_OUTPUT)) {
        record->present |= USAGE_HAS_OUTPUT;
        if (row->flags[FIELD_OUTPUT] & WITHOUT_REASONING) {
            record->output += count_in(c, FIELD_REASONING);
        } else if (count_in(c, FIELD_REASONING) > count_in(c, FIELD_OUTPUT)) {
            record->output += count_in(c, FIELD_REASONING);
            reader->outside_rows++;
        }
    } else if (row_has(row, FIELD_TOTAL) && row_has(row, FIELD_INPUT) &&
               count_in(c, FIELD_TOTAL) >= count_in(c, FIELD_INPUT)) {
        record->present |= USAGE_HAS_OUTPUT;
        record->output = count_in(c, FIELD_TOTAL) - count_in(c, FIELD_INPUT);
    } else if (row_has(row, FIELD_REASONING)) {
        record->present |= USAGE_HAS_OUTPUT;
        record->output = count_in(c, FIELD_REASONING);
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
                         count_in(&counts, FIELD_TOTAL));
    }
    return OK;
}
