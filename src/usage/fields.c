/*
 * Spellings are found by walking the table and comparing without separators: some 300 comparisons
 * that mostly end at the first letter, done once per column and never per row.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usage/fields.h"

#include "base/attributes.h"

#define SPELLING_COUNT ARRAY_LENGTH(spellings)

static const struct {
    const char *name;
    enum field_kind kind;
    const char *doc;
} fields[] = {
#define FIELD(id, name, kind, doc) {name, FIELD_KIND_##kind, doc},
#include "usage/fields.def"
};

static const struct spelling map_names[] = {
#define FIELD(id, name, kind, doc) {FIELD_##id, 0, name},
#define MAP_NAME(id, name, flags)  {FIELD_##id, flags, name},
#include "usage/fields.def"
};

static const struct spelling spellings[] = {
#define SPELLING(id, text, flags) {FIELD_##id, flags, text},
#include "usage/fields.def"
};

_Static_assert(FIELD_COUNT < 64, "sets of fields are bits of a uint64_t");
_Static_assert(FIELD_TOTAL - FIELD_INPUT == 8, "nine counts of tokens stand side by side");

/* Parts of a path that say nothing about what is below them. */
static const char *const wrappers[] = {
    "usage",   "usage_details", "usage_metadata", "usage_object", "response",
    "message", "body",          "data",           "attributes",   "payload",
    "record",  "event",         "result",         "metadata",     "request"};

static bool is_separator(char c)
{
    return c != '\0' && strchr(" _-./:()\"", c) != NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool field_names_equal(struct str a, struct str b)
{
    size_t i = 0;
    size_t j = 0;

    for (;;) {
        while (i < a.length && is_separator(a.data[i])) {
            i++;
        }
        while (j < b.length && is_separator(b.data[j])) {
            j++;
        }
        if (i == a.length || j == b.length) {
            return i == a.length && j == b.length;
        }
        if (lower(a.data[i++]) != lower(b.data[j++])) {
            return false;
        }
    }
}

const struct spelling *field_spelling(struct str header, unsigned *ret_rank)
{
    for (unsigned i = 0; i < SPELLING_COUNT; i++) {
        if (field_names_equal(header, str_from(spellings[i].text))) {
            *ret_rank = i;
            return &spellings[i];
        }
    }
    return NULL;
}

/* What follows a wrapper and its dot; an empty text when the path does not start with one. */
static struct str without_wrapper(struct str path)
{
    const char *dot = path.length ? memchr(path.data, '.', path.length) : NULL;

    if (dot) {
        size_t length = (size_t)(dot - path.data);

        for (size_t i = 0; i < ARRAY_LENGTH(wrappers); i++) {
            if (field_names_equal(str_slice(path, 0, length), str_from(wrappers[i]))) {
                return str_slice(path, length + 1, path.length);
            }
        }
    }
    return STR("");
}

const struct spelling *field_path_spelling(struct str path, unsigned *ret_rank)
{
    for (unsigned cost = 0; path.length; cost += SPELLING_COUNT) {
        const struct spelling *found = field_spelling(path, ret_rank);

        if (found) {
            *ret_rank += cost;
            return found;
        }
        path = without_wrapper(path);
    }
    return NULL;
}

bool field_by_map_name(struct str name, enum field *ret_field, unsigned *ret_flags)
{
    bool found = false;

    /* A name with a unit stands behind the field's own name and says more, so the last one wins. */
    for (size_t i = 0; i < ARRAY_LENGTH(map_names); i++) {
        if (field_names_equal(name, str_from(map_names[i].text))) {
            *ret_field = map_names[i].field;
            *ret_flags = map_names[i].flags;
            found = true;
        }
    }
    return found;
}

const char *field_name(enum field field)
{
    return fields[field].name;
}

enum field_kind field_kind(enum field field)
{
    return fields[field].kind;
}

const char *field_doc(enum field field)
{
    return fields[field].doc;
}

bool field_takes_constant(enum field field)
{
    enum field_kind kind = fields[field].kind;

    switch (field) {
    case FIELD_REQUEST_ID:
    case FIELD_CALL_ID:
    case FIELD_PROMPT_HASH:
    case FIELD_DOMAIN:
    case FIELD_PAIR_ROW:
        return false; /* the same one for every row cannot be meant */
    default:
        return kind == FIELD_KIND_TEXT || kind == FIELD_KIND_TIER || kind == FIELD_KIND_STATUS;
    }
}

void field_print_map_names(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LENGTH(map_names); i++) {
        if (i < FIELD_COUNT || !field_names_equal(str_from(map_names[i].text),
                                                  str_from(field_name(map_names[i].field)))) {
            buf_printf(out, "%s%s", i ? ", " : "", map_names[i].text);
        }
    }
}
