/*
 * The judge of a model's text: what passes, what is refused with which words, and that nothing
 * that is refused was shown before. That invented numbers do not pass is prose_numbers_test.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "prose_support.h"
#include "report/template.h"

/* Whole texts as a good model writes them; between them every word that was ever refused wrongly.
 */
static const char *const valid[] = {
    "You spent {spend.total} on {requests.total} requests.",
    "The plan saves {plan.saving.total}, which is {plan.saving.share} of the spend.",
    "Most of the money goes to `gpt-4o`, because `search` sends long prompts to it.",
    "Only {cache.token_hit_ratio.now} of the input tokens are read from the cache today.",
    "The first thing to do is turn on the cache for `search`; the second is to batch what can "
    "wait.",
    "At its peak, traffic reaches {traffic.peak_rpm}.",
    "Batching saves at least {batch.saving:low} and at most {batch.saving:high}.",
    "Retries waste at least {retry.waste:low}, and perhaps more.",
    "The slow end of latency for `search` is {latency.p95.search}.",
    "Whether `gpt-4o-mini` is good enough is not known: {whatif.gpt-4o-mini.quality}.",
    "The effect on quality is {whatif.gpt-4o-mini.quality}.",
    "{quality.by_feature.search.difference} is the difference in quality for `search`.",
    "Answers of `gpt-4o-mini` may be {whatif.gpt-4o-mini.breakeven} longer before it stops paying "
    "off.",
    "No one has to change a prompt for this.",
    "One of the models, `gpt-4o`, dominates the bill.",
    "The requests of `search` and `support chat` often repeat one another.",
    "Of all features, `search` is the one that costs most.",
    "Each one of these changes can be undone.",
    "This one is safe.",
    "Someone should confirm this before anyone relies on it; none of it is urgent.",
    "The weight of long prompts is the height of the problem, and it is intense.",
    "Nothing here is tense, and the network of features attends to it.",
    "It's the model's price, isn't it? We'd say so, and we'll know more once it's measured; "
    "you've been warned.",
    "The model\xe2\x80\x99s price isn\xe2\x80\x99t the issue \xe2\x80\x94 the prompt\xe2\x80\x99s "
    "length is.",
    "`gpt-4o`'s share is large.",
    "Spend ({spend.total}) is due to long prompts, and the effect is due mostly to retries.",
    "Prompts, answers and/or retries: all of them cost money.",
    "Use the LLM API with a TTL that fits, e.g. the longer of both, i.e. the one with fewer "
    "writes.",
    "An A/B comparison would show it.",
    "A non-blocking, well-tested, long-term change.",
    "The single largest cost is input, and every single prompt is long.",
    "A third-party proxy, or any third party, may add its own cost.",
    "Double-check the risk, and avoid double counting.",
    "The median and the high percentile differ by a large percentage.",
    "On behalf of the finance team, quarterly reviews help.",
    "A lightweight, lighter model carries less freight.",
    "The cache keeps entries for a while; for tyres it is the same.",
    "Seconds matter to users, and minutes matter to batch jobs.",
    "Per request, the cost falls.",
    "Latency per second of audio is a different matter.",
    "It is the magnitude that surprises.",
    "Duplicates and duplicated calls in the data center are removed; that's even better.",
    "I think it is what I would do, and so would I.",
    "The grand total is {spend.total}.",
    "The mixture is a mix of old and new models.",
    "Confidence (the CI) and the CLI are explained in the docs, as is ML.",
    "Caf\xc3\xa9 na\xc3\xafve fa\xc3\xa7"
    "ade r\xc3\xa9sum\xc3\xa9.",
    "\xe2\x80\x9cQuoted\xe2\x80\x9d words, 'quotes' of another kind, \"are fine\".",
    "Wait\xe2\x80\xa6 there is more. And then... nothing.",
    "Is it worth it? Yes! It saves {plan.saving.total}.",
    "Tokens ({tokens.input.total}) and requests ({requests.total}) both fell.",
    "The cost was {spend.total}; the saving is {plan.saving.total}: a good start.",
    "From {batch.saving:low} to {batch.saving:high}, depending on the day.",
    "- Turn on the cache.\n- Send less.\n- Batch what can wait for a day or a week.",
    "A first paragraph.\n\nThe second has {spend.total:exact}.",
    "The name `a``b` holds a backquote, and `o1` a digit.",
    "There are {requests.total} times when this happened, and many times it was avoidable.",
    "Anonymous, autonomous, phenomenon, stone, tone, alone, gone, done: fine words.",
    "Attention, extend, content, intend, potential, maintenance, listen, written, shorten, "
    "sentence.",
    "Before, effort, platform, performance, therefore, perform, comfort, forth.",
    "Significant, siphon, suffix, prefix, fixed, mixed, complexity.",
    "Feature, theatre, threat, thread, thresholds, through, throughput.",
    "Drive, archive, objective, competitive, fever, given, oven, event, prevent, even.",
    "Due dates, once set, hold; the reasons are manifold.",
    "Trend, trial, tree, tremendous, street, extreme, retrieve, entries, countries.",
    "Milestones, similar, family, mileage, smile, millisecond-level.",
    "Acute, accent, centre, central, percentage, recent, decent, innocent, scent.",
    "Halt, shall, hello, helpful; nothing is halting.",
    "Dose, does, doses, dossier, kudos, dosage.",
    "Select, electric, selfish, itself, themselves, shelf, myself, delve.",
    "Nullable fields are fine.",
    "Pay as you go, day by day, month after month, and year over year.",
    "The prompt cache (the longer of both) would have been read far more often than it is today.",
    "Because most calls share a long system prompt, caching it pays for itself almost at once.",
    "Nothing in these records says that the cheaper model would do worse on your own prompts.",
    "Rate limits are not reached: the busiest minute has {traffic.peak_rpm}.",
    "Fewer, larger batches help; a nightly job can take them.",
    "Set `search` to cache its prefix, then run the report again in a week.",
    "Input is several times as large as output, so shorter prompts pay more than shorter answers.",
    "Your total spend is {spend.total} across {requests.total} requests, with `gpt-4o` accounting "
    "for the largest share.",
    "The biggest opportunity is prompt caching: only {cache.token_hit_ratio.now} of input tokens "
    "are currently served from cache.",
    "By switching eligible traffic to batch processing, you could save between {batch.saving:low} "
    "and {batch.saving:high}.",
    "Overall, the recommended plan would reduce costs by {plan.saving.total}, or roughly "
    "{plan.saving.share} of current spend.",
    "However, the impact of moving `search` to `gpt-4o-mini` on answer quality is "
    "{whatif.gpt-4o-mini.quality}, so a shadow test is advisable before committing.",
    "I recommend starting with caching, since it requires no changes to model behavior and carries "
    "little risk.",
    "Caching alone delivers most of the benefit; batching and deduplication contribute the rest.",
    "Latency at the high end is {latency.p95.search}, which leaves room for improvement.",
    "To meet the target, both caching and batching are needed; neither is sufficient on its own.",
    "Peak traffic of {traffic.peak_rpm} is well within typical rate limits.",
    "None of these recommendations affect output quality; {quality.by_feature.search.difference} "
    "was measured for `search`.",
    "Before rolling out, verify that retries—currently wasting at least {retry.waste:low}—are not "
    "masking upstream errors.",
    "In short: cache first, batch second, and revisit model choice once paired scores exist.",
    "Input tokens dominate: {tokens.input.total} were sent, far outweighing output.",
    "A break-even point exists: `gpt-4o-mini` stays cheaper unless answers grow by "
    "{whatif.gpt-4o-mini.breakeven}.",
    "This exceeds the target you set.",
    "The remaining spend would be lower by {plan.saving.total}.",
    "Re-run the analysis after a few weeks of new traffic.",
    "Because `search` and `support chat` share a long system prompt, they benefit the most from a "
    "longer cache lifetime.",
    "It's worth noting that these savings are estimates based on list prices (discounts are not "
    "included).",
    "If usage grows as expected, costs will scale proportionally.",
    "The cheaper model hasn't been evaluated, so don't switch yet.",
    "What drives the cost? Mostly long, repeated prompts.",
    "Each request to `gpt-4o` carries the same prefix; caching it is nearly free.",
    "A follow-up question: how much latency can users tolerate?",
    "You’ll find the full breakdown below; the summary here focuses on what to do next.",
    "Prioritise the changes in this order: caching, deduplication, batching.",
    "Some costs are fixed; others vary with volume, e.g., output tokens.",
    "On average, prompts are long and answers short.",
    "The first step pays for itself within days.",
    "Use a cache with a longer time-to-live (TTL).",
    "No single model is responsible.",
    "As a share of spend, that is {plan.saving.share}; as money, {plan.saving.total}.",
    "A few features cause most of it, and some teams own them.",
};

