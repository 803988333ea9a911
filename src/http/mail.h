/*
 * mail: one message to one person, over SMTP by libcurl on a worker. smtps://, or smtp:// with
 * STARTTLS, which is demanded but for loopback addresses.
 *
 * Loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_MAIL_H
#define NETRA_HTTP_MAIL_H

#include "http/client.h"

#define MAIL_TEXT_BYTES_MAX 16384u
#define MAIL_TIMEOUT_MS     20000u
#define MAIL_WAITING_MAX    100u /* more: ERR_LIMIT */

struct mail_options {
    struct loop *loop;
    const char *url;  /* "smtps://mail.example.org" */
    const char *user; /* NULL: no authentication */
    const char *password;
    const char *from;    /* "netra@example.org" */
    const char *ca_file; /* NULL: the system's */
};

struct mail;

/* ERR_INVALID (an address or a sender that is none), ERR_NO_MEMORY. */
must_check int mail_new(const struct mail_options *options, struct mail **ret_mail,
                        struct error *error);
/* No mail begins to be sent any more: the end does not wait for a slow server more than once. */
void mail_stop(struct mail *mail);
void mail_free(struct mail *mail); /* both take NULL; after loop_finish_jobs */

/* Plain text, UTF-8; line breaks and control characters in to and subject are refused: ERR_INVALID.
 * done (may be NULL) gets OK or ERR_IO, ERR_TIMEOUT. */
must_check int mail_send(struct mail *mail, struct str to, struct str subject, struct str text,
                         void (*done)(int code, const struct error *error, void *arg), void *arg);

#endif
