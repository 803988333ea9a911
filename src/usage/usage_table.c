/*
 * The columns: growth, appending one record, sorting.
 *
 * Every column is named once in the table below with its element size and whether it exists from
 * the start; growing, sorting and releasing walk that table, so a new column cannot be forgotten in
 * one of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usage/usage_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/check.h"

#define USAGE_ROWS_FIRST 1024

struct column {
    size_t offset; /* of the pointer in struct usage_table */
    size_t element_bytes;
    bool is_always;
};

#define COLUMN(field, always)                                                                      \
    {                                                                                              \
        offsetof(struct usage_table, field), sizeof(*((struct usage_table *)0)->field), always     \
    }

static const struct column columns[] = {
    COLUMN(present, true),
    COLUMN(time_us, true),
    COLUMN(names[USAGE_MODEL], true),
    COLUMN(names[USAGE_PROVIDER], true),
    COLUMN(names[USAGE_FEATURE], true),
    COLUMN(input_uncached, true),
    COLUMN(cache_read, true),
    COLUMN(output, true),
    COLUMN(tier_status, true),
    COLUMN(source_row, true),
    COLUMN(names[USAGE_AGENT], false),
    COLUMN(names[USAGE_OPERATION], false),
    COLUMN(names[USAGE_ERROR_TYPE], false),
    COLUMN(names[USAGE_STOP_REASON], false),
    COLUMN(names[USAGE_SOURCE], false),
    COLUMN(ids[USAGE_SESSION], false),
    COLUMN(ids[USAGE_USER], false),
    COLUMN(ids[USAGE_CACHE_SCOPE], false),
    COLUMN(cache_write_5m, false),
    COLUMN(cache_write_1h, false),
    COLUMN(reasoning, false),
    COLUMN(max_output, false),
    COLUMN(latency_ms, false),
    COLUMN(ttft_ms, false),
    COLUMN(recorded_cost_pico_usd, false),
    COLUMN(quality, false),
    COLUMN(prompt_hash, false),
    COLUMN(run_begin, false),
    COLUMN(run_count, false),
    COLUMN(block_size, false),
};

static void **column_pointer(struct usage_table *table, const struct column *column)
{
    return (void **)((char *)table + column->offset);
}

static const struct column *column_of(struct usage_table *table, void *field)
{
    size_t offset = (size_t)((char *)field - (char *)table);

    for (size_t i = 0; i < ARRAY_LENGTH(columns); i++) {
        if (columns[i].offset == offset) {
            return &columns[i];
        }
    }
    return NULL;
}

void usage_table_init(struct usage_table *table)
{
    *table = (struct usage_table){.is_sorted = true};
    for (int i = 0; i < USAGE_NAME_COUNT; i++) {
        dict_init(&table->name_dicts[i], USAGE_NAMES_MAX, USAGE_TEXT_BYTES_MAX);
    }
    for (int i = 0; i < USAGE_ID_COUNT; i++) {
        dict_init(&table->id_dicts[i], USAGE_IDS_MAX, USAGE_TEXT_BYTES_MAX);
    }
    id_map_init(&table->by_request, USAGE_ROWS_MAX);
}

void usage_table_done(struct usage_table *table)
{
    for (size_t i = 0; i < ARRAY_LENGTH(columns); i++) {
        alloc_free(*column_pointer(table, &columns[i]));
    }
    for (int i = 0; i < USAGE_NAME_COUNT; i++) {
        dict_done(&table->name_dicts[i]);
    }
    for (int i = 0; i < USAGE_ID_COUNT; i++) {
        dict_done(&table->id_dicts[i]);
    }
    alloc_free(table->runs);
    id_map_done(&table->by_request);
    usage_table_init(table);
}

static size_t dict_bytes(const struct dict *dict)
{
    return dict->texts.used_bytes + dict->capacity * sizeof(*dict->by_id) +
           dict->slot_count * sizeof(*dict->slots);
}

size_t usage_table_bytes(const struct usage_table *table)
{
    size_t bytes = table->runs_capacity * sizeof(*table->runs) +
                   table->by_request.slot_count *
                       (sizeof(*table->by_request.keys) + sizeof(*table->by_request.values));

    for (size_t i = 0; i < ARRAY_LENGTH(columns); i++) {
        const void *column;

        memcpy(&column, (const char *)table + columns[i].offset, sizeof(column));
        bytes += column ? table->capacity * columns[i].element_bytes : 0;
    }
    for (int i = 0; i < USAGE_NAME_COUNT; i++) {
        bytes += dict_bytes(&table->name_dicts[i]);
    }
    for (int i = 0; i < USAGE_ID_COUNT; i++) {
        bytes += dict_bytes(&table->id_dicts[i]);
    }
    return bytes;
}

