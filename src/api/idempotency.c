/* SPDX-License-Identifier: Apache-2.0 */
#include "api/idempotency.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "api/api_state.h"
#include "api/router.h"
#include "base/alloc.h"
#include "base/check.h"
#include "base/civil_time.h"
#include "loop/clock.h"
#include "monitor/log.h"

#define HASH_BYTES        32u
#define HEADERS_BYTES_MAX 4096u

/* A request with a key, from its body to its durable answer. */
struct idempotency {
    struct idempotency *next; /* in api->idempotents */
    struct api *api;
    http_id id;
    struct auth_caller who;
    uint64_t begun_ms;
    unsigned char fingerprint[HASH_BYTES];
    char key[IDEMPOTENCY_KEY_BYTES_MAX + 1];
    bool is_answered; /* what follows is the answer */
    struct http_reply reply;
    struct http_header headers[HTTP_REPLY_HEADERS_MAX];
    struct buf text; /* what reply and headers borrow */
};

/* ---- hashes ---- */

struct hash {
    EVP_MD_CTX *context;
};

static struct hash hash_begin(void)
{
    struct hash hash = {EVP_MD_CTX_new()};

    check(hash.context && EVP_DigestInit_ex(hash.context, EVP_sha256(), NULL) == 1);
    return hash;
}

/* With its length before it: no two lists of parts are the same bytes. */
static void hash_add(struct hash *hash, struct str part)
{
    uint64_t length = part.length;

    check(EVP_DigestUpdate(hash->context, &length, sizeof(length)) == 1);
    check(part.length == 0 || EVP_DigestUpdate(hash->context, part.data, part.length) == 1);
}

static void hash_end(struct hash *hash, unsigned char ret[HASH_BYTES])
{
    check(EVP_DigestFinal_ex(hash->context, ret, NULL) == 1);
    EVP_MD_CTX_free(hash->context);
}

void idempotency_fingerprint(const struct http_request *request, unsigned char ret[32])
{
    struct hash hash = hash_begin();

    hash_add(&hash, str_from(http_method_name(request->method)));
    hash_add(&hash, request->path);
    hash_add(&hash, request->query);
    hash_add(&hash, request->body);
    hash_end(&hash, ret);
}

/* UUIDv8 (RFC 9562): the first 122 bits of the hash around version and variant. */
void idempotency_derive_id(struct str workspace, struct str owner, struct str key, const char *what,
                           char ret_id[UUID_BYTES])
{
    unsigned char h[HASH_BYTES];
    struct hash hash = hash_begin();

    hash_add(&hash, workspace);
    hash_add(&hash, owner);
    hash_add(&hash, key);
    hash_add(&hash, str_from(what));
    hash_end(&hash, h);
    (void)snprintf(ret_id, UUID_BYTES,
                   "%02x%02x%02x%02x-%02x%02x-8%x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[0],
                   h[1], h[2], h[3], h[4], h[5], h[6] & 0xfu, h[7], (h[8] & 0x3fu) | 0x80u, h[9],
                   h[10], h[11], h[12], h[13], h[14], h[15]);
}

bool idempotency_is_key(struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') {
            return false;
        }
    }
    return text.length >= 1 && text.length <= IDEMPOTENCY_KEY_BYTES_MAX;
}

/* ---- those under way ---- */

static void forget(struct idempotency *kept)
{
    struct idempotency **link = &kept->api->idempotents;
    struct visit *visit = visit_of(kept->api, kept->id);

    while (*link != kept) { /* as many as are under way: few */
        link = &(*link)->next;
    }
    *link = kept->next;
    if (visit && visit->idempotency == kept) {
        visit->idempotency = NULL;
    }
    buf_done(&kept->text);
    alloc_free(kept);
}

static struct idempotency *find_key(const struct api *api, const struct auth_caller *who,
                                    struct str key)
{
    struct idempotency *kept = api->idempotents;

    while (kept &&
           !(str_equal(str_from(kept->key), key) && strcmp(kept->who.user_id, who->user_id) == 0 &&
             strcmp(kept->who.workspace_id, who->workspace_id) == 0)) {
        kept = kept->next;
    }
    return kept;
}

/* The client may have left: then there is no visit any more. */
static struct idempotency *find_id(const struct api *api, http_id id)
{
    struct idempotency *kept = api->idempotents;

