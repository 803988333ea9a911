/*
 * rules: what leads from a symptom to a cause. A rule answers the why of a claim by observations
 * that must all be there; its sentence says nothing that they do not carry, because it can only be
 * filled from them. Tables in rules_*.c, the search in rules.c. Private to verify/.
 *
 *     ""  ── symptom ──▶ claim "unanswered" ── rule ──▶ claim "refused" ── rule ──▶ … cause
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_RULES_H
#define NETRA_VERIFY_RULES_H

#include "verify/diagnosis.h"

#define RULE_SIGHTS_MAX 4u

/* Patterns (fact_matches) of one observation; kind NULL: none. */
struct sight {
    const char *kind;
    const char *subject;
    const char *value;
};

struct rule {
    /* The claims whose why this answers, "refused|silent"; "": this is a symptom of its own. */
    const char *of;
    struct sight seen[RULE_SIGHTS_MAX]; /* at least one */
    /* NULL, or what must hold of the observations, in the order of seen. */
    bool (*holds)(const struct observation *const *seen);
    /* {v1}: the value of the first observation, {s1}: its subject, {a1} {b1}: what the first star
     * of the subject and of the value stood for, {c1}: the second star of the value. */
    const char *because;
    const char *claim; /* what is now to be explained; NULL: nothing deeper is known to us */
    const char *cause; /* of causes.def, when nothing deeper is found; NULL: a step only */
};

struct rules {
    const struct rule *items;
    size_t count;
};

extern const struct rules rules_of_starts;   /* why a process does not run */
extern const struct rules rules_of_reaching; /* why an address does not answer */
extern const struct rules rules_of_answers;  /* why an answer refuses */
extern const struct rules rules_of_health;   /* why /health is not well */
extern const struct rules rules_of_checks;   /* what a verification found */

/* A row of causes.def. */
struct cause {
    const char *id;
    const char *is;  /* what is the matter, for people */
    const char *fix; /* a sentence that says what to do */
    const char *needs;
};
const struct cause *cause_find(const char *id);
const struct cause *cause_at(size_t index); /* NULL: there are no more */

/* Every chain that the facts of into carry, symptoms in the order of the tables. Texts live in its
 * facts. ERR_NO_MEMORY; symptoms beyond DIAGNOSES_MAX are left out. */
must_check int rules_apply(struct diagnoses *into);

/* A why that cites nothing is a defect of ours: check() stops it. */
void diagnosis_add_why(struct diagnosis *diagnosis, struct str because,
                       const struct observation *const *cites, size_t cite_count);

#endif
