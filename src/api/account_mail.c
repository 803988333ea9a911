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
#include "api/page.h"
#include "http/mail.h"
#include "monitor/log.h"

void account_print_link(const struct api *api, const char *what, const char *code,
                        char ret_url[ACCOUNT_LINK_BYTES_MAX])
{
    (void)snprintf(ret_url, ACCOUNT_LINK_BYTES_MAX, "%s/?%s=%s", page_url(api), what, code);
}

static void tell_failure(int code, const struct error *error, void *arg)
{
    (void)arg;
    if (code) {
        log_write(LOG_WARNING, "api", "a mail was not taken: %s",
                  error ? error->message : error_code_text(code));
    }
}

/* False when mail takes no more. Forgets the text, which has a code in it. */
static bool send_text(const struct api *api, struct str to, struct mail_text *text)
{
    int code = buf_status(&text->body)
                   ? buf_status(&text->body)
                   : mail_send(api->options.mail, to, str_from(text->subject), buf_str(&text->body),
                               tell_failure, /* arg */ NULL);

    if (code) {
        log_write(LOG_WARNING, "api", "cannot send a mail: %s", error_code_text(code));
    }
    mail_text_done(text);
    return code == OK;
}

struct invitation_names {
    struct str workspace;
    struct str inviter;
};

static bool take_workspace_name(const struct store_workspace *row, void *arg)
{
    ((struct invitation_names *)arg)->workspace = row->name;
    return false;
}

/* Borrowed beyond the call: the directory changes only when it is told to, not from here on. */
static bool take_inviter_name(const struct store_user *row, void *arg)
{
    ((struct invitation_names *)arg)->inviter = row->name;
    return false;
}

bool account_mail_invitation(const struct api *api, const struct auth_caller *caller,
                             struct str email, const char *url)
{
    struct invitation_names names = {0};
    struct mail_text text;

    if (!api->options.mail) {
        return false;
    }
    (void)accounts_workspace(api->options.auth, str_from(caller->workspace_id), take_workspace_name,
                             &names);
    (void)accounts_user(api->options.auth, str_from(caller->user_id), take_inviter_name, &names);
    mail_invitation(&text, names.workspace, names.inviter, url);
    return send_text(api, email, &text);
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
        struct mail_text text;

        account_print_link(api, "reset", outcome->secret, url);
        mail_reset(&text, url);
        (void)send_text(api, str_from(forgotten->email), &text);
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
