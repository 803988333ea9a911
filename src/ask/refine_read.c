/*
 * JSON → the fields of the refined interpretation. Strict: each member has its one type, members
 * that are not known are refused, and what is refused is named by its JSON pointer. A member that
 * is absent or null keeps ours; a list replaces ours.
 *
 * data_needed, should_ask_for_data and confidence belong to the form but not to the proposer: their
 * types are checked, their content is not looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/proposal.h"

/* --- lists of words --- */

static int read_intents(struct proposal *r, struct json_value list)
{
    bool intents[INTENT_COUNT] = {false};
    size_t at = 0;
    int status = proposal_expect_list(r, list, INTENT_COUNT);

    if (!status && json_count(list) == 0) {
        return proposal_refuse(r, "must hold an intent");
    }
    for (struct json_iterator it = json_iterate(list); !status && json_next(&it); at++) {
        size_t before = proposal_enter_index(r, at);
        struct str name;
        enum intent intent;

        if (!json_get_str(it.value, &name) || !ask_intent_find(name, &intent)) {
            status = proposal_refuse(r, "is no intent");
        } else if (intent_is_talk(intent) && !r->ours->intents[intent]) {
            status = proposal_refuse(r, "cannot be proposed");
        } else {
            intents[intent] = true;
        }
        proposal_leave(r, before);
    }
    if (!status) {
        memcpy(r->out->intents, intents, sizeof(intents));
    }
    return status;
}

typedef bool (*find_name_fn)(struct proposal *r, struct str name, struct str *ret_name);

static int read_names(struct proposal *r, struct json_value list, find_name_fn find,
                      struct str *names, size_t *count)
{
    size_t at = 0;
    int status = proposal_expect_list(r, list, ASK_ENTITIES_MAX);

    *count = status ? *count : 0;
    for (struct json_iterator it = json_iterate(list); !status && json_next(&it); at++) {
        size_t before = proposal_enter_index(r, at);
        struct str name;

        if (!json_get_str(it.value, &name)) {
            status = proposal_refuse(r, "must be text");
        } else if (!find(r, name, &name)) {
            status = proposal_refuse(r, "is a name that neither the records nor the prompt have");
        } else {
            status = proposal_add_name(r, names, count, name);
        }
        proposal_leave(r, before);
    }
    return status;
}

static int read_metrics(struct proposal *r, struct json_value list)
{
    bool found[METRIC_COUNT] = {false};
    size_t at = 0;
    int status = proposal_expect_list(r, list, METRIC_COUNT);

    for (struct json_iterator it = json_iterate(list); !status && json_next(&it); at++) {
        size_t before = proposal_enter_index(r, at);
        struct str name = {NULL, 0};
        bool is_text = json_get_str(it.value, &name);
        enum ask_metric metric = ask_metric_find(name);

        if (!is_text || !ask_metric_is_listed(metric)) {
            status = proposal_refuse(r, "is no metric");
        }
        found[metric] = true;
        proposal_leave(r, before);
    }
    if (status) {
        return status;
    }
    r->out->metric_count = 0;
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        if (found[i]) {
            r->out->metrics[r->out->metric_count++] = str_from(ask_metric_name((enum ask_metric)i));
        }
    }
    return OK;
}

/* --- times --- */

/* Which members a kind of time has: a count of units, an event's hours, or a value. */
static bool has_shape(const struct ask_time_range *range, int64_t hours)
{
    switch (range->kind) {
    case ASK_TIME_LAST:
    case ASK_TIME_NEXT:
    case ASK_TIME_CURRENT:
        return range->value.length == 0 && range->unit.length && hours == 0;
    case ASK_TIME_EVENT:
        return range->value.length && range->n == 0 && range->unit.length == 0;
    default:
        return range->value.length && range->n == 0 && range->unit.length == 0 && hours == 0;
    }
}

