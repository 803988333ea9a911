/*
 * Reading chunks, in two steps: parse() finds the sections and believes nothing but their places;
 * the rest fills the table's columns and looks at every row. A reader of a row relies on three
 * things in particular: an optional field that present names has a column, an id is below its
 * dict's count, and runs lie within the pool.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/chunk.h"

#include <inttypes.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "store/chunk_columns.h"

#define PACKED_HEAD_BYTES  9u
#define SECTION_HEAD_BYTES 16u
#define PRESENT_BITS       ((USAGE_HAS_MAX_OUTPUT << 1) - 1)

struct packed {
    const char *data; /* NULL: there is none */
    uint64_t base;
    unsigned width;
    size_t count;
};

struct dictionary {
    struct packed lengths;
    struct str texts;
};

struct view {
    size_t rows;
    size_t run_count;
    uint64_t merged_count;
    struct dictionary dictionaries[CHUNK_DICTIONARIES];
    struct packed columns[CHUNK_COLUMN_COUNT];
    struct packed runs[2];
    struct packed requests;
};

/* What is unpacked goes through here. */
struct scratch {
    uint64_t *numbers;                 /* CHUNK_ROWS_MAX */
    uint32_t *ids[CHUNK_DICTIONARIES]; /* by index in the chunk's dictionary: the table's id */
};

static int damaged(struct error *error, const char *what)
{
    return error_set(error, ERR_INVALID, "cannot read a chunk of records: %s", what);
}

/* ---- finding the sections ---- */

static bool take(struct str *rest, void *number, size_t bytes)
{
    if (rest->length < bytes) {
        return false;
    }
    memcpy(number, rest->data, bytes);
    *rest = str_slice(*rest, bytes, rest->length);
    return true;
}

/* Takes a packed array of count numbers from the front. */
static bool take_packed(struct str *rest, size_t count, struct packed *ret)
{
    uint8_t width;

    if (!take(rest, &width, 1) || !take(rest, &ret->base, sizeof(ret->base))) {
        return false;
    }
    if (width > 8 || (width & (width - 1)) || (width && count > rest->length / width)) {
        return false;
    }
    ret->width = width;
    ret->count = count;
    ret->data = rest->data;
    *rest = str_slice(*rest, count * width, rest->length);
    return true;
}

static inline uint64_t packed_at(const struct packed *packed, size_t i)
{
    uint64_t number = 0;

    memcpy(&number, packed->data + i * packed->width, packed->width);
    return packed->base + number;
}

/* count texts have at least a byte each but one, so a count that is more than the bytes and one is
 * none. */
static bool take_dictionary(struct str rest, struct dictionary *ret)
{
    uint64_t joined = 0;
    uint32_t count;

    if (!take(&rest, &count, sizeof(count)) || !take_packed(&rest, count, &ret->lengths)) {
        return false;
    }
    if (count == 0 || count - 1 > rest.length) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t length = packed_at(&ret->lengths, i);

        if (length > rest.length - joined) {
            return false;
        }
        joined += length;
    }
    ret->texts = rest;
    return joined == rest.length;
}

static bool take_whole(struct str rest, size_t count, struct packed *ret)
{
    return take_packed(&rest, count, ret) && rest.length == 0;
}

static bool take_section(struct view *view, uint32_t kind, uint32_t index, struct str bytes)
{
    switch (kind) {
    case CHUNK_DICTIONARY:
        return index < CHUNK_DICTIONARIES && take_dictionary(bytes, &view->dictionaries[index]);
    case CHUNK_COLUMN:
        return index < CHUNK_COLUMN_COUNT && take_whole(bytes, view->rows, &view->columns[index]);
    case CHUNK_RUNS:
        return index < 2 && take_whole(bytes, view->run_count, &view->runs[index]);
    case CHUNK_REQUESTS: {
        /* How many there are is seen in present, later; the array says how many it can hold. */
        struct str rest = bytes;
        struct packed head;

        if (index != 0 || !take_packed(&rest, 0, &head)) {
            return false;
        }
        size_t count = head.width ? rest.length / head.width : view->rows;
        return count <= view->rows && take_whole(bytes, count, &view->requests);
    }
    default:
        return false;
    }
}

