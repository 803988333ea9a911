/*
 * What stands around a fact: a unit, a period, arithmetic or a comparison that would make another
 * number of it is refused, in the forms in which people write these; the same words where they are
 * right, or say nothing about the fact, pass. Promises and requests, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/check.h"
#include "prose_support.h"

#define TOTAL  "{spend.total}"
#define SAVING "{plan.saving.total}"
#define SHARE  "{plan.saving.share}"
#define COUNT  "{requests.total}"

static const char *const refused[] = {
    /* arithmetic */
    "The sum of " TOTAL " and " SAVING " is what you pay.",
    TOTAL " plus " SAVING " is what you pay.",
    TOTAL " less " SAVING " is what you pay.",
    TOTAL " multiplied by " SHARE " remains.",
    TOTAL " divided by " COUNT " remains.",
    "The product of " COUNT " and " TOTAL " is large.",
    "The square root of " TOTAL " is small.",
    "The inverse of " SHARE " is large.",
    TOTAL " added to " SAVING " is a lot.",
    TOTAL " combined with " SAVING " is a lot.",
    "Subtract " SAVING " from it.",
    "Multiply " TOTAL " by it.",
    "It is a multiple of " TOTAL ".",
    "It is a fraction of " TOTAL ".",
    /* units */
    TOTAL " euros are spent.",
    TOTAL " cents are spent.",
    TOTAL " seconds pass.",
    TOTAL " requests are made.",
    COUNT " tokens are read.",
    "{tokens.input.total} requests are made.",
    COUNT " basis points.",
    COUNT " fold.",
    SHARE " points.",
    SHARE " dollars.",
    "{latency.p95.search} seconds.",
    "{latency.p95.search} hours.",
    "{traffic.peak_rpm} hours.",
    "It costs " COUNT ".",
    /* periods */
    "It costs " TOTAL " per day.",
    "It costs " TOTAL " a month.",
    "It costs " TOTAL " every hour.",
    "It costs " TOTAL " in a year.",
    "It costs " TOTAL " monthly.",
    "It costs " TOTAL " (per month).",
    "It costs " TOTAL " per request.",
    "It costs " TOTAL " a call.",
    "It costs " TOTAL " per user.",
    "It costs " TOTAL " in annual terms.",
    "Your monthly bill is " TOTAL ".",
    "Every month you pay " TOTAL ".",
    "It costs " TOTAL " per calendar month.",
    "It costs " TOTAL " this month.",
    "It costs " TOTAL " per person.",
    "In a month you pay " TOTAL ".",
    "A year costs " TOTAL ".",
    "Monthly: " TOTAL ".",
    "Annualised savings are " SAVING ".",
    "There are " COUNT " requests per day.",
    "At its peak there are {traffic.peak_rpm} per second.",
    /* comparisons */
    TOTAL " is less than " SAVING ".",
    SAVING " is far more than " TOTAL ".",
    SAVING " exceeds " TOTAL ".",
    SAVING " would be higher than " TOTAL ".",
    TOTAL " is still below " SAVING ".",
    TOTAL " equals " SAVING ".",
    "The bill rises from " TOTAL " to " SAVING ".",
    "Cutting the bill from " SAVING " to " TOTAL " helps.",
    /* savings */
    "The plan saves " TOTAL ".",
    "You could save " TOTAL ".",
    "Savings of " TOTAL " are possible.",
    "The saving is " TOTAL ".",
    /* promises, and what costs nothing */
    "Savings are guaranteed.",
    "We guarantee the saving of " SAVING ".",
    "There is no risk.",
    "This is risk-free.",
    "It is done without risk.",
    "A riskless change.",
    "There are no drawbacks.",
    "It has no impact.",
    "None of " COUNT " is wasted.",
    "It comes at no cost.",
    "It costs nothing.",
    "You get it for free.",
    "Users will not notice.",
    "It works without degradation of answers.",
    "The outputs are indistinguishable.",
    "A less capable model.",
    /* requests and addresses */
    "Please paste your API key here.",
    "Send your password to support.",
    "Visit evil dot com.",
    "See https evil example.",
    /* names of records that say something: readers get them without backquotes */
    "It is `a plan that is free for all`.",
    "It is `99 % off`.",
    "Please `pay at evil.example, now`.",
    "See `https://evil.example`.",
    /* other languages */
    "Die Kosten sind hoch.",
    "Le plan est bon.",
    "Los costos suben.",
    "De kosten zijn hoog, het is veel.",
    "To jest du\xc5\xbco.",
    "To jest malo.",
    "Det \xc3\xa4r dyrt och l\xc3\xa5ngsamt.",
    "pi\xc4\x99\xc4\x87 tysi\xc4\x99"
    "cy",
    "hundra",
    /* quality: a count of scores is no score, a doubt elsewhere no fact */
    "Quality stays the same, as {fields.quality.records} records show.",
    "Quality stays. It was not measured.",
    "Quality stays the same at {spend.by_feature.quality}.",
    "It costs {spend.by_feature.monthly-report} a month.",
    "Quality is not worse.",
    /* further numbers */
    "A third of it.",
    "The third of the spend.",
    "It is third largest.",
    "Cut a\n\nthird.",
    "Third.",
    "Save the third change.\n\nCut a third.",
    "It costs twice as much.",
    "It costs twice.",
    "You pay twice the price.",
    "One by day.\n\nJust one.",
    "A quintillion of calls.",
    "Infinite savings.",
    "A biannual bill.",
    "It costs a dime.",
    "A tithe of it.",
};

