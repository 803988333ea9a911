/*
 * The team, and what the seed makes of it. Sizes were chosen so that the month costs some thousand
 * dollars at list prices, unused caching a good tenth of it and duplicates a few per cent; whoever
 * changes a row should look at those shares again over many seeds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usage/synthesize_plan.h"

#include "base/check.h"
#include "base/civil_time.h"
#include "usage/synthesize_draw.h"

enum {
    GPT_4O,
    GPT_4O_MINI,
    CLAUDE_SONNET,
    CLAUDE_HAIKU,
    GPT_5_MINI,
};

enum {
    SUPPORT_CHAT,
    SEARCH_ANSWERS,
    CODE_REVIEW,
    DOC_SUMMARIES,
    TICKET_TRIAGE,
    SALES_EMAIL,
    RESEARCH_AGENT,
    NIGHTLY_REPORTS,
};

const struct model_profile synthesize_models[SYNTHESIZE_MODELS] = {
    [GPT_4O] = {"gpt-4o", "openai", MODEL_CACHE_AUTOMATIC, 1024, false, 420, 110, 12000},
    [GPT_4O_MINI] = {"gpt-4o-mini", "openai", MODEL_CACHE_AUTOMATIC, 1024, false, 350, 60, 9000},
    [CLAUDE_SONNET] = {"claude-sonnet-4-5-20250929", "anthropic", MODEL_CACHE_EXPLICIT, 1024, false,
                       700, 140, 16000},
    [CLAUDE_HAIKU] = {"claude-haiku-4-5-20251001", "anthropic", MODEL_CACHE_EXPLICIT, 4096, false,
                      380, 60, 8000},
    [GPT_5_MINI] = {"gpt-5-mini", "openai", MODEL_CACHE_AUTOMATIC, 1024, true, 500, 70, 9000},
};

const uint16_t synthesize_rhythms[RHYTHM_COUNT][24] = {
    [RHYTHM_OFFICE] = {3,  2,  2,  2,  3,  8,  22, 48, 83, 105, 108, 95,
                       62, 81, 98, 97, 84, 52, 20, 9,  6,  4,   3,   3},
    [RHYTHM_CONSUMER] = {18, 11, 8,  7,  8,  14, 26, 40, 52, 58, 59, 58,
                         55, 53, 54, 55, 57, 61, 66, 68, 63, 50, 35, 24},
    [RHYTHM_NIGHT] = {0, 140, 420, 330, 110, 0, 0, 0, 0, 0, 0, 0,
                      0, 0,   0,   0,   0,   0, 0, 0, 0, 0, 0, 0},
};

static const struct feature_profile profiles[SYNTHESIZE_FEATURES] = {
    [SUPPORT_CHAT] = {.name = "support-chat",
                      .agent = "support-agent",
                      .models = {CLAUDE_HAIKU, CLAUDE_HAIKU},
                      .rhythm = RHYTHM_CONSUMER,
                      .sessions_per_day = 86,
                      .weekend_permille = 600,
                      .turns = {2, 9},
                      .system_blocks = {440,
                                        560}, /* the policy handbook: 28,000 to 36,000 tokens */
                      .first_tokens = {180, 700},
                      .turn_tokens = {90, 800},
                      .output_tokens = {210, 500},
                      .max_output = 1024,
                      .gap_s = {55, 900},
                      .long_gap_permille = 160,
                      .users = 900,
                      .error_permille = 12,
                      .quality_permille = 60,
                      .is_streamed = true,
                      .has_blocks = true,
                      .may_deploy = true},
    [SEARCH_ANSWERS] = {.name = "search-answers",
                        .models = {GPT_4O_MINI, GPT_4O},
                        .second_model_permille = 420,
                        .rhythm = RHYTHM_CONSUMER,
                        .sessions_per_day = 270,
                        .weekend_permille = 550,
                        .turns = {1, 2},
                        .system_blocks = {20, 34},
                        .first_tokens = {7500, 450},
                        .turn_tokens = {2500, 500},
                        .output_tokens = {260, 450},
                        .max_output = 800,
                        .gap_s = {40, 800},
                        .long_gap_permille = 60,
                        .users = 1500,
                        .error_permille = 10,
                        .quality_permille = 40,
                        .duplicate_permille = {140, 240},
                        .is_streamed = true,
                        .has_blocks = true,
                        .may_deploy = true},
    [CODE_REVIEW] = {.name = "code-review",
                     .agent = "reviewer",
                     .models = {CLAUDE_SONNET, CLAUDE_SONNET},
                     .rhythm = RHYTHM_OFFICE,
                     .sessions_per_day = 46,
                     .weekend_permille = 80,
                     .turns = {3, 9},
                     .system_blocks = {90, 130},
                     .first_tokens = {13000, 700},
                     .turn_tokens = {2300, 800},
                     .output_tokens = {520, 600},
                     .max_output = 4096,
                     .gap_s = {75, 1000},
                     .long_gap_permille = 230,
                     .users = 42,
                     .error_permille = 14,
                     .quality_permille = 20,
                     .is_streamed = true,
                     .has_blocks = true,
                     .may_deploy = true},
    [DOC_SUMMARIES] = {.name = "doc-summaries",
                       .models = {GPT_4O, GPT_4O},
                       .rhythm = RHYTHM_OFFICE,
                       .sessions_per_day = 230,
                       .weekend_permille = 150,
                       .turns = {1, 1},
                       .system_blocks = {17, 30},
                       .first_tokens = {42000, 550},
                       .output_tokens = {1100, 450},
                       .max_output = 2500,
                       .users = 130,
                       .error_permille = 15,
                       .quality_permille = 25,
                       .duplicate_permille = {190, 300},
                       .has_blocks = true,
                       .may_deploy = true},
    [TICKET_TRIAGE] = {.name = "ticket-triage",
                       .models = {GPT_5_MINI, GPT_5_MINI},
                       .rhythm = RHYTHM_CONSUMER,
                       .sessions_per_day = 200,
                       .weekend_permille = 500,
                       .turns = {1, 1},
                       .system_blocks = {5, 7}, /* too short for any cache */
                       .first_tokens = {230, 500},
                       .output_tokens = {240, 500},
                       .max_output = 2000,
                       .users = 1100,
                       .error_permille = 8,
                       .quality_permille = 50,
                       .duplicate_permille = {120, 300}},
    [SALES_EMAIL] = {.name = "sales-email",
                     .agent = "email-writer",
                     .models = {GPT_4O, GPT_4O},
                     .rhythm = RHYTHM_OFFICE,
                     .sessions_per_day = 92,
                     .weekend_permille = 60,
                     .turns = {1, 4},
                     .system_blocks = {40, 70},
                     .first_tokens = {37000, 500},
                     .turn_tokens = {140, 700},
                     .output_tokens = {620, 400},
                     .max_output = 2000,
                     .gap_s = {80, 800},
                     .long_gap_permille = 120,
                     .users = 65,
                     .error_permille = 10,
                     .quality_permille = 20,
                     .duplicate_permille = {260, 380},
                     .is_streamed = true,
                     .has_blocks = true,
                     .may_deploy = true},
    [RESEARCH_AGENT] = {.name = "research-agent",
                        .agent = "researcher",
                        .models = {CLAUDE_SONNET, CLAUDE_SONNET},
                        .rhythm = RHYTHM_OFFICE,
                        .sessions_per_day = 17,
                        .weekend_permille = 150,
                        .turns = {6, 20},
                        .system_blocks = {100, 150},
                        .first_tokens = {5000, 600},
                        .turn_tokens = {2700, 800},
                        .output_tokens = {420, 600},
                        .max_output = 8192,
                        .gap_s = {18, 1100},
                        .long_gap_permille = 140,
                        .users = 24,
                        .error_permille = 20,
                        .quality_permille = 15,
                        .is_streamed = true,
                        .has_blocks = true,
                        .may_deploy = true},
    [NIGHTLY_REPORTS] = {.name = "nightly-reports",
                         .agent = "report-writer",
                         .models = {GPT_4O, GPT_4O},
                         .rhythm = RHYTHM_NIGHT,
                         .sessions_per_day = 152,
                         .weekend_permille = 1000,
                         .turns = {1, 1},
                         .system_blocks = {45, 75},
                         .first_tokens = {58000, 350},
                         .output_tokens = {1900, 350},
                         .max_output = 4000,
                         .error_permille = 12,
                         .quality_permille = 10,
                         .duplicate_permille = {160, 260},
                         .has_blocks = true},
};

