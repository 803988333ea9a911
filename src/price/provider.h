/*
 * provider: the names that lists, records and routes give to one provider, and the OpenTelemetry
 * name (gen_ai.provider.name) that stands for all of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_PRICE_PROVIDER_H
#define NETRA_PRICE_PROVIDER_H

#include <stdbool.h>

#include "base/str.h"

/* How near a provider is to the model's maker: a lower rank wins a bare model name. */
enum provider_rank {
    PROVIDER_MAKER, /* sells its own models */
    PROVIDER_CLOUD, /* a large cloud that sells the maker's models under its own bill */
    PROVIDER_OTHER  /* hosts and resellers */
};

struct provider {
    struct str spelling; /* lower case */
    struct str name;     /* OpenTelemetry, or the usual name where that has none */
    enum provider_rank rank;
    bool passes; /* as a route ("azure/gpt-4o") it may stand before the maker's model */
};

/* The entry for a spelling, ASCII case ignored, or NULL. */
const struct provider *provider_find(struct str spelling);

/* The OpenTelemetry name; an unknown spelling stands for itself. */
struct str provider_name(struct str spelling);

enum provider_rank provider_rank_of(struct str name);

/* Whether a row of provider row_name may answer for a record of provider asked; both OpenTelemetry
 * names. gcp.gen_ai is Google without saying which of its two doors. */
bool provider_matches(struct str asked, struct str row_name);

#endif
