/*
 * json_shape: the member names that the objects of an input have had, as a tree, each with what it
 * means. Most objects have the same members in the same order as the one before, so that finding a
 * member again is one comparison.
 *
 *     {"model": …, "usage": {"prompt_tokens": …}}
 *
 *     root ─ model                     MODEL
 *          └ usage ─ prompt_tokens     INPUT
 *
 * Lists are not entered. At most SHAPE_NODES_MAX names are learned; later ones mean nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_JSON_SHAPE_H
#define NETRA_USAGE_JSON_SHAPE_H

#include "usage/importer.h"

#define SHAPE_NODES_MAX    IMPORT_COLUMNS_MAX
#define SHAPE_DEPTH_MAX    8
#define SHAPE_BINDINGS_MAX 4 /* fields that one member gives */

struct shape_node {
    struct str key;
    struct str path; /* "usage.prompt_tokens" */
    uint32_t first_child;
    uint32_t last_child;
    uint32_t next_sibling; /* all of them 0 for none: the root is nobody's child */
    uint32_t expected;     /* the child that followed the last one found, to be tried first */
    bool is_leaf;          /* had a value that is no object */
    bool is_bound;
    uint8_t binding_count;
    struct binding bindings[SHAPE_BINDINGS_MAX];
};

struct json_shape {
    struct usage_import *import;
    struct shape_node *nodes; /* SHAPE_NODES_MAX; 0 is the root */
    uint32_t count;
    bool is_full;
};

must_check int json_shape_init(struct json_shape *shape, struct usage_import *import);
void json_shape_done(struct json_shape *shape);

/* Learns the members of an object without binding them. ERR_NO_MEMORY. */
must_check int json_shape_learn(struct json_shape *shape, struct json_value object);

/* Decides the maps from what was learned. Errors of importer_resolve_maps. */
must_check int json_shape_resolve(struct json_shape *shape, struct error *error);

/* Puts the members of an object that mean something into the import's row. ERR_NO_MEMORY. */
must_check int json_shape_fill_row(struct json_shape *shape, struct json_value object);

#endif
