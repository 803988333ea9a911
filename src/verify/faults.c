/*
 * Faults that the deployment lets an operator put into it (docs/protocol.md): for what does not
 * happen by itself while somebody looks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "verify/inquiry.h"

#define FAULT_SECONDS 30u

bool fault_put_in(struct inquiry *inquiry, const char *name, unsigned times, int argument)
{
    char body[160];
    char more[40] = "";

    if (argument) {
        (void)snprintf(more, sizeof(more), ",\"argument\":%d", argument);
    }
    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"times\":%u,\"seconds\":%u%s}", name,
                   times, FAULT_SECONDS, more);
    leaving_add(inquiry, LEAVING_FAULTS, "", inquiry->options->token);
    return ask_status(inquiry,
                      &(struct question){.method = "POST",
                                         .path = "/api/faults",
                                         .token = inquiry->options->token,
                                         .json = body},
                      201);
}

int64_t fault_hit_count(struct inquiry *inquiry, const char *name)
{
    cleanup(answer_done) struct answer answer = {0};

    if (!ask(inquiry, &(struct question){.path = "/api/faults", .token = inquiry->options->token},
             &answer) ||
        answer.what.status != 200) {
        return -1;
    }
    for (struct json_iterator it = json_iterate(json_at(answer.root, "faults")); json_next(&it);) {
        if (answer_is(it.value, "name", name)) {
            return answer_number(it.value, "hits");
        }
    }
    return -1;
}

void faults_take_out(struct inquiry *inquiry)
{
    if (ask_status(inquiry,
                   &(struct question){
                       .method = "DELETE", .path = "/api/faults", .token = inquiry->options->token},
                   204)) {
        leaving_forget(inquiry, LEAVING_FAULTS, "");
    }
}
