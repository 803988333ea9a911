/*
 * The order of the steps, and the way back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deploy/release.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/civil_time.h"
#include "deploy/deployment.h"

#define ARENA_BYTES_MAX    ((size_t)64 << 20) /* answers of some hundred verbs */
#define HEALTH_TIMEOUT_MS  3000u
#define REVISION_HEX_BYTES 2u

/* ---- beginning ---- */

/* "r20261123-101530-9f3c": sorts by time, and two of the same second differ. */
static int name_revision(struct release *release, struct error *error)
{
    unsigned char bytes[REVISION_HEX_BYTES];
    struct timespec now;

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return error_set(error, ERR_IO, "the system gives no random bytes");
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct civil_time civil = civil_from_us((int64_t)now.tv_sec * SECOND_US);
    (void)snprintf(release->revision, sizeof(release->revision),
                   "r%04d%02d%02d-%02d%02d%02d-%02x%02x", civil.year, civil.month, civil.day,
                   civil.hour, civil.minute, civil.second, bytes[0], bytes[1]);
    return OK;
}

static int check_options(const struct release_options *options, struct error *error)
{
    if (!target_is_id(str_from(options->project))) {
        return error_set(error, ERR_USAGE, "'%s' is no project: [a-z0-9-], 1 to 63 of them",
                         options->project);
    }
    if (options->promote_from && (!target_is_id(str_from(options->promote_from)) ||
                                  strcmp(options->promote_from, options->project) == 0)) {
        return error_set(error, ERR_USAGE, "cannot promote from '%s'", options->promote_from);
    }
    for (size_t i = 0; i < options->service_count; i++) {
        if (!target_is_id(str_from(options->services[i]))) {
            return error_set(error, ERR_USAGE, "'%s' is no service", options->services[i]);
        }
    }
    return OK;
}

static void end_deployment(struct deployment *deployment)
{
    journal_close(&deployment->journal);
    wire_free(deployment->wire);
}

static int begin_deployment(struct deployment *deployment, const struct release_options *options,
                            struct error *error)
{
    struct wire_options wire = {.ca_file = options->ca_file,
                                .connect_ms = HEALTH_TIMEOUT_MS,
                                .timeout_ms = HEALTH_TIMEOUT_MS};
    int code = check_options(options, error);

    deployment->options = options;
    deployment->is_cancelled = options->is_cancelled;
    if (code == OK) {
        code = journal_open(&deployment->journal, options->state, error);
    }
    if (code == OK) {
        code = wire_new(&wire, &deployment->wire, error);
    }
    if (code) {
        return code;
    }
    deployment->release = alloc_zeroed(1, sizeof(*deployment->release));
    if (!deployment->release) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    arena_init(&deployment->release->arena, ARENA_BYTES_MAX);
    deployment->release->outcome = RELEASE_FAILED;
    return OK;
}

static int add_service(struct release *release, struct str name)
{
    struct str copy = arena_copy(&release->arena, name);

    check_cmp(release->service_count, <, TARGET_SERVICES_MAX);
    if (!copy.data) {
        return ERR_NO_MEMORY;
    }
    release->services[release->service_count++] = (struct release_service){.name = copy};
    return OK;
}

/* Which services: those that were asked for, else one process of everything, else all. */
static int choose_services(struct deployment *deployment, const struct target_answer *about)
{
    const struct release_options *options = deployment->options;
    int code = OK;

    for (size_t i = 0; code == OK && i < options->service_count; i++) {
        bool is_known = false;

        for (size_t k = 0; k < about->service_count; k++) {
            is_known = is_known || str_equal(about->services[k], str_from(options->services[i]));
        }
        if (!is_known) {
            step_fail(deployment, "the target knows no service %s", options->services[i]);
            return ERR_USAGE;
        }
        code = add_service(deployment->release, str_from(options->services[i]));
    }
    for (size_t i = 0; code == OK && !options->service_count && i < about->service_count; i++) {
        if (str_equal(about->services[i], STR("all"))) {
            deployment->release->service_count = 0;
            return add_service(deployment->release, STR("all"));
        }
        code = add_service(deployment->release, about->services[i]);
    }
    if (code == OK && deployment->release->service_count == 0) {
        step_fail(deployment, "the target names no service");
        return ERR_INVALID;
    }
    return code;
}

static int describe(struct deployment *deployment)
{
    struct target_answer about;
    int code = step_verb(deployment, TARGET_DESCRIBE, /* service */ NULL, NULL, &about);

    if (code == OK && deployment->options->promote_from && !about.can_promote) {
        step_fail(deployment, "the target cannot promote");
        return ERR_UNSUPPORTED;
    }
    return code ? code : choose_services(deployment, &about);
}

/* ---- the way back ---- */

