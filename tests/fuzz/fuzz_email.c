/*
 * Any bytes as an e-mail, a password and an address: what is taken for an e-mail is one when it is
 * read again, a prepared password is prepared, and nothing else happens.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/auth_state.h"
#include "auth/email.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    char email[ACCOUNTS_EMAIL_MAX + 1];
    char again[ACCOUNTS_EMAIL_MAX + 1];
    char network[DIRECTORY_NETWORK_BYTES];
    struct password password;
    struct password twice;

    if (email_read(text, email)) {
        check(strlen(email) == size && strchr(email, '@') == strrchr(email, '@'));
        check(email_read(str_from(email), again) && strcmp(email, again) == 0);
    }
    if (password_prepare(text, &password) == OK) {
        check(password.length <= ACCOUNTS_PASSWORD_MAX && str_is_utf8(str_from(password.text)));
        check(password_prepare((struct str){password.text, password.length}, &twice) == OK);
        check(twice.length == password.length &&
              memcmp(twice.text, password.text, twice.length) == 0);
    }
    auth_network_of(text, network);
    check(strlen(network) < sizeof(network));
    return 0;
}
