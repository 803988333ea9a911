/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/six_steps.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

const char *const six_step_names[SIX_STEPS] = {"user_input_received", "message_validated",
                                               "agent_selected",      "agent_executed",
                                               "response_generated",  "response_delivered"};

static bool wrong(char ret_wrong[SIX_STEPS_WRONG_BYTES], const char *format, ...) printf_like(2, 3);

static bool wrong(char ret_wrong[SIX_STEPS_WRONG_BYTES], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(ret_wrong, SIX_STEPS_WRONG_BYTES, format, args);
    va_end(args);
    return false;
}

bool events_are_gapless(const struct heard_event *events, size_t count, uint64_t first,
                        char ret_wrong[SIX_STEPS_WRONG_BYTES])
{
    if (count == 0) {
        return wrong(ret_wrong, "no event came");
    }
    for (size_t i = 0; i < count; i++) {
        if (events[i].seq != first + i) {
            return wrong(ret_wrong, "seq %" PRIu64 " came where %" PRIu64 " was due", events[i].seq,
                         first + i);
        }
    }
    return true;
}

bool six_steps_in_events(const struct heard_event *events, size_t count,
                         struct step_seen ret_steps[SIX_STEPS],
                         char ret_wrong[SIX_STEPS_WRONG_BYTES])
{
    size_t due = 0; /* 2n: step n starts; 2n + 1: it finishes */

    for (size_t i = 0; i < count; i++) {
        const struct heard_event *event = &events[i];
        bool is_start = str_equal(event->type, STR("STEP_STARTED"));

        if (!is_start && !str_equal(event->type, STR("STEP_FINISHED"))) {
            continue;
        }
        if (due == 2 * SIX_STEPS) {
            return wrong(ret_wrong, "another step after the last: %.60s", event->name.data);
        }
        struct step_seen *step = &ret_steps[due / 2];
        if (!str_equal(event->name, str_from(six_step_names[due / 2])) ||
            is_start != (due % 2 == 0)) {
            return wrong(ret_wrong, "%s of %.*s came where %s of %s was due",
                         is_start ? "start" : "end", STR_ARGS(event->name),
                         due % 2 ? "end" : "start", six_step_names[due / 2]);
        }
        if (is_start) {
            step->started_ms = event->timestamp_ms;
            step->started_at_us = event->at_us;
        } else {
            step->finished_ms = event->timestamp_ms;
            step->finished_at_us = event->at_us;
            step->duration_us = event->number;
        }
        due++;
    }
    return due == 2 * SIX_STEPS || wrong(ret_wrong, "%s of %s did not come",
                                         due % 2 ? "end" : "start", six_step_names[due / 2]);
}

static bool is_near(int64_t record_us, int64_t event_ms)
{
    int64_t apart = record_us - event_ms * 1000;

    return apart > -SIX_STEPS_APART_US && apart < SIX_STEPS_APART_US;
}

bool six_steps_in_record(struct json_value record, const struct step_seen steps[SIX_STEPS],
                         char ret_wrong[SIX_STEPS_WRONG_BYTES])
{
    int64_t last_us = 0;
    size_t count = 0;

    for (struct json_iterator it = json_iterate(json_at(record, "steps")); json_next(&it);) {
        int64_t started_us = answer_time(it.value, "started_at");
        int64_t finished_us = answer_time(it.value, "finished_at");
        const char *name = count < SIX_STEPS ? six_step_names[count] : "";

        if (!answer_is(it.value, "name", name)) {
            return wrong(ret_wrong, "step %zu of the record is not %s", count + 1,
                         name[0] ? name : "due any more");
        }
        if (started_us < last_us || finished_us < started_us) {
            return wrong(ret_wrong,
                         "%s of the record began before the one before it ended, or "
                         "has no end",
                         name);
        }
        if (!is_near(started_us, steps[count].started_ms) ||
            !is_near(finished_us, steps[count].finished_ms) ||
            answer_number(it.value, "duration_us") != steps[count].duration_us) {
            return wrong(ret_wrong, "%s has other times in the record than in the events", name);
        }
        last_us = finished_us;
        count++;
    }
    return count == SIX_STEPS || wrong(ret_wrong, "the record has %zu steps", count);
}
