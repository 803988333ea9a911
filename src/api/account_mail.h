/*
 * account_mail: links with one-time codes, and the mails that bring them. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_ACCOUNT_MAIL_H
#define NETRA_API_ACCOUNT_MAIL_H

#include "api/account_answer.h"

#define ACCOUNT_LINK_BYTES_MAX 640

/* The page's address for a code: "URL/?invite=CODE", "URL/?reset=CODE". */
void account_print_link(const struct api *api, const char *what, const char *code,
                        char ret_url[ACCOUNT_LINK_BYTES_MAX]);

/* Hands an invitation to the mail server; false where there is none, or it takes no more. */
bool account_mail_invitation(const struct api *api, const struct auth_caller *caller,
                             struct str email, const char *url);

/* Makes a reset code for an e-mail (at most ACCOUNTS_EMAIL_MAX bytes) and mails it, if it is known.
 * True: the call is to be answered, whatever came of it; false: it has been, with 503. */
bool account_mail_forgotten(const struct call *call, struct str email,
                            const struct account_origin *origin);

#endif
