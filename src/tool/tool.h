/*
 * tool: one registry of analyses. A tool is written once, on top of engine/, and is reached through
 * four doors: agents, the command line, HTTP and MCP. Each door passes arguments as JSON; the table
 * of a tool's arguments generates its JSON schema, its checks and its help, so they cannot differ.
 *
 * A tool writes its result as the body of a report: facts with lineage, and one or more sections of
 * tables, figures and sentences that name facts; caveats; needs. Tools read the dataset and change
 * nothing, except those marked has_effect.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TOOL_TOOL_H
#define NETRA_TOOL_TOOL_H

#include <stdatomic.h>

#include "report/report.h"
#include "tool/dataset.h"
#include "json/json_read.h"

#define TOOL_ARGS_MAX       12u
#define TOOL_LIST_MAX       16u
#define TOOL_ARGS_BYTES_MAX 65536u
#define TOOL_TEXT_BYTES_MAX 4096u

enum tool_arg_type {
    TOOL_BOOL,
    TOOL_INTEGER,
    TOOL_NUMBER, /* a decimal */
    TOOL_STRING,
    TOOL_INTEGER_LIST,
    TOOL_STRING_LIST
};

struct tool_arg {
    const char *name;
    const char *description;
    enum tool_arg_type type;
    bool is_required;
    int64_t minimum; /* of numbers and list elements; for TOOL_NUMBER in thousandths */
    int64_t maximum;
    const char
        *default_json; /* shown in the schema and used when the argument is absent; NULL: absent */
};

struct tool_value {
    bool is_set;
    bool boolean;
    int64_t integer;
    struct decimal number; /* scale 9 */
    struct str text;
    size_t count;
    int64_t integers[TOOL_LIST_MAX];
    struct str texts[TOOL_LIST_MAX];
};

struct tool_args {
    const struct tool *tool;
    struct tool_value values[TOOL_ARGS_MAX]; /* in the order of the table */
    struct str json; /* canonical: set arguments in the order of the table; for lineage */
};

struct analyses;

struct tool_context {
    const struct dataset *dataset; /* NULL for tools that need no records */
    const struct price_book *book;
    struct analyses *analyses;       /* what the calls of one run share; NULL: this call's own */
    const atomic_bool *is_cancelled; /* NULL: never */
    uint64_t seed;
};

struct tool {
    const char *name;
    const char *description; /* one sentence: what it answers */
    const struct tool_arg *args;
    size_t arg_count;
    bool needs_records;
    bool has_effect; /* writes files: not offered to agents and remote doors without permission */
    int (*run)(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error);
};

/* The registry, in the order of help. */
const struct tool *const *tool_registry(size_t *ret_count);
const struct tool *tool_find(struct str name); /* NULL: none */

/* Runs a tool on JSON arguments ("" is {}): checks them against the table (ERR_INVALID names the
 * argument by JSON pointer and says what it takes), then runs it. ERR_NO_RECORDS when it needs
 * records and there are none, ERR_CANCELLED. *ret_body is the result, freed with report_free. */
must_check int tool_call(const struct tool *tool, const struct tool_context *context,
                         struct str args_json, struct report **ret_body, struct error *error);

/* The value of an argument by name; a bug (check) when the tool has no such argument. */
const struct tool_value *tool_arg_value(const struct tool_args *args, const char *name);

/* The arguments' JSON schema (draft 2020-12). */
void tool_write_schema(const struct tool *tool, struct json_writer *w);

#endif
