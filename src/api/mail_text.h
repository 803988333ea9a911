/*
 * mail_text: what mails to people say. Plain text, short, in the words of the page; what others
 * wrote (the name of a workspace, of who invites) is one line, bounded, and never an address to
 * follow: the only one is the link that is meant.
 *
 * Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_MAIL_TEXT_H
#define NETRA_API_MAIL_TEXT_H

#include "base/buf.h"

#define MAIL_TEXT_NAME_CHARACTERS_MAX 60u

struct mail_text {
    const char *subject; /* a literal */
    struct buf body;     /* sticky failure is its; buf_done is the caller's, it holds a secret */
};

/* inviter: their name; empty: "somebody". url: the link with the code. */
void mail_invitation(struct mail_text *ret_text, struct str workspace, struct str inviter,
                     const char *url);

void mail_reset(struct mail_text *ret_text, const char *url);

/* Wipes and frees. */
void mail_text_done(struct mail_text *text);

#endif
