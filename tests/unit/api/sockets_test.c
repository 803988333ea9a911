/*
 * Open sockets: how many a user has, in whatever order they are opened and closed; visits that are
 * held while they end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "api/sockets.h"
#include "api/visit.h"
#include "base/alloc.h"
#include "base/random.h"

#define USERS  5u
#define VISITS 200u
#define STEPS  20000u

static struct exchange exchange;

static struct visit *visit_for(struct visits *visits, const char *user)
{
    struct visit *visit = visit_new(visits, &exchange);

    assert_non_null(visit);
    (void)snprintf(visit->who.user_id, sizeof(visit->who.user_id), "%s", user);
    return visit;
}

/* Against a plain count. */
static void test_sockets_are_counted_by_user(void **state)
{
    static struct sockets sockets;
    struct visits visits = {0};
    struct visit *open[VISITS] = {NULL};
    unsigned owner_of[VISITS] = {0};
    unsigned count[USERS] = {0};
    struct random random;
    char user[16];

    (void)state;
    random_init(&random, 7, 1);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned at = random_below(&random, VISITS);

        if (open[at]) {
            sockets_close(&sockets, open[at]);
            sockets_close(&sockets, open[at]); /* once is enough */
            visit_end(&visits, open[at]);
            open[at] = NULL;
            count[owner_of[at]]--;
        } else {
            owner_of[at] = random_below(&random, USERS);
            (void)snprintf(user, sizeof(user), "user-%u", owner_of[at]);
            struct visit *visit = visit_for(&visits, user);
            int code = sockets_open(&sockets, visit, at + 1, true, 20);
            assert_int_equal(code, count[owner_of[at]] < 20 ? OK : ERR_LIMIT);
            if (code) {
                visit_end(&visits, visit);
            } else {
                open[at] = visit;
                count[owner_of[at]]++;
            }
        }
        (void)snprintf(user, sizeof(user), "user-%u", owner_of[at]);
        assert_int_equal(sockets_of(&sockets, str_from(user)), count[owner_of[at]]);
    }
    unsigned listed = 0;
    for (const struct visit *visit = sockets.first; visit; visit = visit->socket_next) {
        listed++;
    }
    assert_int_equal(listed, sockets.count);
    assert_int_equal(listed, count[0] + count[1] + count[2] + count[3] + count[4]);
    sockets_done(&sockets);
    visits_free(&visits);
}

static void test_no_memory_opens_nothing(void **state)
{
    static struct sockets sockets;
    struct visits visits = {0};
    struct visit *visit = visit_for(&visits, "user");

    (void)state;
    alloc_fail_from(1);
    int code = sockets_open(&sockets, visit, 1, true, 0);
    struct visits none = {0};
    struct visit *no_visit = visit_new(&none, &exchange);
    alloc_fail_from(0);
    assert_int_equal(code, ERR_NO_MEMORY);
    assert_null(no_visit);
    assert_false(visit->is_socket);
    assert_int_equal(sockets_of(&sockets, STR("user")), 0);
    assert_int_equal(sockets_open(&sockets, visit, 1, true, 0), OK);
    sockets_close(&sockets, visit);
    sockets_done(&sockets);
    visits_free(&visits);
}

/* What ended while a handler looks at it stays readable until the handler is done, and is given to
 * nobody else before. */
static void test_a_held_visit_stays(void **state)
{
    struct visits visits = {0};
    struct visit *visit = visit_for(&visits, "user");

    (void)state;
    visit_hold(visit);
    visit_end(&visits, visit);
    assert_string_equal(visit->who.user_id, "user");
    for (unsigned i = 0; i < 3 * VISITS_PER_CHUNK; i++) {
        assert_true(visit_new(&visits, &exchange) != visit);
    }
    visit_let_go(&visits, visit);
    struct visit *next = visit_new(&visits, &exchange);
    assert_ptr_equal(next, visit);
    assert_int_equal(next->who.kind, AUTH_KIND_NOBODY);
    assert_int_equal(next->who.user_id[0], '\0');
    visits_free(&visits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sockets_are_counted_by_user),
        cmocka_unit_test(test_no_memory_opens_nothing),
        cmocka_unit_test(test_a_held_visit_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
