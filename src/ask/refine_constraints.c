/*
 * Constraints of a proposal. One that is ours already is taken as it is; any other must bound its
 * metric in a way that the grammar knows, by a number of the prompt.
 *
 * A proposal cannot loosen what the user demanded: what must not get worse and what must not be
 * touched stays, whatever else is proposed, and a hard bound stays hard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/proposal.h"

#define STAT_BOTH "p50,p95"

static bool is_op(const struct ask_constraint *constraint, const char *op)
{
    return strcmp(constraint->op, op) == 0;
}

/* --- one constraint's members --- */

static int read_range(struct proposal *r, struct json_value list, struct ask_constraint *made)
{
    struct json_iterator it = json_iterate(list);

    if (json_count(list) != 2 || !json_next(&it) ||
        !proposal_get_number(it.value, &made->value.digits) || !json_next(&it) ||
        !proposal_get_number(it.value, &made->value_high.digits)) {
        return proposal_refuse_member(r, "value", "must be two numbers");
    }
    made->value_high.scale = QUANTITY_SCALE;
    made->is_range = true;
    return OK;
}

static int read_value(struct proposal *r, struct json_value value, struct ask_constraint *made)
{
    made->has_value = !proposal_is_silent(value);
    if (!made->has_value) {
        return OK;
    }
    made->value.scale = QUANTITY_SCALE;
    if (json_is(value, JSON_ARRAY)) {
        return read_range(r, value, made);
    }
    return proposal_get_number(value, &made->value.digits)
               ? OK
               : proposal_refuse_member(r, "value", "must be a number, two numbers or null");
}

static int read_what(struct proposal *r, struct json_value object, struct ask_constraint *made)
{
    struct str metric = {NULL, 0};
    struct str op = {NULL, 0};
    int status = proposal_read_text(r, object, "metric", &metric);

    status = status ? status : proposal_read_text(r, object, "op", &op);
    if (status) {
        return status;
    }
    const struct ask_op *found = ask_op_find(op);
    if (!ask_metric_has_constraints(ask_metric_find(metric))) {
        return proposal_refuse_member(r, "metric", "is no metric of a constraint");
    }
    if (!found) {
        return proposal_refuse_member(r, "op", "is no operator");
    }
    made->metric = ask_metric_name(ask_metric_find(metric));
    made->op = found->name;
    return OK;
}

static int read_baseline(struct proposal *r, struct json_value object, struct str *ret_baseline)
{
    int status = proposal_read_text(r, object, "baseline", ret_baseline);
    bool known = ret_baseline->length == 0 || str_equal(*ret_baseline, STR(ASK_BASELINE_TOTAL)) ||
                 str_equal(*ret_baseline, STR(ASK_BASELINE_CURRENT));

    return status || known ? status : proposal_refuse_member(r, "baseline", "is no baseline");
}

static int read_members(struct proposal *r, struct json_value object, struct ask_constraint *made)
{
    static const char *const members[] = {"metric", "op",   "value",    "unit",
                                          "scope",  "hard", "baseline", "stat"};
    int status = proposal_expect_object(r, object, members, ARRAY_LENGTH(members));

    status = status ? status : read_what(r, object, made);
    status = status ? status : read_value(r, json_at(object, "value"), made);
    status = status ? status : proposal_read_text(r, object, "unit", &made->unit);
    status = status ? status : proposal_read_bool(r, object, "hard", &made->hard);
    status = status ? status : read_baseline(r, object, &made->baseline);
    status = status ? status : proposal_read_text(r, object, "stat", &made->stat);
    if (!status && ask_value_unit_find(made->unit) == VALUE_UNIT_COUNT) {
        return proposal_refuse_member(r, "unit", "is no unit");
    }
    return status ? status : proposal_read_scope(r, object, &made->scope);
}

/* --- what it may say --- */

static int check_number(struct proposal *r, const struct ask_constraint *made, int128 *value)
{
    enum value_unit unit = ask_value_unit_find(made->unit);
    int128 said;

    if (!proposal_find_number(r, unit, made->unit, *value, &said)) {
        return proposal_refuse_member(r, "value", "is not a number that the prompt says");
    }
    *value = said;
    return OK;
}

