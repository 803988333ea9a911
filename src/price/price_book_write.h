/*
 * price_book_write: a book in Netra's own form (see book_json.c), which price_book_parse reads
 * back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_PRICE_PRICE_BOOK_WRITE_H
#define NETRA_PRICE_PRICE_BOOK_WRITE_H

#include "price/price_book.h"
#include "json/json_write.h"

void price_book_write_json(const struct price_book *book, struct json_writer *w);

/* "input", "cache_read" …: the names of kinds in the form and in fact ids. */
const char *price_kind_name(enum price_kind kind);

#endif
