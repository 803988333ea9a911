/*
 * The routes as clients see them: who is let in, what is refused and how it is said, and the way of
 * a thread, a run, its report, a tool call. One server for all tests of this file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api_fixture.h"

static struct house house;

#define ASK(name, ...) cleanup(answer_done) struct answer name = __VA_ARGS__

static int open_house(void **state)
{
    (void)state;
    house_open(&house);
    return 0;
}

static int close_house(void **state)
{
    (void)state;
    house_close(&house);
    return 0;
}

/* A problem document of that status and code; its pointer, or NULL when it must have none. */
static void assert_problem(const struct answer *answer, int status, const char *code,
                           const char *pointer)
{
    int64_t said = 0;

    assert_status(*answer, status);
    assert_str(answer_header(answer, "content-type"), "application/problem+json");
    struct json_value root = house_json(&house, answer);
    assert_true(json_get_i64(json_at(root, "status"), &said) && said == status);
    assert_str(house_text(root, "type"), "about:blank");
    assert_str(house_text(root, "code"), code);
    assert_true(house_text(root, "title").length && house_text(root, "detail").length &&
                house_text(root, "recovery").length);
    struct json_iterator errors = json_iterate(json_at(root, "errors"));
    assert_int_equal(json_next(&errors), pointer != NULL);
    if (pointer) {
        assert_str(house_text(errors.value, "pointer"), pointer);
    }
}

/* ---- who may ---- */

static void test_health_is_open_to_everybody(void **state)
{
    ASK(answer, house_ask_with(&house, "GET", "/api/health", "", NULL));
    int64_t uptime = -1;

    (void)state;
    assert_status(answer, 200);
    struct json_value root = house_json(&house, &answer);
    assert_str(house_text(root, "status"), "healthy");
    assert_str(house_text(root, "version"), NETRA_VERSION);
    assert_true(json_get_i64(json_at(root, "uptime_s"), &uptime) && uptime >= 0 && uptime < 600);
    assert_int_equal(json_count(root), 3);
}

static void test_the_rest_asks_who_it_is(void **state)
{
    ASK(missing, house_ask_with(&house, "GET", "/api/threads", "", NULL));
    ASK(wrong, house_ask_with(&house, "GET", "/api/threads",
                              "Authorization: Bearer not-the-token-0123456789\r\n", NULL));
    ASK(right, house_get(&house, "/api/threads"));

    (void)state;
    assert_problem(&missing, 401, "AUTH_FAILED", NULL);
    assert_true(house_text(house_json(&house, &missing), "login_url").length > 0);
    assert_str(answer_header(&missing, "www-authenticate"), "Bearer realm=\"netra\"");
    assert_problem(&wrong, 401, "AUTH_FAILED", NULL);
    assert_str(answer_header(&wrong, "www-authenticate"),
               "Bearer realm=\"netra\", error=\"invalid_token\"");
    assert_status(right, 200);
}

static void test_other_names_of_the_server_are_refused(void **state)
{
    ASK(answer, house_raw(&house, STR("GET /api/health HTTP/1.1\r\nHost: evil.example\r\n"
                                      "Connection: close\r\n\r\n")));

    (void)state;
    assert_problem(&answer, 403, "FORBIDDEN", NULL);
    assert_str(house_text(house_json(&house, &answer), "needs"), "Host");
}

