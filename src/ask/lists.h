/*
 * lists: the closed lists of an interpretation, by name and by number. The grammar writes these
 * names, the JSON forms show them, and refine.c takes no others. Private to the room.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ASK_LISTS_H
#define NETRA_ASK_LISTS_H

#include "ask/interpretation.h"
#include "ask/token.h"

/* What the value of a constraint is counted in. */
enum value_unit {
    VALUE_NONE,
#define ASK_VALUE_UNIT(id, name) VALUE_##id,
#include "ask/value_unit.def"
#undef ASK_VALUE_UNIT
    VALUE_MONEY,  /* "USD/month": three capital letters and a period */
    VALUE_GROWTH, /* of struct ask_growth: a share that has no unit of its own */
    VALUE_UNIT_COUNT
};

struct ask_op {
    const char *name;
    const char *before; /* of the echo: between the metric and the value */
    uint32_t units;     /* bits 1 << enum value_unit; 0: takes no value */
};

/* What struct ask_growth can be about. */
#define ASK_GROWTH_REQUESTS      "requests"
#define ASK_GROWTH_PEAK_REQUESTS "peak_requests"

/* What a constraint is measured against. */
#define ASK_BASELINE_TOTAL   "current_total"
#define ASK_BASELINE_CURRENT "current"

#define ASK_OP_COUNT         13u
#define ASK_TIME_KIND_COUNT  (ASK_TIME_EVENT + 1u)

extern const struct ask_op ask_ops[ASK_OP_COUNT];

/* By name; NULL, false, METRIC_NONE or VALUE_UNIT_COUNT when the list has none of that name. */
const struct ask_op *ask_op_find(struct str name);
bool ask_intent_find(struct str name, enum intent *ret_intent);
bool ask_time_kind_find(struct str name, enum ask_time_kind *ret_kind);
enum ask_metric ask_metric_find(struct str name);
enum value_unit ask_value_unit_find(struct str name); /* an empty name is VALUE_NONE */

const char *ask_time_kind_name(enum ask_time_kind kind);
const char *ask_value_unit_name(enum value_unit unit); /* not of VALUE_MONEY */

/* Units in which the grammar can bound a metric, as bits. 0 for those that are only kept or left
 * alone; see ask_metric_has_constraints for those that have no constraints at all. */
uint32_t ask_metric_units(enum ask_metric metric);
bool ask_metric_has_constraints(enum ask_metric metric);

/* Whether the metric is listed among those that a prompt is about. */
bool ask_metric_is_listed(enum ask_metric metric);

/* "hour" … of an amount's period; NULL for units that are no period. */
const char *ask_period_name(enum ask_unit period);

const char *ask_provider_name(int32_t provider);

/* Greetings, what is off topic, hostile, unknown or empty: nothing to answer about usage. */
bool intent_is_talk(enum intent intent);

#endif