/* Room for more rows in every column that exists. capacity is raised only when all of them grew, so
 * a failure in the middle leaves some columns larger than needed and nothing else. */
static int grow_rows(struct usage_table *table, size_t more)
{
    size_t capacity = table->capacity ? table->capacity * 2 : USAGE_ROWS_FIRST;

    if (more <= table->capacity - table->count) {
        return OK;
    }
    while (capacity < table->count + more) {
        capacity *= 2;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(columns); i++) {
        void **pointer = column_pointer(table, &columns[i]);

        if (!*pointer && !columns[i].is_always) {
            continue;
        }
        void *grown = alloc_resize(*pointer, capacity, columns[i].element_bytes);
        if (!grown) {
            return ERR_NO_MEMORY;
        }
        *pointer = grown;
        memset((char *)grown + table->count * columns[i].element_bytes, 0,
               (capacity - table->count) * columns[i].element_bytes);
    }
    table->capacity = capacity;
    return OK;
}

/* Creates a rare column, zeroed for the rows that are there, when the record has a value for it. */
static int need_column(struct usage_table *table, void *field, bool has_value)
{
    if (!has_value || *(void **)field) {
        return OK;
    }
    const struct column *column = column_of(table, field);
    check(column != NULL);
    void *memory = alloc_zeroed(table->capacity, column->element_bytes);
    if (!memory) {
        return ERR_NO_MEMORY;
    }
    *(void **)field = memory;
    return OK;
}

static int need_columns(struct usage_table *t, const struct usage_record *r)
{
    uint32_t has = r->present;
    int code = OK;

    for (int i = USAGE_AGENT; i < USAGE_NAME_COUNT && !code; i++) {
        code = need_column(t, &t->names[i], r->names[i].length != 0);
    }
    for (int i = 0; i < USAGE_ID_COUNT && !code; i++) {
        code = need_column(t, &t->ids[i], r->ids[i].length != 0);
    }
    const struct {
        void *field;
        bool has_value;
    } wanted[] = {
        {&t->cache_write_5m, r->cache_write_5m != 0},
        {&t->cache_write_1h, r->cache_write_1h != 0},
        {&t->reasoning, has & USAGE_HAS_REASONING},
        {&t->max_output, has & USAGE_HAS_MAX_OUTPUT},
        {&t->latency_ms, has & USAGE_HAS_LATENCY},
        {&t->ttft_ms, has & USAGE_HAS_TTFT},
        {&t->recorded_cost_pico_usd, has & USAGE_HAS_COST},
        {&t->quality, has & USAGE_HAS_QUALITY},
        {&t->prompt_hash, has & USAGE_HAS_PROMPT_HASH},
        {&t->run_begin, has & USAGE_HAS_BLOCKS},
        {&t->run_count, has & USAGE_HAS_BLOCKS},
        {&t->block_size, has & USAGE_HAS_BLOCKS},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(wanted) && !code; i++) {
        code = need_column(t, wanted[i].field, wanted[i].has_value);
    }
    return code;
}

static int reserve_runs(struct usage_table *table, size_t more)
{
    size_t want = table->runs_count + more;
    size_t capacity = table->runs_capacity ? table->runs_capacity : USAGE_ROWS_FIRST;

    if (want > USAGE_RUNS_MAX) {
        return ERR_LIMIT;
    }
    if (want <= table->runs_capacity) {
        return OK;
    }
    while (capacity < want) {
        capacity *= 2;
    }
    struct block_run *runs = alloc_resize(table->runs, capacity, sizeof(*runs));
    if (!runs) {
        return ERR_NO_MEMORY;
    }
    table->runs = runs;
    table->runs_capacity = capacity;
    return OK;
}

int usage_table_reserve(struct usage_table *table, size_t more_rows, size_t more_runs)
{
    if (more_rows > USAGE_ROWS_MAX - table->count || more_runs > USAGE_RUNS_MAX) {
        return ERR_LIMIT;
    }
    int code = grow_rows(table, more_rows);
    return code ? code : reserve_runs(table, more_runs);
}

int usage_table_add_column(struct usage_table *table, void *field)
{
    return need_column(table, field, true);
}

