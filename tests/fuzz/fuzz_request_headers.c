/*
 * What clients write into the headers that the gate reads: four lines of any bytes: an
 * Idempotency-Key, an If-None-Match, a body, an address. A key that is taken is short and visible;
 * a list of tags finds the tag that stands in it, whatever stands around it; an address is a bucket
 * of bounded size, always the same one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>
#include <stdint.h>

#include "api/etag.h"
#include "api/idempotency.h"
#include "api/limit.h"
#include "base/buf.h"
#include "base/check.h"

#define LIST_BYTES_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str next_line(struct str *rest)
{
    size_t end = str_find(*rest, STR("\n"), 0);
    bool is_last = end == SIZE_MAX;
    struct str line = str_slice(*rest, 0, is_last ? rest->length : end);

    *rest = str_slice(*rest, is_last ? rest->length : end + 1, rest->length);
    return line;
}

static void check_key(struct str key)
{
    if (!idempotency_is_key(key)) {
        return;
    }
    check(key.length >= 1 && key.length <= IDEMPOTENCY_KEY_BYTES_MAX);
    for (size_t i = 0; i < key.length; i++) {
        check(key.data[i] > ' ' && key.data[i] <= '~');
    }
    char id[UUID_BYTES];
    idempotency_derive_id(STR("w"), STR("o"), key, "thread", id);
    check(store_is_id(str_from(id)));
}

/* The tag at the head of any list is found; behind it, any list may stand. */
static void check_tags(struct str list, struct str body)
{
    char etag[ETAG_TEXT_BYTES];
    cleanup(buf_done) struct buf longer;

    buf_init(&longer, LIST_BYTES_MAX);
    etag_of(body, etag);
    buf_append(&longer, str_from(etag));
    buf_append(&longer, STR(", "));
    buf_append(&longer, list);
    const struct http_header header = {STR("If-None-Match"), buf_str(&longer)};
    const struct http_request request = {.headers = &header, .header_count = 1};
    check(buf_status(&longer) || http_matches_etag(&request, str_from(etag)));
}

static void check_address(struct str address)
{
    char one[LIMIT_ADDRESS_BYTES];
    char two[LIMIT_ADDRESS_BYTES];
    struct str key = limit_address_key(address, one);

    check(key.length <= address.length || key.length < LIMIT_ADDRESS_BYTES);
    check(str_equal(key, limit_address_key(address, two)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};

    check_key(next_line(&rest));
    struct str list = next_line(&rest);
    check_tags(list, next_line(&rest));
    check_address(rest);
    return 0;
}
