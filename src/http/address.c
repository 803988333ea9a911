/* SPDX-License-Identifier: Apache-2.0 */
#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/check.h"
#include "base/error.h"

#define V4_AT   12u /* where the four bytes of an IPv4 address lie */
#define V4_BITS 96u

static const unsigned char v4_prefix[V4_AT] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool address_is_v4(const struct ip_address *address)
{
    return memcmp(address->bytes, v4_prefix, V4_AT) == 0;
}

bool address_equal(const struct ip_address *a, const struct ip_address *b)
{
    return memcmp(a->bytes, b->bytes, ADDRESS_BYTES) == 0;
}

bool address_parse(struct str text, struct ip_address *ret_address)
{
    char copy[ADDRESS_TEXT_BYTES];
    struct ip_address address;
    size_t zone = str_find(text, STR("%"), 0);
    size_t length = zone < text.length ? zone : text.length;

    if (length == 0 || length >= sizeof(copy) || memchr(text.data, '\0', length)) {
        return false;
    }
    memcpy(copy, text.data, length);
    copy[length] = '\0';
    if (zone == SIZE_MAX && inet_pton(AF_INET, copy, address.bytes + V4_AT) == 1) {
        memcpy(address.bytes, v4_prefix, V4_AT);
    } else if (inet_pton(AF_INET6, copy, address.bytes) != 1) {
        return false;
    }
    *ret_address = address;
    return true;
}

/* 1 to 65535, digits only. */
static bool parse_port(struct str text, uint16_t *ret_port)
{
    unsigned port = 0;

    if (text.length == 0 || text.length > 5) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    if (port == 0 || port > UINT16_MAX) {
        return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}

bool address_parse_node(struct str text, struct ip_address *ret_address, uint16_t *ret_port)
{
    struct str address = text;
    struct str rest = {"", 0}; /* ":80" */
    struct ip_address parsed;
    uint16_t port = 0;

    if (str_starts_with(text, STR("["))) {
        size_t end = str_find(text, STR("]"), 1);

        if (end == SIZE_MAX) {
            return false;
        }
        address = str_slice(text, 1, end);
        rest = str_slice(text, end + 1, text.length);
    } else {
        size_t colon = str_find(text, STR(":"), 0);

        /* More than one colon: an IPv6 address without brackets, which some proxies write. */
        if (colon != SIZE_MAX && str_find(text, STR(":"), colon + 1) == SIZE_MAX) {
            address = str_slice(text, 0, colon);
            rest = str_slice(text, colon, text.length);
        }
    }
    if (rest.length &&
        (rest.data[0] != ':' || !parse_port(str_slice(rest, 1, rest.length), &port))) {
        return false;
    }
    if (!address_parse(address, &parsed)) {
        return false;
    }
    *ret_address = parsed;
    *ret_port = port;
    return true;
}

/* ---- networks ---- */

static bool parse_bits(struct str text, unsigned most, unsigned *ret_bits)
{
    uint16_t bits = 0;

    if (str_equal(text, STR("0"))) {
        *ret_bits = 0;
        return true;
    }
    if (!parse_port(text, &bits) || bits > most || text.data[0] == '0') {
        return false;
    }
    *ret_bits = bits;
    return true;
}

static bool has_bits_beyond(const struct ip_network *network)
{
    for (unsigned bit = network->bits; bit < ADDRESS_BYTES * 8; bit++) {
        if (network->base.bytes[bit / 8] & (0x80u >> bit % 8)) {
            return true;
        }
    }
    return false;
}

int network_parse(struct str text, struct ip_network *ret_network)
{
    size_t slash = str_find(text, STR("/"), 0);
    struct ip_network network = {.bits = ADDRESS_BYTES * 8};

    if (!address_parse(str_slice(text, 0, slash < text.length ? slash : text.length),
                       &network.base)) {
        return ERR_INVALID;
    }
    if (slash < text.length) {
        unsigned before = address_is_v4(&network.base) ? V4_BITS : 0;
        unsigned bits;

        if (!parse_bits(str_slice(text, slash + 1, text.length), ADDRESS_BYTES * 8 - before,
                        &bits)) {
            return ERR_INVALID;
        }
        network.bits = before + bits;
    }
    if (has_bits_beyond(&network)) {
        return ERR_INVALID;
    }
    *ret_network = network;
    return OK;
}

bool network_has(const struct ip_network *network, const struct ip_address *address)
{
    unsigned bytes = network->bits / 8;
    unsigned rest = network->bits % 8;

    if (memcmp(network->base.bytes, address->bytes, bytes) != 0) {
        return false;
    }
    unsigned char mask = (unsigned char)(0xff00u >> rest);
    return rest == 0 || ((network->base.bytes[bytes] ^ address->bytes[bytes]) & mask) == 0;
}

/* ---- texts ---- */

void peer_print(const struct ip_address *address, uint32_t zone, uint16_t port,
                struct peer *ret_peer)
{
    bool is_v4 = address_is_v4(address);
    char name[ADDRESS_TEXT_BYTES];
    const char *printed = is_v4 ? inet_ntop(AF_INET, address->bytes + V4_AT, name, sizeof(name))
                                : inet_ntop(AF_INET6, address->bytes, name, sizeof(name));

    check(printed);
    size_t length = strlen(name);
    if (zone && !is_v4) {
        length += (size_t)snprintf(name + length, sizeof(name) - length, "%%%u", zone);
    }
    ret_peer->address = *address;
    ret_peer->address_at = is_v4 ? 0 : 1;
    ret_peer->address_length = (unsigned char)length;
    int printed_bytes =
        snprintf(ret_peer->text, sizeof(ret_peer->text), is_v4 ? "%s" : "[%s]", name);
    if (port) {
        (void)snprintf(ret_peer->text + printed_bytes,
                       sizeof(ret_peer->text) - (size_t)printed_bytes, ":%u", port);
    }
}

void peer_of_socket(const struct sockaddr_storage *socket_address, struct peer *ret_peer)
{
    struct ip_address address;

    if (socket_address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)socket_address;

        memcpy(address.bytes, &in6->sin6_addr, ADDRESS_BYTES);
        peer_print(&address, in6->sin6_scope_id, ntohs(in6->sin6_port), ret_peer);
    } else if (socket_address->ss_family == AF_INET) {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)socket_address;

        memcpy(address.bytes, v4_prefix, V4_AT);
        memcpy(address.bytes + V4_AT, &in4->sin_addr, ADDRESS_BYTES - V4_AT);
        peer_print(&address, /* zone */ 0, ntohs(in4->sin_port), ret_peer);
    } else {
        *ret_peer = (struct peer){.text = "?", .address_length = 1};
    }
}
