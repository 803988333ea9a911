/*
 * own_place: where a browser is sent after signing in: a path of this server, never another one.
 * Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_OWN_PLACE_H
#define NETRA_API_OWN_PLACE_H

#include <stdbool.h>

#include "base/str.h"

/* "/threads/1?a=b"; not "//evil", "/\evil", nor with anything but visible ASCII. */
bool is_own_place(struct str next);

#endif
