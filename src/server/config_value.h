/*
 * config_value: from text to what a kind of key holds. Private to server/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_CONFIG_VALUE_H
#define NETRA_SERVER_CONFIG_VALUE_H

#include "server/config.h"

/* The number behind a value (0 where the kind has none). ERR_USAGE: the message says what was
 * expected, without saying where. */
must_check int config_value_parse(const struct config_row *row, struct str text,
                                  uint64_t *ret_number, struct error *error);

/* "127.0.0.1:8421", "[::1]:0", "localhost:80". False when it is none of these. */
bool config_address_parse(struct str text, struct config_address *ret_address);

#endif
