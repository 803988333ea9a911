/*
 * The program and the machine that it runs on. Limits are those of the process that uses the data
 * folder, where there is one that can be looked at; else those of this one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>
#include <uv.h>

#include "base/civil_time.h"
#include "base/decimal.h"
#include "loop/clock.h"
#include "server/checks.h"
#include "server/doctor_state.h"
#include "tool/dataset.h"

#define PROC_BYTES_MAX    8192
#define FILES_BESIDE      128u /* as server.c: databases, logs, sockets of models */
#define FUTURE_US_MAX     (5 * MINUTE_US)
#define CERTIFICATES_MOST 4096u

void doctor_look_at_program(struct doctor *doctor)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    bool is_older = sqlite3_libversion_number() < SQLITE_VERSION_NUMBER ||
                    curl->version_num < LIBCURL_VERSION_NUM ||
                    OPENSSL_version_major() != OPENSSL_VERSION_MAJOR;

    doctor_say(doctor, DOCTOR_OK, "netra", NULL, "%s", NETRA_VERSION);
    doctor_say(doctor, is_older ? DOCTOR_WARNING : DOCTOR_OK, "libraries",
               is_older ? "A library is older than the one that netra was built with: update it."
                        : NULL,
               "SQLite %s, OpenSSL %s, libcurl %s, libuv %s", sqlite3_libversion(),
               OpenSSL_version(OPENSSL_VERSION_STRING), curl->version, uv_version_string());
}

/* ---- the clock ---- */

static int64_t date_of_prices(struct doctor *doctor)
{
    cleanup(price_book_free_pointer) struct price_book *book = NULL;
    char digest[CONTENT_DIGEST_BYTES];
    struct error error = {0};
    int64_t date_us = 0;

    if (dataset_read_book(config_text_or_null(doctor->config, CONFIG_PRICES), &book, digest,
                          &error)) {
        doctor_say_error(doctor, DOCTOR_PROBLEM, "prices", &error);
        return 0;
    }
    struct str as_of = price_book_as_of(book);
    if (civil_parse(as_of, &date_us)) {
        doctor_say(doctor, DOCTOR_WARNING, "prices", "Name a list whose rows say of when they are.",
                   "the price book does not say of when it is");
        return 0;
    }
    int64_t days = (clock_now_us() - date_us) / DAY_US;
    bool is_old = days > DOCTOR_PRICE_DAYS;
    doctor_say(doctor, is_old ? DOCTOR_WARNING : DOCTOR_OK, "prices",
               is_old ? "Update netra, or name a newer list with the key prices." : NULL,
               "the price book is of %.*s, %lld days ago", STR_ARGS(as_of), (long long)days);
    return date_us;
}

static void look_at_clock(struct doctor *doctor, int64_t prices_us)
{
    static const char set_it[] = "Set the clock, and let a time service (chrony) keep it.";
    int64_t now_us = clock_now_us();
    char now[CIVIL_STAMP_BYTES];
    struct timex about = {0};

    civil_stamp(now_us, now);
    if (now_us < prices_us) {
        doctor_say(doctor, DOCTOR_PROBLEM, "clock", set_it,
                   "it says %s, before the date of the price book: sessions and prices are wrong",
                   now);
    } else if (doctor->newest_us > now_us + FUTURE_US_MAX) {
        doctor_say(doctor, DOCTOR_PROBLEM, "clock", set_it,
                   "it says %s, and what is stored is %lld minutes newer", now,
                   (long long)((doctor->newest_us - now_us) / MINUTE_US));
    } else if (adjtimex(&about) == TIME_ERROR || (about.status & STA_UNSYNC)) {
        doctor_say(doctor, DOCTOR_WARNING, "clock", set_it,
                   "it says %s, and the system says that nothing keeps it right", now);
    } else {
        doctor_say(doctor, DOCTOR_OK, "clock", NULL, "%s", now);
    }
}

/* ---- certificates ---- */

/* Certificates of a PEM file; *ret_ends_us: when the first ends. */
static unsigned count_certificates(const char *path, int64_t *ret_ends_us)
{
    BIO *file = BIO_new_file(path, "r");
    unsigned count = 0;

    for (X509 *one;
         file && count < CERTIFICATES_MOST && (one = PEM_read_bio_X509(file, NULL, NULL, NULL));
         count++) {
        struct tm ends = {0};

        if (count == 0 && ASN1_TIME_to_tm(X509_get0_notAfter(one), &ends)) {
            *ret_ends_us = (int64_t)timegm(&ends) * SECOND_US;
        }
        X509_free(one);
    }
    BIO_free(file);
    ERR_clear_error();
    return count;
}

