/*
 * The loop with a scripted world: a service that is down, up, broken or only half exercised, and
 * the commands that would be run on it. Evidence, journal and story are real files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop_fixture.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "deploy/loop.h"
#include "deploy/loop_files.h"
#include "verify/evidence.h"

#define PATH_BYTES   4200u
#define RECORD_BYTES ((size_t)1 << 20)

/* The world: what the service is like, what commands do to it, and what was asked of it. */
struct world {
    char folder[128];
    bool is_up;
    bool is_known;      /* the target knows an address */
    bool is_broken;     /* verify finds a failure, until the fix hook was there */
    bool is_partial;    /* verify cannot exercise everything */
    bool deploy_fails;  /* and rolls back */
    bool image_changes; /* with every deployment */
    bool is_lying;      /* verify ends with 0 whatever it saw */
    bool is_never_healthy;
    const char *cause; /* of the diagnosis while something is wrong; NULL: unknown */
    unsigned deployments;
    int kill_at;      /* of the calls of run: not done, as if the loop had been killed; -1 */
    int interrupt_at; /* SIGINT while it runs; -1 */
    int calls;
    bool left_over;    /* it was asked to end a command */
    bool tries_second; /* a second loop in the same folder while a command runs */
    int second_code;
    volatile int interrupted;
    struct buf record; /* the words of every command, and the hooks' environment */
};

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;

    assert_int_equal(clock_gettime(clock, &now), 0);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

static int64_t now_us(void *arg)
{
    (void)arg;
    return clock_us(CLOCK_REALTIME);
}

static int64_t elapsed_us(void *arg)
{
    (void)arg;
    return clock_us(CLOCK_MONOTONIC);
}

static void wait_ms(unsigned ms, void *arg)
{
    (void)ms;
    (void)arg;
}

static void say(struct str line, void *arg)
{
    (void)line;
    (void)arg;
}

static int end_left_over(const struct loop_command *command, const char *folder, void *arg,
                         struct error *error)
{
    struct world *world = arg;

    (void)folder;
    world->left_over = command->words[0][0] == '/';
    (void)error;
    return OK;
}

static void ask_health(const char *url, struct loop_answer *ret_answer, void *arg)
{
    const struct world *world = arg;

    assert_string_equal(url, "http://127.0.0.1:1");
    *ret_answer = (struct loop_answer){.is_healthy = world->is_up && !world->is_never_healthy,
                                       .status = world->is_up ? 200 : 0,
                                       .at_us = clock_us(CLOCK_REALTIME),
                                       .total_us = 1000};
}

static int ask_target(const struct loop_options *options, struct arena *arena,
                      struct loop_serving *ret_serving, void *arg)
{
    const struct world *world = arg;

    (void)arena;
    assert_string_equal(loop_options_value(options, "project"), "demo");
    *ret_serving = (struct loop_serving){
        .public_url = world->is_known ? STR("http://127.0.0.1:1") : STR(""),
        .process_file = world->is_known ? STR("/state/process.json") : STR(""),
        .why = world->is_known ? STR("") : STR("no revision serves")};
    return OK;
}

/* ---- the commands ---- */

/* An exchange that was answered, and took its millisecond. */
static void keep_exchange(struct evidence *evidence, struct check *check)
{
    const struct timespec moment = {.tv_nsec = 2000000};
    const struct exchange_request request = {.method = "GET", .url = "http://127.0.0.1:1/health"};
    struct exchange seen = {.status = 200,
                            .started_us = clock_us(CLOCK_REALTIME),
                            .started_monotonic_us = clock_us(CLOCK_MONOTONIC),
                            .connect_us = 200,
                            .sent_us = 300,
                            .first_byte_us = 800,
                            .total_us = 1000,
                            .bytes_sent = 100,
                            .bytes_received = 200,
                            .is_new_connection = true,
                            .peer = "127.0.0.1:1",
                            .local = "127.0.0.1:2"};

    assert_int_equal(nanosleep(&moment, NULL), 0);
    assert_int_equal(evidence_keep_exchange(evidence, check, &request, &seen), OK);
}