/* Operators that have a value, and whether this one is of their kind. */
static int check_value(struct proposal *r, struct ask_constraint *made)
{
    uint32_t bit = UINT32_C(1) << ask_value_unit_find(made->unit);
    uint32_t allowed = ask_op_find(str_from(made->op))->units &
                       ask_metric_units(ask_metric_find(str_from(made->metric)));

    if (!(bit & allowed)) {
        return proposal_refuse_member(r, "unit", "is no unit of this metric and operator");
    }
    if (made->is_range != is_op(made, "reduce_by_range")) {
        return proposal_refuse_member(r, "value", "is a range, or should be one");
    }
    if (!made->has_value) {
        return is_op(made, "improve_by_at_least") /* by the default margin */
                   ? OK
                   : proposal_refuse_member(r, "value", "must be a number");
    }
    int status = check_number(r, made, &made->value.digits);
    if (!status && made->is_range) {
        status = check_number(r, made, &made->value_high.digits);
    }
    if (!status && made->is_range && made->value.digits > made->value_high.digits) {
        return proposal_refuse_member(r, "value", "must be a range from low to high");
    }
    return status;
}

/* "latency doesn't matter" where the user bounds it. */
static bool frees_what_is_bound(const struct proposal *r, const struct ask_constraint *made)
{
    for (size_t i = 0; i < r->ours->constraint_count; i++) {
        const struct ask_constraint *ours = &r->ours->constraints[i];

        if (strcmp(ours->metric, made->metric) == 0 && !is_op(ours, "unconstrained") &&
            (str_equal(ours->scope, made->scope) || str_equal(made->scope, STR("*")) ||
             str_equal(ours->scope, STR("*")))) {
            return true;
        }
    }
    return false;
}

static int check_plain(struct proposal *r, const struct ask_constraint *made)
{
    bool measured = ask_metric_units(ask_metric_find(str_from(made->metric))) != 0;

    if (made->has_value) {
        return proposal_refuse_member(r, "value", "must be null with this operator");
    }
    if (made->unit.length) {
        return proposal_refuse_member(r, "unit", "must be null with this operator");
    }
    if (measured == is_op(made, "exclude")) {
        return proposal_refuse_member(r, "op", "is no operator of this metric");
    }
    if (is_op(made, "unconstrained") && frees_what_is_bound(r, made)) {
        return proposal_refuse_member(r, "op", "would free what the prompt bounds");
    }
    return OK;
}

static bool is_time_metric(const struct ask_constraint *made)
{
    return strcmp(made->metric, ask_metric_name(METRIC_LATENCY)) == 0 ||
           strcmp(made->metric, ask_metric_name(METRIC_TTFT)) == 0;
}

static int check_statistic(struct proposal *r, const struct ask_constraint *made)
{
    if (made->stat.length && (!is_time_metric(made) || !proposal_has_statistic(r, made->stat))) {
        return proposal_refuse_member(r, "stat", "is no statistic that the prompt names");
    }
    return OK;
}

/* --- put together --- */

static bool find_ours(const struct proposal *r, const struct ask_constraint *made,
                      struct ask_constraint *ret_ours)
{
    for (size_t i = 0; i < r->ours->constraint_count; i++) {
        if (constraint_bounds_same(&r->ours->constraints[i], made)) {
            *ret_ours = r->ours->constraints[i];
            return true;
        }
    }
    return false;
}

/* What the grammar takes when nothing is said: a change is measured against today, a change of
 * latency at both percentiles. */
static void fill_in(struct ask_constraint *made)
{
    bool is_cost = strcmp(made->metric, ask_metric_name(METRIC_COST)) == 0;
    enum value_unit unit = ask_value_unit_find(made->unit);
    bool is_change = unit == VALUE_X || strncmp(made->op, "reduce_by", strlen("reduce_by")) == 0;

    if (made->baseline.length == 0 && (is_change || (is_cost && unit == VALUE_FRACTION))) {
        made->baseline = is_cost ? STR(ASK_BASELINE_TOTAL) : STR(ASK_BASELINE_CURRENT);
    }
    if (made->stat.length == 0 && is_change && is_time_metric(made)) {
        made->stat = STR(STAT_BOTH);
    }
}

