/*
 * What a handler reads of a request: headers, cookies, parameters.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/server.h"
#include "http/target.h"

struct str http_header_find(const struct http_request *request, struct str name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (request->headers[i].name.length == name.length &&
            str_equal_ascii_case(request->headers[i].name, name)) {
            return request->headers[i].value;
        }
    }
    return (struct str){NULL, 0};
}

/* In one Cookie header: "a=1; b=2". A value in quotes is given without them. */
static bool find_cookie(struct str pairs, struct str name, struct str *ret_value)
{
    while (pairs.length) {
        size_t semicolon = str_find(pairs, STR(";"), 0);
        size_t end = semicolon < pairs.length ? semicolon : pairs.length;
        struct str pair = str_trim(str_slice(pairs, 0, end));
        size_t sign = str_find(pair, STR("="), 0);

        if (sign < pair.length && str_equal(str_slice(pair, 0, sign), name)) {
            struct str value = str_slice(pair, sign + 1, pair.length);
            if (value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"') {
                value = str_slice(value, 1, value.length - 1);
            }
            *ret_value = value;
            return true;
        }
        pairs = end < pairs.length ? str_slice(pairs, end + 1, pairs.length) : (struct str){"", 0};
    }
    return false;
}

struct str http_cookie(const struct http_request *request, const char *name)
{
    struct str value = {NULL, 0};

    if (request->names && !(request->names & http_name_bit(STR("Cookie")))) {
        return value;
    }
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_equal_ascii_case(request->headers[i].name, STR("Cookie")) &&
            find_cookie(request->headers[i].value, str_from(name), &value)) {
            break;
        }
    }
    return value;
}

bool http_query(const struct http_request *request, const char *name, size_t nth, struct buf *out)
{
    return query_find(request->query, name, nth, out);
}
