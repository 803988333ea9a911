/*
 * First everything is looked at, then the rules are applied: no look depends on a conclusion.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/diagnosis.h"

#include "base/alloc.h"
#include "verify/look.h"
#include "verify/rules.h"

#define MATERIAL_BYTES_MAX ((size_t)32 << 20) /* answers and files that are looked through */
#define PARSED_BYTES_MAX   ((size_t)4 << 20)

static int look_around(struct looking *looking)
{
    const struct diagnose_options *options = looking->options;
    bool is_on_this_machine =
        options->process_file || options->log_file || options->data_dir || options->config_file;

    if (options->evidence) {
        look_at_evidence(looking);
    }
    if (options->process_file) {
        look_at_process(looking);
    }
    if (options->config_file) {
        look_at_config(looking);
    }
    if (options->url) {
        look_at_way(looking);
        look_at_answers(looking);
        look_at_tls(looking);
    }
    /* Evidence may be from anywhere: its port is looked for only where a file says that it was
     * here. */
    if (options->url ? looking->asked.is_here : looking->asked.is_here && is_on_this_machine) {
        look_at_port(looking);
    }
    if (options->data_dir) {
        look_at_data(looking);
    }
    if (options->log_file) {
        look_at_log(looking);
    }
    return looking->code;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

/* Of the address that is to be asked, or was. */
static int take_address(struct looking *looking, struct error *error)
{
    const struct evidence *evidence = looking->options->evidence;
    struct error ignored = {0};

    if (looking->options->url) {
        return look_take_apart(looking->options->url, &looking->asked, error);
    }
    if (evidence && evidence->url.length &&
        look_take_apart(evidence->url.data, &looking->asked, &ignored) == OK) {
        looking->asked.is_here = is_loopback(looking->asked.host);
    }
    return OK;
}

static int fill(struct diagnoses *diagnoses, const struct diagnose_options *options,
                struct error *error)
{
    struct arena material;
    struct looking looking = {.options = options, .facts = diagnoses->facts, .arena = &material};
    int code = take_address(&looking, error);

    if (code) {
        return code;
    }
    arena_init(&material, MATERIAL_BYTES_MAX);
    code = json_parser_new(PARSED_BYTES_MAX, &looking.parser);
    code = code ? code : look_around(&looking);
    code = code ? code : rules_apply(diagnoses);
    json_parser_free(looking.parser);
    arena_done(&material);
    return code ? error_set(error, code, "cannot keep what was seen: %s", error_code_text(code))
                : OK;
}

int diagnose(const struct diagnose_options *options, struct diagnoses **ret_diagnoses,
             struct error *error)
{
    struct diagnoses *diagnoses = alloc_zeroed(1, sizeof(*diagnoses));

    if (!diagnoses || evidence_new(&diagnoses->facts)) {
        diagnoses_free(diagnoses);
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    int code = fill(diagnoses, options, error);
    if (code) {
        diagnoses_free(diagnoses);
        return code;
    }
    *ret_diagnoses = diagnoses;
    return OK;
}

void diagnoses_free(struct diagnoses *diagnoses)
{
    if (diagnoses) {
        evidence_free(diagnoses->facts);
        alloc_free(diagnoses);
    }
}
