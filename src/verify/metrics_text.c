/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/metrics_text.h"

#include <stdint.h>
#include <stdlib.h>

#define NUMBER_BYTES_MAX 64u

struct series {
    struct str name;
    struct str labels; /* between the braces */
    double value;
};

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == ':';
}

/* Index behind the closing brace of labels that begin at `at`; SIZE_MAX: there is none. */
static size_t end_of_labels(struct str line, size_t at)
{
    bool is_quoted = false;

    for (size_t i = at; i < line.length; i++) {
        if (line.data[i] == '\\' && is_quoted) {
            i++;
        } else if (line.data[i] == '"') {
            is_quoted = !is_quoted;
        } else if (line.data[i] == '}' && !is_quoted) {
            return i + 1;
        }
    }
    return SIZE_MAX;
}

static bool read_number(struct str text, double *ret_value)
{
    char copy[NUMBER_BYTES_MAX];
    char *end = copy;
    size_t space = str_find(text, STR(" "), 0);

    text.length = space == SIZE_MAX ? text.length : space; /* a time may follow */
    if (text.length == 0 || text.length >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    *ret_value = strtod(copy, &end);
    return end == copy + text.length;
}

static bool read_series(struct str line, struct series *ret_series)
{
    size_t at = 0;

    while (at < line.length && is_name_character(line.data[at])) {
        at++;
    }
    *ret_series = (struct series){.name = str_slice(line, 0, at)};
    if (at == 0 || at >= line.length) {
        return false;
    }
    if (line.data[at] == '{') {
        size_t end = end_of_labels(line, at + 1);

        if (end == SIZE_MAX || end >= line.length) {
            return false;
        }
        ret_series->labels = str_slice(line, at + 1, end - 1);
        at = end;
    }
    return line.data[at] == ' ' &&
           read_number(str_slice(line, at + 1, line.length), &ret_series->value);
}

/* The next line of *rest without its end; false at the end of the text. */
static bool next_line(struct str *rest, struct str *ret_line)
{
    if (rest->length == 0) {
        return false;
    }
    size_t end = str_find(*rest, STR("\n"), 0);
    size_t length = end == SIZE_MAX ? rest->length : end;

    *ret_line = str_slice(*rest, 0, length);
    *rest = str_slice(*rest, end == SIZE_MAX ? length : end + 1, rest->length);
    return true;
}

bool metrics_are_well_formed(struct str text, size_t *ret_series, size_t *ret_bad_line)
{
    struct str line = {0};
    struct series series;
    size_t number = 0;
    bool has_end = false;

    *ret_series = 0;
    *ret_bad_line = 0;
    while (next_line(&text, &line)) {
        bool is_note = str_starts_with(line, STR("# "));

        number++;
        if (has_end || (!is_note && !read_series(line, &series))) {
            *ret_bad_line = number;
            return false;
        }
        has_end = str_equal(line, STR("# EOF"));
        *ret_series += !is_note;
    }
    *ret_bad_line = has_end ? 0 : number + 1;
    return has_end;
}

/* name="value" among the labels, whole. */
static bool has_label(struct str labels, const struct metric_label *label)
{
    struct str name = str_from(label->name);
    struct str value = str_from(label->value);

    for (size_t at = 0; (at = str_find(labels, name, at)) != SIZE_MAX; at++) {
        size_t end = at + name.length + 2 + value.length;
        bool is_begin = at == 0 || labels.data[at - 1] == ',';

        if (is_begin && end < labels.length &&
            str_starts_with(str_slice(labels, at + name.length, labels.length), STR("=\"")) &&
            str_equal(str_slice(labels, at + name.length + 2, end), value) &&
            labels.data[end] == '"') {
            return true;
        }
    }
    return false;
}

double metrics_sum(struct str text, const char *name, const struct metric_label *labels,
                   size_t label_count, size_t *ret_matched)
{
    struct str line = {0};
    struct series series;
    double sum = 0;

    *ret_matched = 0;
    while (next_line(&text, &line)) {
        if (str_starts_with(line, STR("#")) || !read_series(line, &series) ||
            !str_equal(series.name, str_from(name))) {
            continue;
        }
        size_t having = 0;

        for (size_t i = 0; i < label_count; i++) {
            having += has_label(series.labels, &labels[i]);
        }
        if (having == label_count) {
            sum += series.value;
            (*ret_matched)++;
        }
    }
    return sum;
}