static int write_evidence(const struct world *world, const char *folder)
{
    static const int statuses[] = {[SUMMARY_GREEN] = 0,
                                   [SUMMARY_FAILED] = 1,
                                   [SUMMARY_INCOMPLETE] = 4,
                                   [SUMMARY_UNREACHABLE] = 1};
    struct evidence *evidence = NULL;
    struct check *check = NULL;
    struct error error = {0};

    assert_int_equal(evidence_new(&evidence), OK);
    assert_int_equal(evidence_begin_check(evidence, "basic", "Basic", &check), OK);
    if (world->is_up) {
        keep_exchange(evidence, check);
    }
    enum outcome outcome = world->is_up && !world->is_broken ? OUTCOME_PASSED : OUTCOME_FAILED;
    assert_int_equal(evidence_find(evidence, check, "health", outcome, "healthy", "as seen"), OK);
    if (world->is_partial) {
        assert_int_equal(evidence_not_exercised(evidence, check, "faults", "faults.allowed"), OK);
    }
    evidence_end_check(evidence, check);
    assert_int_equal(evidence_judge(evidence), OK);
    int status = statuses[evidence->summary];
    if (evidence_write(evidence, folder, &error)) {
        fail_msg("%s", error.message);
    }
    evidence_free(evidence);
    return world->is_lying ? 0 : status;
}

static const char *word_behind(const struct loop_command *command, const char *word)
{
    for (size_t i = 0; command->words[i]; i++) {
        if (strcmp(command->words[i], word) == 0) {
            return command->words[i + 1];
        }
    }
    fail_msg("there is no %s", word);
    return NULL;
}

static int diagnose(const struct world *world, struct buf *out)
{
    bool is_wrong = !world->is_up || world->is_broken;

    buf_append(out, STR("{\"netra_diagnosis\":1,\"diagnoses\":["));
    if (is_wrong) {
        buf_append(out, STR("{\"symptom\":\"<b>it</b> fails\",\"whys\":[{\"because\":\"of `x`\","
                            "\"cites\":[\"o1\"]}],\"cause\":"));
        buf_printf(out, world->cause ? "\"%s\"" : "null%s", world->cause ? world->cause : "");
        buf_append(out, STR(",\"fix\":\"mend it\"}"));
    }
    buf_append(out, STR("],\"observations\":[{\"id\":\"o1\",\"kind\":\"probe\",\"subject\":\"s\","
                        "\"value\":\"a|b\"}]}\n"));
    return is_wrong && !world->cause ? 4 : 0;
}

static int deploy(struct world *world, struct buf *out)
{
    unsigned image = world->image_changes ? world->deployments : 0;

    world->deployments++;
    if (!world->deploy_fails) {
        world->is_up = world->is_known = true;
    }
    buf_printf(out,
               "{\"revision\":\"r%u\",\"outcome\":\"%s\",\"reason\":\"not healthy\","
               "\"public_url\":%s,\"services\":[{\"service\":\"all\",\"image\":\"i%u\"}]}\n",
               world->deployments, world->deploy_fails ? "rolled_back" : "switched",
               world->deploy_fails ? "null" : "\"http://127.0.0.1:1\"", image);
    return world->deploy_fails ? 1 : 0;
}

static int do_command(struct world *world, const struct loop_command *command, struct buf *out)
{
    const char *verb = command->words[1];

    if (strcmp(command->words[0], "/bin/fix") == 0) {
        world->is_broken = false;
        buf_append(out, STR("mended\n"));
        return 0;
    }
    if (strcmp(command->words[0], "/bin/commit") == 0) {
        return 0;
    }
    assert_string_equal(command->words[0], "/bin/netra");
    if (strcmp(verb, "verify") == 0) {
        return write_evidence(world, word_behind(command, "--out"));
    }
    if (strcmp(verb, "diagnose") == 0) {
        return diagnose(world, out);
    }
    assert_string_equal(verb, "deploy");
    return deploy(world, out);
}