static void assert_gate_accepts(const struct prose_rules *rules, struct str template)
{
    struct error error = {0};
    struct report *report;

    assert_int_equal(report_new(&report), OK);
    assert_int_equal(fact_set_merge(&report->facts, rules->facts), OK);
    assert_int_equal(report_add_line(report, &report->next_steps, STR("Go on.")), OK);
    for (size_t at = 0; at < template.length;) {
        size_t end = str_find(template, STR("\n"), at);

        end = end == SIZE_MAX ? template.length : end;
        assert_int_equal(report_add_line(report, &report->summary, str_slice(template, at, end)),
                         OK);
        at = end + 1;
    }
    if (report_gate(report, NULL, &error)) {
        fail_msg("%s", error.message);
    }
    report_free(report);
}

static void test_prose_lets_good_text_through(void **state)
{
    const struct prose_rules *rules = prose_sample_rules();
    size_t refused = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(valid); i++) {
        for (size_t step = 1; step < 4096; step = step == 1 ? 7 : 4096) {
            struct buf plain;
            struct judged judged;

            judge(rules, str_from(valid[i]), step, &judged);
            if (judged.code) {
                print_error("%s\n  %s\n", valid[i], judged.error.message);
                refused++;
                judged_done(&judged);
                break;
            }
            assert_gate_accepts(rules, buf_str(&judged.template));
            buf_init(&plain, (size_t)1 << 20);
            template_print_plain(&plain, buf_str(&judged.template), rules->facts);
            if (strchr(valid[i], '\n')) { /* a newline is no visible character of a template */
                assert_int_equal(plain.length, judged.out.length);
            } else {
                assert_true(str_equal(buf_str(&plain), buf_str(&judged.out)));
            }
            buf_done(&plain);
            judged_done(&judged);
        }
    }
    assert_int_equal(refused, 0);
    print_message("%zu valid texts pass\n", ARRAY_LENGTH(valid));
}

