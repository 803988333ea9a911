/*
 * parse: what the steps of ask_parse() hand to each other. Private to the room.
 *
 *     normalise.c  bytes            → normal_text
 *     tokens.c     normal_text      → tokens (lexicon, digits, names of entities.c)
 *     quantities.c number tokens    → QUANTITY tokens
 *     features.c   words in feature position → FEATURE tokens
 *     clauses.c    tokens           → clauses with scopes
 *     constraints.c, growth.c, time_range.c   clauses → interpretation
 *     intents.c, needs.c            → interpretation
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ASK_PARSE_H
#define NETRA_ASK_PARSE_H

#include "ask/interpretation.h"
#include "ask/names.h"
#include "ask/normalise.h"
#include "ask/token.h"

#define PARSE_TOKENS_MAX        65536u
#define PARSE_CLAUSES_MAX       4096u /* behind that, punctuation no longer separates */
#define PARSE_CLAUSE_TOKENS_MAX 256u  /* a longer clause is cut: rules look around in one clause */
#define PARSE_SCOPES_MAX        16u   /* features that one statement may name */
#define PARSE_FUZZY_MAX         64u   /* words whose spelling is looked into */
#define PARSE_MODEL_SCANS       32u   /* words that are looked up among the models of the records */

/* A statement: between punctuation or conjunctions. */
struct clause {
    uint32_t begin, end; /* tokens */
    uint32_t sentence;
    enum token_kind opened_by; /* COMMA, AND, BUT, WHILE, IF, WITHOUT, SENTENCE */
    bool is_inert;             /* hostile or about something else: no effect */
    bool is_foreign;
    bool is_question;
    struct kind_set kinds;
    struct str *scopes; /* features, or one "model:…", "provider:…" */
    uint32_t scope_count;
};

struct parse {
    const struct ask_vocabulary *vocabulary;
    struct arena *arena;
    struct normal_text text;
    struct token *tokens;
    uint32_t token_count;
    struct quantity *quantities;
    uint32_t quantity_count;
    struct str features[ASK_ENTITIES_MAX];   /* distinct, as found */
    bool feature_is_known[ASK_ENTITIES_MAX]; /* a name of the records */
    uint32_t feature_count;
    struct str models[ASK_ENTITIES_MAX];
    bool model_is_family[ASK_ENTITIES_MAX];
    uint32_t model_count;
    struct clause *clauses;
    uint32_t clause_count;
    struct kind_set *sentences; /* kinds of all clauses of a sentence */
    struct kind_set kinds;      /* of all clauses that count */
    enum ask_language language;
    bool metrics[METRIC_COUNT];
    bool latency_goal; /* a bound that asks for improvement, not one that is only kept */
    bool infeasible;   /* a target beyond 100 % or beyond numbers */
    enum ask_metric target_unclear; /* the metric of a value without a unit */
    uint32_t fuzzy_tries;
    uint32_t model_scans;
    struct str *feature_keys; /* the vocabulary's names as they are compared */
    uint32_t *feature_slots;  /* hash of the vocabulary's first words: feature + 1 */
    uint32_t feature_slot_count;
    struct interpretation *out;
    bool no_memory; /* a text could not be made: ask_parse fails at its end */
};

/* A text made in the arena; notes when there was no memory for it. */
static inline struct str parse_keep(struct parse *p, struct str made)
{
    p->no_memory |= made.data == NULL;
    return made;
}

/* parse.c: all steps. What p->out holds of a prompt that means nothing is not cleared yet. */
must_check int parse_read(const struct ask_vocabulary *vocabulary, struct str prompt,
                          struct arena *arena, struct parse **ret_parse, struct error *error);

/* Whether there is no intent but talk; and what is kept of a prompt of that kind: nothing. */
bool interpretation_is_talk(const struct interpretation *in);
void interpretation_clear(struct interpretation *out);

/* tokens.c */
must_check int tokens_read(struct parse *p);
struct str token_text(const struct parse *p, const struct token *token);