    while (kept && kept->id != id) {
        kept = kept->next;
    }
    return kept;
}

/* ---- requests ---- */

static bool takes_keys(const struct call *call)
{
    const struct route *route = call->route;
    enum http_method method = call->request->method;

    return (method == HTTP_POST || method == HTTP_PUT || method == HTTP_PATCH ||
            method == HTTP_DELETE) &&
           call->who->kind != AUTH_KIND_NOBODY && !route->ops && !route->has_secret &&
           !str_starts_with(str_from(route->pattern), STR("/auth/"));
}

static void refuse_other(const struct call *call)
{
    problem_reply(call->api, call->id, PROBLEM_INVALID_REQUEST, NULL,
                  "the Idempotency-Key was used with another request: take a new key for this one");
}

struct replay {
    const struct call *call;
    const unsigned char *fingerprint;
    int64_t now_us;
    bool is_answered;
};

static bool replay_answer(const struct store_answer *row, void *arg)
{
    static const struct http_header headers[] = {
        {STR("Cache-Control"), STR("no-store")},
        {STR("Idempotency-Replayed"), STR("true")},
    };
    struct replay *replay = (struct replay *)arg;

    if (row->expires_us <= replay->now_us) {
        return false;
    }
    replay->is_answered = true;
    if (memcmp(row->fingerprint, replay->fingerprint, HASH_BYTES) != 0) {
        refuse_other(replay->call);
        return false;
    }
    reply_send(replay->call->api, replay->call->id,
               &(struct http_reply){.status = row->status,
                                    .content_type = row->content_type,
                                    .headers = headers,
                                    .header_count = ARRAY_LENGTH(headers),
                                    .body = row->body});
    return false;
}

/* True when the request was answered by what is kept. */
static bool is_kept(const struct call *call, struct str key, const unsigned char *fingerprint)
{
    const struct idempotency *under_way = find_key(call->api, call->who, key);
    struct replay replay = {.call = call, .fingerprint = fingerprint, .now_us = clock_now_us()};

    if (under_way) {
        if (memcmp(under_way->fingerprint, fingerprint, HASH_BYTES) != 0) {
            refuse_other(call);
        } else {
            problem_reply(call->api, call->id, PROBLEM_CONFLICT, NULL,
                          "the first request with this Idempotency-Key is still under way");
        }
        return true;
    }
    int code = store_get_answer(call->api->options.store, call->workspace,
                                str_from(call->who->user_id), key, replay_answer, &replay);
    if (code && code != ERR_NOT_FOUND) {
        call_reply_store_error(call, code, "kept answer");
        return true;
    }
    return replay.is_answered;
}

bool idempotency_begin(const struct call *call)
{
    unsigned char fingerprint[HASH_BYTES];
    struct idempotency *kept;
    struct str key;

    if (!takes_keys(call)) {
        return true;
    }
    key = http_header(call->request, "idempotency-key");
    if (!key.data) {
        return true;
    }
    if (!idempotency_is_key(key)) {
        problem_reply(call->api, call->id, PROBLEM_INVALID_REQUEST, NULL,
                      "Idempotency-Key must have 1 to %u visible ASCII characters",
                      IDEMPOTENCY_KEY_BYTES_MAX);
        return false;
    }
    idempotency_fingerprint(call->request, fingerprint);
    if (is_kept(call, key, fingerprint)) {
        return false;
    }
    kept = (struct idempotency *)alloc_zeroed(1, sizeof(*kept));
    if (!kept) {
        problem_reply(call->api, call->id, PROBLEM_SERVICE_UNAVAILABLE, NULL, "out of memory");
        return false;
    }
    kept->next = call->api->idempotents;
    kept->api = call->api;
    kept->id = call->id;
    kept->who = *call->who;
    kept->begun_ms = loop_now_ms(call->api->options.loop);
    memcpy(kept->fingerprint, fingerprint, HASH_BYTES);
    memcpy(kept->key, key.data, key.length);
    buf_init(&kept->text, IDEMPOTENCY_BODY_BYTES_MAX + HEADERS_BYTES_MAX);
    call->api->idempotents = kept;
    visit_of(call->api, call->id)->idempotency = kept;
    return true;
}

bool idempotency_has_key(const struct call *call)
{
    const struct visit *visit = visit_of(call->api, call->id);

    return visit && visit->idempotency;
}