/* The file that outgoing connections trust. */
static void look_at_authorities(struct doctor *doctor)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    const char *own = config_text_or_null(doctor->config, CONFIG_LLM_CA_FILE);
    const char *named = doctor->request->environment("SSL_CERT_FILE");
    const char *path = own            ? own
                       : named        ? named
                       : curl->cainfo ? curl->cainfo
                                      : X509_get_default_cert_file();
    bool is_needed = config_text_or_null(doctor->config, CONFIG_LLM_CHAIN) != NULL;
    int64_t ignored = 0;
    unsigned count = count_certificates(path, &ignored);

    if (count) {
        doctor_say(doctor, DOCTOR_OK, "authorities", NULL, "%u certificates in %.200s", count,
                   path);
    } else {
        doctor_say(
            doctor, is_needed ? DOCTOR_PROBLEM : DOCTOR_WARNING, "authorities",
            "Install the package ca-certificates, or name a file with llm.ca_file.",
            "there are no certificates in %.200s: no model, identity provider or mail server "
            "can be trusted",
            path);
    }
}

static void look_at_certificate(struct doctor *doctor)
{
    const char *path = config_text_or_null(doctor->config, CONFIG_TLS_CERT_FILE);
    int64_t ends_us = 0;

    if (!path) {
        return;
    }
    if (!count_certificates(path, &ends_us)) {
        doctor_say(doctor, DOCTOR_PROBLEM, "certificate", "Put the chain (PEM) there.",
                   "there is no certificate in %.200s", path);
        return;
    }
    int64_t days = (ends_us - clock_now_us()) / DAY_US;
    enum doctor_state state = ends_us <= clock_now_us()        ? DOCTOR_PROBLEM
                              : days < CHECKS_CERTIFICATE_DAYS ? DOCTOR_WARNING
                                                               : DOCTOR_OK;
    doctor_say(doctor, state, "certificate",
               state == DOCTOR_OK ? NULL : "Renew it: the server reads the new files by itself.",
               state == DOCTOR_PROBLEM ? "it ended %lld days ago" : "it ends in %lld days",
               (long long)(state == DOCTOR_PROBLEM ? -days : days));
}

/* ---- limits ---- */

/* The number behind a word and blanks; false: it is not there, or no number. */
static bool number_behind(const char *text, const char *word, uint64_t *ret_number)
{
    const char *at = strstr(text, word);

    if (!at) {
        return false;
    }
    at += strlen(word);
    at += strspn(at, " \t");
    return decimal_parse_u64((struct str){at, strcspn(at, " \t\n")}, ret_number) == OK;
}

/* "/proc/4711/limits", or of this process. */
static bool read_of_process(const struct doctor *doctor, const char *name, char *text, size_t size)
{
    char path[64];

    if (doctor->is_used && doctor->holder > 0) {
        (void)snprintf(path, sizeof(path), "/proc/%d/%s", doctor->holder, name);
        if (doctor_read_text(path, text, size)) {
            return true;
        }
    }
    (void)snprintf(path, sizeof(path), "/proc/self/%s", name);
    return doctor_read_text(path, text, size);
}

/* The server asks for as many as it may have: the hard limit counts. */
static void look_at_files(struct doctor *doctor)
{
    uint64_t wanted = config_number(doctor->config, CONFIG_HTTP_CONNECTIONS_MAX) + FILES_BESIDE;
    uint64_t most = 0;
    char text[PROC_BYTES_MAX];
    char *line = NULL;

    if (read_of_process(doctor, "limits", text, sizeof(text))) {
        line = strstr(text, "Max open files");
    }
    if (!line) {
        doctor_say(doctor, DOCTOR_UNKNOWN, "open files", NULL, "needs /proc");
        return;
    }
    line += strlen("Max open files");
    line += strspn(line, " ");
    line += strcspn(line, " "); /* the soft one */
    if (!number_behind(line, " ", &most)) {
        most = UINT64_MAX; /* "unlimited" */
    }
    bool is_low = most < wanted;
    doctor_say(
        doctor, is_low ? DOCTOR_WARNING : DOCTOR_OK, "open files",
        is_low ? "Raise it (LimitNOFILE=, ulimit -Hn), or lower http.connections_max." : NULL,
        most == UINT64_MAX ? "no limit%.0llu; %llu are wanted" : "at most %llu; %llu are wanted",
        most == UINT64_MAX ? 0ULL : (unsigned long long)most, (unsigned long long)wanted);
}

