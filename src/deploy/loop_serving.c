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

int loop_deployed_read(struct str json, struct arena *arena, struct loop_deployed *ret_deployed)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct loop_deployed found = {.outcome = STR("")};
    struct json_value root;
    struct error ignored = {0};

    if (json_parser_new(LOOP_FILE_BYTES_MAX, &parser)) {
        return ERR_NO_MEMORY;
    }
    int code = json_parse(parser, json, &root, &ignored);
    if (code) {
        return code == ERR_NO_MEMORY ? code : ERR_INVALID;
    }
    if (!json_is(json_at(root, "outcome"), JSON_STRING)) {
        return ERR_INVALID;
    }
    code = copy_member(root, "outcome", arena, &found.outcome);
    code = code ? code : copy_member(root, "revision", arena, &found.revision);
    code = code ? code : copy_member(root, "reason", arena, &found.reason);
    code = code ? code : copy_member(root, "public_url", arena, &found.public_url);
    code = code ? code : digest_facts(root, &found, found.facts);
    if (!code) {
        *ret_deployed = found;
    }
    return code;
}

/* The target is asked also where the address is told: it knows the process and its files. */
int loop_find_serving(struct loop *loop, struct loop_serving *ret_serving, struct error *error)
{
    const char *told = loop_options_value(&loop->options, "url");
    struct loop_serving found = {.why = STR("")};

    int code = loop->world->ask_target(&loop->options, &loop->arena, &found, loop->world->arg);
    if (!code && told) {
        found.public_url = arena_copy(&loop->arena, str_from(told));
        code = found.public_url.data ? OK : ERR_NO_MEMORY;
    }
    if (code) {
        return error_set(error, code, "cannot ask the target: %s", error_code_text(code));
    }
    *ret_serving = found;
    return OK;
}
