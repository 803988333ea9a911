/*
 * models: the chain of models that a configuration names, with addresses and keys. Keys come from
 * the environment or from files that only their owner may read; they are in no message, no log and
 * no print of the configuration.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_MODELS_H
#define NETRA_SERVER_MODELS_H

#include "llm/llm.h"
#include "server/config.h"

#define MODELS_KEY_BYTES_MAX 4096u

struct models {
    struct llm_provider providers[LLM_PROVIDERS_MAX];
    size_t count; /* 0: no model takes part */
    struct llm_limits limits;
    uint64_t tokens_per_run_max;
    struct arena arena; /* private: owns the texts; keys are wiped by models_done */
};

/* Reads llm.*. ERR_USAGE: a provider that is not known, no model behind the colon, an address that
 * is neither https nor on this machine, a provider that needs a key and has none, a key file that
 * others may read: the message says which entry and what to do. ERR_NO_MEMORY. */
must_check int models_read(const struct config *config, config_environment_fn *environment,
                           struct models *ret_models, struct error *error);
void models_done(struct models *models);

#endif
