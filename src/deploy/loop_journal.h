/*
 * loop_journal: what a loop did, one line of JSON each, only ever appended, each brought to the
 * disk before what it announces begins. The loop has no other memory: where it stands is computed
 * from the journal (loop_course.h), so that one that was killed goes on from its files.
 *
 *     {"n":1,"time":"2026-11-23T10:00:00.000000Z","elapsed_us":812,"event":"opened",
 *      "netra_journal":1,"options":["target=local","project=demo",…],"hash":"…"}
 *     {"n":2,…,"event":"began","cycle":1,"step":"check","command":["netra","verify",…],"hash":"…"}
 *     {"n":3,…,"event":"ended","cycle":1,"step":"check","outcome":"red","exit":1,
 *      "duration_ms":812,"reason":"…","files":[{"name":"cycle-1/evidence/evidence.json","sha256":
 *      "…"}],"facts":"…","from":"…Z","to":"…Z","hash":"…"}
 *     {"n":9,…,"event":"resumed","hash":"…"}
 *     {"n":20,…,"event":"stopped","cycle":1,"verdict":"success","reason":"…","hash":"…"}
 *
 * hash is the last member of each line: SHA-256 over the line before's 64 digits (of the first
 * line: zeroes) and this line's bytes up to `,"hash":`. It shows that a line was changed, taken
 * out, put in or moved; it cannot show that somebody wrote the whole journal anew.
 *
 * A line without its end (the process or the machine went down) is no line: it is dropped.
 * Reading is pure; one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_JOURNAL_H
#define NETRA_DEPLOY_LOOP_JOURNAL_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "deploy/digest.h"
#include "deploy/loop_step.h"

#define LOOP_JOURNAL_FORMAT         1
#define LOOP_JOURNAL_BYTES_MAX      ((size_t)16 << 20)
#define LOOP_JOURNAL_LINE_BYTES_MAX ((size_t)64 << 10)
#define LOOP_JOURNAL_ENTRIES_MAX    10000u
#define LOOP_JOURNAL_TEXTS_MAX      96u /* words of a command, options */
#define LOOP_JOURNAL_FILES_MAX      8u  /* of a step */
#define LOOP_JOURNAL_REASON_MAX     1000u
#define LOOP_JOURNAL_MEMORY_MAX     ((size_t)64 << 20)

enum loop_journal_event {
    LOOP_JOURNAL_OPENED,
    LOOP_JOURNAL_RESUMED,
    LOOP_JOURNAL_BEGAN,
    LOOP_JOURNAL_ENDED,
    LOOP_JOURNAL_STOPPED,
    LOOP_JOURNAL_EVENT_COUNT
};
const char *loop_journal_event_name(enum loop_journal_event event);

struct loop_journal_file {
    struct str name; /* relative to the loop's folder */
    struct str sha256;
};

struct json_writer;

struct loop_entry {
    uint64_t n;         /* 1, 2, 3 …; set by loop_journal_append */
    int64_t time_us;    /* wall clock */
    int64_t elapsed_us; /* monotonic; begins anew with each boot, so only between RESUMED lines */
    enum loop_journal_event event;
    const struct str *texts; /* OPENED: options, "name=value"; BEGAN: the command's words */
    size_t text_count;
    unsigned cycle;      /* BEGAN, ENDED, STOPPED; 1, 2 … */
    enum loop_step step; /* BEGAN, ENDED */
    enum loop_outcome outcome;
    int exit_status; /* ENDED; of the command, -1: there was none or it ended by a signal */
    int64_t duration_ms;
    struct str reason; /* ENDED, STOPPED; a sentence, may be empty */
    struct loop_journal_file files[LOOP_JOURNAL_FILES_MAX]; /* ENDED */
    size_t file_count;
    struct str facts;       /* ENDED; digest of what this step found out, may be empty */
    int64_t from_us, to_us; /* ENDED; of the evidence that was made; 0: none */
    enum loop_verdict verdict;
};

struct loop_journal {
    struct arena arena; /* of all texts */
    struct loop_entry *entries;
    size_t count;
    size_t sound_bytes; /* of the file: up to the end of the last whole line */
    size_t torn_bytes;  /* behind that; dropped */
    char last_hash[DIGEST_TEXT_BYTES];
    int fd; /* -1: only read */
};

/* Empty, without a file. ERR_NO_MEMORY. */
must_check int loop_journal_new(struct loop_journal **ret_journal);
void loop_journal_free(struct loop_journal *journal); /* closes; NULL is allowed */
void loop_journal_free_pointer(struct loop_journal **journal);

/* Bytes of a file, nothing in them is trusted, into an empty journal. Checked: form of each line,
 * n, the chain. Not checked: whether the order makes sense (loop_course.h). ERR_INVALID (with the
 * line), ERR_LIMIT, ERR_NO_MEMORY. */
must_check int loop_journal_parse(struct loop_journal *journal, struct str text,
                                  struct error *error);

/* Makes a file that must not exist; *and its name is on the disk* when this returns. ERR_EXISTS,
 * ERR_IO. */
must_check int loop_journal_create(struct loop_journal *journal, const char *path,
                                   struct error *error);

/* Reads a file and keeps it open for more lines; a torn last line is cut off. ERR_NOT_FOUND,
 * ERR_IO and those of loop_journal_parse. */
must_check int loop_journal_open(struct loop_journal *journal, const char *path,
                                 struct error *error);

/* The member "files" of a line, and of loop.json. */
void loop_entry_write_files(const struct loop_entry *entry, struct json_writer *w);

/* Writes the line (n is set here) and waits until it is on the disk; texts are copied. What could
 * not be written whole is cut off again. ERR_IO, ERR_LIMIT, ERR_NO_MEMORY. */
must_check int loop_journal_append(struct loop_journal *journal, const struct loop_entry *entry,
                                   struct error *error);

/* One entry as a line with its hash and its end; for loop_journal_append and tests. before: the
 * hash of the line before. ERR_LIMIT, ERR_NO_MEMORY. */
must_check int loop_journal_print(const struct loop_entry *entry, const char *before,
                                  struct buf *line, char ret_hash[DIGEST_TEXT_BYTES]);

/* The last ENDED of a step of a cycle; NULL: none. */
const struct loop_entry *loop_journal_ended(const struct loop_journal *journal, unsigned cycle,
                                            enum loop_step step);

#endif
