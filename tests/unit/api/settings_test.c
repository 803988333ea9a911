/*
 * Settings: the chain as it is, what models are told, what would be sent for a question, word for
 * word; no key is in it. One server with a chain that nobody answers, one without.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api_fixture.h"

#include "agent/prompts.h"

#define SECRET "sk-0123456789-of-the-test"

static struct house with_chain;
static struct house without_chain;
static struct llm_provider links[2];

#define ASK(name, ...) cleanup(answer_done) struct answer name = __VA_ARGS__

static int open_houses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(links); i++) {
        links[i] = (struct llm_provider){.name = i ? STR("compatible") : STR("anthropic"),
                                         .wire = i ? &llm_wire_openai_chat : &llm_wire_anthropic,
                                         .url = STR("http://127.0.0.1:9"),
                                         .key = i ? STR("") : STR(SECRET),
                                         .model = i ? STR("llama3:8b") : STR("claude-haiku-4-5")};
    }
    with_chain.providers = links;
    with_chain.provider_count = ARRAY_LENGTH(links);
    house_open(&with_chain);
    house_open(&without_chain);
    return 0;
}

static int close_houses(void **state)
{
    (void)state;
    house_close(&with_chain);
    house_close(&without_chain);
    return 0;
}

static int64_t number_of(struct json_value value, const char *key)
{
    int64_t number = -1;

    (void)json_get_i64(json_at(value, key), &number);
    return number;
}

static bool flag_of(struct json_value value, const char *key)
{
    bool flag = false;

    assert_true(json_get_bool(json_at(value, key), &flag));
    return flag;
}

static bool holds(struct str text, const char *part)
{
    return str_find(text, str_from(part), 0) != SIZE_MAX;
}

static struct json_value first_of(struct json_value list)
{
    struct json_iterator it = json_iterate(list);

    assert_true(json_next(&it));
    return it.value;
}

static void test_the_chain_is_shown_in_its_order(void **state)
{
    ASK(answer, house_get(&with_chain, "/api/settings"));

    (void)state;
    assert_status(answer, 200);
    struct json_value models = json_at(house_json(&with_chain, &answer), "models");
    assert_int_equal(json_count(json_at(models, "chain")), 2);
    assert_int_equal(number_of(models, "tokens_per_run_max"), 5000);
    assert_int_equal(number_of(json_at(models, "limits"), "attempts_max"), 1);
    assert_int_equal(number_of(json_at(models, "limits"), "retry_wait_max_ms"), 77);
    struct json_iterator it = json_iterate(json_at(models, "chain"));
    assert_true(json_next(&it));
    assert_str(house_text(it.value, "provider"), "anthropic");
    assert_str(house_text(it.value, "model"), "claude-haiku-4-5");
    assert_str(house_text(it.value, "wire"), "anthropic");
    assert_str(house_text(it.value, "url"), "http://127.0.0.1:9");
    assert_str(house_text(it.value, "breaker"), "closed");
    assert_true(flag_of(it.value, "has_key"));
    assert_int_equal(number_of(it.value, "attempts"), 0);
    assert_int_equal(number_of(it.value, "answered"), 0);
    assert_false(json_is(json_at(it.value, "last_failure"), JSON_STRING));
    assert_true(json_next(&it));
    assert_str(house_text(it.value, "model"), "llama3:8b");
    assert_false(flag_of(it.value, "has_key"));
}

static void test_prompts_are_shown_word_for_word(void **state)
{
    ASK(answer, house_get(&without_chain, "/api/settings"));
    size_t count;
    const struct prompt_file *files = prompt_files(&count);
    size_t seen = 0;

    (void)state;
    assert_status(answer, 200);
    struct json_value root = house_json(&without_chain, &answer);
    for (struct json_iterator it = json_iterate(json_at(root, "prompts")); json_next(&it); seen++) {
        assert_true(seen < count);
        assert_str(house_text(it.value, "name"), files[seen].name);
        assert_true(str_equal(house_text(it.value, "id"), files[seen].id));
        assert_true(str_equal(house_text(it.value, "text"), files[seen].text));
    }
    assert_int_equal(seen, count);
    assert_true(json_count(json_at(root, "never_sent")) > 0);
}

static void test_requests_are_those_of_the_question(void **state)
{
    ASK(answer,
        house_get(&with_chain, "/api/settings?prompt=Is%20a%205-minute%20cache%20%22ok%22%3F"));

    (void)state;
    assert_status(answer, 200);
    struct json_value requests = json_at(house_json(&with_chain, &answer), "requests");
    assert_true(json_count(requests) > 0);
    for (struct json_iterator it = json_iterate(requests); json_next(&it);) {
        struct str text = house_text(it.value, "text");

        assert_true(house_text(it.value, "purpose").length > 0);
        assert_true(holds(house_text(it.value, "prompt"), "@"));
        assert_true(str_starts_with(text, STR("POST http://127.0.0.1:9/v1/messages\n")));
        assert_true(holds(text, "\nx-api-key: …\n"));
        assert_true(holds(text, "\"model\":\"claude-haiku-4-5\""));
        assert_true(holds(text, "Is a 5-minute cache"));
    }
}

static void test_without_a_chain_the_form_is_openais(void **state)
{
    ASK(answer, house_get(&without_chain, "/api/settings"));

    (void)state;
    assert_status(answer, 200);
    struct json_value root = house_json(&without_chain, &answer);
    assert_int_equal(json_count(json_at(json_at(root, "models"), "chain")), 0);
    struct str text = house_text(first_of(json_at(root, "requests")), "text");
    assert_true(str_starts_with(text, STR("POST https://api.openai.com/v1/responses\n")));
    assert_true(holds(text, "\"model\":\"MODEL\""));
    assert_true(holds(text, "costs by 20 %"));
}

static void test_no_key_is_in_it(void **state)
{
    ASK(one, house_get(&with_chain, "/api/settings?prompt=x"));
    ASK(other, house_get(&without_chain, "/api/settings?prompt=x"));

    (void)state;
    assert_status(one, 200);
    assert_status(other, 200);
    assert_false(holds(one.body, SECRET));
    assert_false(holds(other.body, "secret-of-the-house"));
}

static void test_what_cannot_be_previewed_is_refused(void **state)
{
    static const struct {
        const char *query;
        int status;
    } cases[] = {
        {"prompt=", 422},         {"prompt=%20%0A", 422},     {"prompt=%ff", 422},
        {"prompt=%zz", 422},      {"dataset=a%2Fb", 422},     {"prompt=x&dataset=%ff", 422},
        {"dataset=nothing", 404}, {"prompt=x&dataset=", 422},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char target[128];

        (void)snprintf(target, sizeof(target), "/api/settings?%s", cases[i].query);
        ASK(answer, house_get(&without_chain, target));
        if (answer.status != cases[i].status) {
            fail_msg("%s: %d", cases[i].query, answer.status);
        }
        assert_str(house_text(house_json(&without_chain, &answer), "code"), "INVALID_REQUEST");
    }
    ASK(stranger, house_ask_with(&without_chain, "GET", "/api/settings", "", NULL));
    assert_status(stranger, 401);
}

/* The records that a question would be asked about take part in what is shown. */
static void test_a_dataset_takes_part(void **state)
{
    char target[256];

    (void)state;
    ASK(made, house_post(&with_chain, "/api/datasets/sample", "{}"));
    assert_status(made, 201);
    struct str id = house_text(house_json(&with_chain, &made), "id");
    (void)snprintf(target, sizeof(target),
                   "/api/settings?prompt=Where+does+the+money+go&dataset=%.*s", STR_ARGS(id));
    ASK(with, house_get(&with_chain, target));
    ASK(without, house_get(&with_chain, "/api/settings?prompt=Where+does+the+money+go"));
    assert_status(with, 200);
    assert_status(without, 200);
    assert_true(with.body.length > without.body.length);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_the_chain_is_shown_in_its_order),
    cmocka_unit_test(test_prompts_are_shown_word_for_word),
    cmocka_unit_test(test_requests_are_those_of_the_question),
    cmocka_unit_test(test_without_a_chain_the_form_is_openais),
    cmocka_unit_test(test_no_key_is_in_it),
    cmocka_unit_test(test_what_cannot_be_previewed_is_refused),
    cmocka_unit_test(test_a_dataset_takes_part),
};

int main(void)
{
    return cmocka_run_group_tests(tests, open_houses, close_houses);
}
