/*
 * The chain's entries, one by one: provider, address, key. What is wrong is said with the entry or
 * the configuration key that it stands in, never with the text of an address or of a key: either
 * may hold a secret.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/models.h"

#include <stdio.h>

#include "auth/private_file.h"
#include "loop/clock.h"
#include "server/config_value.h"
#include "server/url.h"

#define MODELS_BYTES_MAX ((size_t)256 << 10) /* eight keys, eight addresses, names */

/* What a name in the chain stands for. */
struct provider_row {
    const char *name;
    const char *price_provider; /* as OpenTelemetry and the price book name it */
    const char *key_file;       /* without ".key" */
    const char *key_variable;
    const struct llm_wire *wire;
    enum config_key url;
    bool needs_key;
};

static const struct provider_row provider_rows[] = {
    {"openai", "openai", "openai", "OPENAI_API_KEY", &llm_wire_openai_responses,
     CONFIG_LLM_OPENAI_URL, true},
    {"openai_chat", "openai", "openai", "OPENAI_API_KEY", &llm_wire_openai_chat,
     CONFIG_LLM_OPENAI_URL, true},
    {"anthropic", "anthropic", "anthropic", "ANTHROPIC_API_KEY", &llm_wire_anthropic,
     CONFIG_LLM_ANTHROPIC_URL, true},
    {"gemini", "gcp.gemini", "gemini", "GEMINI_API_KEY", &llm_wire_gemini, CONFIG_LLM_GEMINI_URL,
     true},
    {"compatible", "", "compatible", "COMPATIBLE_API_KEY", &llm_wire_openai_chat,
     CONFIG_LLM_COMPATIBLE_URL, false},
};

struct reader {
    const struct config *config;
    config_environment_fn *environment;
    struct models *models;
    struct error *error;
};

static int out_of_memory(struct reader *reader)
{
    return error_set(reader->error, ERR_NO_MEMORY,
                     "cannot read the chain of models: out of memory");
}

/* ---- addresses ---- */

/* What is wrong with an address, or NULL. */
static const char *address_fault(struct str url)
{
    bool is_seen;
    const char *fault = url_fault(url, &is_seen);

    return fault || !is_seen ? fault : "is http, but not on this machine: the key would be seen";
}

static int read_url(struct reader *reader, const struct provider_row *row, struct str *ret_url)
{
    struct str url = str_from(config_text(reader->config, row->url));
    const char *fault = address_fault(url);

    if (fault) {
        (void)error_set(reader->error, ERR_USAGE, "%s, which llm.chain needs for %s, %s",
                        config_rows[row->url].key, row->name, fault);
        error_hint(reader->error, "Say https://HOST/…, or http://127.0.0.1:PORT/… for a server on "
                                  "this machine.");
        return ERR_USAGE;
    }
    while (str_ends_with(url, STR("/"))) {
        url.length--;
    }
    *ret_url = arena_copy(&reader->models->arena, url);
    return ret_url->data ? OK : out_of_memory(reader);
}

/* ---- keys ---- */

/* from: the variable or the file, for the message. */
static int keep_key(struct reader *reader, struct str text, const char *from, struct str *ret_key)
{
    struct str key = str_trim(text);

    if (key.length == 0 || key.length > MODELS_KEY_BYTES_MAX) {
        return error_set(reader->error, ERR_USAGE, "the key of %s is %s", from,
                         key.length ? "too long" : "empty");
    }
    for (size_t i = 0; i < key.length; i++) {
        if (key.data[i] <= ' ' || key.data[i] > '~') {
            return error_set(reader->error, ERR_USAGE,
                             "the key of %s holds a character that no key has", from);
        }
    }
    *ret_key = arena_copy(&reader->models->arena, key);
    return ret_key->data ? OK : out_of_memory(reader);
}

static int read_key_of_dir(struct reader *reader, const struct provider_row *row,
                           struct str *ret_key)
{
    cleanup(private_file_wipe) struct private_file key = {.length = 0};
    cleanup(buf_done) struct buf path = {0};
    const char *dir = config_text_or_null(reader->config, CONFIG_LLM_KEY_DIR);

