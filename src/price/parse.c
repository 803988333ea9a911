/*
 * From a file's text to a book: tells the two forms apart by their content and hands over to
 * book_json.c or import_litellm.c. The built-in book is such a text, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "price/book_build.h"
#include "price/builtin.h"
#include "json/json_read.h"

/* One model entry with LiteLLM's own words is enough; the list opens with a sample entry. */
static bool is_litellm(struct json_value root)
{
    if (!json_is(root, JSON_OBJECT)) {
        return false;
    }
    for (struct json_iterator it = json_iterate(root); json_next(&it);) {
        if (json_is(json_at(it.value, "litellm_provider"), JSON_STRING)) {
            return true;
        }
    }
    return false;
}

static int read_any_form(struct price_book *book, struct json_value root, struct error *error)
{
    if (!json_is(json_at(root, "netra_prices"), JSON_MISSING)) {
        return price_read_own(book, &root, error);
    }
    if (is_litellm(root)) {
        return price_read_litellm(book, &root, error);
    }
    error_set(error, ERR_INVALID, "cannot read price list %.*s: neither form is recognised",
              STR_ARGS(book->name));
    error_hint(error, "Give LiteLLM's model_prices_and_context_window.json or a book with "
                      "\"netra_prices\": 1.");
    return ERR_INVALID;
}

static int parse_into(struct price_book *book, struct str text, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct json_value root;

    int status = json_parser_new(PRICE_BOOK_BYTES_MAX, &parser);
    if (status) {
        return error_set(error, status, "cannot read price list %.*s: %s", STR_ARGS(book->name),
                         error_code_text(status));
    }
    status = json_parse(parser, text, &root, error);
    if (status == OK) {
        status = read_any_form(book, root, error);
    }
    if (status == OK && book->row_count == 0) {
        status = error_set(error, ERR_INVALID,
                           "cannot use price list %.*s: none of its %zu entries has a usable price",
                           STR_ARGS(book->name), book->skipped);
    }
    return status;
}

int price_book_parse(struct str text, struct str name, struct price_book **ret_book,
                     struct error *error)
{
    cleanup(price_book_free_pointer) struct price_book *book = NULL;

    int status = price_book_new(name, &book);
    if (status) {
        return error_set(error, status, "cannot read price list %.*s: %s", STR_ARGS(name),
                         error_code_text(status));
    }
    status = parse_into(book, text, error);
    if (status == OK) {
        *ret_book = TAKE(book);
    }
    return status;
}

int price_book_builtin(struct price_book **ret_book, struct error *error)
{
    struct str text = {(const char *)price_builtin_json, price_builtin_json_size};

    return price_book_parse(text, STR("netra"), ret_book, error);
}
