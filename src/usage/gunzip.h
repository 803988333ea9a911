/*
 * gunzip: a stream of gzip bytes → a stream of text, in pieces of at most GUNZIP_PIECE_BYTES, so
 * that a small file that inflates to terabytes never takes more memory than one piece.
 *
 * Members that follow each other are one text. What cannot be inflated (damage, bytes behind the
 * last member, an end in the middle) is not an error here: the text before it was delivered, and
 * gunzip_status() says what happened, for a note.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_GUNZIP_H
#define NETRA_USAGE_GUNZIP_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/str.h"

#define GUNZIP_PIECE_BYTES 131072u

enum gunzip_status {
    GUNZIP_WHOLE,   /* the last member is complete */
    GUNZIP_CUT,     /* in the middle of a member, or nothing was fed */
    GUNZIP_DAMAGED, /* bytes that do not inflate; the rest is ignored */
    GUNZIP_TRAILED, /* complete, followed by bytes that are no gzip; they are ignored */
};

/* Takes a piece of text, which is borrowed for the call; what is not 0 stops gunzip_feed. */
typedef int (*gunzip_text_fn)(struct str text, void *arg);

struct gunzip;

must_check int gunzip_new(struct gunzip **ret_gunzip);
void gunzip_free(struct gunzip *gunzip);

/* True when the bytes can be the beginning of a gzip file; needs two of them to know. */
bool gunzip_is_gzip(struct str bytes);

/* Hands on the text of these bytes. ERR_NO_MEMORY, or what the callback returned. */
must_check int gunzip_feed(struct gunzip *gunzip, struct str bytes, gunzip_text_fn text_fn,
                           void *arg);

enum gunzip_status gunzip_status(const struct gunzip *gunzip);

#endif
