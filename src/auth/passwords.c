/*
 * A job carries its own copy of the password, wiped with it. A password that cannot be anybody's is
 * checked as a single zero byte against a hash that nothing has: the same work.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/passwords.h"

#include <argon2.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/random.h>

#include "auth/base64url.h"
#include "auth/hash_index.h"
#include "base/alloc.h"

struct hashing {
    struct ring waiting;
    struct loop_job job;
    struct passwords *passwords;
    struct password password;
    bool is_check;
    char encoded[PASSWORD_ENCODED_MAX]; /* to check against */
    char made[PASSWORD_ENCODED_MAX];
    int code;
    password_fn done;
    void *arg;
};

void passwords_init(struct passwords *passwords, struct loop *loop)
{
    *passwords = (struct passwords){.loop = loop};
    ring_init(&passwords->waiting);
}

static void free_hashing(struct hashing *hashing)
{
    OPENSSL_cleanse(hashing, sizeof(*hashing));
    alloc_free(hashing);
}

void passwords_done(struct passwords *passwords)
{
    if (!passwords->loop) {
        return;
    }
    passwords->is_closing = true;
    while (!ring_is_empty(&passwords->waiting)) {
        struct hashing *hashing = RECORD_OF(passwords->waiting.next, struct hashing, waiting);

        ring_remove(&hashing->waiting);
        free_hashing(hashing);
    }
    if (passwords->running) {
        loop_finish_jobs(passwords->loop);
    }
}

static int code_of(int argon2_code)
{
    switch (argon2_code) {
    case ARGON2_OK:
        return OK;
    case ARGON2_MEMORY_ALLOCATION_ERROR:
        return ERR_NO_MEMORY;
    default:
        return ERR_DENIED; /* another password, or a hash that is none */
    }
}

static int make(const struct password *password, char made[PASSWORD_ENCODED_MAX])
{
    unsigned char salt[PASSWORD_SALT_BYTES];

    if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt)) {
        return ERR_IO;
    }
    int code = argon2id_hash_encoded(PASSWORD_PASSES, PASSWORD_MEMORY_KIB, PASSWORD_LANES,
                                     password->text, password->length, salt, sizeof(salt),
                                     PASSWORD_HASH_BYTES, made, PASSWORD_ENCODED_MAX);
    return code == ARGON2_OK ? OK : ERR_NO_MEMORY; /* the parameters are constants */
}

/* "$argon2id$v=19$m=19456,t=2,p=1$" */
static void print_parameters(char text[PASSWORD_ENCODED_MAX])
{
    (void)snprintf(text, PASSWORD_ENCODED_MAX, "$argon2id$v=%d$m=%u,t=%u,p=%u$",
                   ARGON2_VERSION_NUMBER, PASSWORD_MEMORY_KIB, PASSWORD_PASSES, PASSWORD_LANES);
}

static bool is_of_today(const char *encoded)
{
    char prefix[PASSWORD_ENCODED_MAX];

    print_parameters(prefix);
    return strncmp(encoded, prefix, strlen(prefix)) == 0;
}

/* Worker. */
static void work(void *arg)
{
    struct hashing *hashing = arg;

    if (!hashing->is_check) {
        hashing->code = make(&hashing->password, hashing->made);
        return;
    }
    hashing->code = code_of(
        argon2id_verify(hashing->encoded, hashing->password.text, hashing->password.length));
    if (hashing->code == OK && !is_of_today(hashing->encoded) &&
        make(&hashing->password, hashing->made)) {
        hashing->made[0] = '\0'; /* the next time */
    }
}

static void begin_next(struct passwords *passwords);

static void end_job(void *arg)
{
    struct hashing *hashing = arg;
    struct passwords *passwords = hashing->passwords;

    passwords->running--;
    passwords->computed++;
    if (!passwords->is_closing) {
        begin_next(passwords);
        hashing->done(hashing->code, hashing->made[0] ? hashing->made : NULL, hashing->arg);
    }
    free_hashing(hashing);
}

static void begin_next(struct passwords *passwords)
{
    if (passwords->running == ACCOUNTS_HASHES_MAX || ring_is_empty(&passwords->waiting)) {
        return;
    }
    struct hashing *hashing = RECORD_OF(passwords->waiting.next, struct hashing, waiting);

    ring_remove(&hashing->waiting);
    passwords->waiting_count--;
    passwords->running++;
    loop_work(passwords->loop, &hashing->job);
}

static int enqueue(struct passwords *passwords, struct hashing *hashing)
{
    hashing->passwords = passwords;
    hashing->job = (struct loop_job){.work = work, .done = end_job, .arg = hashing};
    ring_add_last(&passwords->waiting, &hashing->waiting);
    passwords->waiting_count++;
    begin_next(passwords);
    return OK;
}

static int new_hashing(struct passwords *passwords, const struct password *password,
                       struct hashing **ret_hashing)
{
    if (passwords->waiting_count == ACCOUNTS_HASHES_WAITING) {
        return ERR_LIMIT;
    }
    struct hashing *hashing = alloc_zeroed(1, sizeof(*hashing));
    if (!hashing) {
        return ERR_NO_MEMORY;
    }
    if (password) {
        hashing->password = *password;
    } else {
        hashing->password.length = 1;
    }
    *ret_hashing = hashing;
    return OK;
}

/* A hash that no password has: random where the output of argon2id would be. */
static bool print_nobodys(char encoded[PASSWORD_ENCODED_MAX])
{
    unsigned char random[PASSWORD_SALT_BYTES + PASSWORD_HASH_BYTES];
    char salt[BASE64URL_LENGTH(PASSWORD_SALT_BYTES) + 1];
    char hash[BASE64URL_LENGTH(PASSWORD_HASH_BYTES) + 1];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return false;
    }
    base64url_encode(random, PASSWORD_SALT_BYTES, salt);
    base64url_encode(random + PASSWORD_SALT_BYTES, PASSWORD_HASH_BYTES, hash);
    print_parameters(encoded);
    size_t length = strlen(encoded);
    (void)snprintf(encoded + length, PASSWORD_ENCODED_MAX - length, "%s$%s", salt, hash);
    /* argon2's own alphabet is that of base64 */
    for (char *c = encoded + length; *c; c++) {
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    }
    return true;
}

int passwords_check(struct passwords *passwords, const struct password *password,
                    const char *encoded, password_fn done, void *arg)
{
    struct hashing *hashing;
    int code = new_hashing(passwords, password, &hashing);

    if (code) {
        return code;
    }
    hashing->is_check = true;
    hashing->done = done;
    hashing->arg = arg;
    if (encoded && password && strlen(encoded) < PASSWORD_ENCODED_MAX) {
        memcpy(hashing->encoded, encoded, strlen(encoded));
    } else if (!print_nobodys(hashing->encoded)) {
        free_hashing(hashing);
        return ERR_IO;
    }
    return enqueue(passwords, hashing);
}

int passwords_make(struct passwords *passwords, const struct password *password, password_fn done,
                   void *arg)
{
    struct hashing *hashing;
    int code = new_hashing(passwords, password, &hashing);

    if (code) {
        return code;
    }
    hashing->done = done;
    hashing->arg = arg;
    return enqueue(passwords, hashing);
}