static int read_time_range(struct proposal *r, struct json_value object)
{
    static const char *const members[] = {"kind", "value", "hours", "n", "unit"};
    struct ask_time_range range = {0};
    struct str kind = {NULL, 0};
    int64_t hours = 0;
    int status = proposal_expect_object(r, object, members, ARRAY_LENGTH(members));

    status = status ? status : proposal_read_text(r, object, "kind", &kind);
    status = status ? status : proposal_read_text(r, object, "value", &range.value);
    status = status ? status : proposal_read_text(r, object, "unit", &range.unit);
    status = status ? status : proposal_read_count(r, object, "n", &range.n);
    status = status ? status : proposal_read_count(r, object, "hours", &hours);
    if (status) {
        return status;
    }
    if (!ask_time_kind_find(kind, &range.kind)) {
        return proposal_refuse_member(r, "kind", "is no kind of time");
    }
    if (!has_shape(&range, hours)) {
        return proposal_refuse(r, "has not the members of its kind");
    }
    range.n = range.kind == ASK_TIME_EVENT ? hours : range.n;
    if (!time_range_equal(&range, &r->ours->time_range) && !time_range_is_said(r->said, &range)) {
        return proposal_refuse(r, "is a time that the prompt does not name");
    }
    range.value = range.value.length ? proposal_keep(r, range.value) : range.value;
    range.unit = range.unit.length ? proposal_keep(r, range.unit) : range.unit;
    r->out->time_range = range;
    return OK;
}

/* --- growth --- */

static int read_growth_value(struct proposal *r, struct json_value value, struct decimal *ret_value)
{
    int128 number;
    int128 said;

    if (!proposal_get_number(value, &number)) {
        return proposal_refuse_member(r, "value", "must be a number");
    }
    *ret_value = decimal_of(number, QUANTITY_SCALE);
    for (size_t i = 0; i < r->ours->growth_count; i++) {
        if (proposal_is_same_number(number, r->ours->growth[i].value.digits)) {
            *ret_value = r->ours->growth[i].value;
            return OK;
        }
    }
    /* Which way it goes is a matter of words. */
    if (!proposal_find_number(r, VALUE_GROWTH, /* unit */ STR(""), number < 0 ? -number : number,
                              &said)) {
        return proposal_refuse_member(r, "value", "is not a number that the prompt says");
    }
    ret_value->digits = number < 0 ? -said : said;
    return OK;
}

static bool is_horizon(const struct proposal *r, struct str horizon)
{
    for (size_t i = 0; i < r->ours->growth_count; i++) {
        if (str_equal(r->ours->growth[i].horizon, horizon)) {
            return true;
        }
    }
    return horizon.length == 0 || growth_horizon_is_said(r->said, horizon);
}

static const char *growth_metric(struct str name)
{
    static const char *const metrics[] = {ASK_GROWTH_REQUESTS, ASK_GROWTH_PEAK_REQUESTS};

    for (size_t i = 0; i < ARRAY_LENGTH(metrics); i++) {
        if (str_equal(name, str_from(metrics[i]))) {
            return metrics[i];
        }
    }
    return NULL;
}

static int read_one_growth(struct proposal *r, struct json_value object)
{
    static const char *const members[] = {"metric", "value", "scope", "horizon"};
    struct ask_growth made = {0};
    struct str metric = {NULL, 0};
    int status = proposal_expect_object(r, object, members, ARRAY_LENGTH(members));

    status = status ? status : proposal_read_text(r, object, "metric", &metric);
    status = status ? status : proposal_read_text(r, object, "horizon", &made.horizon);
    made.metric = growth_metric(metric);
    if (!status && !made.metric) {
        return proposal_refuse_member(r, "metric", "is nothing that grows");
    }
    status = status ? status : read_growth_value(r, json_at(object, "value"), &made.value);
    status = status ? status : proposal_read_scope(r, object, &made.scope);
    if (!status && !is_horizon(r, made.horizon)) {
        return proposal_refuse_member(r, "horizon", "is a time that the prompt does not name");
    }
    if (!status) {
        made.scope = proposal_keep(r, made.scope);
        made.horizon = made.horizon.length ? proposal_keep(r, made.horizon) : made.horizon;
        r->out->growth[r->out->growth_count++] = made;
    }
    return status;
}