static struct loop_world world_of(struct world *world);

static int run(const struct loop_command *command, const char *folder, struct buf *out,
               struct loop_end *ret_end, void *arg, struct error *error)
{
    struct world *world = arg;
    int call = world->calls++;

    for (size_t i = 0; command->words[i]; i++) {
        buf_printf(&world->record, "%s%s", i ? " " : "", command->words[i]);
    }
    for (size_t i = 0; command->environment && command->environment[i]; i++) {
        buf_printf(&world->record, " [%s]", command->environment[i]);
    }
    buf_append(&world->record, STR("\n"));
    if (world->tries_second) {
        struct loop_world other = world_of(world);
        struct loop_run_options options = {
            .netra = "/bin/netra", .folder = folder, .world = &other, .is_resumed = true};
        enum loop_verdict verdict;
        struct error ignored = {0};

        world->second_code = deploy_loop_run(&options, &verdict, &ignored);
    }
    if (call == world->kill_at) {
        return error_set(error, ERR_IO, "killed");
    }
    world->interrupted |= call == world->interrupt_at;
    *ret_end = (struct loop_end){.exit_status = do_command(world, command, out), .is_ended = true};
    return OK;
}

static struct loop_world world_of(struct world *world)
{
    return (struct loop_world){.now_us = now_us,
                               .elapsed_us = elapsed_us,
                               .wait_ms = wait_ms,
                               .run = run,
                               .end_left_over = end_left_over,
                               .ask_health = ask_health,
                               .ask_target = ask_target,
                               .say = say,
                               .is_interrupted = &world->interrupted,
                               .arg = world};
}

/* ---- running it ---- */

