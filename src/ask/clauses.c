/*
 * Tokens → clauses: the statements between punctuation and conjunctions, each with the features (or
 * the model, or the provider) that it is about.
 *
 * "and" opens a clause only when what follows makes a statement of its own, so that lists ("cost
 * and latency", "chat and search") stay together. A scope holds for the clauses that conjunctions
 * tie to it; behind a comma only when it stood alone ("For search, cut 10 % and keep quality").
 * Text that commands the machine, and statements about other things than LLM calls, are inert.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/lists.h"
#include "ask/parse.h"

bool clause_has(const struct clause *clause, enum token_kind kind)
{
    return kind_set_has(&clause->kinds, kind);
}

bool parse_has(const struct parse *p, enum token_kind kind)
{
    return kind_set_has(&p->kinds, kind);
}

uint32_t clause_find(const struct parse *p, const struct clause *clause, enum token_kind kind)
{
    uint32_t i = clause->begin;

    if (!clause_has(clause, kind)) {
        return clause->end;
    }
    while (i < clause->end && p->tokens[i].kind != kind) {
        i++;
    }
    return i;
}

bool clause_has_metric(const struct parse *p, const struct clause *clause, enum ask_metric metric)
{
    for (uint32_t i = clause->begin; i < clause->end; i++) {
        if (p->tokens[i].kind == TOKEN_METRIC && p->tokens[i].arg == (int32_t)metric) {
            return true;
        }
    }
    return false;
}

bool sentence_has(const struct parse *p, const struct clause *clause, enum token_kind kind)
{
    return kind_set_has(&p->sentences[clause->sentence], kind);
}

static bool is_sentence_end(enum token_kind kind)
{
    return is_one_of(kind, TOKEN_SENTENCE, TOKEN_QUESTION);
}

/* Kinds that make a statement behind "and". */
static bool is_predicate(enum token_kind kind)
{
    switch (kind) {
    case TOKEN_DOWN:
    case TOKEN_UP:
    case TOKEN_LESS:
    case TOKEN_MORE:
    case TOKEN_SAVE:
    case TOKEN_KEEP:
    case TOKEN_ACCEPT:
    case TOKEN_INDIFFERENT:
    case TOKEN_IMPROVE:
    case TOKEN_CHANGED_UP:
    case TOKEN_CHANGED_DOWN:
    case TOKEN_WITHOUT:
    case TOKEN_NEGATION:
    case TOKEN_MULTIPLY:
    case TOKEN_DIVIDE:
    case TOKEN_MIGRATE:
    case TOKEN_ROLLBACK:
    case TOKEN_AUDIT:
    case TOKEN_VALIDATE:
    case TOKEN_TRIM:
    case TOKEN_CAP:
    case TOKEN_ROUTE:
    case TOKEN_EXPECT:
    case TOKEN_WILL:
    case TOKEN_WHY:
    case TOKEN_EXPLAIN:
    case TOKEN_WHICH:
    case TOKEN_HOW_MUCH:
    case TOKEN_SAME:
    case TOKEN_HOSTILE:
    case TOKEN_FOREIGN:
    case TOKEN_EXCLUDE:
    case TOKEN_WHAT_IF:
        return true;
    default:
        return false;
    }
}

static bool opens_clause(enum token_kind kind)
{
    return is_one_of(kind, TOKEN_BUT, TOKEN_WHILE, TOKEN_IF, TOKEN_COMMA, TOKEN_COLON,
                     TOKEN_WITHOUT, TOKEN_EXCLUDE);
}

/* Whether the "and" at at opens a clause: what follows is a statement, and one with a value of its
 * own leaves the clause before it its own value. */
static bool and_opens_clause(const struct parse *p, uint32_t at, bool value_before)
{
    bool value_behind = false;

    for (uint32_t i = at + 1; i < p->token_count; i++) {
        enum token_kind kind = p->tokens[i].kind;

        if (is_sentence_end(kind) ||
            is_one_of(kind, TOKEN_AND, TOKEN_COMMA, TOKEN_BUT, TOKEN_IF, TOKEN_WHILE)) {
            break;
        }
        if (is_predicate(kind)) {
            return true;
        }
        value_behind |= kind == TOKEN_QUANTITY;
    }
    return value_behind && value_before;
}

static struct clause *open_clause(struct parse *p, uint32_t begin, uint32_t sentence,
                                  enum token_kind opened_by)
{
    struct clause *clause = &p->clauses[p->clause_count++];

