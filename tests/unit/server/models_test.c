/*
 * The chain of models: entries, addresses and keys that are taken, everything that is refused, and
 * that a key is seen nowhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "server/models.h"

#define SECRET      "sk-of-the-environment-0123456789"
#define SECRET_FILE "sk-of-the-file-9876543210"
#define PATH_BYTES  128
#define PRINT_BYTES ((size_t)1 << 20)

static struct config config;
static struct models models;
static char folder[] = "/tmp/netra-models-XXXXXX";
static const char *odd_key; /* of gemini, in odd_environment */

static int set_up(void **state)
{
    struct error error = {0};

    (void)state;
    memcpy(folder, "/tmp/netra-models-XXXXXX", sizeof(folder));
    models = (struct models){0};
    return !mkdtemp(folder) || config_init(&config, &error);
}

static int tear_down(void **state)
{
    static const char *const names[] = {"openai", "anthropic", "gemini", "compatible"};
    char path[PATH_BYTES];

    (void)state;
    models_done(&models);
    config_done(&config);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s.key", folder, names[i]);
        (void)remove(path);
    }
    return remove(folder);
}

static char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static char *environment(const char *name)
{
    static char secret[] = " " SECRET "\n";
    static char nothing[] = "";

    return strcmp(name, "OPENAI_API_KEY") == 0 || strcmp(name, "ANTHROPIC_API_KEY") == 0 ? secret
           : strcmp(name, "COMPATIBLE_API_KEY") == 0                                     ? nothing
                                                                                         : NULL;
}

static char *odd_environment(const char *name)
{
    return strcmp(name, "GEMINI_API_KEY") == 0 ? (char *)odd_key : NULL;
}

static void set(enum config_key key, const char *value)
{
    struct error error = {0};

    assert_int_equal(
        config_set(&config, str_from(config_rows[key].key), str_from(value), CONFIG_FLAG, &error),
        OK);
}

static void write_key(const char *name, const char *text, mode_t mode)
{
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof(path), "%s/%s.key", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void read_chain(config_environment_fn *from)
{
    struct error error = {0};

    if (models_read(&config, from, &models, &error)) {
        fail_msg("refused: %s", error.message);
    }
}

/* Refused with a message that holds part and no secret. */
static void assert_refused(config_environment_fn *from, const char *part)
{
    struct error error = {0};
    struct models untouched = {.count = 77};

    if (models_read(&config, from, &untouched, &error) != ERR_USAGE) {
        fail_msg("taken, but should say '%s'", part);
    }
    assert_int_equal(untouched.count, 77);
    if (!strstr(error.message, part)) {
        fail_msg("'%s' does not say '%s'", error.message, part);
    }
    assert_null(strstr(error.message, "sk-"));
    assert_null(strstr(error.hint, "sk-"));
}

static void test_no_chain_is_no_model(void **state)
{
    (void)state;
    set(CONFIG_LLM_OPENAI_URL, "nonsense"); /* nobody asks for it */
    read_chain(environment);
    assert_int_equal(models.count, 0);
    assert_int_equal(models.tokens_per_run_max, 60000);
    assert_int_equal(models.limits.attempts_max, 2);
}

static void test_a_chain_in_its_order(void **state)
{
    (void)state;
    set(CONFIG_LLM_CHAIN, " anthropic:claude-haiku-4-5 ,openai:gpt-5-mini, openai_chat : gpt-4o,"
                          "compatible:meta/llama3:8b");
    set(CONFIG_LLM_COMPATIBLE_URL, "http://127.0.0.1:11434/v1//");
    read_chain(environment);
    assert_int_equal(models.count, 4);
    assert_str(models.providers[0].name, "anthropic");
    assert_str(models.providers[0].price_provider, "anthropic");
    assert_str(models.providers[0].model, "claude-haiku-4-5");
    assert_str(models.providers[0].key, SECRET);
    assert_str(models.providers[0].url, "https://api.anthropic.com");
    assert_ptr_equal(models.providers[0].wire, &llm_wire_anthropic);
    assert_ptr_equal(models.providers[1].wire, &llm_wire_openai_responses);
    assert_str(models.providers[2].name, "openai_chat");
    assert_str(models.providers[2].price_provider, "openai");
    assert_str(models.providers[2].model, "gpt-4o");
    assert_str(models.providers[2].key, SECRET);
    assert_ptr_equal(models.providers[2].wire, &llm_wire_openai_chat);
    assert_str(models.providers[3].model, "meta/llama3:8b");
    assert_str(models.providers[3].url, "http://127.0.0.1:11434/v1");
    assert_int_equal(models.providers[3].key.length, 0);
    assert_int_equal(models.providers[3].price_provider.length, 0);
}

static void test_limits_are_those_of_the_configuration(void **state)
{
    (void)state;
    set(CONFIG_LLM_RETRY_WAIT_MAX_MS, "100");
    set(CONFIG_LLM_ATTEMPTS_MAX, "3");
    set(CONFIG_LLM_TOKENS_PER_RUN_MAX, "1000");
    set(CONFIG_LLM_BREAKER_OPEN_MS, "77");
    read_chain(environment);
    assert_int_equal(models.limits.wait_ms_max, 100);
    assert_int_equal(models.limits.wait_ms_first, 100); /* never above the longest */
    assert_int_equal(models.limits.attempts_max, 3);
    assert_int_equal(models.limits.breaker_open_ms, 77);
    assert_int_equal(models.limits.first_token_timeout_ms, 20000);
    assert_int_equal(models.tokens_per_run_max, 1000);
}

static void test_entries_that_are_refused(void **state)
{
    static const struct {
        const char *chain;
        const char *part;
    } cases[] = {
        {"openai", "entry 1 of llm.chain, 'openai', has no colon"},
        {"openai:gpt-5-mini,", "entry 2 of llm.chain, '', has no colon"},
        {",openai:gpt-5-mini", "entry 1 of llm.chain, '', has no colon"},
        {"openai:gpt-5-mini, mistral:large", "entry 2 of llm.chain, 'mistral:large', names a "
                                             "provider that is not known"},
        {"OpenAI:gpt-5-mini", "names a provider that is not known"},
        {":gpt-5-mini", "names a provider that is not known"},
        {"openai:", "'openai:', names no model"},
        {"openai: ,anthropic:x", "names no model"},
        {"openai:gpt 5", "names no model"},
        {"openai:gpt\t5", "names no model"},
        {"openai:a,openai:a,openai:a,openai:a,openai:a,openai:a,openai:a,openai:a,openai:a",
         "more than 8 entries"},
    };
    char name[LLM_NAME_BYTES_MAX + 16];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        set(CONFIG_LLM_CHAIN, cases[i].chain);
        assert_refused(environment, cases[i].part);
    }
    (void)snprintf(name, sizeof(name), "openai:%0*d", (int)LLM_NAME_BYTES_MAX, 0);
    set(CONFIG_LLM_CHAIN, name);
    read_chain(environment);
    (void)snprintf(name, sizeof(name), "openai:%0*d", (int)LLM_NAME_BYTES_MAX + 1, 0);
    set(CONFIG_LLM_CHAIN, name);
    assert_refused(environment, "names no model");
}

