/*
 * The object on the last line of a verb's standard output: which members it may have, what each
 * must be, and what a verb that is done must have answered. One table says all of that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stddef.h>

#include "deploy/target.h"

enum member_kind { MEMBER_TEXT, MEMBER_ID, MEMBER_URL, MEMBER_BOOL };

static const struct member {
    const char *name;
    enum member_kind kind;
    size_t offset;
    unsigned needed_by; /* bits of verbs */
} members[] = {
    {"image", MEMBER_TEXT, offsetof(struct target_answer, image),
     1u << TARGET_BUILD | 1u << TARGET_PUSH | 1u << TARGET_PROMOTE},
    {"digest", MEMBER_TEXT, offsetof(struct target_answer, digest), 1u << TARGET_BUILD},
    {"revision", MEMBER_ID, offsetof(struct target_answer, revision), 1u << TARGET_RELEASE},
    {"serving", MEMBER_ID, offsetof(struct target_answer, serving), 1u << TARGET_SWITCH},
    {"previous", MEMBER_ID, offsetof(struct target_answer, previous), 0},
    {"url", MEMBER_URL, offsetof(struct target_answer, url), 1u << TARGET_RELEASE},
    {"public_url", MEMBER_URL, offsetof(struct target_answer, public_url), 1u << TARGET_SWITCH},
    {"reason", MEMBER_TEXT, offsetof(struct target_answer, reason), 0},
    {"process_file", MEMBER_TEXT, offsetof(struct target_answer, process_file), 0},
    {"log_file", MEMBER_TEXT, offsetof(struct target_answer, log_file), 0},
    {"data_dir", MEMBER_TEXT, offsetof(struct target_answer, data_dir), 0},
    {"lost_since", MEMBER_TEXT, offsetof(struct target_answer, lost_since), 0},
    {"ready", MEMBER_BOOL, offsetof(struct target_answer, is_ready), 0},
    {"can_promote", MEMBER_BOOL, offsetof(struct target_answer, can_promote), 0},
};

/* ---- texts ---- */

/* A copy that a terminal, a log line and a variable can take: cut, and with "?" for control
 * characters. It is UTF-8, because the document is; a cut does not go through a character. */
static int keep_text(struct str text, struct arena *arena, struct str *ret_text,
                     struct error *error)
{
    size_t length = text.length;

