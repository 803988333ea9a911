/*
 * The table of facts: an array in the order of first addition, a dict from id to index, an arena
 * for the texts. An addition takes effect with its last step, so a failed one leaves the set as it
 * was (apart from arena bytes).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "report/fact.h"

#include <utf8proc.h>

#include "base/alloc.h"
#include "base/error.h"

#define FACTS_FIRST 64

void fact_set_init(struct fact_set *set)
{
    *set = (struct fact_set){0};
    arena_init(&set->arena, FACT_BYTES_MAX);
    dict_init(&set->ids, FACTS_MAX, FACT_BYTES_MAX);
}

void fact_set_done(struct fact_set *set)
{
    alloc_free(set->facts);
    dict_done(&set->ids);
    arena_done(&set->arena);
    fact_set_init(set);
}

static bool is_consistent(const struct fact *fact)
{
    if (fact->id.length == 0 || fact->value.scale > DECIMAL_SCALE_MAX) {
        return false;
    }
    if (fact->has_bounds &&
        (fact->low.scale > DECIMAL_SCALE_MAX || fact->high.scale > DECIMAL_SCALE_MAX ||
         (!fact->is_open && decimal_compare(fact->low, fact->high) > 0))) {
        return false;
    }
    switch (fact->state) {
    case FACT_COMPUTED:
        return true;
    case FACT_BOUNDED:
        return fact->has_bounds;
    case FACT_UNKNOWN:
        return fact->needs.length > 0;
    }
    return false;
}

static bool says_the_same(const struct fact *a, const struct fact *b)
{
    if (a->state != b->state || a->unit != b->unit || a->has_bounds != b->has_bounds ||
        a->is_open != b->is_open) {
        return false;
    }
    if (a->state != FACT_UNKNOWN && decimal_compare(a->value, b->value) != 0) {
        return false;
    }
    return !a->has_bounds || (decimal_compare(a->low, b->low) == 0 &&
                              (a->is_open || decimal_compare(a->high, b->high) == 0));
}

static int copy_text(struct arena *arena, struct str text, struct str *ret_copy)
{
    if (text.length == 0) {
        *ret_copy = STR("");
        return OK;
    }
    struct str copy = arena_copy(arena, text);
    if (!copy.data) {
        return arena->used_bytes + text.length >= arena->limit_bytes ? ERR_LIMIT : ERR_NO_MEMORY;
    }
    *ret_copy = copy;
    return OK;
}

static int copy_texts(struct arena *arena, const struct fact *from, struct fact *to)
{
    int code = copy_text(arena, from->label, &to->label);

    if (code == OK) {
        code = copy_text(arena, from->method, &to->method);
    }
    if (code == OK) {
        code = copy_text(arena, from->query, &to->query);
    }
    if (code == OK) {
        code = copy_text(arena, from->needs, &to->needs);
    }
    return code;
}

static int grow(struct fact_set *set)
{
    uint32_t capacity = set->capacity ? set->capacity * 2 : FACTS_FIRST;
    struct fact *facts = alloc_resize(set->facts, capacity, sizeof(*facts));

    if (!facts) {
        return ERR_NO_MEMORY;
    }
    set->facts = facts;
    set->capacity = capacity;
    return OK;
}

int fact_set_add(struct fact_set *set, const struct fact *fact)
{
    const struct fact *known = fact_find(set, fact->id);
    struct fact copy = *fact;
    uint32_t id;

    if (!is_consistent(fact)) {
        return ERR_INVALID;
    }
    if (known) {
        return says_the_same(known, fact) ? OK : ERR_INVALID;
    }
    if (set->count >= FACTS_MAX) {
        return ERR_LIMIT;
    }
    int code = set->count == set->capacity ? grow(set) : OK;
    if (code == OK) {
        code = copy_texts(&set->arena, fact, &copy);
    }
    if (code == OK) {
        code = dict_put(&set->ids, fact->id, &id);
    }
    if (code) {
        return code;
    }
    copy.id = dict_text(&set->ids, id);
    set->facts[set->count++] = copy;
    return OK;
}

const struct fact *fact_find(const struct fact_set *set, struct str id)
{
    uint32_t index = dict_find(&set->ids, id);

    return index == DICT_NOT_FOUND ? NULL : &set->facts[index];
}

int fact_set_merge(struct fact_set *set, const struct fact_set *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        int code = fact_set_add(set, &from->facts[i]);

        if (code) {
            return code;
        }
    }
    return OK;
}

/* True when the colon at at begins what template text reads as a form of the fact. */
static bool is_form_colon(struct str name, size_t at)
{
    struct str rest = str_slice(name, at, name.length);

    return str_equal(rest, STR(":low")) || str_equal(rest, STR(":high")) ||
           str_equal(rest, STR(":exact"));
}

static bool needs_escape(struct str name, size_t at, utf8proc_int32_t point)
{
    if (point <= 0x20 || (point >= 0x7f && point <= 0x9f)) {
        return true;
    }
    return point == '.' || point == '%' || point == '{' || point == '}' || point == '`' ||
           (point == ':' && is_form_colon(name, at));
}

void fact_id_append(struct buf *id, struct str name)
{
    for (size_t i = 0; i < name.length;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)name.data + i,
                                                 (utf8proc_ssize_t)(name.length - i), &point);
        size_t end = i + (used > 0 ? (size_t)used : 1);

        if (used > 0 && !needs_escape(name, i, point)) {
            buf_append(id, str_slice(name, i, end));
            i = end;
        }
        for (; i < end; i++) {
            buf_printf(id, "%%%02X", (unsigned char)name.data[i]);
        }
    }
}
