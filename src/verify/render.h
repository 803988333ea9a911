/*
 * render: what the written forms of evidence have in common. Texts of a deployment are shown by
 * report/visible.h only: no renderer hands on what a terminal, a browser or a table would obey.
 * Private to verify/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_RENDER_H
#define NETRA_VERIFY_RENDER_H

#include "verify/evidence.h"

#define RENDER_FIGURE_BYTES 32u

struct tally {
    size_t passed, failed, not_exercised;
};

/* Of the findings and targets of a check; of all checks. */
struct tally tally_check(const struct check *check);
struct tally tally_checks(const struct evidence *evidence);

/* Duration and bytes of a check, as below. */
struct check_figures {
    char seconds[RENDER_FIGURE_BYTES];
    char sent[RENDER_FIGURE_BYTES];
    char received[RENDER_FIGURE_BYTES];
};
struct check_figures render_figures(const struct check *check);

/* "1.234 s", below 10 ms "0.001234 s"; "1.2 MB" (decimal units); microseconds as milliseconds with
 * three places, "–" for NAN. All places of a sample are shown: the figures can be computed again
 * from samples.csv. */
void render_seconds(int64_t us, char ret_text[static RENDER_FIGURE_BYTES]);
void render_bytes(uint64_t bytes, char ret_text[static RENDER_FIGURE_BYTES]);
void render_ms(double us, char ret_text[static RENDER_FIGURE_BYTES]);

/* "green", "2 of 8 checks failed, 1 was not exercised in full, in 12.345 s". */
void render_summary(const struct evidence *evidence, struct buf *out);

/* "CPU 0.123 s, peak memory 45.1 MB", or "unknown (needs …)". */
void render_side(const struct side *side, struct buf *out);

#endif
