/*
 * Storage of a book: rows in one array, their texts once in a dict, and the index of names that
 * resolve.c reads. Everything here runs while a book is built; afterwards it is only read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "base/alloc.h"
#include "base/check.h"
#include "price/book_build.h"
#include "price/provider.h"

#define PRICE_ARRAY_FIRST 64u

int price_book_new(struct str name, struct price_book **ret_book)
{
    struct price_book *book = alloc_zeroed(1, sizeof(*book));
    uint32_t id;

    if (!book) {
        return ERR_NO_MEMORY;
    }
    dict_init(&book->texts, 8 * PRICE_ROWS_MAX, PRICE_BOOK_BYTES_MAX);
    dict_init(&book->stems, PRICE_NAMES_MAX, PRICE_BOOK_BYTES_MAX);
    int status = dict_put(&book->texts, name, &id);
    if (status) {
        price_book_free(book);
        return status;
    }
    book->name = dict_text(&book->texts, id);
    *ret_book = book;
    return OK;
}

void price_book_free(struct price_book *book)
{
    if (!book) {
        return;
    }
    alloc_free(book->rows);
    alloc_free(book->last_name);
    alloc_free(book->names);
    alloc_free(book->first_name);
    dict_done(&book->stems);
    dict_done(&book->texts);
    alloc_free(book);
}

void price_book_free_pointer(struct price_book **book)
{
    price_book_free(*book);
    *book = NULL;
}

struct str price_book_name(const struct price_book *book)
{
    return book->name;
}

struct str price_book_as_of(const struct price_book *book)
{
    return book->as_of;
}

size_t price_book_count(const struct price_book *book)
{
    return book->row_count;
}

const struct price_row *price_book_row(const struct price_book *book, size_t index)
{
    check_cmp(index, <, book->row_count);
    return &book->rows[index];
}

size_t price_book_skipped(const struct price_book *book)
{
    return book->skipped;
}

/* Room for one more element: memory (element_bytes each) grows by doubling up to limit. */
static int array_reserve(void **memory, size_t *capacity, size_t count, size_t element_bytes,
                         size_t limit)
{
    if (count < *capacity) {
        return OK;
    }
    if (count >= limit) {
        return ERR_LIMIT;
    }
    size_t more = *capacity ? 2 * *capacity : PRICE_ARRAY_FIRST;
    void *grown = alloc_resize(*memory, more < limit ? more : limit, element_bytes);
    if (!grown) {
        return ERR_NO_MEMORY;
    }
    *memory = grown;
    *capacity = more < limit ? more : limit;
    return OK;
}

/* Replaces a borrowed text by the book's own copy. */
static int text_keep(struct price_book *book, struct str *text)
{
    uint32_t id;

    if (text->length > PRICE_TEXT_BYTES_MAX) {
        text->length = PRICE_TEXT_BYTES_MAX;
        /* Cut at the begin of a UTF-8 sequence. */
        while (text->length && ((unsigned char)text->data[text->length] & 0xc0) == 0x80) {
            text->length--;
        }
    }
    int status = dict_put(&book->texts, *text, &id);
    if (status == OK) {
        *text = dict_text(&book->texts, id);
    }
    return status;
}

uint32_t price_book_chain(const struct price_book *book, struct str stem)
{
    uint32_t id = dict_find(&book->stems, stem);

    return id == DICT_NOT_FOUND ? PRICE_NO_NAME : book->first_name[id];
}

/* A row of the provider and model whose validity overlaps [from, to), or NULL. */
static const struct price_row *row_between(const struct price_book *book, struct str provider,
                                           struct str model, int64_t from_us, int64_t to_us)
{
    char lower[PRICE_NAME_BYTES_MAX];
    struct str name = price_name_lower(model, lower);
    uint32_t at = price_book_chain(book, price_name_split(name).stem);

    for (; at != PRICE_NO_NAME; at = book->names[at].next) {
        const struct price_row *row = &book->rows[book->names[at].row];

        if (str_equal_ascii_case(row->model, name) &&
            str_equal_ascii_case(row->provider, provider) && row->effective_from_us < to_us &&
            from_us < row->effective_to_us) {
            return row;
        }
    }
    return NULL;
}

static bool stem_is_full(const struct price_book *book, uint32_t at)
{
    uint32_t count = 0;

    for (; at != PRICE_NO_NAME && count < PRICE_STEM_NAMES_MAX; at = book->names[at].next) {
        count++;
    }
    return count == PRICE_STEM_NAMES_MAX;
}

bool price_book_has(const struct price_book *book, struct str provider, struct str model)
{
    return row_between(book, provider, model, INT64_MIN, INT64_MAX) != NULL;
}

/* Takes back the newest row, when its names could not be entered. */
static void row_drop_newest(struct price_book *book)
{
    for (size_t stem = 0; stem < book->stems.count; stem++) {
        uint32_t *link = &book->first_name[stem];

        while (*link != PRICE_NO_NAME) {
            if (book->names[*link].row == book->row_count - 1) {
                *link = book->names[*link].next;
            } else {
                link = &book->names[*link].next;
            }
        }
    }
    book->row_count--;
}

struct str price_name_without_own_route(struct str provider, struct str model)
{
    size_t slash = str_find(model, STR("/"), 0);

    if (slash == SIZE_MAX ||
        !provider_matches(provider, provider_name(str_slice(model, 0, slash)))) {
        return model;
    }
    return str_slice(model, slash + 1, model.length);
}

