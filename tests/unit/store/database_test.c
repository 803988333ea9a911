/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#include "store/database.h"

static const char *const steps[] = {
    "CREATE TABLE a (n INTEGER PRIMARY KEY) STRICT; INSERT INTO a VALUES (7)",
    "ALTER TABLE a ADD COLUMN text TEXT NOT NULL DEFAULT 'old'",
    "CREATE TABLE b (n INTEGER); INSERT INTO a VALUES (8, 'new')",
};
static const char *const changes[] = {NULL, NULL, "a"};
static const char *const broken_steps[] = {
    "CREATE TABLE a (n INTEGER PRIMARY KEY) STRICT; INSERT INTO a VALUES (7)",
    "CREATE TABLE half (n INTEGER); INSERT INTO nowhere VALUES (1)",
};

static struct schema schema_of(const char *const *list, int count)
{
    return (struct schema){.file = "test.db",
                           .application_id = 77,
                           .before = "",
                           .steps = list,
                           .changes = list == steps ? changes : NULL,
                           .step_count = count};
}

static int number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;

    assert_int_equal(database_prepare(db, sql, &statement), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int value = sqlite3_column_int(statement, 0);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    return value;
}

static sqlite3 *open_with(const char *dir, const struct schema *schema)
{
    struct error error = {0};
    sqlite3 *db = NULL;

    if (database_open(dir, schema, &db, &error)) {
        fail_msg("%s", error.message);
    }
    return db;
}

/* A file of each older version becomes the current one and keeps its rows. */
static void test_database_takes_the_steps_that_a_file_has_not_seen(void **state)
{
    const struct schema current = schema_of(steps, 3);

    (void)state;
    for (int version = 0; version <= 3; version++) {
        struct schema older = schema_of(steps, version);
        char dir[128];

        fixture_dir(dir, sizeof(dir));
        database_close(open_with(dir, &older));
        sqlite3 *db = open_with(dir, &current);
        assert_int_equal(number(db, "PRAGMA user_version"), 3);
        assert_int_equal(number(db, "PRAGMA application_id"), 77);
        assert_int_equal(number(db, "SELECT count(*) FROM a WHERE text = 'old' AND n = 7"), 1);
        assert_int_equal(number(db, "SELECT count(*) FROM a"), 2);
        assert_int_equal(number(db, "PRAGMA synchronous"), 2);
        assert_int_equal(number(db, "PRAGMA foreign_keys"), 1);
        database_close(db);
        remove_files(dir);
        assert_int_equal(rmdir(dir), 0);
    }
}

/* A step that fails leaves the version before it, whole, for the program that has it right. */
static void test_database_takes_a_step_wholly_or_not(void **state)
{
    const struct schema broken = schema_of(broken_steps, 2);
    const struct schema first = schema_of(steps, 1);
    struct error error = {0};
    sqlite3 *db = NULL;
    char dir[128];

    (void)state;
    fixture_dir(dir, sizeof(dir));
    database_close(open_with(dir, &first));
    assert_int_equal(database_open(dir, &broken, &db, &error), ERR_IO);
    assert_non_null(strstr(error.message, "nowhere"));
    assert_null(db);
    db = open_with(dir, &first);
    assert_int_equal(number(db, "PRAGMA user_version"), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
    database_close(db);
    remove_files(dir);
    assert_int_equal(rmdir(dir), 0);
}

static void test_database_reader_cannot_write(void **state)
{
    const struct schema schema = schema_of(steps, 3);
    struct error error = {0};
    sqlite3 *db;
    sqlite3 *reader;
    char dir[128];

    (void)state;
    fixture_dir(dir, sizeof(dir));
    db = open_with(dir, &schema);
    assert_int_equal(database_open_reader(dir, &schema, &reader, &error), OK);
    assert_int_equal(number(reader, "SELECT count(*) FROM a"), 2);
    int result = database_run(reader, "DELETE FROM a");
    assert_int_equal(result & 0xff, SQLITE_READONLY);
    assert_int_equal(database_fail(reader, result, "delete", &error), ERR_IO);
    assert_non_null(strstr(error.hint, "own"));
    database_close(reader);
    database_close(db);
    remove_files(dir);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_database_takes_the_steps_that_a_file_has_not_seen),
        cmocka_unit_test(test_database_takes_a_step_wholly_or_not),
        cmocka_unit_test(test_database_reader_cannot_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
