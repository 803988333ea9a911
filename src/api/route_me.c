/*
 * Oneself: who one is, everything that is kept of one, and its erasure.
 *
 * The export walks the workspaces that one is in, page by page: conversations that one began, with
 * their messages. It is read from the store while others go on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/account_answer.h"
#include "api/account_read.h"
#include "api/api_state.h"
#include "api/walk.h"
#include "base/alloc.h"
#include "base/check.h"

#define EXPORT_BYTES_MAX      ROUTE_REPLY_BYTES_MAX
#define EXPORT_WORKSPACES_MAX 256u
#define EXPORT_PAGE           50u /* threads or messages of one turn */

static void get_me(const struct call *call)
{
    struct json_writer w = call_begin_json(call);

    account_put_me(&w, call->api, call->who);
    call_reply_json(call, 200);
}

static void reply_me(struct account_answer *answer, const struct account_outcome *outcome)
{
    struct json_writer w = reply_begin_json(answer->late.api);

    (void)outcome;
    account_put_me(&w, answer->late.api, &answer->caller);
    reply_json(answer->late.api, answer->late.id, 200);
}

static void patch_me(const struct call *call)
{
    struct account_body body = {0};
    struct error error = {0};

    if (!account_needs_session(call) || !account_read_body(call, ACCOUNT_BODY_NAME, &body)) {
        return;
    }
    struct account_answer *answer = account_answer_new(call, reply_me);
    if (answer) {
        int code = accounts_rename(call->api->options.auth, call->who, body.name, account_answered,
                                   answer, &error);
        account_begun(answer, code, &error);
    }
}

/* ---- erasure ---- */

static const struct account_wrong wrong_password = {.needs = "password",
                                                    .detail = "the password is wrong"};

/* The cookie goes with the account. */
static void reply_erased(struct account_answer *answer, const struct account_outcome *outcome)
{
    char cookie[ACCOUNT_COOKIE_BYTES_MAX];

    (void)outcome;
    account_print_cookie(answer->late.api, "", 0, cookie);
    struct http_header headers[] = {{STR("Set-Cookie"), str_from(cookie)},
                                    {STR("Cache-Control"), STR("no-store")}};
    reply_send(answer->late.api, answer->late.id,
               &(struct http_reply){
                   .status = 204, .headers = headers, .header_count = ARRAY_LENGTH(headers)});
}

/* "threads": "keep" (the default: they are the workspace's) or "delete". */
static bool read_threads(const struct call *call, struct json_value root, bool *ret_with_threads,
                         struct body_fault *fault)
{
    static const struct body_text_rule rule = {.bytes_max = 16};
    struct str word = STR("keep");

    if (!body_text(root, "threads", &rule, &word, fault)) {
        return false;
    }
    *ret_with_threads = str_equal(word, STR("delete"));
    if (*ret_with_threads && call->api->options.role == ROUTE_AUTH) {
        return body_refuse(fault, "/threads",
                           "conversations are kept by the backend: delete them there first, then "
                           "erase the account with threads: keep");
    }
    return *ret_with_threads || str_equal(word, STR("keep")) ||
           body_refuse(fault, "/threads", "threads must be keep or delete");
}

