/*
 * The parser survives lack of memory. simdjson allocates with operator new, which base/alloc.h
 * cannot make fail; so this program brings its own operators (by their names of the Itanium C++
 * ABI, which gcc and clang use on every 64-bit system) and fails the Nth call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdlib.h>

#include "json/json_read.h"

static uint64_t asked;
static uint64_t fail_from; /* 0: never */

static void *allocate(size_t bytes)
{
    return fail_from != 0 && ++asked >= fail_from ? NULL : malloc(bytes ? bytes : 1);
}

/* operator new and new[], the forms with std::nothrow, and the deletes that go with them. */
void *_ZnwmRKSt9nothrow_t(size_t bytes, const void *tag);
void *_ZnamRKSt9nothrow_t(size_t bytes, const void *tag);
void *_Znwm(size_t bytes);
void *_Znam(size_t bytes);
void _ZdlPv(void *memory);
void _ZdlPvm(void *memory, size_t bytes);
void _ZdaPv(void *memory);
void _ZdaPvm(void *memory, size_t bytes);

void *_ZnwmRKSt9nothrow_t(size_t bytes, const void *tag)
{
    (void)tag;
    return allocate(bytes);
}

void *_ZnamRKSt9nothrow_t(size_t bytes, const void *tag)
{
    (void)tag;
    return allocate(bytes);
}

/* The throwing forms cannot throw from C; nothing here may need one that fails. */
void *_Znwm(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);

    if (!memory) {
        abort();
    }
    return memory;
}

void *_Znam(size_t bytes)
{
    return _Znwm(bytes);
}

void _ZdlPv(void *memory)
{
    free(memory);
}

void _ZdlPvm(void *memory, size_t bytes)
{
    (void)bytes;
    free(memory);
}

void _ZdaPv(void *memory)
{
    free(memory);
}

void _ZdaPvm(void *memory, size_t bytes)
{
    (void)bytes;
    free(memory);
}

static void test_json_parser_survives_lack_of_memory(void **state)
{
    static char text[9000];
    uint64_t nth = 0;
    int code;

    (void)state;
    struct json_parser *probe = NULL;
    fail_from = UINT64_MAX;
    assert_int_equal(json_parser_new(1 << 20, &probe), OK);
    json_parser_free(probe);
    fail_from = 0;
    if (asked == 0) {
        print_message("the operators of this program are not the ones in use (valgrind)\n");
        skip();
    }
    memset(text, ' ', sizeof(text));
    memcpy(text, "{\"a\": [1, 2, 3]}", 16);
    do {
        struct json_parser *parser = NULL;
        struct json_value root = {&root, 42};
        struct error error = {0};

        asked = 0;
        fail_from = ++nth;
        code = json_parser_new(1 << 20, &parser);
        if (code == OK) {
            code = json_parse(parser, (struct str){text, 100}, &root, &error);
        }
        if (code == OK) { /* and growing */
            root = (struct json_value){&root, 42};
            code = json_parse(parser, (struct str){text, sizeof(text)}, &root, &error);
        }
        fail_from = 0;
        assert_true(code == OK || code == ERR_NO_MEMORY);
        if (code && parser) {
            assert_int_equal(error.code, ERR_NO_MEMORY);
            assert_int_equal(root.index, 42);
            assert_int_equal(json_parse(parser, (struct str){text, sizeof(text)}, &root, NULL), OK);
            assert_int_equal(json_count(json_at(root, "a")), 3);
        }
        json_parser_free(parser);
    } while (code);
    assert_true(nth > 5);
    json_parser_free(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_json_parser_survives_lack_of_memory),
};

UNIT_MAIN(tests)
