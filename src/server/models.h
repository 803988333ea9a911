/*
 * models: the chain of models that a configuration names, with addresses and keys. Keys come from
 * the environment or from files that only their owner may read; they are in no message, no log and
 * no print of the configuration.
 *
 *     models_read → models_start (keys go to llm and are forgotten) → settings → models_done
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_MODELS_H
#define NETRA_SERVER_MODELS_H

#include "llm/llm.h"
#include "server/config.h"

#define MODELS_KEY_BYTES_MAX 4096u
#define MODELS_WAIT_MS_FIRST 500u /* the first wait between attempts is random up to it */

/* Stands for a key that is there and is not to be seen. */
#define MODELS_KEY_SHOWN "…"

struct models {
    struct llm_provider providers[LLM_PROVIDERS_MAX];
    size_t count; /* 0: no model takes part */
    struct llm_limits limits;
    uint64_t tokens_per_run_max;
    struct arena arena; /* private: owns the texts; keys are wiped by models_done */
};

/* Reads llm.*. environment NULL: keys are not looked for, a provider that needs one has
 * MODELS_KEY_SHOWN: for showing what would be sent. ERR_USAGE: a provider that is not known, no
 * model behind the colon, an address that is neither https nor on this machine, a provider that
 * needs a key and has none, a key file that others may read: the message says which entry and what
 * to do. ERR_NO_MEMORY. After a failure there is nothing to be done. */
must_check int models_read(const struct config *config, config_environment_fn *environment,
                           struct models *ret_models, struct error *error);

/* Makes the client and the chain (of a count above 0), which copies what it needs; the keys are
 * forgotten here whatever comes of it. What was made before a failure is the caller's to free, like
 * the rest: llm_free, http_client_free, in this order. The errors of both. */
must_check int models_start(struct models *models, const struct config *config, struct loop *loop,
                            struct http_client **ret_client, struct llm **ret_llm,
                            struct error *error);

/* The form of a request where there is no chain: OpenAI's responses of a model named MODEL. */
const struct llm_provider *models_example(void);

/* Wipes the keys; where one was, MODELS_KEY_SHOWN stays. */
void models_forget_keys(struct models *models);

/* Wipes the keys and frees everything. Of a zeroed struct too. */
void models_done(struct models *models);

#endif
