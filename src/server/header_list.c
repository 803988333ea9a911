/* SPDX-License-Identifier: Apache-2.0 */
#include "server/header_list.h"

#include <ctype.h>

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decoded, behind used bytes of the list's text; false for a broken encoding or a control byte. */
static bool decode(struct str value, struct header_list *list, size_t *used, struct str *ret_value)
{
    size_t begin = *used;

    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];

        if (c == '%') {
            int high = i + 1 < value.length ? digit_of(value.data[i + 1]) : -1;
            int low = i + 2 < value.length ? digit_of(value.data[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return false;
            }
            c = (unsigned char)(high << 4 | low);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f) {
            return false;
        }
        list->text[(*used)++] = (char)c; /* never longer than what was read */
    }
    *ret_value = (struct str){list->text + begin, *used - begin};
    return true;
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.data[i];

        if (c >= 0x80 || (!isalnum(c) && !strchr("!#$%&'*+-.^_`|~", c))) {
            return false;
        }
    }
    return name.length > 0;
}

static bool read_one(struct str one, struct header_list *list, size_t *used)
{
    struct http_header *header = &list->headers[list->count];
    size_t sign = str_find(one, STR("="), 0);

    if (sign == SIZE_MAX || list->count == HEADER_LIST_MAX) {
        return false;
    }
    struct str name = str_trim(str_slice(one, 0, sign));
    struct str value = str_trim(str_slice(one, sign + 1, one.length));
    if (!decode(name, list, used, &header->name) || !is_name(header->name) ||
        !decode(value, list, used, &header->value)) {
        return false;
    }
    list->count++;
    return true;
}

int header_list_read(const char *text, struct header_list *ret_list, struct error *error)
{
    struct str rest = str_from(text);
    size_t used = 0;

    ret_list->count = 0;
    if (rest.length > sizeof(ret_list->text)) {
        return error_set(error, ERR_USAGE, "OTEL_EXPORTER_OTLP_HEADERS is longer than %u bytes",
                         HEADER_LIST_BYTES_MAX);
    }
    while (rest.length) {
        size_t end = str_find(rest, STR(","), 0);
        bool is_last = end == SIZE_MAX;
        struct str one = str_trim(str_slice(rest, 0, is_last ? rest.length : end));

        if (one.length && !read_one(one, ret_list, &used)) {
            header_list_wipe(ret_list);
            return error_set(error, ERR_USAGE,
                             "OTEL_EXPORTER_OTLP_HEADERS is not name=value,name=value with at most "
                             "%u headers",
                             (unsigned)HEADER_LIST_MAX);
        }
        rest = str_slice(rest, is_last ? rest.length : end + 1, rest.length);
    }
    return OK;
}

void header_list_wipe(struct header_list *list)
{
    explicit_bzero(list, sizeof(*list));
}