/* Each service that was begun, the last first. All are tried; a code when one could not. */
static int roll_back(struct deployment *deployment, const char *revision)
{
    struct release *release = deployment->release;
    struct target_answer answer;
    int result = OK;

    deployment->is_cancelled = NULL; /* once is enough: the way back is gone to its end */
    for (size_t i = release->service_count; i-- > 0;) {
        struct release_service *service = &release->services[i];

        if (!service->is_begun) {
            continue;
        }
        int code = step_verb(deployment, TARGET_ROLLBACK, service, revision, &answer);
        if (code) {
            result = code;
            continue;
        }
        service->is_begun = false;
        service->public_url = answer.public_url;
        if (answer.lost_since.length) {
            step_fail(deployment, "%s: what was written since %.*s is not served any more",
                      service->name.data, STR_ARGS(answer.lost_since));
        }
    }
    deployment->is_cancelled = deployment->options->is_cancelled;
    return result;
}

/* What an earlier deployment left that was killed. */
static int undo_unfinished(struct deployment *deployment, struct error *error)
{
    struct release *release = deployment->release;
    struct unfinished unfinished;
    int code = journal_read_unfinished(&deployment->journal, &release->arena, &unfinished, error);

    if (code) {
        step_fail(deployment, "%s", error->message);
        return code;
    }
    if (!unfinished.revision[0]) {
        return OK;
    }
    step_tell(deployment, "rollback", NULL, "of a deployment that was cut");
    if (journal_record(&deployment->journal, unfinished.revision, error)) {
        step_fail(deployment, "%s", error->message);
        return ERR_IO;
    }
    size_t count = release->service_count;
    struct release_service kept[TARGET_SERVICES_MAX];
    memcpy(kept, release->services, sizeof(kept));
    release->service_count = unfinished.service_count;
    for (size_t i = 0; i < unfinished.service_count; i++) {
        release->services[i] =
            (struct release_service){.name = unfinished.services[i], .is_begun = true};
    }
    code = roll_back(deployment, unfinished.revision);
    memcpy(release->services, kept, sizeof(kept));
    release->service_count = count;
    if (code == OK && journal_finish(&deployment->journal, error)) {
        code = ERR_IO;
    }
    return code;
}

/* ---- the way there ---- */

/* One image for all that are built or named; each service's own when it is promoted. */
static int get_images(struct deployment *deployment)
{
    struct release *release = deployment->release;
    const struct release_options *options = deployment->options;
    struct target_answer answer;
    struct str image = str_from(options->image ? options->image : "");
    int code = OK;

    if (!options->promote_from && !options->image) {
        code =
            step_verb(deployment, TARGET_BUILD, &release->services[0], release->revision, &answer);
        image = code == OK ? answer.image : image;
    }
    for (size_t i = 0; code == OK && i < release->service_count; i++) {
        struct release_service *service = &release->services[i];

        service->image = image;
        code = step_verb(deployment, options->promote_from ? TARGET_PROMOTE : TARGET_PUSH, service,
                         release->revision, &answer);
        if (code == OK) {
            service->image = answer.image;
        }
    }
    return code;
}

static int begin_journal(struct deployment *deployment, struct error *error)
{
    struct release *release = deployment->release;
    struct str names[TARGET_SERVICES_MAX];

    for (size_t i = 0; i < release->service_count; i++) {
        names[i] = release->services[i].name;
    }
    int code = journal_begin(&deployment->journal, release->revision, names, release->service_count,
                             error);
    if (code) {
        step_fail(deployment, "%s", error->message);
    }
    return code;
}

static int bring_service(struct deployment *deployment, struct release_service *service)
{
    const char *revision = deployment->release->revision;
    struct target_answer answer;

    service->is_begun = true;
    int code = step_verb(deployment, TARGET_RELEASE, service, revision, &answer);
    if (code == OK) {
        service->url = answer.url;
        code = step_wait_ready(deployment, service);
    }
    if (code == OK) {
        code = step_probe(deployment, service);
    }
    if (code == OK) {
        code = step_verb(deployment, TARGET_SWITCH, service, revision, &answer);
    }
    if (code == OK) {
        service->public_url = answer.public_url;
    }
    return code;
}

static int bring_all(struct deployment *deployment)
{
    struct release *release = deployment->release;
    int code = OK;

    for (size_t i = 0; code == OK && i < release->service_count; i++) {
        code = bring_service(deployment, &release->services[i]);
    }
    for (size_t i = 0; code == OK && i < release->service_count; i++) {
        code = step_check(deployment, &release->services[i]);
    }
    if (code == OK && deployment->options->verifies) {
        code = step_verify(deployment, &release->services[release->service_count - 1]);
    }
    return code;
}