/* Of a control group and those above it, the least; 0: none. */
static uint64_t read_memory_limit(const char *group)
{
    char path[PROC_BYTES_MAX + 64];
    char text[64];
    uint64_t least = 0;
    size_t length = strcspn(group, "\n");

    for (;;) {
        uint64_t bytes = 0;

        (void)snprintf(path, sizeof(path), "/sys/fs/cgroup%.*s/memory.max", (int)length, group);
        if (doctor_read_text(path, text, sizeof(text)) && number_behind(text, "", &bytes) &&
            (!least || bytes < least)) {
            least = bytes;
        }
        while (length && group[--length] != '/') {
        }
        if (!length) {
            break;
        }
    }
    if (!least && doctor_read_text("/sys/fs/cgroup/memory.max", text, sizeof(text))) {
        (void)number_behind(text, "", &least); /* "max" leaves it 0 */
    }
    return least;
}

static void look_at_memory(struct doctor *doctor)
{
    uint64_t cache = config_number(doctor->config, CONFIG_DATASET_CACHE_BYTES_MAX);
    char text[PROC_BYTES_MAX];
    uint64_t free_kib = 0;
    const char *group;

    if (!doctor_read_text("/proc/meminfo", text, sizeof(text)) ||
        !number_behind(text, "MemAvailable:", &free_kib)) {
        doctor_say(doctor, DOCTOR_UNKNOWN, "memory", NULL, "needs /proc");
        return;
    }
    uint64_t least = free_kib << 10;
    const char *whose = "are free on this machine";
    if (read_of_process(doctor, "cgroup", text, sizeof(text)) && (group = strstr(text, "0::/"))) {
        uint64_t limit = read_memory_limit(group + 3);

        if (limit && limit < least) {
            least = limit;
            whose = "is the limit of its control group";
        }
    }
    bool is_low = least < DOCTOR_MEMORY_LEAST;
    bool is_tight = cache > least - least / 4;
    doctor_say(doctor, is_low || is_tight ? DOCTOR_WARNING : DOCTOR_OK, "memory",
               is_low     ? "Give it 512 MiB."
               : is_tight ? "Lower dataset_cache_bytes_max to less than three quarters of it."
                          : NULL,
               "%llu MiB %s; records may take %llu MiB", (unsigned long long)(least >> 20), whose,
               (unsigned long long)(cache >> 20));
}

/* ---- the port ---- */

static int try_to_bind(const struct config_address *listen)
{
    struct sockaddr_storage place = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&place;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&place;
    int family = listen->is_ipv6 ? AF_INET6 : AF_INET;
    socklen_t length = listen->is_ipv6 ? sizeof(*v6) : sizeof(*v4);
    const int on = 1;

    place.ss_family = (sa_family_t)family;
    void *address = listen->is_ipv6 ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr;
    if (inet_pton(family, listen->address, address) != 1) {
        return EINVAL;
    }
    v4->sin_port = htons(listen->port); /* at the same place in both */
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    int result = bind(fd, (struct sockaddr *)&place, length) ? errno : 0;
    (void)close(fd);
    return result;
}

static void look_at_port(struct doctor *doctor)
{
    struct config_address listen = config_listen(doctor->config);
    const char *text = config_text(doctor->config, CONFIG_LISTEN);

    if (!listen.port) {
        doctor_say(doctor, DOCTOR_OK, "port", NULL, "any free one");
        return;
    }
    int result = try_to_bind(&listen);
    if (result == 0) {
        doctor_say(doctor, DOCTOR_OK, "port", NULL, "%s is free", text);
    } else if (result == EADDRINUSE && doctor->is_used) {
        doctor_say(doctor, DOCTOR_OK, "port", NULL, "%s is taken, and the data folder is in use",
                   text);
    } else {
        doctor_say(doctor, DOCTOR_PROBLEM, "port",
                   result == EACCES ? "Ports below 1024 need the capability CAP_NET_BIND_SERVICE."
                                    : "See who listens there (ss -ltnp), or choose another with "
                                      "listen.",
                   "a server could not listen on %s: %s", text, strerror(result));
    }
}

void doctor_look_at_machine(struct doctor *doctor)
{
    look_at_clock(doctor, date_of_prices(doctor));
    look_at_authorities(doctor);
    look_at_certificate(doctor);
    look_at_files(doctor);
    look_at_memory(doctor);
    look_at_port(doctor);
}
