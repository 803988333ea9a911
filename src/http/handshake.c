/* SPDX-License-Identifier: Apache-2.0 */
#include "http/handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/check.h"

#define KEY_CHARS 24 /* base64 of 16 bytes */

static const char accept_salt[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/* All headers of that name. */
static unsigned count_headers(const struct head *head, struct str name, struct str *ret_last)
{
    unsigned count = 0;

    for (size_t i = 0; i < head->header_count; i++) {
        if (str_equal_ascii_case(head->headers[i].name, name)) {
            *ret_last = head->headers[i].value;
            count++;
        }
    }
    return count;
}

static bool is_key(struct str key)
{
    if (key.length != KEY_CHARS || !str_ends_with(key, STR("=="))) {
        return false;
    }
    for (size_t i = 0; i < KEY_CHARS - 2; i++) {
        char c = key.data[i];
        char low = (char)(c | 0x20);

        if (!((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/')) {
            return false;
        }
    }
    return true;
}

int handshake_check(const struct head *head, struct str *ret_key)
{
    struct str upgrade = {NULL, 0};
    struct str version = {NULL, 0};
    struct str key = {NULL, 0};

    if (!head->wants_upgrade || count_headers(head, STR("Upgrade"), &upgrade) == 0 ||
        !head_list_has(upgrade, STR("websocket"))) {
        return 0;
    }
    if (head->method != HTTP_GET || head->is_http_1_0 || head->is_chunked || head->length) {
        return -REFUSAL_WS_HANDSHAKE;
    }
    unsigned versions = count_headers(head, STR("Sec-WebSocket-Version"), &version);
    if (versions != 1 || !str_equal(version, STR("13"))) {
        return -REFUSAL_WS_VERSION;
    }
    if (count_headers(head, STR("Sec-WebSocket-Key"), &key) != 1 || !is_key(key)) {
        return -REFUSAL_WS_HANDSHAKE;
    }
    *ret_key = key;
    return 1;
}

void handshake_accept(struct str key, char accept[static WS_ACCEPT_BYTES])
{
    unsigned char salted[KEY_CHARS + sizeof(accept_salt) - 1];
    unsigned char digest[SHA_DIGEST_LENGTH];

    check(key.length == KEY_CHARS);
    memcpy(salted, key.data, KEY_CHARS);
    memcpy(salted + KEY_CHARS, accept_salt, sizeof(accept_salt) - 1);
    (void)SHA1(salted, sizeof(salted), digest);
    (void)EVP_EncodeBlock((unsigned char *)accept, digest, SHA_DIGEST_LENGTH);
}
