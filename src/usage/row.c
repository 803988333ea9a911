/*
 * Texts, closed words and rare values of a row; tokens are in row_tokens.c, times in row_time.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usage/row.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

#define REQUEST_ID_BYTES_MAX 1024u
#define GENERIC_ID_DIGITS    12u /* an id of digits only, this short, is a row number of its file */
#define COST_PICO_USD_MAX    (INT64_C(1000000) * INT64_C(1000000000000)) /* a million USD a call */

void row_reader_init(struct row_reader *reader, struct str source)
{
    *reader = (struct row_reader){.source = source, .minute_us = INT64_MIN};
    blocks_init(&reader->blocks);
    buf_init(&reader->request_id, REQUEST_ID_BYTES_MAX);
}

void row_reader_done(struct row_reader *reader)
{
    blocks_done(&reader->blocks);
    buf_done(&reader->request_id);
}

void row_set(struct row_reader *reader, struct row *row, enum field field, unsigned rank,
             unsigned flags, const struct cell *cell)
{
    uint64_t count;

    if ((flags & LENIENT) && cell_count(cell, &count)) {
        return;
    }
    reader->seen |= field_bit(field);
    if (cell_is_absent(cell) || (row_has(row, field) && row->ranks[field] <= rank)) {
        return;
    }
    row->has |= field_bit(field);
    row->cells[field] = *cell;
    row->ranks[field] = rank;
    row->flags[field] = flags;
}

int row_refuse(const struct row *row, enum field field, const char *why, struct error *error)
{
    char number[CELL_NUMBER_BYTES];
    struct str value = cell_text(&row->cells[field], number);
    bool is_long = value.length > ROW_VALUE_BYTES_SHOWN;

    value = cell_cut(value, ROW_VALUE_BYTES_SHOWN);
    return error_set(error, ERR_INVALID, "%s is '%.*s%s', %s", field_name(field), STR_ARGS(value),
                     is_long ? "…" : "", why);
}

void row_leave_out(struct row_reader *reader, const struct row *row, enum field field)
{
    if (reader->unreadable[field].count++ == 0) {
        reader->unreadable[field].first_row = row->number;
    }
}

/* JSON was checked when it was parsed; of CSV only the first 64 KiB were. */
static bool is_clean(const struct cell *cell)
{
    unsigned char high = 0;

    for (size_t i = 0; i < cell->text.length; i++) {
        high |= (unsigned char)cell->text.data[i];
    }
    return high < 0x80 || str_is_utf8(cell->text);
}

static struct str text_of(struct row_reader *reader, const struct row *row, enum field field)
{
    if (!row_has(row, field)) {
        return STR("");
    }
    if (!is_clean(&row->cells[field])) {
        row_leave_out(reader, row, field);
        return STR("");
    }
    struct str text = cell_text(&row->cells[field], reader->numbers[field]);
    if (text.length > USAGE_NAME_BYTES_MAX) {
        text = cell_cut(text, USAGE_NAME_BYTES_MAX);
        reader->cut_rows++;
    }
    return text;
}

static const struct {
    enum field field;
    enum usage_name name;
} name_fields[] = {
    {FIELD_MODEL, USAGE_MODEL},
    {FIELD_PROVIDER, USAGE_PROVIDER},
    {FIELD_FEATURE, USAGE_FEATURE},
    {FIELD_AGENT, USAGE_AGENT},
    {FIELD_OPERATION, USAGE_OPERATION},
    {FIELD_ERROR_TYPE, USAGE_ERROR_TYPE},
    {FIELD_STOP_REASON, USAGE_STOP_REASON},
    {FIELD_SOURCE, USAGE_SOURCE},
};

static const struct {
    enum field field;
    enum usage_id id;
    uint32_t present;
} id_fields[] = {
    {FIELD_SESSION, USAGE_SESSION, USAGE_HAS_SESSION},
    {FIELD_USER, USAGE_USER, USAGE_HAS_USER},
    {FIELD_CACHE_SCOPE, USAGE_CACHE_SCOPE, 0},
};

static void read_texts(struct row_reader *reader, const struct row *row,
                       struct usage_record *record)
{
    for (size_t i = 0; i < ARRAY_LENGTH(name_fields); i++) {
        record->names[name_fields[i].name] = text_of(reader, row, name_fields[i].field);
    }
    if (!row_has(row, FIELD_SOURCE)) {
        record->names[USAGE_SOURCE] = reader->source;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(id_fields); i++) {
        record->ids[id_fields[i].id] = text_of(reader, row, id_fields[i].field);
        if (row_has(row, id_fields[i].field)) {
            record->present |= id_fields[i].present;
        }
    }
}

