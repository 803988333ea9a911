/*
 * The JSON schema of a proposal, made from the closed lists. It keeps to what the strict modes of
 * OpenAI, Anthropic and Gemini have in common: type, properties, required (all of them),
 * additionalProperties false, items, enum of texts, anyOf, description. A member about which
 * nothing is said is null; Anthropic takes at most 16 members of more than one type, so what
 * nobody has to say (lang, baseline, the last three of the form) is left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/proposal.h"

#include <stdio.h>

#include "base/check.h"

#define UNITS_BYTES_MAX 256 /* of the names of all units */

static void put_type(struct json_writer *w, const char *type)
{
    json_key(w, "type");
    json_put_text(w, type);
}

static void put_description(struct json_writer *w, const char *text)
{
    if (text) {
        json_key(w, "description");
        json_put_text(w, text);
    }
}

static void begin_member(struct json_writer *w, const char *key)
{
    json_key(w, key);
    json_begin_object(w);
}

/* "type": [type, "null"] */
static void put_type_or_null(struct json_writer *w, const char *type)
{
    json_key(w, "type");
    json_begin_array(w);
    json_put_text(w, type);
    json_put_text(w, "null");
    json_end_array(w);
}

static void put_simple(struct json_writer *w, const char *key, const char *type, bool or_null,
                       const char *description)
{
    begin_member(w, key);
    if (or_null) {
        put_type_or_null(w, type);
    } else {
        put_type(w, type);
    }
    put_description(w, description);
    json_end_object(w);
}

/* An object whose members are all required; close it with end_members, which names them again. */
static void begin_members(struct json_writer *w)
{
    put_type(w, "object");
    begin_member(w, "properties");
}

static void end_members(struct json_writer *w, const char *const *names, size_t count)
{
    json_end_object(w);
    json_key(w, "required");
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        json_put_text(w, names[i]);
    }
    json_end_array(w);
    json_key(w, "additionalProperties");
    json_put_bool(w, false);
}

/* "anyOf": [{ … }, {"type": "null"}]: between the two the first is written. */
static void begin_or_null(struct json_writer *w)
{
    json_key(w, "anyOf");
    json_begin_array(w);
    json_begin_object(w);
}

static void end_or_null(struct json_writer *w)
{
    json_end_object(w);
    json_begin_object(w);
    put_type(w, "null");
    json_end_object(w);
    json_end_array(w);
}

static void begin_list(struct json_writer *w, const char *key, const char *description)
{
    begin_member(w, key);
    put_type_or_null(w, "array");
    put_description(w, description);
    begin_member(w, "items");
}

static void end_list(struct json_writer *w)
{
    json_end_object(w);
    json_end_object(w);
}

static void begin_words(struct json_writer *w)
{
    put_type(w, "string");
    json_key(w, "enum");
    json_begin_array(w);
}

static void put_words(struct json_writer *w, const char *const *words, size_t count)
{
    begin_words(w);
    for (size_t i = 0; i < count; i++) {
        json_put_text(w, words[i]);
    }
    json_end_array(w);
}

static void put_intents(struct json_writer *w)
{
    begin_list(w, "intents", "what the user wants");
    begin_words(w);
    for (unsigned i = 0; i < INTENT_COUNT; i++) {
        if (!intent_is_talk((enum intent)i)) {
            json_put_text(w, intent_name((enum intent)i));
        }
    }
    json_end_array(w);
    end_list(w);
}

static void put_metrics(struct json_writer *w, bool (*is_member)(enum ask_metric metric))
{
    begin_words(w);
    for (unsigned i = METRIC_NONE + 1; i < METRIC_COUNT; i++) {
        if (is_member((enum ask_metric)i)) {
            json_put_text(w, ask_metric_name((enum ask_metric)i));
        }
    }
    json_end_array(w);
}

static void put_value(struct json_writer *w)
{
    begin_member(w, "value");
    json_key(w, "anyOf");
    json_begin_array(w);
    json_begin_object(w);
    put_type(w, "number");
    json_end_object(w);
    json_begin_object(w);
    put_type(w, "array");
    begin_member(w, "items");
    put_type(w, "number");
    json_end_object(w);
    json_end_object(w);
    json_begin_object(w);
    put_type(w, "null");
    json_end_object(w);
    json_end_array(w);
    put_description(w, "a number of the prompt: 20% is 0.2 fraction, 2x is 2 x, 1.5 s is 1500 ms; "
                       "[low, high] with reduce_by_range; null with not_worse, exclude, "
                       "unconstrained");
    json_end_object(w);
}

static void put_op(struct json_writer *w)
{
    begin_member(w, "op");
    begin_words(w);
    for (size_t i = 0; i < ASK_OP_COUNT; i++) {
        json_put_text(w, ask_ops[i].name);
    }
    json_end_array(w);
    json_end_object(w);
}