static const uint8_t explicit_features[] = {SUPPORT_CHAT, CODE_REVIEW, RESEARCH_AGENT};
static const uint8_t large_features[] = {DOC_SUMMARIES, SALES_EMAIL, NIGHTLY_REPORTS};

static void draw_features(struct synthesize_plan *plan, struct random *random)
{
    for (uint32_t i = 0; i < SYNTHESIZE_FEATURES; i++) {
        struct feature_plan *feature = &plan->features[i];
        const struct feature_profile *profile = &profiles[i];
        const struct model_profile *model = &synthesize_models[profile->models[0]];

        feature->profile = *profile;
        feature->volume_permille = draw_between(random, 850, 1150);
        feature->system_blocks =
            draw_between(random, profile->system_blocks.low, profile->system_blocks.high);
        feature->cache = !profile->has_blocks                   ? FEATURE_CACHE_NONE
                         : model->cache == MODEL_CACHE_EXPLICIT ? FEATURE_CACHE_USED
                                                                : FEATURE_CACHE_AUTOMATIC;
    }
    /* Half of the teams summarise documents when they arrive, half in a job at night. */
    if (draw_chance(random, 500)) {
        plan->features[DOC_SUMMARIES].profile.rhythm = RHYTHM_NIGHT;
        plan->features[DOC_SUMMARIES].profile.users = 0;
    }
}