static int read_growth(struct proposal *r, struct json_value list)
{
    size_t at = 0;
    int status = proposal_expect_list(r, list, ASK_ENTITIES_MAX);

    r->out->growth_count = 0;
    for (struct json_iterator it = json_iterate(list); !status && json_next(&it); at++) {
        size_t before = proposal_enter_index(r, at);

        status = read_one_growth(r, it.value);
        proposal_leave(r, before);
    }
    return status;
}

/* --- the whole --- */

static int read_lang(struct proposal *r, struct json_value root)
{
    struct str lang = {NULL, 0};
    int status = proposal_read_text(r, root, "lang", &lang);
    bool known = str_equal(lang, r->ours->lang) || lang.length == 0;

    for (unsigned i = 0; i < LANGUAGE_COUNT && !known; i++) {
        known = str_equal(lang, str_from(ask_language_tag((enum ask_language)i)));
    }
    if (!status && !known) {
        return proposal_refuse_member(r, "lang", "is no language of the grammar");
    }
    if (!status && lang.length) {
        r->out->lang = proposal_keep(r, lang);
    }
    return status;
}

/* What is not the proposer's has its type all the same. */
static int read_not_theirs(struct proposal *r, struct json_value root)
{
    struct json_value needed = json_at(root, "data_needed");
    struct json_value confidence = json_at(root, "confidence");
    double number;
    bool ask;

    if (!proposal_is_silent(needed) && !json_is(needed, JSON_ARRAY)) {
        return proposal_refuse_member(r, "data_needed", "must be a list");
    }
    if (!proposal_is_silent(confidence) && !json_get_double(confidence, &number)) {
        return proposal_refuse_member(r, "confidence", "must be a number");
    }
    return proposal_read_bool(r, root, "should_ask_for_data", &ask);
}

typedef int (*read_member_fn)(struct proposal *r, struct json_value value);

static int read_member(struct proposal *r, struct json_value object, const char *key,
                       read_member_fn read_it)
{
    struct json_value value = json_at(object, key);

    if (proposal_is_silent(value)) {
        return OK;
    }
    size_t before = proposal_enter(r, key);
    int status = read_it(r, value);
    proposal_leave(r, before);
    return status;
}

static int read_models(struct proposal *r, struct json_value list)
{
    return read_names(r, list, proposal_find_model, r->out->models, &r->out->model_count);
}

static int read_features(struct proposal *r, struct json_value list)
{
    return read_names(r, list, proposal_find_feature, r->out->features, &r->out->feature_count);
}

/* Features come before the scopes, which may add to them. */
static int read_entities(struct proposal *r, struct json_value object)
{
    static const char *const members[] = {"models", "features", "metrics", "time_range", "growth"};
    int status = proposal_expect_object(r, object, members, ARRAY_LENGTH(members));

    status = status ? status : read_member(r, object, "models", read_models);
    status = status ? status : read_member(r, object, "features", read_features);
    status = status ? status : read_member(r, object, "metrics", read_metrics);
    status = status ? status : read_member(r, object, "time_range", read_time_range);
    return status ? status : read_member(r, object, "growth", read_growth);
}

int proposal_read(struct proposal *r, struct json_value root)
{
    static const char *const members[] = {"lang",      "intents",     "constraints",
                                          "entities",  "data_needed", "should_ask_for_data",
                                          "confidence"};
    int status = proposal_expect_object(r, root, members, ARRAY_LENGTH(members));

    status = status ? status : read_lang(r, root);
    status = status ? status : read_member(r, root, "intents", read_intents);
    status = status ? status : read_member(r, root, "entities", read_entities);
    status = status ? status : read_member(r, root, "constraints", proposal_read_constraints);
    return status ? status : read_not_theirs(r, root);
}