/* Money cannot be listed, so units are described instead of enumerated. */
static void put_unit(struct json_writer *w)
{
    char text[UNITS_BYTES_MAX] = "";
    size_t length = 0;

    for (unsigned i = VALUE_NONE + 1; i < VALUE_MONEY; i++) {
        int written = snprintf(text + length, sizeof(text) - length, "%s, ",
                               ask_value_unit_name((enum value_unit)i));
        length += written > 0 ? (size_t)written : 0;
        check(length < sizeof(text));
    }
    (void)snprintf(text + length, sizeof(text) - length,
                   "money: USD/month (hour, day, week, month, quarter, year, request)");
    put_simple(w, "unit", "string", /* or_null */ true, text);
}

static void put_constraints(struct json_writer *w)
{
    static const char *const members[] = {"metric", "op", "value", "unit", "scope", "hard", "stat"};

    begin_list(w, "constraints", "goals and limits");
    begin_members(w);
    begin_member(w, "metric");
    put_metrics(w, ask_metric_has_constraints);
    json_end_object(w);
    put_op(w);
    put_value(w);
    put_unit(w);
    put_simple(w, "scope", "string", /* or_null */ false,
               "* or a feature as the prompt names it or model:NAME, provider:NAME, prompt:NAME");
    put_simple(w, "hard", "boolean", /* or_null */ false, "false: a wish");
    put_simple(w, "stat", "string", /* or_null */ true, "of latency and ttft: p95 or p50,p95");
    end_members(w, members, ARRAY_LENGTH(members));
    end_list(w);
}

static void put_time_kind(struct json_writer *w)
{
    begin_member(w, "kind");
    begin_words(w);
    for (unsigned i = ASK_TIME_NONE + 1; i < ASK_TIME_KIND_COUNT; i++) {
        json_put_text(w, ask_time_kind_name((enum ask_time_kind)i));
    }
    json_end_array(w);
    json_end_object(w);
}

static void put_time_range(struct json_writer *w)
{
    static const char *const members[] = {"kind", "value", "hours", "n", "unit"};

    begin_member(w, "time_range");
    begin_or_null(w);
    begin_members(w);
    put_time_kind(w);
    put_simple(w, "value", "string", /* or_null */ true,
               "yesterday, monday, Q1, march, end_of_month, day_of_month:12, black_friday; null "
               "with last, next, current");
    put_simple(w, "hours", "integer", /* or_null */ true, "that an event lasts");
    put_simple(w, "n", "integer", /* or_null */ true, "with last, next, current");
    put_simple(w, "unit", "string", /* or_null */ true,
               "minute, hour, day, week, month, quarter or year");
    end_members(w, members, ARRAY_LENGTH(members));
    end_or_null(w);
    json_end_object(w);
}

static void put_growth(struct json_writer *w)
{
    static const char *const members[] = {"metric", "value", "scope", "horizon"};
    static const char *const metrics[] = {ASK_GROWTH_REQUESTS, ASK_GROWTH_PEAK_REQUESTS};

    begin_list(w, "growth", "of traffic");
    begin_members(w);
    begin_member(w, "metric");
    put_words(w, metrics, ARRAY_LENGTH(metrics));
    json_end_object(w);
    put_simple(w, "value", "number", /* or_null */ false, "30% more is 0.3, doubles is 1");
    put_simple(w, "scope", "string", /* or_null */ false, "as in constraints");
    put_simple(w, "horizon", "string", /* or_null */ true, "next_month, Q1, 24h");
    end_members(w, members, ARRAY_LENGTH(members));
    end_list(w);
}

static void put_names(struct json_writer *w, const char *key)
{
    begin_list(w, key, "as the prompt names them");
    put_type(w, "string");
    end_list(w);
}

static void put_entities(struct json_writer *w)
{
    static const char *const members[] = {"models", "features", "metrics", "time_range", "growth"};

    begin_member(w, "entities");
    begin_members(w);
    put_names(w, "models");
    put_names(w, "features");
    begin_list(w, "metrics", /* description */ NULL);
    put_metrics(w, ask_metric_is_listed);
    end_list(w);
    put_time_range(w);
    put_growth(w);
    end_members(w, members, ARRAY_LENGTH(members));
    json_end_object(w);
}

void ask_write_proposal_schema(struct json_writer *w)
{
    static const char *const members[] = {"intents", "constraints", "entities"};

    json_begin_object(w);
    put_description(w, "What is null stays as it was read before.");
    begin_members(w);
    put_intents(w);
    put_constraints(w);
    put_entities(w);
    end_members(w, members, ARRAY_LENGTH(members));
    json_end_object(w);
}