static void open_world(struct world *world)
{
    *world = (struct world){.kill_at = -1, .interrupt_at = -1, .cause = "port_not_listening"};
    (void)snprintf(world->folder, sizeof(world->folder), "/tmp/netra-loop-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    buf_init(&world->record, RECORD_BYTES);
}

static void close_world(struct world *world)
{
    struct error error = {0};

    assert_int_equal(loop_files_remove(world->folder, &error), OK);
    buf_done(&world->record);
}

static void add(struct loop_options *options, const char *name, const char *value)
{
    struct error error = {0};

    for (size_t i = 0; i < LOOP_OPTION_COUNT; i++) {
        if (strcmp(loop_option_table[i].name, name) == 0) {
            assert_int_equal(
                loop_options_add(options, &loop_option_table[i], value, "/here", &error), OK);
            return;
        }
    }
    fail_msg("there is no option %s", name);
}

/* more: names and values behind each other, NULL at the end; a flag has "". */
static int begin(struct world *world, const char *const *more, enum loop_verdict *ret_verdict,
                 struct error *error)
{
    struct loop_world all = world_of(world);
    struct loop_options options;

    loop_options_init(&options);
    add(&options, "target", "local");
    add(&options, "project", "demo");
    for (size_t i = 0; more && more[i]; i += 2) {
        add(&options, more[i], more[i + 1][0] ? more[i + 1] : NULL);
    }
    struct loop_run_options call = {
        .netra = "/bin/netra", .folder = world->folder, .options = &options, .world = &all};
    int code = deploy_loop_run(&call, ret_verdict, error);
    loop_options_done(&options);
    return code;
}

static enum loop_verdict verdict_of(struct world *world, const char *const *more)
{
    enum loop_verdict verdict = LOOP_VERDICT_NONE;
    struct error error = {0};

    if (begin(world, more, &verdict, &error)) {
        fail_msg("%s", error.message);
    }
    return verdict;
}

static int resume(struct world *world, enum loop_verdict *ret_verdict, struct error *error)
{
    struct loop_world all = world_of(world);
    struct loop_run_options call = {
        .netra = "/bin/netra", .folder = world->folder, .world = &all, .is_resumed = true};

    return deploy_loop_run(&call, ret_verdict, error);
}

static struct buf read_file(const struct world *world, const char *name)
{
    char path[PATH_BYTES];
    struct error error = {0};
    struct buf text;

    (void)snprintf(path, sizeof(path), "%s/%s", world->folder, name);
    buf_init(&text, (size_t)8 << 20);
    if (loop_files_read(path, &text, &error)) {
        fail_msg("%s", error.message);
    }
    return text;
}

static void write_file(const struct world *world, const char *name, struct str text)
{
    char path[PATH_BYTES];
    struct error error = {0};

    (void)snprintf(path, sizeof(path), "%s/%s", world->folder, name);
    assert_int_equal(loop_files_write(path, text, &error), OK);
}

static void expect_in(const struct world *world, const char *name, const char *expected)
{
    cleanup(buf_done) struct buf text = read_file(world, name);

    if (!strstr(text.data, expected)) {
        fail_msg("%s does not say '%s':\n%s", name, expected, text.data);
    }
}

/* ---- tests ---- */

static void test_loop_goes_from_nothing_to_success_in_one_cycle(void **state)
{
    static const char *const more[] = {"fix", "/bin/fix", "commit", "/bin/commit",     "token-file",
                                       "t",   "samples",  "60",     "healthy-seconds", "2",
                                       NULL};
    static const char *const files[] = {
        "cycle-1/evidence/evidence.json",
        "cycle-1/report.md",
        "cycle-1/diagnosis.json",
        "cycle-1/diagnosis.md",
        "cycle-1/fix.out",
        "cycle-1/commit.out",
        "cycle-1/deploy.json",
        "cycle-1/availability.json",
        "cycle-1/success/report.md",
    };
    cleanup(close_world) struct world world = {0};
    char expected[PATH_BYTES];

    (void)state;
    open_world(&world);
    assert_int_equal(verdict_of(&world, more), LOOP_VERDICT_SUCCESS);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        cleanup(buf_done) struct buf text = read_file(&world, files[i]);
    }
    /* Nothing served yet: there was no address to verify, and that is the first evidence. */
    (void)snprintf(expected, sizeof(expected),
                   "/bin/netra diagnose --evidence %s/cycle-1/evidence --json\n"
                   "/bin/fix %s/cycle-1/diagnosis.json [NETRA_LOOP_CYCLE=1] "
                   "[NETRA_LOOP_DIAGNOSIS=%s/cycle-1/diagnosis.json] "
                   "[NETRA_LOOP_CAUSE=port_not_listening] [NETRA_LOOP_CAUSES=port_not_listening]\n",
                   world.folder, world.folder, world.folder);
    assert_int_equal(strncmp(world.record.data, expected, strlen(expected)), 0);
    assert_non_null(strstr(world.record.data, "\n/bin/netra deploy --target local --project demo "
                                              "--healthy-seconds 2 --json\n"));
    (void)snprintf(expected, sizeof(expected),
                   "\n/bin/netra verify --url http://127.0.0.1:1 --token-file /here/t --samples 60 "
                   "--out %s/cycle-1/success\n",
                   world.folder);
    assert_non_null(strstr(world.record.data, expected));
    expect_in(&world, "loop.json", "\"verdict\": \"success\"");
    expect_in(&world, "loop.json", "\"contradictions\": []");
    expect_in(&world, "loop.md", "**success**");
    expect_in(&world, "loop.md", "Nothing contradicts itself.");
    expect_in(&world, "cycle-1/diagnosis.md", "&lt;b\\>it&lt;/b\\> fails");
    expect_in(&world, "cycle-1/evidence/evidence.json", "no revision serves");
}

static void test_loop_that_is_green_deploys_nothing(void **state)
{
    cleanup(close_world) struct world world = {0};

    (void)state;
    open_world(&world);
    world.is_up = world.is_known = true;
    assert_int_equal(verdict_of(&world, NULL), LOOP_VERDICT_SUCCESS);
    assert_int_equal(world.calls, 1);
    assert_int_equal(world.deployments, 0);
}

