/*
 * recompute: every number of a report derived again from the records it names, and compared as its
 * JSON carries it, digit by digit. What a report was made from is in it: question, seed, inputs
 * with their digests, the price book; where a model took part, each fact by the call that it names
 * (recompute_calls.h). Other inputs are another dataset: that is said, not compared.
 *
 * Any thread; the dataset is only read. It must be opened with the report's own "now".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_RECOMPUTE_H
#define NETRA_AGENT_RECOMPUTE_H

#include "tool/dataset.h"
#include "json/json_read.h"

#define RECOMPUTE_REPORT_BYTES_MAX ((size_t)512 << 20)

struct recompute_counts {
    size_t facts;     /* of the report, each derived again */
    size_t different; /* those whose value, bounds, state or unit are not the same */
    size_t missing;   /* derived now, and not in the report */
};

/* One fact that differs, its two values as they are printed; "nothing" where there is none.
 * Borrowed. */
typedef void (*recompute_difference_fn)(struct str id, struct str in_report, struct str again,
                                        void *arg);

/* Whether dataset is what the report was made from: OK, or ERR_NOT_FOUND with a message that says
 * what is not. dataset NULL: the report must have had no inputs. */
must_check int recompute_check_inputs(struct json_value report, const struct dataset *dataset,
                                      struct error *error);

/* report: the root of a report's JSON. book: for a report without records. fn may be NULL.
 * ERR_INVALID (no report), ERR_CANCELLED, ERR_NO_MEMORY; a difference is no error. */
must_check int recompute_report(struct json_value report, const struct dataset *dataset,
                                const struct price_book *book, recompute_difference_fn fn,
                                void *arg, struct recompute_counts *ret_counts,
                                struct error *error);

#endif
