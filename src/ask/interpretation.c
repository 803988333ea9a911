/*
 * Names of the closed vocabularies, and the two ways to show an interpretation: as the object of
 * `netra parse` and as a line of words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/interpretation.h"

#include "ask/lists.h"

#define NEEDS_TO_ASK                                                                               \
    (NEED_RATE_LIMITS | NEED_CANDIDATE_QUALITY_EVIDENCE | NEED_CLARIFY_FEATURE |                   \
     NEED_CLARIFY_MODEL | NEED_CLARIFY_TARGET | NEED_CLARIFY_TIME | NEED_CLARIFY_INTENT |          \
     NEED_BUDGET_AMOUNT | NEED_CHANGE_EVENT | NEED_TRAFFIC_PLAN | NEED_RECORDS_MISSING |           \
     NEED_SELF_HOST_COST)

#define CONFIDENCE_PLACES 2

const char *intent_name(enum intent intent)
{
    static const char *const names[INTENT_COUNT] = {"reduce_cost",       "improve_latency",
                                                    "forecast_growth",   "rate_limit_capacity",
                                                    "model_whatif",      "compare_models",
                                                    "model_migrate",     "cache_audit",
                                                    "batch_eligibility", "token_trim",
                                                    "routing_policy",    "evaluate_change",
                                                    "rollback",          "quality_check",
                                                    "anomaly_explain",   "cost_breakdown",
                                                    "reliability",       "budget_guard",
                                                    "pricing_lookup",    "explain_result",
                                                    "data_help",         "greeting",
                                                    "off_topic",         "hostile",
                                                    "unknown",           "empty"};

    return (unsigned)intent < INTENT_COUNT ? names[intent] : "unknown";
}

static const char *const need_names[NEED_COUNT] = {
    "usage_records",   "price_table",   "quality_scores", "prefix_hashes",
    "prompt_hash",     "ttft",          "rate_limits",    "candidate_quality_evidence",
    "clarify_feature", "clarify_model", "clarify_target", "clarify_time",
    "clarify_intent",  "budget_amount", "change_event",   "traffic_plan",
    "records_missing", "self_host_cost"};

const char *ask_need_name(enum ask_need need)
{
    unsigned bits = (unsigned)need;

    if (bits == 0 || (bits & (bits - 1)) != 0 || __builtin_ctz(bits) >= NEED_COUNT) {
        return "unknown";
    }
    return need_names[__builtin_ctz(bits)];
}

bool ask_should_ask(const struct interpretation *interpretation)
{
    return (interpretation->needs & NEEDS_TO_ASK) != 0;
}

/* --- JSON --- */

static void put_text_or_null(struct json_writer *w, struct str text)
{
    if (text.length) {
        json_put_str(w, text);
    } else {
        json_put_null(w);
    }
}

static void write_value(struct json_writer *w, const struct ask_constraint *constraint)
{
    json_key(w, "value");
    if (!constraint->has_value) {
        json_put_null(w);
    } else if (constraint->is_range) {
        json_begin_array(w);
        json_put_decimal(w, constraint->value);
        json_put_decimal(w, constraint->value_high);
        json_end_array(w);
    } else {
        json_put_decimal(w, constraint->value);
    }
}

static void write_constraint(struct json_writer *w, const struct ask_constraint *constraint)
{
    json_begin_object(w);
    json_key(w, "metric");
    json_put_text(w, constraint->metric);
    json_key(w, "op");
    json_put_text(w, constraint->op);
    write_value(w, constraint);
    json_key(w, "unit");
    put_text_or_null(w, constraint->unit);
    json_key(w, "scope");
    json_put_str(w, constraint->scope);
    json_key(w, "hard");
    json_put_bool(w, constraint->hard);
    if (constraint->baseline.length) {
        json_key(w, "baseline");
        json_put_str(w, constraint->baseline);
    }
    if (constraint->stat.length) {
        json_key(w, "stat");
        json_put_str(w, constraint->stat);
    }
    json_end_object(w);
}

static void write_names(struct json_writer *w, const char *key, const struct str *names,
                        size_t count)
{
    json_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        json_put_str(w, names[i]);
    }
    json_end_array(w);
}

static void write_time_range(struct json_writer *w, const struct ask_time_range *range)
{
    json_key(w, "time_range");
    if (range->kind == ASK_TIME_NONE) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_key(w, "kind");
    json_put_text(w, ask_time_kind_name(range->kind));
    if (range->value.length) {
        json_key(w, "value");
        json_put_str(w, range->value);
    }
    if (range->kind == ASK_TIME_EVENT && range->n > 0) {
        json_key(w, "hours");
        json_put_i64(w, range->n);
    }
    if (range->unit.length) {
        json_key(w, "n");
        json_put_i64(w, range->n);
        json_key(w, "unit");
        json_put_str(w, range->unit);
    }
    json_end_object(w);
}

