/*
 * ask_refine: the prompt is read again by the grammar, for its numbers and names; the proposal is
 * read over a copy of ours; what the user demanded is put back; needs are decided anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/refine.h"

#include "ask/proposal.h"

#define CONFIDENCE_REFINED 0.5 /* the grammar found no meaning, the proposal has a possible one */

/* --- a copy of ours --- */

static struct str keep(struct proposal *r, struct str text)
{
    return text.length ? proposal_keep(r, text) : (struct str){NULL, 0};
}

static struct str *copy_names(struct proposal *r, const struct str *names, size_t count,
                              size_t count_max)
{
    struct str *copies = arena_alloc(r->arena, count_max, sizeof(*copies));

    for (size_t i = 0; i < count && copies; i++) {
        copies[i] = keep(r, names[i]);
    }
    r->no_memory |= copies == NULL;
    return copies;
}

static void copy_constraints(struct proposal *r, struct interpretation *out)
{
    const struct ask_constraint *from = out->constraints;
    struct ask_constraint *to = arena_alloc(r->arena, ASK_CONSTRAINTS_MAX, sizeof(*to));

    for (size_t i = 0; i < out->constraint_count && to; i++) {
        to[i] = from[i];
        to[i].unit = keep(r, from[i].unit);
        to[i].scope = keep(r, from[i].scope);
        to[i].baseline = keep(r, from[i].baseline);
        to[i].stat = keep(r, from[i].stat);
    }
    r->no_memory |= to == NULL;
    out->constraints = to;
}

static void copy_growth(struct proposal *r, struct interpretation *out)
{
    const struct ask_growth *from = out->growth;
    struct ask_growth *to = arena_alloc(r->arena, ASK_ENTITIES_MAX, sizeof(*to));

    for (size_t i = 0; i < out->growth_count && to; i++) {
        to[i] = from[i];
        to[i].scope = keep(r, from[i].scope);
        to[i].horizon = keep(r, from[i].horizon);
    }
    r->no_memory |= to == NULL;
    out->growth = to;
}

/* With room in each list for as much as a proposal may hold. */
static int copy_interpretation(struct proposal *r, const struct interpretation *from,
                               struct interpretation **ret_copy)
{
    struct interpretation *out = arena_alloc(r->arena, 1, sizeof(*out));

    if (!out) {
        return ERR_NO_MEMORY;
    }
    *out = *from;
    copy_constraints(r, out);
    copy_growth(r, out);
    out->models = copy_names(r, from->models, from->model_count, ASK_ENTITIES_MAX);
    out->features = copy_names(r, from->features, from->feature_count, ASK_ENTITIES_MAX);
    out->metrics = copy_names(r, from->metrics, from->metric_count, METRIC_COUNT);
    out->time_range.value = keep(r, from->time_range.value);
    out->time_range.unit = keep(r, from->time_range.unit);
    out->lang = keep(r, from->lang);
    *ret_copy = out;
    return r->no_memory ? ERR_NO_MEMORY : OK;
}

/* --- needs --- */

static bool has_name(const struct str *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(names[i], str_from(name))) {
            return true;
        }
    }
    return false;
}

/* A target beyond 100 % or beyond numbers. */
static bool is_infeasible(const struct ask_constraint *c)
{
    bool reduces = strncmp(c->op, "reduce_by", strlen("reduce_by")) == 0 &&
                   ask_value_unit_find(c->unit) == VALUE_FRACTION;

    if (!c->has_value) {
        return c->unit.length && ask_value_unit_find(c->unit) != VALUE_MARGIN;
    }
    return reduces && (c->value.digits > QUANTITY_ONE || c->value_high.digits > QUANTITY_ONE);
}

/* What the grammar noted beside its constraints, for those that are there now. */
static void note_targets(struct parse *p, const struct interpretation *out)
{
    bool infeasible = false;

    for (size_t i = 0; i < out->constraint_count; i++) {
        const struct ask_constraint *c = &out->constraints[i];

        infeasible |= is_infeasible(c);
        if (c->has_value && strcmp(c->metric, ask_metric_name(p->target_unclear)) == 0) {
            p->target_unclear = METRIC_NONE;
        }
    }
    p->infeasible = infeasible;
}

