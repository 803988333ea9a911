/*
 * The audit log: who is named by id, addresses by their network, so that no line says anything
 * about a person once their account is gone.
 *
 * Lines about requests that were refused are bounded, of nobody and of each user: whoever can reach
 * the server could fill the disk with them. What is changed is in one batch with its line; a line
 * of what was refused that the disk does not take is counted among those that were left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "auth/auth_state.h"
#include "loop/clock.h"
#include "monitor/log.h"

#define DETAIL_BYTES_MAX 1024u

void auth_network_of(struct str address, char network[DIRECTORY_NETWORK_BYTES])
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:a.b.c.d */
    char cut[DIRECTORY_NETWORK_BYTES];

    network[0] = '\0';
    if (address.length == 0 || address.length >= sizeof(text)) {
        return;
    }
    memcpy(text, address.data, address.length);
    text[address.length] = '\0';
    bool is_v6 = inet_pton(AF_INET6, text, bytes) == 1;
    const unsigned char *v4 = is_v6 && memcmp(bytes, mapped, sizeof(mapped)) == 0 ? bytes + 12
                              : !is_v6 && inet_pton(AF_INET, text, bytes) == 1    ? bytes
                                                                                  : NULL;
    if (v4) {
        (void)snprintf(network, DIRECTORY_NETWORK_BYTES, "%u.%u.%u.0/24", v4[0], v4[1], v4[2]);
    } else if (is_v6) {
        memset(bytes + 6, 0, sizeof(bytes) - 6);
        if (inet_ntop(AF_INET6, bytes, cut, sizeof(cut) - sizeof("/48"))) {
            memcpy(network, cut, strlen(cut));
            memcpy(network + strlen(cut), "/48", sizeof("/48"));
        }
    }
}

static bool takes(struct audit_bucket *bucket, uint64_t now_ms, unsigned per_s,
                  uint64_t *ret_left_out)
{
    bucket->tokens_ms += (now_ms - bucket->filled_ms) * per_s;
    bucket->filled_ms = now_ms;
    if (bucket->tokens_ms > AUTH_AUDIT_BURST * 1000u) {
        bucket->tokens_ms = AUTH_AUDIT_BURST * 1000u;
    }
    if (bucket->tokens_ms < 1000) {
        bucket->left_out++;
        return false;
    }
    bucket->tokens_ms -= 1000;
    *ret_left_out = bucket->left_out;
    bucket->left_out = 0;
    return true;
}

bool auth_audit_takes(struct auth *auth, uint64_t *ret_left_out)
{
    return takes(&auth->audit_bucket, loop_now_ms(auth->loop), AUTH_AUDIT_PER_S, ret_left_out);
}

/* Users share a bucket with few others: one who floods does not silence the log. */
static bool takes_of_user(struct auth *auth, const struct auth_caller *caller,
                          uint64_t *ret_left_out)
{
    size_t which = (size_t)(hash_of_text(str_from(caller->user_id)) % AUTH_AUDIT_USERS);
    struct audit_bucket *bucket = &auth->audit_buckets[which];

    if (bucket->filled_ms == 0) {
        bucket->tokens_ms = AUTH_AUDIT_BURST * 1000u;
        bucket->filled_ms = loop_now_ms(auth->loop);
    }
    return takes(bucket, loop_now_ms(auth->loop), /* per_s */ 1, ret_left_out);
}

void auth_submit(struct auth *auth, struct store_batch *batch)
{
    int code = store_submit(auth->store, batch, /* done */ NULL, NULL);

    if (code) {
        log_write(LOG_DEBUG, "auth", "a change that nobody waits for is not kept: %s",
                  error_code_text(code));
    }
}

static void line_stored(int code, void *arg)
{
    struct auth *auth = arg;

    auth->in_store--;
    auth->audit_bucket.left_out += code != OK;
}

void auth_submit_line(struct auth *auth, struct store_batch *batch)
{
    auth->in_store++;
    int code = store_submit(auth->store, batch, line_stored, auth);

    if (code) {
        line_stored(code, auth);
    }
}

void auth_audit_put(struct store_batch *batch, const struct auth_caller *who, const char *action,
                    struct str target, const char *network, const char *detail)
{
    struct store_audit line = {.time_us = clock_now_us(),
                               .workspace_id = str_from(who->workspace_id),
                               .actor_id = str_from(who->user_id),
                               .credential_id = str_from(who->credential_id),
                               .action = str_from(action),
                               .target = target,
                               .address = str_from(network),
                               .detail = detail ? str_from(detail) : STR("{}")};

    store_add_audit(batch, &line);
}

/* detail with the number of lines that were left out before it. */
static const char *with_left_out(const char *detail, uint64_t left_out, char text[DETAIL_BYTES_MAX])
{
    if (!left_out) {
        return detail;
    }
    bool has_members = detail && detail[0] == '{' && detail[1] != '}';
    int length = snprintf(text, DETAIL_BYTES_MAX, "{\"left_out\":%llu%s",
                          (unsigned long long)left_out, has_members ? "," : "}");
    if (has_members && (size_t)length + strlen(detail) < DETAIL_BYTES_MAX) {
        (void)snprintf(text + length, DETAIL_BYTES_MAX - (size_t)length, "%s", detail + 1);
    } else if (has_members) {
        (void)snprintf(text, DETAIL_BYTES_MAX, "{\"left_out\":%llu}", (unsigned long long)left_out);
    }
    return text;
}

void accounts_audit(struct auth *auth, const struct auth_caller *caller, const char *action,
                    struct str target, struct str address, const char *detail)
{
    static const struct auth_caller nobody;
    char network[DIRECTORY_NETWORK_BYTES];
    char text[DETAIL_BYTES_MAX];
    uint64_t left_out = 0;
    bool is_known = caller && caller->kind != AUTH_KIND_NOBODY;

    if (auth_is_local(auth) || !auth->store ||
        !(is_known ? takes_of_user(auth, caller, &left_out) : auth_audit_takes(auth, &left_out))) {
        return;
    }
    struct store_batch *batch = store_batch_new(STR(""));
    if (!batch) {
        auth->audit_bucket.left_out++;
        return;
    }
    auth_network_of(address, network);
    auth_audit_put(batch, caller ? caller : &nobody, action, target, network,
                   with_left_out(detail, left_out, text));
    auth_submit_line(auth, batch);
}
