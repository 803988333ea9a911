/*
 * What the renderer tests share: one signature for every format, hostile names, and the walk over
 * failing allocations.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_RENDER_H
#define NETRA_TESTS_RENDER_H

#include "report/report.h"

#define RENDER_BYTES_MAX (size_t)(16u << 20)

typedef void (*render_fn)(const struct report *report, struct buf *out);

/* Names that a record may hold. The last one is 256 bytes long. */
#define HOSTILE_NAMES 14u
struct str hostile_name(size_t i);

/* Renders the sample with this name; the caller releases out. Fails the test on any error. */
void render_named(render_fn render, struct str name, struct buf *out);

bool holds(const struct buf *out, const char *text);
size_t count_of(const struct buf *out, const char *text);

/* The render of one report twice gives the same bytes. */
void assert_renders_alike(render_fn render);

/* Every allocation of the renderer fails once: the buf says so, nothing is left behind. */
void assert_survives_no_memory(render_fn render);

#endif
