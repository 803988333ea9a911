/*
 * triage: what kind of answer the prompt gets, and which agents work on it. Judged from the
 * interpretation and from whether there are records at all; whether they suffice is the data
 * agent's to say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_state.h"

static const struct agent *const analysis_agents[] = {&agent_supervisor, &agent_data,
                                                      &agent_optimisation, &agent_actions, NULL};
static const struct agent *const helper_agents[] = {&agent_data_helper, NULL};
static const struct agent *const nobody[] = {NULL};

/* Intents that are answered without records. */
static bool is_talk(const struct run *run)
{
    static const enum intent talk[] = {INTENT_GREETING, INTENT_OFF_TOPIC, INTENT_HOSTILE,
                                       INTENT_UNKNOWN, INTENT_EMPTY};
    bool any_talk = false;
    bool any_work = false;

    for (int i = 0; i < INTENT_COUNT; i++) {
        bool is_of_talk = false;

        for (size_t t = 0; t < ARRAY_LENGTH(talk); t++) {
            is_of_talk |= (enum intent)i == talk[t];
        }
        any_talk |= run_has_intent(run, (enum intent)i) && is_of_talk;
        any_work |= run_has_intent(run, (enum intent)i) && !is_of_talk;
    }
    return any_talk && !any_work;
}

static int step(struct run *run, bool *ret_done, struct error *error)
{
    const struct dataset *dataset = run->options.dataset;

    (void)error;
    *ret_done = true;
    if (is_talk(run)) {
        run->route = ROUTE_TALK;
        run->agents = nobody;
    } else if (!dataset || dataset->table.count == 0) {
        run->route = ROUTE_NO_DATA;
        run->agents = helper_agents;
    } else {
        run->route = ROUTE_ANALYSIS;
        run->agents = analysis_agents;
    }
    return OK;
}

const struct agent agent_triage = {.name = "triage", .step = step};