/* All that we read about the metric is hard: another bound of it is no wish either. */
static bool is_metric_hard(const struct proposal *r, const char *metric)
{
    bool is_any = false;

    for (size_t i = 0; i < r->ours->constraint_count; i++) {
        const struct ask_constraint *ours = &r->ours->constraints[i];

        if (strcmp(ours->metric, metric) == 0) {
            is_any = true;
            if (!ours->hard) {
                return false;
            }
        }
    }
    return is_any;
}

/* Where the proposal does not say how hard it is, ours says, else it is. */
static int complete(struct proposal *r, struct ask_constraint *made, bool says_hard)
{
    struct ask_constraint ours;

    if (find_ours(r, made, &ours)) {
        bool is_same_stat = made->stat.length == 0 || str_equal(made->stat, ours.stat);

        ours.hard |= made->hard;
        ours.stat = is_same_stat ? ours.stat : made->stat;
        *made = ours;
        return is_same_stat ? OK : check_statistic(r, made);
    }
    made->hard |= !says_hard || is_metric_hard(r, made->metric);
    int status = check_statistic(r, made);
    if (!status) {
        status =
            ask_op_find(str_from(made->op))->units ? check_value(r, made) : check_plain(r, made);
    }
    fill_in(made);
    return status;
}

static int add_constraint(struct proposal *r, struct ask_constraint made)
{
    struct interpretation *out = r->out;

    if (out->constraint_count == ASK_CONSTRAINTS_MAX) {
        return error_set(r->error, ERR_LIMIT, "proposal refused at '%s': more than %u constraints",
                         r->pointer, ASK_CONSTRAINTS_MAX);
    }
    made.unit = made.unit.length ? proposal_keep(r, made.unit) : made.unit;
    made.scope = proposal_keep(r, made.scope);
    made.baseline = made.baseline.length ? proposal_keep(r, made.baseline) : made.baseline;
    made.stat = made.stat.length ? proposal_keep(r, made.stat) : made.stat;
    out->constraints[out->constraint_count++] = made;
    return OK;
}

static bool is_made(const struct proposal *r, const struct ask_constraint *constraint)
{
    for (size_t i = 0; i < r->out->constraint_count; i++) {
        if (constraint_bounds_same(&r->out->constraints[i], constraint)) {
            return true;
        }
    }
    return false;
}

int proposal_read_constraints(struct proposal *r, struct json_value list)
{
    size_t at = 0;
    int status = proposal_expect_list(r, list, ASK_CONSTRAINTS_MAX);

    r->out->constraint_count = 0;
    for (struct json_iterator it = json_iterate(list); !status && json_next(&it); at++) {
        size_t before = proposal_enter_index(r, at);
        struct ask_constraint made = {0};

        status = read_members(r, it.value, &made);
        bool says_hard = !proposal_is_silent(json_at(it.value, "hard"));
        status = status ? status : complete(r, &made, says_hard);
        if (!status && !is_made(r, &made)) {
            status = add_constraint(r, made);
        }
        proposal_leave(r, before);
    }
    return status;
}

/* "at most 800 ms": a limit, which may be another than we read, but not none. A change ("20 %
 * less") may be no demand at all: "why did it rise by 20 %?" */
static bool is_limit(const struct ask_constraint *constraint)
{
    return constraint->has_value && strncmp(constraint->op, "reduce_by", strlen("reduce_by")) != 0;
}

static bool bounds_metric(const struct proposal *r, const char *metric)
{
    for (size_t i = 0; i < r->out->constraint_count; i++) {
        if (strcmp(r->out->constraints[i].metric, metric) == 0 &&
            r->out->constraints[i].has_value) {
            return true;
        }
    }
    return false;
}

int proposal_keep_demands(struct proposal *r)
{
    int status = OK;

    for (size_t i = 0; i < r->ours->constraint_count && !status; i++) {
        const struct ask_constraint *ours = &r->ours->constraints[i];
        bool demanded = is_op(ours, "not_worse") || (is_op(ours, "exclude") && ours->hard);
        bool bounded = is_limit(ours) && ours->hard && !bounds_metric(r, ours->metric);

        if ((demanded || bounded) && !is_made(r, ours)) {
            status = add_constraint(r, *ours);
        }
    }
    return status;
}
