/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/loop_serving.h"

#include "json/json_read.h"

#define FACTS_BYTES ((size_t)64 << 10)

static int copy_member(struct json_value value, const char *name, struct arena *arena,
                       struct str *ret_text)
{
    struct str text = STR("");

    (void)json_get_str(json_at(value, name), &text);
    *ret_text = arena_copy(arena, text);
    return ret_text->data ? OK : ERR_NO_MEMORY;
}

static int digest_facts(struct json_value root, const struct loop_deployed *deployed,
                        char ret_digest[DIGEST_TEXT_BYTES])
{
    cleanup(buf_done) struct buf facts = {0};

    buf_init(&facts, FACTS_BYTES);
    buf_printf(&facts, "%.*s\n", STR_ARGS(deployed->outcome));
    for (struct json_iterator it = json_iterate(json_at(root, "services")); json_next(&it);) {
        struct str service = STR("");
        struct str image = STR("");

        (void)json_get_str(json_at(it.value, "service"), &service);
        (void)json_get_str(json_at(it.value, "image"), &image);
        buf_printf(&facts, "%.*s %.*s\n", STR_ARGS(service), STR_ARGS(image));
    }
    struct str text = buf_str(&facts);
    return buf_status(&facts) == ERR_NO_MEMORY ? ERR_NO_MEMORY : digest_texts(&text, 1, ret_digest);
}

static int open_answer(struct str json, struct json_parser **parser, struct json_value *ret_root)
{
    struct error ignored = {0};

    if (json_parser_new(LOOP_FILE_BYTES_MAX, parser)) {
        return ERR_NO_MEMORY;
    }
    int code = json_parse(*parser, json, ret_root, &ignored);
    return code && code != ERR_NO_MEMORY ? ERR_INVALID : code;
}

int loop_deployed_read(struct str json, struct arena *arena, struct loop_deployed *ret_deployed)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct loop_deployed found = {.outcome = STR("")};
    struct json_value root;

    int code = open_answer(json, &parser, &root);
    if (code) {
        return code;
    }
    if (!json_is(json_at(root, "outcome"), JSON_STRING)) {
        return ERR_INVALID;
    }
    code = copy_member(root, "outcome", arena, &found.outcome);
    code = code ? code : copy_member(root, "revision", arena, &found.revision);
    code = code ? code : copy_member(root, "reason", arena, &found.reason);
    code = code ? code : copy_member(root, "public_url", arena, &found.public_url);
    for (struct json_iterator it = json_iterate(json_at(root, "services")); json_next(&it);) {
        code = code ? code : copy_member(it.value, "process_file", arena, &found.process_file);
        code = code ? code : copy_member(it.value, "log_file", arena, &found.log_file);
    }
    code = code ? code : digest_facts(root, &found, found.facts);
    if (!code) {
        *ret_deployed = found;
    }
    return code;
}

int loop_serving_read(struct str json, struct arena *arena, struct loop_serving *ret_serving)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct loop_serving found = {.why = STR("")};
    struct json_value last = {NULL, 0};
    struct json_value root;

    int code = open_answer(json, &parser, &root);
    if (code) {
        return code;
    }
    for (struct json_iterator it = json_iterate(json_at(root, "services")); json_next(&it);) {
        last = it.value;
    }
    if (!json_is(last, JSON_OBJECT)) {
        return ERR_INVALID;
    }
    code = copy_member(last, "public_url", arena, &found.public_url);
    code = code ? code : copy_member(last, "serving", arena, &found.revision);
    code = code ? code : copy_member(last, "process_file", arena, &found.process_file);
    code = code ? code : copy_member(last, "log_file", arena, &found.log_file);
    code = code ? code : copy_member(last, "data_dir", arena, &found.data_dir);
    code = code ? code : copy_member(last, "reason", arena, &found.why);
    if (!code && !found.why.length && !found.revision.length) {
        found.why = STR("no revision serves");
    }
    if (!code) {
        *ret_serving = found;
    }
    return code;
}

/* deploy.json of a cycle whose deployment ended so; else it stays as it is. */
static int read_deployed(struct deploy_loop *loop, unsigned cycle, enum loop_outcome outcome,
                         struct loop_deployed *deployed, struct error *error)
{
    const struct loop_entry *ended = loop_journal_ended(loop->journal, cycle, LOOP_DEPLOY);
    cleanup(buf_done) struct buf text = {0};

    if (!ended || ended->outcome != outcome) {
        return OK;
    }
    struct str path = arena_printf(&loop->arena, "%s/cycle-%u/deploy.json", loop->folder, cycle);
    buf_init(&text, LOOP_FILE_BYTES_MAX);
    int code = path.data ? loop_files_read(path.data, &text, error) : ERR_NO_MEMORY;
    code = code ? code : loop_deployed_read(buf_str(&text), &loop->arena, deployed);
    return code ? error_set(error, code, "cannot read deploy.json of cycle %u: %s", cycle,
                            error_code_text(code))
                : OK;
}

/* What the last deployment of this loop that was done answered; empty: there is none. */
static int address_of_deployed(struct deploy_loop *loop, struct str *ret_url, struct error *error)
{
    struct loop_deployed deployed = {.public_url = STR("")};
    int code = OK;

    for (unsigned cycle = loop->cycle; cycle > 0 && !code && !deployed.public_url.length; cycle--) {
        code = read_deployed(loop, cycle, LOOP_OUTCOME_DONE, &deployed, error);
    }
    if (!code) {
        *ret_url = deployed.public_url;
    }
    return code;
}

int loop_find_failed(struct deploy_loop *loop, struct loop_deployed *ret_deployed,
                     struct error *error)
{
    return read_deployed(loop, loop->cycle - 1, LOOP_OUTCOME_RED, ret_deployed, error);
}

/* The target is asked also where the address is told: it knows the process and its files. */
int loop_find_serving(struct deploy_loop *loop, struct loop_serving *ret_serving,
                      struct error *error)
{
    const char *told = loop_options_value(&loop->options, "url");
    struct loop_serving found = {.why = STR("")};

    int code = loop->world->ask_target(&loop->options, &loop->arena, &found, loop->world->arg);
    if (!code && told) {
        found.public_url = arena_copy(&loop->arena, str_from(told));
        code = found.public_url.data ? OK : ERR_NO_MEMORY;
    } else if (!code && !found.public_url.length) {
        code = address_of_deployed(loop, &found.public_url, error);
    }
    if (code) {
        return error_set(error, code, "cannot find the deployment: %s", error_code_text(code));
    }
    *ret_serving = found;
    return OK;
}