/* The messages are what a model gets to repair its text with. */
static const struct {
    const char *text;
    const char *message;
} refused[] = {
    {"It costs twenty.", "a number stands in words: \"twenty\"; use a fact such as {spend.total}"},
    {"It costs a third of it.",
     "a number stands in words: \"third of\"; use a fact such as {spend.total}"},
    {"Just one model.",
     "a number stands in words: \"one model\"; use a fact such as {spend.total}"},
    {"It costs 5 dollars.", "a digit stands in the text: \"5\"; use a fact such as {spend.total}"},
    {"The gpt-4o model.", "a digit stands in \"gpt-4\"; a name is written in backquotes"},
    {"Phase XIV.", "this reads like a number: \"XIV\"; use a fact such as {spend.total}"},
    {"It costs {spend.foo}.", "there is no fact {spend.foo}; there is {spend.total}"},
    {"It costs {plan.saving}.", "there is no fact {plan.saving}; there is {plan.saving.total}"},
    {"It costs {secret.total}.", "there is no fact {secret.total}; there is {spend.total}"},
    {"It costs {spend.total:low}.", "{spend.total} has no low bound"},
    {"It costs {retry.waste:high}.", "{retry.waste} has no high bound"},
    {"Quality: {whatif.gpt-4o-mini.quality:exact}.",
     "the fact is unknown; it is written {whatif.gpt-4o-mini.quality}"},
    {"It costs { spend.total}.", "a fact is not closed; it is written {id}, without spaces"},
    {"It costs {spend.total", "a fact or a name is not closed"},
    {"It costs spend.total.", "words are joined by a dot; a fact is written in braces"},
    {"It costs `spend.total`.", "a fact is written {spend.total}, not in backquotes"},
    {"Use `gpt-5`.", "`gpt-5` is none of the names that may be written"},
    {"Use `5000`.", "the name `5000` reads like a number; leave it out"},
    {"Use `gpt-4o", "a fact or a name is not closed"},
    {"It takes {requests.total} dollars.", "{requests.total} counts requests, not \"dollars\""},
    {"It takes {requests.total} {spend.total}.",
     "a fact stands right behind another number; put words between"},
    {"It costs negative {spend.total}.",
     "\"negative\" before {spend.total} makes another number of it"},
    {"It costs -{spend.total}.", "a dash before a fact reads as a minus"},
    {"It costs:{spend.total}.", "a space is missing before a fact"},
    {"{spend.total}s", "letters stand right behind a fact or a name"},
    {"{spend.total}/day", "a slash may only stand between two words"},
    {"**Important**", "the sign \"*\" is not allowed; write plain sentences"},
    {"# Title", "the sign \"#\" is not allowed; write plain sentences"},
    {"a <b>", "the sign \"<\" is not allowed; write plain sentences"},
    {"a_b", "the sign \"_\" is not allowed; write plain sentences"},
    {"[a](b)", "the sign \"[\" is not allowed; write plain sentences"},
    {"a | b", "the sign \"|\" is not allowed; write plain sentences"},
    {"me@example", "the sign \"@\" is not allowed; write plain sentences"},
    {"{plan.saving.share} %", "the sign \"%\" is not allowed; a fact brings its unit"},
    {"\xe2\x82\xac {spend.total}", "the sign \"€\" is not allowed; a fact brings its unit"},
    {"http://example", "a text asks for nothing and leads nowhere: \"http\""},
    {"www.example", "this is no word: \"www\""},
    {"see example.com", "words are joined by a dot; a fact is written in braces"},
    {"/etc/passwd", "a slash may only stand between two words"},
    {"слово", "the letter \"с\" is not allowed; write in Latin letters"},
    {"price of \xd0\xb0pple", "the letter \"а\" is not allowed; write in Latin letters"},
    {"a\xe2\x80\x8b"
     "b",
     "the invisible character U+200B is not allowed"},
    {"a\xe2\x80\xae"
     "b",
     "the invisible character U+202E is not allowed"},
    {"cafe\xcc\x81", "the invisible character U+0301 is not allowed"},
    {"a\x01"
     "b",
     "the invisible character U+0001 is not allowed"},
    {"a\x1b[31m", "the invisible character U+001B is not allowed"},
    {"\xef\xac\x81ve", "the letter \"\xef\xac\x81\" is not allowed; write in Latin letters"},
    {"\xc5\xbfix", "the letter \"\xc5\xbf\" is not allowed; write in Latin letters"},
    {"bytes \xff", "the text is no UTF-8"},
    {"bytes \xc3", "the text is no UTF-8"},
    {"bytes \xed\xa0\x80", "the text is no UTF-8"},
    {"plan B", "a letter stands alone: \"B\"; write words, and names in backquotes"},
    {"-word", "a dash at the beginning needs a space behind it"},
    {"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeee", "a word is too long"},
    {"---", "a dash at the beginning needs a space behind it"},
    {"Fine.\n\n(...)\n", "a paragraph has no words"},
    {"", "there is no text"},
    {" \n\t \n- \n", "there is no text"},
    {"The quality is the same.",
     "a sentence about quality (\"quality\") names no fact of quality; name one in it or leave it "
     "out"},
    {"It is more accurate and costs {spend.total}.",
     "a sentence about quality (\"accurate\") names no fact of quality; name one in it or leave it "
     "out"},
    {"Is quality the same?",
     "a sentence about quality (\"quality\") names no fact of quality; name one in it or leave it "
     "out"},
};