/* languages.c */
enum ask_language language_detect(const struct parse *p);

/* quantities.c: merges number, scale, unit, currency and period tokens. */
must_check int quantities_build(struct parse *p);
const struct quantity *token_quantity(const struct parse *p, const struct token *token);

/* entities.c: names at a place of the text. 0 bytes when nothing matches. */
must_check int entities_prepare(struct parse *p);
size_t entities_match_feature(struct parse *p, size_t at, int32_t *ret_index);
size_t entities_match_model(struct parse *p, size_t at, int32_t *ret_index);
size_t entities_match_known_model(struct parse *p, size_t at, size_t end, int32_t *ret_index);
int32_t entities_add_feature(struct parse *p, struct str name);

/* features.c: usual and unknown names in the places where a feature stands. */
void features_find(struct parse *p);

/* clauses.c */
must_check int clauses_split(struct parse *p);
bool clause_has(const struct clause *clause, enum token_kind kind);

/* Whether kind is, or a set of kinds holds, one of those listed: is_one_of(kind, TOKEN_AND, …). */
#define KIND_LIST(...)                                                                             \
    (const enum token_kind[]){__VA_ARGS__},                                                        \
        sizeof((const enum token_kind[]){__VA_ARGS__}) / sizeof(enum token_kind)
#define is_one_of(kind, ...)        kind_is_listed(kind, KIND_LIST(__VA_ARGS__))
#define clause_has_any(clause, ...) kind_set_has_listed(&(clause)->kinds, KIND_LIST(__VA_ARGS__))
#define parse_has_any(p, ...)       kind_set_has_listed(&(p)->kinds, KIND_LIST(__VA_ARGS__))
#define sentence_has_any(p, clause, ...)                                                           \
    kind_set_has_listed(&(p)->sentences[(clause)->sentence], KIND_LIST(__VA_ARGS__))

static inline bool kind_is_listed(enum token_kind kind, const enum token_kind *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == kind) {
            return true;
        }
    }
    return false;
}

static inline bool kind_set_has_listed(const struct kind_set *set, const enum token_kind *list,
                                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (kind_set_has(set, list[i])) {
            return true;
        }
    }
    return false;
}

bool parse_has(const struct parse *p, enum token_kind kind);
/* The first token of the kind in the clause, or clause->end. */
uint32_t clause_find(const struct parse *p, const struct clause *clause, enum token_kind kind);
bool clause_has_metric(const struct parse *p, const struct clause *clause, enum ask_metric metric);

/* constraints.c, growth.c, time_range.c, intents.c, needs.c */
must_check int constraints_read(struct parse *p);
must_check int growth_read(struct parse *p);
/* Whether the value at token at of the clause says how much more traffic comes, not a goal. */
bool growth_is_stated(const struct parse *p, const struct clause *clause, uint32_t at);
void time_range_read(struct parse *p);
/* Whether the prompt names this time, be it in another sense than the grammar takes it. */
bool time_range_is_said(const struct parse *p, const struct ask_time_range *range);
/* The same of "next_month", "Q1", "24h". */
bool growth_horizon_is_said(const struct parse *p, struct str horizon);

/* The metric that a token names or implies ("cheaper": cost), METRIC_NONE for others. */
enum ask_metric token_metric(const struct token *token);

/* The token nearest to at whose metric can have a value of this unit, or clause->end. */
uint32_t clause_nearest_metric(const struct parse *p, const struct clause *clause, uint32_t at,
                               enum ask_unit unit);

/* Whether the sentence of the clause tells or asks about what happened: its numbers are no goals.
 */
bool clause_asks_what_was(const struct parse *p, const struct clause *clause);
bool clause_is_observation(const struct parse *p, const struct clause *clause);
bool sentence_has(const struct parse *p, const struct clause *clause, enum token_kind kind);

void intents_score(struct parse *p);
/* From p->out's intents, constraints, names and time, and from the prompt's words. */
void needs_decide(struct parse *p);

#endif
