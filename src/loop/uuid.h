/*
 * uuid: identifiers that sort by time (UUIDv7, RFC 9562).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LOOP_UUID_H
#define NETRA_LOOP_UUID_H

#include "base/error.h"

#define UUID_BYTES 37 /* text with its NUL */

/* ERR_IO when the system has no randomness to give. */
must_check int uuid_v7(char *ret_text, struct error *error);

#endif
