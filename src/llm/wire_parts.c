/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/wire_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

#define TOKENS_MAX UINT32_MAX /* of one count, as records have it */

/* ---- reading ---- */

struct str wire_text_at(struct json_value value, const char *key)
{
    struct str text = {"", 0};

    (void)json_get_str(json_at(value, key), &text);
    return text;
}

struct str wire_event_type(struct str name, struct json_value data)
{
    struct str type = wire_text_at(data, "type");

    if (type.length == 0) {
        return json_is(json_at(data, "error"), JSON_OBJECT) ? STR("error") : name;
    }
    return type;
}

uint64_t wire_index_at(struct json_value value, const char *key, uint64_t otherwise)
{
    uint64_t index = otherwise;

    (void)json_get_u64(json_at(value, key), &index);
    return index;
}

bool wire_count_at(struct json_value value, const char *key, uint64_t *count)
{
    struct json_value member = json_at(value, key);
    uint64_t number;

    if (json_is(member, JSON_MISSING) || json_is(member, JSON_NULL)) {
        return true;
    }
    if (!json_get_u64(member, &number) || number > TOKENS_MAX) {
        return false;
    }
    *count = number;
    return true;
}

struct llm_usage wire_usage_of(const struct wire_inclusive_counts *counts)
{
    uint64_t cached = counts->cache_read + counts->cache_write;

    if (cached > counts->input || counts->reasoning > counts->output) {
        return (struct llm_usage){.is_known = false};
    }
    return (struct llm_usage){.is_known = true,
                              .input_uncached = counts->input - cached,
                              .cache_read = counts->cache_read,
                              .cache_write_5m = counts->cache_write,
                              .output = counts->output,
                              .reasoning = counts->reasoning};
}

/* Some compatible providers count reasoning beside the output: then the total says so, or there is
 * more of it than output. */
static void add_reasoning_beside(struct wire_inclusive_counts *counts, uint64_t total)
{
    if (counts->reasoning > counts->output ||
        (counts->reasoning && total == counts->input + counts->output + counts->reasoning)) {
        counts->output += counts->reasoning;
    }
}

void wire_read_openai_usage(struct llm_reading *reading, struct json_value usage,
                            const struct wire_usage_names *names)
{
    struct json_value input_details = json_at(usage, names->input_details);
    struct json_value output_details = json_at(usage, names->output_details);
    struct wire_inclusive_counts counts = {0};
    uint64_t total = 0;

    if (!json_is(usage, JSON_OBJECT)) {
        return;
    }
    bool is_known = json_is(json_at(usage, names->input), JSON_INTEGER) &&
                    json_is(json_at(usage, names->output), JSON_INTEGER) &&
                    wire_count_at(usage, names->input, &counts.input) &&
                    wire_count_at(usage, names->output, &counts.output) &&
                    wire_count_at(usage, "prompt_cache_hit_tokens", &counts.cache_read) &&
                    wire_count_at(input_details, "cached_tokens", &counts.cache_read) &&
                    wire_count_at(input_details, "cache_write_tokens", &counts.cache_write) &&
                    wire_count_at(output_details, "reasoning_tokens", &counts.reasoning) &&
                    wire_count_at(usage, "total_tokens", &total);
    add_reasoning_beside(&counts, total);
    reading->usage = is_known ? wire_usage_of(&counts) : (struct llm_usage){.is_known = false};
}

/* ---- writing ---- */

/* The shortest digits that read back as the same number. */
static void put_double(struct json_writer *w, double number)
{
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    json_put_raw(w, str_from(text));
}

static void put_scalar(struct json_writer *w, struct json_value value)
{
    bool flag;
    int64_t number;
    uint64_t natural;
    double real;
    struct str text;

    if (json_get_str(value, &text)) {
        json_put_str(w, text);
    } else if (json_get_i64(value, &number)) {
        json_put_i64(w, number);
    } else if (json_get_u64(value, &natural)) {
        json_put_decimal(w, decimal_of((int128)natural, 0));
    } else if (json_get_bool(value, &flag)) {
        json_put_bool(w, flag);
    } else if (json_get_double(value, &real)) {
        put_double(w, real);
    } else {
        json_put_null(w);
    }
}

/* False: nested deeper than the writer goes. At most JSON_WRITE_DEPTH_MAX frames. */
static bool put_value(struct json_writer *w, struct json_value value)
{
    bool is_object = json_is(value, JSON_OBJECT);

    if (!is_object && !json_is(value, JSON_ARRAY)) {
        put_scalar(w, value);
        return true;
    }
    if (w->depth == JSON_WRITE_DEPTH_MAX) {
        return false;
    }
    (is_object ? json_begin_object : json_begin_array)(w);
    for (struct json_iterator it = json_iterate(value); json_next(&it);) {
        if (is_object) {
            json_key_str(w, it.key);
        }
        if (!put_value(w, it.value)) {
            return false;
        }
    }
    (is_object ? json_end_object : json_end_array)(w);
    return true;
}

int wire_print_value(struct json_value value, struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    return put_value(&w, value) ? buf_status(out) : ERR_LIMIT;
}

void wire_put_object(struct json_writer *w, const char *key, struct str json)
{
    json_key(w, key);
    json_put_raw(w, json.length ? json : STR("{}"));
}

void wire_put_text(struct json_writer *w, const char *key, struct str text)
{
    if (text.length) {
        json_key(w, key);
        json_put_str(w, text);
    }
}

bool wire_find_stop(const struct wire_stop *stops, size_t count, struct str reason,
                    enum llm_stop *ret_stop)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(reason, str_from(stops[i].reason))) {
            *ret_stop = stops[i].stop;
            return true;
        }
    }
    return false;
}

static bool is_empty(const struct llm_message *message)
{
    return message->role != LLM_RESULT && message->text.length == 0 && message->call_count == 0;
}

static void end_turn(struct json_writer *w)
{
    json_end_array(w);
    json_end_object(w);
}

void wire_put_turns(struct json_writer *w, const struct llm_request *request,
                    const struct wire_turns *turns)
{
    static const char user[] = "user";
    const char *open = NULL; /* role of the turn that is being written */

    json_key(w, turns->list);
    json_begin_array(w);
    for (size_t i = 0; i < request->message_count; i++) {
        const struct llm_message *message = &request->messages[i];
        const char *role = message->role == LLM_ASSISTANT ? turns->assistant : user;

        if (is_empty(message)) {
            continue;
        }
        if (open && open != role) {
            end_turn(w);
        }
        if (open != role) {
            json_begin_object(w);
            json_key(w, "role");
            json_put_text(w, role);
            json_key(w, turns->parts);
            json_begin_array(w);
            open = role;
        }
        turns->put_parts(w, message);
    }
    if (open) {
        end_turn(w);
    }
    json_end_array(w);
}

struct str wire_args_of(const struct llm_call *call)
{
    return call->args.length ? call->args : STR("{}");
}

const char *wire_write_bearer(struct str key, struct buf *out)
{
    if (key.length == 0) {
        return NULL;
    }
    buf_append(out, STR("Bearer "));
    buf_append(out, key);
    return "Authorization";
}
