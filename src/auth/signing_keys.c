/*
 * Keys are made and held by cjose; the public half is written by us, because cjose leaves out alg
 * and use.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/signing_keys.h"

#include <cjose/util.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "auth/base64url.h"
#include "base/civil_time.h"
#include "json/json_read.h"

#define COORDINATE_BYTES 32u

static void release(struct signing_key *key)
{
    if (key->jwk) {
        (void)cjose_jwk_release(key->jwk);
    }
    *key = (struct signing_key){0};
}

/* Coordinates are padded to their full length (RFC 7518, 6.2.1.2). */
static bool print_coordinate(const uint8_t *bytes, size_t count,
                             char text[BASE64URL_LENGTH(COORDINATE_BYTES) + 1])
{
    unsigned char padded[COORDINATE_BYTES] = {0};

    if (count > COORDINATE_BYTES) {
        return false;
    }
    memcpy(padded + COORDINATE_BYTES - count, bytes, count);
    base64url_encode(padded, sizeof(padded), text);
    return true;
}

static void free_json(char **json)
{
    if (*json) {
        OPENSSL_cleanse(*json, strlen(*json));
        cjose_get_dealloc()(*json);
    }
}

/* One coordinate of cjose's JSON as it is to be published. */
static bool read_coordinate(struct json_value jwk, const char *name,
                            char text[BASE64URL_LENGTH(COORDINATE_BYTES) + 1])
{
    unsigned char bytes[2 * COORDINATE_BYTES];
    struct str value;
    size_t count;

    return json_get_str(json_at(jwk, name), &value) &&
           BASE64URL_BYTES(value.length) <= sizeof(bytes) &&
           base64url_decode(value, bytes, &count) && print_coordinate(bytes, count, text);
}

static int print_public(struct signing_key *key)
{
    char x[BASE64URL_LENGTH(COORDINATE_BYTES) + 1];
    char y[BASE64URL_LENGTH(COORDINATE_BYTES) + 1];
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    cleanup(free_json) char *json = cjose_jwk_to_json(key->jwk, /* priv */ false, NULL);
    struct json_value jwk;

    if (!json || json_parser_new(SIGNING_KEY_JWK_MAX, &parser) ||
        json_parse(parser, str_from(json), &jwk, NULL) || !read_coordinate(jwk, "x", x) ||
        !read_coordinate(jwk, "y", y)) {
        return ERR_NO_MEMORY;
    }
    (void)snprintf(key->public_jwk, sizeof(key->public_jwk),
                   "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\",\"kid\":\"%s\","
                   "\"alg\":\"ES256\",\"use\":\"sig\"}",
                   x, y, key->id);
    return OK;
}

static int seal_private(const struct signing_keys *keys, struct signing_key *key)
{
    cleanup(free_json) char *json = cjose_jwk_to_json(key->jwk, /* priv */ true, NULL);

    return json ? seal_close(&keys->seal, str_from(key->id), str_from(json), key->sealed)
                : ERR_NO_MEMORY;
}

/* A new key at the end. */
static int make_key(struct signing_keys *keys, int64_t now_us, int64_t signs_from_us)
{
    if (keys->count == SIGNING_KEYS_MAX) {
        return ERR_LIMIT;
    }
    struct signing_key made = {.created_us = now_us, .signs_from_us = signs_from_us};
    int code = uuid_v7(made.id, NULL);
    if (code) {
        return code;
    }
    made.jwk = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, NULL);
    code = made.jwk ? print_public(&made) : ERR_NO_MEMORY;
    if (code == OK) {
        code = seal_private(keys, &made);
    }
    if (code) {
        release(&made);
        return code;
    }
    keys->keys[keys->count++] = made;
    return OK;
}

/* ---- the start ---- */

struct load {
    struct signing_keys *keys;
    int code;
    char failed[UUID_BYTES]; /* of the key that does not open */
};

static int open_row(const struct signing_keys *keys, const struct store_signing_key *row,
                    struct signing_key *key)
{
    char plain[SEAL_PLAIN_MAX + 1];
    size_t length;

    if (row->id.length >= sizeof(key->id) || row->sealed.length >= sizeof(key->sealed)) {
        return ERR_INVALID;
    }
    memcpy(key->id, row->id.data, row->id.length);
    memcpy(key->sealed, row->sealed.data, row->sealed.length);
    key->created_us = row->created_us;
    key->signs_from_us = row->signs_from_us;
    key->retires_us = row->retires_us;
    key->is_stored = true;
    int code = seal_open(&keys->seal, row->id, row->sealed, plain, &length);
    if (code) {
        return code;
    }
    key->jwk = cjose_jwk_import(plain, length, NULL);
    OPENSSL_cleanse(plain, sizeof(plain));
    /* the public half is made anew: nobody who can write into the store can publish another */
    return key->jwk ? print_public(key) : ERR_INVALID;
}

/* Retired ones first, then by when they sign. */
static bool is_before(const struct signing_key *a, const struct signing_key *b)
{
    if ((a->retires_us != 0) != (b->retires_us != 0)) {
        return a->retires_us != 0;
    }
    return a->signs_from_us < b->signs_from_us;
}

