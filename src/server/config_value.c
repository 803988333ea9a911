/*
 * Values of the kinds that are not just text: numbers with bounds, bytes with a suffix, choices,
 * addresses. Nothing is guessed: no octal, no sign, no "K" that might be 1000.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/config_value.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/decimal.h"

static int parse_number(const struct config_row *row, struct str text, uint64_t *ret_number,
                        struct error *error)
{
    static const struct {
        struct str suffix;
        unsigned shift;
    } units[] = {{{"KiB", 3}, 10}, {{"MiB", 3}, 20}, {{"GiB", 3}, 30}, {{"TiB", 3}, 40}};
    struct str digits = text;
    unsigned shift = 0;
    uint64_t number;

    for (size_t i = 0; row->kind == CONFIG_BYTES && i < ARRAY_LENGTH(units); i++) {
        if (str_ends_with(text, units[i].suffix)) {
            digits = str_trim(str_slice(text, 0, text.length - units[i].suffix.length));
            shift = units[i].shift;
        }
    }
    if (decimal_parse_u64(digits, &number) || number > UINT64_MAX >> shift ||
        number << shift < row->least || number << shift > row->most) {
        return error_set(
            error, ERR_USAGE, "%s takes %s from %" PRIu64 " to %" PRIu64 ", not '%.*s'", row->key,
            row->kind == CONFIG_BYTES ? "bytes (also 64KiB, 512MiB, 4GiB)" : "a number", row->least,
            row->most, STR_ARGS(text));
    }
    *ret_number = number << shift;
    return OK;
}

static int parse_choice(const struct config_row *row, struct str text, uint64_t *ret_number,
                        struct error *error)
{
    check(row->unit);
    struct str rest = str_from(row->unit);

    for (uint64_t index = 0;; index++) {
        size_t end = str_find(rest, STR("|"), 0);
        bool is_last = end == SIZE_MAX;

        if (str_equal(str_slice(rest, 0, is_last ? rest.length : end), text)) {
            *ret_number = index;
            return OK;
        }
        if (is_last) {
            return error_set(error, ERR_USAGE, "%s takes %s, not '%.*s'", row->key, row->unit,
                             STR_ARGS(text));
        }
        rest = str_slice(rest, end + 1, rest.length);
    }
}

bool config_address_parse(struct str text, struct config_address *ret_address)
{
    struct config_address made = {0};
    size_t colon = text.length;
    uint64_t port;
    unsigned char binary[16];

    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0 || decimal_parse_u64(str_slice(text, colon, text.length), &port) ||
        port > UINT16_MAX) {
        return false;
    }
    struct str host = str_slice(text, 0, colon - 1);
    if (str_equal(host, STR("localhost"))) {
        host = STR("127.0.0.1");
    }
    made.is_ipv6 = str_starts_with(host, STR("[")) && str_ends_with(host, STR("]"));
    if (made.is_ipv6) {
        host = str_slice(host, 1, host.length - 1);
    }
    if (host.length == 0 || host.length >= sizeof(made.address)) {
        return false;
    }
    memcpy(made.address, host.data, host.length);
    made.port = (uint16_t)port;
    if (inet_pton(made.is_ipv6 ? AF_INET6 : AF_INET, made.address, binary) != 1) {
        return false;
    }
    static const unsigned char loopback6[16] = {[15] = 1};
    made.is_loopback =
        made.is_ipv6 ? memcmp(binary, loopback6, sizeof(loopback6)) == 0 : binary[0] == 127;
    *ret_address = made;
    return true;
}

int config_value_parse(const struct config_row *row, struct str text, uint64_t *ret_number,
                       struct error *error)
{
    struct config_address address;

    if (text.length > CONFIG_VALUE_BYTES_MAX) {
        return error_set(error, ERR_USAGE, "%s is longer than %u bytes", row->key,
                         CONFIG_VALUE_BYTES_MAX);
    }
    if (text.length && memchr(text.data, '\0', text.length)) {
        return error_set(error, ERR_USAGE, "%s holds a NUL", row->key);
    }
    *ret_number = 0;
    switch (row->kind) {
    case CONFIG_NUMBER:
    case CONFIG_BYTES:
        return parse_number(row, text, ret_number, error);
    case CONFIG_CHOICE:
        return parse_choice(row, text, ret_number, error);
    case CONFIG_ADDRESS:
        if (!config_address_parse(text, &address)) {
            return error_set(error, ERR_USAGE,
                             "%s takes ADDRESS:PORT such as 127.0.0.1:8421 or [::1]:8421, not "
                             "'%.*s'",
                             row->key, STR_ARGS(text));
        }
        return OK;
    case CONFIG_TEXT:
        break;
    }
    return OK;
}