static void test_addresses(void **state)
{
    static const struct {
        const char *url;
        const char *part; /* NULL: taken */
    } cases[] = {
        {"https://api.example.org", NULL},
        {"https://api.example.org:8443/v1", NULL},
        {"https://[2001:db8::1]:443/v1", NULL},
        {"https://10.0.0.1/v1", NULL},
        {"http://127.0.0.1:8080", NULL},
        {"http://127.8.9.10/v1", NULL},
        {"http://localhost:8080/v1", NULL},
        {"http://[::1]:8080/v1", NULL},
        {"", "is empty"},
        {"ftp://example.org", "begins with https://"},
        {"api.example.org/v1", "begins with https://"},
        {"HTTP://127.0.0.1", "begins with https://"},
        {"http://api.example.org", "is http, but not on this machine"},
        {"http://10.0.0.1", "is http, but not on this machine"},
        {"http://0.0.0.0:1", "is http, but not on this machine"},
        {"http://127.1:1", "is http, but not on this machine"},
        {"http://127.0.0.1.example.org", "is http, but not on this machine"},
        {"http://localhost.example.org", "is http, but not on this machine"},
        {"http://[::ffff:127.0.0.1]", "is http, but not on this machine"},
        {"http://[::2]", "is http, but not on this machine"},
        {"http://127.0.0.1@example.org", "user name or a password"},
        {"https://me:sk-secret@example.org", "user name or a password"},
        {"http://127.0.0.1\\@example.org", "characters"},
        {"https://example.org/v1?key=sk-secret", "characters"},
        {"https://example.org/#", "characters"},
        {"https://exam ple.org", "characters"},
        {"https://ex\xc3\xa4mple.org", "characters"},
        {"https://", "names no host"},
        {"https:///v1", "names no host"},
        {"https://:443", "names no host"},
        {"https://example.org:", "no port"},
        {"https://example.org:0", "no port"},
        {"https://example.org:65536", "no port"},
        {"https://example.org:80:80", "no port"},
        {"https://2001:db8::1", "no port"},
        {"https://[2001:db8::1", "names no host"},
        {"https://[example.org]", "names no host"},
        {"http://[::1]x:80", "no port"},
    };

    (void)state;
    set(CONFIG_LLM_CHAIN, "compatible:llama");
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        set(CONFIG_LLM_COMPATIBLE_URL, cases[i].url);
        if (cases[i].part) {
            assert_refused(environment, cases[i].part);
            continue;
        }
        struct error error = {0};
        if (models_read(&config, environment, &models, &error)) {
            fail_msg("'%s' is refused: %s", cases[i].url, error.message);
        }
        assert_str(models.providers[0].url, cases[i].url);
        models_done(&models);
    }
}