    if (!dir) {
        return OK;
    }
    buf_init(&path, CONFIG_VALUE_BYTES_MAX + 64);
    buf_printf(&path, "%s/%s.key", dir, row->key_file);
    if (buf_status(&path)) {
        return out_of_memory(reader);
    }
    int code = private_file_read(path.data, &key, reader->error);
    if (code == ERR_NOT_FOUND) {
        return OK; /* no key */
    }
    return code ? ERR_USAGE
                : keep_key(reader, (struct str){key.text, key.length}, path.data, ret_key);
}

static int read_key(struct reader *reader, const struct provider_row *row, struct str *ret_key)
{
    if (!reader->environment) {
        *ret_key = row->needs_key ? STR(MODELS_KEY_SHOWN) : STR("");
        return OK;
    }
    const char *given = reader->environment(row->key_variable);
    int code = given && given[0] ? keep_key(reader, str_from(given), row->key_variable, ret_key)
                                 : read_key_of_dir(reader, row, ret_key);
    if (code == OK && row->needs_key && ret_key->length == 0) {
        (void)error_set(reader->error, ERR_USAGE, "llm.chain names %s, but there is no key for it",
                        row->name);
        error_hint(reader->error,
                   "Set %s, or put the key into the file %s.key of llm.key_dir (chmod 600).",
                   row->key_variable, row->key_file);
        return ERR_USAGE;
    }
    return code;
}

/* ---- the chain ---- */

static const struct provider_row *find_row(struct str name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(provider_rows); i++) {
        if (str_equal(name, str_from(provider_rows[i].name))) {
            return &provider_rows[i];
        }
    }
    return NULL;
}

static bool is_model_name(struct str model)
{
    for (size_t i = 0; i < model.length; i++) {
        if (model.data[i] <= ' ' || model.data[i] > '~') {
            return false;
        }
    }
    return model.length > 0 && model.length <= LLM_NAME_BYTES_MAX;
}

static int refuse_entry(struct reader *reader, struct str entry, const char *why)
{
    (void)error_set(reader->error, ERR_USAGE, "entry %zu of llm.chain, '%.*s', %s",
                    reader->models->count + 1, (int)(entry.length < 80 ? entry.length : 80),
                    entry.data ? entry.data : "", why);
    error_hint(reader->error, "An entry is PROVIDER:MODEL, such as anthropic:claude-haiku-4-5; "
                              "providers are openai, openai_chat, anthropic, gemini, compatible.");
    return ERR_USAGE;
}

static int read_entry(struct reader *reader, struct str entry)
{
    struct models *models = reader->models;
    size_t colon = str_find(entry, STR(":"), 0); /* a model's name may hold more: llama3:8b */

    if (colon == SIZE_MAX) {
        return refuse_entry(reader, entry, "has no colon between provider and model");
    }
    const struct provider_row *row = find_row(str_trim(str_slice(entry, 0, colon)));
    struct str model = str_trim(str_slice(entry, colon + 1, entry.length));
    if (!row) {
        return refuse_entry(reader, entry, "names a provider that is not known");
    }
    if (!is_model_name(model)) {
        return refuse_entry(reader, entry, "names no model behind the colon");
    }
    if (models->count == LLM_PROVIDERS_MAX) {
        return error_set(reader->error, ERR_USAGE, "llm.chain has more than %u entries",
                         LLM_PROVIDERS_MAX);
    }
    struct llm_provider *provider = &models->providers[models->count];
    *provider = (struct llm_provider){.name = str_from(row->name),
                                      .price_provider = str_from(row->price_provider),
                                      .wire = row->wire,
                                      .model = arena_copy(&models->arena, model)};
    if (!provider->model.data) {
        return out_of_memory(reader);
    }
    int code = read_url(reader, row, &provider->url);
    if (code == OK) {
        code = read_key(reader, row, &provider->key);
    }
    models->count += code == OK;
    return code;
}