/* Behind each line of a whole journal, and in the middle of the next: what follows is done again,
 * and the end is the same. */
static void test_loop_killed_anywhere_ends_the_same(void **state)
{
    cleanup(close_world) struct world first = {0};

    (void)state;
    open_world(&first);
    assert_int_equal(verdict_of(&first, NULL), LOOP_VERDICT_SUCCESS);
    cleanup(buf_done) struct buf whole = read_file(&first, "journal.jsonl");
    size_t lines = 0;
    for (size_t i = 0; i < whole.length; i++) {
        lines += whole.data[i] == '\n';
    }
    assert_int_equal(lines, 18); /* opened, eight steps, stopped */
    for (size_t cut = 1; cut <= lines; cut++) {
        cleanup(close_world) struct world world = {0};
        enum loop_verdict verdict = LOOP_VERDICT_NONE;
        struct error error = {0};
        size_t end = 0;

        open_world(&world);
        assert_int_equal(verdict_of(&world, NULL), LOOP_VERDICT_SUCCESS);
        cleanup(buf_done) struct buf text = read_file(&world, "journal.jsonl");
        for (size_t line = 0; line < cut; line++) {
            end = str_find(buf_str(&text), STR("\n"), end) + 1;
        }
        size_t torn = cut % 2 && end + 40 < text.length ? 40 : 0;
        write_file(&world, "journal.jsonl", str_slice(buf_str(&text), 0, end + torn));
        world.is_up = world.is_known = cut >= 13; /* behind the end of the deployment */
        if (resume(&world, &verdict, &error)) {
            fail_msg("cut behind line %zu: %s", cut, error.message);
        }
        assert_int_equal(verdict, LOOP_VERDICT_SUCCESS);
        expect_in(&world, "loop.json", cut < lines ? "\"resumed\": 1" : "\"resumed\": 0");
    }
}

/* A kill while a command runs: its step is done again from the start. */
static void test_loop_killed_in_each_command_ends_the_same(void **state)
{
    (void)state;
    for (int at = 0; at < 3; at++) {
        cleanup(close_world) struct world world = {0};
        enum loop_verdict verdict = LOOP_VERDICT_NONE;
        struct error error = {0};

        open_world(&world);
        world.kill_at = at;
        assert_int_equal(begin(&world, NULL, &verdict, &error), ERR_IO);
        expect_in(&world, "loop.json", "\"verdict\": \"none\"");
        assert_int_equal(resume(&world, &verdict, &error), OK);
        assert_true(world.left_over);
        assert_int_equal(verdict, LOOP_VERDICT_SUCCESS);
        expect_in(&world, "loop.md", "| broken off | done again after the resumption |");
    }
}

static void test_loop_interrupted_stops_behind_its_command_and_goes_on(void **state)
{
    (void)state;
    for (int at = 0; at < 2; at++) {
        cleanup(close_world) struct world world = {0};
        enum loop_verdict verdict = LOOP_VERDICT_NONE;
        struct error error = {0};

        open_world(&world);
        world.interrupt_at = at;
        assert_int_equal(begin(&world, NULL, &verdict, &error), ERR_CANCELLED);
        assert_non_null(strstr(error.hint, "--resume"));
        assert_int_equal(world.calls, at + 1);
        world.interrupted = 0;
        assert_int_equal(resume(&world, &verdict, &error), OK);
        assert_int_equal(verdict, LOOP_VERDICT_SUCCESS);
        cleanup(buf_done) struct buf story = read_file(&world, "loop.md");
        assert_null(strstr(story.data, "broken off"));
    }
}

static void test_loop_stops_when_a_cycle_brings_nothing_new(void **state)
{
    cleanup(close_world) struct world world = {0};

    (void)state;
    open_world(&world);
    world.deploy_fails = true;
    assert_int_equal(verdict_of(&world, NULL), LOOP_VERDICT_NOTHING_NEW);
    assert_int_equal(world.deployments, 2);
    expect_in(&world, "loop.md", "a cycle brought nothing new (rolled\\_back: not healthy)");
}

