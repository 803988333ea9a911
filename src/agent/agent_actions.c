/*
 * actions: puts the changes together into a plan, under the targets and exclusions of the question.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_state.h"

enum { STATE_START, STATE_RUN };

static bool is_about_everything(const struct ask_constraint *constraint)
{
    return str_equal(constraint->scope, STR("*"));
}

/* The share by which the whole bill is to fall; false when the question names none that a plan can
 * be held against. */
static bool find_target(const struct run *run, struct decimal *ret_share)
{
    const struct interpretation *ask = run->interpretation;

    for (size_t i = 0; i < ask->constraint_count; i++) {
        const struct ask_constraint *c = &ask->constraints[i];

        if (strcmp(c->metric, "cost") == 0 && strncmp(c->op, "reduce_by", 9) == 0 && c->has_value &&
            str_equal(c->unit, STR("fraction")) && is_about_everything(c)) {
            struct decimal one = decimal_of(1, 0);

            if (decimal_compare(c->value, decimal_of(0, 0)) > 0 &&
                decimal_compare(c->value, one) <= 0) {
                *ret_share = decimal_rescale(c->value, 6);
                return true;
            }
        }
    }
    return false;
}

static void write_exclusions(const struct run *run, struct json_writer *w)
{
    const struct interpretation *ask = run->interpretation;
    size_t count = 0;

    json_key(w, "exclude");
    json_begin_array(w);
    for (size_t i = 0; i < ask->constraint_count && count < TOOL_LIST_MAX; i++) {
        const struct ask_constraint *c = &ask->constraints[i];

        if (strcmp(c->op, "exclude") == 0 && strcmp(c->metric, "change") == 0 &&
            !is_about_everything(c)) {
            json_put_str(w, c->scope);
            count++;
        }
    }
    json_end_array(w);
}

bool actions_write_args(const struct run *run, struct buf *out)
{
    const struct interpretation *ask = run->interpretation;
    struct decimal share;

    if (!run_has_intent(run, INTENT_REDUCE_COST)) {
        return false;
    }
    struct json_writer w = json_writer_on(out);
    json_begin_object(&w);
    if (find_target(run, &share)) {
        json_key(&w, "cost_change");
        json_put_decimal(&w, decimal_of(-share.digits, share.scale));
    }
    for (size_t i = 0; i < ask->growth_count; i++) {
        if (str_equal(ask->growth[i].scope, STR("*"))) {
            json_key(&w, "growth");
            json_put_decimal(&w, decimal_rescale(ask->growth[i].value, 6));
            break;
        }
    }
    write_exclusions(run, &w);
    json_end_object(&w);
    return true;
}

/* *ret_planned is false when the question asks for no plan. */
static int plan(struct run *run, bool *ret_planned)
{
    struct buf args;
    int code = OK;

    buf_init(&args, RUN_ARGS_BYTES_MAX);
    *ret_planned = actions_write_args(run, &args);
    if (*ret_planned) {
        code = buf_status(&args) ? buf_status(&args)
                                 : run_plan_call(run, "choose_plan", buf_str(&args));
    }
    buf_done(&args);
    return code;
}

static int step(struct run *run, bool *ret_done, struct error *error)
{
    bool ran;
    int code = OK;

    if (run->agent_state == STATE_START) {
        run->agent_state = STATE_RUN;
        code = plan(run, &ran);
        *ret_done = !code && !ran;
        return code ? error_set(error, code, "cannot plan: %s", error_code_text(code)) : OK;
    }
    code = run_next_call(run, &ran, error);
    *ret_done = !code && !ran;
    return code;
}

const struct agent agent_actions = {.name = "actions", .step = step};