static int read_chain(struct reader *reader)
{
    struct str rest = str_trim(str_from(config_text(reader->config, CONFIG_LLM_CHAIN)));
    bool is_last = rest.length == 0;
    int code = OK;

    while (code == OK && !is_last) {
        size_t comma = str_find(rest, STR(","), 0);

        is_last = comma == SIZE_MAX;
        code = read_entry(reader, str_trim(str_slice(rest, 0, is_last ? rest.length : comma)));
        rest = str_slice(rest, is_last ? rest.length : comma + 1, rest.length);
    }
    return code;
}

static struct llm_limits read_limits(const struct config *config)
{
    uint64_t wait_ms_max = config_number(config, CONFIG_LLM_RETRY_WAIT_MAX_MS);

    return (struct llm_limits){
        .attempts_max = (unsigned)config_number(config, CONFIG_LLM_ATTEMPTS_MAX),
        .wait_ms_first = wait_ms_max < MODELS_WAIT_MS_FIRST ? wait_ms_max : MODELS_WAIT_MS_FIRST,
        .wait_ms_max = wait_ms_max,
        .connect_timeout_ms = config_number(config, CONFIG_LLM_CONNECT_TIMEOUT_MS),
        .first_token_timeout_ms = config_number(config, CONFIG_LLM_FIRST_TOKEN_TIMEOUT_MS),
        .idle_timeout_ms = config_number(config, CONFIG_LLM_IDLE_TIMEOUT_MS),
        .total_timeout_ms = config_number(config, CONFIG_LLM_TOTAL_TIMEOUT_MS),
        .question_timeout_ms = config_number(config, CONFIG_LLM_QUESTION_TIMEOUT_MS),
        .breaker_failures = (unsigned)config_number(config, CONFIG_LLM_BREAKER_FAILURES),
        .breaker_open_ms = config_number(config, CONFIG_LLM_BREAKER_OPEN_MS),
    };
}

int models_read(const struct config *config, config_environment_fn *environment,
                struct models *ret_models, struct error *error)
{
    struct models models = {.limits = read_limits(config),
                            .tokens_per_run_max =
                                config_number(config, CONFIG_LLM_TOKENS_PER_RUN_MAX)};
    struct reader reader = {
        .config = config, .environment = environment, .models = &models, .error = error};

    arena_init(&models.arena, MODELS_BYTES_MAX);
    int code = read_chain(&reader);
    if (code) {
        models_done(&models);
        return code;
    }
    *ret_models = models;
    return OK;
}

int models_start(struct models *models, const struct config *config, struct loop *loop,
                 struct http_client **ret_client, struct llm **ret_llm, struct error *error)
{
    int code =
        http_client_new(loop, config_text_or_null(config, CONFIG_LLM_CA_FILE), ret_client, error);

    if (code == OK) {
        struct llm_options options = {.loop = loop,
                                      .client = *ret_client,
                                      .providers = models->providers,
                                      .provider_count = models->count,
                                      .limits = models->limits,
                                      .clock_us = clock_now_us,
                                      .seed = (uint64_t)clock_now_us()};

        code = llm_new(&options, ret_llm, error);
    }
    models_forget_keys(models);
    return code;
}

const struct llm_provider *models_example(void)
{
    static const struct llm_provider example = {
        .name = {"openai", 6},
        .price_provider = {"openai", 6},
        .wire = &llm_wire_openai_responses,
        .url = {"https://api.openai.com/v1", 25},
        .key = {MODELS_KEY_SHOWN, sizeof(MODELS_KEY_SHOWN) - 1},
        .model = {"MODEL", 5},
    };

    return &example;
}

void models_forget_keys(struct models *models)
{
    for (size_t i = 0; i < models->count; i++) {
        struct str *key = &models->providers[i].key;
        bool is_secret = key->length && !str_equal(*key, STR(MODELS_KEY_SHOWN));

        if (is_secret) {
            explicit_bzero((char *)key->data, key->length); /* the arena's own copy */
            *key = STR(MODELS_KEY_SHOWN);
        }
    }
}

void models_done(struct models *models)
{
    models_forget_keys(models);
    arena_done(&models->arena);
    *models = (struct models){0};
}
