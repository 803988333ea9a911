/* SPDX-License-Identifier: Apache-2.0 */
#include "api/mail_text.h"

#include "auth/accounts.h"

#define TEXT_BYTES_MAX 4096u

/* Names are people's own choice: no line breaks, no more than some words, and nothing that a mail
 * program would make a link of. */
static void put_name(struct buf *out, struct str name)
{
    size_t characters = 0;

    for (size_t i = 0; i < name.length && characters <= MAIL_TEXT_NAME_CHARACTERS_MAX; i++) {
        unsigned char c = (unsigned char)name.data[i];

        characters += (c & 0xc0) != 0x80;
        if (characters > MAIL_TEXT_NAME_CHARACTERS_MAX) {
            buf_append(out, STR("…"));
        } else if (c < ' ' || c == 0x7f || c == ':' || c == '/' || c == '\\' || c == '.') {
            buf_append_char(out, ' ');
        } else {
            buf_append_char(out, (char)c);
        }
    }
}

void mail_invitation(struct mail_text *ret_text, struct str workspace, struct str inviter,
                     const char *url)
{
    struct buf *out = &ret_text->body;

    ret_text->subject = "You are invited to Netra";
    buf_init(out, TEXT_BYTES_MAX);
    buf_append(out, STR("Hello,\n\n"));
    if (inviter.length) {
        put_name(out, inviter);
    } else {
        buf_append(out, STR("Somebody"));
    }
    buf_append(out, STR(" invites you to the workspace \""));
    put_name(out, workspace);
    buf_printf(out,
               "\" of Netra, where language-model costs are analysed.\n\n"
               "To accept, open this link within %d days:\n\n%s\n\n"
               "If you did not expect this, ignore this mail: nothing happens.\n",
               ACCOUNTS_INVITE_DAYS, url);
}

void mail_reset(struct mail_text *ret_text, const char *url)
{
    struct buf *out = &ret_text->body;

    ret_text->subject = "A new password for Netra";
    buf_init(out, TEXT_BYTES_MAX);
    buf_printf(out,
               "Hello,\n\nsomebody, probably you, asked for a new password for Netra.\n\n"
               "To choose one, open this link within %d minutes:\n\n%s\n\n"
               "If it was not you, ignore this mail: your password stays as it is.\n",
               ACCOUNTS_RESET_MINUTES, url);
}

void mail_text_done(struct mail_text *text)
{
    if (text->body.data) {
        explicit_bzero(text->body.data, text->body.length);
    }
    buf_done(&text->body);
}
