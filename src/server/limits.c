/* SPDX-License-Identifier: Apache-2.0 */
#include "server/limits.h"

#define BURST_S             5u /* a bucket holds what comes in in so many seconds */
#define ADDRESS_PER_S       200u
#define USER_PER_S          50u
#define KEY_PER_S           20u
#define COSTLY_PER_MIN      60u
#define WEBSOCKETS_PER_USER 50u
#define SECONDS_OF_A_MINUTE 60u

static bool has_accounts(const struct config *config)
{
    return strcmp(config_text(config, CONFIG_AUTH_MODE), "accounts") == 0;
}

/* The key's value; 0: the default of accounts mode, none in local mode. */
static uint64_t value_of(const struct config *config, enum config_key key, uint64_t with_accounts)
{
    uint64_t value = config_number(config, key);

    return value || !has_accounts(config) ? value : with_accounts;
}

static struct api_limit_rule per_second(uint64_t tokens)
{
    return (struct api_limit_rule){.tokens = tokens, .per_s = 1, .burst = tokens * BURST_S};
}

static struct api_limit_rule per_minute(uint64_t tokens)
{
    return (struct api_limit_rule){.tokens = tokens, .per_s = SECONDS_OF_A_MINUTE, .burst = tokens};
}

struct api_limits server_limits(const struct config *config)
{
    uint64_t secret = config_number(config, CONFIG_LIMIT_SECRET_PER_MIN);
    struct api_limits limits = {
        .websockets_per_user =
            (unsigned)value_of(config, CONFIG_LIMIT_WEBSOCKETS_PER_USER, WEBSOCKETS_PER_USER),
        .storage_bytes = config_number(config, CONFIG_QUOTA_STORAGE_BYTES),
        .model_tokens_day = config_number(config, CONFIG_QUOTA_MODEL_TOKENS_PER_DAY),
    };

    limits.rules[API_LIMIT_ADDRESS] =
        per_second(value_of(config, CONFIG_LIMIT_ADDRESS_PER_S, ADDRESS_PER_S));
    limits.rules[API_LIMIT_USER] =
        per_second(value_of(config, CONFIG_LIMIT_USER_PER_S, USER_PER_S));
    limits.rules[API_LIMIT_KEY] = per_second(value_of(config, CONFIG_LIMIT_KEY_PER_S, KEY_PER_S));
    limits.rules[API_LIMIT_COSTLY] =
        per_minute(value_of(config, CONFIG_LIMIT_COSTLY_PER_MIN, COSTLY_PER_MIN));
    /* In local mode there are no passwords, and codes of 256 bits are not guessed. */
    limits.rules[API_LIMIT_SECRET] = per_minute(has_accounts(config) ? secret : 0);
    return limits;
}
