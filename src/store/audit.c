/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit.h"

#include <openssl/evp.h>

#include "store/inspection.h"

#define AUDIT_TEXTS     7
#define AUDIT_ARGUMENTS (3 + AUDIT_TEXTS)

static void free_context(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static bool add_number(EVP_MD_CTX *context, uint64_t number)
{
    unsigned char bytes[8];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(number >> (56 - 8 * i));
    }
    return EVP_DigestUpdate(context, bytes, sizeof(bytes)) == 1;
}

static bool add_text(EVP_MD_CTX *context, struct str text)
{
    return add_number(context, text.length) &&
           (text.length == 0 || EVP_DigestUpdate(context, text.data, text.length) == 1);
}

int audit_hash(const unsigned char before[STORE_HASH_BYTES], const struct store_audit *line,
               unsigned char ret_hash[STORE_HASH_BYTES])
{
    const struct str texts[AUDIT_TEXTS] = {line->workspace_id, line->actor_id, line->credential_id,
                                           line->action,       line->target,   line->address,
                                           line->detail};
    unsigned char hash[EVP_MAX_MD_SIZE];
    cleanup(free_context) EVP_MD_CTX *context = EVP_MD_CTX_new();

    bool is_good = context && EVP_DigestInit_ex(context, EVP_sha256(), /* engine */ NULL) == 1 &&
                   EVP_DigestUpdate(context, before, STORE_HASH_BYTES) == 1 &&
                   add_number(context, line->n) && add_number(context, (uint64_t)line->time_us);
    for (int i = 0; i < AUDIT_TEXTS && is_good; i++) {
        is_good = add_text(context, texts[i]);
    }
    /* libcrypto fails here for want of memory only. */
    if (!is_good || EVP_DigestFinal_ex(context, hash, NULL) != 1) {
        return ERR_NO_MEMORY;
    }
    memcpy(ret_hash, hash, STORE_HASH_BYTES);
    return OK;
}

static struct str text_of(sqlite3_value *value)
{
    const char *data = (const char *)sqlite3_value_text(value);

    return (struct str){data, data ? (size_t)sqlite3_value_bytes(value) : 0};
}

static void hash_in_sql(sqlite3_context *context, int count, sqlite3_value **values)
{
    const unsigned char *before = sqlite3_value_blob(values[0]);
    unsigned char hash[STORE_HASH_BYTES];
    const struct store_audit line = {
        .n = (uint64_t)sqlite3_value_int64(values[1]),
        .time_us = sqlite3_value_int64(values[2]),
        .workspace_id = text_of(values[3]),
        .actor_id = text_of(values[4]),
        .credential_id = text_of(values[5]),
        .action = text_of(values[6]),
        .target = text_of(values[7]),
        .address = text_of(values[8]),
        .detail = text_of(values[9]),
    };

    (void)count;
    if (!before || sqlite3_value_bytes(values[0]) != (int)STORE_HASH_BYTES) {
        sqlite3_result_error(context, "the hash of the last line is none", -1);
        return;
    }
    for (int i = 3; i < AUDIT_ARGUMENTS; i++) {
        if (!sqlite3_value_text(values[i])) {
            sqlite3_result_error_nomem(context);
            return;
        }
    }
    if (audit_hash(before, &line, hash)) {
        sqlite3_result_error_nomem(context);
        return;
    }
    sqlite3_result_blob(context, hash, sizeof(hash), SQLITE_TRANSIENT);
}

int audit_register(sqlite3 *db)
{
    return sqlite3_create_function_v2(db, "audit_hash", AUDIT_ARGUMENTS,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                      /* arg */ NULL, hash_in_sql, NULL, NULL, NULL);
}

/* Line by line against the hash of the one before it; then whether the last ones were cut off, and
 * whether the numbers have gaps. */
int audit_find_break(sqlite3 *db, int64_t *ret_lines, int64_t *ret_broken)
{
    static const char sql_table[] = "SELECT count(*) FROM sqlite_schema WHERE name = 'audit'";
    static const char sql_line[] =
        "SELECT n FROM (SELECT *, lag(hash, 1, zeroblob(32)) OVER (ORDER BY n) AS before_it,"
        " row_number() OVER (ORDER BY n) AS place FROM audit) WHERE place <> n OR"
        " hash <> audit_hash(before_it, n, time_us, workspace, actor, credential, action, target,"
        " address, detail) ORDER BY n LIMIT 1";
    static const char sql_end[] =
        "SELECT CASE WHEN written > present THEN present + 1 ELSE 0 END FROM (SELECT"
        " coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0) AS written,"
        " (SELECT count(*) FROM audit) AS present)";
    int64_t has_table = 0;
    int result = inspection_number(db, sql_table, &has_table);

    *ret_lines = 0;
    *ret_broken = 0;
    if (result || !has_table) {
        return result;
    }
    result = inspection_number(db, "SELECT count(*) FROM audit", ret_lines);
    if (!result) {
        result = inspection_number(db, sql_line, ret_broken);
    }
    if (!result && *ret_broken == 0) {
        result = inspection_number(db, sql_end, ret_broken);
    }
    return result;
}
