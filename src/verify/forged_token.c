/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/forged_token.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#define COORDINATE_BYTES 32u
#define SIGNATURE_BYTES  64u /* r and s of P-256, as JWS has them */
#define DER_BYTES_MAX    80u
#define PAST_SECOND      "1000000000"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* ---- base64url ---- */

static void encode(struct str bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes.length; i += 3) {
        size_t left = bytes.length - i;
        unsigned group = (unsigned)(unsigned char)bytes.data[i] << 16;

        group |= left > 1 ? (unsigned)(unsigned char)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? (unsigned)(unsigned char)bytes.data[i + 2] : 0;
        for (size_t k = 0; k < (left > 2 ? 4 : left + 1); k++) {
            buf_append_char(out, alphabet[group >> (18 - 6 * k) & 63]);
        }
    }
}

static int decode(struct str text, struct buf *out)
{
    unsigned group = 0;
    unsigned bits = 0;

    if (!text.data || text.length % 4 == 1) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < text.length; i++) {
        const char *at = text.data[i] ? strchr(alphabet, text.data[i]) : NULL;

        if (!at) {
            return ERR_INVALID;
        }
        group = (group << 6 | (unsigned)(at - alphabet)) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_append_char(out, (char)(group >> bits & 0xff));
        }
    }
    return buf_status(out);
}

/* ---- parts ---- */

struct parts {
    struct str part[3];
    struct str signed_text; /* the first two with their dot */
};

static bool split(const char *token, struct parts *ret_parts)
{
    struct str rest = str_from(token);

    for (unsigned i = 0; i < 3; i++) {
        size_t dot = str_find(rest, STR("."), 0);
        bool is_last = i == 2;

        if (is_last != (dot == SIZE_MAX)) {
            return false;
        }
        ret_parts->part[i] = str_slice(rest, 0, is_last ? rest.length : dot);
        rest = is_last ? rest : str_slice(rest, dot + 1, rest.length);
    }
    ret_parts->signed_text =
        (struct str){token, ret_parts->part[0].length + 1 + ret_parts->part[1].length};
    return ret_parts->part[0].length && ret_parts->part[1].length && ret_parts->part[2].length;
}

int token_part(const char *token, unsigned part, struct buf *out)
{
    struct parts parts;

    return part < 3 && split(token, &parts) ? decode(parts.part[part], out) : ERR_INVALID;
}

bool token_is_jwt(const char *token)
{
    cleanup(buf_done) struct buf text;
    struct parts parts;

    buf_init(&text, FORGED_TOKEN_BYTES_MAX);
    return split(token, &parts) && decode(parts.part[0], &text) == OK && text.length &&
           text.data[0] == '{';
}

/* ---- changed claims ---- */

/* The JSON text with the value of a member replaced; the text as it is when there is none. */
static void replace_value(struct str json, const char *name, const char *value, struct buf *out)
{
    cleanup(buf_done) struct buf key;

    buf_init(&key, 64);
    buf_printf(&key, "\"%s\":", name);
    size_t at = str_find(json, buf_str(&key), 0);
    if (at == SIZE_MAX) {
        buf_append(out, json);
        return;
    }
    size_t begin = at + key.length;
    bool is_text = begin < json.length && json.data[begin] == '"';
    size_t end = begin + is_text;
    for (; end < json.length; end++) {
        if (is_text ? json.data[end] == '"' : json.data[end] == ',' || json.data[end] == '}') {
            break;
        }
    }
    end += is_text && end < json.length;
    buf_append(out, str_slice(json, 0, begin));
    buf_append(out, str_from(value));
    buf_append(out, str_slice(json, end, json.length));
}

static int change_claims(const struct parts *parts, const char *name, const char *value,
                         struct buf *out)
{
    cleanup(buf_done) struct buf claims;
    cleanup(buf_done) struct buf changed;

    buf_init(&claims, FORGED_TOKEN_BYTES_MAX);
    buf_init(&changed, FORGED_TOKEN_BYTES_MAX);
    int code = decode(parts->part[1], &claims);
    if (code) {
        return code;
    }
    replace_value(buf_str(&claims), name, value, &changed);
    if (str_equal(buf_str(&claims),
                  buf_str(&changed))) { /* a forgery that is none proves nothing */
        buf_clear(&changed);
        buf_append(&changed, str_slice(buf_str(&claims), 0, claims.length - 1));
        buf_append(&changed, STR(",\"forged\":1}"));
    }
    buf_append(out, parts->part[0]);
    buf_append_char(out, '.');
    encode(buf_str(&changed), out);
    buf_append_char(out, '.');
    buf_append(out, parts->part[2]);
    return buf_status(&changed) ? buf_status(&changed) : buf_status(out);
}

/* ---- keys ---- */

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void free_digest(EVP_MD_CTX **digest)
{
    EVP_MD_CTX_free(*digest);
}

static void free_signature(ECDSA_SIG **signature)
{
    ECDSA_SIG_free(*signature);
}

/* DER → r ‖ s. */
static bool to_jws(const unsigned char *der, size_t length, unsigned char out[SIGNATURE_BYTES])
{
    cleanup(free_signature) ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)length);

    return signature && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, COORDINATE_BYTES) > 0 &&
           BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + COORDINATE_BYTES, COORDINATE_BYTES) > 0;
}

