/*
 * From the plan to calls: hour by hour each feature starts some sessions; a session is played to
 * its end with growing context, pauses, failures, retries and, where the plan says so, duplicates.
 *
 * A feature draws from four streams of its own (traffic, duplicates, latencies, repeats), so that a
 * defect in one feature leaves the other features as they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/civil_time.h"
#include "usage/synthesize_call.h"
#include "usage/synthesize_draw.h"

#define CALLS_FIRST        1024u
#define HOUR_MS            (HOUR_US / 1000)
#define DAY_MS             (DAY_US / 1000)

#define DAY_SIGMA          120u /* no two Mondays are alike */
#define RETRY_PERMILLE     750u /* of failed calls that are tried once more */
#define BILLED_PERMILLE    400u /* of failed calls that failed after the prompt was read */
#define CANCELLED_PERMILLE 8u   /* of streamed calls that the user stops */
#define TWICE_PERMILLE     150u /* of duplicated calls that are sent a third time */
#define AGAIN_MS_MIN       1500u
#define AGAIN_MS_MAX       60000u  /* after the end of the call that is duplicated … */
#define AGAIN_START_MS_MAX 290000u /* … and after its start */
#define REPEAT_PERMILLE    12u     /* of calls of the feature with repeats */
#define REPEATS_MIN        3u

struct maker {
    const struct synthesize_plan *plan;
    const struct feature_plan *feature;
    uint32_t feature_index;
    struct call_list *list;
    struct random traffic;
    struct random duplicates;
    struct random latencies;
    struct random repeats;
    uint32_t session_count;
    uint64_t prompt_count;
};

/* A session while it is played. */
struct session {
    int64_t now_ms;
    uint32_t id;
    uint32_t user;
    uint8_t model;
    uint32_t context_tokens; /* behind the system prompt, before a bad deploy stretches it */
    bool is_deployed;        /* the last call came after the bad deploy */
    uint32_t own_start;
    uint32_t own_blocks; /* most that a call had so far */
};

void call_list_done(struct call_list *list)
{
    alloc_free(list->items);
    *list = (struct call_list){0};
}

static int push_call(struct maker *maker, struct call *call)
{
    struct call_list *list = maker->list;

    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : CALLS_FIRST;
        struct call *items = alloc_resize(list->items, capacity, sizeof(*items));

        if (!items) {
            return ERR_NO_MEMORY;
        }
        list->items = items;
        list->capacity = capacity;
    }
    check_cmp(list->count, <, UINT32_MAX);
    call->serial = (uint32_t)list->count;
    list->items[list->count++] = *call;
    return OK;
}

static uint32_t draw_spread(struct random *random, struct spread spread, uint32_t max)
{
    return draw_log_normal(random, spread.median, spread.sigma, max);
}

/* ---- one call ---- */

static void draw_latency(struct maker *maker, bool is_deployed, struct call *call)
{
    const struct model_profile *model = &synthesize_models[call->model];
    struct random *random = &maker->latencies;
    uint64_t stretch = is_deployed ? maker->plan->deploy_latency_permille : 1000;
    uint64_t speed = draw_log_normal(random, 1000, 200, 4000) * stretch / 1000;
    uint64_t first = draw_log_normal(random, model->first_ms, 350, 20000) * stretch / 1000;
    uint64_t prefill = (uint64_t)call->input * model->prefill_us * speed / 1000000;
    uint64_t thinking = (uint64_t)call->reasoning * model->decode_us * speed / 1000000;
    uint64_t decode =
        (uint64_t)(call->output - call->reasoning) * model->decode_us * speed / 1000000;

    call->prefill_ms = (uint32_t)prefill;
    call->latency_ms = (uint32_t)(first + prefill + thinking + decode + 1);
    call->ttft_ms =
        maker->feature->profile.is_streamed ? (uint32_t)(first + prefill + thinking) : 0;
    call->idle_ms = draw_between(random, 300000, 600000);
}