static int validate(const struct usage_record *r, struct error *error)
{
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"input_uncached", r->input_uncached},
        {"cache_read", r->cache_read},
        {"cache_write_5m", r->cache_write_5m},
        {"cache_write_1h", r->cache_write_1h},
        {"output", r->output},
        {"reasoning", r->reasoning},
        {"max_output", r->max_output},
        {"latency_ms", r->latency_ms},
        {"ttft_ms", r->ttft_ms},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        if (counts[i].value > USAGE_TOKENS_MAX) {
            return error_set(error, ERR_INVALID, "%s is %" PRIu64 ", above the limit of %" PRIu32,
                             counts[i].name, counts[i].value, USAGE_TOKENS_MAX);
        }
    }
    if (r->reasoning > r->output) {
        return error_set(error, ERR_INVALID,
                         "reasoning tokens (%" PRIu64 ") exceed output tokens (%" PRIu64 ")",
                         r->reasoning, r->output);
    }
    if ((r->present & USAGE_HAS_QUALITY) && !(r->quality >= 0 && r->quality <= 1)) {
        return error_set(error, ERR_INVALID, "quality is %g, not between 0 and 1", r->quality);
    }
    if ((r->present & USAGE_HAS_BLOCKS) && (r->block_size == 0 || r->block_size > UINT16_MAX)) {
        return error_set(error, ERR_INVALID, "block size is %" PRIu32 ", not between 1 and %d",
                         r->block_size, UINT16_MAX);
    }
    return OK;
}

/* The ids of a record's texts; an empty text is id 0 in every dict. */
struct interned {
    uint32_t names[USAGE_NAME_COUNT];
    uint32_t ids[USAGE_ID_COUNT];
};

static int intern(struct dict *dict, struct str text, uint32_t *ret_id)
{
    uint32_t empty;
    int code = dict->count ? OK : dict_put(dict, STR(""), &empty);

    if (text.length == 0) {
        *ret_id = 0;
        return code;
    }
    return code ? code : dict_put(dict, text, ret_id);
}

static int intern_all(struct usage_table *table, const struct usage_record *record,
                      struct interned *ret)
{
    int code = OK;

    for (int i = 0; i < USAGE_NAME_COUNT && !code; i++) {
        struct str text = record->names[i];

        if (text.length > USAGE_NAME_BYTES_MAX) {
            text.length = USAGE_NAME_BYTES_MAX;
        }
        code = intern(&table->name_dicts[i], text, &ret->names[i]);
    }
    for (int i = 0; i < USAGE_ID_COUNT && !code; i++) {
        code = intern(&table->id_dicts[i], record->ids[i], &ret->ids[i]);
    }
    return code;
}

/* The tokens and what hangs on them: what the last of several reports of one request decides. */
static void store_tokens(struct usage_table *t, size_t row, const struct usage_record *r)
{
    t->input_uncached[row] = (uint32_t)r->input_uncached;
    t->cache_read[row] = (uint32_t)r->cache_read;
    t->output[row] = (uint32_t)r->output;
    if (t->cache_write_5m) {
        t->cache_write_5m[row] = (uint32_t)r->cache_write_5m;
    }
    if (t->cache_write_1h) {
        t->cache_write_1h[row] = (uint32_t)r->cache_write_1h;
    }
    if (t->reasoning) {
        t->reasoning[row] = (uint32_t)r->reasoning;
    }
    t->tier_status[row] =
        (uint8_t)((unsigned)r->tier | (unsigned)r->status << 2 | (unsigned)r->streamed << 4);
}

static void store_rare(struct usage_table *t, size_t row, const struct usage_record *r)
{
    if (r->present & USAGE_HAS_MAX_OUTPUT) {
        t->max_output[row] = (uint32_t)r->max_output;
    }
    if (r->present & USAGE_HAS_LATENCY) {
        t->latency_ms[row] = (uint32_t)r->latency_ms;
    }
    if (r->present & USAGE_HAS_TTFT) {
        t->ttft_ms[row] = (uint32_t)r->ttft_ms;
    }
    if (r->present & USAGE_HAS_COST) {
        t->recorded_cost_pico_usd[row] = r->recorded_cost_pico_usd;
    }
    if (r->present & USAGE_HAS_QUALITY) {
        t->quality[row] = (float)r->quality;
    }
    if (r->present & USAGE_HAS_PROMPT_HASH) {
        t->prompt_hash[row] = r->prompt_hash;
    }
    if (r->present & USAGE_HAS_BLOCKS) {
        t->run_begin[row] = (uint32_t)t->runs_count;
        t->run_count[row] = (uint32_t)r->run_count;
        t->block_size[row] = (uint16_t)r->block_size;
        if (r->run_count) {
            memcpy(t->runs + t->runs_count, r->runs, r->run_count * sizeof(*r->runs));
        }
        t->runs_count += r->run_count;
    }
}

static void store_texts(struct usage_table *t, size_t row, const struct interned *interned)
{
    for (int i = 0; i < USAGE_NAME_COUNT; i++) {
        if (t->names[i]) {
            t->names[i][row] = (uint16_t)interned->names[i];
        }
    }
    for (int i = 0; i < USAGE_ID_COUNT; i++) {
        if (t->ids[i]) {
            t->ids[i][row] = interned->ids[i];
        }
    }
}

