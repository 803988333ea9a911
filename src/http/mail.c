/*
 * Mails wait in a list and are sent one after the other, so that a slow mail server never holds
 * more than one worker. The message is written whole before (RFC 5322): its text as
 * quoted-printable, so that no line is too long, none begins with a dot, and every byte is ASCII.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/mail.h"

#include <curl/curl.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/civil_time.h"
#include "loop/clock.h"
#include "loop/uuid.h"

#define ADDRESS_BYTES_MAX  254u
#define SUBJECT_BYTES_MAX  200u
#define MESSAGE_BYTES_MAX  (MAIL_TEXT_BYTES_MAX * 4u) /* quoted: each byte is three at most */
#define LINE_BYTES_MAX     72u
#define CONNECT_MS         10000L
#define SUBJECT_WORD_BYTES 39u /* of text, in one encoded word of 75 characters */

typedef void (*mail_done_fn)(int code, const struct error *error, void *arg);

/* A mail on its way. The worker reads to, message and its mail's settings, and writes code, error
 * and sent. */
struct letter {
    struct letter *next; /* in mail->first … */
    struct mail *mail;
    struct loop_job job;
    char to[ADDRESS_BYTES_MAX + 1];
    struct buf message;
    size_t sent;
    int code;
    struct error error;
    mail_done_fn done;
    void *arg;
};

struct mail {
    struct loop *loop;
    char *url;
    char *user;
    char *password;
    char *from;
    char *ca_file;
    bool is_loopback;
    bool is_stopped;
    struct letter *first; /* at work */
    struct letter *last;
    unsigned count;
};

/* ---- what a mail is made of ---- */

/* LOCAL@DOMAIN of visible ASCII: nothing that could end a command or a header. */
static bool is_address(struct str address)
{
    size_t at = str_find(address, STR("@"), 0);

    if (address.length == 0 || address.length > ADDRESS_BYTES_MAX || at == SIZE_MAX || at == 0 ||
        at + 1 == address.length || str_find(address, STR("@"), at + 1) != SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < address.length; i++) {
        char c = address.data[i];

        if (c <= ' ' || c > '~' || strchr("<>()[],;:\\\"", c)) {
            return false;
        }
    }
    return true;
}

static bool is_subject(struct str subject)
{
    for (size_t i = 0; i < subject.length; i++) {
        unsigned char c = (unsigned char)subject.data[i];

        if (c < ' ' || c == 0x7f) {
            return false;
        }
    }
    return subject.length > 0 && subject.length <= SUBJECT_BYTES_MAX && str_is_utf8(subject);
}

static void put_date(struct buf *out, int64_t now_us)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil_time time = civil_from_us(now_us);

    buf_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", days[civil_weekday(now_us)],
               time.day, months[time.month - 1], time.year, time.hour, time.minute, time.second);
}

/* Words of RFC 2047, "Q": a character is never cut in two. */
static void put_subject(struct buf *out, struct str subject)
{
    size_t at = 0;

    buf_append(out, STR("Subject:"));
    while (at < subject.length) {
        size_t end = at;
        size_t room = SUBJECT_WORD_BYTES / 3;

        while (end < subject.length && end - at < room) {
            end++;
        }
        while (end < subject.length && (subject.data[end] & 0xc0) == 0x80) {
            end--;
        }
        buf_append(out, STR(" =?utf-8?Q?"));
        for (; at < end; at++) {
            unsigned char c = (unsigned char)subject.data[at];
            bool is_plain =
                (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

            if (is_plain) {
                buf_append_char(out, (char)c);
            } else {
                buf_printf(out, c == ' ' ? "_" : "=%02X", c);
            }
        }
        buf_append(out, at < subject.length ? STR("?=\r\n") : STR("?="));
    }
    buf_append(out, STR("\r\n"));
}

static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.data[i] > '~') {
            return false;
        }
    }
    return true;
}

