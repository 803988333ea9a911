/*
 * The search: from each symptom down the rules, deepest first, until a rule names a cause. A chain
 * that finds none ends where the facts end, and the claim that is left says what would have to be
 * recorded (needs.def).
 *
 * At each claim the first rule that leads to a cause wins, so tables have what is certain before
 * what is general. A rule whose claim was followed a step, and not to a cause, does not fall back
 * to its own: more is known than it says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/rules.h"

#include "base/check.h"
#include "verify/facts.h"

#define TEXT_BYTES_MAX 2048u /* of a sentence that was filled */

/* A rule, and the observations that it was found to hold of. */
struct step {
    const struct rule *rule;
    const struct observation *seen[RULE_SIGHTS_MAX];
    size_t seen_count;
};

struct chain {
    struct step steps[DIAGNOSIS_WHYS_MAX];
    size_t count;
    const char *cause;
};

struct search {
    struct diagnoses *into;
    bool *is_superseded; /* of each observation: a later one says the same thing anew */
    bool *is_explained;  /* of each observation: as a symptom it was led to a chain that is told */
    struct step symptom;
    struct chain path; /* under way */
    struct chain best; /* the longest that ended nowhere */
};

/* In the order in which symptoms are looked for. */
static const struct rules *const symptoms[] = {
    &rules_of_reaching, &rules_of_answers, &rules_of_health, &rules_of_starts, &rules_of_checks};
/* In the order in which whys are answered: a process that ended says more than its port. */
static const struct rules *const tables[] = {&rules_of_starts, &rules_of_reaching,
                                             &rules_of_answers, &rules_of_health, &rules_of_checks};

static const struct cause causes[] = {
#define CAUSE(id, is, fix, needs) {id, is, fix, needs},
#include "verify/causes.def"
#undef CAUSE
};

static const struct {
    const char *claim;
    const char *needs;
} needs_of[] = {
#define NEEDS(claim, needs) {claim, needs},
#include "verify/needs.def"
#undef NEEDS
};

const struct cause *cause_at(size_t index)
{
    return index < ARRAY_LENGTH(causes) ? &causes[index] : NULL;
}

const struct cause *cause_find(const char *id)
{
    for (size_t i = 0; i < ARRAY_LENGTH(causes); i++) {
        if (strcmp(causes[i].id, id) == 0) {
            return &causes[i];
        }
    }
    return NULL;
}

static const char *needs_find(const char *claim)
{
    for (size_t i = 0; i < ARRAY_LENGTH(needs_of); i++) {
        if (strcmp(needs_of[i].claim, claim) == 0) {
            return needs_of[i].needs;
        }
    }
    return "a rule for what was seen last";
}

void diagnosis_add_why(struct diagnosis *diagnosis, struct str because,
                       const struct observation *const *cites, size_t cite_count)
{
    check_cmp(cite_count, >, 0);
    check_cmp(cite_count, <=, DIAGNOSIS_CITES_MAX);
    check_cmp(diagnosis->why_count, <, DIAGNOSIS_WHYS_MAX);
    struct why *why = &diagnosis->whys[diagnosis->why_count++];

    *why = (struct why){.because = because, .cite_count = cite_count};
    for (size_t i = 0; i < cite_count; i++) {
        check(cites[i]);
        why->cites[i] = cites[i];
    }
}

/* ---- matching ---- */

static bool sees(const struct sight *sight, const struct observation *observation)
{
    struct str stars[2];

    return str_equal(observation->kind, str_from(sight->kind)) &&
           fact_matches(sight->subject, observation->subject, stars) &&
           fact_matches(sight->value, observation->value, stars);
}

/* Of a step, the observation of the same thing; NULL: it is about something else. */
static const struct observation *look_back(const struct sight *sight, const struct step *step)
{
    struct str stars[2];

    for (size_t i = 0; i < step->seen_count; i++) {
        if (str_equal(step->seen[i]->kind, str_from(sight->kind)) &&
            fact_matches(sight->subject, step->seen[i]->subject, stars)) {
            return step->seen[i];
        }
    }
    return NULL;
}

/* What the chain is about already comes first: a "service auth" that is silent is not explained by
 * another service. Else the latest that still counts; NULL: none. */
static const struct observation *look_for(const struct search *search, const struct sight *sight)
{
    const struct evidence *facts = search->into->facts;
    const struct observation *about = NULL;

    for (size_t i = search->path.count; i-- > 0 && !about;) {
        about = look_back(sight, &search->path.steps[i]);
    }
    about = about ? about : look_back(sight, &search->symptom);
    if (about) {
        return sees(sight, about) ? about : NULL;
    }
    for (size_t i = facts->observation_count; i-- > 0;) {
        if (!search->is_superseded[i] && sees(sight, &facts->observations[i])) {
            return &facts->observations[i];
        }
    }
    return NULL;
}

