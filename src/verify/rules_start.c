/*
 * Why a process does not run: how it ended, what it said, and what the machine says about that.
 * Messages are those that `netra serve` prints when it cannot start; tests/e2e/91-diagnose has each
 * of them from the real program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/facts.h"
#include "verify/rules.h"

#define NOT_RUNNING         "nobody_listens|silent|process_ended|not_netra"
#define SAID                "ended_with_error|log_start_failed|nobody_listens|gone"

#define MEMORY_NEAR_PERCENT 90.0 /* of the limit: what a kill at the limit leaves as a peak */
#define FREE_BYTES_FEW      ((double)(64u << 20))
#define FREE_INODES_FEW     64.0

static bool is_near(const struct observation *const *seen)
{
    double limit = 0;
    double peak = 0;

    return fact_number(seen[1]->value, &limit) && fact_number(seen[2]->value, &peak) && limit > 0 &&
           peak >= limit * MEMORY_NEAR_PERCENT / 100;
}

static bool was_killed_for_memory(const struct observation *const *seen)
{
    double kills = 0;

    return fact_number(seen[1]->value, &kills) && kills > 0;
}

static bool is_few_bytes(const struct observation *const *seen)
{
    double bytes = 0;

    return fact_number(seen[0]->value, &bytes) && bytes < FREE_BYTES_FEW;
}

static bool is_few_inodes(const struct observation *const *seen)
{
    double inodes = 0;

    return fact_number(seen[0]->value, &inodes) && inodes < FREE_INODES_FEW;
}

#define START(pattern)                                                                             \
    {                                                                                              \
        "log", "line * start", pattern                                                             \
    }
#define SAYS "it says: \"{v1}\""

