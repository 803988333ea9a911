/*
 * talk: answers to prompts that ask for no analysis: greetings, off-topic and hostile requests, an
 * empty or unintelligible prompt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_TALK_H
#define NETRA_AGENT_TALK_H

#include "agent/run_state.h"

/* Writes the answer into run's report and sets its type. ERR_NO_MEMORY. */
must_check int talk_write(struct run *run);

#endif