/* The link of the new browser signs it in once; its cookie then lets in; sign-out ends it. */
static void test_a_link_signs_a_browser_in_once(void **state)
{
    char path[1024];
    char cookie[512];

    (void)state;
    ASK(link, house_ask_with(&house, "POST", "/auth/sign-in-link", HOUSE_SIGNED, NULL));
    assert_status(link, 201);
    struct str url = house_text(house_json(&house, &link), "url");
    assert_true(str_starts_with(url, str_from(house.url)));
    (void)snprintf(path, sizeof(path), "%.*sthreads/1",
                   STR_ARGS(str_slice(url, strlen(house.url), url.length)));
    ASK(head, house_ask_with(&house, "HEAD", path, "", NULL));
    assert_status(head, 200); /* and does not use the code up */
    ASK(used, house_ask_with(&house, "GET", path, "", NULL));
    assert_status(used, 303);
    assert_str(answer_header(&used, "location"), "/threads/1");
    struct str set = answer_header(&used, "set-cookie");
    assert_true(str_find(set, STR("; HttpOnly; SameSite=Strict"), 0) != SIZE_MAX);
    (void)snprintf(cookie, sizeof(cookie), "Cookie: %.*s\r\n",
                   STR_ARGS(str_slice(set, 0, str_find(set, STR(";"), 0))));
    ASK(again, house_ask_with(&house, "GET", path, "", NULL));
    assert_status(again, 401);
    ASK(me, house_ask_with(&house, "GET", "/auth/me", cookie, NULL));
    assert_status(me, 200);
    ASK(foreign, house_ask_with(&house, "POST", "/auth/logout", cookie, NULL));
    assert_problem(&foreign, 403, "FORBIDDEN", NULL); /* without an Origin of ours */
    (void)snprintf(path, sizeof(path), "%sOrigin: %s\r\n", cookie, house.url);
    ASK(out, house_ask_with(&house, "POST", "/auth/logout", path, NULL));
    assert_status(out, 204);
    ASK(after, house_ask_with(&house, "GET", "/auth/me", cookie, NULL));
    assert_problem(&after, 401, "AUTH_FAILED", NULL);
}

static void test_sign_in_goes_to_own_places_only(void **state)
{
    static const char *const places[] = {"//evil.example", "/%5Cevil.example", "https://evil",
                                         "/a%0d%0aSet-Cookie:x", ""};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        ASK(link, house_ask_with(&house, "POST", "/auth/sign-in-link", HOUSE_SIGNED, NULL));
        struct str url = house_text(house_json(&house, &link), "url");
        size_t next = str_find(url, STR("&next="), 0);
        char path[512];

        assert_true(next != SIZE_MAX);
        (void)snprintf(path, sizeof(path), "%.*s&next=%s",
                       STR_ARGS(str_slice(url, strlen(house.url), next)), places[i]);
        ASK(used, house_ask_with(&house, "GET", path, "", NULL));
        assert_status(used, 303);
        assert_str(answer_header(&used, "location"), "/");
    }
}

static void test_a_ticket_is_made(void **state)
{
    ASK(answer, house_ask_with(&house, "POST", "/api/ws-ticket", HOUSE_SIGNED, NULL));

    (void)state;
    assert_status(answer, 201);
    assert_int_equal(house_text(house_json(&house, &answer), "ticket").length,
                     AUTH_SECRET_TEXT_BYTES - 1);
}

/* ---- what is refused ---- */

static void test_unknown_paths_and_methods_are_told(void **state)
{
    ASK(nothing, house_get(&house, "/api/nothing%00%25s"));
    ASK(method, house_ask_with(&house, "PUT", "/api/threads", HOUSE_SIGNED, NULL));
    ASK(options, house_ask_with(&house, "OPTIONS", "/api/threads/1", "", NULL));
    ASK(head, house_ask_with(&house, "HEAD", "/api/health", "", NULL));

    (void)state;
    assert_true(nothing.status == 404 || nothing.status == 400);
    assert_problem(&method, 405, "INVALID_REQUEST", NULL);
    assert_str(answer_header(&method, "allow"), "GET, HEAD, POST, OPTIONS");
    assert_status(options, 204);
    assert_str(answer_header(&options, "allow"), "GET, HEAD, DELETE, OPTIONS");
    assert_status(head, 200);
    assert_int_equal(head.body.length, 0);
}

