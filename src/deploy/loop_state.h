/*
 * loop_state: a loop while it runs, for loop.c, the steps and the story only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_STATE_H
#define NETRA_DEPLOY_LOOP_STATE_H

#include "deploy/loop.h"
#include "deploy/loop_files.h"

#define LOOP_STEP_MEMORY_MAX ((size_t)64 << 20)

struct deploy_loop {
    const char *netra;
    const char *folder;
    const struct loop_world *world;
    struct loop_options options;
    struct loop_journal *journal;
    int lock_fd;
    unsigned max_cycles;
    unsigned cycle;      /* of the step that goes on */
    enum loop_step step; /* … */
    struct arena arena;  /* of that step */
};

/* The words of a command, or of what stands for one; a sticky failure. */
struct loop_words {
    struct arena *arena;
    const char *items[LOOP_JOURNAL_TEXTS_MAX + 1]; /* ends with NULL */
    size_t count;
    int status;
    bool is_command; /* else the step is done here, and the words say how */
};

struct loop_result {
    enum loop_outcome outcome;
    int exit_status;
    struct str reason; /* in the loop's arena */
    char facts[DIGEST_TEXT_BYTES];
    int64_t from_us, to_us;
    const char *files[LOOP_JOURNAL_FILES_MAX]; /* in the cycle's folder; those that are there are
                                                * kept with their digests */
    size_t file_count;
};

struct loop_step_row {
    /* Which command; none: is_command stays false. */
    int (*plan)(struct deploy_loop *loop, struct loop_words *words, struct error *error);
    /* What its end means; end is NULL without a command, and the work is done here. An error is of
     * the loop itself (disk, memory): the step has then not ended. */
    int (*judge)(struct deploy_loop *loop, const struct loop_end *end, struct str out,
                 struct loop_result *result, struct error *error);
    const char *output;   /* standard output goes there; NULL: it has no command */
    const char *makes[3]; /* files and folders of the cycle that are taken away before */
};
extern const struct loop_step_row loop_step_rows[LOOP_STEP_COUNT];

/* FOLDER/cycle-N/name, or FOLDER/cycle-N for ""; in the loop's arena; NULL: no memory. */
const char *loop_path(struct deploy_loop *loop, const char *name);

/* Both in the loop's arena; ERR_NO_MEMORY is sticky in words, and for a reason an empty one. */
void loop_word(struct loop_words *words, const char *word);
void loop_word_options(struct loop_words *words, const struct loop_options *options,
                       enum loop_use use);
void loop_reason(struct deploy_loop *loop, struct loop_result *result, const char *format, ...)
    printf_like(3, 4);

/* NETRA_LOOP_… of the hooks, in the loop's arena; NULL, with the error: it cannot be made. */
const char *const *loop_hook_environment(struct deploy_loop *loop, struct error *error);

/* loop.md and loop.json. ERR_IO, ERR_NO_MEMORY, ERR_LIMIT. */
must_check int loop_tell_story(struct deploy_loop *loop, struct error *error);

#endif
