/*
 * schemas: the resources as JSON schema texts, for the OpenAPI document. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_SCHEMAS_H
#define NETRA_API_SCHEMAS_H

#include <stddef.h>

struct schema {
    const char *name;
    const char *json;
};

extern const struct schema schemas[];
extern const size_t schema_count;

#endif
