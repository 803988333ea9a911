/* SPDX-License-Identifier: Apache-2.0 */
#include "server/url.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "server/config_value.h"

static bool has_odd_characters(struct str url)
{
    for (size_t i = 0; i < url.length; i++) {
        if (url.data[i] <= ' ' || url.data[i] > '~' || strchr("\"<>\\^`{|}", url.data[i])) {
            return true;
        }
    }
    return false;
}

/* HOST or HOST:PORT, [v6] too. is_here: on this machine. */
static bool is_authority(struct str authority, bool *ret_is_here)
{
    char text[CONFIG_ADDRESS_BYTES_MAX + 8];
    struct config_address address;
    size_t colon = str_find(authority, STR(":"), 0);
    bool is_ipv6 = str_starts_with(authority, STR("["));
    size_t host_end = authority.length;

    if (is_ipv6) {
        size_t bracket = str_find(authority, STR("]"), 0);

        host_end = bracket == SIZE_MAX ? 0 : bracket + 1;
    } else if (colon != SIZE_MAX) {
        host_end = colon;
    }
    struct str host = str_slice(authority, 0, host_end);
    struct str rest = str_slice(authority, host_end, authority.length);
    uint64_t port = 1;
    bool has_port = rest.length > 0;
    if (host.length == 0 ||
        (has_port &&
         (rest.data[0] != ':' || decimal_parse_u64(str_slice(rest, 1, rest.length), &port) ||
          port == 0 || port > UINT16_MAX))) {
        return false;
    }
    int length = snprintf(text, sizeof(text), "%.*s:1", STR_ARGS(host));
    bool is_address = length > 0 && (size_t)length < sizeof(text) &&
                      config_address_parse(str_from(text), &address);
    *ret_is_here = is_address && address.is_loopback;
    return is_address || !is_ipv6;
}

const char *url_fault(struct str url, bool *ret_is_seen)
{
    bool is_https = str_starts_with(url, STR("https://"));
    size_t begin = is_https ? 8 : 7;
    bool is_here = false;

    if (url.length == 0) {
        return "is empty";
    }
    if (!is_https && !str_starts_with(url, STR("http://"))) {
        return "is no address that begins with https://";
    }
    if (has_odd_characters(url) || str_find(url, STR("?"), 0) != SIZE_MAX ||
        str_find(url, STR("#"), 0) != SIZE_MAX) {
        return "holds characters that the base of an address has not";
    }
    struct str rest = str_slice(url, begin, url.length);
    size_t slash = str_find(rest, STR("/"), 0);
    struct str authority = str_slice(rest, 0, slash == SIZE_MAX ? rest.length : slash);
    if (str_find(authority, STR("@"), 0) != SIZE_MAX) {
        return "holds a user name or a password";
    }
    if (!is_authority(authority, &is_here)) {
        return "names no host, or no port that there is";
    }
    *ret_is_seen = !is_https && !is_here;
    return NULL;
}
