/*
 * loop_step: the words of the test-deploy loop: its eight steps, how a step can end, how a loop
 * can end. Each table generates the enum, the names in the journal and the texts for people.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_STEP_H
#define NETRA_DEPLOY_LOOP_STEP_H

#include <stdbool.h>

#include "base/str.h"

/* name, journal, title; in the order in which they are done */
#define LOOP_STEPS(STEP)                                                                           \
    STEP(CHECK, "check", "Run the checks")                                                         \
    STEP(DOCUMENT, "document", "Document the evidence")                                            \
    STEP(DIAGNOSE, "diagnose", "Five whys")                                                        \
    STEP(FIX, "fix", "Fix")                                                                        \
    STEP(COMMIT, "commit", "Commit")                                                               \
    STEP(DEPLOY, "deploy", "Deploy")                                                               \
    STEP(VALIDATE, "validate", "Validate the service")                                             \
    STEP(CONFIRM, "confirm", "Success validation")

/* name, journal */
#define LOOP_OUTCOMES(OUTCOME)                                                                     \
    OUTCOME(DONE, "done")                                                                          \
    OUTCOME(SKIPPED, "skipped")                                                                    \
    OUTCOME(GREEN, "green")                                                                        \
    OUTCOME(ACCEPTED, "accepted")     /* incomplete, and --accept-incomplete was given */          \
    OUTCOME(INCOMPLETE, "incomplete") /* nothing failed, not everything was exercised */           \
    OUTCOME(RED, "red")               /* what was looked at is not good: another cycle may help */ \
    OUTCOME(FAILED, "failed")         /* the step itself could not be done */                      \
    OUTCOME(REFUSED, "refused")       /* its evidence contradicts itself */

/* name, journal, sentence */
#define LOOP_VERDICTS(VERDICT)                                                                     \
    VERDICT(NONE, "none", "not yet ended")                                                         \
    VERDICT(SUCCESS, "success", "every check passed")                                              \
    VERDICT(INCOMPLETE, "incomplete", "nothing failed, but not everything was exercised")          \
    VERDICT(MAXIMUM, "maximum", "the maximum of cycles was reached")                               \
    VERDICT(NOTHING_NEW, "nothing_new", "a cycle brought nothing new")                             \
    VERDICT(FAILED, "failed", "a step could not be done")                                          \
    VERDICT(REFUSED, "refused", "the evidence contradicts itself")

enum loop_step {
#define STEP(name, journal, title) LOOP_##name,
    LOOP_STEPS(STEP)
#undef STEP
        LOOP_STEP_COUNT
};

enum loop_outcome {
#define OUTCOME(name, journal) LOOP_OUTCOME_##name,
    LOOP_OUTCOMES(OUTCOME)
#undef OUTCOME
        LOOP_OUTCOME_COUNT
};

enum loop_verdict {
#define VERDICT(name, journal, sentence) LOOP_VERDICT_##name,
    LOOP_VERDICTS(VERDICT)
#undef VERDICT
        LOOP_VERDICT_COUNT
};

const char *loop_step_name(enum loop_step step);
const char *loop_step_title(enum loop_step step);
const char *loop_outcome_name(enum loop_outcome outcome);
const char *loop_verdict_name(enum loop_verdict verdict);
const char *loop_verdict_sentence(enum loop_verdict verdict);

/* False, and nothing stored, when there is no such name. */
bool loop_step_from(struct str name, enum loop_step *ret_step);
bool loop_outcome_from(struct str name, enum loop_outcome *ret_outcome);
bool loop_verdict_from(struct str name, enum loop_verdict *ret_verdict);

#endif
