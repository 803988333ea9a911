/*
 * A believable report for tests and for looking at: every kind of block, every state of a fact, and
 * numbers that add up. They are invented and say so (the inputs are named "sample").
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_SAMPLE_REPORT_H
#define NETRA_TESTS_SAMPLE_REPORT_H

#include "report/report.h"

/* Passes the quality gate. ERR_NO_MEMORY, ERR_LIMIT. */
must_check int sample_report_new(struct report **ret_report);

/* The same shape, but every name that comes from records is name. Passes the gate for every name.
 */
must_check int sample_report_named_new(struct str name, struct report **ret_report);

/* The sample with a summary by a model of this name and four questions to models: used, used at an
 * unknown cost, refused without tokens, answered by nobody. */
must_check int sample_report_modelled_new(struct str model, struct report **ret_report);

/* No records: question, needs and next steps only. */
must_check int sample_guidance_new(struct report **ret_report);

#endif
