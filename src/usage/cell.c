/* SPDX-License-Identifier: Apache-2.0 */
#include "usage/cell.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"

#define COUNT_DIGITS_MAX 19 /* every number of so many digits fits 64 bits */

/* The first letters of the words for nothing: most cells are told apart by theirs. */
static bool may_be_absent(char first)
{
    return first == '-' || first == '\\' || first == 'N' || first == 'n' || first == '<' ||
           first == '(';
}

bool cell_is_absent(const struct cell *cell)
{
    static const struct str words[] = {{"-", 1},    {"\\N", 2},   {"NA", 2},   {"N/A", 3},
                                       {"NaN", 3},  {"nil", 3},   {"null", 4}, {"None", 4},
                                       {"<NA>", 4}, {"(null)", 6}};
    struct str text;

    if (cell_is_json(cell)) {
        if (!json_get_str(cell->json, &text)) {
            return json_is(cell->json, JSON_NULL);
        }
    } else {
        text = cell->text;
    }
    if (text.length == 0) {
        return true;
    }
    if (text.length > 6 || !may_be_absent(text.data[0])) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (str_equal_ascii_case(text, words[i])) {
            return true;
        }
    }
    return false;
}

static int whole_of(struct decimal number, uint64_t *ret_count)
{
    static const uint64_t billion = 1000000000;

    if (number.digits < 0 || number.digits % (int128)billion != 0) {
        return ERR_INVALID;
    }
    number.digits /= (int128)billion;
    if (number.digits > (int128)UINT64_MAX) {
        return ERR_LIMIT;
    }
    *ret_count = (uint64_t)number.digits;
    return OK;
}

static int count_of_text(struct str text, uint64_t *ret_count)
{
    struct decimal number;
    uint64_t value = 0;

    if (text.length == 0 || text.length > COUNT_DIGITS_MAX) {
        text = str_trim(text);
    }
    if (text.length && text.length <= COUNT_DIGITS_MAX) {
        size_t i = 0;

        for (; i < text.length && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
            value = value * 10 + (uint64_t)(text.data[i] - '0');
        }
        if (i == text.length) {
            *ret_count = value;
            return OK;
        }
    }
    int code = decimal_parse(str_trim(text), 9, &number);
    return code ? code : whole_of(number, ret_count);
}

static int number_of_json(struct json_value json, unsigned scale, struct decimal *ret_number)
{
    uint64_t natural;
    int64_t integer;
    double real;
    bool fits;

    if (json_get_u64(json, &natural)) {
        *ret_number = decimal_rescale(decimal_of((int128)natural, 0), scale);
        return OK;
    }
    if (json_get_i64(json, &integer)) {
        *ret_number = decimal_rescale(decimal_of(integer, 0), scale);
        return OK;
    }
    if (!json_get_double(json, &real)) {
        return ERR_INVALID;
    }
    struct decimal number = decimal_from_double(real, scale, &fits);
    if (!fits) {
        return ERR_LIMIT;
    }
    *ret_number = number;
    return OK;
}

int cell_number(const struct cell *cell, unsigned scale, struct decimal *ret_number)
{
    struct str text = cell->text;

    if (cell_is_json(cell) && !json_get_str(cell->json, &text)) {
        return number_of_json(cell->json, scale, ret_number);
    }
    return decimal_parse(str_trim(text), scale, ret_number);
}

int cell_count(const struct cell *cell, uint64_t *ret_count)
{
    struct decimal number;
    struct str text = cell->text;
    uint64_t natural;

    if (cell_is_json(cell)) {
        if (json_get_u64(cell->json, &natural)) {
            *ret_count = natural;
            return OK;
        }
        if (!json_get_str(cell->json, &text)) {
            int code = number_of_json(cell->json, 9, &number);
            return code ? code : whole_of(number, ret_count);
        }
    }
    return count_of_text(text, ret_count);
}

int cell_bool(const struct cell *cell, bool *ret_bool)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"false", false}, {"1", true},  {"0", false}, {"yes", true},
                 {"no", false},  {"t", true},      {"f", false}, {"y", true},  {"n", false}};
    struct str text = cell->text;
    uint64_t number;

    if (cell_is_json(cell) && !json_get_str(cell->json, &text)) {
        if (json_get_bool(cell->json, ret_bool)) {
            return OK;
        }
        if (json_get_u64(cell->json, &number) && number <= 1) {
            *ret_bool = number == 1;
            return OK;
        }
        return ERR_INVALID;
    }
    text = str_trim(text);
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (str_equal_ascii_case(text, str_from(words[i].word))) {
            *ret_bool = words[i].value;
            return OK;
        }
    }
    return ERR_INVALID;
}

static struct str print_number(struct json_value json, char number[static CELL_NUMBER_BYTES])
{
    uint64_t natural;
    int64_t integer;
    double real;
    bool truth;
    int length = 0;

    if (json_get_u64(json, &natural)) {
        length = snprintf(number, CELL_NUMBER_BYTES, "%" PRIu64, natural);
    } else if (json_get_i64(json, &integer)) {
        length = snprintf(number, CELL_NUMBER_BYTES, "%" PRId64, integer);
    } else if (json_get_bool(json, &truth)) {
        length = snprintf(number, CELL_NUMBER_BYTES, "%s", truth ? "true" : "false");
    } else if (json_get_double(json, &real)) {
        length = snprintf(number, CELL_NUMBER_BYTES, "%.17g", real);
    }
    return (struct str){number, (size_t)length};
}

struct str cell_text(const struct cell *cell, char number[static CELL_NUMBER_BYTES])
{
    struct str text;

    if (!cell_is_json(cell)) {
        return cell->text;
    }
    struct json_value json = cell->json;
    if (json_is(json, JSON_ARRAY)) {
        struct json_iterator it = json_iterate(json);

        if (!json_next(&it)) {
            return STR("");
        }
        json = it.value;
    }
    return json_get_str(json, &text) ? text : print_number(json, number);
}

struct str cell_cut(struct str text, size_t bytes_max)
{
    if (text.length > bytes_max) {
        size_t length = bytes_max;

        while (length > 0 && ((unsigned char)text.data[length] & 0xc0) == 0x80) {
            length--;
        }
        text.length = length;
    }
    return text;
}
