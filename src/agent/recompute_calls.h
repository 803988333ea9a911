/*
 * recompute_calls: the facts of a report, each by the call that it names itself ("query"). For
 * reports in which a model chose calls or refined the question: the question alone does not say
 * which calls those were, the facts do. Private to agent/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_RECOMPUTE_CALLS_H
#define NETRA_AGENT_RECOMPUTE_CALLS_H

#include "agent/recompute.h"
#include "report/report.h"

#define RECOMPUTE_CALLS_MAX 64u /* different calls of one report; a run makes some two dozen */

/* Makes the calls again and adds to again->facts what they say of the report's facts; one whose
 * call cannot be made is left out. ERR_CANCELLED, ERR_NO_MEMORY, ERR_LIMIT. */
must_check int recompute_calls(struct json_value report, const struct dataset *dataset,
                               const struct price_book *book, struct report *again,
                               struct error *error);

#endif
