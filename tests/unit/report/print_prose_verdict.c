/*
 * Prints what the judge of prose says of texts, to try it out by hand:
 *
 *     print_prose_verdict [FACTS NAMES] < TEXTS
 *
 * TEXTS has one text a line, "\n" in it for a new line. FACTS has one fact a line, as a model is
 * told them by "netra ask … --show-prompt"; NAMES one name a line. Without them the sample facts of
 * the tests are taken. A line of output is the verdict, the text and the judge's words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "prose_support.h"
#include "json/json_read.h"

#define LINE_BYTES_MAX 65536u

static struct fact_set facts;
static struct str ids[PROSE_FACTS_MAX];
static struct str names[PROSE_NAMES_MAX];
static struct prose_rules given = {.facts = &facts, .fact_ids = ids, .names = names};
static struct arena arena;

static bool next_line(FILE *file, char line[LINE_BYTES_MAX], struct str *ret_line)
{
    if (!fgets(line, LINE_BYTES_MAX, file)) {
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    *ret_line = str_from(line);
    return true;
}

static enum fact_unit unit_of(struct str name)
{
    unsigned unit = 0;

    while (unit < UNIT_USD_PER_MTOK && !str_equal(name, str_from(fact_unit_name(unit)))) {
        unit++;
    }
    return (enum fact_unit)unit;
}

/* The digits of what is printed, near enough to compare facts of one unit. */
static struct decimal value_of(struct str printed)
{
    struct decimal value = {0, 6};
    bool is_behind_point = false;

    for (size_t i = 0; i < printed.length && value.scale > 0; i++) {
        char c = printed.data[i];

        is_behind_point = is_behind_point || c == '.';
        if (c >= '0' && c <= '9') {
            value.digits = value.digits * 10 + (c - '0');
            value.scale -= is_behind_point;
        }
    }
    return decimal_rescale(decimal_of(value.digits, 6 - value.scale), 6);
}

static void add_fact(struct json_value root)
{
    struct str printed = STR("");

    (void)json_get_str(json_at(root, "printed"), &printed);
    struct fact fact = {.value = value_of(printed), .low = {0, 0}, .high = value_of(printed)};
    struct str state = STR("");
    struct str unit = STR("");

    check(json_get_str(json_at(root, "id"), &fact.id));
    (void)json_get_str(json_at(root, "label"), &fact.label);
    (void)json_get_str(json_at(root, "needs"), &fact.needs);
    (void)json_get_str(json_at(root, "state"), &state);
    (void)json_get_str(json_at(root, "unit"), &unit);
    fact.unit = unit_of(unit);
    fact.state = str_equal(state, STR("unknown"))   ? FACT_UNKNOWN
                 : str_equal(state, STR("bounded")) ? FACT_BOUNDED
                                                    : FACT_COMPUTED;
    fact.has_bounds = fact.state == FACT_BOUNDED;
    check(given.fact_count < PROSE_FACTS_MAX && fact_set_add(&facts, &fact) == OK);
    ids[given.fact_count++] = arena_copy(&arena, fact.id);
}

static void read_rules(const char *facts_path, const char *names_path)
{
    static char line[LINE_BYTES_MAX];
    struct json_parser *parser;
    struct json_value root;
    struct str text;
    FILE *file = fopen(facts_path, "re");

    fact_set_init(&facts);
    arena_init(&arena, (size_t)16 << 20);
    given.may_name_facts = true;
    check(file && json_parser_new(LINE_BYTES_MAX, &parser) == OK);
    while (next_line(file, line, &text)) {
        check(json_parse(parser, text, &root, /* error */ NULL) == OK);
        add_fact(root);
    }
    json_parser_free(parser);
    (void)fclose(file);
    file = fopen(names_path, "re");
    check(file != NULL);
    while (given.name_count < PROSE_NAMES_MAX && next_line(file, line, &text)) {
        names[given.name_count++] = arena_copy(&arena, text);
    }
    (void)fclose(file);
}

static void print_verdict(const struct prose_rules *rules, struct str line)
{
    struct judged judged;
    struct buf text;

    buf_init(&text, LINE_BYTES_MAX);
    for (size_t i = 0; i < line.length; i++) {
        bool is_newline = line.data[i] == '\\' && i + 1 < line.length && line.data[i + 1] == 'n';

        buf_append_char(&text, is_newline ? '\n' : line.data[i]);
        i += is_newline;
    }
    judge(rules, buf_str(&text), text.length, &judged);
    printf("%s\t%.*s\t%s\n", judged.code ? "refused" : "passed", STR_ARGS(line),
           judged.code ? judged.error.message : "");
    judged_done(&judged);
    buf_done(&text);
}

int main(int argc, char **argv)
{
    static char line[LINE_BYTES_MAX];
    const struct prose_rules *rules = argc == 3 ? &given : prose_sample_rules();
    struct str text;

    if (argc == 3) {
        read_rules(argv[1], argv[2]);
    }
    while (next_line(stdin, line, &text)) {
        if (text.length) {
            print_verdict(rules, text);
        }
    }
    return 0;
}
