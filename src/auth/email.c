/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/email.h"

#define LOCAL_PART_MAX 64u /* RFC 5321 */
#define LABEL_MAX      63u

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Dots stand between other characters (RFC 5322, dot-atom). */
static bool is_local_part(struct str part)
{
    if (part.length == 0 || part.length > LOCAL_PART_MAX || part.data[0] == '.' ||
        part.data[part.length - 1] == '.' || str_find(part, STR(".."), 0) != SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < part.length; i++) {
        char c = lower(part.data[i]);

        if (!is_letter_or_digit(c) && (c == '\0' || !strchr("!#$%&'*+-/=?^_`{|}~.", c))) {
            return false;
        }
    }
    return true;
}

static bool is_label(struct str label)
{
    if (label.length == 0 || label.length > LABEL_MAX || label.data[0] == '-' ||
        label.data[label.length - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.length; i++) {
        char c = lower(label.data[i]);

        if (!is_letter_or_digit(c) && c != '-') {
            return false;
        }
    }
    return true;
}

static bool is_domain(struct str domain)
{
    size_t begin = 0;
    unsigned labels = 0;

    for (size_t i = 0; i <= domain.length; i++) {
        if (i == domain.length || domain.data[i] == '.') {
            if (!is_label(str_slice(domain, begin, i))) {
                return false;
            }
            labels++;
            begin = i + 1;
        }
    }
    return labels > 1 || str_equal_ascii_case(domain, STR("localhost"));
}

static void fold(struct str text, char *ret)
{
    for (size_t i = 0; i < text.length; i++) {
        ret[i] = lower(text.data[i]);
    }
    ret[text.length] = '\0';
}

bool email_read(struct str text, char ret_email[ACCOUNTS_EMAIL_MAX + 1])
{
    size_t at = str_find(text, STR("@"), 0);

    if (text.length > ACCOUNTS_EMAIL_MAX || at == SIZE_MAX ||
        !is_local_part(str_slice(text, 0, at)) ||
        !is_domain(str_slice(text, at + 1, text.length))) {
        return false;
    }
    fold(text, ret_email);
    return true;
}

bool email_read_domain(struct str text, char ret_domain[EMAIL_DOMAIN_MAX + 1])
{
    if (text.length > EMAIL_DOMAIN_MAX || !is_domain(text)) {
        return false;
    }
    fold(text, ret_domain);
    return true;
}

struct str email_domain(const char *email)
{
    return str_from(strchr(email, '@') + 1);
}