static void draw_answer(struct maker *maker, struct call *call)
{
    const struct feature_profile *profile = &maker->feature->profile;
    struct random *random = &maker->traffic;

    call->status = USAGE_OK;
    call->stop = CALL_STOP_END;
    call->output = 1 + draw_spread(random, profile->output_tokens, profile->max_output);
    if (call->output >= profile->max_output) {
        call->output = profile->max_output;
        call->stop = CALL_STOP_LENGTH;
    }
    if (synthesize_models[call->model].reasons) {
        call->reasoning =
            (uint32_t)((uint64_t)call->output * draw_between(random, 300, 850) / 1000);
    }
    if (profile->is_streamed && draw_chance(random, CANCELLED_PERMILLE)) {
        call->status = USAGE_CANCELLED;
        call->stop = CALL_STOP_NONE;
        call->output = 1 + random_below(random, call->output);
        call->reasoning = 0;
    }
    if (call->status == USAGE_OK && draw_chance(random, profile->quality_permille)) {
        uint32_t worst = draw_between(random, 55, 100);

        call->quality = (uint8_t)draw_between(random, worst, 100);
    }
}

/* Turns a call into its failed form. */
static void draw_failure(struct maker *maker, struct call *call)
{
    struct random *random = &maker->traffic;

    call->status = USAGE_ERROR;
    call->output = 0;
    call->reasoning = 0;
    call->system_blocks = 0;
    call->own_blocks = 0;
    call->is_billed = draw_chance(random, BILLED_PERMILLE);
    if (call->is_billed) {
        call->error = draw_chance(random, 600) ? CALL_TIMEOUT : CALL_SERVER;
        call->latency_ms = call->error == CALL_TIMEOUT ? draw_between(random, 60000, 62000)
                                                       : draw_between(random, 2000, 30000);
    } else {
        call->error = draw_chance(random, 650) ? CALL_RATE_LIMIT : CALL_OVERLOADED;
        call->latency_ms = draw_between(random, 80, 900);
    }
    call->ttft_ms = 0;
    call->prefill_ms = 0;
}

static bool is_after_deploy(const struct maker *maker, int64_t time_ms)
{
    return maker->feature->is_deployed && time_ms >= maker->plan->deploy_ms;
}

/* The prompt of the session's next turn: lengths and blocks. A deploy changes the system prompt, so
 * nothing behind it is the same block any more: the session's blocks start anew. */
static void make_prompt(struct maker *maker, struct session *session, struct call *call)
{
    const struct feature_plan *feature = maker->feature;
    bool is_deployed = is_after_deploy(maker, session->now_ms);
    uint64_t stretch = is_deployed ? maker->plan->deploy_prompt_permille : 1000;
    uint32_t system_blocks = (uint32_t)(feature->system_blocks * stretch / 1000);
    uint32_t system_tokens = system_blocks * SYNTHESIZE_BLOCK_TOKENS;
    uint32_t own_tokens = (uint32_t)(session->context_tokens * stretch / 1000);

    check_cmp(system_tokens, <, SYNTHESIZE_INPUT_MAX);
    if (own_tokens > SYNTHESIZE_INPUT_MAX - system_tokens) {
        own_tokens = SYNTHESIZE_INPUT_MAX - system_tokens;
    }

    *call = (struct call){.time_ms = session->now_ms,
                          .prompt = maker->prompt_count++,
                          .session = session->id,
                          .user = session->user,
                          .feature = (uint8_t)maker->feature_index,
                          .model = session->model,
                          .quality = CALL_NO_QUALITY,
                          .input = system_tokens + own_tokens};
    if (is_deployed != session->is_deployed) {
        session->is_deployed = is_deployed;
        session->own_start += session->own_blocks;
        session->own_blocks = 0;
    }
    if (feature->profile.has_blocks) {
        call->system_start = is_deployed ? feature->system_blocks : 0;
        call->system_blocks = system_blocks;
        call->own_start = session->own_start;
        call->own_blocks = own_tokens / SYNTHESIZE_BLOCK_TOKENS;
        if (call->own_blocks > session->own_blocks) {
            session->own_blocks = call->own_blocks;
        }
    }
}