/* needs_decide looks at the refined interpretation and at the prompt's words. A metric that the
 * proposal adds or leaves out counts as one that the prompt names or does not. */
static void decide_needs(struct proposal *r)
{
    struct parse *p = r->said;
    const struct interpretation *ours = r->ours;

    for (unsigned m = 1; m < METRIC_COUNT; m++) {
        const char *name = ask_metric_name((enum ask_metric)m);
        bool before = has_name(ours->metrics, ours->metric_count, name);
        bool now = has_name(r->out->metrics, r->out->metric_count, name);

        p->metrics[m] = before == now ? p->metrics[m] : now;
    }
    if (!constraints_equal(ours, r->out)) {
        note_targets(p, r->out);
    }
    p->out = r->out;
    p->out->needs = 0;
    needs_decide(p);
}

/* --- the steps --- */

/* What no proposal changes. A greeting is one only when every word of it is known. */
static bool is_settled(const struct interpretation *ours)
{
    return ours->intents[INTENT_HOSTILE] || ours->intents[INTENT_OFF_TOPIC] ||
           ours->intents[INTENT_EMPTY] || ours->intents[INTENT_GREETING];
}

static int read_proposal(struct proposal *r, struct str text)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct json_value root;
    int status = json_parser_new(ASK_PROPOSAL_BYTES_MAX, &parser);

    if (status) {
        return error_set(r->error, status, "no memory for a proposal");
    }
    status = json_parse(parser, text, &root, r->error);
    status = status ? status : proposal_read(r, root);
    return status ? status : proposal_keep_demands(r);
}

static void settle(struct proposal *r)
{
    struct interpretation *out = r->out;

    if (interpretation_is_talk(out)) {
        interpretation_clear(out);
        return;
    }
    if (out->intents[INTENT_UNKNOWN]) {
        out->intents[INTENT_UNKNOWN] = false;
    }
    if (r->ours->intents[INTENT_UNKNOWN]) {
        out->confidence = CONFIDENCE_REFINED;
    }
}

/* Where the grammar found no meaning, the names and times that it did find are kept for a proposal
 * that has one. */
static int refine(struct proposal *r, const struct interpretation *ours, struct str proposal_json)
{
    r->ours = interpretation_is_talk(ours) ? r->said->out : ours;
    int status = copy_interpretation(r, r->ours, &r->out);

    status = status ? status : read_proposal(r, proposal_json);
    if (status || r->no_memory) {
        return r->no_memory ? ERR_NO_MEMORY : status; /* a name may be missed for want of memory */
    }
    settle(r);
    decide_needs(r);
    return OK;
}

int ask_refine(const struct ask_vocabulary *vocabulary, struct str prompt,
               const struct interpretation *ours, struct str proposal_json, struct arena *arena,
               struct interpretation **ret_refined, struct error *error)
{
    static const struct ask_vocabulary no_names;
    struct error unheard;
    cleanup(arena_done) struct arena scratch;
    struct proposal r = {.vocabulary = vocabulary ? vocabulary : &no_names,
                         .arena = arena,
                         .scratch = &scratch,
                         .error = error ? error : &unheard};
    int status;

    arena_init(&scratch, ASK_ARENA_BYTES_MAX);
    if (proposal_json.length > ASK_PROPOSAL_BYTES_MAX) {
        return error_set(error, ERR_LIMIT, "proposal of %zu bytes is longer than %u",
                         proposal_json.length, ASK_PROPOSAL_BYTES_MAX);
    }
    if (is_settled(ours)) {
        status = copy_interpretation(&r, ours, &r.out);
    } else {
        status = parse_read(r.vocabulary, prompt, &scratch, &r.said, error);
        status = status ? status : refine(&r, ours, proposal_json);
    }
    if (status == ERR_NO_MEMORY) {
        return error_set(error, status, "no memory for a proposal");
    }
    if (!status) {
        *ret_refined = r.out;
    }
    return status;
}
