/*
 * Mails: what a server of ours on loopback is told, word for word; what is refused before anything
 * is sent; what becomes of mails that nobody takes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "http/mail.h"
#include "loop/loop.h"

#define HEARD_BYTES 65536

/* One SMTP conversation after the other, on a thread of its own: the mail's worker waits for it. */
struct post_office {
    int listener;
    uint16_t port;
    const char *offer;     /* the answer to EHLO */
    const char *recipient; /* the answer to RCPT */
    char heard[HEARD_BYTES];
    size_t length;
    pthread_t thread;
};

static void say(int fd, const char *line)
{
    assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), (ssize_t)strlen(line));
}

/* Answers each line; behind DATA the next answer comes with the dot. */
static void converse(struct post_office *office, int fd)
{
    FILE *in = fdopen(fd, "r");
    char line[4096];
    bool is_text = false;

    say(fd, "220 office ESMTP\r\n");
    while (fgets(line, sizeof(line), in)) {
        size_t length = strlen(line);

        if (office->length + length < sizeof(office->heard)) {
            memcpy(office->heard + office->length, line, length);
            office->length += length;
        }
        if (is_text) {
            is_text = strcmp(line, ".\r\n") != 0;
            if (!is_text) {
                say(fd, "250 taken\r\n");
            }
        } else if (strncmp(line, "EHLO", 4) == 0) {
            say(fd, office->offer);
        } else if (strncmp(line, "RCPT", 4) == 0) {
            say(fd, office->recipient);
        } else if (strncmp(line, "DATA", 4) == 0) {
            is_text = true;
            say(fd, "354 go on\r\n");
        } else if (strncmp(line, "QUIT", 4) == 0) {
            say(fd, "221 bye\r\n");
            break;
        } else {
            say(fd, "250 ok\r\n");
        }
    }
    (void)fclose(in);
}

static void *work(void *arg)
{
    struct post_office *office = arg;

    for (;;) {
        int fd = accept(office->listener, NULL, NULL);

        if (fd < 0) {
            return NULL;
        }
        converse(office, fd);
    }
}

static void open_office(struct post_office *office)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);

    memset(office, 0, sizeof(*office));
    office->offer = "250-office\r\n250 8BITMIME\r\n";
    office->recipient = "250 ok\r\n";
    office->listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(office->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(office->listener, 16), 0);
    assert_int_equal(getsockname(office->listener, (struct sockaddr *)&address, &size), 0);
    office->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&office->thread, NULL, work, office), 0);
}

static void close_office(struct post_office *office)
{
    (void)shutdown(office->listener, SHUT_RDWR);
    (void)pthread_join(office->thread, NULL);
    (void)close(office->listener);
    office->heard[office->length] = '\0';
}

struct outcome {
    unsigned count;
    int code;
    char message[ERROR_MESSAGE_BYTES_MAX];
};

static void on_sent(int code, const struct error *error, void *arg)
{
    struct outcome *outcome = arg;

    outcome->count++;
    outcome->code = code;
    (void)snprintf(outcome->message, sizeof(outcome->message), "%s", error->message);
}

static struct mail *new_mail(struct loop *loop, uint16_t port)
{
    char url[64];
    struct mail *mail = NULL;
    struct error error = {0};

    (void)snprintf(url, sizeof(url), "smtp://127.0.0.1:%u", port);
    struct mail_options options = {.loop = loop, .url = url, .from = "netra@example.org"};
    assert_int_equal(mail_new(&options, &mail, &error), OK);
    return mail;
}

static struct loop *new_loop(void)
{
    struct loop *loop = NULL;
    struct error error = {0};

    assert_int_equal(loop_new(2, &loop, &error), OK);
    return loop;
}

static void assert_heard(const struct post_office *office, const char *text)
{
    if (!strstr(office->heard, text)) {
        fail_msg("not heard: %s\n%s", text, office->heard);
    }
}

static void test_a_mail_is_sent_word_for_word(void **state)
{
    static struct post_office office;
    struct loop *loop = new_loop();
    struct outcome outcome = {0};

    (void)state;
    open_office(&office);
    struct mail *mail = new_mail(loop, office.port);
    assert_int_equal(
        mail_send(mail, STR("bob@example.org"), STR("Grüße: you are invited"),
                  STR("Hello,\n.a dot, ä = \xe2\x82\xac and a space \nhttps://x.org/?c="
                      "0123456789012345678901234567890123456789012345678901234567\n"),
                  on_sent, &outcome),
        OK);
    assert_int_equal(mail_send(mail, STR("eve@example.org"), STR("plain"), STR("x"), NULL, NULL),
                     OK);
    loop_finish_jobs(loop);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.code, OK);
    mail_free(mail);
    loop_free(loop);
    close_office(&office);
    assert_heard(&office, "MAIL FROM:<netra@example.org>");
    assert_heard(&office, "RCPT TO:<bob@example.org>");
    assert_heard(&office, "\r\nFrom: <netra@example.org>\r\nTo: <bob@example.org>\r\n");
    assert_heard(&office, "\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe=3A_you_?=\r\n =?utf-8?Q?");
    assert_heard(&office, "\r\nContent-Transfer-Encoding: quoted-printable\r\n");
    assert_heard(&office, "\r\n\r\nHello,\r\n=2Ea dot, =C3=A4 =3D =E2=82=AC and a space=20\r\n");
    assert_heard(&office, "\r\nSubject: plain\r\n");
    assert_heard(&office, "RCPT TO:<eve@example.org>");
    assert_non_null(strstr(office.heard, " +0000\r\n"));
    for (const char *line = office.heard; line; line = strchr(line + 1, '\n')) {
        const char *end = strchr(line + 1, '\n');
        assert_true(!end || end - line <= 90); /* lines are short */
    }
}

