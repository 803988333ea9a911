/*
 * model: a model provider on loopback that writes a word every 100 ms, as OpenAI's chat completions
 * stream them. What it writes passes Netra's judge (report/prose.h), so that each word becomes an
 * event. A text begins when it is told to: model_go.
 *
 * One libuv loop; no threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_SOAK_MODEL_H
#define NETRA_TESTS_SOAK_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define MODEL_WORD_MS 100u

struct model;

/* words: of each text. NULL: it cannot listen. */
struct model *model_start(uv_loop_t *loop, unsigned words);
uint16_t model_port(const struct model *model);

/* Texts that were asked for and wait for model_go. */
unsigned model_waiting(const struct model *model);

/* Texts that wait begin within the next MODEL_WORD_MS, spread over it; later ones at once. */
void model_go(struct model *model);

/* Texts that were written to their end; words written in all. */
unsigned model_finished(const struct model *model);
uint64_t model_words(const struct model *model);

/* Closes everything; the memory goes with the process. */
void model_stop(struct model *model);

#endif
