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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_prose_lets_good_text_through),
};

UNIT_MAIN(tests)