static bool take_sections(struct str rest, struct view *view)
{
    uint64_t last = 0;

    while (rest.length) {
        uint32_t kind;
        uint32_t index;
        uint64_t bytes;

        if (!take(&rest, &kind, sizeof(kind)) || !take(&rest, &index, sizeof(index)) ||
            !take(&rest, &bytes, sizeof(bytes)) || bytes > rest.length) {
            return false;
        }
        uint64_t place = (uint64_t)kind << 32 | index;
        if (place <= last || !take_section(view, kind, index, str_slice(rest, 0, bytes))) {
            return false;
        }
        last = place;
        rest = str_slice(rest, bytes, rest.length);
    }
    return true;
}

/* Whether all is there that the rows need. */
static bool is_complete(const struct view *view)
{
    for (unsigned i = 0; i < CHUNK_DICTIONARIES; i++) {
        if (!view->dictionaries[i].lengths.data) {
            return false;
        }
    }
    for (unsigned i = 0; i < CHUNK_COLUMN_COUNT; i++) {
        if (chunk_columns[i].is_always && !view->columns[i].data) {
            return false;
        }
    }
    return view->run_count == 0 || (view->runs[0].data && view->runs[1].data);
}

static int parse(struct str bytes, struct view *view, struct error *error)
{
    struct str rest = bytes;
    char magic[4];
    uint32_t version;
    uint64_t sum;
    uint32_t rows;
    uint32_t runs;

    if (bytes.length < CHUNK_HEAD_BYTES || !take(&rest, magic, sizeof(magic)) ||
        memcmp(magic, "NTuc", sizeof(magic)) != 0 || !take(&rest, &version, sizeof(version))) {
        return damaged(error, "it does not begin like one");
    }
    if (version != CHUNK_VERSION) {
        return error_set(error, ERR_UNSUPPORTED,
                         "cannot read a chunk of records: it is of version %" PRIu32
                         ", and this program knows version %u",
                         version, CHUNK_VERSION);
    }
    (void)take(&rest, &sum, sizeof(sum));
    if (XXH3_64bits(rest.data, rest.length) != sum) {
        return damaged(error, "its checksum is wrong");
    }
    (void)take(&rest, &rows, sizeof(rows));
    (void)take(&rest, &runs, sizeof(runs));
    (void)take(&rest, &view->merged_count, sizeof(view->merged_count));
    view->rows = rows;
    view->run_count = runs;
    if (rows == 0 || rows > CHUNK_ROWS_MAX || runs > CHUNK_RUNS_MAX || !take_sections(rest, view) ||
        !is_complete(view)) {
        return damaged(error, "its sections are wrong");
    }
    return OK;
}

/* ---- filling the table ---- */

static int learn_texts(const struct dictionary *dictionary, struct dict *dict, bool is_name,
                       uint32_t **ret_ids)
{
    size_t count = dictionary->lengths.count;
    uint32_t *ids = alloc_zeroed(count, sizeof(*ids));
    struct str rest = dictionary->texts;
    int code = OK;

    *ret_ids = ids;
    if (!ids) {
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count && !code; i++) {
        size_t length = packed_at(&dictionary->lengths, i);

        if ((i == 0 && dict->count == 0 && length) || (is_name && length > USAGE_NAME_BYTES_MAX)) {
            return ERR_INVALID; /* the empty text is id 0 of every dict */
        }
        code = dict_put(dict, str_slice(rest, 0, length), &ids[i]);
        rest = str_slice(rest, length, rest.length);
    }
    return code;
}

