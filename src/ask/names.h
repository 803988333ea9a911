/*
 * names: closed lists that the lexicon refers to by number: providers and named times.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ASK_NAMES_H
#define NETRA_ASK_NAMES_H

enum ask_provider {
#define ASK_PROVIDER(id, name) PROVIDER_##id,
#include "ask/provider.def"
#undef ASK_PROVIDER
    PROVIDER_COUNT
};

enum ask_time_point {
#define ASK_TIME_POINT(id, name) TIME_POINT_##id,
#include "ask/time_point.def"
#undef ASK_TIME_POINT
    TIME_POINT_COUNT
};

#endif