static void test_every_provider_has_its_address(void **state)
{
    static const struct {
        enum config_key key;
        const char *chain;
    } cases[] = {
        {CONFIG_LLM_OPENAI_URL, "openai:m"},         {CONFIG_LLM_OPENAI_URL, "openai_chat:m"},
        {CONFIG_LLM_ANTHROPIC_URL, "anthropic:m"},   {CONFIG_LLM_GEMINI_URL, "gemini:m"},
        {CONFIG_LLM_COMPATIBLE_URL, "compatible:m"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        set(CONFIG_LLM_CHAIN, cases[i].chain);
        set(cases[i].key, "http://127.0.0.1:9/x");
        read_chain(/* environment */ NULL);
        assert_str(models.providers[0].url, "http://127.0.0.1:9/x");
        models_done(&models);
        set(cases[i].key, "http://example.org");
        assert_refused(/* environment */ NULL, config_rows[cases[i].key].key);
    }
}

static void test_a_key_is_needed(void **state)
{
    struct error error = {0};

    (void)state;
    set(CONFIG_LLM_CHAIN, "gemini:gemini-2.5-flash");
    assert_int_equal(models_read(&config, environment, &models, &error), ERR_USAGE);
    assert_non_null(strstr(error.message, "llm.chain names gemini"));
    assert_non_null(strstr(error.hint, "GEMINI_API_KEY"));
    assert_non_null(strstr(error.hint, "gemini.key"));
    set(CONFIG_LLM_KEY_DIR, folder); /* where there is none either */
    assert_refused(environment, "llm.chain names gemini");
    set(CONFIG_LLM_CHAIN, "compatible:llama");
    set(CONFIG_LLM_COMPATIBLE_URL, "http://127.0.0.1:9");
    read_chain(environment);
    assert_int_equal(models.providers[0].key.length, 0);
}

static void test_the_environment_wins_over_the_file(void **state)
{
    (void)state;
    set(CONFIG_LLM_KEY_DIR, folder);
    set(CONFIG_LLM_COMPATIBLE_URL, "http://127.0.0.1:9");
    set(CONFIG_LLM_CHAIN, "openai:a,anthropic:b,gemini:c,compatible:d,openai_chat:e");
    write_key("openai", SECRET_FILE, 0644); /* not even looked at */
    write_key("gemini", " " SECRET_FILE " \r\n", 0600);
    write_key("compatible", SECRET_FILE "\n", 0400);
    read_chain(environment);
    assert_str(models.providers[0].key, SECRET);
    assert_str(models.providers[1].key, SECRET);
    assert_str(models.providers[2].key, SECRET_FILE);
    assert_str(models.providers[3].key, SECRET_FILE); /* an empty variable is none */
    assert_str(models.providers[4].key, SECRET);
}

static void test_a_key_file_belongs_to_its_owner_alone(void **state)
{
    static const mode_t refused[] = {0644, 0640, 0604, 0620, 0610, 0601, 0602, 0660, 0777};

    (void)state;
    set(CONFIG_LLM_KEY_DIR, folder);
    set(CONFIG_LLM_CHAIN, "openai:a");
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        write_key("openai", SECRET_FILE, refused[i]);
        assert_refused(no_environment, "others may use the key file");
    }
    write_key("openai", SECRET_FILE, 0600);
    read_chain(no_environment);
    assert_str(models.providers[0].key, SECRET_FILE);
}