/* The row that holds the same request already, or the new row, which is then entered in the map. */
static int find_request(struct usage_table *table, const struct usage_record *record,
                        uint32_t *ret_row, int *ret_is_new)
{
    *ret_row = (uint32_t)table->count;
    *ret_is_new = 1;
    if (!(record->present & USAGE_HAS_REQUEST_ID)) {
        return OK;
    }
    uint64_t key = XXH3_64bits(record->request_id.data, record->request_id.length);
    return id_map_put(&table->by_request, key, (uint32_t)table->count, ret_row, ret_is_new);
}

int usage_table_append(struct usage_table *table, const struct usage_record *record,
                       uint32_t source_row, struct error *error)
{
    struct interned interned;
    uint32_t row;
    int is_new;
    int code = validate(record, error);

    if (code) {
        return code;
    }
    if (table->count >= USAGE_ROWS_MAX) {
        return error_set(error, ERR_LIMIT, "more than %u records", USAGE_ROWS_MAX);
    }
    code = intern_all(table, record, &interned);
    if (!code) {
        code = grow_rows(table, 1);
    }
    if (!code) {
        code = need_columns(table, record);
    }
    if (!code) {
        code = reserve_runs(table, record->run_count);
    }
    if (!code) {
        code = find_request(table, record, &row, &is_new);
    }
    if (code) {
        return error_set(error, code, "cannot keep the record: %s",
                         code == ERR_LIMIT ? "too many distinct names" : error_code_text(code));
    }
    table->any_present |= record->present;
    if (!is_new) {
        store_tokens(table, row, record);
        store_rare(table, row, record);
        table->present[row] |= record->present;
        table->merged_count++;
        return OK;
    }
    if (table->count && record->time_us < table->time_us[table->count - 1]) {
        table->is_sorted = false;
    }
    table->present[row] = record->present;
    table->time_us[row] = record->time_us;
    table->source_row[row] = source_row;
    store_texts(table, row, &interned);
    store_tokens(table, row, record);
    store_rare(table, row, record);
    table->count++;
    return OK;
}

static int by_time(const void *a, const void *b, void *time_us)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    int64_t left_us = ((const int64_t *)time_us)[left];
    int64_t right_us = ((const int64_t *)time_us)[right];

    if (left_us != right_us) {
        return left_us < right_us ? -1 : 1;
    }
    return left < right ? -1 : left > right;
}

/* One column in the new order, through scratch memory of its size. */
static void reorder(char *column, size_t element_bytes, const uint32_t *order, size_t count,
                    char *scratch)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(scratch + i * element_bytes, column + (size_t)order[i] * element_bytes,
               element_bytes);
    }
    memcpy(column, scratch, count * element_bytes);
}

int usage_table_sort(struct usage_table *table)
{
    id_map_done(&table->by_request);
    if (table->is_sorted || table->count < 2) {
        table->is_sorted = true;
        return OK;
    }
    cleanup(alloc_free_pointer) uint32_t *order = alloc_zeroed(table->count, sizeof(*order));
    cleanup(alloc_free_pointer) char *scratch = alloc_zeroed(table->count, sizeof(int64_t));
    if (!order || !scratch) {
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < table->count; i++) {
        order[i] = (uint32_t)i;
    }
    qsort_r(order, table->count, sizeof(*order), by_time, table->time_us);
    for (size_t i = 0; i < ARRAY_LENGTH(columns); i++) {
        void **pointer = column_pointer(table, &columns[i]);

        if (*pointer) {
            reorder(*pointer, columns[i].element_bytes, order, table->count, scratch);
        }
    }
    table->is_sorted = true;
    return OK;
}

struct str usage_name_text(const struct usage_table *table, enum usage_name field, size_t row)
{
    const uint16_t *column = table->names[field];

    return column && table->name_dicts[field].count
               ? dict_text(&table->name_dicts[field], column[row])
               : STR("");
}

struct str usage_id_text(const struct usage_table *table, enum usage_id field, size_t row)
{
    const uint32_t *column = table->ids[field];

    return column && table->id_dicts[field].count ? dict_text(&table->id_dicts[field], column[row])
                                                  : STR("");
}

static const char *const tier_names[USAGE_TIER_COUNT] = {"standard", "batch", "flex", "priority"};
static const char *const status_names[USAGE_STATUS_COUNT] = {"ok", "error", "cancelled"};

const char *usage_tier_name(enum usage_tier tier)
{
    return tier_names[tier];
}

const char *usage_status_name(enum usage_status status)
{
    return status_names[status];
}

int usage_tier_from(struct str text)
{
    for (int i = 0; i < USAGE_TIER_COUNT; i++) {
        if (str_equal_ascii_case(text, str_from(tier_names[i]))) {
            return i;
        }
    }
    return -1;
}