/* The same call again, 1 to 90 s after it was finished; now and then twice. The reserve at both
 * ends is for a latency that the cache shortens and times that are pulled apart. */
static int push_duplicates(struct maker *maker, const struct call *original)
{
    struct random *random = &maker->duplicates;
    uint32_t times = draw_chance(random, TWICE_PERMILLE) ? 2 : 1;
    struct call again = *original;

    for (uint32_t i = 0; i < times; i++) {
        uint32_t after_ms = original->latency_ms + draw_between(random, AGAIN_MS_MIN, AGAIN_MS_MAX);

        again.time_ms = original->time_ms + after_ms;
        again.role = CALL_DUPLICATE;
        again.original = original->serial;
        again.quality = CALL_NO_QUALITY;
        draw_latency(maker, false, &again);
        if (after_ms > AGAIN_START_MS_MAX || again.time_ms >= maker->plan->end_ms) {
            return OK;
        }
        int failed = push_call(maker, &again);
        if (failed) {
            return failed;
        }
    }
    return OK;
}

/* One turn: perhaps a failure, then (again) the call. *ret_goes_on is false when the user gave up
 * or the period is over. */
static int play_turn(struct maker *maker, struct session *session, struct call *call,
                     bool *ret_goes_on)
{
    const struct feature_plan *feature = maker->feature;
    struct random *random = &maker->traffic;
    bool is_deployed = is_after_deploy(maker, session->now_ms);
    uint32_t error_permille =
        is_deployed ? maker->plan->deploy_error_permille : feature->profile.error_permille;
    int failed;

    *ret_goes_on = false;
    make_prompt(maker, session, call);
    if (draw_chance(random, error_permille)) {
        struct call attempt = *call;

        draw_failure(maker, &attempt);
        failed = push_call(maker, &attempt);
        if (failed || !draw_chance(random, RETRY_PERMILLE)) {
            return failed;
        }
        call->time_ms += attempt.latency_ms + draw_between(random, 500, 12000);
        call->role = CALL_RETRY;
        call->original = (uint32_t)(maker->list->count - 1);
        if (call->time_ms >= maker->plan->end_ms) {
            return OK;
        }
    }
    draw_answer(maker, call);
    draw_latency(maker, is_deployed, call);
    failed = push_call(maker, call);
    if (!failed && call->status == USAGE_OK && feature->duplicate_permille > 0 &&
        draw_chance(&maker->duplicates, feature->duplicate_permille)) {
        failed = push_duplicates(maker, call);
    }
    *ret_goes_on = !failed;
    return failed;
}

/* ---- sessions ---- */

static int64_t draw_gap_ms(struct maker *maker)
{
    const struct feature_profile *profile = &maker->feature->profile;
    struct random *random = &maker->traffic;

    if (draw_chance(random, profile->long_gap_permille)) {
        return draw_between(random, 301000, 55 * 60000);
    }
    return (int64_t)draw_log_normal(random, profile->gap_s.median * 1000, profile->gap_s.sigma,
                                    3600000);
}

