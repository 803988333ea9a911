/*
 * A sign-in under way is found once, by its state and its browser, until it is too old; the oldest
 * goes when there are too many.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "auth/oidc_state.h"
#include "base/alloc.h"

#define LIFE 1000

struct tab {
    char state[AUTH_SECRET_TEXT_BYTES];
    char browser[AUTH_SECRET_TEXT_BYTES];
};

static int enter(struct oidc_states *states, struct tab *tab, int64_t now_us)
{
    struct oidc_sign_in *made = NULL;

    return oidc_states_add(states, STR("/x?y=1"), now_us + LIFE, now_us, tab->state, tab->browser,
                           &made);
}

/* "found", "none" or "foreign". */
static const char *come_back(struct oidc_states *states, const char *state, const char *browser,
                             int64_t now_us)
{
    bool is_foreign = false;
    struct oidc_sign_in *found =
        oidc_states_take(states, str_from(state), str_from(browser), now_us, &is_foreign);
    const char *what = found ? "found" : is_foreign ? "foreign" : "none";

    if (found) {
        assert_string_equal(found->next, "/x?y=1");
        assert_int_equal(strlen(found->verifier), 43);
        assert_string_not_equal(found->verifier, found->nonce);
    }
    oidc_sign_in_free(found);
    return what;
}

static void test_a_state_works_once_and_in_its_browser(void **state)
{
    struct oidc_states states;
    struct tab a;
    struct tab b;

    (void)state;
    assert_int_equal(oidc_states_init(&states, 10), OK);
    assert_int_equal(enter(&states, &a, 0), OK);
    assert_int_equal(enter(&states, &b, 0), OK);
    assert_string_equal(come_back(&states, "made up", a.browser, 1), "none");
    assert_string_equal(come_back(&states, "", "", 1), "none");
    assert_string_equal(come_back(&states, a.state, b.browser, 1), "foreign");
    assert_string_equal(come_back(&states, a.state, a.browser, 1), "none"); /* used up by that */
    assert_string_equal(come_back(&states, b.state, b.browser, 1), "found");
    assert_string_equal(come_back(&states, b.state, b.browser, 1), "none");
    assert_int_equal(states.count, 0);
    oidc_states_done(&states);
}

static void test_a_state_without_its_cookie_is_foreign(void **state)
{
    struct oidc_states states;
    struct tab a;

    (void)state;
    assert_int_equal(oidc_states_init(&states, 10), OK);
    assert_int_equal(enter(&states, &a, 0), OK);
    assert_string_equal(come_back(&states, a.state, "", 1), "foreign");
    oidc_states_done(&states);
}

static void test_states_end(void **state)
{
    struct oidc_states states;
    struct tab a;
    struct tab b;

    (void)state;
    assert_int_equal(oidc_states_init(&states, 10), OK);
    assert_int_equal(enter(&states, &a, 0), OK);
    assert_int_equal(enter(&states, &b, 1), OK);
    assert_string_equal(come_back(&states, a.state, a.browser, LIFE), "none");
    assert_string_equal(come_back(&states, b.state, b.browser, LIFE), "found");
    assert_int_equal(enter(&states, &a, 0), OK);
    assert_int_equal(enter(&states, &b, LIFE), OK);
    assert_int_equal(states.count, 1); /* what has ended leaves when somebody comes */
    oidc_states_done(&states);
}

static void test_the_oldest_goes(void **state)
{
    struct oidc_states states;
    struct tab tabs[4];

    (void)state;
    assert_int_equal(oidc_states_init(&states, 3), OK);
    for (int64_t i = 0; i < 4; i++) {
        assert_int_equal(enter(&states, &tabs[i], i), OK);
    }
    assert_int_equal(states.count, 3);
    assert_string_equal(come_back(&states, tabs[0].state, tabs[0].browser, 5), "none");
    for (size_t i = 1; i < 4; i++) {
        assert_string_equal(come_back(&states, tabs[i].state, tabs[i].browser, 5), "found");
    }
    oidc_states_done(&states);
}

static void test_what_cannot_be_kept_is_refused(void **state)
{
    static char next[OIDC_NEXT_BYTES_MAX + 1];
    struct oidc_states states;
    struct oidc_sign_in *made = NULL;
    struct tab a;

    (void)state;
    memset(next, '/', sizeof(next));
    assert_int_equal(oidc_states_init(&states, 3), OK);
    assert_int_equal(oidc_states_add(&states, (struct str){next, sizeof(next)}, LIFE, 0, a.state,
                                     a.browser, &made),
                     ERR_LIMIT);
    (void)alloc_fail_from(1);
    assert_int_equal(enter(&states, &a, 0), ERR_NO_MEMORY);
    (void)alloc_fail_from(0);
    assert_int_equal(states.count, 0);
    oidc_states_done(&states);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_state_works_once_and_in_its_browser),
    cmocka_unit_test(test_a_state_without_its_cookie_is_foreign),
    cmocka_unit_test(test_states_end),
    cmocka_unit_test(test_the_oldest_goes),
    cmocka_unit_test(test_what_cannot_be_kept_is_refused),
};

UNIT_MAIN(tests)
