/*
 * A mail that cannot be handed over is a line of the log without the address: who asked for it sees
 * that none came, and asks again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/account_mail.h"

#include <stdio.h>

#include "api/api_state.h"
#include "http/mail.h"
#include "monitor/log.h"

void account_print_link(const struct api *api, const char *what, const char *code,
                        char ret_url[ACCOUNT_LINK_BYTES_MAX])
{
    (void)snprintf(ret_url, ACCOUNT_LINK_BYTES_MAX, "%s/?%s=%s", api->options.public_url, what,
                   code);
}

static void tell_failure(int code, const struct error *error, void *arg)
{
    (void)arg;
    if (code) {
        log_write(LOG_WARNING, "api", "a mail was not taken: %s",
                  error ? error->message : error_code_text(code));
    }
}

/* False where there is no mail, or it takes no more. */
static bool send_text(const struct api *api, struct str to, struct str subject,
                      const struct buf *text)
{
    int code = buf_status(text) ? buf_status(text)
                                : mail_send(api->options.mail, to, subject, buf_str(text),
                                            tell_failure, /* arg */ NULL);

    if (code) {
        log_write(LOG_WARNING, "api", "cannot send a mail: %s", error_code_text(code));
    }
    return code == OK;
}

static bool append_workspace_name(const struct store_workspace *row, void *arg)
{
    buf_append((struct buf *)arg, row->name);
    return false;
}

bool account_mail_invitation(const struct api *api, const struct auth_caller *caller,
                             struct str email, const char *url)
{
    cleanup(buf_done) struct buf text;

    if (!api->options.mail) {
        return false;
    }
    buf_init(&text, MAIL_TEXT_BYTES_MAX);
    buf_append(&text, STR("You are invited to Netra, workspace \""));
    (void)accounts_workspace(api->options.auth, str_from(caller->workspace_id),
                             append_workspace_name, &text);
    buf_printf(&text,
               "\".\n\nThis link makes your account. It works once, within %d days:\n\n%s\n\n"
               "If you did not expect this, do nothing.\n",
               ACCOUNTS_INVITE_DAYS, url);
    return send_text(api, email, STR("You are invited to Netra"), &text);
}

/* ---- forgotten passwords ---- */

struct forgotten {
    struct late late; /* first: freed as one; its request has its answer already */
    char email[ACCOUNTS_EMAIL_MAX + 1];
};

static void on_code(const struct account_outcome *outcome, void *arg)
{
    struct forgotten *forgotten = (struct forgotten *)arg;
    const struct api *api = forgotten->late.api;
    char url[ACCOUNT_LINK_BYTES_MAX];

    if (outcome->code == OK && outcome->secret) {
        cleanup(buf_done) struct buf text;

        buf_init(&text, MAIL_TEXT_BYTES_MAX);
        account_print_link(api, "reset", outcome->secret, url);
        buf_printf(&text,
                   "Somebody, perhaps you, asked for a new password for Netra.\n\n"
                   "This link lets you choose one. It works once, within %d minutes:\n\n%s\n\n"
                   "If it was not you, do nothing: your password is unchanged.\n",
                   ACCOUNTS_RESET_MINUTES, url);
        (void)send_text(api, str_from(forgotten->email), STR("A new password for Netra"), &text);
        explicit_bzero(url, sizeof(url));
    }
    late_free(&forgotten->late);
}

bool account_mail_forgotten(const struct call *call, struct str email,
                            const struct account_origin *origin)
{
    struct error error = {0};
    struct forgotten *forgotten =
        (struct forgotten *)late_new_sized(call, sizeof(struct forgotten));

    if (!forgotten) {
        return false;
    }
    memcpy(forgotten->email, email.data, email.length);
    int code = accounts_forgot(call->api->options.auth, email, origin, on_code, forgotten, &error);
    if (code) {
        late_free(&forgotten->late);
    }
    return true;
}
