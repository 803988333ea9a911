/*
 * schemas: the resources as JSON schemas by name, for the OpenAPI document: the text of
 * schemas.json, one JSON object. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_SCHEMAS_H
#define NETRA_API_SCHEMAS_H

extern const char schemas_json[];

#endif