/* It serves and was seen to: that something old does not go away is told, and no failure. */
static void retire(struct deployment *deployment)
{
    struct release *release = deployment->release;
    struct target_answer answer;

    for (size_t i = 0; i < release->service_count; i++) {
        if (step_verb(deployment, TARGET_RETIRE, &release->services[i], release->revision,
                      &answer)) {
            step_tell(deployment, "retire", &release->services[i], release->reason.data);
            release->reason = (struct str){"", 0};
        }
    }
}

static void ask_cost(struct deployment *deployment, const char *revision,
                     struct target_answer *ret_cost)
{
    struct release *release = deployment->release;

    if (!deployment->options->asks_cost) {
        return;
    }
    release->has_costs = true;
    if (step_verb(deployment, TARGET_COST, &release->services[0], revision, ret_cost)) {
        step_tell(deployment, "cost", NULL, release->reason.data); /* nobody's failure */
        release->reason = (struct str){"", 0};
    }
}

static void end_well(struct deployment *deployment, struct error *error)
{
    struct release *release = deployment->release;

    if (journal_finish(&deployment->journal, error)) {
        /* The next deployment would undo this one. */
        step_fail(deployment, "%s", error->message);
        return;
    }
    deployment->is_cancelled = NULL;
    release->outcome = RELEASE_SWITCHED;
    retire(deployment);
    ask_cost(deployment, release->revision, &release->cost_after);
}

static void end_badly(struct deployment *deployment, struct error *error)
{
    struct release *release = deployment->release;

    step_tell(deployment, "rollback", NULL, release->reason.data);
    if (roll_back(deployment, release->revision) == OK &&
        journal_finish(&deployment->journal, error) == OK) {
        release->outcome = RELEASE_ROLLED_BACK;
    }
}

static void run(struct deployment *deployment, struct error *error)
{
    struct release *release = deployment->release;

    if (describe(deployment) || undo_unfinished(deployment, error)) {
        return;
    }
    if (journal_record(&deployment->journal, release->revision, error)) {
        step_fail(deployment, "%s", error->message);
        return;
    }
    ask_cost(deployment, /* revision: of what serves */ NULL, &release->cost_before);
    if (get_images(deployment) || begin_journal(deployment, error)) {
        return;
    }
    if (bring_all(deployment) == OK) {
        end_well(deployment, error);
    } else {
        end_badly(deployment, error);
    }
}

/* ---- the whole ---- */

int release_run(const struct release_options *options, struct release **ret_release,
                struct error *error)
{
    struct deployment deployment = {.journal = {.lock_fd = -1, .record_fd = -1}};
    struct error inner = {0};
    int code = begin_deployment(&deployment, options, error);

    if (code == OK) {
        code = name_revision(deployment.release, error);
    }
    if (code == OK) {
        run(&deployment, &inner);
        *ret_release = TAKE(deployment.release);
    }
    release_free(deployment.release);
    end_deployment(&deployment);
    return code;
}

static int undo_all(struct deployment *deployment, struct error *error)
{
    struct release *release = deployment->release;
    struct target_answer answer;
    int code = describe(deployment);

    if (code == OK) {
        code = undo_unfinished(deployment, error);
    }
    if (code == OK && journal_record(&deployment->journal, "rollbacks", error)) {
        step_fail(deployment, "%s", error->message);
        code = ERR_IO;
    }
    /* Before anything is changed: a service that cannot go back keeps its sisters where they are.
     */
    for (size_t i = release->service_count; code == OK && i-- > 0;) {
        struct release_service *service = &release->services[i];

        code = step_verb(deployment, TARGET_ROLLBACK, service, /* what serves */ NULL, &answer);
        if (code == OK) {
            service->public_url = answer.public_url;
            (void)snprintf(release->revision, sizeof(release->revision), "%.*s",
                           STR_ARGS(answer.serving));
        }
    }
    return code;
}

int release_undo(const struct release_options *options, struct release **ret_release,
                 struct error *error)
{
    struct deployment deployment = {.journal = {.lock_fd = -1, .record_fd = -1}};
    struct error inner = {0};
    int code = begin_deployment(&deployment, options, error);

    if (code == OK) {
        deployment.release->outcome =
            undo_all(&deployment, &inner) == OK ? RELEASE_ROLLED_BACK : RELEASE_FAILED;
        *ret_release = TAKE(deployment.release);
    }
    release_free(deployment.release);
    end_deployment(&deployment);
    return code;
}

void release_free(struct release *release)
{
    if (release) {
        arena_done(&release->arena);
        alloc_free(release);
    }
}

const char *release_outcome_name(enum release_outcome outcome)
{
    static const char *const names[] = {"switched", "rolled_back", "failed"};

    return names[outcome];
}