int call_new_id(const struct call *call, const char *what, char ret_id[UUID_BYTES],
                struct error *error)
{
    const struct visit *visit = visit_of(call->api, call->id);

    if (!visit || !visit->idempotency) {
        return uuid_v7(ret_id, error);
    }
    idempotency_derive_id(call->workspace, str_from(call->who->user_id),
                          str_from(visit->idempotency->key), what, ret_id);
    return OK;
}

/* ---- answers ---- */

static struct str keep_text(struct buf *text, struct str part)
{
    size_t at = text->length;

    buf_append(text, part);
    return (struct str){buf_status(text) ? NULL : text->data + at, part.length};
}

/* False: no memory, or too long. The buf is reserved at once: it must not move under what borrows
 * from it. */
static bool copy_reply(struct idempotency *kept, const struct http_reply *reply)
{
    size_t bytes = reply->content_type.length + reply->body.length;

    for (size_t i = 0; i < reply->header_count; i++) {
        bytes += reply->headers[i].name.length + reply->headers[i].value.length;
    }
    if (reply->body.length > IDEMPOTENCY_BODY_BYTES_MAX || buf_reserve(&kept->text, bytes)) {
        return false;
    }
    kept->reply = *reply;
    kept->reply.headers = kept->headers;
    for (size_t i = 0; i < reply->header_count; i++) {
        kept->headers[i].name = keep_text(&kept->text, reply->headers[i].name);
        kept->headers[i].value = keep_text(&kept->text, reply->headers[i].value);
    }
    kept->reply.content_type = keep_text(&kept->text, reply->content_type);
    kept->reply.body = keep_text(&kept->text, reply->body);
    kept->is_answered = true;
    return buf_status(&kept->text) == OK;
}

static void on_kept(int code, void *arg)
{
    struct idempotency *kept = (struct idempotency *)arg;

    if (code) {
        log_write(LOG_WARNING, "api", "an answer is not kept under its Idempotency-Key: %s",
                  error_code_text(code));
    }
    reply_now(kept->api, kept->id, &kept->reply);
    forget(kept);
}

bool idempotency_take(struct api *api, http_id id, const struct http_reply *reply)
{
    struct idempotency *kept = find_id(api, id);
    struct store_batch *batch = NULL;

    if (!kept || kept->is_answered) {
        return false;
    }
    if (reply->status >= 500 || reply->status == 429 || !copy_reply(kept, reply) ||
        !(batch = store_batch_new(str_from(kept->who.workspace_id)))) {
        forget(kept);
        return false;
    }
    struct store_answer answer = {.owner_id = str_from(kept->who.user_id),
                                  .key = str_from(kept->key),
                                  .status = reply->status,
                                  .content_type = kept->reply.content_type,
                                  .body = kept->reply.body,
                                  .expires_us = clock_now_us() + IDEMPOTENCY_HOURS * HOUR_US};
    memcpy(answer.fingerprint, kept->fingerprint, HASH_BYTES);
    store_put_answer(batch, &answer);
    if (store_submit(api->options.store, batch, on_kept, kept)) {
        forget(kept);
        return false;
    }
    return true;
}

/* ---- time ---- */

static void sweep(struct api *api)
{
    struct store_batch *batch = store_batch_new(STR(""));
    int code = ERR_NO_MEMORY;

    if (batch) {
        store_delete_ended_answers(batch, clock_now_us());
        code = store_submit(api->options.store, batch, /* done */ NULL, NULL);
    }
    if (code) { /* next time then */
        log_write(LOG_DEBUG, "api", "kept answers are not swept: %s", error_code_text(code));
    }
}

void idempotency_tick(struct api *api, uint64_t now_ms)
{
    struct idempotency *next = NULL;

    for (struct idempotency *kept = api->idempotents; kept; kept = next) {
        next = kept->next;
        if (!kept->is_answered && !visit_of(api, kept->id) &&
            now_ms - kept->begun_ms > IDEMPOTENCY_STALE_MS) {
            forget(kept);
        }
    }
    if (api->options.store && now_ms - api->swept_ms > IDEMPOTENCY_SWEEP_MS) {
        api->swept_ms = now_ms;
        sweep(api);
    }
}

void idempotency_free_all(struct api *api)
{
    while (api->idempotents) {
        struct idempotency *kept = api->idempotents;

        api->idempotents = kept->next;
        buf_done(&kept->text);
        alloc_free(kept);
    }
}
