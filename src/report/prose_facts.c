/*
 * What stands around a fact and makes another number of it: a unit or a period that it does not
 * have ("{spend.total} euros", "{spend.total} per day"), arithmetic ("{a} plus {b}"), and a
 * comparison with another fact that is false ("{a} is less than {b}"). Only within a clause, and
 * only in the plain forms in which models write these; the rest is not judged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "report/prose_state.h"

#include <stdio.h>

#define NEAR_WORDS   3u /* "{a} in monthly costs" */
#define BEFORE_WORDS 6u /* "your monthly bill for it is {a}" */

#define BIT(unit)    (1u << (unit))
#define COUNTS       (BIT(UNIT_REQUESTS) | BIT(UNIT_RECORDS) | BIT(UNIT_COUNT_OF_THINGS))
#define BARE         (COUNTS | BIT(UNIT_TOKENS) | BIT(UNIT_BLOCKS))
#define EVERY_UNIT   (~0u)

static struct str letters_of(const struct prose_part *part)
{
    return (struct str){part->letters, part->length};
}

static struct str written(const struct prose *prose, size_t start)
{
    return str_slice(buf_str(&prose->line), start, prose->line.length);
}

/* ---- units ---- */

/* Words that may stand right behind facts of these units only. A fact brings its unit, so most may
 * behind none. */
static const struct {
    const char *words;
    unsigned units;
} measures[] = {
    {"dollar dollars usd bucks", BIT(UNIT_USD) | BIT(UNIT_USD_PER_MTOK)},
    {"euro euros eur gbp pound pounds pence penny pennies cent cents yen quid buck", 0},
    {"second seconds ms millisecond milliseconds microsecond microseconds minute minutes", 0},
    {"hour hours week weeks month months year years", 0},
    {"day days", BIT(UNIT_DAYS)},
    {"tokens", BIT(UNIT_TOKENS) | BIT(UNIT_COUNT_OF_THINGS) | BIT(UNIT_TPM)},
    {"requests calls records rows", COUNTS | BIT(UNIT_RPM)},
    {"blocks", BIT(UNIT_BLOCKS) | BIT(UNIT_COUNT_OF_THINGS)},
    {"times", BARE | BIT(UNIT_X)},
    {"points basis fold", 0},
    {"squared cubed multiplied divided", 0},
};

static int judge_unit(struct prose *prose, const struct prose_part *part)
{
    const struct fact *fact = prose->fact_before;
    struct str word = letters_of(part);
    unsigned allowed = EVERY_UNIT;

    if (words_are_in("us in american canadian australian", word)) {
        return OK; /* "{a} US dollars": the unit is still to come */
    }
    prose->fact_before = NULL;
    if (!fact || fact->state == FACT_UNKNOWN) {
        return OK;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(measures); i++) {
        allowed = words_are_in(measures[i].words, word) ? measures[i].units : allowed;
    }
    if (allowed & BIT(fact->unit)) {
        return OK;
    }
    return prose_refuse(prose, "{%.*s} %s %s, not \"%.*s\"", STR_ARGS(prose_shown(fact->id)),
                        BIT(fact->unit) & BARE ? "counts" : "brings its unit,",
                        fact_unit_name(fact->unit), STR_ARGS(written(prose, part->start)));
}

/* ---- periods ---- */

/* Words that spread a fact over time or over things, and what its id or label must say for it. */
static const struct {
    const char *words;
    const char *adverbs;
    const char *stems;
} periods[] = {
    {"second", "", "second"},
    {"minute", "", "minute"},
    {"hour", "hourly", "hour"},
    {"day", "daily", "day dai"},
    {"week", "weekly", "week"},
    {"month", "monthly", "month"},
    {"quarter", "quarterly", "quarter"},
    {"year annum", "yearly annual annually annualized annualised", "year annu"},
    {"request call", "", "request call"},
    {"token", "", "token mtok"},
    {"user head person", "apiece", "user"},
    {"session conversation", "", "session conversation"},
};

/* The place of a word in the table, or its length. */
static size_t find_period(struct str word, bool is_adverb)
{
    size_t i = 0;

    while (
        i < ARRAY_LENGTH(periods) &&
        (!word.length || !words_are_in(is_adverb ? periods[i].adverbs : periods[i].words, word))) {
        i++;
    }
    return i;
}

static bool has_stem(struct str text, struct str stem)
{
    return str_find(text, stem, 0) != SIZE_MAX;
}

/* What an id says without the names of records, which may be anything ("monthly-report"). */
static struct str id_without_name(struct str id)
{
    size_t by = str_find(id, STR(".by_"), 0);
    bool is_day = by != SIZE_MAX && str_starts_with(str_slice(id, by, id.length), STR(".by_day."));

