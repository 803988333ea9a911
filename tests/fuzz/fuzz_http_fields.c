/*
 * Fields that decide whom a request is of and what goes back: Forwarded, X-Forwarded-For,
 * X-Forwarded-Proto, Accept-Encoding, If-None-Match. Each line of the input is one; its first
 * letter names it. Besides not failing:
 *  - what a trusted proxy adds at the right wins over all that stood there before;
 *  - gzip that is refused at the end is not sent;
 *  - a tag that is added at the end of a list that is well-formed is found.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buf.h"
#include "base/check.h"
#include "http/forwarded.h"
#include "http/negotiate.h"

#define FIELDS_MAX      16u
#define FIELD_BYTES_MAX 70000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const proxies[] = {"10.0.0.0/8", "::1"};

static struct str name_of(char letter)
{
    switch (letter) {
    case 'F':
        return STR("Forwarded");
    case 'X':
        return STR("X-Forwarded-For");
    case 'P':
        return STR("X-Forwarded-Proto");
    case 'A':
        return STR("Accept-Encoding");
    case 'I':
        return STR("If-None-Match");
    default:
        return STR("Other");
    }
}

static size_t read_fields(struct str input, struct http_header fields[static FIELDS_MAX])
{
    size_t count = 0;

    while (input.length && count < FIELDS_MAX) {
        size_t end = str_find(input, STR("\n"), 0);
        struct str line = str_slice(input, 0, end < input.length ? end : input.length);

        if (line.length) {
            fields[count].name = name_of(line.data[0]);
            fields[count++].value = str_trim(str_slice(line, 1, line.length));
        }
        input = end < input.length ? str_slice(input, end + 1, input.length) : (struct str){"", 0};
    }
    return count;
}

/* The value with more behind it. */
static struct str extended(struct buf *out, struct str value, const char *more)
{
    buf_init(out, FIELD_BYTES_MAX);
    buf_append(out, value);
    buf_append(out, str_from(more));
    return buf_str(out);
}

/* One field as a client sends it, and what is added behind it. */
static void try_field(const struct http_header *field, const struct ip_networks *trusted)
{
    struct http_header one = *field;
    struct forwarded told;
    struct buf text;

    if (str_equal(field->name, STR("X-Forwarded-For"))) {
        one.value = extended(&text, field->value, ", 203.0.113.7:88, 10.1.2.3");
        forwarded_read(&one, 1, trusted, &told);
        check(buf_status(&text) || (told.has_client && told.port == 88));
        buf_done(&text);
    } else if (str_equal(field->name, STR("Accept-Encoding"))) {
        one.value = extended(&text, field->value, ",gzip;q=0");
        check(buf_status(&text) || !negotiate_gzip(&one, 1));
        buf_done(&text);
    } else if (str_equal(field->name, STR("If-None-Match")) &&
               str_find(field->value, STR("\""), 0) == SIZE_MAX) {
        one.value = extended(&text, field->value, ",W/\"x,y\"");
        const struct http_request request = {.headers = &one, .header_count = 1};
        check(buf_status(&text) || http_matches_etag(&request, STR("\"x,y\"")));
        buf_done(&text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_header fields[FIELDS_MAX];
    size_t count = read_fields((struct str){(const char *)data, size}, fields);
    const struct http_request request = {.headers = fields, .header_count = count};
    struct ip_networks trusted;
    struct forwarded told;
    struct peer peer;
    struct ip_network network;

    check(networks_parse(proxies, 2, &trusted, NULL) == OK);
    forwarded_read(fields, count, &trusted, &told);
    if (told.has_client) {
        struct ip_address again;
        uint16_t port;

        peer_print(&told.client, /* zone */ 0, told.port, &peer);
        check(address_parse_node(str_from(peer.text), &again, &port));
        check(address_equal(&again, &told.client) && port == told.port);
    }
    check(told.says_scheme || !told.is_secure);
    (void)http_takes_gzip(&request);
    (void)http_matches_etag(&request, STR("\"abc\""));
    for (size_t i = 0; i < count; i++) {
        try_field(&fields[i], &trusted);
        if (network_parse(fields[i].value, &network) == OK) {
            check(network_has(&network, &network.base));
        }
    }
    networks_done(&trusted);
    return 0;
}