static bool load_one(const struct store_signing_key *row, void *arg)
{
    struct load *load = arg;
    struct signing_keys *keys = load->keys;
    struct signing_key key = {0};

    if (keys->count == SIGNING_KEYS_MAX) {
        return false;
    }
    load->code = open_row(keys, row, &key);
    if (load->code) {
        memcpy(load->failed, key.id, sizeof(load->failed));
        release(&key);
        return false;
    }
    size_t at = keys->count++;
    while (at > 0 && is_before(&key, &keys->keys[at - 1])) {
        keys->keys[at] = keys->keys[at - 1];
        at--;
    }
    keys->keys[at] = key;
    return true;
}

static size_t unretired(const struct signing_keys *keys)
{
    size_t count = 0;

    for (size_t i = 0; i < keys->count; i++) {
        count += keys->keys[i].retires_us == 0;
    }
    return count;
}

static int load_all(struct signing_keys *keys, struct store *store, struct error *error)
{
    struct load load = {.keys = keys};
    int code = store_list_signing_keys(store, load_one, &load);

    if (code) {
        return error_set(error, code, "cannot read the signing keys: %s", error_code_text(code));
    }
    if (load.code == ERR_INVALID) {
        (void)error_set(error, ERR_INVALID, "the secret does not open the signing key %s",
                        load.failed);
        error_hint(error, "Start with the secret of auth.secret_file that the data folder was "
                          "made with; where it is lost, delete the rows of signing_key.");
        return ERR_INVALID;
    }
    return load.code ? error_set(error, load.code, "out of memory") : OK;
}

int signing_keys_init(struct signing_keys *keys, struct str secret, int64_t life_us,
                      int64_t verifies_us, struct store *store, int64_t now_us, struct error *error)
{
    *keys = (struct signing_keys){.life_us = life_us, .verifies_us = verifies_us};
    if (seal_init(&keys->seal, secret)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    int code = load_all(keys, store, error);
    while (code == OK && unretired(keys) < 2) {
        int64_t signs_from_us = unretired(keys) ? now_us + life_us : now_us;

        code = make_key(keys, now_us, signs_from_us);
        if (code) {
            (void)error_set(error, code, "cannot make a signing key: %s", error_code_text(code));
        }
    }
    return code;
}

void signing_keys_done(struct signing_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        release(&keys->keys[i]);
    }
    keys->count = 0;
    seal_wipe(&keys->seal);
}

/* ---- in use ---- */

/* The last two are the current and the next one. */
const struct signing_key *signing_keys_current(const struct signing_keys *keys)
{
    return &keys->keys[keys->count - 2];
}

const struct signing_key *signing_keys_find(const struct signing_keys *keys, struct str id,
                                            int64_t now_us)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct signing_key *key = &keys->keys[i];

        if (str_equal(str_from(key->id), id)) {
            return key->retires_us && now_us >= key->retires_us ? NULL : key;
        }
    }
    return NULL;
}

bool signing_keys_is_due(const struct signing_keys *keys, int64_t now_us)
{
    return now_us >= keys->keys[keys->count - 1].signs_from_us;
}

int signing_keys_rotate(struct signing_keys *keys, int64_t now_us)
{
    size_t current = keys->count - 2;
    int code = make_key(keys, now_us, now_us + keys->life_us);

    if (code) {
        return code;
    }
    keys->keys[current].retires_us = now_us + keys->verifies_us;
    keys->keys[current].is_stored = false;
    keys->keys[current + 1].signs_from_us = now_us;
    keys->keys[current + 1].is_stored = false;
    return OK;
}

static bool is_gone(const struct signing_key *key, int64_t now_us)
{
    return key->retires_us && now_us - key->retires_us > SIGNING_KEY_KEEP_US;
}

bool signing_keys_store(struct signing_keys *keys, int64_t now_us, struct store_batch *batch)
{
    bool has_any = false;

    for (size_t i = 0; i < keys->count; i++) {
        struct signing_key *key = &keys->keys[i];

        if (is_gone(key, now_us)) {
            store_delete_signing_key(batch, str_from(key->id));
            release(key);
            memmove(key, key + 1, (keys->count - i - 1) * sizeof(*key));
            keys->count--;
            i--;
            has_any = true;
        } else if (!key->is_stored) {
            struct store_signing_key row = {.id = str_from(key->id),
                                            .public_jwk = str_from(key->public_jwk),
                                            .sealed = str_from(key->sealed),
                                            .created_us = key->created_us,
                                            .signs_from_us = key->signs_from_us,
                                            .retires_us = key->retires_us};

            store_put_signing_key(batch, &row);
            has_any = true;
        }
    }
    return has_any;
}

void signing_keys_stored(struct signing_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        keys->keys[i].is_stored = true;
    }
}

void signing_keys_write_jwks(const struct signing_keys *keys, int64_t now_us, struct json_writer *w)
{
    json_begin_object(w);
    json_key(w, "keys");
    json_begin_array(w);
    for (size_t i = 0; i < keys->count; i++) {
        const struct signing_key *key = &keys->keys[i];

        if (!key->retires_us || now_us < key->retires_us) {
            json_put_raw(w, str_from(key->public_jwk));
        }
    }
    json_end_array(w);
    json_end_object(w);
}