    return by == SIZE_MAX || is_day ? id : str_slice(id, 0, by);
}

static bool tells_period(const struct fact *fact, size_t period)
{
    struct str stems = str_from(periods[period].stems);

    if (fact->state == FACT_UNKNOWN ||
        ((fact->unit == UNIT_RPM || fact->unit == UNIT_TPM) && has_stem(stems, STR("minute"))) ||
        (fact->unit == UNIT_RATIO && has_stem(stems, STR("call"))) ||
        (fact->unit == UNIT_USD_PER_MTOK && has_stem(stems, STR("token")))) {
        return true;
    }
    for (size_t begin = 0; begin < stems.length;) {
        size_t end = str_find(stems, STR(" "), begin);

        end = end == SIZE_MAX ? stems.length : end;
        struct str stem = str_slice(stems, begin, end);
        if (has_stem(id_without_name(fact->id), stem) || has_stem(fact->label, stem)) {
            return true;
        }
        begin = end + 1;
    }
    return false;
}

static int refuse_period(struct prose *prose, const struct fact *fact, struct str word)
{
    return prose_refuse(prose, "{%.*s} is not meant \"%.*s\"; say what its label says",
                        STR_ARGS(prose_shown(fact->id)), STR_ARGS(prose_shown(word)));
}

/* Behind a fact: "{a} per day", "{a} each month", "{a} in yearly costs". */
static int judge_period_behind(struct prose *prose, struct str word, struct str before)
{
    const struct prose_clause *clause = &prose->clause;
    size_t noun = find_period(word, /* is_adverb */ false);
    size_t adverb = find_period(word, /* is_adverb */ true);
    bool is_near = clause->words_behind <= NEAR_WORDS;
    bool is_noun = noun < ARRAY_LENGTH(periods) &&
                   (str_equal(before, STR("per")) ||
                    (is_near && words_are_in("a an each every this last next calendar working "
                                             "business single",
                                             before)));
    size_t period = is_noun ? noun : is_near ? adverb : ARRAY_LENGTH(periods);

    if (!clause->fact || period == ARRAY_LENGTH(periods) || tells_period(clause->fact, period)) {
        return OK;
    }
    return refuse_period(prose, clause->fact, word);
}

/* Before one: "your monthly bill is {a}", "every month you pay {a}", "a year costs {a}". */
static void note_period(struct prose_clause *clause, struct str word, struct str before)
{
    size_t noun = find_period(word, /* is_adverb */ false);
    size_t adverb = find_period(word, /* is_adverb */ true);
    struct str behind = {clause->behind, clause->behind_length};
    bool is_noun = noun < ARRAY_LENGTH(periods) &&
                   (words_are_in("per each every", before) || str_equal(behind, STR("a ")) ||
                    str_ends_with(behind, STR("in a ")));

    clause->words_since_period++;
    if (is_noun || adverb < ARRAY_LENGTH(periods)) {
        clause->period = periods[is_noun ? noun : adverb].words;
        clause->words_since_period = 0;
    }
}

static int judge_period_before(struct prose *prose, const struct fact *fact)
{
    const struct prose_clause *clause = &prose->clause;

    if (!clause->period || clause->words_since_period > BEFORE_WORDS) {
        return OK;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(periods); i++) {
        if (periods[i].words == clause->period && !tells_period(fact, i)) {
            return prose_refuse(prose, "{%.*s} is not meant per %s; say what its label says",
                                STR_ARGS(prose_shown(fact->id)), periods[i].words);
        }
    }
    return OK;
}

/* ---- arithmetic ---- */

/* The words right before a fact, the last two of them. */
static const char *const changing[] = {
    "negative",  "times",        "point",       "less",          "sum of",        "product of",
    "square of", "root of",      "inverse of",  "reciprocal of", "power of",      "multiple of",
    "none of",   "multiples of", "fraction of", "fractions of",  "multiplied by", "divided by",
    "multiply",  "divide",       "subtract",    "subtracting",   "added to",      "combined with",
};

static bool is_changing(struct str text, const char *phrase)
{
    struct str wanted = str_from(phrase);
    size_t begin = text.length - wanted.length;

    return str_ends_with(text, wanted) && (begin == 0 || text.data[begin - 1] == ' ');
}

/* The two words before what comes now, "sum of"; empty behind a comma. */
static struct str words_before(const struct prose *prose, char text[2 * WORD_BYTES_MAX + 2])
{
    size_t length = 0;
    size_t first = prose->part_count > 1 ? prose->part_count - 2 : 0;

