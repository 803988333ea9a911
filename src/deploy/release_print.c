/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/release.h"

#define SECONDS_PLACES 3

static void put(struct json_writer *w, const char *name, struct str text)
{
    if (text.length) {
        json_key(w, name);
        json_put_str(w, text);
    }
}

static void put_number(struct json_writer *w, const char *name, double number, bool is_known)
{
    bool is_exact;
    struct decimal value = decimal_from_double(is_known ? number : 0, 9, &is_exact);

    json_key(w, name);
    if (is_known && is_exact) {
        json_put_decimal(w, value);
    } else {
        json_put_null(w);
    }
}

static void put_cost(struct json_writer *w, const struct target_answer *cost)
{
    json_begin_object(w);
    json_key(w, "lines");
    json_begin_array(w);
    for (size_t i = 0; i < cost->cost_count; i++) {
        const struct target_cost *line = &cost->costs[i];

        json_begin_object(w);
        put(w, "what", line->what);
        put_number(w, "quantity", line->quantity, line->has_quantity);
        put(w, "unit", line->unit);
        put_number(w, "usd_per_unit", line->usd_per_unit, line->has_price);
        put(w, "source", line->source);
        put(w, "source_date", line->source_date);
        json_end_object(w);
    }
    json_end_array(w);
    put_number(w, "usd_per_month", cost->usd_per_month, cost->has_sum);
    json_end_object(w);
}

static void put_services(struct json_writer *w, const struct release *release)
{
    json_key(w, "services");
    json_begin_array(w);
    for (size_t i = 0; i < release->service_count; i++) {
        const struct release_service *service = &release->services[i];

        json_begin_object(w);
        put(w, "service", service->name);
        put(w, "image", service->image);
        put(w, "public_url", service->public_url);
        put(w, "process_file", service->process_file);
        put(w, "log_file", service->log_file);
        put(w, "data_dir", service->data_dir);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_steps(struct json_writer *w, const struct release *release)
{
    json_key(w, "steps");
    json_begin_array(w);
    for (size_t i = 0; i < release->step_count; i++) {
        const struct release_step *step = &release->steps[i];

        json_begin_object(w);
        json_key(w, "name");
        json_put_text(w, step->name);
        put(w, "service", step->service);
        json_key(w, "outcome");
        json_put_text(w, step->is_done ? "done" : "failed");
        json_key(w, "duration_s");
        json_put_decimal(w, decimal_of(step->duration_us / 1000, SECONDS_PLACES));
        json_end_object(w);
    }
    json_end_array(w);
}

void release_write_json(const struct release *release, struct json_writer *w)
{
    struct str url = release->service_count
                         ? release->services[release->service_count - 1].public_url
                         : (struct str){"", 0};

    json_begin_object(w);
    json_key(w, "revision");
    json_put_text(w, release->revision);
    json_key(w, "outcome");
    json_put_text(w, release_outcome_name(release->outcome));
    put(w, "reason", release->reason);
    put(w, "hint", release->hint);
    json_key(w, "public_url");
    if (url.length) {
        json_put_str(w, url);
    } else {
        json_put_null(w);
    }
    put_services(w, release);
    put_steps(w, release);
    if (release->has_costs) {
        json_key(w, "cost");
        json_begin_object(w);
        json_key(w, "before");
        put_cost(w, &release->cost_before);
        json_key(w, "after");
        put_cost(w, &release->cost_after);
        json_end_object(w);
    }
    json_end_object(w);
}