static int tier_of(struct str text)
{
    int tier = usage_tier_from(text);

    if (tier >= 0) {
        return tier;
    }
    if (str_equal_ascii_case(text, STR("default")) ||
        str_equal_ascii_case(text, STR("on_demand"))) {
        return USAGE_STANDARD;
    }
    if (str_equal_ascii_case(text, STR("priority_on_demand"))) {
        return USAGE_PRIORITY;
    }
    return str_equal_ascii_case(text, STR("flex_discount")) ? USAGE_FLEX : -1;
}

/* A word or an HTTP status; -1 when it is neither. */
static int status_of(struct str text)
{
    static const struct {
        const char *word;
        enum usage_status status;
    } words[] = {
        {"ok", USAGE_OK},
        {"success", USAGE_OK},
        {"succeeded", USAGE_OK},
        {"completed", USAGE_OK},
        {"complete", USAGE_OK},
        {"default", USAGE_OK},
        {"debug", USAGE_OK},
        {"info", USAGE_OK},
        {"warning", USAGE_OK},
        {"unset", USAGE_OK},
        {"error", USAGE_ERROR},
        {"failure", USAGE_ERROR},
        {"failed", USAGE_ERROR},
        {"fail", USAGE_ERROR},
        {"timeout", USAGE_ERROR},
        {"incomplete", USAGE_OK},
        {"cancelled", USAGE_CANCELLED},
        {"canceled", USAGE_CANCELLED},
        {"aborted", USAGE_CANCELLED},
    };
    uint64_t number;

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (str_equal_ascii_case(text, str_from(words[i].word))) {
            return (int)words[i].status;
        }
    }
    if (decimal_parse_u64(text, &number) || number < 100 || number > 599) {
        return -1;
    }
    return number == 499 ? USAGE_CANCELLED : number >= 400 ? USAGE_ERROR : USAGE_OK;
}

bool row_knows_word(enum field field, struct str text)
{
    return field == FIELD_TIER ? tier_of(text) >= 0 : status_of(text) >= 0;
}

bool row_is_roll_up(struct str operation)
{
    return str_equal_ascii_case(operation, STR("invoke_agent")) ||
           str_equal_ascii_case(operation, STR("invoke_workflow"));
}

static bool is_true(const struct row *row, enum field field)
{
    bool value = false;

    return row_has(row, field) && cell_bool(&row->cells[field], &value) == OK && value;
}

bool row_is_contaminated(const struct row *row)
{
    return is_true(row, FIELD_CONTAMINATED);
}

static void read_status(struct row_reader *reader, const struct row *row,
                        struct usage_record *record)
{
    int status = row_has(row, FIELD_STATUS) ? status_of(text_of(reader, row, FIELD_STATUS)) : -1;

    if (is_true(row, FIELD_IS_CANCELLED)) {
        status = USAGE_CANCELLED;
    } else if (status < 0 && row_has(row, FIELD_ERROR_TYPE)) {
        status = USAGE_ERROR;
    } else if (status < 0 && row_has(row, FIELD_STATUS)) {
        row_leave_out(reader, row, FIELD_STATUS);
    }
    if (status >= 0) {
        record->status = (enum usage_status)status;
        record->present |= USAGE_HAS_STATUS;
    }
}

static void read_tier(struct row_reader *reader, const struct row *row, struct usage_record *record)
{
    int tier = row_has(row, FIELD_TIER) ? tier_of(text_of(reader, row, FIELD_TIER)) : -1;

    if (is_true(row, FIELD_IS_BATCH)) {
        tier = USAGE_BATCH;
    } else if (tier < 0 && row_has(row, FIELD_TIER)) {
        row_leave_out(reader, row, FIELD_TIER);
    }
    if (tier >= 0) {
        record->tier = (enum usage_tier)tier;
        record->present |= USAGE_HAS_TIER;
    }
}

static void read_request_id(struct row_reader *reader, const struct row *row,
                            struct usage_record *record)
{
    enum field first = row_has(row, FIELD_REQUEST_ID) ? FIELD_REQUEST_ID : FIELD_CALL_ID;
    struct str id = text_of(reader, row, first);
    uint64_t number;