static void delete_me(const struct call *call)
{
    static const struct body_text_rule password_rule = {.bytes_max = ACCOUNTS_PASSWORD_MAX};
    struct account_origin origin = account_origin(call);
    struct body_fault fault = {0};
    struct json_value root;
    struct str password = {0};
    struct error error = {0};
    bool with_threads = false;

    if (!account_needs_session(call) || !call_json(call, &root)) {
        return;
    }
    if (!body_is_object(root, &fault) ||
        !body_text(root, "password", &password_rule, &password, &fault) ||
        !read_threads(call, root, &with_threads, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    struct account_answer *answer = account_answer_new(call, reply_erased);
    if (answer) {
        answer->wrong = &wrong_password;
        int code = accounts_erase(call->api->options.auth, call->who, password, with_threads,
                                  &origin, account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

/* ---- export ---- */

/* Where the walk is: a workspace, a page of its threads, the messages of one of them. */
struct export
{
    struct walk walk; /* first: freed as one */
    struct auth_caller caller;
    struct buf out;
    struct json_writer w;
    char workspaces[EXPORT_WORKSPACES_MAX][STORE_ID_BYTES_MAX + 1];
    unsigned workspace_count;
    unsigned workspace; /* the one at hand */
    char thread_after[STORE_ID_BYTES_MAX + 1];
    char threads[EXPORT_PAGE][STORE_ID_BYTES_MAX + 1]; /* of this page, those of the caller */
    unsigned thread_count;
    unsigned thread; /* the one at hand */
    char message_after[STORE_ID_BYTES_MAX + 1];
    unsigned rows;         /* of the page just read */
    bool is_last_page;     /* of the workspace's threads */
    bool has_begun_thread; /* its object is open */
};

static void keep_id(char kept[STORE_ID_BYTES_MAX + 1], struct str id)
{
    check_cmp(id.length, <=, STORE_ID_BYTES_MAX);
    memcpy(kept, id.data, id.length);
    kept[id.length] = '\0';
}

static bool keep_workspace(const struct store_member *row, void *arg)
{
    struct export *export = (struct export *)arg;

    if (export->workspace_count == EXPORT_WORKSPACES_MAX) {
        return false;
    }
    keep_id(export->workspaces[export->workspace_count++], row->workspace_id);
    return true;
}

static struct str workspace_of(const struct export *export)
{
    return str_from(export->workspaces[export->workspace]);
}

static bool keep_thread(const struct store_thread *row, void *arg)
{
    struct export *export = (struct export *)arg;

    export->rows++;
    keep_id(export->thread_after, row->id);
    if (str_equal(row->owner_id, str_from(export->caller.user_id))) {
        keep_id(export->threads[export->thread_count++], row->id);
    }
    return true;
}

static int read_threads_page(struct export *export)
{
    struct store *store = export->walk.late.api->options.store;

    export->rows = 0;
    export->thread_count = 0;
    export->thread = 0;
    int code = store_list_threads(store, workspace_of(export), str_from(export->thread_after),
                                  EXPORT_PAGE, keep_thread, export);
    export->is_last_page = export->rows < EXPORT_PAGE;
    /* The thread that the page before ended with was deleted meanwhile: what is left of this
     * workspace cannot be found from there. */
    return code == ERR_NOT_FOUND && export->thread_after[0] ? ERR_EXISTS : code;
}

static bool write_thread(const struct store_thread *row, void *arg)
{
    struct export *export = (struct export *)arg;
    struct json_writer *w = &export->w;

    json_begin_object(w);
    put_text(w, "id", row->id);
    put_text(w, "workspace", workspace_of(export));
    put_text(w, "title", row->title);
    put_time(w, "created_at", row->created_us);
    json_key(w, "messages");
    json_begin_array(w);
    export->has_begun_thread = true;
    return false;
}

static bool write_message(const struct store_message *row, void *arg)
{
    struct export *export = (struct export *)arg;
    struct json_writer *w = &export->w;

    export->rows++;
    keep_id(export->message_after, row->id);
    json_begin_object(w);
    put_text(w, "id", row->id);
    put_text(w, "role", row->role);
    put_text(w, "content", row->content);
    put_time(w, "created_at", row->created_us);
    json_end_object(w);
    return true;
}

/* A page of the messages of the thread at hand; one that has gone meanwhile is passed over. */
static int read_messages_page(struct export *export)
{
    struct store *store = export->walk.late.api->options.store;
    struct str id = str_from(export->threads[export->thread]);
    int code = OK;

    export->rows = 0;
    if (!export->has_begun_thread) {
        export->message_after[0] = '\0';
        code = store_get_thread(store, workspace_of(export), id, write_thread, export);
    }
    if (code == OK) {
        code = store_list_messages(store, workspace_of(export), id, str_from(export->message_after),
                                   EXPORT_PAGE, write_message, export);
    }
    if (code && code != ERR_NOT_FOUND) {
        return code;
    }
    if (export->rows < EXPORT_PAGE) {
        if (export->has_begun_thread) {
            json_end_array(&export->w);
            json_end_object(&export->w);
        }
        export->has_begun_thread = false;
        export->thread++;
    }
    return buf_status(&export->out);
}

static void reply_export(struct export *export, int code)
{
    static const struct http_header headers[] = {
        {{"Cache-Control", 13}, {"no-store", 8}},
        {{"Content-Disposition", 19}, {"attachment; filename=\"netra-account.json\"", 41}},
    };
    struct api *api = export->walk.late.api;
    http_id id = export->walk.late.id;

    if (code == OK) {
        json_end_array(&export->w);
        json_end_object(&export->w);
        code = buf_status(&export->out);
    }
    if (code) {
        struct error error = {0};

        (void)error_set(&error, code == ERR_EXISTS ? ERR_LIMIT : code,
                        code == ERR_EXISTS ? "conversations were deleted meanwhile: ask again"
                                           : "cannot write down what is kept of you");
        problem_reply_error(api, id, &error);
        return;
    }
    reply_send(api, id,
               &(struct http_reply){.status = 200,
                                    .content_type = STR("application/json"),
                                    .headers = headers,
                                    .header_count = ARRAY_LENGTH(headers),
                                    .body = buf_str(&export->out)});
}

static bool export_step(struct walk *walk)
{
    struct export *export = (struct export *)walk;
    int code = OK;

    if (export->thread < export->thread_count) {
        code = read_messages_page(export);
    } else if (export->is_last_page) {
        export->workspace++;
        export->thread_after[0] = '\0';
        export->is_last_page = false;
    } else if (export->workspace < export->workspace_count) {
        code = read_threads_page(export);
    }
    if (code == OK && export->workspace < export->workspace_count) {
        return true;
    }
    reply_export(export, code);
    return false;
}

static void export_done(struct walk *walk)
{
    buf_done(&((struct export *)walk)->out);
}

/* NULL: answered. */
static struct export *export_new(const struct call *call)
{
    struct export *export =
        (struct export *)walk_new(call, sizeof(struct export), export_step, export_done);

    if (export) {
        export->caller = *call->who;
        buf_init(&export->out, EXPORT_BYTES_MAX);
        export->w = json_writer_on(&export->out);
        json_begin_object(&export->w);
    }
    return export;
}

static void export_threads(struct export *export)
{
    json_key(&export->w, "threads");
    json_begin_array(&export->w);
    walk_start(&export->walk);
}

static void get_export(const struct call *call)
{
    struct error error = {0};
    const struct auth *auth = call->api->options.auth;

    if (!account_needs_session(call)) {
        return;
    }
    struct export *export = export_new(call);
    if (!export) {
        return;
    }
    json_key(&export->w, "account");
    int code = accounts_export(call->api->options.auth, call->who, &export->w);
    if (code) {
        (void)error_set(&error, code, "cannot write down what is kept of you");
        problem_reply_error(call->api, call->id, &error);
        export_done(&export->walk);
        late_free(&export->walk.late);
        return;
    }
    accounts_memberships(auth, str_from(call->who->user_id), keep_workspace, export);
    export_threads(export);
}

/* Of one workspace: a process whose accounts are elsewhere knows of no other that one is in. */
static void get_conversations(const struct call *call)
{
    struct export *export = export_new(call);

    if (export) {
        keep_id(export->workspaces[export->workspace_count++], call->workspace);
        export_threads(export);
    }
}

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/auth/me",
     .handle = get_me,
     .scope = ROUTE_SIGNED_IN,
     .summary = "Who one is, where, and what one may.",
     .reply = SCHEMA_REF("Me"),
     .reply_status = 200},
    {.method = HTTP_PATCH,
     .pattern = "/auth/me",
     .handle = patch_me,
     .scope = ROUTE_SIGNED_IN,
     .is_accounts = true,
     .takes_json = true,
     .summary = "Another name.",
     .request = "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":{\"type\":"
                "\"string\",\"minLength\":1,\"maxLength\":120}}}",
     .reply = SCHEMA_REF("Me"),
     .reply_status = 200},
    {.method = HTTP_DELETE,
     .pattern = "/auth/me",
     .handle = delete_me,
     .scope = ROUTE_SIGNED_IN,
     .place = ROUTE_PLACE_SECRET,
     .is_accounts = true,
     .takes_json = true,
     .summary = "Erases one's account; conversations are kept without a name, or deleted, too.",
     .request = "{\"type\":\"object\",\"properties\":{\"password\":{\"type\":\"string\","
                "\"maxLength\":256},\"threads\":{\"type\":\"string\",\"enum\":[\"keep\","
                "\"delete\"]}}}",
     .reply_status = 204},
    {.method = HTTP_GET,
     .pattern = "/api/me/conversations",
     .services = ROUTE_BACKEND,
     .handle = get_conversations,
     .scope = AUTH_SCOPE_READ,
     .place = ROUTE_PLACE_COSTLY,
     .summary = "The conversations that one began in this workspace, with their messages.",
     .reply = "{\"type\":\"object\",\"required\":[\"threads\"],\"properties\":{\"threads\":{"
              "\"type\":\"array\",\"items\":{\"type\":\"object\"}}}}",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/auth/me/export",
     .handle = get_export,
     .scope = ROUTE_SIGNED_IN,
     .place = ROUTE_PLACE_COSTLY,
     .is_accounts = true,
     .summary = "All that is kept of oneself.",
     .reply = "{\"type\":\"object\",\"required\":[\"account\",\"threads\"],\"properties\":{"
              "\"account\":{\"type\":\"object\"},\"threads\":{\"type\":\"array\",\"items\":{"
              "\"type\":\"object\"}}}}",
     .reply_status = 200},
};

const struct route_table routes_me = {"me", routes, ARRAY_LENGTH(routes), ROUTE_AUTH};