static void test_what_would_break_out_is_refused(void **state)
{
    static const char *const addresses[] = {"",
                                            "bob",
                                            "@",
                                            "bob@",
                                            "@example.org",
                                            "bob@example.org\r\nRCPT TO:<eve@evil.com>",
                                            "bob@example.org\n",
                                            "bob@example.org>",
                                            "<bob@example.org>",
                                            "bob@example.org, eve@evil.com",
                                            "b ob@example.org",
                                            "bob@exa@mple.org",
                                            "bób@example.org"};
    static const char *const subjects[] = {"", "a\r\nBcc: eve@evil.com", "a\n", "a\tb", "\xff"};
    static char long_text[MAIL_TEXT_BYTES_MAX + 1];
    struct loop *loop = new_loop();
    struct mail *mail = new_mail(loop, 1);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
        if (mail_send(mail, str_from(addresses[i]), STR("s"), STR("t"), NULL, NULL) !=
            ERR_INVALID) {
            fail_msg("taken: %s", addresses[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(subjects); i++) {
        assert_int_equal(
            mail_send(mail, STR("a@b.org"), str_from(subjects[i]), STR("t"), NULL, NULL),
            ERR_INVALID);
    }
    memset(long_text, 'x', sizeof(long_text));
    assert_int_equal(mail_send(mail, STR("a@b.org"), STR("s"),
                               (struct str){long_text, sizeof(long_text)}, NULL, NULL),
                     ERR_INVALID);
    mail_free(mail);
    loop_free(loop);
}

static void test_settings_that_cannot_be_are_refused(void **state)
{
    static const struct mail_options rows[] = {
        {.url = "http://127.0.0.1", .from = "a@b.org"},
        {.url = "mail.example.org", .from = "a@b.org"},
        {.url = "smtp://user:pw@127.0.0.1", .from = "a@b.org"},
        {.url = "smtp://127.0.0.1", .from = "a@b.org\r\nX: y"},
        {.url = "smtp://127.0.0.1", .from = ""},
    };
    struct mail *mail = NULL;
    struct error error = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(mail_new(&rows[i], &mail, &error), ERR_INVALID);
        assert_null(strstr(error.message, "pw"));
    }
}

static void test_a_refusal_is_told(void **state)
{
    static struct post_office office;
    struct loop *loop = new_loop();
    struct outcome outcome = {0};

    (void)state;
    open_office(&office);
    office.recipient = "550 nobody here\r\n";
    struct mail *mail = new_mail(loop, office.port);
    assert_int_equal(mail_send(mail, STR("bob@example.org"), STR("s"), STR("t"), on_sent, &outcome),
                     OK);
    loop_finish_jobs(loop);
    assert_int_equal(outcome.code, ERR_IO);
    assert_true(outcome.message[0]);
    mail_free(mail);
    loop_free(loop);
    close_office(&office);
    assert_null(strstr(office.heard, "DATA"));
}

static void test_too_many_wait(void **state)
{
    struct loop *loop = new_loop();
    struct mail *mail = new_mail(loop, 1);
    unsigned taken = 0;

    (void)state;
    mail_stop(mail); /* nothing is taken any more */
    assert_int_equal(mail_send(mail, STR("a@b.org"), STR("s"), STR("t"), NULL, NULL), ERR_LIMIT);
    mail_free(mail);
    mail = new_mail(loop, 1);
    while (mail_send(mail, STR("a@b.org"), STR("s"), STR("t"), NULL, NULL) == OK) {
        taken++;
    }
    assert_int_equal(taken, MAIL_WAITING_MAX);
    mail_stop(mail); /* the one at work fails, the others are not begun */
    loop_finish_jobs(loop);
    mail_free(mail);
    loop_free(loop);
}

static void test_memory_is_needed(void **state)
{
    struct loop *loop = new_loop();
    struct mail *mail = new_mail(loop, 1);
    int code = ERR_NO_MEMORY;
    unsigned nth = 1;

    (void)state;
    for (; code == ERR_NO_MEMORY && nth < 50; nth++) {
        (void)alloc_fail_from(nth);
        code = mail_send(mail, STR("a@b.org"), STR("s"), STR("t"), NULL, NULL);
        (void)alloc_fail_from(0);
    }
    assert_int_equal(code, OK);
    assert_true(nth > 2);
    loop_finish_jobs(loop);
    mail_free(mail);
    loop_free(loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_mail_is_sent_word_for_word),
    cmocka_unit_test(test_what_would_break_out_is_refused),
    cmocka_unit_test(test_settings_that_cannot_be_are_refused),
    cmocka_unit_test(test_a_refusal_is_told),
    cmocka_unit_test(test_too_many_wait),
    cmocka_unit_test(test_memory_is_needed),
};

UNIT_MAIN(tests)
