/* SPDX-License-Identifier: Apache-2.0 */
#include "http/negotiate.h"

#define WEIGHT_DECIMALS_MAX 3u

/* The next element of a list, without white space; list is what follows it. */
static struct str take_element(struct str *list)
{
    size_t comma = str_find(*list, STR(","), 0);
    bool is_last = comma == SIZE_MAX;
    struct str element = str_trim(str_slice(*list, 0, is_last ? list->length : comma));

    *list = is_last ? (struct str){"", 0} : str_slice(*list, comma + 1, list->length);
    return element;
}

/* "0", "0.5", "1.000" (RFC 9110, 12.4.2): whether it is well-formed and more than 0. */
static bool is_weight_above_0(struct str weight)
{
    bool is_above = false;

    if (weight.length == 0 || (weight.data[0] != '0' && weight.data[0] != '1')) {
        return false;
    }
    bool is_one = weight.data[0] == '1';
    if (weight.length == 1) {
        return is_one;
    }
    if (weight.data[1] != '.' || weight.length > 2 + WEIGHT_DECIMALS_MAX) {
        return false;
    }
    for (size_t i = 2; i < weight.length; i++) {
        char c = weight.data[i];

        if (c < '0' || c > (is_one ? '0' : '9')) {
            return false;
        }
        is_above = is_above || c != '0';
    }
    return is_one || is_above;
}

/* "gzip;q=0.5": the name, and whether it may be used. */
static struct str read_coding(struct str element, bool *ret_is_taken)
{
    size_t semicolon = str_find(element, STR(";"), 0);

    *ret_is_taken = true;
    if (semicolon == SIZE_MAX) {
        return element;
    }
    struct str weight = str_trim(str_slice(element, semicolon + 1, element.length));
    bool is_weight = weight.length > 2 && str_equal_ascii_case(str_slice(weight, 0, 2), STR("q="));
    *ret_is_taken = is_weight && is_weight_above_0(str_slice(weight, 2, weight.length));
    return str_trim(str_slice(element, 0, semicolon));
}

bool negotiate_gzip(const struct http_header *headers, size_t count)
{
    bool takes_any = false;
    bool takes_gzip = false;
    bool names_gzip = false;

    for (size_t i = 0; i < count; i++) {
        if (headers[i].name.length != sizeof("Accept-Encoding") - 1 ||
            !str_equal_ascii_case(headers[i].name, STR("Accept-Encoding"))) {
            continue;
        }
        struct str list = headers[i].value;
        while (list.length) {
            bool is_taken;
            struct str name = read_coding(take_element(&list), &is_taken);

            if (str_equal_ascii_case(name, STR("gzip")) ||
                str_equal_ascii_case(name, STR("x-gzip"))) {
                /* Named twice: once refused is refused. */
                takes_gzip = is_taken && (takes_gzip || !names_gzip);
                names_gzip = true;
            } else if (str_equal(name, STR("*"))) {
                takes_any = is_taken;
            }
        }
    }
    return names_gzip ? takes_gzip : takes_any;
}

bool negotiate_is_compressible(struct str content_type)
{
    static const struct str kinds[] = {
        {"application/json", 16},
        {"application/problem+json", 24},
        {"application/openmetrics-text", 28},
        {"application/x-ndjson", 20},
        {"application/javascript", 22},
        {"image/svg+xml", 13},
    };
    size_t semicolon = str_find(content_type, STR(";"), 0);
    struct str kind = str_trim(
        str_slice(content_type, 0, semicolon == SIZE_MAX ? content_type.length : semicolon));

    if (str_starts_with(kind, STR("text/"))) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        if (str_equal_ascii_case(kind, kinds[i])) {
            return true;
        }
    }
    return false;
}

/* A tag ends at its quote: commas are allowed in it. */
static struct str take_tag(struct str *list)
{
    size_t open = str_find(*list, STR("\""), 0);
    size_t comma = str_find(*list, STR(","), 0);

    if (open < comma) {
        size_t end = str_find(*list, STR("\""), open + 1);

        comma = end == SIZE_MAX ? SIZE_MAX : str_find(*list, STR(","), end + 1);
    }
    bool is_last = comma == SIZE_MAX;
    struct str tag = str_trim(str_slice(*list, 0, is_last ? list->length : comma));
    *list = is_last ? (struct str){"", 0} : str_slice(*list, comma + 1, list->length);
    return tag;
}

static struct str without_weakness(struct str tag)
{
    return str_starts_with(tag, STR("W/")) ? str_slice(tag, 2, tag.length) : tag;
}

bool http_takes_gzip(const struct http_request *request)
{
    return negotiate_gzip(request->headers, request->header_count);
}

bool http_matches_etag(const struct http_request *request, struct str etag)
{
    struct str wanted = without_weakness(etag);

    for (size_t i = 0; i < request->header_count; i++) {
        if (!str_equal_ascii_case(request->headers[i].name, STR("If-None-Match"))) {
            continue;
        }
        struct str list = str_trim(request->headers[i].value);
        if (str_equal(list, STR("*"))) { /* stands alone */
            return true;
        }
        while (list.length) {
            if (str_equal(without_weakness(take_tag(&list)), wanted)) {
                return true;
            }
        }
    }
    return false;
}
