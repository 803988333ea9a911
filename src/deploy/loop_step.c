/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/loop_step.h"

#include <stddef.h>

#include "base/attributes.h"

static const char *const step_names[] = {
#define STEP(name, journal, title) [LOOP_##name] = (journal),
    LOOP_STEPS(STEP)
#undef STEP
};

static const char *const step_titles[] = {
#define STEP(name, journal, title) [LOOP_##name] = (title),
    LOOP_STEPS(STEP)
#undef STEP
};

static const char *const outcome_names[] = {
#define OUTCOME(name, journal) [LOOP_OUTCOME_##name] = (journal),
    LOOP_OUTCOMES(OUTCOME)
#undef OUTCOME
};

static const char *const verdict_names[] = {
#define VERDICT(name, journal, sentence) [LOOP_VERDICT_##name] = (journal),
    LOOP_VERDICTS(VERDICT)
#undef VERDICT
};

static const char *const verdict_sentences[] = {
#define VERDICT(name, journal, sentence) [LOOP_VERDICT_##name] = (sentence),
    LOOP_VERDICTS(VERDICT)
#undef VERDICT
};

const char *loop_step_name(enum loop_step step)
{
    return step_names[step];
}

const char *loop_step_title(enum loop_step step)
{
    return step_titles[step];
}

const char *loop_outcome_name(enum loop_outcome outcome)
{
    return outcome_names[outcome];
}

const char *loop_verdict_name(enum loop_verdict verdict)
{
    return verdict_names[verdict];
}

const char *loop_verdict_sentence(enum loop_verdict verdict)
{
    return verdict_sentences[verdict];
}

/* Its index; count when there is none. */
static size_t find_name(const char *const *names, size_t count, struct str name)
{
    size_t i = 0;

    while (i < count && !str_equal(str_from(names[i]), name)) {
        i++;
    }
    return i;
}

bool loop_step_from(struct str name, enum loop_step *ret_step)
{
    size_t i = find_name(step_names, ARRAY_LENGTH(step_names), name);

    if (i < ARRAY_LENGTH(step_names)) {
        *ret_step = (enum loop_step)i;
    }
    return i < ARRAY_LENGTH(step_names);
}

bool loop_outcome_from(struct str name, enum loop_outcome *ret_outcome)
{
    size_t i = find_name(outcome_names, ARRAY_LENGTH(outcome_names), name);

    if (i < ARRAY_LENGTH(outcome_names)) {
        *ret_outcome = (enum loop_outcome)i;
    }
    return i < ARRAY_LENGTH(outcome_names);
}

bool loop_verdict_from(struct str name, enum loop_verdict *ret_verdict)
{
    size_t i = find_name(verdict_names, ARRAY_LENGTH(verdict_names), name);

    if (i < ARRAY_LENGTH(verdict_names)) {
        *ret_verdict = (enum loop_verdict)i;
    }
    return i < ARRAY_LENGTH(verdict_names);
}
