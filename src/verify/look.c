/*
 * What all looking needs: notes, addresses, ends of files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verify/facts.h"

void look_note(struct looking *looking, const char *kind, const char *subject, const char *format,
               ...)
{
    char text[EVIDENCE_TEXT_BYTES_MAX];
    char cleaned[FACT_TEXT_BYTES];
    char cleaned_subject[FACT_TEXT_BYTES];
    va_list args;

    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (looking->code == OK && length >= 0) {
        looking->code =
            evidence_observe(looking->facts, kind, fact_clean(str_from(subject), cleaned_subject),
                             "%s", fact_clean(str_from(text), cleaned));
    }
}

static void free_url(CURLU **url)
{
    curl_url_cleanup(*url);
}

static void free_part(char **part)
{
    curl_free(*part);
}

/* curl writes "[::1]"; sockets and certificates want "::1". */
static void put_host(const char *host, char ret_host[LOOK_HOST_BYTES])
{
    size_t length = strlen(host);
    bool has_brackets = host[0] == '[' && length > 2;

    (void)snprintf(ret_host, LOOK_HOST_BYTES, "%.*s", (int)(length - (has_brackets ? 2 : 0)),
                   host + (has_brackets ? 1 : 0));
}

int look_take_apart(const char *url, struct look_place *ret_place, struct error *error)
{
    cleanup(free_url) CURLU *parts = curl_url();
    cleanup(free_part) char *scheme = NULL;
    cleanup(free_part) char *host = NULL;
    cleanup(free_part) char *port = NULL;
    struct look_place place = {.is_here = false};

    if (!parts) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    if (curl_url_set(parts, CURLUPART_URL, url, 0) ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) ||
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) ||
        strlen(host) >= LOOK_HOST_BYTES) {
        (void)error_set(error, ERR_USAGE, "'%s' is no address of http or https", url);
        error_hint(error, "Say --url http://127.0.0.1:8421.");
        return ERR_USAGE;
    }
    place.port = (unsigned)strtoul(port, NULL, 10);
    place.is_tls = strcmp(scheme, "https") == 0;
    put_host(host, place.host);
    (void)snprintf(place.place, sizeof(place.place), "%s:%u", host, place.port);
    (void)snprintf(place.url, sizeof(place.url), "%s://%s:%u", scheme, host, place.port);
    *ret_place = place;
    return OK;
}

static void close_fd(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

bool look_read_end(struct looking *looking, const char *path, size_t bytes_max,
                   struct str *ret_text, bool *ret_is_cut)
{
    cleanup(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;

    if (fd < 0 || fstat(fd, &info)) {
        return false;
    }
    if (!S_ISREG(info.st_mode)) {
        errno = EINVAL;
        return false;
    }
    off_t begin = info.st_size > (off_t)bytes_max ? info.st_size - (off_t)bytes_max : 0;
    char *text = arena_alloc(looking->arena, bytes_max + 1, 1);
    size_t length = 0;
    if (!text) {
        looking->code = ERR_NO_MEMORY;
        errno = ENOMEM;
        return false;
    }
    for (ssize_t got; length < bytes_max && (got = pread(fd, text + length, bytes_max - length,
                                                         begin + (off_t)length)) > 0;) {
        length += (size_t)got;
    }
    *ret_text = (struct str){text, length};
    *ret_is_cut = begin > 0;
    return true;
}