    if (id.length == 0) {
        return;
    }
    buf_clear(&reader->request_id);
    if (id.length <= GENERIC_ID_DIGITS && decimal_parse_u64(id, &number) == OK) {
        buf_append(&reader->request_id, cell_cut(reader->source, USAGE_NAME_BYTES_MAX));
        buf_append_char(&reader->request_id, '#');
    }
    buf_append(&reader->request_id, id);
    if (first == FIELD_REQUEST_ID && (row->flags[first] & JOINS_CALL_ID) &&
        row_has(row, FIELD_CALL_ID)) {
        buf_append_char(&reader->request_id, '/');
        buf_append(&reader->request_id, text_of(reader, row, FIELD_CALL_ID));
    }
    record->request_id = buf_str(&reader->request_id);
    record->present |= USAGE_HAS_REQUEST_ID;
}

/* A score from 0 to 1, exactly as far as six digits. */
static bool read_ratio(struct row_reader *reader, const struct row *row, enum field field,
                       double *ret_ratio)
{
    struct decimal number;
    bool truth;

    if (!row_has(row, field)) {
        return false;
    }
    if (cell_number(&row->cells[field], 6, &number)) {
        number = decimal_of(cell_bool(&row->cells[field], &truth) ? -1 : truth ? 1000000 : 0, 6);
    }
    if (number.digits < 0 || number.digits > 1000000) {
        row_leave_out(reader, row, field);
        return false;
    }
    *ret_ratio = decimal_to_double(number);
    return true;
}

static bool read_cost(struct row_reader *reader, const struct row *row, int64_t *ret_pico_usd)
{
    struct decimal number;

    if (!row_has(row, FIELD_COST)) {
        return false;
    }
    struct cell cell = row->cells[FIELD_COST];
    cell.text = str_trim(cell.text);
    if (cell.text.length && cell.text.data[0] == '$') {
        cell.text = str_slice(cell.text, 1, cell.text.length);
    }
    if (cell_number(&cell, 12, &number) || number.digits < 0 || number.digits > COST_PICO_USD_MAX) {
        row_leave_out(reader, row, FIELD_COST);
        return false;
    }
    *ret_pico_usd = (int64_t)number.digits;
    return true;
}

static void read_rare(struct row_reader *reader, const struct row *row, struct usage_record *record)
{
    if (row_has(row, FIELD_MAX_OUTPUT)) {
        if (cell_count(&row->cells[FIELD_MAX_OUTPUT], &record->max_output) ||
            record->max_output > USAGE_TOKENS_MAX) {
            record->max_output = 0;
            row_leave_out(reader, row, FIELD_MAX_OUTPUT);
        } else {
            record->present |= USAGE_HAS_MAX_OUTPUT;
        }
    }
    if (row_has(row, FIELD_STREAMED)) {
        if (cell_bool(&row->cells[FIELD_STREAMED], &record->streamed)) {
            row_leave_out(reader, row, FIELD_STREAMED);
        } else {
            record->present |= USAGE_HAS_STREAMED;
        }
    }
    if (read_cost(reader, row, &record->recorded_cost_pico_usd)) {
        record->present |= USAGE_HAS_COST;
    }
    if (read_ratio(reader, row, FIELD_QUALITY, &record->quality)) {
        record->present |= USAGE_HAS_QUALITY;
    }
    if (row_has(row, FIELD_PROMPT_HASH)) {
        struct str text =
            cell_text(&row->cells[FIELD_PROMPT_HASH], reader->numbers[FIELD_PROMPT_HASH]);

        record->prompt_hash = XXH3_64bits(text.data, text.length);
        record->present |= USAGE_HAS_PROMPT_HASH;
    }
}

static int read_blocks(struct row_reader *reader, const struct row *row,
                       struct usage_record *record, struct error *error)
{
    uint64_t size = ROW_BLOCK_SIZE_DEFAULT;

