/*
 * Any bytes as netra.conf: read or refused with a message, and what was accepted is in bounds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/check.h"
#include "server/config_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct error error = {0};

    check(config_init(&config, &error) == OK);
    int code =
        config_read_text(&config, "netra.conf", (struct str){(const char *)data, size}, &error);
    check(code == OK || (code == ERR_USAGE && error.message[0]));
    for (unsigned i = 0; i < CONFIG_COUNT; i++) {
        const struct config_row *row = &config_rows[i];

        check(config.values[i].text);
        check(row->most == 0 ||
              (config.values[i].number >= row->least && config.values[i].number <= row->most));
    }
    config_done(&config);
    return 0;
}
