/* SPDX-License-Identifier: Apache-2.0 */
#include "http/certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <time.h>

#include "base/check.h"
#include "base/civil_time.h"
#include "monitor/log.h"

/* TLS 1.2 only with keys that are forgotten and ciphers that authenticate; 1.3 has no others. */
#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"

static const unsigned char alpn_http[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
static const unsigned char session_context[] = {'n', 'e', 't', 'r', 'a'};

/* ---- changes ---- */

static struct file_mark look_at(const char *path)
{
    struct stat st;

    if (stat(path, &st)) {
        return (struct file_mark){.inode = 0};
    }
    return (struct file_mark){.inode = st.st_ino,
                              .size = st.st_size,
                              .changed_s = st.st_mtim.tv_sec,
                              .changed_ns = st.st_mtim.tv_nsec};
}

static bool is_same(const struct file_mark *a, const struct file_mark *b)
{
    return a->inode == b->inode && a->size == b->size && a->changed_s == b->changed_s &&
           a->changed_ns == b->changed_ns;
}

bool certificate_has_changed(struct certificate_files *files)
{
    struct file_mark cert = look_at(files->cert_file);
    struct file_mark key = look_at(files->key_file);
    bool has_changed = !is_same(&cert, &files->cert_mark) || !is_same(&key, &files->key_mark);

    files->cert_mark = cert;
    files->key_mark = key;
    return has_changed;
}

/* ---- reading ---- */

static void free_context(SSL_CTX **context)
{
    SSL_CTX_free(*context);
}

/* The reason that OpenSSL gives last: the first ones are of the PEM reader's attempts. */
static int refuse(struct error *error, const char *what, const char *path)
{
    unsigned long number = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(number);
    int code = ERR_GET_REASON(number) == ERR_R_MALLOC_FAILURE ? ERR_NO_MEMORY : ERR_INVALID;

    if (ERR_SYSTEM_ERROR(ERR_peek_error())) {
        code = ERR_IO;
        reason = strerror(ERR_GET_REASON(ERR_peek_error()));
    }
    ERR_clear_error();
    return error_set(error, code, "cannot use %s \"%s\": %s", what, path,
                     reason ? reason : "no reason is given");
}

/* A key with a passphrase is refused; without this OpenSSL would ask the terminal. */
static int no_passphrase(char *text, int size, int is_writing, void *arg)
{
    (void)text;
    (void)size;
    (void)is_writing;
    (void)arg;
    return -1;
}

static int choose_protocol(SSL *ssl, const unsigned char **ret_chosen, unsigned char *ret_length,
                           const unsigned char *offered, unsigned length, void *arg)
{
    (void)ssl;
    (void)arg;
    for (unsigned at = 0; at < length; at += 1u + offered[at]) {
        if (at + sizeof(alpn_http) <= length &&
            memcmp(offered + at, alpn_http, sizeof(alpn_http)) == 0) {
            *ret_chosen = offered + at + 1;
            *ret_length = offered[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int64_t end_of(const X509 *certificate)
{
    struct tm end;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) {
        return 0;
    }
    struct civil_time civil = {.year = end.tm_year + 1900,
                               .month = end.tm_mon + 1,
                               .day = end.tm_mday,
                               .hour = end.tm_hour,
                               .minute = end.tm_min,
                               .second = end.tm_sec};
    return civil_to_us(&civil) / SECOND_US;
}

static void warn_of_readers(const char *key_file)
{
    struct stat st;

    if (stat(key_file, &st) == 0 && (st.st_mode & S_IRWXO)) {
        log_write(LOG_WARNING, "http", "the private key %s may be read by every user: chmod o= it",
                  key_file);
    }
}

static bool set_up(SSL_CTX *context)
{
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    /* Sessions live in tickets that clients keep; a cache here would grow with the clients. */
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, /* arg */ NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, CIPHERS_1_2) == 1 &&
           SSL_CTX_set_session_id_context(context, session_context, sizeof(session_context)) == 1;
}

int certificate_load(const struct certificate_files *files, SSL_CTX **ret_context,
                     int64_t *ret_ends_s, struct error *error)
{
    ERR_clear_error();
    cleanup(free_context) SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || !set_up(context)) {
        ERR_clear_error();
        return error_set(error, ERR_NO_MEMORY, "TLS cannot be set up: out of memory");
    }
    if (SSL_CTX_use_certificate_chain_file(context, files->cert_file) != 1) {
        return refuse(error, "the certificate", files->cert_file);
    }
    if (SSL_CTX_use_PrivateKey_file(context, files->key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return refuse(error, "the private key", files->key_file);
    }
    warn_of_readers(files->key_file);
    *ret_ends_s = end_of(SSL_CTX_get0_certificate(context));
    *ret_context = TAKE(context);
    return OK;
}
