/*
 * registry: every tool, one per tool_<name>.c. A new tool is declared here and listed in
 * registry.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TOOL_REGISTRY_H
#define NETRA_TOOL_REGISTRY_H

#include "tool/tool.h"

extern const struct tool tool_dataset_profile;
extern const struct tool tool_spend_breakdown;
extern const struct tool tool_latency_profile;
extern const struct tool tool_reliability_profile;
extern const struct tool tool_cache_audit;
extern const struct tool tool_duplicate_calls;
extern const struct tool tool_batch_eligibility;
extern const struct tool tool_what_if_model;
extern const struct tool tool_traffic_profile;
extern const struct tool tool_choose_plan;
extern const struct tool tool_price_lookup;
extern const struct tool tool_synthesize_usage;

#endif
