/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json/json_read.h"
#include "json/json_write.h"

#define SET_KEYS_MAX  64u /* of all kinds; more: refused */
#define KEY_TEXT_MAX  512u
#define FILE_MODE     (S_IRUSR | S_IWUSR)
#define TEMPORARY_END ".new"

/* ---- reading ---- */

static bool says(struct json_value key, const char *name, const char *wanted, bool by_default)
{
    struct json_value value = json_at(key, name);
    struct str text;

    return json_is(value, JSON_MISSING)
               ? by_default
               : json_get_str(value, &text) && str_equal(text, str_from(wanted));
}

static bool is_for_us(struct json_value key)
{
    return says(key, "kty", "EC", false) && says(key, "crv", "P-256", false) &&
           says(key, "alg", "ES256", true) && says(key, "use", "sig", true);
}

/* Visible ASCII without what JSON would escape: the text is written again as it is. */
static bool copy_word(struct json_value key, const char *name, char *into, size_t bytes_max)
{
    struct str value;

    if (!json_get_str(json_at(key, name), &value) || value.length == 0 ||
        value.length > bytes_max) {
        return false;
    }
    for (size_t i = 0; i < value.length; i++) {
        char c = value.data[i];

        if (c <= ' ' || c > '~' || c == '"' || c == '\\') {
            return false;
        }
    }
    memcpy(into, value.data, value.length);
    into[value.length] = '\0';
    return true;
}

static void write_key(struct json_writer *w, const struct jwks_key *key)
{
    const char *const members[][2] = {{"kty", "EC"},     {"crv", "P-256"}, {"alg", "ES256"},
                                      {"kid", key->kid}, {"x", key->x},    {"y", key->y}};

    json_begin_object(w);
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        json_key(w, members[i][0]);
        json_put_text(w, members[i][1]);
    }
    json_end_object(w);
}

static int import_key(struct jwks_key *key, struct error *error)
{
    cleanup(buf_done) struct buf text;
    cjose_err why;

    buf_init(&text, KEY_TEXT_MAX);
    struct json_writer w = json_writer_on(&text);
    write_key(&w, key);
    if (buf_status(&text)) {
        return error_set(error, buf_status(&text), "cannot take a key: %s",
                         error_code_text(buf_status(&text)));
    }
    key->jwk = cjose_jwk_import(text.data, text.length, &why);
    /* cjose calls whatever is wrong with a point want of memory */
    return key->jwk ? OK
                    : error_set(error, ERR_INVALID, "the key '%s' is no point of P-256", key->kid);
}

static int add_key(struct jwks *set, struct json_value value, struct error *error)
{
    struct jwks_key key = {.jwk = NULL};

    if (!is_for_us(value) || !copy_word(value, "kid", key.kid, JWKS_KID_BYTES_MAX)) {
        return OK;
    }
    if (!copy_word(value, "x", key.x, JWKS_PART_BYTES_MAX) ||
        !copy_word(value, "y", key.y, JWKS_PART_BYTES_MAX)) {
        return error_set(error, ERR_INVALID, "the key '%s' has no x and y", key.kid);
    }
    if (jwks_find(set, str_from(key.kid))) {
        return error_set(error, ERR_INVALID, "the key '%s' is there twice", key.kid);
    }
    if (set->count == JWKS_KEYS_MAX) {
        return error_set(error, ERR_LIMIT, "the set has more than %u keys", JWKS_KEYS_MAX);
    }
    int code = import_key(&key, error);
    if (code == OK) {
        set->keys[set->count++] = key;
    }
    return code;
}

static int read_set(struct json_value root, struct str issuer, struct jwks *set,
                    struct error *error)
{
    struct json_value keys = json_at(root, "keys");
    struct json_value of = json_at(root, "issuer");
    struct str name;

    if (!json_is(root, JSON_OBJECT) || !json_is(keys, JSON_ARRAY)) {
        return error_set(error, ERR_INVALID, "this is no set of keys");
    }
    if (!json_is(of, JSON_MISSING) && !(json_get_str(of, &name) && str_equal(name, issuer))) {
        return error_set(error, ERR_INVALID, "these are the keys of another issuer");
    }
    if (json_count(keys) > SET_KEYS_MAX) {
        return error_set(error, ERR_LIMIT, "the set has more than %u keys", SET_KEYS_MAX);
    }
    for (struct json_iterator it = json_iterate(keys); json_next(&it);) {
        int code = add_key(set, it.value, error);

        if (code) {
            return code;
        }
    }
    return set->count ? OK
                      : error_set(error, ERR_INVALID, "the set has no key that signs with ES256");
}