/* One or two of the three, so that at least one shows how it is done. */
static void draw_unused(struct synthesize_plan *plan, struct random *random)
{
    uint32_t first = random_below(random, ARRAY_LENGTH(explicit_features));
    uint32_t second = (first + draw_between(random, 1, 2)) % ARRAY_LENGTH(explicit_features);

    plan->features[explicit_features[first]].cache = FEATURE_CACHE_UNUSED;
    if (draw_chance(random, 400)) {
        plan->features[explicit_features[second]].cache = FEATURE_CACHE_UNUSED;
    }
}

static void set_duplicates(struct feature_plan *feature, struct random *random)
{
    struct range range = feature->profile.duplicate_permille;

    feature->duplicate_permille = draw_between(random, range.low, range.high);
}

/* One that spends much, and sometimes one that spends little. */
static void draw_duplicates(struct synthesize_plan *plan, struct random *random)
{
    uint32_t large = random_below(random, ARRAY_LENGTH(large_features));

    set_duplicates(&plan->features[large_features[large]], random);
    if (draw_chance(random, 500)) {
        uint32_t small = draw_chance(random, 500) ? SEARCH_ANSWERS : TICKET_TRIAGE;

        set_duplicates(&plan->features[small], random);
    }
}

static void draw_deploy(struct synthesize_plan *plan, struct random *random)
{
    uint32_t may[SYNTHESIZE_FEATURES] = {0};
    uint32_t count = 0;

    for (uint32_t i = 0; i < SYNTHESIZE_FEATURES; i++) {
        const struct feature_plan *feature = &plan->features[i];

        if (feature->profile.may_deploy && feature->cache != FEATURE_CACHE_UNUSED &&
            feature->duplicate_permille == 0) {
            may[count++] = i;
        }
    }
    check_cmp(count, >, 0); /* at most four features have another defect */
    plan->deploy_feature = may[random_below(random, count)];
    plan->features[plan->deploy_feature].is_deployed = true;
    plan->deploy_prompt_permille = draw_between(random, 1600, 2200);
    plan->deploy_latency_permille = draw_between(random, 1300, 2000);
    plan->deploy_error_permille = draw_between(random, 50, 110);

    /* About 40 to 75 % into the period, on a full hour of a working day where there is one. */
    uint32_t hours = plan->options.days * 24;
    int64_t hour_ms = HOUR_US / 1000;
    uint32_t drawn = draw_between(random, hours * 40 / 100, hours * 75 / 100);
    int64_t day = civil_floor((plan->start_ms + drawn * hour_ms) * 1000, DAY_US) / 1000;
    int64_t at = day + draw_between(random, 8, 17) * hour_ms;
    int weekday = civil_weekday(at * 1000);
    at += weekday == 0 ? 24 * hour_ms : weekday == 6 ? -24 * hour_ms : 0;
    bool is_inside = at > plan->start_ms && at < plan->end_ms;
    plan->deploy_ms = is_inside ? at : plan->start_ms + drawn * hour_ms;
}

void synthesize_plan_draw(const struct synthesize_options *options, struct synthesize_plan *plan)
{
    struct random random;

    random_init(&random, options->seed, SYNTHESIZE_STREAM_PLAN);
    *plan = (struct synthesize_plan){.options = *options};
    plan->start_ms = civil_floor(options->start_us, SECOND_US) / 1000;
    plan->end_ms = plan->start_ms + options->days * (DAY_US / 1000);
    plan->growth_permille = draw_between(&random, 0, 120);
    draw_features(plan, &random);
    draw_unused(plan, &random);
    draw_duplicates(plan, &random);
    draw_deploy(plan, &random);
    plan->repeat_feature =
        plan->deploy_feature == SEARCH_ANSWERS ? (uint32_t)SALES_EMAIL : (uint32_t)SEARCH_ANSWERS;
}