/* Numbers that do not fit show in what is larger than the largest that does. */
static bool narrow(const uint64_t *numbers, size_t count, unsigned bytes, void *to)
{
    uint64_t any = 0;

    for (size_t i = 0; i < count; i++) {
        any |= numbers[i];
    }
    switch (bytes) {
    case 1:
        for (size_t i = 0; i < count; i++) {
            ((uint8_t *)to)[i] = (uint8_t)numbers[i];
        }
        return any <= UINT8_MAX;
    case 2:
        for (size_t i = 0; i < count; i++) {
            ((uint16_t *)to)[i] = (uint16_t)numbers[i];
        }
        return any <= UINT16_MAX;
    case 4:
        for (size_t i = 0; i < count; i++) {
            ((uint32_t *)to)[i] = (uint32_t)numbers[i];
        }
        return any <= UINT32_MAX;
    default:
        memcpy(to, numbers, count * sizeof(*numbers));
        return true;
    }
}

/* A loop for each width, so that the compiler knows it. */
#define UNPACK(type)                                                                               \
    for (size_t i = 0; i < packed->count; i++) {                                                   \
        type number;                                                                               \
        memcpy(&number, packed->data + i * sizeof(number), sizeof(number));                        \
        to[i] = packed->base + number;                                                             \
    }

static void unpack(const struct packed *packed, uint64_t *to)
{
    switch (packed->width) {
    case 0:
        for (size_t i = 0; i < packed->count; i++) {
            to[i] = packed->base;
        }
        break;
    case 1:
        UNPACK(uint8_t)
        break;
    case 2:
        UNPACK(uint16_t)
        break;
    case 4:
        UNPACK(uint32_t)
        break;
    default:
        UNPACK(uint64_t)
        break;
    }
}

static int fill_column(const struct view *view, unsigned index, struct scratch *scratch,
                       struct usage_table *table)
{
    const struct chunk_column *column = &chunk_columns[index];
    void **field = chunk_column_at(table, column);
    uint64_t *numbers = scratch->numbers;

    if (!view->columns[index].data) {
        return OK;
    }
    if (usage_table_add_column(table, field)) {
        return ERR_NO_MEMORY;
    }
    unpack(&view->columns[index], numbers);
    for (size_t i = 0; column->values == CHUNK_SIGNED && i < view->rows; i++) {
        numbers[i] ^= CHUNK_SIGN;
    }
    if (column->values == CHUNK_TEXTS) {
        size_t known = view->dictionaries[column->dictionary].lengths.count;

        for (size_t i = 0; i < view->rows; i++) {
            if (numbers[i] >= known) {
                return ERR_INVALID;
            }
            numbers[i] = scratch->ids[column->dictionary][numbers[i]];
        }
    }
    void *to = (char *)*field + table->count * column->element_bytes;
    return narrow(numbers, view->rows, column->element_bytes, to) ? OK : ERR_INVALID;
}

/* Bits of present that rows may have: those whose columns are there. */
static uint32_t allowed_bits(const struct view *view)
{
    uint32_t allowed = PRESENT_BITS;

    for (unsigned i = 0; i < CHUNK_COLUMN_COUNT; i++) {
        if (!view->columns[i].data) {
            allowed &= ~chunk_columns[i].has;
        }
    }
    return allowed;
}

/* The rules of usage_table_append for one row. */
static bool is_row_sane(const struct usage_table *t, size_t row, uint32_t allowed)
{
    uint32_t has = t->present[row];

    if ((has & ~allowed) || t->tier_status[row] >> 5 || usage_status_of(t, row) > USAGE_CANCELLED) {
        return false;
    }
    if (t->reasoning && t->reasoning[row] > t->output[row]) {
        return false;
    }
    if ((has & USAGE_HAS_QUALITY) && !(t->quality[row] >= 0 && t->quality[row] <= 1)) {
        return false;
    }
    if ((has & USAGE_HAS_BLOCKS) && t->block_size[row] == 0) {
        return false;
    }
    return (has & USAGE_HAS_BLOCKS) || !t->run_count || t->run_count[row] == 0;
}

