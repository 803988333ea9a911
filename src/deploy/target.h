/*
 * target: where a deployment runs. A target is an executable, deploy/targets/NAME, that is called
 * with one verb at a time and answers with one JSON object as the last line of its standard output;
 * what it says on standard error is its log. deploy/README.md has the verbs, their environment and
 * their answers; what is here calls them, with a time-out, and keeps what was said.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_TARGET_H
#define NETRA_DEPLOY_TARGET_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "json/json_read.h"

#define TARGET_NAME_BYTES_MAX   64u
#define TARGET_ANSWER_BYTES_MAX ((size_t)1 << 20)
#define TARGET_LOG_BYTES_MAX    ((size_t)16 << 20) /* later lines are counted, not kept */
#define TARGET_TIMEOUT_S        900u               /* of one verb */
#define TARGET_EXIT_NOT_YET     75                 /* EX_TEMPFAIL */

#endif