static const struct rule items[] = {
    /* ---- symptoms: without an address only the process or its log is looked at ---- */
    {"",
     {{"process", "state of *", "ended"}},
     NULL,
     "{a1} does not run any more",
     "process_ended",
     NULL},
    {"",
     {{"process", "state of *", "gone*"}},
     NULL,
     "{a1} does not run any more",
     "process_ended",
     NULL},

    {"", {START("*")}, NULL, "the server's start failed, says its log", "log_start_failed", NULL},

    /* ---- how it ended ---- */
    {NOT_RUNNING,
     {{"process", "signal of *", "9 *"},
      {"process", "memory limit of *", "*"},
      {"process", "peak memory of *", "*"}},
     is_near,
     "{a1} was ended by signal {v1}, with a peak of {v3} bytes under a limit of {v2}",
     NULL,
     "memory_killed"},
    {NOT_RUNNING,
     {{"process", "signal of *", "9 *"}, {"process", "kills for memory of *", "*"}},
     was_killed_for_memory,
     "{a1} was ended by signal {v1}, and {v2} kills at its memory limit are counted",
     NULL,
     "memory_killed"},
    {NOT_RUNNING,
     {{"process", "signal of *", "*"}},
     NULL,
     "{a1} was ended by signal {v1}",
     "killed",
     NULL},
    {"killed",
     {{"log", "line * crash", "*"}},
     NULL,
     "the last that it wrote is \"{v1}\"",
     NULL,
     "process_crashed"},
    {"killed",
     {{"process", "kind of signal of *", "a defect of its own"}},
     NULL,
     "such a signal comes from {v1}",
     NULL,
     "process_crashed"},
    {"killed",
     {{"process", "kind of signal of *", "somebody else"}},
     NULL,
     "such a signal comes from {v1}",
     NULL,
     "process_killed"},
    {NOT_RUNNING,
     {{"process", "exit status of *", "127"}, {"log", "line *", "*shared libraries*cannot map*"}},
     NULL,
     "{a1} ended with exit status {v1} while it was loaded: {v2}",
     "no_memory",
     "memory_limit_too_small"},
    {NOT_RUNNING,
     {{"process", "exit status of *", "127"}, {"log", "line *", "*shared libraries*cannot open*"}},
     NULL,
     "{a1} ended with exit status {v1}: {v2}",
     NULL,
     "library_missing"},
    {NOT_RUNNING,
     {{"process", "exit status of *", "127"}},
     NULL,
     "{a1} ended with exit status {v1}: no such program was found",
     NULL,
     "program_missing"},
    {NOT_RUNNING,
     {{"process", "exit status of *", "126"}},
     NULL,
     "{a1} ended with exit status {v1}: the file could not be executed",
     NULL,
     "program_missing"},
    {NOT_RUNNING,
     {{"process", "exit status of *", "0"}},
     NULL,
     "{a1} ended in order, with exit status {v1}",
     "ended_in_order",
     "stopped_in_order"},
    {"ended_in_order|gone",
     {{"log", "line * stop", "*"}},
     NULL,
     "it was told to: \"{v1}\"",
     NULL,
     "stopped_in_order"},
    {NOT_RUNNING,
     {{"process", "exit status of *", "*"}},
     NULL,
     "{a1} ended with exit status {v1}",
     "ended_with_error",
     NULL},
    {NOT_RUNNING, {{"process", "state of *", "gone*"}}, NULL, "{a1} is {v1}", "gone", NULL},

    /* ---- what it said: the certain before the general ---- */
    {SAID,
     {START("*cannot listen on *address already in use*")},
     NULL,
     SAYS,
     "port_taken",
     "port_taken"},
    {"port_taken",
     {{"port", "listener of *", "process *"}},
     NULL,
     "{v1} listens on {a1}",
     NULL,
     "port_taken"},
    {SAID,
     {START("*cannot listen on *address not available*")},
     NULL,
     SAYS,
     NULL,
     "listen_address_not_here"},
    {SAID, {START("*cannot listen on *permission denied*")}, NULL, SAYS, NULL, "port_privileged"},
    {SAID, {START("*will not listen on *")}, NULL, SAYS, NULL, "listen_address_refused"},
    {SAID, {START("*process * is using it*")}, NULL, SAYS, "data_dir_locked", "data_dir_locked"},
    {"data_dir_locked",
     {{"disk", "lock of *", "held by *"}},
     NULL,
     "the lock of {a1} is {v1}",
     NULL,
     "data_dir_locked"},
    {SAID, {START("*accounts mode needs a secret*")}, NULL, SAYS, NULL, "secret_missing"},
    {SAID, {START("*secret does not open the signing key*")}, NULL, SAYS, NULL, "secret_wrong"},
    {SAID, {START("*others may use the key file*")}, NULL, SAYS, NULL, "secret_file_open"},
    {SAID,
     {START("*cannot use the private key*key values mismatch*")},
     NULL,
     SAYS,
     NULL,
     "certificate_key_mismatch"},
    {SAID, {START("*cannot use the certificate*")}, NULL, SAYS, NULL, "certificate_unusable"},
    {SAID, {START("*cannot use the private key*")}, NULL, SAYS, NULL, "certificate_unusable"},
    {SAID,
     {START("*netra.db: it is of version *, and this program knows versions up to *")},
     NULL,
     SAYS,
     "newer_netra",
     "database_newer"},
    {"newer_netra",
     {{"disk", "file */netra.db", "SQLite database of version *"}},
     NULL,
     "{a1}/netra.db is an {v1}",
     NULL,
     "database_newer"},
    {SAID,
     {START("*it is of version *, and this program knows versions up to *")},
     NULL,
     SAYS,
     "newer_usage",
     "database_newer"},
    {"newer_usage",
     {{"disk", "file */usage.db", "SQLite database of version *"}},
     NULL,
     "{a1}/usage.db is an {v1}",
     NULL,
     "database_newer"},
    {SAID, {START("*another program's file*")}, NULL, SAYS, NULL, "database_foreign"},
    {SAID, {START("*file is not a database*")}, NULL, SAYS, "corrupt", "database_corrupt"},
    {SAID,
     {START("*database disk image is malformed*")},
     NULL,
     SAYS,
     "corrupt",
     "database_corrupt"},
    {"corrupt",
     {{"disk", "file *", "no SQLite database*"}},
     NULL,
     "{a1} is {v1}",
     NULL,
     "database_corrupt"},
    {SAID, {START("*ead-only file system*")}, NULL, SAYS, "read_only", "file_system_read_only"},
    {SAID, {START("*readonly database*")}, NULL, SAYS, "read_only", "data_dir_not_writable"},
    {"read_only",
     {{"disk", "mount of *", "read-only"}},
     NULL,
     "the disk of {a1} is mounted {v1}",
     NULL,
     "file_system_read_only"},
    {SAID,
     {START("netra: cannot make *ermission denied*")},
     NULL,
     SAYS,
     "not_writable",
     "data_dir_not_writable"},
    {SAID,
     {START("netra: cannot open *ermission denied*")},
     NULL,
     SAYS,
     "not_writable",
     "data_dir_not_writable"},
    {SAID, {START("*unable to open database file*")}, NULL, SAYS, "not_writable", NULL},
    {"not_writable",
     {{"disk", "rights of *", "a folder*"}},
     NULL,
     "{a1} is {v1}",
     NULL,
     "data_dir_not_writable"},
    {SAID, {START("*o space left on device*")}, NULL, SAYS, "full", "disk_full"},
    {SAID, {START("*database or disk is full*")}, NULL, SAYS, "full", "disk_full"},
    {SAID, {START("*disk I/O error*")}, NULL, SAYS, "full", NULL},
    {"full",
     {{"disk", "free bytes of *", "*"}},
     is_few_bytes,
     "{v1} bytes are free where {a1} is",
     NULL,
     "disk_full"},
    {"full",
     {{"disk", "free files of *", "*"}},
     is_few_inodes,
     "{v1} more files may be made where {a1} is",
     NULL,
     "disk_full"},
    {SAID, {START("*no memory for*")}, NULL, SAYS, "no_memory", "memory_limit_too_small"},
    {SAID, {START("*out of memory*")}, NULL, SAYS, "no_memory", "memory_limit_too_small"},
    {"no_memory",
     {{"process", "memory limit of *", "*"}},
     NULL,
     "the memory limit of {a1} is {v1}",
     NULL,
     "memory_limit_too_small"},
    {SAID, {START("*there is no key for it*")}, NULL, SAYS, NULL, "model_key_missing"},
    {SAID,
     {START("*"), {"process", "exit status of *", "2"}},
     NULL,
     "it refuses its configuration: \"{v1}\"",
     NULL,
     "config_invalid"},
    {SAID,
     {START("*: there is no key '*")},
     NULL,
     "it refuses its configuration: \"{v1}\"",
     NULL,
     "config_invalid"},
    {SAID, {START("*")}, NULL, SAYS, NULL, "start_failed"},
};

const struct rules rules_of_starts = {items, ARRAY_LENGTH(items)};