    for (size_t i = first; i < prose->part_count && prose->is_clause_open; i++) {
        if (length) {
            text[length++] = ' ';
        }
        memcpy(text + length, prose->parts[i].letters, prose->parts[i].length);
        length += prose->parts[i].length;
    }
    return (struct str){text, length};
}

/* What is spent: not what is saved. What failed calls cost could be. */
static bool is_cost(const struct fact *fact)
{
    return fact->state != FACT_UNKNOWN && !str_equal(fact->id, STR("spend.failed")) &&
           (str_starts_with(fact->id, STR("spend.")) ||
            str_starts_with(fact->id, STR("plan.cost.")) ||
            str_starts_with(fact->id, STR("cache.cost.")));
}

/* An invented saving needs no invented number: "the plan saves {spend.total}". */
static int judge_saving(struct prose *prose, const struct fact *fact, struct str before)
{
    static const char *const saving[] = {"save",        "saves",     "saved",      "saving",
                                         "savings",     "saving of", "savings of", "saving is",
                                         "savings are", "saved is"};

    for (size_t i = 0; i < ARRAY_LENGTH(saving) && is_cost(fact); i++) {
        if (is_changing(before, saving[i])) {
            return prose_refuse(prose, "{%.*s} is a cost, not a saving",
                                STR_ARGS(prose_shown(fact->id)));
        }
    }
    return OK;
}

static int judge_before(struct prose *prose, const struct fact *fact, struct str before)
{
    static const char *const money[] = {"usd",  "eur",   "gbp",   "dollar", "dollars", "costs",
                                        "euro", "euros", "pound", "pounds", "cost",    "pay"};
    bool is_bare = fact->state != FACT_UNKNOWN && BIT(fact->unit) & BARE;
    const char *found = NULL;

    for (size_t i = 0; i < ARRAY_LENGTH(changing); i++) {
        found = is_changing(before, changing[i]) ? changing[i] : found;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(money) && is_bare; i++) {
        found = is_changing(before, money[i]) ? money[i] : found;
    }
    return found ? prose_refuse(prose, "\"%s\" before {%.*s} makes another number of it", found,
                                STR_ARGS(prose_shown(fact->id)))
                 : OK;
}

/* ---- comparisons ---- */

static bool next_word(struct str text, size_t *at, struct str *ret_word)
{
    size_t end = str_find(text, STR(" "), *at);

    if (end == SIZE_MAX) {
        return false;
    }
    *ret_word = str_slice(text, *at, end);
    *at = end + 1;
    return true;
}

enum relation { NO_RELATION, IS_LESS, IS_MORE, IS_SAME };

#define COPULAS "is are was were be stays remains would will could"
#define ADVERBS "be much far slightly even still clearly well now significantly considerably"

/* What stands behind a fact and its copula: "below", "more than", "equal to". */
static enum relation relation_said(struct str word, struct str rest)
{
    static const struct {
        const char *words;
        const char *rest;
        enum relation relation;
    } said[] = {
        {"below under", "", IS_LESS},
        {"above over", "", IS_MORE},
        {"less lower smaller cheaper fewer shorter faster", "than ", IS_LESS},
        {"more higher larger greater bigger longer slower", "than ", IS_MORE},
        {"equal", "to ", IS_SAME},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(said); i++) {
        if (words_are_in(said[i].words, word) && str_equal(rest, str_from(said[i].rest))) {
            return said[i].relation;
        }
    }
    return NO_RELATION;
}

static enum relation relation_of_verb(struct str verb)
{
    return words_are_in("exceeds exceed outweighs tops", verb) ? IS_MORE
           : words_are_in("equals equal matches", verb)        ? IS_SAME
                                                               : NO_RELATION;
}

/* "exceeds", "is far more than", "is below"; a relation only when there is no other word. */
static enum relation relation_of(struct str behind)
{
    struct str word = STR("");
    size_t at = 0;

    if (!next_word(behind, &at, &word)) {
        return NO_RELATION;
    }
    if (!words_are_in(COPULAS, word)) {
        return at == behind.length ? relation_of_verb(word) : NO_RELATION;
    }
    while (next_word(behind, &at, &word) && words_are_in(ADVERBS, word)) {
    }
    return relation_said(word, str_slice(behind, at, behind.length));
}

/* "from {a} to {b}" behind a verb that says which way. */
static enum relation relation_in(const struct prose_clause *clause)
{
    struct str behind = {clause->behind, clause->behind_length};