int jwks_read(struct str text, struct str issuer, struct jwks *ret_set, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct json_value root;
    struct jwks set = {.count = 0};
    int code = json_parser_new(JWKS_BYTES_MAX, &parser);

    if (code) {
        return error_set(error, code, "out of memory");
    }
    code = json_parse(parser, text, &root, error);
    if (code == OK) {
        code = read_set(root, issuer, &set, error);
    }
    if (code) {
        jwks_done(&set);
        return code;
    }
    *ret_set = set;
    return OK;
}

void jwks_done(struct jwks *set)
{
    for (size_t i = 0; i < set->count; i++) {
        (void)cjose_jwk_release(set->keys[i].jwk);
    }
    *set = (struct jwks){.count = 0};
}

const struct jwks_key *jwks_find(const struct jwks *set, struct str kid)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_equal(str_from(set->keys[i].kid), kid)) {
            return &set->keys[i];
        }
    }
    return NULL;
}

bool jwks_equal(const struct jwks *a, const struct jwks *b)
{
    bool is_equal = a->count == b->count;

    for (size_t i = 0; is_equal && i < a->count; i++) {
        is_equal = strcmp(a->keys[i].kid, b->keys[i].kid) == 0 &&
                   strcmp(a->keys[i].x, b->keys[i].x) == 0 &&
                   strcmp(a->keys[i].y, b->keys[i].y) == 0;
    }
    return is_equal;
}

void jwks_write(const struct jwks *set, struct str issuer, struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    json_begin_object(&w);
    json_key(&w, "issuer");
    json_put_str(&w, issuer);
    json_key(&w, "keys");
    json_begin_array(&w);
    for (size_t i = 0; i < set->count; i++) {
        write_key(&w, &set->keys[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
}

/* ---- the file ---- */

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

int jwks_load(const char *path, struct str issuer, struct jwks *ret_set, struct error *error)
{
    cleanup(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    cleanup(buf_done) struct buf text;
    ssize_t got = 0;
    char piece[4096];

    buf_init(&text, JWKS_BYTES_MAX);
    if (fd < 0) {
        return error_set(error, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot read %s: %m",
                         path);
    }
    while (!buf_status(&text) && (got = read(fd, piece, sizeof(piece))) > 0) {
        buf_append(&text, (struct str){piece, (size_t)got});
    }
    if (got < 0) {
        return error_set(error, ERR_IO, "cannot read %s: %m", path);
    }
    if (buf_status(&text)) {
        return error_set(error, buf_status(&text), "cannot read %s: %s", path,
                         error_code_text(buf_status(&text)));
    }
    return jwks_read(buf_str(&text), issuer, ret_set, error);
}

static int write_all(int fd, struct str text)
{
    for (size_t done = 0; done < text.length;) {
        ssize_t written = write(fd, text.data + done, text.length - done);

        if (written < 0 && errno != EINTR) {
            return ERR_IO;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    return fsync(fd) ? ERR_IO : OK;
}

/* The name is durable when the folder is. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) : 1;

    (void)snprintf(folder, sizeof(folder), "%.*s", length, slash ? path : ".");
    cleanup(close_fd) int fd = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd >= 0) {
        (void)fsync(fd);
    }
}

int jwks_save(const char *path, struct str text, struct error *error)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof(temporary), "%s" TEMPORARY_END, path);

    if (length < 0 || (size_t)length >= sizeof(temporary)) {
        return error_set(error, ERR_IO, "cannot write %s: the name is too long", path);
    }
    cleanup(close_fd) int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (fd < 0 || write_all(fd, text) || rename(temporary, path)) {
        (void)error_set(error, ERR_IO, "cannot write %s: %m", path);
        (void)unlink(temporary);
        return ERR_IO;
    }
    sync_folder(path);
    return OK;
}
