/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/loop_evidence.h"

#include <inttypes.h>

#define NAMES_TOLD     6u
#define LIST_BYTES_MAX 2000u
#define FACTS_BYTES    ((size_t)1 << 20)

static void free_evidence(struct evidence **evidence)
{
    evidence_free(*evidence);
}

/* A list that says the first names, and how many more there are. */
struct told {
    struct buf text;
    size_t count;
};

static void tell(struct told *told, struct str check, struct str what, struct str needs)
{
    if (told->count++ >= NAMES_TOLD) {
        return;
    }
    buf_printf(&told->text, "%s%.*s/%.*s", told->count > 1 ? ", " : "", STR_ARGS(check),
               STR_ARGS(what));
    if (needs.length) {
        buf_printf(&told->text, " (needs %.*s)", STR_ARGS(needs));
    }
}

static struct str told_text(struct told *told, struct arena *arena)
{
    if (told->count > NAMES_TOLD) {
        buf_printf(&told->text, " and %zu more", told->count - NAMES_TOLD);
    }
    return arena_copy(arena, buf_str(&told->text));
}

/* One finding or target of a check. */
static void look_at(struct told *failed, struct told *missing, struct buf *facts, struct str check,
                    struct str what, enum outcome outcome, struct str needs)
{
    if (outcome == OUTCOME_FAILED) {
        tell(failed, check, what, STR(""));
        buf_printf(facts, "%.*s/%.*s\n", STR_ARGS(check), STR_ARGS(what));
    } else if (outcome == OUTCOME_NOT_EXERCISED) {
        tell(missing, check, what, needs);
    }
}

static void look_at_check(const struct check *check, struct told *failed, struct told *missing,
                          struct buf *facts)
{
    for (size_t i = 0; i < check->finding_count; i++) {
        const struct finding *finding = &check->findings[i];

        look_at(failed, missing, facts, check->id, finding->id, finding->outcome, finding->needs);
    }
    for (size_t i = 0; i < check->target_count; i++) {
        const struct target *target = &check->targets[i];

        look_at(failed, missing, facts, check->id, target->name, target->outcome, target->needs);
    }
}

static int summarise(const struct evidence *evidence, struct arena *arena,
                     struct loop_evidence *found)
{
    struct told failed = {.count = 0};
    struct told missing = {.count = 0};
    cleanup(buf_done) struct buf facts = {0};

    buf_init(&failed.text, LIST_BYTES_MAX);
    buf_init(&missing.text, LIST_BYTES_MAX);
    buf_init(&facts, FACTS_BYTES);
    buf_printf(&facts, "%s\n", summary_name(evidence->summary));
    for (size_t i = 0; i < evidence->check_count; i++) {
        found->checks++;
        found->passed += evidence->checks[i].outcome == OUTCOME_PASSED;
        look_at_check(&evidence->checks[i], &failed, &missing, &facts);
    }
    for (size_t i = 0; i < evidence->violation_count; i++) {
        const struct finding *violation = &evidence->violations[i];

        look_at(&failed, &missing, &facts, STR("meta-check"), violation->id, OUTCOME_FAILED,
                STR(""));
    }
    found->failed = told_text(&failed, arena);
    found->not_exercised = told_text(&missing, arena);
    buf_done(&failed.text);
    buf_done(&missing.text);
    struct str text = buf_str(&facts);
    if (!found->failed.data || !found->not_exercised.data || buf_status(&facts) == ERR_NO_MEMORY) {
        return ERR_NO_MEMORY;
    }
    return digest_texts(&text, 1, found->facts);
}

int loop_evidence_read(const char *folder, struct arena *arena, struct buf *markdown,
                       struct loop_evidence *ret_evidence, struct error *error)
{
    cleanup(free_evidence) struct evidence *evidence = NULL;
    struct loop_evidence found = {.checks = 0};

    int code = evidence_read(folder, &evidence, error);
    if (code) {
        return code == ERR_NOT_FOUND ? ERR_INVALID : code;
    }
    enum summary_outcome claimed = evidence->summary;
    code = evidence_judge(evidence);
    found.summary = evidence->summary;
    found.is_contradicted = evidence->summary != claimed;
    found.from_us = evidence->started_us;
    found.to_us = evidence->finished_us;
    code = code ? code : summarise(evidence, arena, &found);
    if (!code && markdown) {
        code = evidence_write_markdown(evidence, markdown);
    }
    if (code) {
        return error_set(error, code, "cannot judge the evidence in %s: %s", folder,
                         error_code_text(code));
    }
    *ret_evidence = found;
    return OK;
}

static int fill_unserved(struct evidence *evidence, const char *project, const char *target,
                         struct str why)
{
    struct check *check = NULL;
    int code = evidence_begin_check(evidence, "endpoints", "Critical API endpoints", &check);

    code = code ? code
                : evidence_find(evidence, check, "public_address", OUTCOME_FAILED,
                                "a public address of the deployment",
                                "the target %s knows none for %s: %.*s", target, project,
                                STR_ARGS(why));
    code = code ? code
                : evidence_observe(evidence, "revision", "serving",
                                   "no revision of %s serves on the target %s: %.*s", project,
                                   target, STR_ARGS(why));
    if (!code) {
        evidence_end_check(evidence, check);
        code = evidence_judge(evidence);
    }
    return code;
}

int loop_evidence_unserved(const char *folder, const char *project, const char *target,
                           struct str why, struct error *error)
{
    cleanup(free_evidence) struct evidence *evidence = NULL;
    int code = evidence_new(&evidence);

    code = code ? code : fill_unserved(evidence, project, target, why);
    if (code) {
        return error_set(error, code, "cannot write down that nothing serves: %s",
                         error_code_text(code));
    }
    return evidence_write(evidence, folder, error);
}
