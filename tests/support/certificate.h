/*
 * A self-signed certificate for localhost in two files, made when a test, a fuzzer or a benchmark
 * runs, so that no key lies in the repository.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_CERTIFICATE_H
#define NETRA_TESTS_CERTIFICATE_H

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define CERTIFICATE_PATH_BYTES 128

struct tls_files {
    char dir[CERTIFICATE_PATH_BYTES - 16];
    char cert[CERTIFICATE_PATH_BYTES];
    char key[CERTIFICATE_PATH_BYTES];
};

static inline void tls_write_key(const char *path, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");

    check(file && chmod(path, 0600) == 0);
    check(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    check(fclose(file) == 0);
}

/* Under the name, for so long from now. */
static inline void tls_write_certificate(const struct tls_files *files, const char *name,
                                         long seconds, EVP_PKEY *key)
{
    X509 *x509 = X509_new();
    X509V3_CTX context;

    check(x509 && X509_set_version(x509, 2) == 1);
    check(ASN1_INTEGER_set(X509_get_serialNumber(x509), (long)getpid()) == 1);
    check(X509_gmtime_adj(X509_getm_notBefore(x509), -60));
    check(X509_gmtime_adj(X509_getm_notAfter(x509), seconds));
    check(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                                     (const unsigned char *)name, -1, -1, 0) == 1);
    check(X509_set_issuer_name(x509, X509_get_subject_name(x509)) == 1);
    check(X509_set_pubkey(x509, key) == 1);
    X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    check(names && X509_add_ext(x509, names, -1) == 1);
    X509_EXTENSION_free(names);
    check(X509_sign(x509, key, EVP_sha256()) > 0);
    FILE *file = fopen(files->cert, "w");
    check(file && PEM_write_X509(file, x509) == 1 && fclose(file) == 0);
    X509_free(x509);
}

/* A new key, too. */
static inline void tls_files_renew(const struct tls_files *files, const char *name, long seconds)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    check(key);
    tls_write_key(files->key, key);
    tls_write_certificate(files, name, seconds, key);
    EVP_PKEY_free(key);
}

static inline void tls_files_make(struct tls_files *files)
{
    (void)snprintf(files->dir, sizeof(files->dir), "/tmp/netra-tls-XXXXXX");
    check(mkdtemp(files->dir));
    (void)snprintf(files->cert, sizeof(files->cert), "%s/cert.pem", files->dir);
    (void)snprintf(files->key, sizeof(files->key), "%s/key.pem", files->dir);
    tls_files_renew(files, "first", 3600);
}

static inline void tls_files_remove(const struct tls_files *files)
{
    (void)unlink(files->cert);
    (void)unlink(files->key);
    (void)rmdir(files->dir);
}

/* A client that trusts the certificate that is in the files now. */
static inline SSL_CTX *tls_client_context(const struct tls_files *files)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    check(context && SSL_CTX_load_verify_locations(context, files->cert, NULL) == 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_mode(context,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

#endif
