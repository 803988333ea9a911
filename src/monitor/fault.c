/*
 * A fault is armed while its "left" is not zero: so many times still, or EVERY_TIME. Who takes the
 * last time, and who disarms, brings it to zero by one atomic step, and only who did counts the
 * fault out of fault_armed: taking needs no lock, and nothing is counted twice. Arming, disarming
 * and the tick change more than one word and take turns by a mutex.
 *
 * An allocation that fails is nobody's question here: base/alloc.h counts and refuses by itself,
 * and this file looks what became of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "monitor/fault.h"

#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/civil_time.h"
#include "base/error.h"

#define EVERY_TIME INT64_MAX /* of left; FAULT_TIMES_MAX is far below it */

const struct fault_description fault_descriptions[FAULT_COUNT] = {
#define FAULT(id, fault_name, argument_name, from, to, what)                                       \
    [FAULT_##id] = {.name = (fault_name),                                                          \
                    .argument = (argument_name),                                                   \
                    .least = (from),                                                               \
                    .most = (to),                                                                  \
                    .text = (what)},
#include "monitor/faults.def"
#undef FAULT
};

struct armed_fault {
    _Atomic int64_t left; /* times; 0: not armed */
    _Atomic int64_t argument;
    _Atomic int64_t ends_us;
    _Atomic uint64_t hits;
    _Atomic uint64_t hits_when_armed; /* of FAULT_NO_MEMORY, whose hits base/alloc.h counts */
};

atomic_uint fault_armed;

static struct armed_fault faults[FAULT_COUNT];
static atomic_bool is_allowed_here;
static pthread_mutex_t arming = PTHREAD_MUTEX_INITIALIZER;

void fault_allow(bool is_allowed)
{
    atomic_store(&is_allowed_here, is_allowed);
}

bool fault_is_allowed(void)
{
    return atomic_load_explicit(&is_allowed_here, memory_order_relaxed);
}

/* The time of day as it would be without FAULT_CLOCK_JUMP, so that a jump neither ends faults early
 * nor keeps them for ever. */
static int64_t without_jump(int64_t now_us)
{
    const struct armed_fault *jump = &faults[FAULT_CLOCK_JUMP];

    return atomic_load(&jump->left) ? now_us - atomic_load(&jump->argument) * 1000 : now_us;
}

/* To zero from whatever it was. */
static void end(enum fault fault)
{
    if (atomic_exchange(&faults[fault].left, 0) != 0) {
        atomic_fetch_sub(&fault_armed, 1);
        if (fault == FAULT_NO_MEMORY) {
            alloc_fail_at(/* nth */ 0, /* times */ 0);
        }
    }
}

static bool is_argument_of(enum fault fault, int64_t argument)
{
    const struct fault_description *description = &fault_descriptions[fault];

    return description->argument[0] == '\0' ||
           (argument >= description->least && argument <= description->most);
}

int fault_arm(enum fault fault, uint64_t times, int64_t argument, unsigned seconds, int64_t now_us)
{
    check_cmp(fault, <, FAULT_COUNT);
    if (!fault_is_allowed()) {
        return ERR_DENIED;
    }
    if (times > FAULT_TIMES_MAX || seconds == 0 || seconds > FAULT_SECONDS_MAX ||
        !is_argument_of(fault, argument)) {
        return ERR_INVALID;
    }
    (void)pthread_mutex_lock(&arming);
    struct armed_fault *armed = &faults[fault];
    int64_t real_us = without_jump(now_us);
    end(fault);
    atomic_store(&armed->argument, argument);
    atomic_store(&armed->ends_us, real_us + (int64_t)seconds * SECOND_US);
    atomic_fetch_add(&fault_armed, 1);
    atomic_store(&armed->left, times ? (int64_t)times : EVERY_TIME);
    if (fault == FAULT_NO_MEMORY) {
        uint64_t refused;

        (void)alloc_is_failing(&refused);
        atomic_store(&armed->hits_when_armed, refused);
        alloc_fail_at((uint64_t)argument, times);
    }
    (void)pthread_mutex_unlock(&arming);
    return OK;
}

void fault_disarm(enum fault fault)
{
    check_cmp(fault, <, FAULT_COUNT);
    (void)pthread_mutex_lock(&arming);
    end(fault);
    (void)pthread_mutex_unlock(&arming);
}

void fault_disarm_all(void)
{
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        fault_disarm((enum fault)i);
    }
}

void fault_tick(int64_t now_us)
{
    uint64_t refused;

    if (atomic_load_explicit(&fault_armed, memory_order_relaxed) == 0) {
        return;
    }
    (void)pthread_mutex_lock(&arming);
    int64_t real_us = without_jump(now_us);
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        if (atomic_load(&faults[i].left) != 0 && real_us >= atomic_load(&faults[i].ends_us)) {
            end((enum fault)i);
        }
    }
    if (!alloc_is_failing(&refused)) {
        end(FAULT_NO_MEMORY); /* the last one has failed */
    }
    (void)pthread_mutex_unlock(&arming);
}

static struct fault_state memory_state(const struct armed_fault *armed)
{
    int64_t left = atomic_load(&armed->left);
    uint64_t refused;
    bool is_armed = alloc_is_failing(&refused) && left != 0;
    uint64_t since = refused - atomic_load(&armed->hits_when_armed);

    return (struct fault_state){
        .is_armed = is_armed,
        .times_left = is_armed && left != EVERY_TIME ? (uint64_t)left - since : 0,
        .hits = refused,
        .argument = is_armed ? atomic_load(&armed->argument) : 0,
        .ends_us = is_armed ? atomic_load(&armed->ends_us) : 0,
    };
}

struct fault_state fault_state(enum fault fault)
{
    check_cmp(fault, <, FAULT_COUNT);
    const struct armed_fault *armed = &faults[fault];
    int64_t left = atomic_load(&armed->left);

    if (fault == FAULT_NO_MEMORY) {
        return memory_state(armed);
    }
    return (struct fault_state){
        .is_armed = left != 0,
        .times_left = left == EVERY_TIME ? 0 : (uint64_t)left,
        .hits = atomic_load(&armed->hits),
        .argument = left ? atomic_load(&armed->argument) : 0,
        .ends_us = left ? atomic_load(&armed->ends_us) : 0,
    };
}

unsigned fault_armed_names(char *ret_text, size_t bytes)
{
    unsigned count = 0;
    size_t used = 0;

    ret_text[0] = '\0';
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        if (fault_state((enum fault)i).is_armed) {
            int length = snprintf(ret_text + used, bytes - used, "%s%s", count ? ", " : "",
                                  fault_descriptions[i].name);

            used = (size_t)length < bytes - used ? used + (size_t)length : bytes - 1;
            count++;
        }
    }
    return count;
}

bool fault_take(enum fault fault, int64_t *ret_argument)
{
    check_cmp(fault, <, FAULT_COUNT);
    struct armed_fault *armed = &faults[fault];
    int64_t left = atomic_load_explicit(&armed->left, memory_order_acquire);
    int64_t argument;

    do {
        if (left == 0) {
            return false;
        }
        argument = atomic_load_explicit(&armed->argument, memory_order_relaxed);
    } while (left != EVERY_TIME &&
             !atomic_compare_exchange_weak_explicit(&armed->left, &left, left - 1,
                                                    memory_order_acq_rel, memory_order_acquire));
    if (left == 1) {
        atomic_fetch_sub(&fault_armed, 1);
    }
    atomic_fetch_add_explicit(&armed->hits, 1, memory_order_relaxed);
    if (ret_argument) {
        *ret_argument = argument;
    }
    return true;
}