static void test_prose_says_what_it_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        struct judged judged;

        judge(prose_sample_rules(), str_from(refused[i].text), 3, &judged);
        if (judged.code != ERR_INVALID || strcmp(judged.error.message, refused[i].message) != 0) {
            fail_msg("'%s': %d '%s'", refused[i].text, judged.code, judged.error.message);
        }
        judged_done(&judged);
    }
}

static void test_prose_shows_numbers_and_names_without_quotes(void **state)
{
    struct judged judged;

    (void)state;
    judge(prose_sample_rules(),
          STR("\n- `gpt-4o`  costs\t{spend.total}.\r\n\n \n- That is `a``b`:\xc2\xa0"
              "{batch.saving}, {whatif.gpt-4o-mini.quality}.\n"),
          5, &judged);
    assert_int_equal(judged.code, OK);
    assert_str(buf_str(&judged.out), "gpt-4o costs $14,807.04.\nThat is a`b: $3.10 to $4.20, "
                                     "unknown (needs quality scores).");
    assert_str(buf_str(&judged.template), "`gpt-4o` costs {spend.total}.\nThat is `a``b`: "
                                          "{batch.saving}, {whatif.gpt-4o-mini.quality}.");
    judged_done(&judged);
}

/* What is shown after each delta of a stream. */
static void test_prose_holds_back_what_is_in_doubt(void **state)
{
    static const struct {
        const char *delta;
        const char *shown;
    } steps[] = {
        {"It ", "It"},
        {"cos", ""},
        {"ts ", " costs"},
        {"twe", ""},
        {"eds with ", " tweeds with"},
        {"{spend", ""},
        {".total", ""},
        {"}", " $14,807.04"},
        {" for `gpt", " for"},
        {"-4o`", ""},
        {". ", " gpt-4o."},
        {"The one", " The"},
        {" that", ""},
        {" wins. ", " one that wins."},
        {"The quality of it", " The"},
        {", I think, is", ""},
        {" {whatif.gpt-4o-mini.quality}", " quality of it, I think, is unknown (needs quality "
                                          "scores)"},
        {" also ", " also"},
        {"per ", ""},
        {"request it", " per request"},
    };
    struct error error = {0};
    struct prose *prose;
    struct buf out;

    (void)state;
    assert_int_equal(prose_new(prose_sample_rules(), &prose), OK);
    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        buf_clear(&out);
        assert_int_equal(prose_feed(prose, str_from(steps[i].delta), &out, &error), OK);
        struct str shown = buf_str(&out);
        struct str wanted = str_from(steps[i].shown);
        if (!str_equal(str_trim(shown), str_trim(wanted))) {
            fail_msg("after '%s': '%.*s'", steps[i].delta, STR_ARGS(shown));
        }
    }
    buf_clear(&out);
    assert_int_equal(prose_finish(prose, &out, &error), OK);
    assert_str(str_trim(buf_str(&out)), "it");
    assert_int_equal(prose_paragraphs(prose)->count, 1);
    buf_done(&out);
    prose_free(prose);
}