    *clause =
        (struct clause){.begin = begin, .end = begin, .sentence = sentence, .opened_by = opened_by};
    return clause;
}

static uint32_t count_clauses(const struct parse *p)
{
    uint32_t count = 1;

    for (uint32_t i = 0; i < p->token_count; i++) {
        enum token_kind kind = p->tokens[i].kind;
        count += is_sentence_end(kind) || kind == TOKEN_AND || opens_clause(kind);
    }
    count += p->token_count / PARSE_CLAUSE_TOKENS_MAX;
    return count < PARSE_CLAUSES_MAX ? count : PARSE_CLAUSES_MAX;
}

/* A question mark makes every clause of its sentence a question. */
static void mark_questions(struct parse *p)
{
    bool question = false;

    for (uint32_t i = p->clause_count; i-- > 0;) {
        struct clause *clause = &p->clauses[i];
        bool is_last = i + 1 == p->clause_count || p->clauses[i + 1].sentence != clause->sentence;

        if (is_last) {
            question =
                clause->end < p->token_count && p->tokens[clause->end].kind == TOKEN_QUESTION;
        }
        clause->is_question = question;
    }
}

/* Hindi and Japanese say "quality hurting without": the word ends its clause. */
static bool is_postposed(const struct parse *p, enum token_kind kind)
{
    return kind == TOKEN_WITHOUT && (p->language == LANGUAGE_HI || p->language == LANGUAGE_JA);
}

static void cut(struct parse *p)
{
    uint32_t sentence = 0;
    bool value = false;
    struct clause *clause = open_clause(p, 0, sentence, TOKEN_SENTENCE);

    for (uint32_t i = 0; i < p->token_count; i++) {
        enum token_kind kind = p->tokens[i].kind;
        bool ends = is_sentence_end(kind);
        bool cuts = ends || (opens_clause(kind) && !is_postposed(p, kind)) ||
                    (kind == TOKEN_AND && and_opens_clause(p, i, value));
        bool too_long = i - clause->begin >= PARSE_CLAUSE_TOKENS_MAX;
        cuts = (cuts || too_long) && p->clause_count < PARSE_CLAUSES_MAX;

        p->tokens[i].clause = p->clause_count - 1;
        if (!cuts) {
            kind_set_add(&clause->kinds, kind);
            value |= kind == TOKEN_QUANTITY;
            clause->end = i + 1;
            continue;
        }
        /* Words that carry meaning themselves stay in the clause that they open. */
        bool stays = is_one_of(kind, TOKEN_WITHOUT, TOKEN_EXCLUDE) || (too_long && !ends);
        clause->end = i;
        sentence += ends;
        clause = open_clause(p, stays ? i : i + 1, sentence, kind);
        kind_set_add(&clause->kinds, kind);
        value = false;
        if (stays) {
            kind_set_add(&clause->kinds, kind);
            clause->end = i + 1;
            p->tokens[i].clause = p->clause_count - 1;
        }
    }
}

/* --- what has no effect --- */

/* Evidence that a statement about "latency" or "model" is about LLM calls. */
static bool has_domain_evidence(const struct parse *p, const struct clause *clause)
{
    for (uint32_t i = clause->begin; i < clause->end; i++) {
        const struct token *token = &p->tokens[i];

        if ((token->kind == TOKEN_FEATURE && p->feature_is_known[token->arg]) ||
            (token->kind == TOKEN_DOMAIN && token->arg == 0)) {
            return true; /* an "API" alone (argument 1) can be anybody's */
        }
    }
    return clause_has_any(clause, TOKEN_MODEL, TOKEN_PROVIDER, TOKEN_PROMPTS, TOKEN_DATA_SOURCE);
}

static void mark_inert(struct parse *p)
{
    uint32_t foreign_sentence = UINT32_MAX;

    for (uint32_t i = 0; i < p->clause_count; i++) {
        struct clause *clause = &p->clauses[i];

        clause->is_foreign = clause_has(clause, TOKEN_FOREIGN) && !has_domain_evidence(p, clause);
        if (clause->is_foreign) {
            foreign_sentence = clause->sentence;
        }
        /* What hangs on a foreign statement is foreign: "my postgres is slow and the cost high". */
        if (clause->sentence == foreign_sentence && !has_domain_evidence(p, clause)) {
            clause->is_foreign = true;
        }
        clause->is_inert = clause->is_foreign;
    }
}