/* The runs of the rows, one after the other; what they add up to must be what there is. */
static bool place_runs(const struct view *view, struct usage_table *table)
{
    size_t at = 0;

    for (size_t row = table->count; table->run_count && row < table->count + view->rows; row++) {
        if (usage_has(table, row, USAGE_HAS_BLOCKS)) {
            table->run_begin[row] = (uint32_t)(table->runs_count + at);
            at += table->run_count[row];
        }
    }
    if (at != view->run_count) {
        return false;
    }
    for (size_t i = 0; i < at; i++) {
        uint64_t start = packed_at(&view->runs[0], i);
        uint64_t length = packed_at(&view->runs[1], i);

        if (start > UINT32_MAX || length > UINT32_MAX) {
            return false;
        }
        table->runs[table->runs_count + i] = (struct block_run){(uint32_t)start, (uint32_t)length};
    }
    return true;
}

static int enter_requests(const struct view *view, struct usage_table *table)
{
    size_t at = 0;

    for (size_t row = table->count; row < table->count + view->rows; row++) {
        uint32_t held;
        int is_new;

        if (!usage_has(table, row, USAGE_HAS_REQUEST_ID)) {
            continue;
        }
        if (at == view->requests.count) {
            return ERR_INVALID;
        }
        int code = id_map_put(&table->by_request, packed_at(&view->requests, at++), (uint32_t)row,
                              &held, &is_new);
        if (code || !is_new) {
            return code ? code : ERR_INVALID;
        }
    }
    /* A width of 0 cannot say how many there are. */
    return at == view->requests.count || view->requests.width == 0 ? OK : ERR_INVALID;
}

static void enter_rows(const struct view *view, struct usage_table *table)
{
    for (size_t row = table->count; row < table->count + view->rows; row++) {
        table->any_present |= table->present[row];
        if (row && table->time_us[row] < table->time_us[row - 1]) {
            table->is_sorted = false;
        }
    }
    table->count += view->rows;
    table->runs_count += view->run_count;
    table->merged_count += view->merged_count;
}

static int fill_table(const struct view *view, struct scratch *scratch, struct usage_table *table)
{
    uint32_t allowed = allowed_bits(view);
    int code = usage_table_reserve(table, view->rows, view->run_count);

    for (unsigned i = 0; i < CHUNK_DICTIONARIES && !code; i++) {
        code = learn_texts(&view->dictionaries[i], chunk_dict(table, i), i < USAGE_NAME_COUNT,
                           &scratch->ids[i]);
    }
    for (unsigned i = 0; i < CHUNK_COLUMN_COUNT && !code; i++) {
        code = fill_column(view, i, scratch, table);
    }
    if (!code && table->run_count) {
        code = usage_table_add_column(table, &table->run_begin);
    }
    for (size_t row = table->count; row < table->count + view->rows && !code; row++) {
        code = is_row_sane(table, row, allowed) ? OK : ERR_INVALID;
    }
    if (!code && !place_runs(view, table)) {
        code = ERR_INVALID;
    }
    if (!code) {
        code = enter_requests(view, table);
    }
    if (!code) {
        enter_rows(view, table);
    }
    return code;
}

int chunk_append(struct str bytes, struct usage_table *table, struct error *error)
{
    struct scratch scratch = {0};
    struct view view = {0};
    int code = parse(bytes, &view, error);

    if (code) {
        return code;
    }
    scratch.numbers = alloc_zeroed(CHUNK_ROWS_MAX, sizeof(*scratch.numbers));
    code = scratch.numbers ? fill_table(&view, &scratch, table) : ERR_NO_MEMORY;
    for (unsigned i = 0; i < CHUNK_DICTIONARIES; i++) {
        alloc_free(scratch.ids[i]);
    }
    alloc_free(scratch.numbers);
    if (code == ERR_INVALID) {
        return damaged(error, "its rows are wrong, or were told before");
    }
    return code
               ? error_set(error, code, "cannot read a chunk of records: %s", error_code_text(code))
               : OK;
}
