/*
 * What the tests of proposals share: a prompt read, a proposal put to it, and what came of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_REFINE_FIXTURE_H
#define NETRA_TESTS_REFINE_FIXTURE_H

#include "unit.h"

#include "ask/refine.h"

struct refined {
    struct arena arena;
    struct interpretation *ours;
    struct interpretation *out; /* NULL when refused */
    struct error error;
    int status;
};

static const struct str known_features[] = {STR("chat"), STR("search"), STR("batch-summary")};
static const struct str known_models[] = {STR("gpt-5"), STR("gpt-5-mini"), STR("claude-opus-4-1")};
static const struct ask_vocabulary known_names = {known_features, ARRAY_LENGTH(known_features),
                                                  known_models, ARRAY_LENGTH(known_models)};

/* Close with refined_done. */
static inline void propose(struct refined *r, const char *prompt, const char *json)
{
    memset(r, 0, sizeof(*r));
    arena_init(&r->arena, ASK_ARENA_BYTES_MAX);
    assert_int_equal(ask_parse(&known_names, str_from(prompt), &r->arena, &r->ours, &r->error), OK);
    r->status = ask_refine(&known_names, str_from(prompt), r->ours, str_from(json), &r->arena,
                           &r->out, &r->error);
    assert_true((r->status == OK) == (r->out != NULL));
}

static inline void refined_done(struct refined *r)
{
    arena_done(&r->arena);
}

#endif
