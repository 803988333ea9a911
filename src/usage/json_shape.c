/* SPDX-License-Identifier: Apache-2.0 */
#include "usage/json_shape.h"

#include "base/alloc.h"

int json_shape_init(struct json_shape *shape, struct usage_import *import)
{
    *shape = (struct json_shape){.import = import, .count = 1};
    shape->nodes = alloc_zeroed(SHAPE_NODES_MAX, sizeof(*shape->nodes));
    return shape->nodes ? OK : ERR_NO_MEMORY;
}

void json_shape_done(struct json_shape *shape)
{
    alloc_free(shape->nodes);
    shape->nodes = NULL;
}

static int add_child(struct json_shape *shape, uint32_t parent, struct str key, uint32_t *ret_node)
{
    struct arena *arena = &shape->import->arena;
    struct str above = shape->nodes[parent].path;

    if (shape->count == SHAPE_NODES_MAX || key.length > USAGE_NAME_BYTES_MAX) {
        shape->is_full |= shape->count == SHAPE_NODES_MAX;
        *ret_node = 0;
        return OK;
    }
    struct shape_node *node = &shape->nodes[shape->count];
    node->key = arena_copy(arena, key);
    node->path =
        above.length ? arena_printf(arena, "%.*s.%.*s", STR_ARGS(above), STR_ARGS(key)) : node->key;
    if (!node->key.data || !node->path.data) {
        return ERR_NO_MEMORY;
    }
    *ret_node = shape->count++;
    if (shape->nodes[parent].last_child) {
        shape->nodes[shape->nodes[parent].last_child].next_sibling = *ret_node;
    } else {
        shape->nodes[parent].first_child = *ret_node;
    }
    shape->nodes[parent].last_child = *ret_node;
    return OK;
}

/* The node of a member; 0 when there is no room to learn it. */
static int find_child(struct json_shape *shape, uint32_t parent, struct str key, uint32_t *ret_node)
{
    struct shape_node *nodes = shape->nodes;
    uint32_t expected = nodes[parent].expected;

    if (expected == 0 || !str_equal(nodes[expected].key, key)) {
        expected = nodes[parent].first_child;
        while (expected && !str_equal(nodes[expected].key, key)) {
            expected = nodes[expected].next_sibling;
        }
    }
    if (expected) {
        nodes[parent].expected = nodes[expected].next_sibling;
        *ret_node = expected;
        return OK;
    }
    return add_child(shape, parent, key, ret_node);
}

static int learn(struct json_shape *shape, uint32_t parent, struct json_value object, int depth)
{
    int code = OK;

    for (struct json_iterator it = json_iterate(object); !code && json_next(&it);) {
        uint32_t node;

        code = find_child(shape, parent, it.key, &node);
        if (code || !node) {
            continue;
        }
        if (!json_is(it.value, JSON_OBJECT)) {
            shape->nodes[node].is_leaf = true;
        } else if (depth < SHAPE_DEPTH_MAX) {
            code = learn(shape, node, it.value, depth + 1);
        }
    }
    return code;
}

int json_shape_learn(struct json_shape *shape, struct json_value object)
{
    return learn(shape, 0, object, 1);
}

int json_shape_resolve(struct json_shape *shape, struct error *error)
{
    cleanup(alloc_free_pointer) struct str *paths = alloc_zeroed(SHAPE_NODES_MAX, sizeof(*paths));
    size_t count = 0;

    if (!paths) {
        return ERR_NO_MEMORY;
    }
    for (uint32_t i = 1; i < shape->count; i++) {
        if (shape->nodes[i].is_leaf) {
            paths[count++] = shape->nodes[i].path;
        }
    }
    return importer_resolve_maps(shape->import, paths, count, error);
}

static int bind_node(struct json_shape *shape, struct shape_node *node)
{
    size_t count;
    int code = importer_bind(shape->import, node->path, /* is_path */ true, node->bindings,
                             SHAPE_BINDINGS_MAX, &count);

    node->is_bound = true;
    node->binding_count = (uint8_t)count;
    return code;
}

static int fill(struct json_shape *shape, uint32_t parent, struct json_value object, int depth);

static int take_member(struct json_shape *shape, uint32_t index, struct json_value value, int depth)
{
    struct shape_node *node = &shape->nodes[index];
    enum json_type type = json_type(value);
    int code = OK;

    if (type == JSON_OBJECT) {
        return depth < SHAPE_DEPTH_MAX ? fill(shape, index, value, depth + 1) : OK;
    }
    if (!node->is_bound) {
        code = bind_node(shape, node);
    }
    for (unsigned i = 0; i < node->binding_count && !code; i++) {
        const struct binding *b = &node->bindings[i];
        enum field_kind kind = field_kind(b->field);
        struct cell cell = {.json = value};

        if (type != JSON_ARRAY || kind == FIELD_KIND_BLOCKS || kind == FIELD_KIND_TEXT) {
            row_set(&shape->import->reader, &shape->import->row, b->field, b->rank, b->flags,
                    &cell);
        }
    }
    return code;
}

static int fill(struct json_shape *shape, uint32_t parent, struct json_value object, int depth)
{
    int code = OK;

    shape->nodes[parent].expected = shape->nodes[parent].first_child;
    for (struct json_iterator it = json_iterate(object); !code && json_next(&it);) {
        uint32_t node;

        code = find_child(shape, parent, it.key, &node);
        if (!code && node) {
            code = take_member(shape, node, it.value, depth);
        }
    }
    return code;
}

int json_shape_fill_row(struct json_shape *shape, struct json_value object)
{
    return fill(shape, 0, object, 1);
}