static void test_prose_never_shows_a_claim_about_quality_without_its_fact(void **state)
{
    struct judged judged;

    (void)state;
    judge(prose_sample_rules(), STR("It is cheap. Its accuracy stays. Nothing else."), 1, &judged);
    assert_int_equal(judged.code, ERR_INVALID);
    assert_str(str_trim(buf_str(&judged.out)), "It is cheap. Its");
    judged_done(&judged);
    judge(prose_sample_rules(),
          STR("With {quality.by_feature.search.difference} the quality holds. Quality is all."), 1,
          &judged);
    assert_int_equal(judged.code, ERR_INVALID);
    assert_str(str_trim(buf_str(&judged.out)), "With −1.2 % the quality holds.");
    judged_done(&judged);
}

static void test_prose_of_a_question_names_no_facts(void **state)
{
    struct prose_rules rules = *prose_sample_rules();
    struct judged judged;

    (void)state;
    rules.may_name_facts = false;
    judge(&rules, STR("Do you have quality scores for `search`?"), 1, &judged);
    assert_int_equal(judged.code, OK);
    assert_str(buf_str(&judged.out), "Do you have quality scores for search?");
    judged_done(&judged);
    judge(&rules, STR("Is {spend.total} too much?"), 1, &judged);
    assert_int_equal(judged.code, ERR_INVALID);
    assert_string_equal(judged.error.message,
                        "no fact may be named here; write the sentence without numbers");
    judged_done(&judged);
    judge(&rules, STR("May it cost twenty?"), 1, &judged);
    assert_string_equal(judged.error.message,
                        "a number stands in words: \"twenty\"; leave numbers out");
    judged_done(&judged);
    judge(&rules, STR("The quality is fine."), 1, &judged);
    assert_int_equal(judged.code, ERR_INVALID);
    judged_done(&judged);
}

