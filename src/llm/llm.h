/*
 * llm: asks a chain of models. The first that gives a whole answer wins; who asks is told what came
 * of each attempt. When nobody can answer, that is an answer too (ERR_IO and the attempts): the
 * caller goes on without a model.
 *
 *     llm_ask → provider 1: attempt, wait, attempt → provider 2: … → on_done
 *
 *     the same provider again, after a wait: 429, 408, 409, 5xx, 529, no connection, a broken or
 *     silent stream. The wait is full jitter (random in 0 … wait_ms_first·2^n, at most
 *     wait_ms_max), or what Retry-After says; when that is more than wait_ms_max, or the question's
 *     time would be up by then, the next provider.
 *
 *     the next provider, at once: 400, 401, 403, 404 and other 4xx; an answer that is malformed,
 *     too long, cut or refused; an attempt that took total_timeout_ms; attempts_max attempts; a
 *     breaker that is open.
 *
 *     breaker, of each provider: opens after breaker_failures attempts in a row that failed (not
 *     for 4xx other than 429), lets one through after breaker_open_ms, closes when that one
 *     succeeds.
 *
 * A waiting question holds no thread. Loop thread; callbacks run from events of the loop, never
 * from within llm_ask, and none after llm_cancel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LLM_LLM_H
#define NETRA_LLM_LLM_H

#include "http/client.h"
#include "llm/wire.h"
#include "price/price_book.h"

#define LLM_PROVIDERS_MAX 8u   /* of a chain */
#define LLM_ATTEMPTS_MAX  24u  /* of one question; the links share them, whatever is configured */
#define LLM_ASKS_MAX      256u /* under way at once (some 0.75 MB a run); more: ERR_LIMIT */
#define LLM_FAILURE_BYTES 240u /* of a sentence that says why an attempt failed, with its NUL */

/* One link of the chain. Texts are copied. */
struct llm_provider {
    struct str name; /* of the configuration: "openai", "anthropic", "gemini", "compatible" */
    struct str
        price_provider; /* OpenTelemetry name: "openai", "anthropic", "gcp.gemini"; may be empty */
    const struct llm_wire *wire;
    struct str url; /* base, without a slash at its end */
    struct str key; /* secret; empty: none is sent */
    struct str model;
};

struct llm_limits {
    unsigned attempts_max; /* per provider, 1 … */
    uint64_t wait_ms_first;
    uint64_t wait_ms_max;
    uint64_t connect_timeout_ms;
    uint64_t
        first_token_timeout_ms;   /* from the start of an attempt to the first byte of its body */
    uint64_t idle_timeout_ms;     /* between two pieces */
    uint64_t total_timeout_ms;    /* of one attempt */
    uint64_t question_timeout_ms; /* of all attempts together */
    unsigned breaker_failures;
    uint64_t breaker_open_ms;
};

struct llm_options {
    struct loop *loop;
    struct http_client *client;
    const struct llm_provider *providers;
    size_t provider_count; /* at least 1 */
    struct llm_limits limits;
    int64_t (*clock_us)(void); /* time of day, for records */
    uint64_t seed;             /* of the jitter */
};

enum llm_outcome {
    LLM_ANSWERED,
    LLM_REFUSED, /* by the provider: 4xx, or its filters */
    LLM_LIMITED, /* 429 */
    LLM_FAILED,  /* 5xx, no connection, an error in the stream */
    LLM_TIMED_OUT,
    LLM_MALFORMED,    /* not of the format, half a stream, too long */
    LLM_BREAKER_OPEN, /* not asked */
    LLM_OVER_BUDGET,  /* not asked */
    LLM_CANCELLED     /* the caller went away; it may have cost something */
};
const char *llm_outcome_name(enum llm_outcome outcome); /* "answered", "limited" … */