static int play_session(struct maker *maker, int64_t start_ms)
{
    const struct feature_profile *profile = &maker->feature->profile;
    struct random *random = &maker->traffic;
    bool is_second = draw_chance(random, profile->second_model_permille);
    struct session session = {.now_ms = start_ms,
                              .id = maker->session_count++,
                              .user = CALL_NO_USER,
                              .model = profile->models[is_second],
                              .is_deployed = is_after_deploy(maker, start_ms)};
    uint32_t *block_count = &maker->list->block_count[maker->feature_index][session.model];
    uint32_t turns = draw_between(random, profile->turns.low, profile->turns.high);
    bool goes_on = true;
    int failed = OK;

    if (profile->users > 0) {
        /* The smaller of two: a few users ask much, many ask little. */
        uint32_t a = random_below(random, profile->users);
        uint32_t b = random_below(random, profile->users);

        session.user = a < b ? a : b;
    }
    session.own_start = *block_count;
    session.context_tokens = 1 + draw_spread(random, profile->first_tokens, SYNTHESIZE_INPUT_MAX);
    for (uint32_t i = 0; i < turns && goes_on && !failed; i++) {
        struct call call;

        if (session.now_ms >= maker->plan->end_ms ||
            session.context_tokens > SYNTHESIZE_INPUT_MAX) {
            break;
        }
        failed = play_turn(maker, &session, &call, &goes_on);
        if (!failed && goes_on) {
            session.now_ms = call.time_ms + call.latency_ms + draw_gap_ms(maker);
            session.context_tokens +=
                call.output - call.reasoning + 1 + draw_spread(random, profile->turn_tokens, 20000);
        }
    }
    *block_count = session.own_start + session.own_blocks;
    return failed;
}

/* Sessions expected in the hour that starts at time_ms, in thousandths. */
static uint64_t expected_sessions(const struct maker *maker, int64_t time_ms)
{
    const struct synthesize_plan *plan = maker->plan;
    const struct feature_profile *profile = &maker->feature->profile;
    int weekday = civil_weekday(time_ms * 1000);
    uint64_t hour = (uint64_t)(time_ms - civil_floor(time_ms * 1000, DAY_US) / 1000) / HOUR_MS;
    uint64_t grown = plan->growth_permille * (uint64_t)(time_ms - plan->start_ms) /
                     (uint64_t)(plan->end_ms - plan->start_ms);
    uint64_t expected = (uint64_t)profile->sessions_per_day * 1000;

    expected = expected * maker->feature->volume_permille / 1000;
    expected = expected * plan->options.scale / 1000;
    expected = expected * (1000 + grown) / 1000;
    expected = expected * synthesize_rhythms[profile->rhythm][hour] / 1000;
    return weekday == 0 || weekday == 6 ? expected * profile->weekend_permille / 1000 : expected;
}

/* The system prompts come first in each scope: the old one, then, after a deploy, the new one. */
static void reserve_system_blocks(struct maker *maker)
{
    const struct feature_plan *feature = maker->feature;
    uint64_t after = (uint64_t)feature->system_blocks * maker->plan->deploy_prompt_permille / 1000;

    for (uint32_t i = 0; i < SYNTHESIZE_MODELS; i++) {
        maker->list->block_count[maker->feature_index][i] =
            feature->system_blocks + (feature->is_deployed ? (uint32_t)after : 0);
    }
}

/* At least one duplicate, however small the sample. */
static int ensure_duplicate(struct maker *maker, size_t first)
{
    struct call_list *list = maker->list;

    for (size_t i = first; i < list->count; i++) {
        if (list->items[i].role == CALL_DUPLICATE) {
            return OK;
        }
    }
    for (size_t i = first, end = list->count; i < end && list->count == end; i++) {
        struct call original = list->items[i];

        if (original.status == USAGE_OK) {
            int failed = push_duplicates(maker, &original);
            if (failed) {
                return failed;
            }
        }
    }
    return OK;
}

/* Another user asks the same, some days later and in another session: a first call that nobody
 * duplicated. The same prompt has the same blocks. */
