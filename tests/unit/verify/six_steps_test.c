/*
 * The six steps in a list of events and in a record: the right order passes; each wrong one is
 * refused with its place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdio.h>

#include "base/civil_time.h"
#include "verify/six_steps.h"

#define FIRST_MS     INT64_C(1795430000000)
#define RECORD_BYTES 4096u

struct list {
    struct heard_event events[3 * SIX_STEPS];
    size_t count;
};

static void add(struct list *list, const char *type, const char *name)
{
    struct heard_event *event = &list->events[list->count];

    *event = (struct heard_event){.seq = list->count + 1,
                                  .timestamp_ms = FIRST_MS + (int64_t)list->count,
                                  .at_us = 1000 * (int64_t)list->count,
                                  .type = str_from(type),
                                  .name = str_from(name),
                                  .number = 7,
                                  .delivered_to = -1};
    list->count++;
}

static struct list right_list(void)
{
    struct list list = {0};

    for (unsigned i = 0; i < SIX_STEPS; i++) {
        add(&list, "STEP_STARTED", six_step_names[i]);
        add(&list, "CUSTOM", "other");
        add(&list, "STEP_FINISHED", six_step_names[i]);
    }
    return list;
}

static bool judge(const struct list *list, char wrong[SIX_STEPS_WRONG_BYTES])
{
    struct step_seen steps[SIX_STEPS] = {0};

    return six_steps_in_events(list->events, list->count, steps, wrong);
}

static void test_steps_in_order_are_taken(void **state)
{
    struct list list = right_list();
    struct step_seen steps[SIX_STEPS] = {0};
    char wrong[SIX_STEPS_WRONG_BYTES] = "";

    (void)state;
    assert_true(six_steps_in_events(list.events, list.count, steps, wrong));
    assert_int_equal(steps[5].started_ms, FIRST_MS + 15);
    assert_int_equal(steps[5].finished_at_us, 17000);
    assert_int_equal(steps[5].duration_us, 7);
}

static void test_steps_out_of_order_are_refused(void **state)
{
    char wrong[SIX_STEPS_WRONG_BYTES] = "";

    (void)state;
    for (unsigned i = 0; i + 1 < SIX_STEPS; i++) { /* two neighbours change places */
        struct list list = right_list();
        struct str name = list.events[3 * i].name;

        list.events[3 * i].name = list.events[3 * i + 2].name = list.events[3 * i + 3].name;
        list.events[3 * i + 3].name = list.events[3 * i + 5].name = name;
        assert_false(judge(&list, wrong));
        assert_non_null(strstr(wrong, six_step_names[i]));
    }
}

static void test_steps_that_are_lost_or_repeated_are_refused(void **state)
{
    char wrong[SIX_STEPS_WRONG_BYTES] = "";

    (void)state;
    for (size_t lost = 0; lost < (size_t)3 * SIX_STEPS; lost++) {
        struct list list = right_list();

        if (lost % 3 == 1) {
            continue; /* no step */
        }
        list.events[lost].type = STR("CUSTOM");
        assert_false(judge(&list, wrong));
        list = right_list();
        list.events[lost / 3 * 3 + 1] = list.events[lost];
        assert_false(judge(&list, wrong));
    }
}

static void test_numbers_without_gaps_are_taken(void **state)
{
    struct list list = right_list();
    char wrong[SIX_STEPS_WRONG_BYTES] = "";

    (void)state;
    assert_true(events_are_gapless(list.events, list.count, 1, wrong));
    assert_false(events_are_gapless(list.events, list.count, 2, wrong));
    assert_false(events_are_gapless(list.events, 0, 1, wrong));
    list.events[4].seq = 4; /* repeated */
    assert_false(events_are_gapless(list.events, list.count, 1, wrong));
    assert_non_null(strstr(wrong, "seq 4 came where 5 was due"));
    list.events[4].seq = 6; /* one is lost */
    assert_false(events_are_gapless(list.events, list.count, 1, wrong));
}

/* The record of right_list; apart_us: how far its first time is from the event's. */
static void write_record(char text[RECORD_BYTES], int64_t apart_us, unsigned count)
{
    size_t length = (size_t)snprintf(text, RECORD_BYTES, "{\"steps\":[");

    for (unsigned i = 0; i < count; i++) {
        char started[CIVIL_STAMP_BYTES];
        char finished[CIVIL_STAMP_BYTES];

        civil_stamp((FIRST_MS + 3 * i) * 1000 + (i ? 0 : apart_us), started);
        civil_stamp((FIRST_MS + 3 * i + 2) * 1000 + 400, finished);
        length += (size_t)snprintf(text + length, RECORD_BYTES - length,
                                   "%s{\"name\":\"%s\",\"started_at\":\"%s\",\"finished_at\":"
                                   "\"%s\",\"duration_us\":7}",
                                   i ? "," : "", six_step_names[i], started, finished);
    }
    (void)snprintf(text + length, RECORD_BYTES - length, "]}");
}

static bool judge_record(const char *text, char wrong[SIX_STEPS_WRONG_BYTES])
{
    struct list list = right_list();
    struct step_seen steps[SIX_STEPS] = {0};
    struct json_parser *parser = NULL;
    struct json_value root;
    struct error error = {0};

    assert_true(six_steps_in_events(list.events, list.count, steps, wrong));
    assert_int_equal(json_parser_new(RECORD_BYTES, &parser), OK);
    assert_int_equal(json_parse(parser, str_from(text), &root, &error), OK);
    bool is_right = six_steps_in_record(root, steps, wrong);
    json_parser_free(parser);
    return is_right;
}

static void test_a_record_has_the_steps_of_the_events(void **state)
{
    char wrong[SIX_STEPS_WRONG_BYTES] = "";
    char text[RECORD_BYTES];

    (void)state;
    write_record(text, 0, SIX_STEPS);
    assert_true(judge_record(text, wrong));
    write_record(text, -2 * SIX_STEPS_APART_US, SIX_STEPS); /* another time */
    assert_false(judge_record(text, wrong));
    write_record(text, 5000, SIX_STEPS); /* began after its end */
    assert_false(judge_record(text, wrong));
    write_record(text, 0, SIX_STEPS - 1);
    assert_false(judge_record(text, wrong));
    assert_false(judge_record("{}", wrong));
    assert_false(judge_record("{\"steps\":[{\"name\":\"agent_selected\"}]}", wrong));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_in_order_are_taken),
        cmocka_unit_test(test_steps_out_of_order_are_refused),
        cmocka_unit_test(test_steps_that_are_lost_or_repeated_are_refused),
        cmocka_unit_test(test_numbers_without_gaps_are_taken),
        cmocka_unit_test(test_a_record_has_the_steps_of_the_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
