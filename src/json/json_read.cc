/*
 * The shim between simdjson's DOM and json_read.h. No exception leaves it: simdjson is used through
 * its error codes, and the two places that allocate catch bad_alloc.
 *
 * A json_value is a document and an index into its tape, which is what dom::element holds itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "json/json_read.h"

#include <cstring>
#include <new>
#include <simdjson.h>

namespace dom = simdjson::dom;

struct json_parser {
    dom::parser parser;
    size_t bytes_max;
    explicit json_parser(size_t max) : parser(max), bytes_max(max)
    {
    }
};

static_assert(sizeof(dom::element) == sizeof(json_value), "a dom::element is document and index");

static dom::element element_of(json_value value)
{
    dom::element element;
    std::memcpy(static_cast<void *>(&element), &value, sizeof(value));
    return element;
}

static json_value value_of(const dom::element &element)
{
    json_value value;
    std::memcpy(&value, static_cast<const void *>(&element), sizeof(value));
    return value;
}

static const json_value missing = {nullptr, 0};

int json_parser_new(size_t bytes_max, json_parser **ret_parser)
{
    json_parser *parser = new (std::nothrow) json_parser(bytes_max);
    if (!parser) {
        return ERR_NO_MEMORY;
    }
    *ret_parser = parser;
    return OK;
}

void json_parser_free(json_parser *parser)
{
    delete parser;
}

void json_parser_free_pointer(json_parser **parser)
{
    delete *parser;
}

static int ensure_capacity(json_parser *parser, size_t length)
{
    if (length <= parser->parser.capacity() && parser->parser.max_depth() == JSON_DEPTH_MAX) {
        return OK;
    }
    size_t capacity = parser->parser.capacity() ? parser->parser.capacity() : 4096;
    while (capacity < length) {
        capacity *= 2;
    }
    if (capacity > parser->bytes_max) {
        capacity = parser->bytes_max;
    }
    return parser->parser.allocate(capacity, JSON_DEPTH_MAX) ? ERR_NO_MEMORY : OK;
}

int json_parse(json_parser *parser, str text, json_value *ret_root, struct error *error)
{
    if (text.length > parser->bytes_max) {
        return error_set(error, ERR_LIMIT, "cannot read JSON of %zu bytes: the limit is %zu",
                         text.length, parser->bytes_max);
    }
    if (text.length == 0) {
        return error_set(error, ERR_INVALID, "not valid JSON: the text is empty");
    }
    if (ensure_capacity(parser, text.length)) {
        return error_set(error, ERR_NO_MEMORY, "cannot read JSON of %zu bytes: out of memory",
                         text.length);
    }
    try {
        dom::element root;
        simdjson::error_code code =
            parser->parser.parse(text.data, text.length, /* copy for padding */ true).get(root);
        if (code == simdjson::MEMALLOC) {
            return error_set(error, ERR_NO_MEMORY, "cannot read JSON: out of memory");
        }
        if (code) {
            return error_set(error, ERR_INVALID, "not valid JSON: %s",
                             simdjson::error_message(code));
        }
        *ret_root = value_of(root);
        return OK;
    } catch (const std::bad_alloc &) {
        return error_set(error, ERR_NO_MEMORY, "cannot read JSON: out of memory");
    }
}

enum json_type json_type(json_value value)
{
    if (!value.document) {
        return JSON_MISSING;
    }
    switch (element_of(value).type()) {
    case dom::element_type::ARRAY:
        return JSON_ARRAY;
    case dom::element_type::OBJECT:
        return JSON_OBJECT;
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
        return JSON_INTEGER;
    case dom::element_type::DOUBLE:
        return JSON_DOUBLE;
    case dom::element_type::STRING:
        return JSON_STRING;
    case dom::element_type::BOOL:
        return JSON_BOOL;
    case dom::element_type::NULL_VALUE:
        return JSON_NULL;
    }
    return JSON_MISSING;
}

json_value json_at_str(json_value value, str key)
{
    dom::object object;
    dom::element member;
    if (!value.document || element_of(value).get(object) ||
        object.at_key(std::string_view(key.data, key.length)).get(member)) {
        return missing;
    }
    return value_of(member);
}

json_value json_at(json_value value, const char *key)
{
    return json_at_str(value, str{key, std::strlen(key)});
}

bool json_get_bool(json_value value, bool *ret)
{
    return value.document && !element_of(value).get(*ret);
}

bool json_get_i64(json_value value, int64_t *ret)
{
    return json_type(value) == JSON_INTEGER && !element_of(value).get(*ret);
}

bool json_get_u64(json_value value, uint64_t *ret)
{
    return json_type(value) == JSON_INTEGER && !element_of(value).get(*ret);
}

bool json_get_double(json_value value, double *ret)
{
    return value.document && !element_of(value).get(*ret);
}

bool json_get_str(json_value value, str *ret)
{
    std::string_view text;
    if (!value.document || element_of(value).get(text)) {
        return false;
    }
    *ret = str{text.data(), text.size()};
    return true;
}

/* Iterators of simdjson are a document and a tape index too; only the index is kept. */
template <typename iterator> static uint64_t position_of(const iterator &it)
{
    static_assert(sizeof(iterator) == sizeof(json_value), "iterators are tape positions");
    json_value raw;
    std::memcpy(&raw, static_cast<const void *>(&it), sizeof(raw));
    return raw.index;
}

template <typename iterator> static void move_to(iterator *it, const void *document, uint64_t index)
{
    json_value raw = {document, index};
    std::memcpy(static_cast<void *>(it), &raw, sizeof(raw));
}

json_iterator json_iterate(json_value value)
{
    json_iterator it = {};
    dom::array array;
    dom::object object;

    it.container = value;
    it.key = str{"", 0};
    if (value.document && !element_of(value).get(array)) {
        it.next = position_of(array.begin());
        it.end = position_of(array.end());
    } else if (value.document && !element_of(value).get(object)) {
        it.is_object = true;
        it.next = position_of(object.begin());
        it.end = position_of(object.end());
    }
    return it;
}

bool json_next(json_iterator *it)
{
    if (!it->container.document || it->next >= it->end) {
        return false;
    }
    if (it->is_object) {
        dom::object object = element_of(it->container).get_object().value_unsafe();
        dom::object::iterator member = object.begin();
        move_to(&member, it->container.document, it->next);
        std::string_view key = member.key();
        it->key = str{key.data(), key.size()};
        it->value = value_of(member.value());
        it->next = position_of(++member);
    } else {
        dom::array array = element_of(it->container).get_array().value_unsafe();
        dom::array::iterator element = array.begin();
        move_to(&element, it->container.document, it->next);
        it->value = value_of(*element);
        it->next = position_of(++element);
    }
    return true;
}

size_t json_count(json_value value)
{
    size_t count = 0;
    for (json_iterator it = json_iterate(value); json_next(&it);) {
        count++;
    }
    return count;
}