/* Quoted-printable (RFC 2045, 6.7). */
static void put_text(struct buf *out, struct str text)
{
    size_t column = 0;

    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool ends_line = i + 1 == text.length || text.data[i + 1] == '\n';

        if (c == '\n') {
            buf_append(out, STR("\r\n"));
            column = 0;
            continue;
        }
        if (column >= LINE_BYTES_MAX) {
            buf_append(out, STR("=\r\n"));
            column = 0;
        }
        if (c > '~' || c < ' ' || c == '=' || (c == '.' && column == 0) ||
            (c == ' ' && ends_line)) {
            buf_printf(out, "=%02X", c);
            column += 3;
        } else {
            buf_append_char(out, (char)c);
            column++;
        }
    }
    buf_append(out, STR("\r\n"));
}

static int write_message(struct letter *letter, const char *from, struct str subject,
                         struct str text)
{
    struct buf *out = &letter->message;
    const char *domain = strchr(from, '@') + 1; /* mail_new has looked */
    char id[UUID_BYTES];
    struct error error;

    if (uuid_v7(id, &error)) {
        return ERR_IO;
    }
    put_date(out, clock_now_us());
    buf_printf(out, "From: <%s>\r\nTo: <%s>\r\nMessage-ID: <%s@%s>\r\n", from, letter->to, id,
               domain);
    if (is_ascii(subject)) {
        buf_printf(out, "Subject: %.*s\r\n", STR_ARGS(subject));
    } else {
        put_subject(out, subject);
    }
    buf_append(out, STR("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n"
                        "Auto-Submitted: auto-generated\r\n\r\n"));
    put_text(out, text);
    return buf_status(out);
}

/* ---- on a worker ---- */

static size_t give(char *data, size_t size, size_t count, void *arg)
{
    struct letter *letter = arg;
    size_t left = letter->message.length - letter->sent;
    size_t length = size * count < left ? size * count : left;

    memcpy(data, letter->message.data + letter->sent, length);
    letter->sent += length;
    return length;
}

static void free_list(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static void free_easy(CURL **easy)
{
    curl_easy_cleanup(*easy);
}

/* What decides whether anybody else may read along: STARTTLS is demanded where the way leads
 * through a network, certificates are always looked at. */
static int set_trust(CURL *easy, const struct mail *mail)
{
    int failed = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");

    failed |= curl_easy_setopt(easy, CURLOPT_USE_SSL,
                               (long)(mail->is_loopback ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    failed |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    failed |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    failed |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (mail->ca_file) {
        failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, mail->ca_file);
        failed |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (mail->user) {
        failed |= curl_easy_setopt(easy, CURLOPT_USERNAME, mail->user);
        failed |= curl_easy_setopt(easy, CURLOPT_PASSWORD, mail->password ? mail->password : "");
    }
    return failed;
}

static void send_letter(void *arg)
{
    struct letter *letter = arg;
    const struct mail *mail = letter->mail;
    cleanup(free_easy) CURL *easy = curl_easy_init();
    cleanup(free_list) struct curl_slist *to = curl_slist_append(NULL, letter->to);

    if (!easy || !to) {
        letter->code = error_set(&letter->error, ERR_IO, "cannot send a mail: out of memory");
        return;
    }
    int failed = set_trust(easy, mail);
    failed |= curl_easy_setopt(easy, CURLOPT_URL, mail->url);
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)MAIL_TIMEOUT_MS);
    failed |= curl_easy_setopt(easy, CURLOPT_MAIL_FROM, mail->from);
    failed |= curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, to);
    failed |= curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_READFUNCTION, give);
    failed |= curl_easy_setopt(easy, CURLOPT_READDATA, letter);
    if (failed) {
        letter->code = error_set(&letter->error, ERR_IO, "cannot send a mail: out of memory");
        return;
    }
    CURLcode result = curl_easy_perform(easy);
    if (result != CURLE_OK) {
        letter->code =
            error_set(&letter->error, result == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_IO,
                      "cannot send a mail: %s", curl_easy_strerror(result));
    }
}

/* ---- on the loop ---- */

static void free_letter(struct letter *letter)
{
    if (letter) {
        if (letter->message.data) {
            explicit_bzero(letter->message.data, letter->message.length); /* it has a link */
        }
        buf_done(&letter->message);
        alloc_free(letter);
    }
}