static void write_growth(struct json_writer *w, const struct interpretation *in)
{
    json_key(w, "growth");
    json_begin_array(w);
    for (size_t i = 0; i < in->growth_count; i++) {
        json_begin_object(w);
        json_key(w, "metric");
        json_put_text(w, in->growth[i].metric);
        json_key(w, "value");
        json_put_decimal(w, in->growth[i].value);
        json_key(w, "scope");
        json_put_str(w, in->growth[i].scope);
        json_key(w, "horizon");
        put_text_or_null(w, in->growth[i].horizon);
        json_end_object(w);
    }
    json_end_array(w);
}

void interpretation_write_json(const struct interpretation *in, struct json_writer *w)
{
    json_begin_object(w);
    json_key(w, "lang");
    json_put_str(w, in->lang);
    json_key(w, "intents");
    json_begin_array(w);
    for (unsigned i = 0; i < INTENT_COUNT; i++) {
        if (in->intents[i]) {
            json_put_text(w, intent_name((enum intent)i));
        }
    }
    json_end_array(w);
    json_key(w, "constraints");
    json_begin_array(w);
    for (size_t i = 0; i < in->constraint_count; i++) {
        write_constraint(w, &in->constraints[i]);
    }
    json_end_array(w);
    json_key(w, "entities");
    json_begin_object(w);
    write_names(w, "models", in->models, in->model_count);
    write_names(w, "features", in->features, in->feature_count);
    write_names(w, "metrics", in->metrics, in->metric_count);
    write_time_range(w, &in->time_range);
    write_growth(w, in);
    json_end_object(w);
    json_key(w, "data_needed");
    json_begin_array(w);
    for (unsigned i = 0; i < NEED_COUNT; i++) {
        if ((in->needs >> i) & 1) {
            json_put_text(w, need_names[i]);
        }
    }
    json_end_array(w);
    json_key(w, "should_ask_for_data");
    json_put_bool(w, ask_should_ask(in));
    json_key(w, "confidence");
    json_put_decimal(w, decimal_from_double(in->confidence, CONFIDENCE_PLACES, NULL));
    json_end_object(w);
}

/* --- words --- */

static void print_value(struct buf *out, struct decimal value, struct str unit)
{
    if (str_equal(unit, STR("fraction")) || str_equal(unit, STR("fraction_of_max"))) {
        value.digits *= 100;
        decimal_print_rounded(value, 2, /* padded */ false, /* grouped */ false, out);
        buf_append(out, STR(" %"));
    } else {
        decimal_print_rounded(value, 4, /* padded */ false, /* grouped */ false, out);
        if (unit.length && !str_equal(unit, STR("x")) && !str_equal(unit, STR("count")) &&
            !str_equal(unit, STR("margin"))) {
            buf_append(out, STR(" "));
            buf_append(out, unit);
        }
    }
}

static void print_constraint(struct buf *out, const struct ask_constraint *constraint)
{
    buf_printf(out, "%s ", constraint->metric);
    const struct ask_op *op = ask_op_find(str_from(constraint->op));
    if (op) {
        buf_append(out, str_from(op->before));
    }
    if (constraint->has_value) {
        print_value(out, constraint->value, constraint->unit);
        if (constraint->is_range) {
            buf_append(out, STR(" to "));
            print_value(out, constraint->value_high, constraint->unit);
        }
    } else if (strcmp(constraint->op, "improve_by_at_least") == 0) {
        buf_append(out, STR("the default margin"));
    } else if (constraint->unit.length) {
        buf_append(out, STR("a value out of range"));
    }
    if (constraint->stat.length) {
        buf_append(out, STR(" ("));
        buf_append(out, constraint->stat);
        buf_append(out, STR(")"));
    }
    buf_append(out, STR(", "));
    buf_append(out,
               str_equal(constraint->scope, STR("*")) ? STR("all features") : constraint->scope);
}

static void print_growth(struct buf *out, const struct ask_growth *growth)
{
    buf_printf(out, "%s %s", growth->metric, growth->value.digits < 0 ? "" : "+");
    print_value(out, growth->value, STR("fraction"));
    buf_append(out, STR(", "));
    buf_append(out, str_equal(growth->scope, STR("*")) ? STR("all features") : growth->scope);
    if (growth->horizon.length) {
        buf_append(out, STR(", "));
        buf_append(out, growth->horizon);
    }
}

void interpretation_print(const struct interpretation *in, struct buf *out)
{
    size_t printed = 0;

    for (unsigned i = 0; i < INTENT_COUNT; i++) {
        if (in->intents[i]) {
            buf_printf(out, "%s%s", printed++ ? ", " : "", intent_name((enum intent)i));
        }
    }
    printed = 0;
    for (size_t i = 0; i < in->constraint_count; i++) {
        buf_append(out, printed++ ? STR("; ") : STR(": "));
        print_constraint(out, &in->constraints[i]);
    }
    for (size_t i = 0; i < in->growth_count; i++) {
        buf_append(out, printed++ ? STR("; ") : STR(": "));
        print_growth(out, &in->growth[i]);
    }
}