/* One attempt: the record of a call. Texts are borrowed for the callback. */
struct llm_attempt {
    unsigned provider; /* index into the chain */
    struct str provider_name;
    struct str price_provider;
    struct str model; /* as configured */
    enum llm_outcome outcome;
    int status;      /* of HTTP; 0: none */
    bool never_sent; /* no connection came about: no model has seen it */
    int64_t started_us;
    uint64_t latency_us;
    uint64_t first_token_us; /* 0: none came */
    struct llm_usage usage;
    struct str response_id;
    char failure[LLM_FAILURE_BYTES]; /* a sentence; empty when answered; never a key */
};

/* False: its link was passed over, and no request was made. */
static inline bool llm_attempt_was_made(const struct llm_attempt *attempt)
{
    return attempt->outcome != LLM_BREAKER_OPEN && attempt->outcome != LLM_OVER_BUDGET;
}

struct llm_listener {
    void (*on_text)(struct str delta, void *arg); /* may be NULL */
    /* What came as text is void: its attempt has failed. Only after an on_text; at once, also when
     * the question ends with it. May be NULL. */
    void (*on_again)(void *arg);
    /* code: OK: answer is whole and moved to the listener by value (llm_answer_done frees it);
     * ERR_IO: nobody could answer; ERR_LIMIT: over budget. attempts are in order. */
    void (*on_done)(int code, struct llm_answer *answer, const struct llm_attempt *attempts,
                    size_t attempt_count, void *arg);
};

struct llm;
typedef uint64_t llm_id; /* 0 is none */

/* ERR_INVALID: no link or too many of them, no attempt, no failure. ERR_LIMIT: an address or a key
 * that is too long. ERR_NO_MEMORY. The client must outlive the chain. */
must_check int llm_new(const struct llm_options *options, struct llm **ret_llm,
                       struct error *error);

/* Cancels what is under way without telling; loop_free finishes it. Also from within a callback.
 * NULL is allowed. */
void llm_free(struct llm *llm);

/* The bodies are written at once, so request is only borrowed. tokens_left: what this run may still
 * use; a question whose estimate (llm_estimate) is above is answered ERR_LIMIT with one attempt
 * LLM_OVER_BUDGET. ERR_LIMIT (LLM_ASKS_MAX, or a body over LLM_REQUEST_BYTES_MAX), ERR_NO_MEMORY:
 * then no callback runs. */
must_check int llm_ask(struct llm *llm, const struct llm_request *request, uint64_t tokens_left,
                       const struct llm_listener *listener, void *arg, llm_id *ret_id,
                       struct error *error);

/* No callback runs any more. The attempt under way is told to nobody. Also from within a callback;
 * nothing happens when the question has ended already. */
void llm_cancel(struct llm *llm, llm_id id);

unsigned llm_count(const struct llm *llm); /* questions under way */

/* Tokens that a question may cost at most, guessed high: a token for three bytes of the body, and
 * output_tokens_max. For the budget only, never shown. */
uint64_t llm_estimate(const struct llm_request *request);

/* What is known of a link of the chain, for settings and health. */
struct llm_state {
    struct str name;
    struct str model;
    const char *wire;
    struct str url;
    bool has_key;
    const char *breaker; /* "closed", "open", "half_open" */
    uint64_t attempts;
    uint64_t answered;
    char last_failure[LLM_FAILURE_BYTES]; /* empty: none yet */
};
size_t llm_provider_count(const struct llm *llm);
void llm_provider_state(const struct llm *llm, size_t index, struct llm_state *ret_state);

/* The request exactly as it would be sent to a link: method and address, headers with the key
 * replaced by "…", body. As text; what the client adds (Host, User-Agent, Content-Length) and the
 * traceparent, which is another one each time, are not in it. out fails with ERR_LIMIT where
 * llm_ask would. */
void llm_print_request(const struct llm_provider *provider, const struct llm_request *request,
                       struct buf *out);

/* ---- calls as records ---- */

/* The attempt's cost by the book; false when it is unknown: no price, no price_provider (who runs
 * the model is not known then), or the provider did not say how many tokens (then nobody may take
 * it for $0). An attempt that never reached a model costs 0. */
bool llm_attempt_cost(const struct llm_attempt *attempt, const struct price_book *book,
                      int64_t *ret_pico_usd);

#endif