static void test_loop_stops_at_the_maximum(void **state)
{
    static const char *const more[] = {"max-cycles", "3", NULL};
    cleanup(close_world) struct world world = {0};

    (void)state;
    open_world(&world);
    world.deploy_fails = world.image_changes = true;
    assert_int_equal(verdict_of(&world, more), LOOP_VERDICT_MAXIMUM);
    assert_int_equal(world.deployments, 3);
}

static void test_loop_stops_without_a_fix_where_a_deployment_mends_nothing(void **state)
{
    static const char *const causes[] = {"disk_full", NULL};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(causes); i++) {
        cleanup(close_world) struct world world = {0};

        open_world(&world);
        world.is_up = world.is_known = world.is_broken = true;
        world.cause = causes[i];
        assert_int_equal(verdict_of(&world, NULL), LOOP_VERDICT_FAILED);
        assert_int_equal(world.deployments, 0);
        expect_in(&world, "loop.json", "a deployment alone mends none of the causes");
        expect_in(&world, "loop.json", causes[i] ? "(disk_full)" : "(unknown)");
    }
}

static void test_loop_deploys_what_the_hook_mended(void **state)
{
    static const char *const more[] = {"fix", "/bin/fix", NULL};
    cleanup(close_world) struct world world = {0};

    (void)state;
    open_world(&world);
    world.is_up = world.is_known = world.is_broken = true;
    world.cause = NULL;
    assert_int_equal(verdict_of(&world, more), LOOP_VERDICT_SUCCESS);
    assert_int_equal(world.deployments, 1);
    assert_non_null(strstr(world.record.data, "[NETRA_LOOP_CAUSE=unknown]"));
    assert_non_null(strstr(world.record.data, " --process-file /state/process.json --json\n"));
    expect_in(&world, "cycle-1/fix.out", "mended");
}

static void test_loop_is_incomplete_unless_that_is_accepted(void **state)
{
    static const char *const more[] = {"accept-incomplete", "", NULL};
    cleanup(close_world) struct world strict = {0};
    cleanup(close_world) struct world content = {0};

    (void)state;
    open_world(&strict);
    strict.is_partial = true;
    assert_int_equal(verdict_of(&strict, NULL), LOOP_VERDICT_INCOMPLETE);
    expect_in(&strict, "loop.json", "not exercised: basic/faults (needs faults.allowed)");
    open_world(&content);
    content.is_partial = true;
    assert_int_equal(verdict_of(&content, more), LOOP_VERDICT_SUCCESS);
    expect_in(&content, "loop.json", "\"outcome\": \"accepted\"");
}

static void test_loop_believes_the_evidence_and_not_the_exit_status(void **state)
{
    cleanup(close_world) struct world world = {0};

    (void)state;
    open_world(&world);
    world.is_up = world.is_known = world.is_broken = world.is_lying = true;
    assert_int_equal(verdict_of(&world, NULL), LOOP_VERDICT_FAILED);
    expect_in(&world, "loop.json",
              "netra verify ended with exit status 0, and its evidence says "
              "failed");
}

/* Between two runs somebody makes the evidence better than it was. */
static void test_loop_refuses_files_that_were_changed(void **state)
{
    cleanup(close_world) struct world world = {0};
    enum loop_verdict verdict = LOOP_VERDICT_NONE;
    struct error error = {0};

    (void)state;
    open_world(&world);
    world.kill_at = 0; /* the diagnosis: the evidence is there */
    assert_int_equal(begin(&world, NULL, &verdict, &error), ERR_IO);
    cleanup(buf_done) struct buf text = read_file(&world, "cycle-1/evidence/evidence.json");
    text.data[text.length / 2] ^= 1;
    write_file(&world, "cycle-1/evidence/evidence.json", buf_str(&text));
    assert_int_equal(resume(&world, &verdict, &error), ERR_INVALID);
    assert_non_null(strstr(error.message, "is not what the journal says"));
}

