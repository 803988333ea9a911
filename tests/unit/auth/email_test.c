/*
 * E-mails and domains are folded, compared whole, and refused where they are not plain: a table of
 * look-alikes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "auth/email.h"

static const char *fold_email(const char *email, char ret[ACCOUNTS_EMAIL_MAX + 1])
{
    return email_read(str_from(email), ret) ? ret : NULL;
}

static void test_plain_addresses_are_folded(void **state)
{
    char folded[ACCOUNTS_EMAIL_MAX + 1];

    (void)state;
    assert_string_equal(fold_email("Ann.Lee@Example.ORG", folded), "ann.lee@example.org");
    assert_string_equal(fold_email("a+b_c-d'e@mail.example.org", folded),
                        "a+b_c-d'e@mail.example.org");
    assert_string_equal(fold_email("x@xn--exmple-cua.org", folded), "x@xn--exmple-cua.org");
    assert_str(email_domain("a@example.org"), "example.org");
}

static void test_what_is_not_plain_is_refused(void **state)
{
    static const char *const addresses[] = {
        "",
        "@",
        "a",
        "a@",
        "@example.org",
        "a@example",
        "a@example.org.",
        "a@.example.org",
        "a@example..org",
        "a@-example.org",
        "a@example-.org",
        "a@ex ample.org",
        "a@example.org\n",
        "a@example.org\r\nBcc: b@evil.com",
        "a b@example.org",
        "a@evil.com@example.org",
        "\"a@example.org\"@evil.com",
        "\"a\"@example.org",
        "a(comment)@example.org",
        "a@[127.0.0.1]",
        "a@exämple.org",
        "ä@example.org",
        "a@examp\u04cfe.org",
        "a@example\uff0eorg",
        ".a@example.org",
        "a.@example.org",
        "a..b@example.org",
        "<a@example.org>",
        "a@example.org,b@example.org",
        "a@example_x.org",
        "0123456789012345678901234567890123456789012345678901234567890123456@example.org",
    };
    char folded[ACCOUNTS_EMAIL_MAX + 1] = "untouched";

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
        if (email_read(str_from(addresses[i]), folded)) {
            fail_msg("'%s' is taken", addresses[i]);
        }
        assert_string_equal(folded, "untouched");
    }
    assert_false(email_read((struct str){"a@exa\0mple.org", 14}, folded));
    assert_false(email_read((struct str){NULL, 0}, folded));
}

static void test_lengths_are_bounded(void **state)
{
    char folded[ACCOUNTS_EMAIL_MAX + 1];
    char domain[EMAIL_DOMAIN_MAX + 1];
    char text[300];

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "x@", 2);
    for (size_t i = 5; i + 3 < 254; i += 50) {
        text[i] = '.';
    }
    assert_true(email_read((struct str){text, 254}, folded));
    assert_int_equal(strlen(folded), 254);
    assert_false(email_read((struct str){text, 255}, folded));
    memset(text, 'a', 64);
    memcpy(text + 63, ".org", 5);
    assert_true(email_read_domain(str_from(text), domain)); /* a label of 63 */
    memset(text, 'a', 65);
    memcpy(text + 64, ".org", 5);
    assert_false(email_read_domain(str_from(text), domain));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_plain_addresses_are_folded),
    cmocka_unit_test(test_what_is_not_plain_is_refused),
    cmocka_unit_test(test_lengths_are_bounded),
};

UNIT_MAIN(tests)
