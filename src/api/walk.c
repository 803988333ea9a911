/*
 * The message is embedded; at the end of the process the loop runs all messages before anything is
 * freed, so a walk ends there, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/walk.h"

#include "api/api_state.h"

static void turn(void *arg)
{
    struct walk *walk = (struct walk *)arg;

    if (walk->step(walk)) {
        loop_post(walk->late.api->options.loop, &walk->message);
        return;
    }
    if (walk->done) {
        walk->done(walk);
    }
    late_free(&walk->late);
}

struct walk *walk_new(const struct call *call, size_t size, walk_step_fn step, walk_done_fn done)
{
    struct walk *walk = (struct walk *)late_new_sized(call, size);

    if (walk) {
        walk->step = step;
        walk->done = done;
        walk->message = (struct loop_message){.fn = turn, .arg = walk};
    }
    return walk;
}

void walk_start(struct walk *walk)
{
    loop_post(walk->late.api->options.loop, &walk->message);
}
