/*
 * builtin: the text of book.json, which tools/embed.py turns into a C array at build time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_PRICE_BUILTIN_H
#define NETRA_PRICE_BUILTIN_H

#include <stddef.h>

extern const unsigned char price_builtin_json[];
extern const size_t price_builtin_json_size;

#endif
