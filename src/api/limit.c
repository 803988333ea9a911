/* SPDX-License-Identifier: Apache-2.0 */
#include "api/limit.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/check.h"

#define SETS               (LIMIT_ENTRIES / LIMIT_WAYS)
#define SECOND_NS          INT64_C(1000000000)
#define IPV6_NETWORK_BYTES 8u

struct entry {
    uint64_t hash;   /* 0: free */
    int64_t full_ns; /* when the bucket is full again */
};

struct table {
    struct entry *entries; /* NULL: no rule */
    int64_t interval_ns;
    int64_t capacity_ns; /* burst × interval_ns: how long an empty bucket takes to be full */
    uint64_t burst;
};

struct limits {
    struct table tables[API_LIMIT_COUNT];
    uint64_t seed;
};

static const char *const names[API_LIMIT_COUNT] = {
    [API_LIMIT_ADDRESS] = "address", [API_LIMIT_USER] = "user",     [API_LIMIT_KEY] = "key",
    [API_LIMIT_COSTLY] = "costly",   [API_LIMIT_SECRET] = "secret",
};

static int make_table(struct table *table, const struct api_limit_rule *rule)
{
    if (rule->tokens == 0) {
        return OK;
    }
    check(rule->per_s > 0 && rule->burst > 0);
    int64_t interval_ns = (int64_t)rule->per_s * SECOND_NS / (int64_t)rule->tokens;
    table->interval_ns = interval_ns > 0 ? interval_ns : 1;
    table->burst = rule->burst;
    bool overflows =
        __builtin_mul_overflow(table->interval_ns, (int64_t)rule->burst, &table->capacity_ns);
    check(!overflows && table->capacity_ns < INT64_MAX / 4);
    table->entries = (struct entry *)alloc_zeroed(LIMIT_ENTRIES, sizeof(*table->entries));
    return table->entries ? OK : ERR_NO_MEMORY;
}

int limits_new(const struct api_limit_rule rules[API_LIMIT_COUNT], uint64_t seed,
               struct limits **ret_limits)
{
    struct limits *limits = (struct limits *)alloc_zeroed(1, sizeof(*limits));

    if (!limits) {
        return ERR_NO_MEMORY;
    }
    limits->seed = seed;
    for (size_t i = 0; i < API_LIMIT_COUNT; i++) {
        if (make_table(&limits->tables[i], &rules[i])) {
            limits_free(limits);
            return ERR_NO_MEMORY;
        }
    }
    *ret_limits = limits;
    return OK;
}

void limits_free(struct limits *limits)
{
    if (limits) {
        for (size_t i = 0; i < API_LIMIT_COUNT; i++) {
            alloc_free(limits->tables[i].entries);
        }
        alloc_free(limits);
    }
}

static uint64_t hash_of(const struct limits *limits, struct str key)
{
    uint64_t hash = XXH3_64bits_withSeed(key.data, key.length, limits->seed);

    return hash ? hash : 1;
}

static struct entry *set_of(const struct table *table, uint64_t hash)
{
    return &table->entries[hash % SETS * LIMIT_WAYS];
}

static struct entry *find(struct entry *set, uint64_t hash)
{
    for (size_t i = 0; i < LIMIT_WAYS; i++) {
        if (set[i].hash == hash) {
            return &set[i];
        }
    }
    return NULL;
}

/* The fullest goes. A free place has 0, and is fuller than any. */
static struct entry *fullest(struct entry *set)
{
    struct entry *found = &set[0];

    for (size_t i = 1; i < LIMIT_WAYS; i++) {
        if (set[i].full_ns < found->full_ns) {
            found = &set[i];
        }
    }
    return found;
}

static uint64_t ceil_seconds(int64_t ns)
{
    return ns <= 0 ? 0 : (uint64_t)((ns + SECOND_NS - 1) / SECOND_NS);
}

/* missing_ns: how far from full the bucket is. */
static struct limit_state state_of(const struct table *table, enum api_limit limit,
                                   int64_t missing_ns)
{
    int64_t left_ns = table->capacity_ns - missing_ns;

    return (struct limit_state){.name = names[limit],
                                .is_limited = true,
                                .limit = table->burst,
                                .remaining =
                                    left_ns > 0 ? (uint64_t)(left_ns / table->interval_ns) : 0,
                                .window_s = ceil_seconds(table->capacity_ns),
                                .wait_s = ceil_seconds(table->interval_ns - left_ns)};
}

bool limits_take(struct limits *limits, enum api_limit limit, struct str key, int64_t now_ns,
                 struct limit_state *ret_state)
{
    const struct table *table = &limits->tables[limit];

    if (!table->entries) {
        *ret_state = (struct limit_state){.name = names[limit]};
        return true;
    }
    uint64_t hash = hash_of(limits, key);
    struct entry *set = set_of(table, hash);
    struct entry *entry = find(set, hash);
    int64_t missing_ns = entry && entry->full_ns > now_ns ? entry->full_ns - now_ns : 0;
    if (missing_ns + table->interval_ns > table->capacity_ns) {
        *ret_state = state_of(table, limit, missing_ns);
        return false;
    }
    missing_ns += table->interval_ns;
    entry = entry ? entry : fullest(set);
    *entry = (struct entry){.hash = hash, .full_ns = now_ns + missing_ns};
    *ret_state = state_of(table, limit, missing_ns);
    return true;
}

struct limit_state limits_look(const struct limits *limits, enum api_limit limit, struct str key,
                               int64_t now_ns)
{
    const struct table *table = &limits->tables[limit];

    if (!table->entries) {
        return (struct limit_state){.name = names[limit]};
    }
    uint64_t hash = hash_of(limits, key);
    const struct entry *entry = find(set_of(table, hash), hash);
    return state_of(table, limit, entry && entry->full_ns > now_ns ? entry->full_ns - now_ns : 0);
}

void limit_write_headers(const struct limit_state *state, char ret_limit[LIMIT_HEADER_BYTES],
                         char ret_policy[LIMIT_HEADER_BYTES])
{
    char window[32] = "";

    if (state->window_s) {
        (void)snprintf(window, sizeof(window), ";w=%" PRIu64, state->window_s);
    }
    (void)snprintf(ret_limit, LIMIT_HEADER_BYTES, "\"%s\";r=%" PRIu64 ";t=%" PRIu64, state->name,
                   state->remaining, state->wait_s);
    (void)snprintf(ret_policy, LIMIT_HEADER_BYTES, "\"%s\";q=%" PRIu64 "%s", state->name,
                   state->limit, window);
}

struct str limit_address_key(struct str address, char scratch[LIMIT_ADDRESS_BYTES])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct in6_addr in6;

    if (str_find(address, STR(":"), 0) == SIZE_MAX || address.length >= LIMIT_ADDRESS_BYTES) {
        return address;
    }
    memcpy(scratch, address.data, address.length);
    scratch[address.length] = '\0';
    if (inet_pton(AF_INET6, scratch, &in6) != 1) {
        return address;
    }
    if (memcmp(in6.s6_addr, mapped, sizeof(mapped)) == 0) {
        return inet_ntop(AF_INET, in6.s6_addr + sizeof(mapped), scratch, LIMIT_ADDRESS_BYTES)
                   ? str_from(scratch)
                   : address;
    }
    memcpy(scratch, in6.s6_addr, IPV6_NETWORK_BYTES);
    return (struct str){scratch, IPV6_NETWORK_BYTES};
}
