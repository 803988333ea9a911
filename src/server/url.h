/*
 * url: what is wrong with the address of a service that an operator configured. Never part of a
 * message: it may hold a secret. Private to server/ and cli/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_URL_H
#define NETRA_SERVER_URL_H

#include <stdbool.h>

#include "base/str.h"

/* Of a base, http[s]://HOST[:PORT][/PATH]: the end of a sentence ("names no host …"), or NULL. Then
 * is_seen says that what is sent there can be read on its way: http, and not on this machine. */
const char *url_fault(struct str url, bool *ret_is_seen);

#endif
