/*
 * The certificate with its faults each by itself: a client stops at the first. The handshake checks
 * nothing; then validity, name and authority are looked at one after the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/civil_time.h"
#include "verify/look.h"
#include "verify/wire.h"

#define NAMES_BYTES   200u
#define ANSWER_BYTES  512u
#define SUBJECT_BYTES (LOOK_HOST_BYTES + 8)

static void free_ssl(SSL **ssl)
{
    SSL_free(*ssl);
}

static void free_context(SSL_CTX **context)
{
    SSL_CTX_free(*context);
}

static void close_socket(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

/* Blocking, with a bound on each wait; -1: no connection. */
static int connect_to(const struct look_place *place)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    const struct timeval wait = {.tv_sec = LOOK_ANSWER_MS / 1000};
    struct addrinfo *addresses = NULL;
    char port[8];
    int fd = -1;

    (void)snprintf(port, sizeof(port), "%u", place->port % 65536);
    if (getaddrinfo(place->host, port, &hints, &addresses)) {
        return -1;
    }
    for (const struct addrinfo *one = addresses; one && fd < 0; one = one->ai_next) {
        fd = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
                        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) ||
                        connect(fd, one->ai_addr, one->ai_addrlen))) {
            (void)close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(addresses);
    return fd;
}

/* Whether the port answers without TLS, by a request that every server of HTTP knows. */
static void look_without_tls(struct looking *looking)
{
    static const char request[] = "GET /health HTTP/1.1\r\nHost: localhost\r\n"
                                  "Connection: close\r\n\r\n";
    cleanup(close_socket) int fd = connect_to(&looking->asked);
    char answer[ANSWER_BYTES];

    if (fd < 0 || send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0) {
        return;
    }
    ssize_t got = recv(fd, answer, sizeof(answer), 0);
    if (got > 0 && str_starts_with((struct str){answer, (size_t)got}, STR("HTTP/1."))) {
        struct str text = {answer, (size_t)got};
        size_t end = str_find(text, STR("\r\n"), 0);

        end = end == SIZE_MAX ? text.length : end;
        look_note(looking, "probe", "plain HTTP", "answered: %.*s",
                  STR_ARGS(str_slice(text, 0, end)));
    } else {
        look_note(looking, "probe", "plain HTTP", "no answer of HTTP");
    }
}

/* ---- the certificate ---- */

static void look_at_validity(struct looking *looking, const X509 *certificate)
{
    int64_t begin_us = tls_time_us(X509_get0_notBefore(certificate));
    int64_t end_us = tls_time_us(X509_get0_notAfter(certificate));
    int64_t now_us = wire_wall_us();
    char begin[CIVIL_STAMP_BYTES];
    char end[CIVIL_STAMP_BYTES];

    civil_stamp(begin_us, begin);
    civil_stamp(end_us, end);
    if (now_us > end_us) {
        look_note(looking, "certificate", "validity", "ended at %.19sZ", end);
    } else if (now_us < begin_us) {
        look_note(looking, "certificate", "validity", "begins at %.19sZ", begin);
    } else {
        look_note(looking, "certificate", "validity", "lasts until %.19sZ", end);
    }
}

static void put_names(const X509 *certificate, char ret_names[NAMES_BYTES])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    size_t length = 0;

    ret_names[0] = '\0';
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        char text[INET6_ADDRSTRLEN] = "";
        const char *shown = NULL;
        int bytes = 0;

        if (name->type == GEN_DNS) {
            shown = (const char *)ASN1_STRING_get0_data(name->d.dNSName);
            bytes = ASN1_STRING_length(name->d.dNSName);
        } else if (name->type == GEN_IPADD) {
            bool is_4 = ASN1_STRING_length(name->d.iPAddress) == 4;

            (void)inet_ntop(is_4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress),
                            text, sizeof(text));
            shown = text;
            bytes = (int)strlen(text);
        }
        if (shown && length + (size_t)bytes + 3 < NAMES_BYTES) {
            length += (size_t)snprintf(ret_names + length, NAMES_BYTES - length, "%s%.*s",
                                       length ? ", " : "", bytes, shown);
        }
    }
    GENERAL_NAMES_free(names);
}

static void look_at_name(struct looking *looking, X509 *certificate)
{
    const char *host = looking->asked.host;
    char names[NAMES_BYTES];
    char subject[SUBJECT_BYTES];
    bool is_named = X509_check_host(certificate, host, 0, 0, NULL) == 1 ||
                    X509_check_ip_asc(certificate, host, 0) == 1;

    put_names(certificate, names);
    (void)snprintf(subject, sizeof(subject), "name %s", host);
    look_note(looking, "certificate", subject, "%s the certificate's names: %s",
              is_named ? "is among" : "is not among", names[0] ? names : "none");
}

/* Whatever the time is: that is looked at by itself. */
static void look_at_authority(struct looking *looking, SSL_CTX *context, SSL *ssl,
                              X509 *certificate)
{
    X509_STORE_CTX *check = X509_STORE_CTX_new();

    if (!check || X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(context), certificate,
                                      SSL_get_peer_cert_chain(ssl)) != 1) {
        X509_STORE_CTX_free(check);
        looking->code = looking->code ? looking->code : ERR_NO_MEMORY;
        return;
    }
    X509_STORE_CTX_set_flags(check, X509_V_FLAG_NO_CHECK_TIME);
    if (X509_verify_cert(check) == 1) {
        look_note(looking, "certificate", "authority", "trusted");
    } else {
        look_note(looking, "certificate", "authority", "not trusted: %s",
                  X509_verify_cert_error_string(X509_STORE_CTX_get_error(check)));
    }
    X509_STORE_CTX_free(check);
}

static void look_at_handshake(struct looking *looking, SSL_CTX *context, SSL *ssl)
{
    /* A port that was asked without TLS, and speaks it, is another fact than one that was asked
     * with it. */
    bool is_asked = looking->asked.is_tls;

    if (SSL_connect(ssl) != 1) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());

        if (is_asked) {
            look_note(looking, "certificate", "handshake", "failed: %s",
                      reason ? reason : "the connection was closed");
            look_without_tls(looking);
        }
        return;
    }
    look_note(looking, "certificate", is_asked ? "handshake" : "handshake without being asked",
              "%s %s", SSL_get_version(ssl), SSL_get_cipher(ssl));
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    if (certificate && is_asked) {
        look_at_validity(looking, certificate);
        look_at_name(looking, certificate);
        look_at_authority(looking, context, ssl, certificate);
    }
    X509_free(certificate);
}

void look_at_tls(struct looking *looking)
{
    cleanup(free_context) SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    cleanup(close_socket) int fd = connect_to(&looking->asked);
    cleanup(free_ssl) SSL *ssl = context ? SSL_new(context) : NULL;
    const char *ca_file = looking->options->ca_file;

    if (fd < 0) {
        return;
    }
    if (!ssl || (ca_file ? SSL_CTX_load_verify_file(context, ca_file)
                         : SSL_CTX_set_default_verify_paths(context)) != 1) {
        look_note(looking, "certificate", "authorities", "%s cannot be read",
                  ca_file ? ca_file : "the system's");
    }
    if (ssl && SSL_set_fd(ssl, fd) == 1 &&
        SSL_set_tlsext_host_name(ssl, looking->asked.host) == 1) {
        ERR_clear_error();
        look_at_handshake(looking, context, ssl);
    }
    ERR_clear_error();
}