static void test_bodies_must_be_json_of_the_right_form(void **state)
{
    ASK(type, house_ask_with(&house, "POST", "/api/runs",
                             HOUSE_SIGNED "Content-Type: text/plain\r\n", "{}"));
    ASK(broken, house_post(&house, "/api/runs", "{\"prompt\":"));
    ASK(agui_type,
        house_ask_with(&house, "POST", "/agui", HOUSE_SIGNED "Content-Type: text/plain\r\n", "{}"));
    ASK(agui_broken, house_post(&house, "/agui", "{\"messages\":"));
    ASK(wrong, house_post(&house, "/api/runs", "{\"prompt\":7}"));
    ASK(missing, house_post(&house, "/api/runs", NULL));
    ASK(list, house_post(&house, "/api/threads", "[]"));
    ASK(title, house_post(&house, "/api/threads", "{\"title\":{}}"));
    ASK(dataset, house_post(&house, "/api/runs", "{\"prompt\":\"p\",\"dataset\":\"none\"}"));
    ASK(page, house_get(&house, "/api/threads?limit=0"));
    ASK(after, house_get(&house, "/api/threads?after=../x"));
    ASK(unknown, house_get(&house, "/api/threads?after=nobody"));

    (void)state;
    assert_problem(&type, 415, "INVALID_REQUEST", NULL);
    assert_problem(&broken, 400, "INVALID_REQUEST", "");
    assert_problem(&agui_type, 415, "INVALID_REQUEST", NULL);
    assert_problem(&agui_broken, 400, "INVALID_REQUEST", "");
    assert_problem(&wrong, 422, "INVALID_REQUEST", "/prompt");
    assert_problem(&missing, 422, "INVALID_REQUEST", "/prompt");
    assert_problem(&list, 422, "INVALID_REQUEST", "");
    assert_problem(&title, 422, "INVALID_REQUEST", "/title");
    assert_problem(&dataset, 404, "INVALID_REQUEST", "/dataset");
    assert_problem(&page, 422, "INVALID_REQUEST", NULL);
    assert_problem(&after, 422, "INVALID_REQUEST", NULL);
    assert_problem(&unknown, 422, "INVALID_REQUEST", NULL);
}

static void test_what_is_not_there_is_404(void **state)
{
    static const char *const paths[] = {
        "/api/threads/x",      "/api/threads/x/messages",  "/api/threads/x/runs",
        "/api/runs/x",         "/api/runs/x/events",       "/api/reports/x",
        "/api/reports/x.json", "/api/datasets/x",          "/api/reports/x.html",
        "/api/tools/x",        "/api/prices/no-such-model"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        ASK(answer, house_get(&house, paths[i]));
        assert_problem(&answer, 404, "INVALID_REQUEST", NULL);
    }
    ASK(cancel, house_post(&house, "/api/runs/x/cancel", NULL));
    assert_problem(&cancel, 404, "INVALID_REQUEST", NULL);
    ASK(gone, house_ask_with(&house, "DELETE", "/api/threads/x", HOUSE_SIGNED, NULL));
    assert_problem(&gone, 404, "INVALID_REQUEST", NULL);
}

/* ---- the page ---- */

static void test_the_page_is_served_and_confined(void **state)
{
    ASK(index, house_ask_with(&house, "GET", "/", "", NULL));
    ASK(place, house_ask_with(&house, "GET", "/threads/abc", "Accept: text/html\r\n", NULL));
    ASK(script, house_ask_with(&house, "GET", "/assets/a.js", "", NULL));
    ASK(known, house_ask_with(&house, "GET", "/", "If-None-Match: \"index\"\r\n", NULL));
    ASK(file, house_ask_with(&house, "GET", "/none.js", "Accept: text/html\r\n", NULL));
    ASK(data, house_ask_with(&house, "GET", "/threads/abc", "Accept: application/json\r\n", NULL));
    ASK(api, house_ask_with(&house, "GET", "/api/none", "Accept: text/html\r\n", NULL));

    (void)state;
    assert_status(index, 200);
    assert_str(index.body, "<!doctype html>");
    assert_true(str_starts_with(answer_header(&index, "content-security-policy"),
                                STR("default-src 'self'")));
    assert_str(answer_header(&index, "x-content-type-options"), "nosniff");
    assert_str(place.body, "<!doctype html>");
    assert_str(script.body, "1;");
    assert_status(known, 304);
    assert_problem(&file, 404, "INVALID_REQUEST", NULL);
    assert_problem(&data, 404, "INVALID_REQUEST", NULL);
    assert_problem(&api, 404, "INVALID_REQUEST", NULL);
}

