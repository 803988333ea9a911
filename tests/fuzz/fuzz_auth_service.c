/*
 * Any bytes as what the auth service answers a backend, or as the file that is kept of it: a set of
 * keys, or what is said of a credential. What is taken can be written and is the same when it is
 * read again; nobody gets more than their role.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/introspection.h"
#include "auth/jwks.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_keys(struct str text)
{
    const struct str issuer = STR("https://auth.example.org");
    struct error error = {0};
    struct jwks set = {.count = 0};
    struct jwks again;
    struct buf written;

    if (jwks_read(text, issuer, &set, &error)) {
        check(error.message[0] && set.count == 0);
        return;
    }
    check(set.count > 0 && set.count <= JWKS_KEYS_MAX);
    buf_init(&written, JWKS_BYTES_MAX);
    jwks_write(&set, issuer, &written);
    check(!buf_status(&written));
    check(jwks_read(buf_str(&written), issuer, &again, &error) == OK);
    check(jwks_equal(&set, &again));
    for (size_t i = 0; i < set.count; i++) {
        check(jwks_find(&set, str_from(set.keys[i].kid)) == &set.keys[i]);
    }
    jwks_done(&again);
    jwks_done(&set);
    buf_done(&written);
}

static void as_word(struct str text)
{
    struct introspection told;
    struct error error = {0};

    if (introspection_read(text, &told, &error)) {
        check(error.message[0]);
    } else if (told.is_active) {
        check(told.caller.user_id[0] && told.caller.workspace_id[0] &&
              told.caller.credential_id[0]);
        check((told.caller.may & ~auth_role_scopes(told.caller.role)) == 0);
        check(!told.caller.is_operator || told.caller.role == AUTH_ROLE_ADMIN);
        check(told.expires_us >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};

    as_keys(text);
    as_word(text);
    return 0;
}
