/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/password_rules.h"

#include <openssl/crypto.h>
#include <utf8proc.h>

#define BYTES_MAX                                                                                  \
    (3 * (size_t)ACCOUNTS_PASSWORD_MAX) /* composing makes no text shorter than that */
#define POINTS_MAX                                                                                 \
    (2 * 3 * (int)ACCOUNTS_PASSWORD_MAX) /* two bytes become at most three points                  \
                                          */

/* Of 10 and more characters; what is shorter is refused anyway. Compared without regard to case. */
static const char *const common[] = {
    "0123456789",     "0987654321",   "1111111111",    "1122334455",
    "1234512345",     "1234554321",   "123456789a",    "1234567890",
    "12345678900",    "12345678910",  "123456789012",  "1q2w3e4r5t",
    "1q2w3e4r5t6y",   "1qaz2wsx3edc", "5555555555",    "9876543210",
    "aaaaaaaaaa",     "abc1234567",   "abcdefghij",    "abcd123456",
    "admin12345",     "admin123456",  "administrator", "adminadmin",
    "asdfghjkl1",     "asdfghjkl;",   "basketball",    "baseball123",
    "changeme123",    "changemenow",  "computer123",   "correcthorsebatterystaple",
    "dragon12345",    "football123",  "iloveyou12",    "iloveyou123",
    "letmein123",     "letmein1234",  "liverpool1",    "manchester",
    "michael123",     "monkey12345",  "mypassword",    "netranetra",
    "p@ssw0rd123",    "p@ssword123",  "passw0rd12",    "passw0rd123",
    "password00",     "password01",   "password10",    "password11",
    "password12",     "password123",  "password1234",  "password12345",
    "password123456", "password1!",   "password123!",  "passwordpassword",
    "princess12",     "princess123",  "qazwsxedcr",    "qwerty1234",
    "qwerty12345",    "qwerty123456", "qwertyuiop",    "qwertyuiop1",
    "qwertzuiop",     "samsung123",   "starwars123",   "sunshine12",
    "sunshine123",    "superman123",  "testtest12",    "testtest123",
    "trustno1234",    "welcome123",   "welcome1234",   "welcome12345",
    "zaq12wsxcde3",   "zxcvbnm123",   "zxcvbnmasd",
};

void password_wipe(struct password *password)
{
    OPENSSL_cleanse(password, sizeof(*password));
}

/* utf8proc_decompose_custom's hook: before anything else. */
static utf8proc_int32_t plain_space(utf8proc_int32_t point, void *data)
{
    (void)data;
    return utf8proc_category(point) == UTF8PROC_CATEGORY_ZS ? 0x20 : point;
}

static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];

        /* U+0080 to U+009F are C2 80 to C2 9F */
        if (c < 0x20 || c == 0x7f ||
            (c == 0xc2 && i + 1 < text.length && (unsigned char)text.data[i + 1] < 0xa0)) {
            return true;
        }
    }
    return false;
}

int password_prepare(struct str text, struct password *ret_password)
{
    utf8proc_int32_t points[POINTS_MAX + 1]; /* becomes the text, in place */
    const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;

    if (text.length == 0 || text.length > BYTES_MAX || !str_is_utf8(text) || has_control(text)) {
        return ERR_INVALID;
    }
    utf8proc_ssize_t length = utf8proc_decompose_custom((const utf8proc_uint8_t *)text.data,
                                                        (utf8proc_ssize_t)text.length, points,
                                                        POINTS_MAX, options, plain_space, NULL);
    if (length >= 0 && length <= POINTS_MAX) {
        length = utf8proc_reencode(points, length, options);
    }
    int code = length < 0 || length > (utf8proc_ssize_t)ACCOUNTS_PASSWORD_MAX ? ERR_INVALID : OK;
    if (code == OK) {
        memcpy(ret_password->text, points, (size_t)length);
        ret_password->text[length] = '\0';
        ret_password->length = (size_t)length;
    }
    OPENSSL_cleanse(points, sizeof(points));
    return code;
}

static bool is_common(struct str password)
{
    bool is_one_character = true;

    for (size_t i = 1; i < password.length; i++) {
        is_one_character = is_one_character && password.data[i] == password.data[0];
    }
    for (size_t i = 0; i < ARRAY_LENGTH(common); i++) {
        if (str_equal_ascii_case(password, str_from(common[i]))) {
            return true;
        }
    }
    return is_one_character;
}

static bool is_email(struct str password, struct str email)
{
    size_t at = str_find(email, STR("@"), 0);
    struct str local = at == SIZE_MAX ? email : str_slice(email, 0, at);

    return email.length &&
           (str_equal_ascii_case(password, email) || str_equal_ascii_case(password, local));
}

int password_prepare_new(struct str text, struct str email, struct password *ret_password,
                         struct error *error)
{
    struct password made;
    int code = password_prepare(text, &made);

    if (code || made.length < ACCOUNTS_PASSWORD_MIN) {
        code = error_set(error, ERR_INVALID,
                         "cannot take this password: it must have %u to %u bytes of UTF-8 text "
                         "without control characters",
                         ACCOUNTS_PASSWORD_MIN, ACCOUNTS_PASSWORD_MAX);
    } else if (is_email((struct str){made.text, made.length}, email)) {
        code = error_set(error, ERR_INVALID, "cannot take this password: it is the e-mail");
    } else if (is_common((struct str){made.text, made.length})) {
        code = error_set(error, ERR_INVALID,
                         "cannot take this password: it is among those that are tried first");
    }
    if (code == OK) {
        *ret_password = made;
    }
    password_wipe(&made);
    return code;
}
