/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/loop_diagnosis.h"

#include "deploy/loop_files.h"
#include "deploy/loop_markdown.h"
#include "json/json_read.h"

#define CAUSE_BYTES_MAX 64u
#define LIST_BYTES_MAX  ((size_t)LOOP_CAUSES_MAX * (CAUSE_BYTES_MAX + 2))

/* Ids of verify/causes.def. */
static const char *const mendable[LOOP_MENDABLE_COUNT] = {
    "not_deployed",    "port_not_listening", "process_killed",      "memory_killed",
    "process_crashed", "process_stopped",    "stopped_in_order",    "program_missing",
    "draining",        "wrong_revision",     "proxy_upstream_down", "service_down",
};

bool loop_diagnosis_is_mendable(struct str cause)
{
    for (size_t i = 0; i < ARRAY_LENGTH(mendable); i++) {
        if (str_equal(cause, str_from(mendable[i]))) {
            return true;
        }
    }
    return false;
}

/* Ids are ours; what is none is not repeated in a journal or an environment. */
static bool is_id(struct str text)
{
    bool is_good = text.length > 0 && text.length <= CAUSE_BYTES_MAX;

    for (size_t i = 0; i < text.length && is_good; i++) {
        char c = text.data[i];

        is_good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    }
    return is_good;
}

static int take_cause(struct json_value item, struct arena *arena, struct loop_diagnosis *found)
{
    struct json_value value = json_at(item, "cause");
    struct str cause = STR("unknown");

    if (!json_is(value, JSON_NULL) && !json_is(value, JSON_MISSING) &&
        (!json_get_str(value, &cause) || !is_id(cause))) {
        return ERR_INVALID;
    }
    found->has_unknown |= str_equal(cause, STR("unknown"));
    struct str copy = arena_copy(arena, cause);
    if (!copy.data) {
        return ERR_NO_MEMORY;
    }
    if (!found->mendable.length && loop_diagnosis_is_mendable(copy)) {
        found->mendable = copy;
    }
    found->causes[found->count++] = copy;
    return OK;
}

/* A set: neither order nor repetition makes it another one. */
static int digest_causes(const struct loop_diagnosis *found, char ret_digest[DIGEST_TEXT_BYTES])
{
    struct str sorted[2 * LOOP_CAUSES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < found->count; i++) {
        size_t at = 0;

        while (at < count && str_compare(sorted[at], found->causes[i]) < 0) {
            at++;
        }
        if (at < count && str_equal(sorted[at], found->causes[i])) {
            continue;
        }
        memmove(&sorted[at + 1], &sorted[at], (count - at) * sizeof(sorted[0]));
        sorted[at] = found->causes[i];
        count++;
    }
    struct str texts[2 * LOOP_CAUSES_MAX];
    for (size_t i = 0; i < count; i++) {
        texts[2 * i] = sorted[i];
        texts[2 * i + 1] = STR("\n");
    }
    return digest_texts(texts, 2 * count, ret_digest);
}

static int list_causes(struct loop_diagnosis *found, struct arena *arena)
{
    cleanup(buf_done) struct buf list = {0};

    buf_init(&list, LIST_BYTES_MAX);
    for (size_t i = 0; i < found->count; i++) {
        buf_printf(&list, "%s%.*s", i ? ", " : "", STR_ARGS(found->causes[i]));
    }
    found->list = arena_copy(arena, buf_str(&list));
    return found->list.data && !buf_status(&list) ? OK : ERR_NO_MEMORY;
}

/* ---- the page ---- */

static void put_member(struct buf *out, const char *before, struct json_value item,
                       const char *member, const char *after)
{
    struct str text;

    if (json_get_str(json_at(item, member), &text) && text.length) {
        buf_append(out, str_from(before));
        loop_markdown_text(out, text);
        buf_append(out, str_from(after));
    }
}

static void put_whys(struct buf *out, struct json_value whys)
{
    unsigned n = 0;

    for (struct json_iterator it = json_iterate(whys); json_next(&it);) {
        const char *comma = " (";

        buf_printf(out, "%u. Because ", ++n);
        put_member(out, "", it.value, "because", "");
        struct json_value cites = json_at(it.value, "cites");
        for (struct json_iterator cite = json_iterate(cites); json_next(&cite);) {
            struct str id = STR("");

            (void)json_get_str(cite.value, &id);
            buf_append(out, str_from(comma));
            loop_markdown_text(out, id);
            comma = ", ";
        }
        buf_append(out, json_count(cites) ? STR(")\n") : STR("\n"));
    }
}

static void put_observations(struct buf *out, struct json_value observations)
{
    if (json_count(observations) == 0) {
        return;
    }
    buf_append(out,
               STR("## What was observed\n\n| id | kind | subject | value |\n|---|---|---|---|\n"));
    for (struct json_iterator it = json_iterate(observations); json_next(&it);) {
        put_member(out, "| ", it.value, "id", "");
        put_member(out, " | ", it.value, "kind", "");
        put_member(out, " | ", it.value, "subject", "");
        buf_append(out, STR(" | "));
        put_member(out, "", it.value, "value", "");
        buf_append(out, STR(" |\n"));
    }
}

static void put_page(struct buf *out, struct json_value root, const struct loop_diagnosis *found)
{
    struct json_value list = json_at(root, "diagnoses");
    size_t i = 0;

    buf_append(out, STR("# Five whys\n\n"));
    if (found->count == 0) {
        buf_append(out, STR("Nothing is wrong as far as was looked.\n\n"));
    }
    for (struct json_iterator it = json_iterate(list); json_next(&it) && i < found->count; i++) {
        put_member(out, "## ", it.value, "symptom", "\n\n");
        put_whys(out, json_at(it.value, "whys"));
        buf_append(out, STR("\nCause: "));
        loop_markdown_code(out, found->causes[i]);
        buf_append(out, STR("\n"));
        put_member(out, "\nWhat to do: ", it.value, "fix", "\n");
        put_member(out, "\nTo know more, this is needed: ", it.value, "needs", "\n");
        buf_append(out, STR("\n"));
    }
    put_observations(out, json_at(root, "observations"));
}

int loop_diagnosis_read(struct str json, struct arena *arena, struct buf *markdown,
                        struct loop_diagnosis *ret_diagnosis, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct loop_diagnosis found = {.mendable = STR("")};
    struct json_value root;
    uint64_t format;

    if (json_parser_new(LOOP_FILE_BYTES_MAX, &parser)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    int code = json_parse(parser, json, &root, error);
    if (code) {
        return code;
    }
    struct json_value list = json_at(root, "diagnoses");
    if (!json_get_u64(json_at(root, "netra_diagnosis"), &format) || format != 1 ||
        !json_is(list, JSON_ARRAY) || json_count(list) > LOOP_CAUSES_MAX) {
        return error_set(error, ERR_INVALID, "this is no diagnosis of a format that is known");
    }
    for (struct json_iterator it = json_iterate(list); json_next(&it) && !code;) {
        code = take_cause(it.value, arena, &found);
    }
    code = code ? code : list_causes(&found, arena);
    code = code ? code : digest_causes(&found, found.facts);
    if (!code && markdown) {
        put_page(markdown, root, &found);
        code = buf_status(markdown);
    }
    if (code) {
        return error_set(error, code, "cannot read the diagnosis: %s",
                         code == ERR_INVALID ? "a cause is no id" : error_code_text(code));
    }
    *ret_diagnosis = found;
    return OK;
}
