/*
 * proposal: what the steps of ask_refine() hand to each other. Private to the room.
 *
 *     refine.c          the prompt read again, the proposal read, both put together, needs
 *     refine_read.c     JSON             → fields of the refined interpretation, with
 *     refine_constraints.c, refine_json.c
 *     refine_numbers.c  a value          → the number of the prompt that it is
 *     refine_names.c    a name, a scope  → as the records or the prompt write it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ASK_PROPOSAL_H
#define NETRA_ASK_PROPOSAL_H

#include "ask/lists.h"
#include "ask/parse.h"
#include "ask/refine.h"

#define PROPOSAL_POINTER_BYTES_MAX 96u

struct proposal {
    const struct ask_vocabulary *vocabulary; /* never NULL */
    struct parse *said;                      /* the prompt as the grammar reads it */
    const struct interpretation *ours;       /* what is kept where the proposal is silent */
    struct interpretation *out;
    struct arena *arena;   /* of out */
    struct arena *scratch; /* until ask_refine returns */
    struct error *error;
    char pointer[PROPOSAL_POINTER_BYTES_MAX]; /* JSON pointer of what is being looked at */
    size_t pointer_length;
    bool no_memory;
};

/* refine_json.c. ERR_INVALID, "proposal refused at '/constraints/0/value': why"; the second for a
 * member of what is being looked at. */
must_check int proposal_refuse(struct proposal *r, const char *why);
must_check int proposal_refuse_member(struct proposal *r, const char *key, const char *why);

/* Down to a member or an element, and back to where it was. */
size_t proposal_enter(struct proposal *r, const char *key);
size_t proposal_enter_index(struct proposal *r, size_t index);
void proposal_leave(struct proposal *r, size_t before);

/* Absent or null. */
bool proposal_is_silent(struct json_value value);

/* An object with none but these members; a list of at most count_max. */
must_check int proposal_expect_object(struct proposal *r, struct json_value value,
                                      const char *const *names, size_t count);
must_check int proposal_expect_list(struct proposal *r, struct json_value value, size_t count_max);

/* Members by type. A silent one is an empty text, leaves a truth as it was, is a count of 0 and is
 * the scope "*". */
must_check int proposal_read_text(struct proposal *r, struct json_value object, const char *key,
                                  struct str *ret_text);
must_check int proposal_read_bool(struct proposal *r, struct json_value object, const char *key,
                                  bool *ret);
must_check int proposal_read_count(struct proposal *r, struct json_value object, const char *key,
                                   int64_t *ret);
must_check int proposal_read_scope(struct proposal *r, struct json_value object,
                                   struct str *ret_scope);

/* A number to the nine digits of a quantity; false for anything else. */
bool proposal_get_number(struct json_value value, int128 *ret_number);

/* A copy in the arena of the result; notes when there was no memory for it. */
struct str proposal_keep(struct proposal *r, struct str text);

/* refine_read.c: the proposal into r->out, which holds ours. */
must_check int proposal_read(struct proposal *r, struct json_value root);

/* refine_constraints.c: the list of constraints; and what the user demanded, which no proposal
 * takes away. */
must_check int proposal_read_constraints(struct proposal *r, struct json_value list);
must_check int proposal_keep_demands(struct proposal *r);

/* refine_numbers.c: whether the prompt says value, counted in unit (its name for amounts of money).
 * Stores the prompt's own number, which has all its digits. */
bool proposal_find_number(const struct proposal *r, enum value_unit unit, struct str unit_name,
                          int128 value, int128 *ret_said);
/* Equal as far as the digits of a double go. */
bool proposal_is_same_number(int128 a, int128 b);
/* Whether each part of "p50,p95" is a default or stands in the prompt. */
bool proposal_has_statistic(const struct proposal *r, struct str stat);

/* refine_names.c: *ret_name is as the records, the price book or the prompt write it. False when
 * none of them does. */
bool proposal_find_model(struct proposal *r, struct str name, struct str *ret_name);
bool proposal_find_feature(struct proposal *r, struct str name, struct str *ret_name);
bool proposal_find_scope(struct proposal *r, struct str scope, struct str *ret_scope);
/* Adds it to the result's features unless it is there. ERR_LIMIT. */
must_check int proposal_add_name(struct proposal *r, struct str *names, size_t *count,
                                 struct str name);

/* refine_equal.c: whether two constraints bound the same by the same value; who says how hard and
 * by which statistic does not count. */
bool constraint_bounds_same(const struct ask_constraint *a, const struct ask_constraint *b);
bool constraints_equal(const struct interpretation *a, const struct interpretation *b);
bool time_range_equal(const struct ask_time_range *a, const struct ask_time_range *b);

#endif
