/*
 * triage: what kind of answer the prompt gets, and which agents work on it. Judged from the
 * interpretation and from whether there are records at all; whether they suffice is the data
 * agent's to say. A model may read the question before; then it is judged again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_state.h"

enum { STATE_START, STATE_ASKED };

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

static void choose_route(struct run *run)
{
    const struct dataset *dataset = run->options.dataset;

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
}

/* Small talk and what Netra does not do stay what they are, whatever a model says of them; a
 * question that was not understood is worth asking about. */
static bool is_for_a_model(const struct run *run)
{
    static const enum intent settled[] = {INTENT_GREETING, INTENT_OFF_TOPIC, INTENT_HOSTILE,
                                          INTENT_EMPTY};

    for (size_t i = 0; i < ARRAY_LENGTH(settled); i++) {
        if (run_has_intent(run, settled[i])) {
            return false;
        }
    }
    return run->options.has_model;
}

static int step(struct run *run, bool *ret_done, struct error *error)
{
    bool is_asked = false;
    int code = OK;

    choose_route(run);
    if (run->agent_state == STATE_START && is_for_a_model(run)) {
        code = model_or_none(model_interpret_ask(run, &is_asked), &is_asked);
    }
    run->agent_state = STATE_ASKED;
    *ret_done = !is_asked;
    return code ? error_set(error, code, "cannot ask about the question: %s", error_code_text(code))
                : OK;
}

const struct agent agent_triage = {.name = "triage", .step = step};