/* ---- threads ---- */

static void test_threads_come_and_go(void **state)
{
    char path[128];

    (void)state;
    ASK(made, house_post(&house, "/api/threads", "{\"title\":\"caf\\u00e9 \\\"x\\\"\"}"));
    assert_status(made, 201);
    struct json_value root = house_json(&house, &made);
    assert_str(house_text(root, "title"), "café \"x\"");
    assert_int_equal(house_text(root, "id").length, 36);
    assert_int_equal(house_text(root, "created_at").length, strlen("2026-11-23T10:00:00.000000Z"));
    (void)snprintf(path, sizeof(path), "/api/threads/%.*s", STR_ARGS(house_text(root, "id")));
    ASK(read, house_get(&house, path));
    assert_status(read, 200);
    assert_true(str_equal(read.body, made.body));
    ASK(gone, house_ask_with(&house, "DELETE", path, HOUSE_SIGNED, NULL));
    assert_status(gone, 204);
    ASK(after, house_get(&house, path));
    assert_status(after, 404);
}

static void test_lists_are_read_page_by_page(void **state)
{
    char target[256] = "/api/threads?limit=2";
    size_t seen = 0;
    size_t pages = 0;

    (void)state;
    for (int i = 0; i < 5; i++) {
        ASK(made, house_post(&house, "/api/threads", "{}"));
        assert_status(made, 201);
    }
    for (; target[0]; pages++) {
        ASK(page, house_get(&house, target));
        assert_status(page, 200);
        struct json_value root = house_json(&house, &page);
        struct str next = house_text(root, "next");

        assert_true(pages < 100 && json_count(json_at(root, "items")) <= 2);
        seen += json_count(json_at(root, "items"));
        target[0] = '\0';
        if (next.length) {
            (void)snprintf(target, sizeof(target), "/api/threads?limit=2&after=%.*s",
                           STR_ARGS(next));
        }
    }
    assert_true(seen >= 5 && pages >= 3);
}

/* ---- runs, reports, tools ---- */

/* Waits for the run's end as a client may: its event stream ends. */
static void await_run(const char *run_id)
{
    char path[160];

    (void)snprintf(path, sizeof(path), "/api/runs/%s/events", run_id);
    ASK(stream, house_get(&house, path));
    assert_status(stream, 200);
    assert_str(answer_header(&stream, "content-type"), "text/event-stream");
    assert_true(str_find(stream.body, STR("RUN_FINISHED"), 0) != SIZE_MAX);
}

static void assert_report(const char *report_id, const char *suffix, const char *type)
{
    char path[160];

    (void)snprintf(path, sizeof(path), "/api/reports/%s%s", report_id, suffix);
    ASK(report, house_get(&house, path));
    assert_status(report, 200);
    assert_str(answer_header(&report, "content-type"), type);
    assert_true(report.body.length > 10);
    if (suffix[0]) {
        char known[256];

        assert_str(answer_header(&report, "cache-control"), "private, max-age=31536000, immutable");
        (void)snprintf(known, sizeof(known), HOUSE_SIGNED "If-None-Match: %.*s\r\n",
                       STR_ARGS(answer_header(&report, "etag")));
        ASK(again, house_ask_with(&house, "GET", path, known, NULL));
        assert_status(again, 304);
        assert_int_equal(again.body.length, 0);
    }
}