/* A command at the machine ends the meaning of its clause where it starts. */
static void cut_hostile(struct parse *p)
{
    for (uint32_t i = 0; i < p->clause_count; i++) {
        struct clause *clause = &p->clauses[i];
        uint32_t hostile = clause_find(p, clause, TOKEN_HOSTILE);

        if (hostile == clause->end) {
            continue;
        }
        kind_set_add(&p->kinds, TOKEN_HOSTILE);
        if (p->tokens[hostile].arg == HOSTILE_PATH) {
            continue; /* a word of its own: what stands beside it is meant */
        }
        clause->end = hostile;
        clause->kinds = (struct kind_set){{0}};
        for (uint32_t t = clause->begin; t < clause->end; t++) {
            kind_set_add(&clause->kinds, p->tokens[t].kind);
        }
    }
}

/* --- scopes --- */

static void add_scope(struct parse *p, struct clause *clause, struct str scope)
{
    if (!clause->scopes) {
        clause->scopes = arena_alloc(p->arena, PARSE_SCOPES_MAX, sizeof(*clause->scopes));
    }
    if (!clause->scopes) {
        p->no_memory = true;
        return;
    }
    for (uint32_t i = 0; i < clause->scope_count; i++) {
        if (str_equal(clause->scopes[i], scope)) {
            return;
        }
    }
    if (clause->scope_count < PARSE_SCOPES_MAX) {
        clause->scopes[clause->scope_count++] = scope;
    }
}

/* A model is what a statement is about when it stands behind "for" or owns what is measured: "on
 * gpt-5", "opus spend"; as a goal ("by moving to mini") it is not. */
static bool is_scope_name(const struct parse *p, const struct clause *clause, uint32_t at)
{
    enum token_kind before = at > clause->begin ? p->tokens[at - 1].kind : TOKEN_SENTENCE;
    enum token_kind behind = at + 1 < clause->end ? p->tokens[at + 1].kind : TOKEN_SENTENCE;

    if (before == TOKEN_STOP && at > clause->begin + 1 && p->tokens[at - 1].arg != 1) {
        before = p->tokens[at - 2].kind;
    }
    return !clause_has(clause, TOKEN_MIGRATE) &&
           (is_one_of(before, TOKEN_FOR, TOKEN_OF, TOKEN_METRIC) ||
            is_one_of(behind, TOKEN_METRIC, TOKEN_BUDGET, TOKEN_SLASH, TOKEN_LIMIT));
}

static void find_scopes(struct parse *p, struct clause *clause)
{
    bool excluded = clause_has(clause, TOKEN_EXCLUDE);

    for (uint32_t i = clause->begin; i < clause->end && !excluded; i++) {
        if (p->tokens[i].kind == TOKEN_FEATURE) {
            add_scope(p, clause, p->features[p->tokens[i].arg]);
        }
    }
    for (uint32_t i = clause->begin; i < clause->end && clause->scope_count == 0 && !excluded;
         i++) {
        const struct token *token = &p->tokens[i];
        struct str scope = {NULL, 0};

        if (token->kind == TOKEN_MODEL && is_scope_name(p, clause, i)) {
            scope = parse_keep(
                p, arena_printf(p->arena, "model:%.*s", STR_ARGS(p->models[token->arg])));
        } else if (token->kind == TOKEN_PROVIDER && is_scope_name(p, clause, i)) {
            scope =
                parse_keep(p, arena_printf(p->arena, "provider:%s", ask_provider_name(token->arg)));
        }
        if (scope.length) {
            add_scope(p, clause, scope);
        }
    }
}

/* Nothing but a scope: "For search, …". */
static bool is_scope_only(const struct parse *p, const struct clause *clause)
{
    for (uint32_t i = clause->begin; i < clause->end; i++) {
        enum token_kind kind = p->tokens[i].kind;

        if (!is_one_of(kind, TOKEN_FEATURE, TOKEN_FOR, TOKEN_STOP, TOKEN_AND, TOKEN_OR,
                       TOKEN_FEATURE_WORD, TOKEN_ONLY, TOKEN_MODEL, TOKEN_PROVIDER)) {
            return false;
        }
    }
    return clause->scope_count > 0;
}

static bool is_about_growth(const struct parse *p, const struct clause *clause)
{
    return clause_has(clause, TOKEN_EXPECT) || clause_has_metric(p, clause, METRIC_USAGE);
}

