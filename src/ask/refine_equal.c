/*
 * Whether two interpretations say the same. Lists are compared as sets; how sure the reader was and
 * what language it saw are no part of what is said.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/proposal.h"

bool constraint_bounds_same(const struct ask_constraint *a, const struct ask_constraint *b)
{
    if (strcmp(a->metric, b->metric) != 0 || strcmp(a->op, b->op) != 0 ||
        a->has_value != b->has_value || a->is_range != b->is_range ||
        !str_equal(a->unit, b->unit) || !str_equal(a->scope, b->scope)) {
        return false;
    }
    return (!a->has_value || proposal_is_same_number(a->value.digits, b->value.digits)) &&
           (!a->is_range || proposal_is_same_number(a->value_high.digits, b->value_high.digits));
}

static bool constraint_equal(const struct ask_constraint *a, const struct ask_constraint *b)
{
    return constraint_bounds_same(a, b) && a->hard == b->hard &&
           str_equal(a->baseline, b->baseline) && str_equal(a->stat, b->stat);
}

static bool growth_equal(const struct ask_growth *a, const struct ask_growth *b)
{
    return strcmp(a->metric, b->metric) == 0 &&
           proposal_is_same_number(a->value.digits, b->value.digits) &&
           str_equal(a->scope, b->scope) && str_equal(a->horizon, b->horizon);
}

bool time_range_equal(const struct ask_time_range *a, const struct ask_time_range *b)
{
    return a->kind == b->kind && a->n == b->n && str_equal(a->value, b->value) &&
           str_equal(a->unit, b->unit);
}

static bool has_names(const struct str *names, size_t count, const struct str *wanted,
                      size_t wanted_count)
{
    for (size_t i = 0; i < wanted_count; i++) {
        bool found = false;

        for (size_t j = 0; j < count && !found; j++) {
            found = str_equal(names[j], wanted[i]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static bool has_constraints(const struct interpretation *in, const struct interpretation *wanted)
{
    for (size_t i = 0; i < wanted->constraint_count; i++) {
        bool found = false;

        for (size_t j = 0; j < in->constraint_count && !found; j++) {
            found = constraint_equal(&in->constraints[j], &wanted->constraints[i]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

bool constraints_equal(const struct interpretation *a, const struct interpretation *b)
{
    return has_constraints(a, b) && has_constraints(b, a);
}

static bool has_growth(const struct interpretation *in, const struct interpretation *wanted)
{
    for (size_t i = 0; i < wanted->growth_count; i++) {
        bool found = false;

        for (size_t j = 0; j < in->growth_count && !found; j++) {
            found = growth_equal(&in->growth[j], &wanted->growth[i]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

/* Whether in says all that wanted says. */
static bool covers(const struct interpretation *in, const struct interpretation *wanted)
{
    return has_names(in->models, in->model_count, wanted->models, wanted->model_count) &&
           has_names(in->features, in->feature_count, wanted->features, wanted->feature_count) &&
           has_names(in->metrics, in->metric_count, wanted->metrics, wanted->metric_count) &&
           has_constraints(in, wanted) && has_growth(in, wanted);
}

bool interpretation_equal(const struct interpretation *a, const struct interpretation *b)
{
    return memcmp(a->intents, b->intents, sizeof(a->intents)) == 0 && a->needs == b->needs &&
           time_range_equal(&a->time_range, &b->time_range) && covers(a, b) && covers(b, a);
}