static int push_repeats(struct maker *maker, size_t first)
{
    struct call_list *list = maker->list;
    struct random *random = &maker->repeats;
    uint32_t days = maker->plan->options.days;
    uint32_t users = maker->feature->profile.users;
    uint32_t made = 0;

    for (size_t i = first, end = list->count; i < end; i++) {
        struct call call = list->items[i];
        bool is_original_of_next = i + 1 < end && list->items[i + 1].role == CALL_DUPLICATE;

        if (call.role != CALL_FIRST || call.status != USAGE_OK || is_original_of_next ||
            !(draw_chance(random, REPEAT_PERMILLE) || made < REPEATS_MIN)) {
            continue;
        }
        call.time_ms += draw_between(random, 1, days < 7 ? days : 7) * DAY_MS +
                        draw_between(random, 0, HOUR_MS / 2);
        if (call.time_ms >= maker->plan->end_ms) {
            continue;
        }
        call.role = CALL_REPEAT;
        call.original = call.serial;
        call.session = maker->session_count++;
        call.user = (call.user + draw_between(random, 1, users - 1)) % users;
        call.quality = CALL_NO_QUALITY;
        call.output = 1 + call.output * draw_between(random, 800, 1000) / 1001;
        call.stop = CALL_STOP_END;
        draw_latency(maker, false, &call);
        int failed = push_call(maker, &call);
        if (failed) {
            return failed;
        }
        made++;
    }
    return OK;
}

static int make_feature(struct maker *maker)
{
    const struct synthesize_plan *plan = maker->plan;
    size_t first = maker->list->count;
    uint64_t day_permille = 1000;
    int failed = OK;

    reserve_system_blocks(maker);
    for (int64_t hour = plan->start_ms; hour < plan->end_ms && !failed; hour += HOUR_MS) {
        if ((hour - plan->start_ms) % DAY_MS == 0) {
            day_permille = draw_log_normal(&maker->traffic, 1000, DAY_SIGMA, 2000);
        }
        uint64_t expected = expected_sessions(maker, hour) * day_permille / 1000;
        uint32_t count = draw_count(&maker->traffic, expected);

        for (uint32_t i = 0; i < count && !failed; i++) {
            int64_t start_ms = hour + random_below(&maker->traffic, HOUR_MS);

            failed = play_session(maker, start_ms);
        }
    }
    if (!failed && maker->list->count == first) {
        failed = play_session(maker, plan->start_ms + (plan->end_ms - plan->start_ms) / 2);
    }
    if (!failed && maker->feature->duplicate_permille > 0) {
        failed = ensure_duplicate(maker, first);
    }
    if (!failed && plan->repeat_feature == maker->feature_index) {
        failed = push_repeats(maker, first);
    }
    return failed;
}

int calls_make(const struct synthesize_plan *plan, struct call_list *list)
{
    struct maker maker = {.plan = plan, .list = list};
    int failed = OK;

    for (uint32_t i = 0; i < SYNTHESIZE_FEATURES && !failed; i++) {
        uint64_t stream = SYNTHESIZE_STREAM_FEATURES + i * SYNTHESIZE_STREAMS_EACH;

        maker.feature = &plan->features[i];
        maker.feature_index = i;
        maker.session_count = 0;
        maker.prompt_count = 0;
        random_init(&maker.traffic, plan->options.seed, stream);
        random_init(&maker.duplicates, plan->options.seed, stream + 1);
        random_init(&maker.latencies, plan->options.seed, stream + 2);
        random_init(&maker.repeats, plan->options.seed, stream + 3);
        failed = make_feature(&maker);
    }
    return failed;
}

static int compare_calls(const void *left, const void *right)
{
    const struct call *a = left;
    const struct call *b = right;

    if (a->time_ms != b->time_ms) {
        return a->time_ms < b->time_ms ? -1 : 1;
    }
    return a->serial < b->serial ? -1 : a->serial > b->serial;
}

void calls_sort(struct call_list *list)
{
    if (list->count == 0) {
        return;
    }
    qsort(list->items, list->count, sizeof(*list->items), compare_calls);
    for (size_t i = 1; i < list->count; i++) {
        if (list->items[i].time_ms <= list->items[i - 1].time_ms) {
            list->items[i].time_ms = list->items[i - 1].time_ms + 1;
        }
    }
}