/* "2M TPM and 5k RPM on gpt-5": the scope behind two bare values is for both. */
static const struct quantity *first_quantity(const struct parse *p, const struct clause *clause)
{
    uint32_t at = clause_find(p, clause, TOKEN_QUANTITY);

    return at < clause->end ? token_quantity(p, &p->tokens[at]) : NULL;
}

/* Limits of one kind: two times, or tokens and requests a minute. */
static bool are_alike(const struct quantity *a, const struct quantity *b)
{
    bool rates = (a->unit == UNIT_RPM || a->unit == UNIT_TPM) &&
                 (b->unit == UNIT_RPM || b->unit == UNIT_TPM);

    return rates || (a->unit == UNIT_MS && b->unit == UNIT_MS);
}

static bool shares_scope(const struct parse *p, const struct clause *clause,
                         const struct clause *before)
{
    const struct quantity *value = first_quantity(p, clause);
    const struct quantity *value_before = before ? first_quantity(p, before) : NULL;

    return value && value_before && are_alike(value, value_before) && before->scope_count == 0 &&
           clause->opened_by == TOKEN_AND && before->sentence == clause->sentence &&
           p->tokens[before->end - 1].kind == TOKEN_QUANTITY &&
           !clause_has_any(clause, TOKEN_KEEP, TOKEN_DOWN, TOKEN_UP, TOKEN_ACCEPT, TOKEN_LESS,
                           TOKEN_MORE, TOKEN_SAVE, TOKEN_EXPECT, TOKEN_IMPROVE);
}

/* A clause that goes on about what the one before it is about. A tolerance does so even behind a
 * comma ("…, 2x slower is fine"), unless it is about money, which has one owner. */
static bool is_tied(const struct parse *p, const struct clause *clause)
{
    bool tolerates = clause_has_any(clause, TOKEN_ACCEPT, TOKEN_INDIFFERENT) &&
                     !clause_has(clause, TOKEN_BUDGET) &&
                     !clause_has_metric(p, clause, METRIC_COST);

    return is_one_of(clause->opened_by, TOKEN_AND, TOKEN_IF, TOKEN_WITHOUT, TOKEN_BUT, TOKEN_WHILE,
                     TOKEN_COLON) ||
           (clause->opened_by == TOKEN_COMMA && tolerates);
}

static void inherit_scopes(struct parse *p)
{
    uint32_t sticky = UINT32_MAX; /* clause whose scope holds to the end of its sentence */

    for (uint32_t i = 0; i < p->clause_count; i++) {
        struct clause *clause = &p->clauses[i];
        struct clause *before = i ? &p->clauses[i - 1] : NULL;
        bool tied = is_tied(p, clause);

        if (before && clause->scope_count && shares_scope(p, clause, before)) {
            before->scopes = clause->scopes;
            before->scope_count = clause->scope_count;
        }
        if (clause->scope_count) {
            sticky = is_scope_only(p, clause) ? i : UINT32_MAX;
            continue;
        }
        if (sticky != UINT32_MAX && p->clauses[sticky].sentence == clause->sentence) {
            before = &p->clauses[sticky];
            tied = true;
        }
        if (!tied || !before || before->sentence != clause->sentence ||
            is_about_growth(p, before) || clause_has(before, TOKEN_EXCLUDE)) {
            continue;
        }
        clause->scopes = before->scopes;
        clause->scope_count = before->scope_count;
    }
}

static void add_up_kinds(struct parse *p)
{
    for (uint32_t i = 0; i < p->clause_count; i++) {
        const struct clause *clause = &p->clauses[i];

        for (unsigned w = 0; w < KIND_SET_WORDS && !clause->is_inert; w++) {
            p->kinds.words[w] |= clause->kinds.words[w];
            p->sentences[clause->sentence].words[w] |= clause->kinds.words[w];
        }
    }
}

int clauses_split(struct parse *p)
{
    uint32_t room = count_clauses(p);

    p->clauses = arena_alloc(p->arena, room, sizeof(*p->clauses));
    p->sentences = arena_alloc(p->arena, room, sizeof(*p->sentences));
    if (!p->clauses || !p->sentences) {
        return ERR_NO_MEMORY;
    }
    cut(p);
    mark_questions(p);
    cut_hostile(p);
    mark_inert(p);
    add_up_kinds(p);
    for (uint32_t i = 0; i < p->clause_count; i++) {
        find_scopes(p, &p->clauses[i]);
    }
    inherit_scopes(p);
    return OK;
}