    if (!row_has(row, FIELD_BLOCKS)) {
        return OK;
    }
    int code = blocks_read(&reader->blocks, &row->cells[FIELD_BLOCKS]);
    if (code == ERR_NO_MEMORY) {
        return error_set(error, code, "cannot keep the blocks: out of memory");
    }
    if (code) {
        return error_set(error, ERR_INVALID, "prefix_blocks is not a list of block ids%s",
                         code == ERR_LIMIT ? " (too many, or an id above 4294967295)" : "");
    }
    if (!row_has(row, FIELD_BLOCK_SIZE)) {
        reader->default_block_size_rows++;
    } else if (cell_count(&row->cells[FIELD_BLOCK_SIZE], &size) || size == 0 || size > UINT16_MAX) {
        return row_refuse(row, FIELD_BLOCK_SIZE, "not between 1 and 65535", error);
    }
    record->block_size = (uint32_t)size;
    record->runs = reader->blocks.runs;
    record->run_count = reader->blocks.run_count;
    record->present |= USAGE_HAS_BLOCKS;
    if (record->ids[USAGE_CACHE_SCOPE].length == 0) {
        record->ids[USAGE_CACHE_SCOPE] = reader->source; /* ids mean the same within one file */
    }
    return OK;
}

void row_apply_constants(const struct row_reader *reader, struct usage_record *record)
{
    for (size_t i = 0; i < reader->constant_count; i++) {
        const struct row_constant *constant = &reader->constants[i];

        for (size_t k = 0; k < ARRAY_LENGTH(name_fields); k++) {
            if (name_fields[k].field == constant->field) {
                record->names[name_fields[k].name] = constant->text;
            }
        }
        for (size_t k = 0; k < ARRAY_LENGTH(id_fields); k++) {
            if (id_fields[k].field == constant->field) {
                record->ids[id_fields[k].id] = constant->text;
                record->present |= id_fields[k].present;
            }
        }
        if (constant->field == FIELD_TIER) {
            record->tier = (enum usage_tier)tier_of(constant->text);
            record->present |= USAGE_HAS_TIER;
        } else if (constant->field == FIELD_STATUS) {
            record->status = (enum usage_status)status_of(constant->text);
            record->present |= USAGE_HAS_STATUS;
        }
    }
}

/* A failed call may have no tokens, in a source that otherwise has them. */
static bool may_lack_tokens(const struct row_reader *reader, const struct usage_record *record)
{
    return (record->present & USAGE_HAS_STATUS) && record->status != USAGE_OK &&
           (reader->seen & field_token_bits());
}

int row_read(struct row_reader *reader, const struct row *row, struct usage_record *record,
             struct error *error)
{
    *record = (struct usage_record){0};
    read_status(reader, row, record);
    if (row->has & field_token_bits()) {
        int code = row_read_tokens(reader, row, record, error);
        if (code) {
            return code;
        }
    } else if (!may_lack_tokens(reader, record)) {
        return error_set(error, ERR_INVALID, "no token count in this row");
    }
    int code = row_read_times(reader, row, record, error);
    if (code) {
        return code;
    }
    read_texts(reader, row, record);
    read_tier(reader, row, record);
    read_request_id(reader, row, record);
    read_rare(reader, row, record);
    code = read_blocks(reader, row, record, error);
    if (code) {
        return code;
    }
    row_apply_constants(reader, record);
    return OK;
}

int row_read_pair(struct row_reader *reader, const struct row *row,
                  struct usage_record records[static 2], struct error *error)
{
    static const enum field correct[2] = {FIELD_WEAK_CORRECT, FIELD_STRONG_CORRECT};
    struct usage_record common = {.present = USAGE_HAS_QUALITY | USAGE_HAS_PROMPT_HASH};
    struct str domain = text_of(reader, row, FIELD_DOMAIN);
    struct str prompt = text_of(reader, row, FIELD_PAIR_ROW);
    uint64_t seed = XXH3_64bits(domain.data ? domain.data : "", domain.length);

    if (prompt.length == 0) {
        prompt = (struct str){reader->numbers[FIELD_PAIR_ROW],
                              (size_t)snprintf(reader->numbers[FIELD_PAIR_ROW], CELL_NUMBER_BYTES,
                                               "line %" PRIu64, row->number)};
    }
    common.prompt_hash = XXH3_64bits_withSeed(prompt.data, prompt.length, seed);
    read_texts(reader, row, &common);
    if (domain.length) {
        common.names[USAGE_FEATURE] = domain;
    }
    for (int i = 0; i < 2; i++) {
        records[i] = common;
        records[i].names[USAGE_MODEL] = i == 0 ? STR("weak") : STR("strong");
        if (!read_ratio(reader, row, correct[i], &records[i].quality)) {
            return row_refuse(row, correct[i], "not a score from 0 to 1", error);
        }
    }
    return OK;
}