static void test_prose_keeps_its_limits(void **state)
{
    static struct str many[PROSE_FACTS_MAX + 1];
    struct prose_rules rules = *prose_sample_rules();
    struct prose *prose = NULL;
    struct judged judged;
    struct buf text;

    (void)state;
    rules.name_count = PROSE_NAMES_MAX + 1;
    rules.names = many;
    assert_int_equal(prose_new(&rules, &prose), ERR_LIMIT);
    rules.name_count = 0;
    rules.fact_count = PROSE_FACTS_MAX + 1;
    rules.fact_ids = many;
    assert_int_equal(prose_new(&rules, &prose), ERR_LIMIT);
    assert_null(prose);

    buf_init(&text, 1 << 16);
    for (size_t i = 0; i < PROSE_PARAGRAPHS_MAX; i++) {
        buf_append(&text, STR("A paragraph.\n"));
    }
    judge(prose_sample_rules(), buf_str(&text), 1, &judged);
    assert_int_equal(judged.code, OK);
    judged_done(&judged);
    buf_append(&text, STR("And more."));
    judge(prose_sample_rules(), buf_str(&text), 1, &judged);
    assert_string_equal(judged.error.message, "there are more than 12 paragraphs");
    assert_int_equal(judged.out.length, 12 * 13 - 1);
    judged_done(&judged);

    buf_clear(&text);
    while (text.length + 5 <= PROSE_BYTES_MAX) {
        buf_append(&text, STR("word "));
    }
    judge(prose_sample_rules(), buf_str(&text), 100, &judged);
    assert_int_equal(judged.code, OK);
    judged_done(&judged);
    buf_append(&text, STR("word "));
    judge(prose_sample_rules(), buf_str(&text), 100, &judged);
    assert_string_equal(judged.error.message, "the text is longer than 8192 bytes");
    judged_done(&judged);
    buf_done(&text);
}

static void test_prose_takes_nothing_after_an_error(void **state)
{
    struct error error = {0};
    struct prose *prose;
    struct buf out;

    (void)state;
    assert_int_equal(prose_new(prose_sample_rules(), &prose), OK);
    buf_init(&out, 4096);
    assert_int_equal(prose_feed(prose, STR("Good words, ten"), &out, &error), OK);
    assert_int_equal(prose_feed(prose, STR(" bad"), &out, &error), ERR_INVALID);
    assert_int_equal(prose_feed(prose, STR(" more words"), &out, &error), ERR_INVALID);
    assert_string_equal(error.message,
                        "a number stands in words: \"ten\"; use a fact such as {spend.total}");
    assert_int_equal(prose_finish(prose, &out, &error), ERR_INVALID);
    assert_str(str_trim(buf_str(&out)), "Good words,");
    assert_int_equal(prose_paragraphs(prose)->count, 0);
    buf_done(&out);
    prose_free_pointer(&prose);
    assert_null(prose);
    prose_free(NULL);
}

static int write_all(struct buf *out)
{
    struct prose *prose = NULL;
    int code = prose_new(prose_sample_rules(), &prose);

    if (code == OK) {
        code = prose_feed(prose, STR("One of `gpt-4o` is {spend.total}.\n\nAnd more of it, "), out,
                          NULL);
        code = code ? code : prose_feed(prose, STR("{plan.saving.total} less."), out, NULL);
        code = code ? code : prose_finish(prose, out, NULL);
    }
    prose_free(prose);
    return code;
}

static void test_prose_survives_no_memory(void **state)
{
    uint64_t nth = 1;
    int code;

    (void)state;
    (void)prose_sample_rules();
    do {
        struct buf out;

        buf_init(&out, 4096);
        (void)alloc_fail_from(nth++);
        code = write_all(&out);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_true(str_starts_with(STR("One of gpt-4o is $14,807.04.\nAnd more of it, $6,890.51 "
                                        "less."),
                                    buf_str(&out)));
        buf_done(&out);
    } while (code);
    assert_true(nth > 4);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_prose_lets_good_text_through),
    cmocka_unit_test(test_prose_says_what_it_refuses),
    cmocka_unit_test(test_prose_shows_numbers_and_names_without_quotes),
    cmocka_unit_test(test_prose_holds_back_what_is_in_doubt),
    cmocka_unit_test(test_prose_never_shows_a_claim_about_quality_without_its_fact),
    cmocka_unit_test(test_prose_of_a_question_names_no_facts),
    cmocka_unit_test(test_prose_keeps_its_limits),
    cmocka_unit_test(test_prose_takes_nothing_after_an_error),
    cmocka_unit_test(test_prose_survives_no_memory),
};

UNIT_MAIN(tests)
