/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/oidc_email.h"

#define LOCAL_BYTES_MAX 64u /* RFC 5321, 4.5.3.1.1 */
#define LABEL_BYTES_MAX 63u

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static void fold(struct str text, char *ret_folded)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];

        ret_folded[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    ret_folded[text.length] = '\0';
}

static bool is_label(struct str label)
{
    for (size_t i = 0; i < label.length; i++) {
        bool is_inner_hyphen = label.data[i] == '-' && i > 0 && i + 1 < label.length;

        if (!is_letter_or_digit(label.data[i]) && !is_inner_hyphen) {
            return false;
        }
    }
    return label.length > 0 && label.length <= LABEL_BYTES_MAX;
}

static bool is_domain(struct str domain)
{
    unsigned labels = 0;
    size_t begin = 0;

    for (size_t i = 0; i <= domain.length; i++) {
        if (i == domain.length || domain.data[i] == '.') {
            if (!is_label(str_slice(domain, begin, i))) {
                return false;
            }
            labels++;
            begin = i + 1;
        }
    }
    return labels >= 2 && domain.length <= OIDC_DOMAIN_BYTES_MAX;
}

bool oidc_domain_fold(struct str domain, char ret_folded[OIDC_DOMAIN_BYTES_MAX + 1])
{
    if (!is_domain(domain)) {
        return false;
    }
    fold(domain, ret_folded);
    return true;
}

static bool is_local_part(struct str local)
{
    bool was_dot = true; /* none at the begin, at the end, or twice */

    for (size_t i = 0; i < local.length; i++) {
        char c = local.data[i];

        if (c == '.' ? was_dot
                     : !is_letter_or_digit(c) && (c == '\0' || !strchr("!#$%&'*+-/=?^_`{|}~", c))) {
            return false;
        }
        was_dot = c == '.';
    }
    return !was_dot && local.length <= LOCAL_BYTES_MAX;
}

bool oidc_email_fold(struct str email, char ret_folded[ACCOUNTS_EMAIL_MAX + 1])
{
    size_t at = email.length;

    while (at > 0 && email.data[at - 1] != '@') {
        at--;
    }
    if (at == 0 || email.length > ACCOUNTS_EMAIL_MAX ||
        !is_local_part(str_slice(email, 0, at - 1)) ||
        !is_domain(str_slice(email, at, email.length))) {
        return false;
    }
    fold(email, ret_folded);
    return true;
}

struct str oidc_email_domain(const char *folded)
{
    const char *at = strrchr(folded, '@');

    return at ? str_from(at + 1) : STR("");
}