static void test_a_question_becomes_a_run_and_a_report(void **state)
{
    static const char *const steps[] = {"user_input_received", "message_validated",
                                        "agent_selected",      "agent_executed",
                                        "response_generated",  "response_delivered"};
    char report_id[80];
    size_t count = 0;

    (void)state;
    ASK(started, house_post(&house, "/api/runs",
                            "{\"prompt\":\"reduce costs by 20%\",\"run_id\":\"my-run\","
                            "\"thread_id\":\"my-thread\",\"seed\":3}"));
    assert_status(started, 202);
    struct json_value root = house_json(&house, &started);
    assert_str(house_text(root, "id"), "my-run");
    assert_str(house_text(root, "thread_id"), "my-thread");
    ASK(again, house_post(&house, "/api/runs", "{\"prompt\":\"other\",\"run_id\":\"my-run\"}"));
    assert_status(again, 200);
    assert_str(house_text(house_json(&house, &again), "prompt"), "reduce costs by 20%");
    await_run("my-run");
    ASK(run, house_get(&house, "/api/runs/my-run"));
    assert_status(run, 200);
    root = house_json(&house, &run);
    assert_str(house_text(root, "status"), "finished");
    for (struct json_iterator it = json_iterate(json_at(root, "steps")); json_next(&it); count++) {
        assert_true(count < ARRAY_LENGTH(steps));
        assert_str(house_text(it.value, "name"), steps[count]);
        assert_true(house_text(it.value, "finished_at").length > 0);
    }
    assert_int_equal(count, ARRAY_LENGTH(steps));
    assert_true(json_count(json_at(root, "agents")) > 0);
    (void)snprintf(report_id, sizeof(report_id), "%.*s", STR_ARGS(house_text(root, "report_id")));
    assert_report(report_id, "", "application/json");
    assert_report(report_id, ".json", "application/json");
    assert_report(report_id, ".md", "text/markdown; charset=utf-8");
    assert_report(report_id, ".html", "text/html; charset=utf-8");
    assert_report(report_id, ".csv", "text/csv; charset=utf-8");
    ASK(messages, house_get(&house, "/api/threads/my-thread/messages"));
    assert_status(messages, 200);
    assert_true(json_count(json_at(house_json(&house, &messages), "items")) >= 1);
    ASK(runs, house_get(&house, "/api/threads/my-thread/runs"));
    assert_int_equal(json_count(json_at(house_json(&house, &runs), "items")), 1);
    ASK(cancel, house_post(&house, "/api/runs/my-run/cancel", "{}"));
    assert_problem(&cancel, 409, "INVALID_REQUEST", NULL);
}

static void test_tools_are_listed_and_called(void **state)
{
    (void)state;
    ASK(list, house_get(&house, "/api/tools"));
    assert_status(list, 200);
    assert_true(json_count(json_at(house_json(&house, &list), "tools")) > 5);
    ASK(price, house_post(&house, "/api/tools/price_lookup", "{\"args\":{\"model\":\"gpt-4o\"}}"));
    assert_status(price, 200);
    struct json_value root = house_json(&house, &price);
    assert_str(house_text(root, "tool"), "price_lookup");
    assert_true(json_count(json_at(root, "facts")) > 0);
    ASK(missing, house_post(&house, "/api/tools/price_lookup", "{}"));
    assert_problem(&missing, 422, "INVALID_REQUEST", "/args/model");
    ASK(effect, house_post(&house, "/api/tools/synthesize_usage", "{}"));
    assert_problem(&effect, 403, "FORBIDDEN", NULL);
    ASK(records, house_post(&house, "/api/tools/cache_audit", "{}"));
    assert_problem(&records, 422, "INVALID_REQUEST", NULL);
    ASK(dataset, house_post(&house, "/api/tools/cache_audit", "{\"dataset\":\"none\"}"));
    assert_problem(&dataset, 404, "INVALID_REQUEST", "/dataset");
}

static void test_tools_and_prompts_see_a_dataset(void **state)
{
    char body[256];
    char id[80];

    (void)state;
    ASK(sample, house_post(&house, "/api/datasets/sample", "{\"seed\":5}"));
    assert_status(sample, 201);
    (void)snprintf(id, sizeof(id), "%.*s", STR_ARGS(house_text(house_json(&house, &sample), "id")));
    (void)snprintf(body, sizeof(body), "{\"dataset\":\"%s\",\"args\":{}}", id);
    ASK(profile, house_post(&house, "/api/tools/dataset_profile", body));
    assert_status(profile, 200);
    assert_true(json_count(json_at(house_json(&house, &profile), "facts")) > 3);
    (void)snprintf(body, sizeof(body), "{\"dataset\":\"%s\",\"prompt\":\"reduce costs\"}", id);
    ASK(parsed, house_post(&house, "/api/parse", body));
    assert_status(parsed, 200);
    assert_int_equal(json_count(json_at(house_json(&house, &parsed), "intents")), 1);
}