    if (clause->is_from && str_equal(behind, STR("to "))) {
        return clause->direction > 0 ? IS_LESS : clause->direction < 0 ? IS_MORE : NO_RELATION;
    }
    return relation_of(behind);
}

static bool prints_same(const struct fact *a, const struct fact *b)
{
    struct buf texts[2];

    for (size_t i = 0; i < 2; i++) {
        buf_init(&texts[i], /* limit */ 1024);
        fact_print(i ? b : a, &texts[i]);
    }
    bool is_same = str_equal(buf_str(&texts[0]), buf_str(&texts[1]));
    buf_done(&texts[0]);
    buf_done(&texts[1]);
    return is_same;
}

static bool are_comparable(const struct fact *a, const struct fact *b)
{
    return a->unit == b->unit && a->state == FACT_COMPUTED && b->state == FACT_COMPUTED;
}

static bool holds(enum relation relation, const struct fact *a, const struct fact *b)
{
    int order = decimal_compare(a->value, b->value);

    switch (relation) {
    case IS_LESS:
        return order < 0;
    case IS_MORE:
        return order > 0;
    case IS_SAME:
        return order == 0 || prints_same(a, b);
    case NO_RELATION:
        break;
    }
    return true;
}

static int judge_comparison(struct prose *prose, const struct fact *b, bool is_plain)
{
    const struct prose_clause *clause = &prose->clause;
    const struct fact *a = clause->fact;

    if (!a || clause->is_broken) {
        return OK;
    }
    if (str_equal((struct str){clause->behind, clause->behind_length}, STR("plus "))) {
        return prose_refuse(prose, "\"plus\" between facts makes another number of them");
    }
    if (!is_plain || !clause->is_plain || !are_comparable(a, b) ||
        holds(relation_in(clause), a, b)) {
        return OK;
    }
    int order = decimal_compare(a->value, b->value);
    return prose_refuse(prose, "{%.*s} is %s {%.*s}; the text says otherwise",
                        STR_ARGS(prose_shown(a->id)),
                        order < 0   ? "less than"
                        : order > 0 ? "more than"
                                    : "the same as",
                        STR_ARGS(prose_shown(b->id)));
}

static int direction_of(struct str word, int before)
{
    if (words_are_in(
            "rise rises rose rising grow grows grew growing increase increases increased "
            "increasing climb climbs climbed climbing raise raises raised raising lift lifts "
            "lifted lifting boost boosts boosted boosting",
            word)) {
        return 1;
    }
    if (words_are_in("fall falls fell falling drop drops dropped dropping decrease decreases "
                     "decreased decreasing decline declines shrink shrinks reduce reduces reduced "
                     "reducing cut cuts cutting lower lowers lowered lowering",
                     word)) {
        return -1;
    }
    if (words_are_in(
            "improve improves improved improving change changes changed changing move moves "
            "moved moving bring brings bringing take takes taking go goes going shift shifts",
            word)) {
        return 0; /* which way is a matter of what it is */
    }
    return before;
}

/* ---- the clause ---- */

void prose_clause_end(struct prose *prose, int32_t mark)
{
    const char *period = mark == ':' ? prose->clause.period : NULL; /* "Monthly: {a}" */

    prose->clause = (struct prose_clause){.period = period};
}

void prose_clause_name(struct prose *prose)
{
    prose->clause.is_broken = true;
}

int prose_clause_word(struct prose *prose, const struct prose_part *part, struct str before)
{
    struct prose_clause *clause = &prose->clause;
    struct str word = letters_of(part);
    int code = judge_unit(prose, part);

    clause->words_behind++;
    code = code ? code : judge_period_behind(prose, word, before);
    clause->direction = direction_of(word, clause->direction);
    note_period(clause, word, before);
    if (clause->behind_length + word.length + 1 > sizeof(clause->behind)) {
        clause->is_broken = true;
        return code;
    }
    memcpy(clause->behind + clause->behind_length, word.data, word.length);
    clause->behind_length += word.length;
    clause->behind[clause->behind_length++] = ' ';
    return code;
}

int prose_clause_fact(struct prose *prose, const struct fact *fact, bool is_plain)
{
    char text[2 * WORD_BYTES_MAX + 2];
    struct str before = words_before(prose, text);
    int code = judge_before(prose, fact, before);

    code = code ? code : judge_saving(prose, fact, before);
    code = code ? code : judge_period_before(prose, fact);
    code = code ? code : judge_comparison(prose, fact, is_plain);
    prose->clause = (struct prose_clause){.fact = fact,
                                          .is_plain = is_plain,
                                          .is_from = is_changing(before, "from"),
                                          .direction = prose->clause.direction};
    return code;
}
