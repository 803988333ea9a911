/*
 * journal: what a loop did, one line of JSON each, only ever appended, each brought to the disk
 * before what it announces begins. The loop has no other memory: where it stands is computed from
 * the journal (loop_course.h), so that one that was killed goes on from its files.
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
#ifndef NETRA_DEPLOY_JOURNAL_H
#define NETRA_DEPLOY_JOURNAL_H

#include <stdint.h>

#include "base/arena.h"
#include "deploy/digest.h"
#include "deploy/loop_step.h"

#define JOURNAL_FORMAT         1
#define JOURNAL_BYTES_MAX      ((size_t)16 << 20)
#define JOURNAL_LINE_BYTES_MAX ((size_t)64 << 10)
#define JOURNAL_ENTRIES_MAX    10000u
#define JOURNAL_TEXTS_MAX      96u /* words of a command, options */
#define JOURNAL_FILES_MAX      8u  /* of a step */
#define JOURNAL_REASON_MAX     1000u
#define JOURNAL_MEMORY_MAX     ((size_t)64 << 20)

enum journal_event {
    JOURNAL_OPENED,
    JOURNAL_RESUMED,
    JOURNAL_BEGAN,
    JOURNAL_ENDED,
    JOURNAL_STOPPED,
    JOURNAL_EVENT_COUNT
};
const char *journal_event_name(enum journal_event event);

struct journal_file {
    struct str name; /* relative to the loop's folder */
    struct str sha256;
};

struct journal_entry {
    uint64_t n;         /* 1, 2, 3 …; set by journal_append */
    int64_t time_us;    /* wall clock */
    int64_t elapsed_us; /* monotonic; begins anew with each boot, so only between RESUMED lines */
    enum journal_event event;
    const struct str *texts; /* OPENED: options, "name=value"; BEGAN: the command's words */
    size_t text_count;
    unsigned cycle;      /* BEGAN, ENDED, STOPPED; 1, 2 … */
    enum loop_step step; /* BEGAN, ENDED */
    enum loop_outcome outcome;
    int exit_status; /* ENDED; of the command, -1: there was none or it ended by a signal */
    int64_t duration_ms;
    struct str reason;                            /* ENDED, STOPPED; a sentence, may be empty */
    struct journal_file files[JOURNAL_FILES_MAX]; /* ENDED */
    size_t file_count;
    struct str facts;       /* ENDED; digest of what this step found out, may be empty */
    int64_t from_us, to_us; /* ENDED; of the evidence that was made; 0: none */
    enum loop_verdict verdict;
};

struct journal {
    struct arena arena; /* of all texts */
    struct journal_entry *entries;
    size_t count;
    size_t sound_bytes; /* of the file: up to the end of the last whole line */
    size_t torn_bytes;  /* behind that; dropped */
    char last_hash[DIGEST_TEXT_BYTES];
    int fd; /* -1: only read */
};

/* Empty, without a file. ERR_NO_MEMORY. */
must_check int journal_new(struct journal **ret_journal);
void journal_free(struct journal *journal); /* closes; NULL is allowed */
void journal_free_pointer(struct journal **journal);

/* Bytes of a file, nothing in them is trusted, into an empty journal. Checked: form of each line,
 * n, the chain. Not checked: whether the order makes sense (loop_course.h). ERR_INVALID (with the
 * line), ERR_LIMIT, ERR_NO_MEMORY. */
must_check int journal_parse(struct journal *journal, struct str text, struct error *error);

/* Makes a file that must not exist; *and its name is on the disk* when this returns. ERR_EXISTS,
 * ERR_IO. */
must_check int journal_create(struct journal *journal, const char *path, struct error *error);

/* Reads a file and keeps it open for more lines; a torn last line is cut off. ERR_NOT_FOUND,
 * ERR_IO and those of journal_parse. */
must_check int journal_open(struct journal *journal, const char *path, struct error *error);

/* Writes the line (n is set here) and waits until it is on the disk; texts are copied. What could
 * not be written whole is cut off again. ERR_IO, ERR_LIMIT, ERR_NO_MEMORY. */
must_check int journal_append(struct journal *journal, const struct journal_entry *entry,
                              struct error *error);

/* One entry as a line with its hash and its end; for journal_append and tests. before: the hash of
 * the line before. ERR_LIMIT, ERR_NO_MEMORY. */
must_check int journal_print(const struct journal_entry *entry, const char *before,
                             struct buf *line, char ret_hash[DIGEST_TEXT_BYTES]);

/* The last ENDED of a step of a cycle; NULL: none. */
const struct journal_entry *journal_ended(const struct journal *journal, unsigned cycle,
                                          enum loop_step step);

#endif