static void test_key_files_that_are_none(void **state)
{
    char path[PATH_BYTES];
    char *long_key = alloc_zeroed(MODELS_KEY_BYTES_MAX + 3, 1);

    (void)state;
    assert_non_null(long_key);
    set(CONFIG_LLM_KEY_DIR, folder);
    set(CONFIG_LLM_CHAIN, "openai:a");
    write_key("openai", "", 0600);
    assert_refused(no_environment, "is empty");
    write_key("openai", " \n", 0600);
    assert_refused(no_environment, "is empty");
    write_key("openai", "sk-one\nsk-two\n", 0600);
    assert_refused(no_environment, "character that no key has");
    memset(long_key, 'k', MODELS_KEY_BYTES_MAX);
    write_key("openai", long_key, 0600);
    read_chain(no_environment);
    assert_int_equal(models.providers[0].key.length, MODELS_KEY_BYTES_MAX);
    models_done(&models);
    long_key[MODELS_KEY_BYTES_MAX] = 'k';
    write_key("openai", long_key, 0600);
    assert_refused(no_environment, "too long");
    long_key[MODELS_KEY_BYTES_MAX + 1] = 'k';
    write_key("openai", long_key, 0600);
    assert_refused(no_environment, "too long");
    (void)snprintf(path, sizeof(path), "%s/openai.key", folder);
    assert_int_equal(remove(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(no_environment, "it is no file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* and nobody waits for its writer */
    assert_refused(no_environment, "it is no file");
    alloc_free(long_key);
}

static void test_odd_keys_of_the_environment(void **state)
{
    static const char *const odd[] = {"sk-a b", "sk-a\r\nX-Evil: 1", "sk-\xc3\xa4", "sk-\x7f", " "};

    (void)state;
    set(CONFIG_LLM_CHAIN, "gemini:g");
    for (size_t i = 0; i < ARRAY_LENGTH(odd); i++) {
        odd_key = odd[i];
        assert_refused(odd_environment, "GEMINI_API_KEY");
    }
}

static void test_keys_are_not_printed(void **state)
{
    cleanup(buf_done) struct buf text = {0};

    (void)state;
    buf_init(&text, PRINT_BYTES);
    set(CONFIG_LLM_KEY_DIR, folder);
    set(CONFIG_LLM_CHAIN, "openai:a,gemini:c");
    write_key("gemini", SECRET_FILE, 0600);
    read_chain(environment);
    config_print(&config, &text);
    config_print_sample(&text);
    config_print_docs(&text);
    assert_int_equal(buf_status(&text), OK);
    assert_int_equal(str_find(buf_str(&text), STR(SECRET), 0), SIZE_MAX);
    assert_int_equal(str_find(buf_str(&text), STR(SECRET_FILE), 0), SIZE_MAX);
}

/* The memory is still the arena's own, so it may be looked at. */
static void test_keys_are_wiped_when_they_have_been_used(void **state)
{
    (void)state;
    set(CONFIG_LLM_CHAIN, "openai:a,compatible:b");
    set(CONFIG_LLM_COMPATIBLE_URL, "http://127.0.0.1:9");
    read_chain(environment);
    const char *kept = models.providers[0].key.data;
    assert_memory_equal(kept, SECRET, strlen(SECRET));
    models_forget_keys(&models);
    for (size_t i = 0; i < strlen(SECRET); i++) {
        assert_int_equal(kept[i], 0);
    }
    assert_str(models.providers[0].key, MODELS_KEY_SHOWN);
    assert_int_equal(models.providers[1].key.length, 0);
    assert_str(models.providers[0].model, "a");
    models_forget_keys(&models);
    assert_str(models.providers[0].key, MODELS_KEY_SHOWN);
}

/* What would be sent can be looked at before there is a key. */
static void test_without_an_environment_no_key_is_looked_for(void **state)
{
    (void)state;
    set(CONFIG_LLM_CHAIN, "openai:a,compatible:b");
    set(CONFIG_LLM_COMPATIBLE_URL, "http://127.0.0.1:9");
    set(CONFIG_LLM_KEY_DIR, folder);
    write_key("openai", SECRET_FILE, 0600);
    read_chain(/* environment */ NULL);
    assert_str(models.providers[0].key, MODELS_KEY_SHOWN);
    assert_int_equal(models.providers[1].key.length, 0);
}

static void test_models_survive_every_failing_allocation(void **state)
{
    int code = ERR_NO_MEMORY;

    (void)state;
    set(CONFIG_LLM_CHAIN, "openai:a,gemini:c");
    set(CONFIG_LLM_KEY_DIR, folder);
    write_key("gemini", SECRET_FILE, 0600);
    for (uint64_t nth = 1; nth < 100 && code; nth++) {
        struct error error = {0};

        (void)alloc_fail_from(nth);
        code = models_read(&config, environment, &models, &error);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    assert_int_equal(code, OK);
    assert_int_equal(models.count, 2);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    CASE(test_no_chain_is_no_model),
    CASE(test_a_chain_in_its_order),
    CASE(test_limits_are_those_of_the_configuration),
    CASE(test_entries_that_are_refused),
    CASE(test_addresses),
    CASE(test_every_provider_has_its_address),
    CASE(test_a_key_is_needed),
    CASE(test_the_environment_wins_over_the_file),
    CASE(test_a_key_file_belongs_to_its_owner_alone),
    CASE(test_key_files_that_are_none),
    CASE(test_odd_keys_of_the_environment),
    CASE(test_keys_are_not_printed),
    CASE(test_keys_are_wiped_when_they_have_been_used),
    CASE(test_without_an_environment_no_key_is_looked_for),
    CASE(test_models_survive_every_failing_allocation),
};

UNIT_MAIN(tests)