static void test_prompts_are_understood_without_records(void **state)
{
    ASK(parsed, house_post(&house, "/api/parse", "{\"prompt\":\"reduce costs by 20%\"}"));
    ASK(missing, house_post(&house, "/api/parse", "{}"));

    (void)state;
    assert_status(parsed, 200);
    assert_true(str_find(parsed.body, STR("reduce_cost"), 0) != SIZE_MAX);
    assert_problem(&missing, 422, "INVALID_REQUEST", "/prompt");
}

static void test_prices_are_text(void **state)
{
    ASK(all, house_get(&house, "/api/prices"));
    ASK(one, house_get(&house, "/api/prices/gpt-4o"));

    (void)state;
    assert_status(all, 200);
    assert_true(json_count(json_at(house_json(&house, &all), "models")) > 10);
    assert_status(one, 200);
    struct json_value tiers =
        json_at(json_at(house_json(&house, &one), "usd_per_million_tokens"), "standard");
    struct json_iterator first = json_iterate(tiers);
    assert_true(json_next(&first));
    assert_true(house_text(first.value, "input").length > 0);
}

static void test_the_system_describes_itself(void **state)
{
    static const char *const paths[] = {
        "/health",         "/health/live",     "/health/ready", "/api/discovery/services",
        "/api/mcp/config", "/api/mcp/servers", "/auth/config",  "/openapi.json"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        ASK(answer, house_ask_with(&house, "GET", paths[i], "", NULL));
        assert_status(answer, 200);
        assert_true(json_is(house_json(&house, &answer), JSON_OBJECT));
    }
    ASK(docs, house_ask_with(&house, "GET", "/docs", "", NULL));
    assert_status(docs, 200);
    assert_true(str_find(docs.body, STR("/api/threads/{id}"), 0) != SIZE_MAX);
}

static void test_answers_are_counted(void **state)
{
    (void)state;
    ASK(one, house_ask_with(&house, "GET", "/health/live", "", NULL));
    ASK(metrics, house_ask_with(&house, "GET", "/metrics", "", NULL));
    assert_status(metrics, 200);
    assert_true(str_find(metrics.body,
                         STR("netra_http_requests_total{method=\"GET\",route=\"/health/live\","
                             "status=\"200\"}"),
                         0) != SIZE_MAX);
    assert_true(str_find(metrics.body, STR("route=\"unmatched\",status=\"404\""), 0) != SIZE_MAX);
    assert_true(str_find(metrics.body, STR("netra_auth_refused_total{reason=\"missing\"}"), 0) !=
                SIZE_MAX);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_health_is_open_to_everybody),
    cmocka_unit_test(test_the_rest_asks_who_it_is),
    cmocka_unit_test(test_other_names_of_the_server_are_refused),
    cmocka_unit_test(test_a_link_signs_a_browser_in_once),
    cmocka_unit_test(test_sign_in_goes_to_own_places_only),
    cmocka_unit_test(test_a_ticket_is_made),
    cmocka_unit_test(test_unknown_paths_and_methods_are_told),
    cmocka_unit_test(test_bodies_must_be_json_of_the_right_form),
    cmocka_unit_test(test_what_is_not_there_is_404),
    cmocka_unit_test(test_the_page_is_served_and_confined),
    cmocka_unit_test(test_threads_come_and_go),
    cmocka_unit_test(test_lists_are_read_page_by_page),
    cmocka_unit_test(test_a_question_becomes_a_run_and_a_report),
    cmocka_unit_test(test_tools_are_listed_and_called),
    cmocka_unit_test(test_tools_and_prompts_see_a_dataset),
    cmocka_unit_test(test_prompts_are_understood_without_records),
    cmocka_unit_test(test_prices_are_text),
    cmocka_unit_test(test_the_system_describes_itself),
    cmocka_unit_test(test_answers_are_counted),
};

int main(void)
{
    return cmocka_run_group_tests(tests, open_house, close_house);
}
