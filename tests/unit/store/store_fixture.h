/*
 * A store in a folder of its own, on a real loop: what the tests of this room share. Everything is
 * waited for by running the loop until what was asked for has been told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_STORE_FIXTURE_H
#define NETRA_TESTS_STORE_FIXTURE_H

#include "unit.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/accounts.h"

#define HERE  STR(STORE_WORKSPACE_FIRST) /* where tests are that are not about workspaces */

#define NEVER 12345 /* no code of ours: done has not run */

struct fixture {
    char dir[128];
    struct loop *loop;
    struct store *store;
};

static inline void remove_files(const char *dir)
{
    DIR *stream = opendir(dir);
    struct dirent *entry;

    assert_non_null(stream);
    while ((entry = readdir(stream))) {
        char path[512];

        if (entry->d_name[0] != '.') {
            (void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
            (void)unlink(path);
        }
    }
    (void)closedir(stream);
}

static inline void fixture_dir(char *dir, size_t size)
{
    (void)snprintf(dir, size, "/tmp/netra-store-XXXXXX");
    assert_non_null(mkdtemp(dir));
}

static inline void fixture_open_store(struct fixture *f)
{
    struct error error = {0};

    if (store_open(f->loop, f->dir, &f->store, &error)) {
        fail_msg("%s", error.message);
    }
}

static inline void fixture_begin(struct fixture *f)
{
    struct error error;

    *f = (struct fixture){0};
    fixture_dir(f->dir, sizeof(f->dir));
    assert_int_equal(loop_new(/* workers */ 1, &f->loop, &error), OK);
    fixture_open_store(f);
}

static inline void fixture_end(struct fixture *f)
{
    store_close(f->store);
    loop_free(f->loop);
    remove_files(f->dir);
    assert_int_equal(rmdir(f->dir), 0);
}

static inline void fixture_reopen(struct fixture *f)
{
    store_close(f->store);
    fixture_open_store(f);
}

struct waiting {
    struct loop *loop;
    int code;
};

static inline void stop_with_code(int code, void *arg)
{
    struct waiting *waiting = arg;

    waiting->code = code;
    loop_stop(waiting->loop);
}

/* Submits and waits: what done got. */
static inline int apply(struct fixture *f, struct store_batch *batch)
{
    struct waiting waiting = {.loop = f->loop, .code = NEVER};

    assert_int_equal(store_submit(f->store, batch, stop_with_code, &waiting), OK);
    loop_run(f->loop);
    assert_int_not_equal(waiting.code, NEVER);
    return waiting.code;
}

static inline struct store_batch *new_batch(void)
{
    struct store_batch *batch = store_batch_new(HERE);

    assert_non_null(batch);
    return batch;
}

/* Of the deployment. */
static inline struct store_batch *new_accounts_batch(void)
{
    struct store_batch *batch = store_batch_new(STR(""));

    assert_non_null(batch);
    return batch;
}

static inline void put_thread(struct store_batch *batch, const char *id, int64_t created_us)
{
    store_put_thread(batch, &(struct store_thread){.id = str_from(id),
                                                   .owner_id = STR("local"),
                                                   .title = STR("a thread"),
                                                   .created_us = created_us,
                                                   .updated_us = created_us});
}

static inline struct store_run run_of(const char *id, const char *thread, int64_t created_us)
{
    return (struct store_run){.id = str_from(id),
                              .owner_id = STR("local"),
                              .thread_id = str_from(thread),
                              .prompt = STR("why so dear?"),
                              .seed = 7,
                              .now_us = created_us + 1,
                              .created_us = created_us};
}

static inline void add_run(struct store_batch *batch, const char *id, const char *thread,
                           int64_t created_us)
{
    struct store_run run = run_of(id, thread, created_us);

    store_add_run(batch, &run);
}

static inline void add_event(struct store_batch *batch, const char *run, uint64_t seq)
{
    char json[64];

    (void)snprintf(json, sizeof(json), "{\"seq\":%llu}", (unsigned long long)seq);
    store_add_event(batch, &(struct store_event){.run_id = str_from(run),
                                                 .seq = seq,
                                                 .time_us = (int64_t)seq * 10,
                                                 .json = str_from(json)});
}

/* Ids of a list, each with a blank behind it. */
struct names {
    struct buf text;
    int count;
    int limit; /* 0: none; else the callback says stop after as many */
};

static inline bool note_name(struct names *names, struct str id)
{
    buf_append(&names->text, id);
    buf_append(&names->text, STR(" "));
    return ++names->count != names->limit;
}

static inline bool note_thread(const struct store_thread *row, void *arg)
{
    return note_name(arg, row->id);
}

static inline bool note_message(const struct store_message *row, void *arg)
{
    return note_name(arg, row->id);
}

static inline bool note_run(const struct store_run *row, void *arg)
{
    return note_name(arg, row->id);
}

static inline bool note_dataset(const struct store_dataset *row, void *arg)
{
    return note_name(arg, row->id);
}

static inline bool note_event(const struct store_event *row, void *arg)
{
    return note_name(arg, row->json);
}

/* "run/question/attempt" */
static inline bool note_model_call(const struct store_model_call *row, void *arg)
{
    char name[128];

    (void)snprintf(name, sizeof(name), "%.*s/%u/%u", STR_ARGS(row->run_id), row->question,
                   row->attempt);
    return note_name(arg, str_from(name));
}

static inline bool note_session(const struct store_session *row, void *arg)
{
    return note_name(arg, row->id);
}

static inline void names_begin(struct names *names)
{
    *names = (struct names){0};
    buf_init(&names->text, (size_t)1 << 20);
}

/* Compares and empties. */
static inline void expect_names(struct names *names, const char *expected)
{
    assert_str(buf_str(&names->text), expected);
    buf_done(&names->text);
    names_begin(names);
}

#endif