static void letter_sent(void *arg)
{
    struct letter *letter = arg;
    struct mail *mail = letter->mail;

    mail->first = letter->next;
    if (!mail->first) {
        mail->last = NULL;
    }
    mail->count--;
    if (mail->first && !mail->is_stopped) {
        loop_work(mail->loop, &mail->first->job);
    }
    if (letter->done) {
        letter->done(letter->code, &letter->error, letter->arg);
    }
    free_letter(letter);
}

static void enqueue(struct mail *mail, struct letter *letter)
{
    letter->job = (struct loop_job){.work = send_letter, .done = letter_sent, .arg = letter};
    if (mail->last) {
        mail->last->next = letter;
    } else {
        mail->first = letter;
        loop_work(mail->loop, &letter->job);
    }
    mail->last = letter;
    mail->count++;
}

int mail_send(struct mail *mail, struct str to, struct str subject, struct str text,
              mail_done_fn done, void *arg)
{
    if (!is_address(to) || !is_subject(subject) || text.length > MAIL_TEXT_BYTES_MAX) {
        return ERR_INVALID;
    }
    if (mail->count == MAIL_WAITING_MAX || mail->is_stopped) {
        return ERR_LIMIT;
    }
    struct letter *letter = alloc_zeroed(1, sizeof(*letter));
    if (!letter) {
        return ERR_NO_MEMORY;
    }
    letter->mail = mail;
    letter->done = done;
    letter->arg = arg;
    memcpy(letter->to, to.data, to.length);
    buf_init(&letter->message, MESSAGE_BYTES_MAX);
    int code = write_message(letter, mail->from, subject, text);
    if (code) {
        free_letter(letter);
        return code;
    }
    enqueue(mail, letter);
    return OK;
}

static bool copy(const char *text, char **ret)
{
    *ret = text && text[0] ? alloc_text(text) : NULL;
    return !text || !text[0] || *ret;
}

static int fill(struct mail *mail, const struct mail_options *options, struct error *error)
{
    struct str url = str_from(options->url);

    if (!str_starts_with(url, STR("smtp://")) && !str_starts_with(url, STR("smtps://"))) {
        return error_set(error, ERR_INVALID, "mail.url begins with smtp:// or smtps://");
    }
    if (str_find(url, STR("@"), 0) != SIZE_MAX) {
        return error_set(error, ERR_INVALID,
                         "mail.url holds a user name: it belongs into mail.user");
    }
    if (!is_address(str_from(options->from))) {
        return error_set(error, ERR_INVALID, "mail.from is no address such as netra@example.org");
    }
    mail->loop = options->loop;
    mail->is_loopback = http_is_loopback_url(options->url);
    return copy(options->url, &mail->url) && copy(options->user, &mail->user) &&
                   copy(options->password, &mail->password) && copy(options->from, &mail->from) &&
                   copy(options->ca_file, &mail->ca_file)
               ? OK
               : error_set(error, ERR_NO_MEMORY, "out of memory");
}

int mail_new(const struct mail_options *options, struct mail **ret_mail, struct error *error)
{
    struct mail *mail = alloc_zeroed(1, sizeof(*mail));

    if (!mail) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    int code = fill(mail, options, error);
    if (code) {
        mail_free(mail);
        return code;
    }
    *ret_mail = mail;
    return OK;
}

void mail_stop(struct mail *mail)
{
    if (mail) {
        mail->is_stopped = true;
    }
}

void mail_free(struct mail *mail)
{
    if (!mail) {
        return;
    }
    while (mail->first) { /* none is at work: loop_finish_jobs was before */
        struct letter *letter = mail->first;

        mail->first = letter->next;
        free_letter(letter);
    }
    if (mail->password) {
        explicit_bzero(mail->password, strlen(mail->password));
    }
    alloc_free(mail->url);
    alloc_free(mail->user);
    alloc_free(mail->password);
    alloc_free(mail->from);
    alloc_free(mail->ca_file);
    alloc_free(mail);
}