/* first: given for a symptom, NULL: looked for. */
static bool match(const struct search *search, const struct rule *rule,
                  const struct observation *first, struct step *ret_step)
{
    struct step step = {.rule = rule};

    while (step.seen_count < RULE_SIGHTS_MAX && rule->seen[step.seen_count].kind) {
        const struct observation *seen =
            step.seen_count == 0 && first ? first : look_for(search, &rule->seen[step.seen_count]);
        if (!seen) {
            return false;
        }
        step.seen[step.seen_count++] = seen;
    }
    check_cmp(step.seen_count, >, 0);
    if (rule->holds && !rule->holds(step.seen)) {
        return false;
    }
    *ret_step = step;
    return true;
}

static bool answers(const char *of, const char *claim)
{
    size_t length = strlen(claim);

    for (const char *at = of; *at; at += strcspn(at, "|"), at += *at == '|') {
        if (strcspn(at, "|") == length && memcmp(at, claim, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_on_path(const struct search *search, const struct rule *rule)
{
    for (size_t i = 0; i < search->path.count; i++) {
        if (search->path.steps[i].rule == rule) {
            return true;
        }
    }
    return false;
}

/* What a rule that holds leads to; tells whether anything deeper was found. */
static bool follow(struct search *search, const char *claim, bool *ret_is_deeper);

static bool take(struct search *search, const struct step *step)
{
    struct chain *path = &search->path;
    bool is_deeper = false;

    path->steps[path->count++] = *step;
    if (path->count > search->best.count) {
        search->best = *path;
    }
    if (step->rule->claim && follow(search, step->rule->claim, &is_deeper)) {
        return true;
    }
    if (step->rule->cause && !is_deeper) {
        path->cause = step->rule->cause;
        return true;
    }
    path->count--;
    return false;
}

static bool follow(struct search *search, const char *claim, bool *ret_is_deeper)
{
    struct step step;

    if (search->path.count == DIAGNOSIS_WHYS_MAX) {
        return false;
    }
    for (size_t t = 0; t < ARRAY_LENGTH(tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct rule *rule = &tables[t]->items[i];

            if (!answers(rule->of, claim) || is_on_path(search, rule) ||
                !match(search, rule, NULL, &step)) {
                continue;
            }
            *ret_is_deeper = true;
            if (take(search, &step)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- sentences ---- */

static struct str place(const struct step *step, char what, size_t index)
{
    struct str subject[2];
    struct str value[2];
    const struct observation *seen = step->seen[index];

    (void)fact_matches(step->rule->seen[index].subject, seen->subject, subject);
    (void)fact_matches(step->rule->seen[index].value, seen->value, value);
    switch (what) {
    case 'v':
        return seen->value;
    case 's':
        return seen->subject;
    case 'a':
        return subject[0];
    case 'b':
        return value[0];
    default:
        check(what == 'c');
        return value[1];
    }
}

/* "{v1}" and the like are the only values that a sentence has. Text that was put in is not looked
 * into again. */
static struct str fill(struct arena *arena, const char *sentence, const struct step *step)
{
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    for (const char *at = sentence; *at; at++) {
        if (*at != '{') {
            buf_append_char(&text, *at);
            continue;
        }
        check(at[1] && at[2] >= '1' && (size_t)(at[2] - '1') < step->seen_count && at[3] == '}');
        buf_append(&text, place(step, at[1], (size_t)(at[2] - '1')));
        at += 3;
    }
    struct str filled = arena_copy(arena, buf_str(&text));
    buf_done(&text);
    return filled;
}

static int put_end(struct diagnosis *diagnosis, struct arena *arena, const struct chain *chain,
                   const struct step *last)
{
    const char *claim = last->rule->claim;

    diagnosis->cause = chain->cause;
    if (chain->cause) {
        const struct cause *cause = cause_find(chain->cause);

        check(cause);
        diagnosis->fix = fill(arena, cause->fix, last);
        diagnosis->needs = (struct str){"", 0};
        return diagnosis->fix.data ? OK : ERR_NO_MEMORY;
    }
    diagnosis->fix = (struct str){"", 0};
    diagnosis->needs = str_from(needs_find(claim ? claim : ""));
    return OK;
}

static int put_chain(struct diagnosis *diagnosis, struct arena *arena, const struct step *symptom,
                     const struct chain *chain)
{
    *diagnosis = (struct diagnosis){.symptom = fill(arena, symptom->rule->because, symptom),
                                    .symptom_cite = symptom->seen[0]};
    if (!diagnosis->symptom.data) {
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < chain->count; i++) {
        const struct step *step = &chain->steps[i];
        struct str because = fill(arena, step->rule->because, step);

        if (!because.data) {
            return ERR_NO_MEMORY;
        }
        diagnosis_add_why(diagnosis, because, step->seen, step->seen_count);
    }
    return put_end(diagnosis, arena, chain,
                   chain->count ? &chain->steps[chain->count - 1] : symptom);
}

/* ---- symptoms ---- */

static bool cites(const struct diagnosis *diagnosis, const struct observation *observation)
{
    for (size_t i = 0; i < diagnosis->why_count; i++) {
        for (size_t k = 0; k < diagnosis->whys[i].cite_count; k++) {
            if (diagnosis->whys[i].cites[k] == observation) {
                return true;
            }
        }
    }
    return diagnosis->symptom_cite == observation;
}

/* What an earlier chain has explained, or is explained by, has no chain of its own. */
static bool is_told(const struct diagnoses *into, const struct observation *observation)
{
    for (size_t i = 0; i < into->count; i++) {
        if (cites(&into->items[i], observation)) {
            return true;
        }
    }
    return false;
}

/* A chain that ends where an earlier one has ended says the same of another symptom. */
static bool ends_as(const struct diagnosis *earlier, const struct chain *chain)
{
    const struct step *last = &chain->steps[chain->count - 1];
    bool is_same = !chain->cause || !earlier->cause ? chain->cause == earlier->cause
                                                    : strcmp(chain->cause, earlier->cause) == 0;

    for (size_t i = 0; is_same && i < last->seen_count; i++) {
        if (cites(earlier, last->seen[i])) {
            return true;
        }
    }
    return false;
}

static bool leads_to_told(const struct diagnoses *into, const struct chain *chain)
{
    for (size_t i = 0; chain->count && i < into->count; i++) {
        if (chain->steps[0].seen[0] == into->items[i].symptom_cite ||
            ends_as(&into->items[i], chain)) {
            return true;
        }
    }
    return false;
}

static int explain(struct search *search, const struct rule *rule,
                   const struct observation *observation)
{
    struct diagnoses *into = search->into;
    bool is_deeper;

    search->path = search->best = (struct chain){0};
    search->symptom = (struct step){0};
    if (into->count == DIAGNOSES_MAX || is_told(into, observation) ||
        search->is_explained[observation - into->facts->observations] ||
        !match(search, rule, observation, &search->symptom)) {
        return OK;
    }
    check_cmp(search->symptom.seen_count, ==, 1);
    bool is_found = follow(search, rule->claim, &is_deeper);
    struct chain *chain = is_found ? &search->path : &search->best;

    if (leads_to_told(into, chain)) {
        search->is_explained[observation - into->facts->observations] = true;
        return OK;
    }
    int code = put_chain(&into->items[into->count], &into->facts->arena, &search->symptom, chain);
    into->count += code == OK;
    return code;
}

static int explain_all(struct search *search, const struct rule *rule)
{
    const struct evidence *facts = search->into->facts;
    int code = OK;

    for (size_t i = 0; code == OK && i < facts->observation_count; i++) {
        if (!search->is_superseded[i] && sees(&rule->seen[0], &facts->observations[i])) {
            code = explain(search, rule, &facts->observations[i]);
        }
    }
    return code;
}

/* What was seen later of the same thing is how it is. n² of 2000 short comparisons. */
static bool *find_superseded(struct evidence *facts)
{
    size_t count = facts->observation_count;
    bool *is_superseded = arena_alloc(&facts->arena, count + 1, sizeof(*is_superseded));

    for (size_t i = 0; is_superseded && i < count; i++) {
        for (size_t k = i + 1; k < count && !is_superseded[i]; k++) {
            is_superseded[i] =
                str_equal(facts->observations[i].subject, facts->observations[k].subject) &&
                str_equal(facts->observations[i].kind, facts->observations[k].kind);
        }
    }
    return is_superseded;
}

int rules_apply(struct diagnoses *into)
{
    struct search search = {.into = into, .is_superseded = find_superseded(into->facts)};
    search.is_explained = arena_alloc(&into->facts->arena, into->facts->observation_count + 1,
                                      sizeof(*search.is_explained));
    int code = search.is_superseded && search.is_explained ? OK : ERR_NO_MEMORY;

    for (size_t t = 0; code == OK && t < ARRAY_LENGTH(symptoms); t++) {
        for (size_t i = 0; code == OK && i < symptoms[t]->count; i++) {
            if (symptoms[t]->items[i].of[0] == '\0') {
                code = explain_all(&search, &symptoms[t]->items[i]);
            }
        }
    }
    return code;
}