static void test_loop_that_never_gets_healthy_goes_into_another_cycle(void **state)
{
    cleanup(close_world) struct world world = {0};

    (void)state;
    open_world(&world);
    world.is_up = world.is_known = world.is_broken = world.is_never_healthy = true;
    world.cause = "wrong_revision";
    /* The clock of the waiting is real, so the waiting is cut short by a signal. */
    world.interrupt_at = 2;
    enum loop_verdict verdict = LOOP_VERDICT_NONE;
    struct error error = {0};
    assert_int_equal(begin(&world, NULL, &verdict, &error), ERR_CANCELLED);
    assert_int_equal(world.deployments, 1);
}

static void test_two_loops_do_not_share_a_folder(void **state)
{
    cleanup(close_world) struct world world = {0};
    enum loop_verdict verdict = LOOP_VERDICT_NONE;
    struct error error = {0};

    (void)state;
    open_world(&world);
    assert_int_equal(resume(&world, &verdict, &error), ERR_USAGE);
    world.tries_second = true;
    assert_int_equal(verdict_of(&world, NULL), LOOP_VERDICT_SUCCESS);
    assert_int_equal(world.second_code, ERR_EXISTS);
    assert_int_equal(begin(&world, NULL, &verdict, &error), ERR_USAGE);
    assert_non_null(strstr(error.hint, "--resume"));
}

static void test_loop_is_resumed_with_its_own_options(void **state)
{
    static const char *const other[] = {"max-cycles", "4", NULL};
    cleanup(close_world) struct world world = {0};
    enum loop_verdict verdict = LOOP_VERDICT_NONE;
    struct error error = {0};
    struct loop_options options;

    (void)state;
    open_world(&world);
    world.kill_at = 0;
    assert_int_equal(begin(&world, NULL, &verdict, &error), ERR_IO);
    loop_options_init(&options);
    add(&options, other[0], other[1]);
    struct loop_world all = world_of(&world);
    struct loop_run_options call = {.netra = "/bin/netra",
                                    .folder = world.folder,
                                    .options = &options,
                                    .world = &all,
                                    .is_resumed = true};
    assert_int_equal(deploy_loop_run(&call, &verdict, &error), ERR_USAGE);
    assert_non_null(strstr(error.message, "--max-cycles=4"));
    loop_options_done(&options);
    loop_options_init(&options);
    add(&options, "project", "demo");
    assert_int_equal(deploy_loop_run(&call, &verdict, &error), OK);
    assert_int_equal(verdict, LOOP_VERDICT_SUCCESS);
    loop_options_done(&options);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_loop_goes_from_nothing_to_success_in_one_cycle),
    cmocka_unit_test(test_loop_that_is_green_deploys_nothing),
    cmocka_unit_test(test_loop_killed_anywhere_ends_the_same),
    cmocka_unit_test(test_loop_killed_in_each_command_ends_the_same),
    cmocka_unit_test(test_loop_interrupted_stops_behind_its_command_and_goes_on),
    cmocka_unit_test(test_loop_stops_when_a_cycle_brings_nothing_new),
    cmocka_unit_test(test_loop_stops_at_the_maximum),
    cmocka_unit_test(test_loop_stops_without_a_fix_where_a_deployment_mends_nothing),
    cmocka_unit_test(test_loop_deploys_what_the_hook_mended),
    cmocka_unit_test(test_loop_is_incomplete_unless_that_is_accepted),
    cmocka_unit_test(test_loop_believes_the_evidence_and_not_the_exit_status),
    cmocka_unit_test(test_loop_refuses_files_that_were_changed),
    cmocka_unit_test(test_loop_that_never_gets_healthy_goes_into_another_cycle),
    cmocka_unit_test(test_two_loops_do_not_share_a_folder),
    cmocka_unit_test(test_loop_is_resumed_with_its_own_options),
};

UNIT_MAIN(tests)
