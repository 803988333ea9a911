/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/seal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sys/random.h>

#include "auth/base64url.h"

#define NONCE_BYTES  12
#define TAG_BYTES    16
#define SEALED_BYTES (NONCE_BYTES + SEAL_PLAIN_MAX + TAG_BYTES)
#define KEY_PURPOSE  "netra signing keys 1"

static void free_cipher(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
}

int seal_init(struct seal *seal, struct str secret)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret.data, secret.length),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)KEY_PURPOSE,
                                          sizeof(KEY_PURPOSE) - 1),
        OSSL_PARAM_construct_end(),
    };
    bool is_made = context && EVP_KDF_derive(context, seal->key, sizeof(seal->key), params) > 0;

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return is_made ? OK : ERR_NO_MEMORY;
}

void seal_wipe(struct seal *seal)
{
    OPENSSL_cleanse(seal, sizeof(*seal));
}

int seal_close(const struct seal *seal, struct str name, struct str plain,
               char text[SEAL_TEXT_BYTES_MAX])
{
    unsigned char sealed[SEALED_BYTES];
    cleanup(free_cipher) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    unsigned char *body = sealed + NONCE_BYTES;
    int length = 0;
    int rest = 0;

    if (plain.length > SEAL_PLAIN_MAX) {
        return ERR_LIMIT;
    }
    if (getrandom(sealed, NONCE_BYTES, 0) != NONCE_BYTES) {
        return ERR_IO;
    }
    if (!context || EVP_EncryptInit_ex2(context, EVP_aes_256_gcm(), seal->key, sealed, NULL) <= 0 ||
        EVP_EncryptUpdate(context, NULL, &length, (const unsigned char *)name.data,
                          (int)name.length) <= 0 ||
        EVP_EncryptUpdate(context, body, &length, (const unsigned char *)plain.data,
                          (int)plain.length) <= 0 ||
        EVP_EncryptFinal_ex(context, body + length, &rest) <= 0 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, body + length) <= 0) {
        return ERR_NO_MEMORY;
    }
    base64url_encode(sealed, (size_t)(NONCE_BYTES + length + TAG_BYTES), text);
    return OK;
}

int seal_open(const struct seal *seal, struct str name, struct str text,
              char plain[SEAL_PLAIN_MAX + 1], size_t *ret_length)
{
    unsigned char sealed[SEALED_BYTES + 1]; /* a text of the greatest length may hold one more */
    cleanup(free_cipher) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    size_t count;
    int length = 0;
    int rest = 0;

    if (text.length >= SEAL_TEXT_BYTES_MAX || !base64url_decode(text, sealed, &count) ||
        count < NONCE_BYTES + TAG_BYTES || count > SEALED_BYTES) {
        return ERR_INVALID;
    }
    if (!context) {
        return ERR_NO_MEMORY;
    }
    int body = (int)count - NONCE_BYTES - TAG_BYTES;
    if (EVP_DecryptInit_ex2(context, EVP_aes_256_gcm(), seal->key, sealed, NULL) <= 0 ||
        EVP_DecryptUpdate(context, NULL, &length, (const unsigned char *)name.data,
                          (int)name.length) <= 0 ||
        EVP_DecryptUpdate(context, (unsigned char *)plain, &length, sealed + NONCE_BYTES, body) <=
            0 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES,
                            sealed + NONCE_BYTES + body) <= 0 ||
        EVP_DecryptFinal_ex(context, (unsigned char *)plain + length, &rest) <= 0) {
        OPENSSL_cleanse(plain, SEAL_PLAIN_MAX + 1);
        return ERR_INVALID;
    }
    plain[length] = '\0';
    *ret_length = (size_t)length;
    return OK;
}