/* r ‖ s → DER; 0: not such a signature. */
static size_t to_der(struct str jws, unsigned char out[DER_BYTES_MAX])
{
    cleanup(free_signature) ECDSA_SIG *signature = ECDSA_SIG_new();
    const unsigned char *bytes = (const unsigned char *)jws.data;

    if (!signature || jws.length != SIGNATURE_BYTES) {
        return 0;
    }
    BIGNUM *r = BN_bin2bn(bytes, COORDINATE_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(bytes + COORDINATE_BYTES, COORDINATE_BYTES, NULL);
    if (!r || !s || ECDSA_SIG_set0(signature, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return 0;
    }
    int length = i2d_ECDSA_SIG(signature, &out);
    return length > 0 ? (size_t)length : 0;
}

static int sign_with_own_key(const struct parts *parts, struct buf *out)
{
    cleanup(free_key) EVP_PKEY *key = EVP_EC_gen("P-256");
    cleanup(free_digest) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    unsigned char der[DER_BYTES_MAX];
    unsigned char jws[SIGNATURE_BYTES];
    size_t length = sizeof(der);

    if (!key || !digest || EVP_DigestSignInit(digest, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(digest, der, &length, (const unsigned char *)parts->signed_text.data,
                       parts->signed_text.length) != 1 ||
        !to_jws(der, length, jws)) {
        return ERR_NO_MEMORY;
    }
    buf_append(out, parts->signed_text);
    buf_append_char(out, '.');
    encode((struct str){(const char *)jws, sizeof(jws)}, out);
    return buf_status(out);
}

static int make_public_key(const unsigned char point[1 + 2 * COORDINATE_BYTES], EVP_PKEY **ret_key)
{
    char group[] = "P-256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group) - 1),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point,
                                1 + 2 * COORDINATE_BYTES),
        OSSL_PARAM_END,
    };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    bool is_made = context && EVP_PKEY_fromdata_init(context) == 1 &&
                   EVP_PKEY_fromdata(context, ret_key, EVP_PKEY_PUBLIC_KEY, params) == 1;

    EVP_PKEY_CTX_free(context);
    return is_made ? OK : ERR_INVALID;
}

bool token_is_signed_by(const char *token, struct str x, struct str y)
{
    cleanup(free_key) EVP_PKEY *key = NULL;
    cleanup(free_digest) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    cleanup(buf_done) struct buf point;
    cleanup(buf_done) struct buf jws;
    unsigned char der[DER_BYTES_MAX];
    struct parts parts;

    buf_init(&point, FORGED_TOKEN_BYTES_MAX);
    buf_init(&jws, FORGED_TOKEN_BYTES_MAX);
    buf_append_char(&point, 4); /* uncompressed */
    if (!digest || !split(token, &parts) || decode(x, &point) || decode(y, &point) ||
        point.length != 1 + 2 * COORDINATE_BYTES || decode(parts.part[2], &jws) ||
        make_public_key((const unsigned char *)point.data, &key)) {
        return false;
    }
    size_t length = to_der(buf_str(&jws), der);
    return length && EVP_DigestVerifyInit(digest, NULL, EVP_sha256(), NULL, key) == 1 &&
           EVP_DigestVerify(digest, der, length, (const unsigned char *)parts.signed_text.data,
                            parts.signed_text.length) == 1;
}

/* ---- all of them ---- */

/* A bit in the middle of the signature: the last character's may be padding. */
static int change_signature(const struct parts *parts, struct buf *out)
{
    size_t middle = parts->part[2].length / 2;

    if (parts->part[2].length == 0) {
        return ERR_INVALID;
    }
    buf_append(out, parts->signed_text);
    buf_append_char(out, '.');
    buf_append(out, str_slice(parts->part[2], 0, middle));
    buf_append_char(out, parts->part[2].data[middle] == 'A' ? 'B' : 'A');
    buf_append(out, str_slice(parts->part[2], middle + 1, parts->part[2].length));
    return buf_status(out);
}

static int drop_signature(const struct parts *parts, struct buf *out)
{
    encode(STR("{\"alg\":\"none\",\"typ\":\"at+jwt\"}"), out);
    buf_append_char(out, '.');
    buf_append(out, parts->part[1]);
    buf_append_char(out, '.');
    return buf_status(out);
}

int forged_token_make(const char *token, enum forgery forgery, struct buf *out)
{
    struct parts parts;

    if (!split(token, &parts)) {
        return ERR_INVALID;
    }
    switch (forgery) {
    case FORGERY_SIGNATURE:
        return change_signature(&parts, out);
    case FORGERY_CLAIMS:
        return change_claims(&parts, "role", "\"owner\"", out);
    case FORGERY_AUDIENCE:
        return change_claims(&parts, "aud", "\"another-service\"", out);
    case FORGERY_EXPIRED:
        return change_claims(&parts, "exp", PAST_SECOND, out);
    case FORGERY_NONE:
        return drop_signature(&parts, out);
    case FORGERY_OWN_KEY:
        return sign_with_own_key(&parts, out);
    }
    return ERR_INVALID;
}
