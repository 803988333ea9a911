/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/digest.h"

#include <errno.h>
#include <stdio.h>

#include <openssl/evp.h>

#define PIECE_BYTES 65536u

static void free_context(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static void close_file(FILE **file)
{
    if (*file) {
        (void)fclose(*file);
    }
}

static EVP_MD_CTX *begin(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (context && EVP_DigestInit_ex(context, EVP_sha256(), /* engine */ NULL) != 1) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return context;
}

static int finish(EVP_MD_CTX *context, char ret_digest[DIGEST_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    if (EVP_DigestFinal_ex(context, hash, &length) != 1 || length * 2 + 1 != DIGEST_TEXT_BYTES) {
        return ERR_NO_MEMORY;
    }
    for (unsigned i = 0; i < length; i++) {
        ret_digest[2 * i] = digits[hash[i] >> 4];
        ret_digest[2 * i + 1] = digits[hash[i] & 15];
    }
    ret_digest[DIGEST_TEXT_BYTES - 1] = '\0';
    return OK;
}

int digest_texts(const struct str *texts, size_t count, char ret_digest[DIGEST_TEXT_BYTES])
{
    cleanup(free_context) EVP_MD_CTX *context = begin();
    bool is_good = context != NULL;

    for (size_t i = 0; i < count && is_good; i++) {
        is_good =
            texts[i].length == 0 || EVP_DigestUpdate(context, texts[i].data, texts[i].length) == 1;
    }
    /* libcrypto fails here for want of memory only. */
    return is_good ? finish(context, ret_digest) : ERR_NO_MEMORY;
}

int digest_file(const char *path, char ret_digest[DIGEST_TEXT_BYTES], struct error *error)
{
    cleanup(free_context) EVP_MD_CTX *context = begin();
    cleanup(close_file) FILE *file = fopen(path, "re");
    unsigned char piece[PIECE_BYTES];
    size_t got = 1;

    if (!file) {
        return error_set(error, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open %s: %m",
                         path);
    }
    bool is_good = context != NULL;
    while (got && is_good) {
        got = fread(piece, 1, sizeof(piece), file);
        is_good = EVP_DigestUpdate(context, piece, got) == 1;
    }
    if (ferror(file)) {
        return error_set(error, ERR_IO, "cannot read %s: %m", path);
    }
    if (!is_good || finish(context, ret_digest)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    return OK;
}

bool digest_is_text(struct str text)
{
    bool is_good = text.length == DIGEST_TEXT_BYTES - 1;

    for (size_t i = 0; i < text.length && is_good; i++) {
        char c = text.data[i];

        is_good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    }
    return is_good;
}