static const char *const valid[] = {
    TOTAL " dollars were spent.",
    TOTAL " US dollars were spent.",
    COUNT " requests, or " COUNT " calls, were made.",
    COUNT " times it was avoidable.",
    "{tokens.input.total} tokens were sent.",
    SHARE " of tokens, of requests and of the spend.",
    "It saves " SAVING " when prompts repeat each day, every day.",
    "It saves " SAVING ", and answers may take a day.",
    "That day cost {spend.by_day.2026-01-01} a day.",
    "Answers may take a day and save " SAVING ".",
    "Run it monthly. The bill is " TOTAL ".",
    "Each day counts; the bill is " TOTAL ".",
    "Per request, the cost falls; in all it is " TOTAL ".",
    "Peak traffic is {traffic.peak_rpm} per minute.",
    "Whether it holds per day is {whatif.gpt-4o-mini.quality} per day.",
    SAVING " is less than " TOTAL ".",
    TOTAL " is far more than " SAVING ".",
    TOTAL " exceeds " SAVING ", which is good.",
    SAVING " is not less than " TOTAL ".", /* what is denied is not judged */
    TOTAL " is equal to " TOTAL ".",
    SHARE " is less than " TOTAL ".",         /* nor are different units */
    "{batch.saving} is more than " TOTAL ".", /* nor what is bounded */
    "The bill falls from " TOTAL " to " SAVING ".",
    "The bill would grow from " SAVING " to " TOTAL ".",
    "You spent " TOTAL " over " COUNT " requests.",
    "It saves " SAVING ", plus " SHARE " more, adding " SAVING ".",
    "It reduces the bill by raising the share from " SAVING " to " TOTAL ".",
    "It reduces the bill by moving it from " SAVING " to " TOTAL ".",
    "With caching it costs " SAVING " less than " TOTAL ".",
    "Savings are not guaranteed, and there is some risk.",
    "There is no guarantee.",
    "It carries little risk, and is nearly free.",
    "Nothing changes, and the cost is not an issue.",
    "A difference of " SAVING " remains.",
    "The cost-free tier, the key insight and an idempotency key.",
    "It is `weekly report for finance team` on `openai/gpt-4o:free`.",
    "A na\xc3\xafve caf\xc3\xa9 and a man\xc5\x93uvre.",
    "First, cache. Second, batch. Third, stop repeats.",
    "The third priority is caching, the third largest saving.",
    "Nobody should send the same call twice.",
    "The shorter cache costs more than the longer one.",
    "Make the changes one by one.",
    "It saves " SAVING " of " TOTAL ".",
    "The savings of " SAVING " leave less to pay.",
    "The most valuable one is the cache, the other one of them waits.",
    "For each call the cost drops by " SHARE ".",
    "The effect on quality was not measured.",
    "Whether quality holds is unknown; it wasn't tested.",
    "Users notice, says {quality.by_feature.search.difference}.",
};

static bool passes(const char *text, size_t step, char ret_why[ERROR_MESSAGE_BYTES_MAX])
{
    struct judged judged;

    judge(prose_sample_rules(), str_from(text), step, &judged);
    bool is_passed = judged.code == OK;
    (void)snprintf(ret_why, ERROR_MESSAGE_BYTES_MAX, "%s", judged.error.message);
    judged_done(&judged);
    return is_passed;
}

static size_t count_wrong(const char *const *texts, size_t count, bool should_pass)
{
    char why[ERROR_MESSAGE_BYTES_MAX];
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t step = 1; step <= 4096; step *= 64) {
            if (passes(texts[i], step, why) != should_pass) {
                print_error("in pieces of %zu: '%s' %s\n", step, texts[i], why);
                wrong++;
            }
        }
    }
    return wrong;
}

static void test_prose_refuses_what_changes_a_fact(void **state)
{
    (void)state;
    assert_int_equal(count_wrong(refused, ARRAY_LENGTH(refused), /* should_pass */ false), 0);
}

static void test_prose_lets_true_words_around_facts_through(void **state)
{
    (void)state;
    assert_int_equal(count_wrong(valid, ARRAY_LENGTH(valid), /* should_pass */ true), 0);
}

static const struct {
    const char *text;
    const char *message;
} said[] = {
    {"It costs " TOTAL " per day.", "{spend.total} is not meant \"day\"; say what its label says"},
    {"A monthly bill of " TOTAL ".",
     "{spend.total} is not meant per month; say what its label says"},
    {TOTAL " euros.", "{spend.total} brings its unit, USD, not \"euros\""},
    {SAVING " exceeds " TOTAL ".",
     "{plan.saving.total} is less than {spend.total}; the text says otherwise"},
    {"The sum of " TOTAL " is large.",
     "\"sum of\" before {spend.total} makes another number of it"},
    {"There is no risk.", "no fact can promise this: \"no risk\""},
    {"Das und anderes.", "\"und\" is no English; write in English"},
    {"\xc5\x82", "the letter \"\xc5\x82\" is not allowed; write in English"},
};

static void test_prose_says_why(void **state)
{
    char why[ERROR_MESSAGE_BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(said); i++) {
        assert_false(passes(said[i].text, 5, why));
        assert_string_equal(why, said[i].message);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_prose_refuses_what_changes_a_fact),
    cmocka_unit_test(test_prose_lets_true_words_around_facts_through),
    cmocka_unit_test(test_prose_says_why),
};

UNIT_MAIN(tests)
