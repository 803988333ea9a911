/*
 * Any bytes as netra.conf, and its chain of models read: refused with a message, or no more links
 * than there may be, each with an address to which a key may be sent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/check.h"
#include "server/config_read.h"
#include "server/config_value.h"
#include "server/models.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *environment(const char *name)
{
    static char key[] = "a-key";

    return str_ends_with(str_from(name), STR("_API_KEY")) ? key : NULL;
}

static struct str until(struct str text, const char *stops)
{
    size_t end = 0;

    while (end < text.length && !strchr(stops, text.data[end])) {
        end++;
    }
    return str_slice(text, 0, end);
}

static bool is_made_of(struct str text, const char *characters)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!strchr(characters, text.data[i])) {
            return false;
        }
    }
    return text.length > 0;
}

/* Judged in another way than the reader does it. */
static bool may_have_a_key(struct str url)
{
    bool is_https = str_starts_with(url, STR("https://"));
    struct str authority = until(str_slice(url, is_https ? 8 : 7, url.length), "/");
    struct str host = until(authority, authority.data[0] == '[' ? "" : ":");

    if (str_find(authority, STR("@"), 0) != SIZE_MAX || host.length == 0) {
        return false;
    }
    return is_https || str_equal(host, STR("localhost")) ||
           (str_starts_with(host, STR("127.")) && is_made_of(host, "0123456789.")) ||
           (host.data[0] == '[' && is_made_of(until(host, "]"), "[0:1."));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct models models;
    struct error error = {0};

    check(config_init(&config, &error) == OK);
    if (config_read_text(&config, "netra.conf", (struct str){(const char *)data, size}, &error) ==
        OK) {
        int code = models_read(&config, environment, &models, &error);

        check(code == OK || (code == ERR_USAGE && error.message[0]));
        for (size_t i = 0; code == OK && i < models.count; i++) {
            const struct llm_provider *provider = &models.providers[i];

            check(i < LLM_PROVIDERS_MAX && provider->wire && provider->model.length);
            check(provider->url.length > 8 && may_have_a_key(provider->url));
            check(!str_ends_with(provider->url, STR("/")));
        }
        if (code == OK) {
            models_done(&models);
        }
    }
    config_done(&config);
    return 0;
}
