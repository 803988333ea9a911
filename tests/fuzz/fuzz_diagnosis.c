/*
 * Any bytes as what a diagnosis reads: a log, a process file's or a server's JSON. Whatever stands
 * in it, facts are short, clean and valid, every why cites, and both outputs can be written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/check.h"
#include "verify/facts.h"
#include "verify/look.h"
#include "verify/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_facts(const struct evidence *facts)
{
    for (size_t i = 0; i < facts->observation_count; i++) {
        struct str value = facts->observations[i].value;

        check_cmp(value.length, <, FACT_TEXT_BYTES);
        check(str_is_utf8(value) && str_span_printable(value) <= value.length);
        for (size_t k = 0; k < value.length; k++) {
            check((unsigned char)value.data[k] >= ' ');
        }
    }
}

static void check_chains(const struct diagnoses *found)
{
    struct buf out;

    for (size_t i = 0; i < found->count; i++) {
        const struct diagnosis *chain = &found->items[i];

        check(chain->symptom_cite);
        check((chain->cause != NULL) == (chain->fix.length > 0));
        check((chain->cause == NULL) == (chain->needs.length > 0));
        for (size_t k = 0; k < chain->why_count; k++) {
            check_cmp(chain->whys[k].cite_count, >, 0);
        }
    }
    buf_init(&out, (size_t)8 << 20);
    check(diagnoses_write_json(found, &out) == OK);
    check(diagnoses_write_text(found, /* uses_colour */ false, &out) == OK);
    buf_done(&out);
}

static void read_log(struct looking *looking, struct str text)
{
    unsigned number = 0;

    while (text.length && number < LOOK_LOG_LINES_MAX) {
        size_t end = str_find(text, STR("\n"), 0);
        struct log_line line;
        char subject[64];

        log_line_read(looking->parser, str_slice(text, 0, end == SIZE_MAX ? text.length : end),
                      &line);
        const char *kind = log_line_kind(&line);
        if (kind) {
            (void)snprintf(subject, sizeof(subject), "line %u %s", ++number, kind);
            look_note(looking, "log", subject, "%.*s", STR_ARGS(line.message));
        }
        text = str_slice(text, end == SIZE_MAX ? text.length : end + 1, text.length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct diagnose_options options = {.url = NULL};
    struct str text = {(const char *)data, size};
    struct diagnoses *found = alloc_zeroed(1, sizeof(*found));
    struct arena arena;
    struct json_value root;

    check(found && evidence_new(&found->facts) == OK);
    arena_init(&arena, (size_t)1 << 20);
    struct looking looking = {.options = &options, .facts = found->facts, .arena = &arena};
    check(json_parser_new((size_t)1 << 20, &looking.parser) == OK);
    if (size && json_parse(looking.parser, text, &root, NULL) == OK) {
        look_at_health(&looking, root);
    } else if (size) {
        read_log(&looking, text);
    }
    check(looking.code == OK && rules_apply(found) == OK);
    check_facts(found->facts);
    check_chains(found);
    json_parser_free(looking.parser);
    arena_done(&arena);
    diagnoses_free(found);
    return 0;
}
