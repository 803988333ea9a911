/*
 * The closed lists of an interpretation: what the grammar can say stands here or in a .def file,
 * and the schema of proposals is made from it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/lists.h"

#include "ask/names.h"
#include "base/attributes.h"

#define UNITS(id) (UINT32_C(1) << VALUE_##id)

const struct ask_op ask_ops[ASK_OP_COUNT] = {
#define ASK_OP(name, before, units) {name, before, units},
#include "ask/op.def"
#undef ASK_OP
};

static const char *const time_kinds[ASK_TIME_KIND_COUNT] = {
    "", "since", "day", "weekday", "last", "next", "current", "quarter", "by", "event"};

static const char *const value_units[VALUE_UNIT_COUNT] = {
#define ASK_VALUE_UNIT(id, name) [VALUE_##id] = name,
#include "ask/value_unit.def"
#undef ASK_VALUE_UNIT
};

static const char *const periods[UNIT_COUNT] = {
    [UNIT_HOUR] = "hour",       [UNIT_DAY] = "day",         [UNIT_WEEK] = "week",
    [UNIT_MONTH] = "month",     [UNIT_QUARTER] = "quarter", [UNIT_YEAR] = "year",
    [UNIT_REQUESTS] = "request"};

const struct ask_op *ask_op_find(struct str name)
{
    for (size_t i = 0; i < ASK_OP_COUNT; i++) {
        if (str_equal(name, str_from(ask_ops[i].name))) {
            return &ask_ops[i];
        }
    }
    return NULL;
}

bool ask_intent_find(struct str name, enum intent *ret_intent)
{
    for (unsigned i = 0; i < INTENT_COUNT; i++) {
        if (str_equal(name, str_from(intent_name((enum intent)i)))) {
            *ret_intent = (enum intent)i;
            return true;
        }
    }
    return false;
}

bool ask_time_kind_find(struct str name, enum ask_time_kind *ret_kind)
{
    for (unsigned i = ASK_TIME_NONE + 1; i < ASK_TIME_KIND_COUNT; i++) {
        if (str_equal(name, str_from(time_kinds[i]))) {
            *ret_kind = (enum ask_time_kind)i;
            return true;
        }
    }
    return false;
}

enum ask_metric ask_metric_find(struct str name)
{
    for (unsigned i = METRIC_NONE + 1; i < METRIC_COUNT; i++) {
        if (str_equal(name, str_from(ask_metric_name((enum ask_metric)i)))) {
            return (enum ask_metric)i;
        }
    }
    return METRIC_NONE;
}

static bool is_money(struct str name)
{
    bool is_code = name.length > 4 && name.data[3] == '/';

    for (size_t i = 0; i < 3 && is_code; i++) {
        is_code = name.data[i] >= 'A' && name.data[i] <= 'Z';
    }
    for (size_t i = 0; i < UNIT_COUNT && is_code; i++) {
        if (periods[i] && str_equal(str_slice(name, 4, name.length), str_from(periods[i]))) {
            return true;
        }
    }
    return false;
}

enum value_unit ask_value_unit_find(struct str name)
{
    if (name.length == 0) {
        return VALUE_NONE;
    }
    for (unsigned i = 0; i < VALUE_UNIT_COUNT; i++) {
        if (value_units[i] && str_equal(name, str_from(value_units[i]))) {
            return (enum value_unit)i;
        }
    }
    return is_money(name) ? VALUE_MONEY : VALUE_UNIT_COUNT;
}

const char *ask_time_kind_name(enum ask_time_kind kind)
{
    return time_kinds[kind];
}

const char *ask_value_unit_name(enum value_unit unit)
{
    return value_units[unit];
}

uint32_t ask_metric_units(enum ask_metric metric)
{
    static const uint32_t units[METRIC_COUNT] = {
        [METRIC_COST] = UNITS(FRACTION) | UNITS(X) | UNITS(MONEY),
        [METRIC_LATENCY] = UNITS(FRACTION) | UNITS(X) | UNITS(MS),
        [METRIC_TTFT] = UNITS(FRACTION) | UNITS(X) | UNITS(MS),
        [METRIC_QUALITY] = UNITS(FRACTION) | UNITS(FRACTION_OF_MAX) | UNITS(MARGIN),
        [METRIC_CACHE_HIT] = UNITS(FRACTION),
        [METRIC_ERROR_RATE] = UNITS(FRACTION),
        [METRIC_INPUT_TOKENS] = UNITS(FRACTION) | UNITS(X) | UNITS(TOKENS),
        [METRIC_OUTPUT_TOKENS] = UNITS(FRACTION) | UNITS(X) | UNITS(TOKENS),
        [METRIC_REASONING_TOKENS] = UNITS(FRACTION) | UNITS(X) | UNITS(TOKENS),
        [METRIC_RPM] = UNITS(REQUESTS_PER_MINUTE) | UNITS(FRACTION_OF_MAX),
        [METRIC_TPM] = UNITS(TOKENS_PER_MINUTE) | UNITS(FRACTION_OF_MAX),
        [METRIC_ACTIONS] = UNITS(PIECES),
        [METRIC_EFFORT] = UNITS(ENGINEER_WEEK),
    };

    return units[metric];
}

bool ask_metric_has_constraints(enum ask_metric metric)
{
    return ask_metric_units(metric) || metric == METRIC_CHANGE || metric == METRIC_MODEL ||
           metric == METRIC_STATUS;
}

bool ask_metric_is_listed(enum ask_metric metric)
{
    return metric != METRIC_NONE && metric != METRIC_CHANGE && metric != METRIC_MODEL &&
           metric != METRIC_ACTIONS;
}

const char *ask_period_name(enum ask_unit period)
{
    return periods[period];
}

const char *ask_provider_name(int32_t provider)
{
    static const char *const providers[PROVIDER_COUNT] = {
#define ASK_PROVIDER(id, name) [PROVIDER_##id] = name,
#include "ask/provider.def"
#undef ASK_PROVIDER
    };

    return providers[provider];
}

bool intent_is_talk(enum intent intent)
{
    return intent == INTENT_GREETING || intent == INTENT_OFF_TOPIC || intent == INTENT_HOSTILE ||
           intent == INTENT_UNKNOWN || intent == INTENT_EMPTY;
}