    if (length > TARGET_TEXT_BYTES_MAX) {
        length = TARGET_TEXT_BYTES_MAX;
        while (length && ((unsigned char)text.data[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    struct str copy = arena_copy(arena, str_slice(text, 0, length));
    if (!copy.data) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    char *at = (char *)(uintptr_t)copy.data;
    for (size_t i = 0; i < copy.length; i++) {
        unsigned char c = (unsigned char)at[i];

        if (c < 0x20 || c == 0x7f) {
            at[i] = '?';
        }
    }
    *ret_text = copy;
    return OK;
}

static bool is_url(struct str text)
{
    size_t scheme = str_starts_with(text, STR("https://"))  ? 8
                    : str_starts_with(text, STR("http://")) ? 7
                                                            : 0;

    if (scheme == 0 || text.length == scheme || text.length > TARGET_URL_BYTES_MAX) {
        return false;
    }
    for (size_t i = scheme; i < text.length; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') {
            return false;
        }
    }
    return str_find(text, STR("@"), 0) == SIZE_MAX; /* no credentials */
}

/* ---- members ---- */

static int refuse(struct error *error, const struct member *member)
{
    static const char *const wanted[] = {"a text", "an id of [a-z0-9-]", "an http address",
                                         "true or false"};

    return error_set(error, ERR_INVALID, "the target's answer: %s is not %s", member->name,
                     wanted[member->kind]);
}

static int read_member(const struct member *member, struct json_value value, struct arena *arena,
                       struct target_answer *answer, struct error *error)
{
    void *place = (char *)answer + member->offset;
    struct str text;

    if (json_is(value, JSON_MISSING) || json_is(value, JSON_NULL)) {
        return OK;
    }
    if (member->kind == MEMBER_BOOL) {
        return json_get_bool(value, place) ? OK : refuse(error, member);
    }
    if (!json_get_str(value, &text) || (member->kind == MEMBER_ID && !target_is_id(text)) ||
        (member->kind == MEMBER_URL && !is_url(text))) {
        return refuse(error, member);
    }
    return keep_text(text, arena, place, error);
}

static int read_members(struct json_value root, struct arena *arena, struct target_answer *answer,
                        struct error *error)
{
    int code = OK;

    for (size_t i = 0; code == OK && i < ARRAY_LENGTH(members); i++) {
        code = read_member(&members[i], json_at(root, members[i].name), arena, answer, error);
    }
    return code;
}

static int read_services(struct json_value root, struct arena *arena, struct target_answer *answer,
                         struct error *error)
{
    struct json_iterator it = json_iterate(json_at(root, "services"));
    struct str text;

    while (json_next(&it)) {
        if (answer->service_count == TARGET_SERVICES_MAX) {
            return error_set(error, ERR_LIMIT, "the target's answer: more than %u services",
                             TARGET_SERVICES_MAX);
        }
        if (!json_get_str(it.value, &text) || !target_is_id(text)) {
            return error_set(error, ERR_INVALID, "the target's answer: a service is no id");
        }
        int code = keep_text(text, arena, &answer->services[answer->service_count], error);
        if (code) {
            return code;
        }
        answer->service_count++;
    }
    return OK;
}

/* ---- costs ---- */

static bool read_number(struct json_value value, double *ret_number)
{
    return json_get_double(value, ret_number) && isfinite(*ret_number) && *ret_number >= 0;
}

static int read_cost(struct json_value line, struct arena *arena, struct target_cost *cost,
                     struct error *error)
{
    const struct {
        const char *name;
        struct str *place;
    } texts[] = {{"what", &cost->what},
                 {"unit", &cost->unit},
                 {"source", &cost->source},
                 {"source_date", &cost->source_date}};
    struct str text;

    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        int code = json_get_str(json_at(line, texts[i].name), &text)
                       ? keep_text(text, arena, texts[i].place, error)
                       : OK;
        if (code) {
            return code;
        }
    }
    cost->has_quantity = read_number(json_at(line, "quantity"), &cost->quantity);
    cost->has_price = read_number(json_at(line, "usd_per_unit"), &cost->usd_per_unit);
    return OK;
}

static int read_costs(struct json_value root, struct arena *arena, struct target_answer *answer,
                      struct error *error)
{
    struct json_iterator it = json_iterate(json_at(root, "lines"));

    answer->has_sum = read_number(json_at(root, "usd_per_month"), &answer->usd_per_month);
    while (json_next(&it)) {
        if (answer->cost_count == TARGET_COSTS_MAX) {
            return error_set(error, ERR_LIMIT, "the target's answer: more than %u lines of costs",
                             TARGET_COSTS_MAX);
        }
        int code = read_cost(it.value, arena, &answer->costs[answer->cost_count++], error);
        if (code) {
            return code;
        }
    }
    return OK;
}

/* ---- failures ---- */

/* Its own words, or ours where it has none. */
static int read_failure(struct json_value root, int exit_status, struct arena *arena,
                        struct target_answer *answer, struct error *error)
{
    struct json_value failure = json_at(root, "error");
    const struct {
        const char *name;
        struct str *place;
    } texts[] = {{"code", &answer->error_code},
                 {"message", &answer->error_message},
                 {"hint", &answer->error_hint}};
    struct str text;
    int code = OK;

    answer->result = TARGET_FAILED;
    for (size_t i = 0; code == OK && i < ARRAY_LENGTH(texts); i++) {
        if (json_get_str(json_at(failure, texts[i].name), &text)) {
            code = keep_text(text, arena, texts[i].place, error);
        }
    }
    if (answer->error_code.length == 0) {
        answer->error_code = STR("failed");
    }
    if (code == OK && answer->error_message.length == 0) {
        answer->error_message =
            exit_status < 0 ? arena_printf(arena, "it was ended by a signal and said nothing")
                            : arena_printf(arena, "exit status %d and no reason", exit_status);
        code = answer->error_message.data ? OK : error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    return code;
}

static int check_complete(enum target_verb verb, const struct target_answer *answer,
                          struct error *error)
{
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        const struct str *text = (const void *)((const char *)answer + members[i].offset);

        if (members[i].needed_by & 1u << verb && text->length == 0) {
            return error_set(error, ERR_INVALID, "the target's answer to %s has no %s",
                             target_verb_name(verb), members[i].name);
        }
    }
    return OK;
}

/* ---- the whole ---- */

static struct str last_line(struct str out)
{
    struct str text = str_trim(out);
    size_t begin = text.length;

    while (begin > 0 && text.data[begin - 1] != '\n') {
        begin--;
    }
    return str_slice(text, begin, text.length);
}

static int read_object(enum target_verb verb, struct json_value root, int exit_status,
                       struct arena *arena, struct target_answer *answer, struct error *error)
{
    bool is_not_yet = verb == TARGET_STATUS && exit_status == TARGET_EXIT_NOT_YET;

    if (exit_status != 0 && !is_not_yet) {
        /* Where a revision that failed is, to find out why; without it goes as well. */
        struct error ignored = {0};
        struct target_answer places = {.result = TARGET_FAILED};

        if (read_members(root, arena, &places, &ignored) == OK) {
            answer->process_file = places.process_file;
            answer->log_file = places.log_file;
            answer->data_dir = places.data_dir;
        }
        return read_failure(root, exit_status, arena, answer, error);
    }
    answer->result = is_not_yet ? TARGET_NOT_YET : TARGET_DONE;
    int code = read_members(root, arena, answer, error);
    if (code == OK) {
        code = read_services(root, arena, answer, error);
    }
    if (code == OK) {
        code = read_costs(root, arena, answer, error);
    }
    return code ? code : check_complete(verb, answer, error);
}

int target_read_answer(enum target_verb verb, struct str out, int exit_status, struct arena *arena,
                       struct target_answer *ret_answer, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct target_answer answer = {.result = TARGET_FAILED};
    struct json_value root = {0};

    if (json_parser_new(TARGET_ANSWER_BYTES_MAX, &parser)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    int code = json_parse(parser, last_line(out), &root, error);
    if (code == ERR_NO_MEMORY) {
        return code;
    }
    if ((code || !json_is(root, JSON_OBJECT)) && exit_status == 0) {
        return error_set(error, ERR_INVALID,
                         "the target's answer to %s: the last line of its output is no JSON object",
                         target_verb_name(verb));
    }
    const struct json_value none = {0};
    code = read_object(verb, code ? none : root, exit_status, arena, &answer, error);
    if (code == OK) {
        *ret_answer = answer;
    }
    return code;
}
