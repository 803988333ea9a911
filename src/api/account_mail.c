/*
 * A mail that cannot be handed over is a line of the log without the address: who asked for it sees
 * that none came, and asks again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/account_mail.h"

#include <stdio.h>

#include "api/api_state.h"
#include "api/mail_text.h"
#include "base/alloc.h"
#include "http/mail.h"
#include "monitor/log.h"

void account_print_link(const struct api *api, const char *what, const char *code,
                        char ret_url[ACCOUNT_LINK_BYTES_MAX])
{
    (void)snprintf(ret_url, ACCOUNT_LINK_BYTES_MAX, "%s/?%s=%s", api->options.public_url, what,
                   code);
}