/* The names that every row has. */
static int add_own_names(struct price_book *book, uint32_t index)
{
    struct str model = book->rows[index].model;
    struct str inner = price_name_without_own_route(book->rows[index].provider, model);

    int status = price_book_add_name(book, index, model, PRICE_NAME_MODEL);
    if (status == OK && inner.length && inner.length < model.length) {
        status = price_book_add_name(book, index, inner, PRICE_NAME_ROUTED);
    }
    return status;
}

static int rows_reserve(struct price_book *book)
{
    void *rows = book->rows;
    void *last_name = book->last_name;

    int status = array_reserve(&rows, &book->row_capacity, book->row_count, sizeof(*book->rows),
                               PRICE_ROWS_MAX);
    if (status == OK) {
        status = array_reserve(&last_name, &book->last_name_capacity, book->row_count,
                               sizeof(*book->last_name), PRICE_ROWS_MAX);
    }
    book->rows = rows;
    book->last_name = last_name;
    return status;
}

int price_book_add(struct price_book *book, const struct price_row *row, uint32_t *ret_index)
{
    char lower[PRICE_NAME_BYTES_MAX];
    struct price_row kept = *row;

    kept.model = str_trim(kept.model);
    kept.provider = provider_name(str_trim(kept.provider));
    struct str name = price_name_lower(kept.model, lower);
    if (name.length == 0 ||
        stem_is_full(book, price_book_chain(book, price_name_split(name).stem)) ||
        kept.effective_from_us >= kept.effective_to_us ||
        row_between(book, kept.provider, kept.model, kept.effective_from_us,
                    kept.effective_to_us)) {
        return ERR_INVALID;
    }
    struct str *texts[] = {&kept.provider, &kept.model, &kept.source, &kept.source_date,
                           &kept.note};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        int status = text_keep(book, texts[i]);

        if (status) {
            return status;
        }
    }
    int status = rows_reserve(book);
    if (status) {
        return status;
    }
    book->rows[book->row_count] = kept;
    book->last_name[book->row_count] = PRICE_NO_NAME;
    *ret_index = (uint32_t)book->row_count++;
    status = add_own_names(book, *ret_index);
    if (status) {
        row_drop_newest(book);
        return status;
    }
    if (str_compare(kept.source_date, book->as_of) > 0) {
        book->as_of = kept.source_date;
    }
    return OK;
}

/* The id of a stem; first_name has a place for it afterwards. */
static int stem_enter(struct price_book *book, struct str stem, uint32_t *ret_id)
{
    uint32_t id = dict_find(&book->stems, stem);

    if (id == DICT_NOT_FOUND) {
        void *memory = book->first_name;
        int status = array_reserve(&memory, &book->first_capacity, book->stems.count,
                                   sizeof(*book->first_name), PRICE_NAMES_MAX);
        book->first_name = memory;
        if (status == OK) {
            status = dict_put(&book->stems, stem, &id);
        }
        if (status) {
            return status;
        }
        book->first_name[id] = PRICE_NO_NAME;
    }
    *ret_id = id;
    return OK;
}

static bool chain_has(const struct price_book *book, uint32_t at, struct str text, uint32_t row)
{
    for (; at != PRICE_NO_NAME; at = book->names[at].next) {
        if (book->names[at].row == row && str_equal(book->names[at].text, text)) {
            return true;
        }
    }
    return false;
}

int price_book_add_name(struct price_book *book, uint32_t row, struct str name,
                        enum price_name_kind kind)
{
    char lower[PRICE_NAME_BYTES_MAX];
    struct str text = price_name_lower(name, lower);
    struct price_name_parts parts = price_name_split(text);
    uint32_t stem;

    if (text.length == 0) {
        return ERR_INVALID;
    }
    int status = stem_enter(book, parts.stem, &stem);
    if (status) {
        return status;
    }
    if (chain_has(book, book->first_name[stem], text, row)) {
        return OK;
    }
    if (stem_is_full(book, book->first_name[stem])) {
        return ERR_INVALID;
    }
    void *memory = book->names;
    status = array_reserve(&memory, &book->name_capacity, book->name_count, sizeof(*book->names),
                           PRICE_NAMES_MAX);
    book->names = memory;
    if (status == OK) {
        status = text_keep(book, &text);
    }
    if (status) {
        return status;
    }
    book->names[book->name_count] = (struct price_name){
        .text = text,
        .date = parts.date,
        .row = row,
        .next = book->first_name[stem],
        .previous_of_row = book->last_name[row],
        .kind = kind,
        .is_latest = parts.is_latest,
    };
    book->last_name[row] = (uint32_t)book->name_count;
    book->first_name[stem] = (uint32_t)book->name_count++;
    return OK;
}

bool price_pico_from(double usd, unsigned exponent, int64_t *ret_pico_usd, bool *is_exact)
{
    double pico = usd * (exponent == 12 ? 1e12 : 1e6);

    if (!(pico >= 0) || pico > (double)PRICE_PICO_MAX) {
        return false;
    }
    double whole = round(pico);
    if (fabs(pico - whole) > 1e-6 * pico) {
        *is_exact = false;
    }
    *ret_pico_usd = (int64_t)whole;
    return true;
}

struct price_context_tier *price_service_tier(struct price_service *service, uint64_t over_tokens)
{
    uint32_t at = 0;

    while (at < service->count && service->tiers[at].over_tokens < over_tokens) {
        at++;
    }
    if (at < service->count && service->tiers[at].over_tokens == over_tokens) {
        return &service->tiers[at];
    }
    if (service->count == PRICE_CONTEXT_TIERS_MAX) {
        return NULL;
    }
    memmove(&service->tiers[at + 1], &service->tiers[at],
            (service->count - at) * sizeof(service->tiers[0]));
    service->tiers[at] = (struct price_context_tier){.over_tokens = over_tokens};
    service->count++;
    return &service->tiers[at];
}
