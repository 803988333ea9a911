/* SPDX-License-Identifier: Apache-2.0 */
#include "http/forwarded.h"

#include "base/alloc.h"

#define VALUE_BYTES_MAX 80u /* of a quoted one; no address or scheme is longer */

/* ---- who is trusted ---- */

int networks_parse(const char *const *texts, size_t count, struct ip_networks *ret_networks,
                   struct error *error)
{
    struct ip_networks networks = {NULL, count};

    if (count) {
        networks.items = alloc_zeroed(count, sizeof(*networks.items));
        if (!networks.items) {
            return error_set(error, ERR_NO_MEMORY, "no memory for %zu trusted proxies", count);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (network_parse(str_trim(str_from(texts[i])), &networks.items[i])) {
            networks_done(&networks);
            return error_set(error, ERR_INVALID,
                             "\"%s\" is not an IP address or a network such as 10.0.0.0/8",
                             texts[i]);
        }
    }
    *ret_networks = networks;
    return OK;
}

void networks_done(struct ip_networks *networks)
{
    alloc_free(networks->items);
    *networks = (struct ip_networks){NULL, 0};
}

bool networks_have(const struct ip_networks *networks, const struct ip_address *address)
{
    for (size_t i = 0; i < networks->count; i++) {
        if (network_has(&networks->items[i], address)) {
            return true;
        }
    }
    return false;
}

/* ---- the way here, from the left to the right ---- */

/* What is known after some of the hops; the last hop that is not trusted counts. */
struct way {
    const struct ip_networks *trusted;
    bool is_there; /* the header is */
    bool is_known;
    bool is_malformed; /* as a whole */
    struct ip_address client;
    uint16_t port;
    bool says_scheme; /* of the hop that is the client's */
    bool is_secure;
};

/* node: empty when the hop does not say. True: so far it is the client's. */
static bool add_hop(struct way *way, struct str node)
{
    struct ip_address address;
    uint16_t port;
    bool is_readable = address_parse_node(node, &address, &port);
    bool is_trusted = is_readable && networks_have(way->trusted, &address);
    bool is_first = !way->is_there;

    way->is_there = true;
    if (is_trusted && !is_first) {
        return false; /* who is left of it has said so to it */
    }
    way->is_known = is_readable;
    if (is_readable) {
        way->client = address;
        way->port = port;
    }
    return true;
}

static void take_list(struct way *way, struct str list)
{
    for (;;) {
        size_t comma = str_find(list, STR(","), 0);
        bool is_last = comma == SIZE_MAX;

        (void)add_hop(way, str_trim(str_slice(list, 0, is_last ? list.length : comma)));
        if (is_last) {
            return;
        }
        list = str_slice(list, comma + 1, list.length);
    }
}

/* ---- Forwarded ---- */

static bool is_token_char(char c)
{
    return c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

static struct str take_token(struct str *rest)
{
    size_t length = 0;

    while (length < rest->length && is_token_char(rest->data[length])) {
        length++;
    }
    struct str token = str_slice(*rest, 0, length);
    *rest = str_slice(*rest, length, rest->length);
    return token;
}

static void skip_blanks(struct str *rest)
{
    while (rest->length && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
        *rest = str_slice(*rest, 1, rest->length);
    }
}

static bool take_char(struct str *rest, char c)
{
    if (rest->length == 0 || rest->data[0] != c) {
        return false;
    }
    *rest = str_slice(*rest, 1, rest->length);
    return true;
}

/* Behind the opening quote; into text without its escapes, cut where it has no room. */
static bool take_quoted(struct str *rest, char text[static VALUE_BYTES_MAX], struct str *ret_value)
{
    size_t length = 0;

    while (rest->length) {
        char c = rest->data[0];
        bool is_escape = c == '\\' && rest->length > 1;

        *rest = str_slice(*rest, is_escape ? 2 : 1, rest->length);
        if (c == '"') {
            *ret_value = (struct str){text, length};
            return true;
        }
        if (length < VALUE_BYTES_MAX) {
            text[length++] = is_escape ? rest->data[-1] : c;
        }
    }
    return false;
}

struct hop {
    char text[VALUE_BYTES_MAX];
    struct str node;
    bool says_scheme;
    bool is_secure;
};

/* "for=192.0.2.60" */
static bool take_pair(struct str *rest, struct hop *hop)
{
    char text[VALUE_BYTES_MAX];
    struct str name = take_token(rest);
    struct str value;

    if (name.length == 0 || !take_char(rest, '=')) {
        return false;
    }
    if (take_char(rest, '"')) {
        if (!take_quoted(rest, text, &value)) {
            return false;
        }
    } else {
        value = take_token(rest);
        if (value.length == 0) {
            return false;
        }
    }
    if (str_equal_ascii_case(name, STR("for"))) {
        if (hop->node.length) {
            return false; /* twice: which one is meant? */
        }
        size_t length = value.length < VALUE_BYTES_MAX ? value.length : VALUE_BYTES_MAX;
        memcpy(hop->text, value.data, length);
        hop->node = (struct str){hop->text, length};
    } else if (str_equal_ascii_case(name, STR("proto"))) {
        hop->is_secure = str_equal_ascii_case(value, STR("https"));
        hop->says_scheme = true;
    }
    return true;
}

/* "for=192.0.2.60;proto=http, for=…": false when it is malformed, then all of it is worth nothing.
 */
static bool take_elements(struct way *way, struct str rest)
{
    while (rest.length) {
        struct hop hop = {.node = {"", 0}};

        do {
            skip_blanks(&rest);
            if (!take_pair(&rest, &hop)) {
                return false;
            }
            skip_blanks(&rest);
        } while (take_char(&rest, ';'));
        if (add_hop(way, hop.node)) {
            way->says_scheme = hop.says_scheme;
            way->is_secure = hop.is_secure;
        }
        if (rest.length && (!take_char(&rest, ',') || rest.length == 0)) {
            return false;
        }
    }
    return true;
}

/* ---- both ---- */

/* The last one of "https, http": what the proxy added, whatever the client sent. */
static void take_scheme(struct str value, bool *ret_says, bool *ret_is_secure)
{
    size_t comma = str_find(value, STR(","), 0);

    while (comma != SIZE_MAX) {
        value = str_slice(value, comma + 1, value.length);
        comma = str_find(value, STR(","), 0);
    }
    *ret_says = true;
    *ret_is_secure = str_equal_ascii_case(str_trim(value), STR("https"));
}

static void take_headers(const struct http_header *headers, size_t count, struct way *standard,
                         struct way *older)
{
    for (size_t i = 0; i < count; i++) {
        const struct http_header *header = &headers[i];

        if (str_equal_ascii_case(header->name, STR("Forwarded"))) {
            if (header->value.length == 0 || !take_elements(standard, header->value)) {
                standard->is_malformed = true;
            }
            standard->is_there = true;
        } else if (str_equal_ascii_case(header->name, STR("X-Forwarded-For"))) {
            take_list(older, header->value);
        } else if (str_equal_ascii_case(header->name, STR("X-Forwarded-Proto"))) {
            take_scheme(header->value, &older->says_scheme, &older->is_secure);
        }
    }
}

void forwarded_read(const struct http_header *headers, size_t count,
                    const struct ip_networks *trusted, struct forwarded *ret_forwarded)
{
    struct way standard = {.trusted = trusted};
    struct way older = {.trusted = trusted};
    const struct way *told = &older;

    take_headers(headers, count, &standard, &older);
    if (standard.is_malformed) {
        standard.is_known = false;
    }
    if (standard.is_there) {
        told = &standard;
    }
    bool is_at_odds =
        standard.is_there && older.is_there &&
        !(standard.is_known && older.is_known && address_equal(&standard.client, &older.client));
    bool says_scheme = standard.says_scheme || older.says_scheme;
    bool is_secure =
        (!standard.says_scheme || standard.is_secure) && (!older.says_scheme || older.is_secure);
    *ret_forwarded = (struct forwarded){
        .has_client = told->is_known && !is_at_odds,
        .client = told->client,
        .port = told->port,
        .says_scheme = says_scheme,
        .is_secure = says_scheme && is_secure,
    };
}
